"""Small pictures of a call's legs for people to look at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ._sources import float32
from .features import log_spectrogram
from .report import Report

#: Size of a picture at most, in columns of time and rows of frequency.
N_TIMES, N_FREQUENCIES = 600, 128
#: What lies this far below the loudest point of a call is shown like silence.
RANGE_DB = 70.0


def with_spectrogram(report: Report, samples: NDArray[np.float32] | NDArray[np.int16], rate: int) -> Report:
    """The report with pictures of these samples, `[legs, n]`."""
    n_fft = 2 * N_FREQUENCIES
    if samples.shape[1] < n_fft:
        return report
    # Frames picked evenly from the call, however long it is.
    starts = np.linspace(0, samples.shape[1] - n_fft, min(N_TIMES, samples.shape[1] // n_fft)).astype(np.int64)
    pictures = []
    for leg in samples:
        frames = np.stack([leg[start : start + n_fft] for start in starts])
        power = log_spectrogram(float32(frames, "[n, n_fft]"), rate, n_fft=n_fft, hop_length=n_fft)
        pictures.append(10 / np.log(10) * power[:, 0, :N_FREQUENCIES].T)
    decibels = np.stack(pictures)
    shades = 255 * (1 + (decibels - decibels.max()) / RANGE_DB)
    return replace(report, spectrogram=np.clip(shades, 0, 255).astype(np.uint8))
