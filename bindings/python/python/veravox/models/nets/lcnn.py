"""LFCC-LCNN, the baseline of ASVspoof 2021, written from Wang, Yamagishi, "A Comparative Study on Recent Neural Spoofing Countermeasures
for Synthetic Speech Detection", Interspeech 2021, arXiv 2103.11326: a light CNN (Lavrentyeva et al., Interspeech 2019) over LFCC with
their deltas, two bidirectional LSTMs beside a shortcut, and the mean over time.

The names of layers with weights are those of the baseline's checkpoints. Its one output is high for bona fide speech; it becomes two
logits, of which that of spoof is 0.
"""
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPSILON = float(np.finfo(np.float32).eps)


class Shape(NamedTuple):
    """The defaults are the baseline's. `widths` are the maps that each convolution hands on."""

    n_fft: int = 1024
    win_length: int = 320
    hop_length: int = 160
    coefficients: int = 20
    share_of_band: float = 0.5
    widths: Sequence[int] = (32, 32, 48, 48, 64, 64, 32, 32, 32)


# Of each convolution: half its taps, rounded down, and what follows it.
LAYOUT = (
    (2, "pool"),
    (0, "norm"),
    (1, "pool norm"),
    (0, "norm"),
    (1, "pool"),
    (0, "norm"),
    (1, "norm"),
    (0, "norm"),
    (1, "pool"),
)


class MaxFeatureMap(nn.Module):
    """Of each two maps, of the first half and of the second, the larger."""

    def __init__(self, kept: int) -> None:
        super().__init__()
        self.kept = kept

    def forward(self, x: Tensor) -> Tensor:
        return torch.maximum(x[:, : self.kept], x[:, self.kept :])


class Dct(nn.Module):
    """The orthonormal DCT-II as a product with a matrix, which the checkpoints hold."""

    def __init__(self, size: int) -> None:
        super().__init__()
        k, n = torch.arange(size).unsqueeze(1), torch.arange(size).unsqueeze(0)
        matrix = torch.cos(math.pi * (n + 0.5) * k / size) * math.sqrt(2 / size)
        matrix[0] /= math.sqrt(2)
        self.weight = nn.Parameter(matrix, requires_grad=False)


class Lfcc(nn.Module):
    """[batch, samples] to [batch, frames, 3 coefficients]: LFCC of the lower band, the first replaced by the log energy, deltas, and
    deltas of deltas. The spectrum is a convolution with cosines and sines, so that each runtime has it."""

    def __init__(self, shape: Shape, rate: int = 16000) -> None:
        super().__init__()
        bins = int(shape.share_of_band * (shape.n_fft // 2 + 1))
        # The shorter window lies in the middle of the transform's length.
        window = torch.zeros(shape.n_fft, dtype=torch.float64)
        before = (shape.n_fft - shape.win_length) // 2
        window[before : before + shape.win_length] = torch.hamming_window(shape.win_length, dtype=torch.float64)
        phases = 2 * math.pi * torch.outer(torch.arange(bins), torch.arange(shape.n_fft)).double() / shape.n_fft
        waves = torch.cat([phases.cos() * window, -phases.sin() * window]).unsqueeze(1)
        self.waves: Tensor
        self.register_buffer("waves", waves.float(), persistent=False)
        frequencies = rate / 2 * torch.linspace(0, shape.share_of_band, bins)
        edges = torch.linspace(0, float(frequencies.max()), shape.coefficients + 2)
        rising = (frequencies.unsqueeze(1) - edges[:-2]) / (edges[1:-1] - edges[:-2])
        falling = (edges[2:] - frequencies.unsqueeze(1)) / (edges[2:] - edges[1:-1])
        self.lfcc_fb = nn.Parameter(torch.minimum(rising, falling).clamp(min=0), requires_grad=False)
        self.l_dct = Dct(shape.coefficients)
        self.shape = shape

    def forward(self, waveform: Tensor) -> Tensor:
        emphasised = torch.cat([waveform[:, :1], waveform[:, 1:] - 0.97 * waveform[:, :-1]], 1)
        half = self.shape.n_fft // 2
        spectrum = F.conv1d(F.pad(emphasised, (half, half)).unsqueeze(1), self.waves, stride=self.shape.hop_length)
        real, imaginary = torch.chunk(spectrum, 2, 1)
        power = (real**2 + imaginary**2).transpose(1, 2)
        coefficients = torch.log10(power @ self.lfcc_fb + EPSILON) @ self.l_dct.weight.transpose(0, 1)
        energy = torch.log10((power / self.shape.n_fft).sum(2, keepdim=True) + EPSILON)
        plain = torch.cat([energy, coefficients[:, :, 1:]], 2)
        return torch.cat([plain, self.delta(plain), self.delta(self.delta(plain))], 2)

    @staticmethod
    def delta(x: Tensor) -> Tensor:
        """The frame after less the frame before; the ends are repeated."""
        return torch.cat([x[:, 1:], x[:, -1:]], 1) - torch.cat([x[:, :1], x[:, :-1]], 1)


class Recurrent(nn.Module):
    """A bidirectional LSTM as wide as its input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.l_blstm = nn.LSTM(width, width // 2, bidirectional=True, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.l_blstm(x)
        return y


class Lcnn(nn.Module):
    """[batch, window_samples] at 16 kHz to [batch, 2] logits: spoof, bona fide."""

    def __init__(self, shape: Shape = Shape()) -> None:
        super().__init__()
        # The checkpoints carry the statistics of a normalisation that is never used.
        for name, fill in (("input_mean", 0.0), ("input_std", 1.0), ("output_mean", 0.0), ("output_std", 1.0)):
            self.register_parameter(name, nn.Parameter(torch.full((1,), fill), requires_grad=False))
        layers: list[nn.Module] = []
        inside = 1
        for (half, after), outside in zip(LAYOUT, shape.widths):
            layers += [nn.Conv2d(inside, 2 * outside, 2 * half + 1, padding=half), MaxFeatureMap(outside)]
            layers += [nn.MaxPool2d(2)] if "pool" in after else []
            layers += [nn.BatchNorm2d(outside, affine=False)] if "norm" in after else []
            inside = outside
        width = 3 * shape.coefficients // 16 * inside
        self.m_frontend = nn.ModuleList([Lfcc(shape)])
        self.m_transform = nn.ModuleList([nn.Sequential(*layers)])
        self.m_before_pooling = nn.ModuleList([nn.Sequential(Recurrent(width), Recurrent(width))])
        self.m_output_act = nn.ModuleList([nn.Linear(width, 1)])

    def forward(self, waveform: Tensor) -> Tensor:
        maps = self.m_transform[0](self.m_frontend[0](waveform).unsqueeze(1))
        frames = maps.transpose(1, 2).flatten(2)
        bonafide = self.m_output_act[0]((self.m_before_pooling[0](frames) + frames).mean(1))
        return torch.cat([torch.zeros_like(bonafide), bonafide], 1)
