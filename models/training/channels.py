"""Telephone channels: what lies between a mouth, or a machine, and the detector.

Every draw of both classes goes through the same chain with the same chances, so that no codec, bandwidth, level or noise
tells the class. Codecs with state come from the stored variants of the clips; the rest is done here, sample by sample.
"""
import numpy as np
import scipy.fft

import g711


def _uniform(rng, edges):
    return float(rng.uniform(*edges))


def butterworth_gain(frequencies, low, high, order):
    """Magnitude of a Butterworth band-pass. Zero phase: the features do not see phase, and it costs one product."""
    f = np.maximum(frequencies, 1e-3)
    return (1 / np.sqrt((1 + (low / f) ** (2 * order)) * (1 + (f / high) ** (2 * order)))).astype(np.float32)


def equaliser_gain(frequencies, rng, extent_db):
    """A smooth random curve over a logarithmic frequency axis: handsets and microphones."""
    knots = np.geomspace(100, frequencies[-1], 7)
    curve = np.interp(np.log(np.maximum(frequencies, 50)), np.log(knots), rng.uniform(-extent_db, extent_db, 7))
    return (10 ** (curve / 20)).astype(np.float32)


def coloured_noise(bins, rng):
    """Spectrum of noise that falls by 0 to 6 dB per octave: line hiss, fans, traffic."""
    slope = rng.uniform(0, 1)
    spectrum = rng.standard_normal(bins, np.float32) + 1j * rng.standard_normal(bins, np.float32)
    return spectrum / np.maximum(np.arange(bins, dtype=np.float32), 10) ** slope


def lose_packets(x, rate, rng, loss_rate):
    """20 ms packets are lost in short bursts; the receiver fills in zeros, or the last packet, faded."""
    size, x = rate // 50, x.copy()
    repeat, burst = rng.random() < 0.6, rng.uniform(1, 3)
    lost = rng.random(len(x) // size) < loss_rate / burst
    for k in np.nonzero(lost)[0]:
        fade = 0.8 if repeat and k else 0.0
        for j in range(int(k), min(int(k) + int(rng.geometric(1 / burst)), len(x) // size)):
            source = x[(j - 1) * size:j * size] if j else np.zeros(size, np.float32)
            x[j * size:(j + 1) * size] = fade * source
    return x


def rms(x):
    return float(np.sqrt(np.mean(np.square(x)) + 1e-12))


class Channel:
    """The chain with its chances (`[channels]` of the configuration), its noises and its rooms."""

    def __init__(self, config, rate, noise, rooms):
        self.config, self.rate, self.noise, self.rooms = config, rate, noise, rooms

    def __call__(self, x, rng):
        c = self.config
        x = self._dither(x, rng)
        x = self._analogue(x, rng)
        x = x * (10 ** (_uniform(rng, c["level_dbfs"]) / 20) / rms(x))
        if rng.random() < c["soft_clip"]:
            drive = rng.uniform(1, 4) / max(float(np.abs(x).max()), 1e-4)
            x = np.tanh(x * drive) / drive
        if rng.random() < c["g711"]:
            law = "mulaw" if rng.random() < 0.5 else "alaw"
            x = g711.code_and_decode(x, law)
            if rng.random() < c["tandem"]:
                x = g711.code_and_decode(x * rng.uniform(0.3, 1.0), "alaw" if rng.random() < 0.5 else law)
        if rng.random() < c["packet_loss"]:
            x = lose_packets(x, self.rate, rng, _uniform(rng, c["packet_loss_rate"]))
        return x.astype(np.float32)

    def _dither(self, x, rng):
        level = 10 ** (_uniform(rng, self.config["dither_db"]) / 20) * max(float(np.abs(x).max()), 1e-3)
        return x + level * rng.standard_normal(len(x), np.float32)

    def _analogue(self, x, rng):
        """Room, noise, handset and line in one product of spectra."""
        c, room = self.config, None
        if self.rooms and rng.random() < c["reverb"]:
            room = self.rooms[int(rng.integers(len(self.rooms)))]
        n = scipy.fft.next_fast_len(len(x) + (len(room) if room is not None else 400), real=True)
        spectrum = scipy.fft.rfft(x, n)
        frequencies = np.linspace(0, self.rate / 2, len(spectrum))
        if room is not None:
            wet = spectrum * scipy.fft.rfft(room, n)
            # Between the dry and the wet sound lies the distance to the microphone.
            spectrum = spectrum + (wet - spectrum) * np.float32(rng.uniform(0.3, 1.0))
        if rng.random() < c["noise"]:
            noise = self._noise_spectrum(len(x), n, len(spectrum), rng)
            ratio = np.linalg.norm(spectrum) / max(float(np.linalg.norm(noise)), 1e-9)
            spectrum = spectrum + noise * np.float32(ratio * 10 ** (-_uniform(rng, c["noise_snr_db"]) / 20))
        gain = np.ones(len(spectrum), np.float32)
        if rng.random() < c["equaliser"]:
            gain *= equaliser_gain(frequencies, rng, c["equaliser_db"])
        if rng.random() < c["band"]:
            low, high = _uniform(rng, c["band_low_hz"]), _uniform(rng, c["band_high_hz"])
            gain *= butterworth_gain(frequencies, low, high, int(rng.integers(2, 9)))
        return scipy.fft.irfft(spectrum * gain, n)[:len(x)]

    def _noise_spectrum(self, samples, n, bins, rng):
        if self.noise is None or not len(self.noise) or rng.random() < 0.35:
            return coloured_noise(bins, rng)
        noise = self.noise[int(rng.integers(len(self.noise)))]
        return scipy.fft.rfft(np.roll(np.resize(noise, samples), int(rng.integers(samples))), n)
