"""Nes2Net-X, written from Liu, Truong, Das, Lee, Li, "Nes2Net: A Lightweight Nested Architecture for Foundation Model Driven Speech
Anti-spoofing", IEEE TIFS 2025, arXiv 2504.05657.

The front end's channels are cut into groups; each group, with the result of the one before it, goes through a small Res2Net, whose
own groups are joined by learnt weights. The names of layers with weights are those of the authors' checkpoints.
"""
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..refusal import Refused


class SqueezeExcitation(nn.Module):
    """Each channel times a weight that the mean of all channels gives (Hu et al., CVPR 2018)."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        # The places of a sequence of pooling, convolution, ReLU, convolution, sigmoid.
        self.se = nn.ModuleDict({"1": nn.Conv1d(channels, inner, 1), "3": nn.Conv1d(inner, channels, 1)})

    def forward(self, x: Tensor) -> Tensor:
        weights = self.se["3"](F.relu(self.se["1"](x.mean(2, keepdim=True))))
        return x * torch.sigmoid(weights)


class Inner(nn.Module):
    """The small Res2Net with weighted sums, [batch, channels, frames]."""

    def __init__(self, channels: int, groups: int, se_inner: int, dilation: int) -> None:
        super().__init__()
        self.width = channels // groups
        inside = self.width * groups
        self.conv1 = nn.Conv1d(channels, inside, 1)
        self.bn1 = nn.BatchNorm1d(inside)
        # Over frames alone; the last axis holds what was joined so far.
        self.convs = nn.ModuleList(
            nn.Conv2d(self.width, self.width, (3, 1), dilation=(dilation, 1), padding=(dilation, 0))
            for _ in range(groups - 1)
        )
        self.bns = nn.ModuleList(nn.BatchNorm2d(self.width) for _ in range(groups - 1))
        self.weighted_sum = nn.ParameterList(torch.full((1, 1, 1, k + 2), 1 / (k + 2)) for k in range(groups - 1))
        self.conv3 = nn.Conv1d(inside, channels, 1)
        self.bn3 = nn.BatchNorm1d(channels)
        self.se = SqueezeExcitation(channels, se_inner)

    def forward(self, x: Tensor) -> Tensor:
        parts = torch.split(self.bn1(F.relu(self.conv1(x))).unsqueeze(3), self.width, 1)
        joined, sums = parts[-1], []
        for part, conv, norm, weights in zip(parts, self.convs, self.bns, self.weighted_sum):
            joined = norm(F.relu(conv(torch.cat([joined, part], 3))))
            sums.append((joined * weights).sum(3))
        y = torch.cat([*sums, parts[-1].squeeze(3)], 1)
        return self.se(self.bn3(F.relu(self.conv3(y)))) + x


class AttentiveStatistics(nn.Module):
    """Mean and deviation over frames, weighted by attention (Okabe, Koshinaka, Shinoda, Interspeech 2018)."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.linear1 = nn.Conv1d(channels, inner, 1)
        self.linear2 = nn.Conv1d(inner, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        weights = torch.softmax(self.linear2(torch.tanh(self.linear1(x))), dim=2)
        mean = (weights * x).sum(2)
        variance = (weights * x**2).sum(2) - mean**2
        return torch.cat([mean, variance.clamp(min=1e-10).sqrt()], 1)


class Nes2Net(nn.Module):
    """[batch, channels, frames] of a front end to [batch, 2] logits: spoof, bona fide."""

    def __init__(
        self, channels: int, groups: tuple[int, int], se_inner: int, dilation: int, pooling: int | None
    ) -> None:
        super().__init__()
        outer, inner = groups
        self.width = channels // outer
        self.Build_in_Res2Nets = nn.ModuleList(Inner(self.width, inner, se_inner, dilation) for _ in range(outer - 1))
        self.bns = nn.ModuleList(nn.BatchNorm1d(self.width) for _ in range(outer - 1))
        self.bn = nn.BatchNorm1d(channels)
        if pooling is not None:
            self.pooling = AttentiveStatistics(channels, pooling)
        self.fc = nn.Linear(channels if pooling is None else 2 * channels, 2)

    def forward(self, x: Tensor) -> Tensor:
        parts = torch.split(x, self.width, 1)
        before: Tensor | None = None
        out = []
        for part, inner, norm in zip(parts, self.Build_in_Res2Nets, self.bns):
            before = norm(F.relu(inner(part if before is None else before + part)))
            out.append(before)
        y = F.relu(self.bn(torch.cat([*out, parts[-1]], 1)))
        return self.fc(self.pooling(y) if hasattr(self, "pooling") else y.mean(2))

    @classmethod
    def fitting(cls, tensors: Mapping[str, Tensor], prefix: str, channels: int, dilation: int = 2) -> Nes2Net:
        """The net of the sizes that these tensors have. The dilation leaves no mark in them; the authors' scripts have 2."""
        outer = inner = 1
        while f"{prefix}Build_in_Res2Nets.{outer - 1}.conv1.weight" in tensors:
            outer += 1
        while f"{prefix}Build_in_Res2Nets.0.convs.{inner - 1}.weight" in tensors:
            inner += 1
        squeezed = tensors.get(f"{prefix}Build_in_Res2Nets.0.se.se.1.weight")
        if outer == 1 or inner == 1 or squeezed is None or channels % outer:
            raise Refused(
                f"the back end is expected under {prefix}Build_in_Res2Nets, in groups that divide {channels} channels"
            )
        pooling = tensors.get(f"{prefix}pooling.linear1.weight")
        pooled = None if pooling is None else pooling.shape[0]
        return cls(channels, (outer, inner), squeezed.shape[0], dilation, pooled)
