"""Telephone channels: what lies between a mouth, or a machine, and the detector.

Every draw of both classes goes through the same chain with the same chances, so that no codec, bandwidth, level or noise
tells the class. Codecs with state come from the stored copies of the clips; the rest is done here, sample by sample.
"""
import numpy as np
import scipy.fft
from scipy.signal import resample_poly

import g711


# What a plain window is spared (see `plain` of the configuration).
PLAIN = {"raw_boost": 0.0, "reverb": 0.0, "noise": 0.0, "gain_control": 0.0, "soft_clip": 0.0, "tandem": 0.0, "packet_loss": 0.0}


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


def _pitch_lag(past, rate):
    """Lag of the strongest repetition between 66 and 200 Hz."""
    shortest, longest = rate // 200, rate // 66
    recent = past[-longest:]
    products = [float(recent @ past[-longest - lag:len(past) - lag]) for lag in range(shortest, longest)]
    return shortest + int(np.argmax(products))


def lose_packets(x, rate, rng, loss_rate):
    """20 ms packets are lost in short bursts. The receiver fills in zeros, or the last packet, faded, or repeats the last pitch period and fades
    that (after ITU-T G.711 Appendix I)."""
    size, x = rate // 50, x.copy()
    concealment, burst = rng.choice(["zeros", "repeat", "pitch"], p=[0.3, 0.3, 0.4]), rng.uniform(1, 3)
    lost = rng.random(len(x) // size) < loss_rate / burst
    for k in np.nonzero(lost)[0]:
        start, stop = int(k) * size, min(int(k) + int(rng.geometric(1 / burst)), len(x) // size) * size
        n = stop - start
        fade = np.maximum(0.8 ** (1 + np.arange(n) // size), 0.0).astype(np.float32)
        if concealment == "zeros" or start < rate // 16:
            x[start:stop] = 0
        elif concealment == "repeat":
            x[start:stop] = fade * np.resize(x[start - size:start], n)
        else:
            lag = _pitch_lag(x[max(0, start - rate // 16):start], rate)
            x[start:stop] = fade * np.resize(x[start - lag:start], n)
    return x


def gain_control(x, rate, rng):
    """Automatic gain: the level of speech is pulled towards one value, in part, over some 100 ms."""
    hop = rate // 50
    level = np.sqrt(np.convolve(x ** 2, np.ones(hop, np.float32) / hop, "same")[::hop] + 1e-7)
    decay, held = np.exp(-0.02 / rng.uniform(0.1, 0.6)), level.copy()
    for k in range(1, len(held)):
        held[k] = max(level[k], decay * held[k - 1])
    strength = rng.uniform(0.2, 0.8)
    gain = (held.mean() / np.maximum(held, 0.05 * held.max())) ** strength
    return x * np.interp(np.arange(len(x)), np.arange(len(gain)) * hop, gain).astype(np.float32)


def raw_boost(x, rng):
    """Noise that depends on the signal, after RawBoost (Tak et al., ICASSP 2022): a weak random filter of powers of the signal, and impulses that
    scale with it."""
    y, peak = x.copy(), max(float(np.abs(x).max()), 1e-4)
    for power in range(2, 2 + int(rng.integers(1, 4))):
        taps = rng.standard_normal(int(rng.integers(5, 40))).astype(np.float32)
        taps *= 10 ** (rng.uniform(-30, -12) / 20) / np.linalg.norm(taps)
        y += np.convolve(peak * (x / peak) ** power, taps, "same")
    at = rng.random(len(x)) < rng.uniform(0, 0.05)
    y[at] += y[at] * rng.uniform(-0.6, 0.6, int(at.sum())).astype(np.float32)
    return y


def rms(x):
    return float(np.sqrt(np.mean(np.square(x)) + 1e-12))


class Channel:
    """The chain with its chances (`[channels]` of the configuration), its noises and its rooms."""

    def __init__(self, config, rate, noise, rooms):
        self.config, self.rate, self.noise, self.rooms = config, rate, noise, rooms

    def __call__(self, x, rng, plain=False):
        """x after the chain; a plain window knows a handset, a band, a level and, on a narrow line, G.711 alone."""
        c = {**self.config, **PLAIN} if plain else self.config
        x = self._dither(x, rng)
        if rng.random() < c["raw_boost"]:
            x = raw_boost(x, rng)
        x = self._analogue(x, rng, c)
        if rng.random() < c["gain_control"]:
            x = gain_control(x, self.rate, rng)
        x = x * (10 ** (_uniform(rng, c["level_dbfs"]) / 20) / rms(x))
        if rng.random() < c["soft_clip"]:
            drive = rng.uniform(1, 4) / max(float(np.abs(x).max()), 1e-4)
            x = np.tanh(x * drive) / drive
        if self.rate > 8000 and rng.random() < c["narrow_line"]:
            x = resample_poly(self._line(resample_poly(x, 8000, self.rate).astype(np.float32), 8000, rng, c), self.rate, 8000)[:len(x)]
        elif self.rate > 8000:
            x = self._packets(x, self.rate, rng, c)
        else:
            x = self._line(x, self.rate, rng, c)
        return x.astype(np.float32)

    def _line(self, x, rate, rng, c):
        """A narrow line: G.711, a second pass where two networks meet, lost packets."""
        if rng.random() < c["g711"]:
            law = "mulaw" if rng.random() < 0.5 else "alaw"
            x = g711.code_and_decode(x, law)
            if rng.random() < c["tandem"]:
                x = g711.code_and_decode(x * rng.uniform(0.3, 1.0), "alaw" if rng.random() < 0.5 else law)
        return self._packets(x, rate, rng, c)

    def _packets(self, x, rate, rng, c):
        lossy = rng.random() < c["packet_loss"]
        return lose_packets(x, rate, rng, _uniform(rng, c["packet_loss_rate"])) if lossy else x

    def _dither(self, x, rng):
        level = 10 ** (_uniform(rng, self.config["dither_db"]) / 20) * max(float(np.abs(x).max()), 1e-3)
        return x + level * rng.standard_normal(len(x), np.float32)

    def _analogue(self, x, rng, c):
        """Room, noise, handset and line in one product of spectra."""
        room = None
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
            # The textbook line, 300 to 3400 Hz and steep, is the commonest; around it lies every other one.
            plain = rng.random() < c["textbook_band"]
            low, high = (300.0, 3400.0) if plain else (_uniform(rng, c["band_low_hz"]), _uniform(rng, c["band_high_hz"]))
            gain *= butterworth_gain(frequencies, low, high, 6 if plain else int(rng.integers(2, 9)))
        return scipy.fft.irfft(spectrum * gain, n)[:len(x)]

    def _noise_spectrum(self, samples, n, bins, rng):
        if self.noise is None or not len(self.noise) or rng.random() < 0.35:
            return coloured_noise(bins, rng)
        noise = self.noise[int(rng.integers(len(self.noise)))]
        return scipy.fft.rfft(np.roll(np.resize(noise, samples), int(rng.integers(samples))), n)
