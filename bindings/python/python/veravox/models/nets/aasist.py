"""AASIST and AASIST-L, written from the paper: Jung, Heo, Tak, Shim, Chung, Lee, Yu, Evans, "AASIST: Audio Anti-Spoofing using
Integrated Spectro-Temporal Graph Attention Networks", ICASSP 2022, arXiv 2110.01200.

The names of layers with weights are those of the published checkpoints, so that these load as they are; all other names are
the paper's. This is inference alone: dropout and the masking of frequencies, which act in training only, are left out.
Where the published network differs from the paper's figures, the weights decide, and a comment says so.
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclasses.dataclass(frozen=True)
class Shape:
    """The sizes of one net of the family. Pool ratios: of the spectral graph, of the temporal graph, of the stacks' graphs."""

    window_samples: int = 64600
    sinc_filters: int = 70
    sinc_taps: int = 129
    channels: Sequence[tuple[int, int]] = ((1, 32), (32, 32), (32, 64), (64, 64), (64, 64), (64, 64))
    graph_dims: tuple[int, int] = (64, 32)
    pool_ratios: tuple[float, float, float] = (0.5, 0.7, 0.5)
    temperatures: tuple[float, float, float] = (2.0, 2.0, 100.0)


AASIST = Shape()
AASIST_L = Shape(
    channels=((1, 32), (32, 32), (32, 24), (24, 24), (24, 24), (24, 24)),
    graph_dims=(24, 32),
    pool_ratios=(0.4, 0.5, 0.7),
)


def sinc_band_passes(filters: int, taps: int, rate: int = 16000) -> Tensor:
    """[filters, 1, taps]: windowed-sinc band-passes that split 0 Hz to half the rate into equal bands of mel. They have no
    weights of their own in AASIST, and so become constants of the graph."""
    edges_mel = np.linspace(0.0, 2595 * np.log10(1 + rate / 2 / 700), filters + 1)
    edges = 2 * 700 * (10 ** (edges_mel / 2595) - 1) / rate  # as a share of the rate, twice
    t = np.arange(taps) - (taps - 1) / 2
    low_passes = edges[:, None] * np.sinc(edges[:, None] * t)
    return torch.from_numpy(np.diff(low_passes, axis=0) * np.hamming(taps)).float().unsqueeze(1)


class SincFrontEnd(nn.Module):
    """Waveform to a map of spectrum and time, [batch, 1, spectrum, time]: magnitudes of the band-passes, pooled by three each way."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.filters: Tensor
        self.register_buffer("filters", sinc_band_passes(shape.sinc_filters, shape.sinc_taps), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        bands = F.conv1d(waveform.unsqueeze(1), self.filters)
        return F.max_pool2d(bands.abs().unsqueeze(1), 3)

    @staticmethod
    def size(shape: Shape) -> tuple[int, int]:
        """(spectrum, time) of the map."""
        return shape.sinc_filters // 3, (shape.window_samples - shape.sinc_taps + 1) // 3


class ResidualBlock(nn.Module):
    """Two convolutions over (spectrum, time) beside a shortcut; `pool` shortens time.

    All blocks but the first own a batch norm `bn1` for their input. The published code computes it and then convolves the bare
    input, so its weights were never part of the answer; they are kept so that every name of the checkpoint has its place."""

    def __init__(self, inside: int, outside: int, first: bool, pool: int) -> None:
        super().__init__()
        if not first:
            self.bn1 = nn.BatchNorm2d(inside)
        self.conv1 = nn.Conv2d(inside, outside, (2, 3), padding=(1, 1))
        self.bn2 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, (2, 3), padding=(0, 1))
        if inside != outside:
            self.conv_downsample = nn.Conv2d(inside, outside, (1, 3), padding=(0, 1))
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        shortcut = self.conv_downsample(x) if hasattr(self, "conv_downsample") else x
        y = self.conv2(F.selu(self.bn2(self.conv1(x)))) + shortcut
        return F.max_pool2d(y, (1, self.pool)) if self.pool > 1 else y


def residual_encoder(channels: Sequence[tuple[int, int]], pool: int) -> nn.Sequential:
    """Each block in a sequence of its own: the checkpoints call them `encoder.0.0`, `encoder.1.0` and so on."""
    return nn.Sequential(
        *(nn.Sequential(ResidualBlock(i, o, first=k == 0, pool=pool)) for k, (i, o) in enumerate(channels))
    )


def over_features(norm: nn.Module, nodes: Tensor) -> Tensor:
    """Batch norm of [batch, nodes, features] over its last axis."""
    return norm(nodes.transpose(1, 2)).transpose(1, 2)


class GraphAttention(nn.Module):
    """Graph attention layer over a complete graph, [batch, nodes, features]: the weight between two nodes comes from the product
    of their features."""

    def __init__(self, inside: int, outside: int, temperature: float) -> None:
        super().__init__()
        self.att_proj = nn.Linear(inside, outside)
        self.att_weight = nn.Parameter(torch.randn(outside, 1) / outside**0.5)
        self.proj_with_att = nn.Linear(inside, outside)
        self.proj_without_att = nn.Linear(inside, outside)
        self.bn = nn.BatchNorm1d(outside)
        self.temperature = temperature

    def forward(self, nodes: Tensor) -> Tensor:
        pairs = torch.tanh(self.att_proj(nodes.unsqueeze(2) * nodes.unsqueeze(1)))
        attention = torch.softmax((pairs @ self.att_weight).squeeze(3) / self.temperature, dim=2)
        return F.selu(over_features(self.bn, self.proj_with_att(attention @ nodes) + self.proj_without_att(nodes)))


class HtrgGAL(nn.Module):
    """Heterogeneous stacking graph attention layer: temporal and spectral nodes in one graph with attention weights of their own for
    each kind of pair, and a stack node (`master` in the checkpoints) that listens to all nodes and that no node listens to."""

    def __init__(self, inside: int, outside: int, temperature: float) -> None:
        super().__init__()
        self.proj_type1 = nn.Linear(inside, inside)
        self.proj_type2 = nn.Linear(inside, inside)
        self.att_proj = nn.Linear(inside, outside)
        self.att_projM = nn.Linear(inside, outside)
        self.att_weight11 = nn.Parameter(torch.randn(outside, 1) / outside**0.5)
        self.att_weight22 = nn.Parameter(torch.randn(outside, 1) / outside**0.5)
        self.att_weight12 = nn.Parameter(torch.randn(outside, 1) / outside**0.5)
        self.att_weightM = nn.Parameter(torch.randn(outside, 1) / outside**0.5)
        self.proj_with_att = nn.Linear(inside, outside)
        self.proj_without_att = nn.Linear(inside, outside)
        self.proj_with_attM = nn.Linear(inside, outside)
        self.proj_without_attM = nn.Linear(inside, outside)
        self.bn = nn.BatchNorm1d(outside)
        self.temperature = temperature

    def attention(self, nodes: Tensor, n: int) -> Tensor:
        """Attention between all pairs; the first n nodes are temporal. Three weights for the blocks of one matrix."""
        pairs = torch.tanh(self.att_proj(nodes.unsqueeze(2) * nodes.unsqueeze(1)))
        both, across = pairs[:, :n, :n] @ self.att_weight11, pairs[:, :n, n:] @ self.att_weight12
        back, other = pairs[:, n:, :n] @ self.att_weight12, pairs[:, n:, n:] @ self.att_weight22
        scores = torch.cat([torch.cat([both, across], dim=2), torch.cat([back, other], dim=2)], dim=1)
        return torch.softmax(scores.squeeze(3) / self.temperature, dim=2)

    def stack_attention(self, nodes: Tensor, stack: Tensor) -> Tensor:
        scores = torch.tanh(self.att_projM(nodes * stack)) @ self.att_weightM
        return torch.softmax(scores / self.temperature, dim=1).transpose(1, 2)

    def forward(
        self, temporal: Tensor, spectral: Tensor, stack: Tensor, n_temporal: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        nodes = torch.cat([self.proj_type1(temporal), self.proj_type2(spectral)], dim=1)
        stack = self.proj_with_attM(self.stack_attention(nodes, stack) @ nodes) + self.proj_without_attM(stack)
        nodes = self.proj_with_att(self.attention(nodes, n_temporal) @ nodes) + self.proj_without_att(nodes)
        nodes = F.selu(over_features(self.bn, nodes))
        return nodes[:, :n_temporal], nodes[:, n_temporal:], stack


class GraphPool(nn.Module):
    """Keeps the `keep` nodes with the highest scores, highest first, each times its score. The order matters: the max graph operation
    compares the nodes of two branches place by place."""

    def __init__(self, features: int, keep: int) -> None:
        super().__init__()
        self.proj = nn.Linear(features, 1)
        self.keep = keep
        self.every_feature: Tensor
        self.register_buffer(
            "every_feature", torch.zeros(features, dtype=torch.int64), persistent=False
        )  # spreads an index by addition

    def forward(self, nodes: Tensor) -> Tensor:
        scores = torch.sigmoid(self.proj(nodes))
        order = torch.topk(scores.squeeze(2), self.keep, dim=1).indices
        return torch.gather(nodes * scores, 1, order.unsqueeze(2) + self.every_feature)


class GraphBackEnd(nn.Module):
    """What comes after the encoder, and is the same for AASIST on other front ends: two graphs, the max graph operation, the readout.
    The counts of nodes are fixed by the window and given here, so that the exported graph holds plain numbers."""

    def __init__(
        self,
        features: int,
        graph_dims: tuple[int, int],
        pool_ratios: tuple[float, float, float],
        temperatures: tuple[float, float, float],
        n_spectral: int,
        n_temporal: int,
    ) -> None:
        super().__init__()

        def kept(n: int, ratio: float) -> int:
            return max(int(n * ratio), 1)

        first, second = graph_dims
        self.n_temporal = kept(n_temporal, pool_ratios[1])
        self.n_temporal_pooled = kept(self.n_temporal, pool_ratios[2])
        n_spectral_kept = kept(n_spectral, pool_ratios[0])
        n_spectral_pooled = kept(n_spectral_kept, pool_ratios[2])
        self.pos_S = nn.Parameter(torch.randn(1, n_spectral, features))
        self.master1 = nn.Parameter(torch.randn(1, 1, first))
        self.master2 = nn.Parameter(torch.randn(1, 1, first))
        self.GAT_layer_S = GraphAttention(features, first, temperatures[0])
        self.GAT_layer_T = GraphAttention(features, first, temperatures[1])
        self.pool_S = GraphPool(first, n_spectral_kept)
        self.pool_T = GraphPool(first, self.n_temporal)
        for branch in (1, 2):
            self.add_module(f"HtrgGAT_layer_ST{branch}1", HtrgGAL(first, second, temperatures[2]))
            self.add_module(f"HtrgGAT_layer_ST{branch}2", HtrgGAL(second, second, temperatures[2]))
            self.add_module(f"pool_hS{branch}", GraphPool(second, n_spectral_pooled))
            self.add_module(f"pool_hT{branch}", GraphPool(second, self.n_temporal_pooled))
        self.out_layer = nn.Linear(5 * second, 2)

    def branch(self, k: int, temporal: Tensor, spectral: Tensor, stack: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One of the two parallel branches: a stacking layer, pooling, and a second stacking layer as a residual."""
        temporal, spectral, stack = self.get_submodule(f"HtrgGAT_layer_ST{k}1")(
            temporal, spectral, stack, self.n_temporal
        )
        temporal, spectral = self.get_submodule(f"pool_hT{k}")(temporal), self.get_submodule(f"pool_hS{k}")(spectral)
        more = self.get_submodule(f"HtrgGAT_layer_ST{k}2")(temporal, spectral, stack, self.n_temporal_pooled)
        return temporal + more[0], spectral + more[1], stack + more[2]

    def classify(self, spectral: Tensor, temporal: Tensor) -> Tensor:
        """Logits from the two views of the encoder's map, each [batch, nodes, features]."""
        spectral = self.pool_S(self.GAT_layer_S(spectral + self.pos_S))
        temporal = self.pool_T(self.GAT_layer_T(temporal))
        branches = zip(
            self.branch(1, temporal, spectral, self.master1), self.branch(2, temporal, spectral, self.master2)
        )
        temporal, spectral, stack = (torch.maximum(a, b) for a, b in branches)  # the max graph operation
        readout = [temporal.abs().amax(1), temporal.mean(1), spectral.abs().amax(1), spectral.mean(1), stack.squeeze(1)]
        return self.out_layer(torch.cat(readout, dim=1))


class Aasist(GraphBackEnd):
    """[batch, window_samples] at 16 kHz to [batch, 2] logits: spoof, bona fide."""

    def __init__(self, shape: Shape = AASIST) -> None:
        n_spectral, frames = SincFrontEnd.size(shape)
        n_temporal = frames // 3 ** len(shape.channels)
        super().__init__(
            shape.channels[-1][1], shape.graph_dims, shape.pool_ratios, shape.temperatures, n_spectral, n_temporal
        )
        self.sinc = SincFrontEnd(shape)
        self.first_bn = nn.BatchNorm2d(1)
        self.encoder = residual_encoder(shape.channels, pool=3)

    def forward(self, waveform: Tensor) -> Tensor:
        encoded = self.encoder(F.selu(self.first_bn(self.sinc(waveform)))).abs()
        return self.classify(encoded.amax(3).transpose(1, 2), encoded.amax(2).transpose(1, 2))
