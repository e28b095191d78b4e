"""RawGAT-ST, written from Tak, Jung, Patino, Kamble, Todisco, Evans, "End-to-End Spectro-Temporal Graph Attention Networks for Speaker
Verification Anti-Spoofing and Speech Deepfake Detection", ASVspoof 2021 workshop, arXiv 2107.12710.

The names of layers with weights are those of the published checkpoints. The published network has an encoder of its own for each of
the two graphs, and layers that its code never uses: `conv_1` of all blocks but the first, and the batch norm `bn1`, whose
result is thrown away. They are kept so that every name of the checkpoint has its place.
"""
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from . import aasist


class Shape(NamedTuple):
    """The defaults are the published ones. `fusion` joins the two graphs: "mul", "add" or "cat"."""

    fusion: str = "mul"
    window_samples: int = 64600
    sinc_filters: int = 70
    sinc_taps: int = 129
    channels: Sequence[tuple[int, int]] = ((32, 32), (32, 32), (32, 64), (64, 64), (64, 64), (64, 64))
    graph_dim: int = 32
    nodes: int = 12
    pool_ratios: tuple[float, float, float] = (0.64, 0.81, 0.64)


class Block(nn.Module):
    """Two convolutions over (spectrum, time) beside a shortcut; time is pooled by three. The first takes one channel."""

    def __init__(self, inside: int, outside: int, first: bool) -> None:
        super().__init__()
        if not first:
            self.bn1 = nn.BatchNorm2d(inside)
            self.conv1 = nn.Conv2d(inside, outside, (2, 3), padding=(1, 1))
        self.conv_1 = nn.Conv2d(1, outside, (2, 3), padding=(1, 1))
        self.bn2 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, (2, 3), padding=(0, 1))
        if inside != outside:
            self.conv_downsample = nn.Conv2d(inside, outside, (1, 3), padding=(0, 1))

    def forward(self, x: Tensor) -> Tensor:
        shortcut = self.conv_downsample(x) if hasattr(self, "conv_downsample") else x
        y = self.conv1(x) if hasattr(self, "conv1") else self.conv_1(x)
        return F.max_pool2d(self.conv2(F.selu(self.bn2(y))) + shortcut, (1, 3))


def encoder(channels: Sequence[tuple[int, int]]) -> nn.Sequential:
    """Each block in a sequence of its own, as the checkpoints name them."""
    return nn.Sequential(*(nn.Sequential(Block(i, o, first=k == 0)) for k, (i, o) in enumerate(channels)))


class RawGatSt(nn.Module):
    """[batch, window_samples] at 16 kHz to [batch, 2] logits: spoof, bona fide."""

    def __init__(self, shape: Shape = Shape()) -> None:
        super().__init__()
        front = aasist.Shape(shape.window_samples, shape.sinc_filters, shape.sinc_taps)
        spectrum, time = aasist.SincFrontEnd.size(front)
        time //= 3 ** len(shape.channels)

        def kept(nodes: int, ratio: float) -> int:
            return max(2, int(ratio * nodes))

        spectral, temporal, joined = (kept(n, r) for n, r in zip((spectrum, time, shape.nodes), shape.pool_ratios))
        features, dim = shape.channels[-1][1], shape.graph_dim
        self.sinc = aasist.SincFrontEnd(front)
        self.first_bn = nn.BatchNorm2d(1)
        self.encoder1 = encoder(shape.channels)
        self.encoder2 = encoder(shape.channels)
        self.GAT_layer1 = aasist.GraphAttention(features, dim, 1.0)
        self.pool1 = aasist.GraphPool(dim, spectral)
        self.GAT_layer2 = aasist.GraphAttention(features, dim, 1.0)
        self.pool2 = aasist.GraphPool(dim, temporal)
        self.fusion = shape.fusion
        inside, outside = (2 * dim, dim) if shape.fusion == "cat" else (dim, dim // 2)
        self.GAT_layer3 = aasist.GraphAttention(inside, outside, 1.0)
        self.pool3 = aasist.GraphPool(outside, joined)
        self.proj1 = nn.Linear(spectral, shape.nodes)
        self.proj2 = nn.Linear(temporal, shape.nodes)
        self.proj = nn.Linear(outside, 1)
        self.proj_node = nn.Linear(joined, 2)

    def forward(self, waveform: Tensor) -> Tensor:
        x = F.selu(self.first_bn(self.sinc(waveform)))
        # Each graph has the largest magnitude over the other axis, and as many nodes in the end.
        spectral = self.encoder1(x).abs().amax(3).transpose(1, 2)
        spectral = self.proj1(self.pool1(self.GAT_layer1(spectral)).transpose(1, 2))
        temporal = self.encoder2(x).abs().amax(2).transpose(1, 2)
        temporal = self.proj2(self.pool2(self.GAT_layer2(temporal)).transpose(1, 2))
        if self.fusion == "cat":
            joined = torch.cat([spectral, temporal], 1)
        elif self.fusion == "add":
            joined = spectral + temporal
        else:
            joined = spectral * temporal
        nodes = self.pool3(self.GAT_layer3(joined.transpose(1, 2)))
        return self.proj_node(self.proj(nodes).flatten(1))
