"""RawNet2 for anti-spoofing, written from Tak, Patino, Todisco, Nautsch, Evans, Larcher, "End-to-end anti-spoofing with RawNet2", ICASSP
2021, arXiv 2011.01108, in the shape of the ASVspoof 2021 baseline. The names of layers with weights are those of its checkpoints.
"""
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .aasist import sinc_band_passes


class Shape(NamedTuple):
    """The defaults are the baseline's."""

    sinc_filters: int = 20
    sinc_taps: int = 1025
    channels: tuple[tuple[int, int], ...] = ((20, 20), (20, 20), (20, 128), (128, 128), (128, 128), (128, 128))
    gru: int = 1024
    gru_layers: int = 3
    hidden: int = 1024


class Block(nn.Module):
    """Two convolutions beside a shortcut, and pooling by three."""

    def __init__(self, inside: int, outside: int, first: bool) -> None:
        super().__init__()
        if not first:
            self.bn1 = nn.BatchNorm1d(inside)
        self.conv1 = nn.Conv1d(inside, outside, 3, padding=1)
        self.bn2 = nn.BatchNorm1d(outside)
        self.conv2 = nn.Conv1d(outside, outside, 3, padding=1)
        if inside != outside:
            self.conv_downsample = nn.Conv1d(inside, outside, 1)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = self.conv_downsample(x) if hasattr(self, "conv_downsample") else x
        y = F.leaky_relu(self.bn1(x), 0.3) if hasattr(self, "bn1") else x
        y = self.conv2(F.leaky_relu(self.bn2(self.conv1(y)), 0.3)) + shortcut
        return F.max_pool1d(y, 3)


class RawNet2(nn.Module):
    """[batch, window_samples] at 16 kHz to [batch, 2] logits: spoof, bona fide."""

    def __init__(self, shape: Shape = Shape()) -> None:
        super().__init__()
        self.filters: Tensor
        self.register_buffer("filters", sinc_band_passes(shape.sinc_filters, shape.sinc_taps), persistent=False)
        self.first_bn = nn.BatchNorm1d(shape.sinc_filters)
        self.blocks = len(shape.channels)
        for k, (inside, outside) in enumerate(shape.channels):
            self.add_module(f"block{k}", nn.Sequential(Block(inside, outside, first=k == 0)))
            self.add_module(f"fc_attention{k}", nn.Sequential(nn.Linear(outside, outside)))
        last = shape.channels[-1][1]
        self.bn_before_gru = nn.BatchNorm1d(last)
        self.gru = nn.GRU(last, shape.gru, shape.gru_layers, batch_first=True)
        self.fc1_gru = nn.Linear(shape.gru, shape.hidden)
        self.fc2_gru = nn.Linear(shape.hidden, 2)

    def forward(self, waveform: Tensor) -> Tensor:
        x = F.max_pool1d(F.conv1d(waveform.unsqueeze(1), self.filters).abs(), 3)
        x = F.selu(self.first_bn(x))
        for k in range(self.blocks):
            x = self.get_submodule(f"block{k}")(x)
            # Feature map scaling, by product and sum.
            scale = torch.sigmoid(self.get_submodule(f"fc_attention{k}")(x.mean(2))).unsqueeze(2)
            x = x * scale + scale
        frames, _ = self.gru(F.selu(self.bn_before_gru(x)).transpose(1, 2))
        return self.fc2_gru(self.fc1_gru(frames[:, -1]))
