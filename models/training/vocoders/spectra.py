"""The one analysis that every vocoder here goes in from: 80 log-mel bands at 16 kHz, a frame each 16 ms.

The framing is HiFi-GAN's: a clip of k * HOP samples has k frames, frame t in the middle of its own hop. The loss and the
measurement use the same function, so that "mel distance" means one thing.
"""
import functools

import numpy as np
import torch
from torch.nn import functional

RATE, N_FFT, HOP, BANDS = 16000, 1024, 256, 80
FLOOR = 1e-5
ANALYSIS = {"rate": RATE, "n_fft": N_FFT, "hop": HOP, "bands": BANDS, "floor": FLOOR}


@functools.cache
def mel_filters(n_fft, bands, rate=RATE):
    """Triangles on Slaney's mel scale (linear to 1 kHz, logarithmic above), each of unit area in Hz: [bands, n_fft // 2 + 1]."""
    def to_mel(f):
        return np.where(f < 1000, f * 3 / 200, 15 + np.log(np.maximum(f, 1000) / 1000) * 27 / np.log(6.4))

    def to_hz(m):
        return np.where(m < 15, m * 200 / 3, 1000 * np.exp((np.maximum(m, 15) - 15) * np.log(6.4) / 27))

    edges = to_hz(np.linspace(0, to_mel(np.array(rate / 2)), bands + 2))
    bins = np.linspace(0, rate / 2, n_fft // 2 + 1)
    up = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    down = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return torch.from_numpy((np.clip(np.minimum(up, down), 0, None) * (2 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32))


@functools.cache
def hann(n, device="cpu"):
    return torch.hann_window(n, device=device)


@functools.cache
def _filters_on(device, n_fft, bands):
    return mel_filters(n_fft, bands).to(device)


def magnitude(wave, n_fft, hop):
    """|STFT| of [batch, samples] as [batch, bins, samples // hop]. The small number under the root keeps the gradient finite."""
    side = (n_fft - hop) // 2
    padded = functional.pad(wave.float().unsqueeze(1), (side, n_fft - hop - side), mode="reflect").squeeze(1)
    spectrum = torch.stft(padded, n_fft, hop, window=hann(n_fft, wave.device), center=False, return_complex=True)
    return (spectrum.real.square() + spectrum.imag.square() + 1e-9).sqrt()


def mel_of(spectrum, n_fft, bands):
    return (_filters_on(spectrum.device, n_fft, bands) @ spectrum).clamp_min(FLOOR).log()


def log_mel(wave, n_fft=N_FFT, hop=HOP, bands=BANDS):
    """Natural-log mel spectrogram of [batch, samples]: [batch, bands, samples // hop]."""
    return mel_of(magnitude(wave, n_fft, hop), n_fft, bands)
