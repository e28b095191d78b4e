"""The log mel filterbank of Kaldi, as the feature extractor of the Audio Spectrogram Transformer takes it (Gong, Chung, Glass, "AST",
Interspeech 2021): frames of 25 ms every 10 ms, offset removed, pre-emphasis 0.97, Hann window, magnitude squared, mel from 20 Hz."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..refusal import Refused

RATE, FRAME, HOP, N_FFT = 16000, 400, 160, 512
LOWEST_HZ = 20.0
EPSILON = float(np.finfo(np.float32).eps)


def mel(hz: Any) -> Any:
    """The mel scale of HTK, with natural logarithms, as Kaldi has it."""
    return 1127.0 * np.log(1.0 + np.asarray(hz) / 700.0)


def mel_filters(n_filters: int) -> Tensor:
    """[n_fft / 2 + 1, n_filters], triangles in mel up to half the rate; the last bin counts for nothing."""
    edges = np.linspace(mel(LOWEST_HZ), mel(RATE / 2), n_filters + 2)
    bins = mel(np.arange(N_FFT // 2) * RATE / N_FFT)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    filters = np.maximum(0.0, np.minimum(rising, falling))
    return torch.from_numpy(np.vstack([filters, np.zeros(n_filters)])).float()


class Fbank(nn.Module):
    """[batch, samples] to [batch, n_frames, n_filters], normalised. All that is linear up to the spectrum is one convolution."""

    def __init__(self, n_frames: int, n_filters: int, mean: float, std: float, normalised: bool) -> None:
        super().__init__()
        self.n_frames, self.mean, self.std, self.normalised = n_frames, mean, std, normalised
        frame = torch.eye(FRAME, dtype=torch.float64)
        frame = frame - frame.mean(0, keepdim=True)
        # The first sample of a frame is emphasised against itself.
        frame = frame - 0.97 * torch.cat([frame[:1], frame[:-1]])
        frame = frame * torch.hann_window(FRAME, periodic=False, dtype=torch.float64).unsqueeze(1)
        phases = 2 * math.pi * torch.outer(torch.arange(N_FFT // 2 + 1), torch.arange(FRAME)).double() / N_FFT
        waves = torch.cat([phases.cos(), -phases.sin()]) @ frame
        self.waves: Tensor
        self.register_buffer("waves", waves.float().unsqueeze(1), persistent=False)
        self.filters: Tensor
        self.register_buffer("filters", mel_filters(n_filters), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        real, imaginary = torch.chunk(F.conv1d(waveform.unsqueeze(1), self.waves, stride=HOP), 2, 1)
        power = (real**2 + imaginary**2).transpose(1, 2)
        logs = torch.log((power @ self.filters).clamp(min=EPSILON))[:, : self.n_frames]
        # What is shorter than the net's length is filled up with zeros, before it is normalised.
        logs = F.pad(logs, (0, 0, 0, self.n_frames - logs.shape[1]))
        return (logs - self.mean) / (2 * self.std) if self.normalised else logs

    @staticmethod
    def samples(n_frames: int) -> int:
        """Samples that give so many frames."""
        return (n_frames - 1) * HOP + FRAME

    @classmethod
    def of(cls, preprocessor: Mapping[str, Any], n_frames: int) -> Fbank:
        """As a preprocessor_config.json states it."""
        n_filters = preprocessor.get("num_mel_bins", 128)
        mean, std = preprocessor.get("mean", -4.2677393), preprocessor.get("std", 4.5689974)
        numbers = type(n_filters) is int and all(type(n) in (int, float) and math.isfinite(n) for n in (mean, std))
        if preprocessor.get("max_length", n_frames) != n_frames or not numbers or not 1 <= n_filters <= 256 or not std > 0:
            raise Refused(
                f"preprocessor_config.json: expected max_length {n_frames} as config.json has it, 1 to 256 num_mel_bins, a mean, and a std "
                f"above 0; they are {preprocessor.get('max_length')!r:.40}, {n_filters!r:.40}, {mean!r:.40} and {std!r:.40}"
            )
        return cls(n_frames, n_filters, mean, std, bool(preprocessor.get("do_normalize", True)))
