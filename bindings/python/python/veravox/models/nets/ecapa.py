"""ECAPA-TDNN, written from Desplanques, Thienpondt, Demuynck, "ECAPA-TDNN: Emphasized Channel Attention, Propagation and Aggregation in
TDNN Based Speaker Verification", Interspeech 2020, arXiv 2005.07143, over the frames of a self-supervised front end.

Retrained forms differ in names; those here are the most common ones of PyTorch: conv1, layer1 to layer4, attention, bn5, fc6, bn6.
"""
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..refusal import Refused
from .nes2net import SqueezeExcitation

DILATIONS = (2, 3, 4)


class Res2Block(nn.Module):
    """SE-Res2Block: groups of channels in a row, each with the result of the one before it."""

    def __init__(self, channels: int, groups: int, se_inner: int, dilation: int) -> None:
        super().__init__()
        self.width = channels // groups
        inside = self.width * groups
        self.conv1 = nn.Conv1d(channels, inside, 1)
        self.bn1 = nn.BatchNorm1d(inside)
        self.convs = nn.ModuleList(
            nn.Conv1d(self.width, self.width, 3, dilation=dilation, padding=dilation) for _ in range(groups - 1)
        )
        self.bns = nn.ModuleList(nn.BatchNorm1d(self.width) for _ in range(groups - 1))
        self.conv3 = nn.Conv1d(inside, channels, 1)
        self.bn3 = nn.BatchNorm1d(channels)
        self.se = SqueezeExcitation(channels, se_inner)

    def forward(self, x: Tensor) -> Tensor:
        parts = torch.split(self.bn1(F.relu(self.conv1(x))), self.width, 1)
        before: Tensor | None = None
        out = []
        for part, conv, norm in zip(parts, self.convs, self.bns):
            before = norm(F.relu(conv(part if before is None else before + part)))
            out.append(before)
        y = self.bn3(F.relu(self.conv3(torch.cat([*out, parts[-1]], 1))))
        return self.se(y) + x


class Ecapa(nn.Module):
    """[batch, features, frames] to [batch, embedding]."""

    def __init__(
        self,
        features: int,
        channels: int,
        groups: int,
        se_inner: int,
        aggregated: int,
        attention: int,
        embedding: int,
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.conv1 = nn.Conv1d(features, channels, 5, padding=2)
        self.bn1 = nn.BatchNorm1d(channels)
        self.layer1, self.layer2, self.layer3 = (Res2Block(channels, groups, se_inner, d) for d in DILATIONS)
        self.layer4 = nn.Conv1d(3 * channels, aggregated, 1)
        # Of frames, and of their mean and deviation over the window.
        self.attention = nn.Sequential(
            nn.Conv1d(3 * aggregated, attention, 1),
            nn.ReLU(),
            nn.BatchNorm1d(attention),
            nn.Tanh(),
            nn.Conv1d(attention, aggregated, 1),
        )
        self.bn5 = nn.BatchNorm1d(2 * aggregated)
        self.fc6 = nn.Linear(2 * aggregated, embedding)
        self.bn6 = nn.BatchNorm1d(embedding)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn1(F.relu(self.conv1(x)))
        first = self.layer1(x)
        second = self.layer2(x + first)
        third = self.layer3(x + first + second)
        y = F.relu(self.layer4(torch.cat([first, second, third], 1)))
        mean = y.mean(2, keepdim=True)
        # Over n - 1, as PyTorch's variance is.
        variance = ((y - mean) ** 2).sum(2, keepdim=True) / (y.shape[2] - 1)
        context = torch.cat([y, mean.expand_as(y), variance.clamp(min=1e-4).sqrt().expand_as(y)], 1)
        weights = torch.softmax(self.attention(context), dim=2)
        mu = (weights * y).sum(2)
        sigma = ((weights * y**2).sum(2) - mu**2).clamp(min=1e-4).sqrt()
        return self.bn6(self.fc6(self.bn5(torch.cat([mu, sigma], 1))))

    @classmethod
    def fitting(cls, tensors: Mapping[str, Tensor], prefix: str, features: int) -> Ecapa:
        """The net of the sizes that these tensors have."""

        def rows(name: str) -> int:
            tensor = tensors.get(prefix + name)
            if tensor is None or tensor.dim() == 0:
                raise Refused(f"the back end lacks {prefix}{name}, which tells its sizes")
            return tensor.shape[0]

        groups = 1
        while f"{prefix}layer1.convs.{groups - 1}.weight" in tensors:
            groups += 1
        return cls(
            features,
            rows("conv1.weight"),
            groups,
            rows("layer1.se.se.1.weight"),
            rows("layer4.weight"),
            rows("attention.0.weight"),
            rows("fc6.weight"),
        )
