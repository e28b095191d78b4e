"""Holds the reference against other people's code, and a float32 run against the tolerances.

Needs librosa, scipy and ffmpeg; the tests of the library need none of them.
"""

import subprocess
import warnings

import librosa
import numpy as np
import scipy.fft
import scipy.stats
from scipy.signal import resample_poly
from scipy.special import expit, logit

import reference as ref


def main(vectors):
    """The exit status: 0 when every check holds."""
    # One case has filters that no bin falls into, on purpose; librosa warns of them.
    warnings.filterwarnings("ignore", message="Empty filters")
    results = []
    for stage, (against, check) in CHECKS.items():
        vector = vectors[stage]
        worst = max(check(case, vector["tolerance"]) for case in vector["cases"])
        results.append(worst <= 1.0)
        verdict = "ok  " if results[-1] else "FAIL"
        print(f"{verdict} {stage:22} {against}: {worst:.3g} of the tolerance")
    return 0 if all(results) else 1


def used(got, expected, tolerance):
    """The largest share of the tolerance that any value uses."""
    allowed = tolerance["absolute"] + tolerance["relative"] * np.abs(expected)
    error = np.abs(np.asarray(got, np.float64) - expected)
    return float(np.max(np.where(error == 0.0, 0.0, error / np.maximum(allowed, 1e-300))))


def _librosa_power(case):
    p = case["parameters"]
    sizes = dict(n_fft=p["n_fft"], hop_length=p["hop_length"], win_length=p["win_length"])
    samples = case["input"].astype(np.float64)
    return np.abs(librosa.stft(samples, window="hann", center=False, **sizes)) ** 2


def _stft(case, tolerance):
    return used(_librosa_power(case).T, case["expected"], tolerance)


def _log_mel(case, tolerance):
    p = case["parameters"]
    bank = librosa.filters.mel(
        sr=p["sample_rate_hz"],
        n_fft=p["n_fft"],
        n_mels=p["n_filters"],
        fmin=p["f_min_hz"],
        fmax=p["f_max_hz"],
        htk=True,
        norm=None,
        dtype=np.float64,
    )
    energies = bank @ _librosa_power(case)
    return used(np.log(np.maximum(energies, p["log_floor"])).T, case["expected"], tolerance)


def _lfcc(case, tolerance):
    p = case["parameters"]
    names = ("n_fft", "win_length", "hop_length", "f_min_hz", "f_max_hz", "log_floor", "n_filters")
    energies = _log_energies(case, np.float64, **{name: p[name] for name in names})
    columns = [scipy.fft.dct(energies, type=2, norm="ortho")[:, : p["n_coeffs"]]]
    for _ in range(p["deltas"]):
        # librosa fits a line over `width` frames, which is the same regression. It cannot pad
        # fewer frames than its width, so the edges are repeated here.
        padded = np.pad(columns[-1], ((2, 2), (0, 0)), mode="edge")
        columns.append(librosa.feature.delta(padded, width=5, axis=0, mode="nearest")[2:-2])
    return used(np.hstack(columns), case["expected"], tolerance)


def _log_spectrogram(case, tolerance):
    p = case["parameters"]
    power = _power(case, np.float32)
    hz = np.fft.rfftfreq(p["n_fft"], 1.0 / p["sample_rate_hz"])
    kept = power[:, (hz >= p["f_min_hz"]) & (hz <= p["f_max_hz"])]
    return used(np.log(np.maximum(kept, np.float32(p["log_floor"]))), case["expected"], tolerance)


def _linear_filterbank(case, tolerance):
    p = case["parameters"]
    names = ("n_fft", "f_min_hz", "f_max_hz", "log_floor", "n_filters")
    energies = _log_energies(case, np.float32, **{name: p[name] for name in names})
    return used(energies, case["expected"], tolerance)


def _phase_coherence(case, tolerance):
    p = case["parameters"]
    sizes = dict(n_fft=p["n_fft"], hop_length=p["hop_length"], win_length=p["win_length"])
    spectrum = librosa.stft(case["input"].astype(np.float64), window="hann", center=False, **sizes)
    hz = librosa.fft_frequencies(sr=p["sample_rate_hz"], n_fft=p["n_fft"])
    spectrum = spectrum[(hz >= p["f_min_hz"]) & (hz <= p["f_max_hz"])]
    size = np.minimum(np.abs(spectrum[:-1, 1:]), np.abs(spectrum[:-1, :-1]))
    mixed = spectrum[1:, 1:] * spectrum[:-1, 1:].conj() * spectrum[1:, :-1].conj() * spectrum[:-1, :-1]
    unit = mixed / np.maximum(np.abs(mixed), 1e-300)
    n_bins, n_bands = len(size), p["n_bands"]
    edges = [n_bins * band // n_bands for band in range(n_bands)]
    total = np.add.reduceat(unit * size, edges, axis=0)
    got = (total / np.add.reduceat(size + np.sqrt(p["power_floor"]), edges, axis=0)).T
    return used(np.hstack([got.real, got.imag]), case["expected"], tolerance)


def _statistics(case, tolerance):
    p = case["parameters"]
    matrix = ref.matrix_of(case["input"], p["sample_rate_hz"], p["of"])
    got = ref.FAMILIES[p["family"]](matrix.astype(np.float32), p["sample_rate_hz"] / p["of"]["hop_length"])
    worst = used(got, case["expected"][0], tolerance)
    if p["family"] != "spectrum":
        return worst
    # What others have a name for: moments and correlations of the cepstra, which are an orthonormal cosine transform.
    cepstra = scipy.fft.dct(matrix, type=2, norm="ortho")[:, 1:31]
    kurtosis = np.log(scipy.stats.kurtosis(cepstra, fisher=False) + 0.1)
    moments = [np.log(cepstra.var(axis=0)), scipy.stats.skew(cepstra), kurtosis]
    correlations = np.corrcoef(cepstra.T)[np.triu_indices(30, 1)]
    others = used(np.concatenate([*moments, correlations]), case["expected"][0][np.r_[0:90, 270 : 270 + 435]], tolerance)
    return max(worst, others)


def _normalisation(case, tolerance):
    got = ref.normalised(case["input"].astype(np.float32), case["parameters"]["normalisation"])
    return used(got, case["expected"], tolerance)


def _level(case, tolerance):
    got = ref.at_level(case["input"].astype(np.float32), case["parameters"]["level_dbfs"])
    return used(got, case["expected"], tolerance)


def _g711(case, tolerance):
    codec = case["parameters"]["encoding"]
    command = ["ffmpeg", "-loglevel", "error", "-f", codec, "-ar", "8000", "-ac", "1", "-i", "-"]
    codes = case["input"].astype(np.uint8).tobytes()
    pcm = subprocess.run([*command, "-f", "s16le", "-"], input=codes, capture_output=True, check=True)
    return used(np.frombuffer(pcm.stdout, "<i2") / 32768.0, case["expected"], tolerance)


def _calibration(case, tolerance):
    p = case["parameters"]
    llr = p["scale"] * (case["input"][:, 1] - case["input"][:, 0]) + p["offset"]
    got = np.stack([llr, expit(llr + logit(p["prior"]))], axis=1)
    return used(got, case["expected"], tolerance)


def _resample(case, tolerance):
    p = case["parameters"]
    common = np.gcd(p["from_hz"], p["to_hz"])
    got = resample_poly(case["input"], p["to_hz"] // common, p["from_hz"] // common, window=("kaiser", 8.0))[
        : case["shape"][0]
    ]
    inside = slice(p["skip_at_each_end"], -p["skip_at_each_end"])
    return used(got[inside], case["expected"][inside], tolerance)


def _power(case, dtype):
    p = case["parameters"]
    n_fft, win_length = p["n_fft"], p["win_length"]
    window = np.zeros(n_fft, dtype)
    left = (n_fft - win_length) // 2
    window[left : left + win_length] = librosa.filters.get_window("hann", win_length)
    frames = np.lib.stride_tricks.sliding_window_view(case["input"].astype(dtype), n_fft)
    spectrum = scipy.fft.rfft(frames[:: p["hop_length"]] * window)
    return (spectrum.real**2 + spectrum.imag**2).astype(dtype)


def _log_energies(case, dtype, **p):
    hz = np.fft.rfftfreq(p["n_fft"], 1.0 / case["parameters"]["sample_rate_hz"])
    edges = np.linspace(p["f_min_hz"], p["f_max_hz"], p["n_filters"] + 2)
    # np.interp draws the triangles: a third way to say them.
    shapes = [np.interp(hz, edges[m : m + 3], [0, 1, 0]) for m in range(p["n_filters"])]
    energies = _power(case, dtype) @ np.array(shapes, dtype).T
    return np.log(np.maximum(energies, dtype(p["log_floor"])))


# stage -> (what it is held against, how)
CHECKS = {
    "stft": ("librosa.stft", _stft),
    "log_spectrogram": ("the same in float32", _log_spectrogram),
    "linear_filterbank": ("the same in float32", _linear_filterbank),
    "log_mel": ("librosa.filters.mel(htk=True, norm=None)", _log_mel),
    "lfcc": ("scipy.fft.dct, librosa.feature.delta", _lfcc),
    "phase_coherence": ("librosa.stft", _phase_coherence),
    "statistics": ("a float32 matrix, scipy.stats, numpy.corrcoef", _statistics),
    "normalisation": ("the same in float32", _normalisation),
    "level": ("the same in float32", _level),
    "g711": ("ffmpeg", _g711),
    "calibration": ("scipy.special", _calibration),
    "resample": ("scipy.signal.resample_poly", _resample),
}
