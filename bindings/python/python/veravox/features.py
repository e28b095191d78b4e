"""Features of audio in numpy arrays, by the code that models are trained and run with.

Each function takes samples `[n]` or `[batch, n]`, float in [-1, 1] or int16, and gives float32 `[n_frames, n_features]` or
`[batch, n_frames, n_features]`. float32 that lies in order is read where it is. Frames lie wholly inside the samples:
`n_frames = 1 + (n - n_fft) // hop_length`, and one less for `phase_coherence`.

What they share:

- `sample_rate`, in hertz.
- `n_fft`, `win_length`, `hop_length`, in samples: the FFT, the periodic Hann window centred in it (as long as the FFT
  unless said otherwise), and the step from one frame to the next, at most `win_length`.
- `f_min_hz`, `f_max_hz`: the band; all of it, to half the sample rate, unless said otherwise.
- `log_floor`: the smallest power whose natural logarithm is taken; the smallest that float32 holds unless said otherwise.
- `normalisation` of each column over the frames: `"none"`, `"mean"` (the mean is subtracted) or `"mean_variance"` (and the
  rest divided by its standard deviation).

These are the names of a model's manifest, whose features are `log_mel(samples, sample_rate, **parameters)` and so on; for
many windows of one length `veravox.WindowFeatures` is faster, since it makes its tables once.

`InvalidArgumentError` names the parameter that is out of its range.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._sources import float32, rate_of

__all__ = ["Normalisation", "lfcc", "linear_filterbank", "log_mel", "log_spectrogram", "phase_coherence", "statistics"]

Normalisation: TypeAlias = Literal["none", "mean", "mean_variance"]


def log_spectrogram(
    samples: ArrayLike,
    sample_rate: float,
    *,
    n_fft: int,
    hop_length: int,
    win_length: int | None = None,
    f_min_hz: float = 0.0,
    f_max_hz: float | None = None,
    log_floor: float | None = None,
    normalisation: Normalisation = "none",
) -> NDArray[np.float32]:
    """The natural logarithm of the power spectrogram; a feature for each FFT bin from `f_min_hz` to `f_max_hz`.

    >>> import numpy as np
    >>> from veravox import features
    >>> tone = np.sin(2 * np.pi * 1_000 * np.arange(8_000) / 8_000)
    >>> spectrogram = features.log_spectrogram(tone, 8_000, n_fft=256, hop_length=80)
    >>> spectrogram.shape, float(spectrogram[0].argmax() * 8_000 / 256)
    ((97, 129), 1000.0)
    """
    spec = _spectrogram(sample_rate, n_fft, win_length, hop_length, f_min_hz, f_max_hz, log_floor, normalisation)
    return _compute(samples, sample_rate, {"kind": "log_spectrogram", **spec})


def linear_filterbank(
    samples: ArrayLike,
    sample_rate: float,
    *,
    n_fft: int,
    hop_length: int,
    n_filters: int,
    win_length: int | None = None,
    f_min_hz: float = 0.0,
    f_max_hz: float | None = None,
    log_floor: float | None = None,
    normalisation: Normalisation = "none",
) -> NDArray[np.float32]:
    """The natural logarithm of `n_filters` triangular filters of height 1, equally spaced in hertz.

    >>> import numpy as np
    >>> from veravox import features
    >>> noise = np.random.default_rng(1).normal(0, 0.1, (3, 8_000)).astype(np.float32)
    >>> features.linear_filterbank(noise, 8_000, n_fft=256, hop_length=80, n_filters=40).shape
    (3, 97, 40)
    """
    spec = _spectrogram(sample_rate, n_fft, win_length, hop_length, f_min_hz, f_max_hz, log_floor, normalisation)
    return _compute(samples, sample_rate, {"kind": "linear_filterbank", "n_filters": n_filters, **spec})


def log_mel(
    samples: ArrayLike,
    sample_rate: float,
    *,
    n_fft: int,
    hop_length: int,
    n_filters: int,
    win_length: int | None = None,
    f_min_hz: float = 0.0,
    f_max_hz: float | None = None,
    log_floor: float | None = None,
    normalisation: Normalisation = "none",
) -> NDArray[np.float32]:
    """The natural logarithm of `n_filters` triangular filters of height 1, equally spaced in HTK mel.

    What `librosa.feature.melspectrogram(..., center=False, htk=True, norm=None)` gives, transposed, after the logarithm.

    >>> import numpy as np
    >>> from veravox import features
    >>> features.log_mel(np.zeros(16_000, np.int16), 16_000, n_fft=512, hop_length=160, n_filters=80).shape
    (97, 80)
    """
    spec = _spectrogram(sample_rate, n_fft, win_length, hop_length, f_min_hz, f_max_hz, log_floor, normalisation)
    return _compute(samples, sample_rate, {"kind": "log_mel", "n_filters": n_filters, **spec})


def lfcc(
    samples: ArrayLike,
    sample_rate: float,
    *,
    n_fft: int,
    hop_length: int,
    n_filters: int,
    n_coeffs: int,
    deltas: int = 0,
    win_length: int | None = None,
    f_min_hz: float = 0.0,
    f_max_hz: float | None = None,
    log_floor: float | None = None,
    normalisation: Normalisation = "none",
) -> NDArray[np.float32]:
    """Linear-frequency cepstral coefficients: the orthonormal DCT-II of the linear filterbank, its first `n_coeffs`, the
    zeroth included, followed by `deltas` orders (0, 1 or 2) of their deltas by regression over two frames to each side.

    >>> import numpy as np
    >>> from veravox import features
    >>> samples = np.zeros(8_000, dtype=np.float32)
    >>> features.lfcc(samples, 8_000, n_fft=256, hop_length=80, n_filters=40, n_coeffs=20, deltas=2).shape
    (97, 60)
    """
    spec = _spectrogram(sample_rate, n_fft, win_length, hop_length, f_min_hz, f_max_hz, log_floor, normalisation)
    return _compute(
        samples, sample_rate, {"kind": "lfcc", "n_filters": n_filters, "n_coeffs": n_coeffs, "deltas": deltas, **spec}
    )


def phase_coherence(
    samples: ArrayLike,
    sample_rate: float,
    *,
    n_fft: int,
    hop_length: int,
    n_bands: int,
    win_length: int | None = None,
    f_min_hz: float = 0.0,
    f_max_hz: float | None = None,
    power_floor: float = 1e-7,
) -> NDArray[np.float32]:
    """How alike the phases of neighbouring frames and bins move, in `n_bands` bands: Σ m D / Σ (m + `power_floor`^½) over the
    bins of a band, with m the smaller magnitude of a bin in both frames and D the unit vector of its mixed difference of
    phase over time and frequency. Its real parts come first, `[..., :n_bands]`, then the imaginary ones. The magnitude is 0 to 1: 1 for tones
    that stand still (angle 0) and for single pulses (angle 2π `hop_length` / `n_fft`), near 0 in noise. Bins whose power lies
    far below `power_floor` do not count; under some 1e-10 it would let in what rounding leaves of silence. There is one
    row less than there are frames. After Fulop and Fitz, JASA 121 (2007).

    >>> import numpy as np
    >>> from veravox import features
    >>> tone = np.sin(2 * np.pi * 1_010 * np.arange(8_000) / 8_000)
    >>> coherence = features.phase_coherence(tone, 8_000, n_fft=256, hop_length=64, n_bands=12)
    >>> coherence.shape, round(float(coherence[:, 3].mean()), 2)
    ((121, 24), 1.0)
    """
    spec = _frames(sample_rate, n_fft, win_length, hop_length, f_min_hz, f_max_hz)
    return _compute(
        samples, sample_rate, {"kind": "phase_coherence", "n_bands": n_bands, "power_floor": power_floor, **spec}
    )


def statistics(
    samples: ArrayLike,
    sample_rate: float,
    *,
    family: Literal["spectrum", "pulses", "cycles", "lines", "phases"],
    of: Mapping[str, Any],
) -> NDArray[np.float32]:
    """Statistics over the frames of the matrix of another kind, in one row whatever the length: `[1, n]` or `[batch, 1, n]`.

    `of` is that kind with all its parameters, as `input.features` of a manifest has them. The families, and the matrices
    that they are made for:

    - `"spectrum"`, log spectra with frames of some 32 ms: the spread, skewness and kurtosis of 30 cepstra and of their
      changes, how the cepstra go together, autocorrelations; how much neighbouring bins and frames differ in 23 bands; how
      regular harmonics are; modulation from 1 to 40 Hz. 1,926 values; at least 22 frames, 80 a second, and 31 columns.
    - `"pulses"`, a few bands with frames of some 8 ms every 2 ms: moments of their changes, how they go together, modulation
      up to half the frame rate. n² + 29 n values of n columns; at least 256 frames and 2 columns.
    - `"cycles"`, the same bands: beats of their levels that keep time over the whole window, as a synthesiser's hops leave them
      and a wandering pitch does not (cyclostationarity: Gardner, IEEE Signal Processing Magazine 8, 1991). The power of each
      band's level over that of the neighbouring frequencies; ln of 0.1 and its mean over the bands, at 30 frame rates of
      synthesisers and codecs and multiples of them; the highest, upper quantiles, mean and deviation from 20 to 240 Hz; of
      all bands and of either half. 105 values; 256 to 65,536 frames, at least 500 a second and half a second of them, and at
      least 2 columns.
    - `"lines"`, log spectra with frames of some 128 ms: lines that stand still, how sharp and regular harmonics are. 52
      values and 2 for each four of min(n // 4, 120) quefrencies; at least 2 frames and 31 columns.
    - `"phases"`, phase coherence: how much there is, which way it points, how both spread and how long it lasts. 9 n values
      of n columns; at least 14 rows.

    >>> import numpy as np
    >>> from veravox import features
    >>> samples = np.random.default_rng(1).normal(0, 0.1, 32_000)
    >>> of = {"kind": "phase_coherence", "n_fft": 256, "win_length": 256, "hop_length": 64,
    ...       "f_min_hz": 150.0, "f_max_hz": 3600.0, "n_bands": 12, "power_floor": 1e-7}
    >>> features.statistics(samples, 8_000, family="phases", of=of).shape
    (1, 216)
    """
    return _compute(samples, sample_rate, {"kind": "statistics", "family": family, "of": dict(of)})


def _frames(
    sample_rate: float,
    n_fft: int,
    win_length: int | None,
    hop_length: int,
    f_min_hz: float,
    f_max_hz: float | None,
) -> dict[str, Any]:
    """Frames and band as a manifest has them. What was left out changes nothing: the whole window and band."""
    return {
        "n_fft": n_fft,
        "win_length": n_fft if win_length is None else win_length,
        "hop_length": hop_length,
        "f_min_hz": f_min_hz,
        "f_max_hz": sample_rate / 2 if f_max_hz is None else f_max_hz,
    }


def _spectrogram(
    sample_rate: float,
    n_fft: int,
    win_length: int | None,
    hop_length: int,
    f_min_hz: float,
    f_max_hz: float | None,
    log_floor: float | None,
    normalisation: Normalisation,
) -> dict[str, Any]:
    """`_frames` and what is taken of their logarithm; a floor that was left out is the smallest that float32 holds."""
    return {
        **_frames(sample_rate, n_fft, win_length, hop_length, f_min_hz, f_max_hz),
        "log_floor": float(np.finfo(np.float32).tiny) if log_floor is None else log_floor,
        "normalisation": normalisation,
    }


def _compute(samples: ArrayLike, sample_rate: float, spec: dict[str, Any]) -> NDArray[np.float32]:
    array = float32(samples, "[n] or [batch, n]")
    features = _core.compute_features(np.atleast_2d(array), rate_of(sample_rate), spec)
    return features[0] if array.ndim == 1 else features
