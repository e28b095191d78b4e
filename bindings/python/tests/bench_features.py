"""Features side by side with librosa and torchaudio: one core, one run, the same definitions. Prints ratios and largest
differences.

Log-mel is `librosa.feature.melspectrogram`, or torchaudio's `MelSpectrogram`, and a logarithm. librosa has no LFCC: the same
with a linear filterbank, made beforehand, and scipy's DCT is what its users write; in torchaudio it is `Spectrogram`, the
filterbank and the matrix of its own DCT.
"""

import os

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[threads] = "1"

import time

import librosa
import numpy as np
import scipy.fft
import veravox

try:
    import torch
    import torchaudio
except (ImportError, OSError, RuntimeError) as error:
    # One that does not fit the PyTorch beside it fails in its own ways.
    torchaudio, WHY_NOT = None, error

RATE, SECONDS, N_FFT, HOP, N_FILTERS, FLOOR = 8_000, 4, 512, 80, 80, 1e-7
COMMON = dict(n_fft=N_FFT, win_length=N_FFT, hop_length=HOP, f_min_hz=0.0, f_max_hz=4_000.0, log_floor=FLOOR, normalisation="none")
KINDS = {
    "log_mel": dict(COMMON, kind="log_mel", n_filters=N_FILTERS),
    "lfcc": dict(COMMON, kind="lfcc", n_filters=N_FILTERS, n_coeffs=20, deltas=0),
}


def linear_filters():
    edges = np.linspace(0, RATE / 2, N_FILTERS + 2)[:, None]
    hz = np.arange(N_FFT // 2 + 1) * RATE / N_FFT
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    return np.maximum(0, np.minimum((hz - left) / (centre - left), (right - hz) / (right - centre))).astype(np.float32)


LINEAR_FILTERS = linear_filters()


def by_librosa(kind, window):
    if kind == "log_mel":
        energies = librosa.feature.melspectrogram(
            y=window, sr=RATE, n_fft=N_FFT, hop_length=HOP, n_mels=N_FILTERS, center=False, htk=True, norm=None
        )
        return np.log(np.maximum(energies, FLOOR)).T
    power = np.abs(librosa.stft(window, n_fft=N_FFT, hop_length=HOP, center=False)) ** 2
    logs = np.log(np.maximum(LINEAR_FILTERS @ power, FLOOR))
    return scipy.fft.dct(logs, axis=0, norm="ortho")[:20].T


def by_torchaudio(kind):
    """A function from a window to its features."""
    torch.set_num_threads(1)
    common = dict(n_fft=N_FFT, hop_length=HOP, center=False, power=2.0)
    if kind == "log_mel":
        mel = torchaudio.transforms.MelSpectrogram(RATE, n_mels=N_FILTERS, mel_scale="htk", norm=None, **common)
        return lambda window: torch.log(torch.clamp(mel(torch.from_numpy(window)), min=FLOOR)).numpy().T
    spectrogram, filters = torchaudio.transforms.Spectrogram(**common), torch.from_numpy(LINEAR_FILTERS)
    dct = torchaudio.functional.create_dct(20, N_FILTERS, "ortho").T.contiguous()

    def lfcc(window):
        logs = torch.log(torch.clamp(filters @ spectrogram(torch.from_numpy(window)), min=FLOOR))
        return (dct @ logs).numpy().T

    return lfcc


def fastest(function, windows, repeats=7):
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        for window in windows:
            function(window)
        times.append(time.perf_counter() - started)
    return min(times)


def main():
    rng = np.random.default_rng(1)
    t = np.arange(RATE * SECONDS) / RATE
    voice = sum(np.sin(2 * np.pi * 120 * h * t) / h for h in range(1, 30)) * (0.2 + np.abs(np.sin(2 * np.pi * 3 * t)))
    windows = [(0.1 * voice + rng.normal(0, 0.01, len(t))).astype(np.float32) for _ in range(50)]
    print(f"{len(windows)} windows of {SECONDS} s at {RATE} Hz, n_fft {N_FFT}, hop {HOP}, {N_FILTERS} filters; one core")
    for kind, features in KINDS.items():
        spec = dict(tensor="x", sample_rate_hz=RATE, window_samples=RATE * SECONDS, hop_samples=RATE, min_speech_samples=RATE, level_dbfs=None, features=features)
        ours = veravox.WindowFeatures(spec)
        others = {"librosa": lambda w, kind=kind: by_librosa(kind, w)}
        if torchaudio is None:
            print(f"torchaudio is left out: {WHY_NOT}")
        else:
            others["torchaudio"] = by_torchaudio(kind)
        time_of_ours = fastest(ours, windows)
        for name, other in others.items():
            difference = max(np.abs(ours(w) - other(w)).max() for w in windows)
            time_of_other = fastest(other, windows)
            print(f"{kind:8}  veravox {time_of_ours / len(windows) * 1e3:.2f} ms, {name} {time_of_other / len(windows) * 1e3:.2f} ms a window: "
                  f"{time_of_other / time_of_ours:.1f} times as fast, largest difference {difference:.1e}")


if __name__ == "__main__":
    main()
