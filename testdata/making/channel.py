"""The telephone channel: band, level, line noise, codec, lost packets. All at 8 kHz."""

from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, ellip, sosfilt

from .ffmpeg import round_trip
from .voices import RATE_HZ

FRAME = RATE_HZ // 50  # 20 ms, the usual RTP packet


@dataclass(frozen=True)
class Channel:
    """`codec` is `alaw`, `mulaw` or `gsm`; `loss` is the share of 20 ms packets that is lost."""

    codec: str = "mulaw"
    level_dbfs: float = -22.0
    snr_db: float = 36.0
    loss: float = 0.0

    def __str__(self):
        names = {"alaw": "G.711 A-law", "mulaw": "G.711 mu-law", "gsm": "GSM-FR round trip"}
        parts = [
            "300-3400 Hz",
            names[self.codec],
            f"speech {self.level_dbfs:g} dBFS",
            f"line noise {self.snr_db:g} dB below",
        ]
        if self.loss:
            parts.append(f"{self.loss:.0%} of packets lost in bursts, frame repetition")
        return ", ".join(parts)

    def carry(self, speech, seed):
        """What the recorder hears of `speech`, as float64 in [-1, 1]."""
        random = np.random.RandomState(seed)  # numpy keeps this generator's stream frozen
        line = at_level(telephone_band(speech), self.level_dbfs)
        line = line * _drift(line.size, random)
        line = line + _noise(line.size, self.level_dbfs - self.snr_db, random)
        if np.max(np.abs(line)) > 1.0:
            raise RuntimeError(f"the channel would clip: lower level_dbfs from {self.level_dbfs}")
        line = round_trip(line, self.codec, RATE_HZ)
        return conceal(line, lost_frames(line.size, self.loss, random)) if self.loss else line


def telephone_band(samples):
    """300 to 3400 Hz, about as steep as a line card's filter."""
    high = butter(4, 300.0, "highpass", fs=RATE_HZ, output="sos")
    low = ellip(6, 0.5, 45.0, 3400.0, "lowpass", fs=RATE_HZ, output="sos")
    return sosfilt(low, sosfilt(high, samples))


def at_level(samples, level_dbfs):
    """Scaled so that the frames with speech in them have that RMS; pauses do not count."""
    usable = samples[: samples.size // FRAME * FRAME].reshape(-1, FRAME)
    power = np.mean(usable**2, axis=1)
    if power.size == 0 or power.max() == 0.0:
        return samples
    active = np.sqrt(np.mean(power[power > power.max() * 1e-3]))
    return samples * (10.0 ** (level_dbfs / 20.0) / active)


def lost_frames(n_samples, share, random):
    """Bursts of one to three packets, `share` of all packets on average."""
    lost = np.zeros(n_samples // FRAME, dtype=bool)
    for start in np.flatnonzero(random.random_sample(lost.size) < share / 2.0):
        lost[start : start + random.randint(1, 4)] = True
    return lost


def conceal(samples, lost):
    """Each lost packet is the last one that came, at half its level: the cheapest concealment."""
    patched = samples.copy()
    for frame in np.flatnonzero(lost):
        if frame > 0:
            here = slice(frame * FRAME, (frame + 1) * FRAME)
            before = slice((frame - 1) * FRAME, frame * FRAME)
            patched[here] = 0.5 * patched[before]
    return patched


def _drift(n_samples, random):
    """A speaker who moves: up to 2 dB either way, over some seconds."""
    seconds = np.arange(n_samples) / RATE_HZ
    decibels = 2.0 * np.sin(2 * np.pi * (seconds / 7.0 + random.random_sample()))
    return 10.0 ** (decibels / 20.0)


def _noise(n_samples, level_dbfs, random):
    noise = telephone_band(random.standard_normal(n_samples))
    return noise * (10.0 ** (level_dbfs / 20.0) / np.sqrt(np.mean(noise**2)))
