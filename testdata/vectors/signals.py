"""Inputs of the vectors: short, seeded, and exactly what a reader of 32-bit floats sees."""

import numpy as np


def as_written(samples):
    """Rounded to the six decimals that stand in the JSON, then to float32 as the library reads them."""
    return np.round(samples, 6).astype(np.float32).astype(np.float64)


def chirp_and_noise(rate_hz, n_samples, seed):
    """A chirp across the band, a buzz with harmonics and noise, so that no bin is empty."""
    seconds = np.arange(n_samples) / rate_hz
    duration = n_samples / rate_hz
    rising = 100.0 + 0.45 * rate_hz * seconds / (2 * duration)
    chirp = 0.3 * np.sin(2 * np.pi * rising * seconds)
    buzz = sum(0.1 / n * np.sin(2 * np.pi * 140.0 * n * seconds) for n in range(1, 8))
    noise = 0.02 * np.random.RandomState(seed).standard_normal(n_samples)
    return as_written(chirp + buzz + noise)


def pulses(rate_hz, n_samples, seed):
    """A pulse every 10 ms and nothing between."""
    samples = np.zeros(n_samples)
    samples[seed :: rate_hz // 100] = 0.5
    return as_written(samples)


def tone(rate_hz, n_samples, seed):
    """One tone; the bands far from it hold nothing."""
    return as_written(0.3 * np.sin(2 * np.pi * 425.0 * np.arange(n_samples) / rate_hz + seed))


def speech_then_silence(rate_hz, n_samples, seed):
    """The same with a second half of exact zeros: the log floor must hold there."""
    samples = chirp_and_noise(rate_hz, n_samples, seed)
    samples[n_samples // 2 :] = 0.0
    return samples
