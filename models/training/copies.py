"""Clips after a telephone codec: the same speech after another way.

A codec runs once over many clips, laid end to end with a little silence between them, and what comes out is cut apart again. Both classes go through the same stream.
"""
import os
import pathlib

import numpy as np
from scipy.signal import resample_poly

import phone_codecs
from corpus import Store

GAP = phone_codecs.RATE // 5
# Joined clips go through a codec in parts of this many seconds: memory, and the codecs' own limits.
PART_SECONDS = 900


def _delay(x, y):
    """Samples by which y lags x, over the first 20 s."""
    n = min(len(x), len(y), 20 * phone_codecs.RATE)
    a, b = np.fft.rfft(x[:n].astype(np.float32), 2 * n), np.fft.rfft(y[:n].astype(np.float32), 2 * n)
    return int(np.argmax(np.fft.irfft(np.conj(a) * b)[:8000]))


def _to_peak(x):
    return x * (0.9 / max(float(np.abs(x).max()), 1e-3))


def coded(clips, names, rng):
    """Clips (float32 at 16 kHz) through codecs, each at a level of its own so that no level belongs to a codec."""
    part, length = [], 0
    for last, x in ((k == len(clips) - 1, clips[k]) for k in range(len(clips))):
        part.append(np.round(_to_peak(x) * 10 ** (rng.uniform(-18, 0) / 20) * 32767).astype(np.int16))
        length += len(x) + GAP
        if last or length > PART_SECONDS * phone_codecs.RATE:
            yield from _cut_apart(part, names)
            part, length = [], 0


def _cut_apart(part, names):
    silence = np.zeros(GAP, np.int16)
    x = np.concatenate([piece for clip in part for piece in (clip, silence)])
    y = phone_codecs.through(names, x)
    lag = _delay(x, y)
    y = np.concatenate([y[lag:], np.zeros(lag + GAP, np.int16)])
    at = 0
    for clip in part:
        yield _to_peak(y[at:at + len(clip)].astype(np.float32) / 32768)
        at += len(clip) + GAP


def at_rate(clips, name, rate):
    """Clips (a list, or a store, at 16 kHz) after a codec, at `rate`."""
    for x in coded(clips, name, np.random.default_rng([1, *name.encode()])):
        yield x if rate == phone_codecs.RATE else resample_poly(x, rate, phone_codecs.RATE).astype(np.float32)


def coded_store(cache, base, clips, name, rate):
    """The store of all clips of a store at 16 kHz through one codec, made on the first call."""
    path = pathlib.Path(cache) / f"{base}_{name}_{rate}.i16"
    listing = path.with_suffix(".which")
    if not (path.exists() and listing.exists() and listing.read_text() == clips.fingerprint):
        Store.write(path, at_rate(clips, name, rate))
        part = listing.with_suffix(f".{os.getpid()}.part")
        part.write_text(clips.fingerprint)
        part.rename(listing)
    return Store(path)
