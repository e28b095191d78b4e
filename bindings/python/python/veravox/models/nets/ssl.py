"""Detectors on a self-supervised front end: wav2vec 2.0 with the back end of AASIST, with Nes2Net, with ECAPA-TDNN, and with a linear
layer over the mean.

AASIST's: Tak, Todisco, Wang, Jung, Yamagishi, Evans, "Automatic speaker verification spoofing and deepfake detection using wav2vec 2.0
and data augmentation", Odyssey 2022, arXiv 2202.12233.
"""
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from . import wav2vec2
from .aasist import GraphBackEnd, residual_encoder
from .ecapa import Ecapa
from .nes2net import Nes2Net


class AasistShape(NamedTuple):
    """The back end's sizes. The defaults are the published one's."""

    projected: int = 128
    channels: tuple[tuple[int, int], ...] = ((1, 32), (32, 32), (32, 64), (64, 64), (64, 64), (64, 64))
    attention_channels: int = 128
    graph_dims: tuple[int, int] = (64, 32)
    pool_ratios: tuple[float, float, float] = (0.5, 0.5, 0.5)
    temperatures: tuple[float, float, float] = (2.0, 2.0, 100.0)


class SslAasist(GraphBackEnd):
    """[batch, window_samples] at 16 kHz to [batch, 2] logits: spoof, bona fide. The waveform goes in as it is: the published training
    did not normalise it."""

    def __init__(self, front_end: wav2vec2.Shape, window_samples: int, shape: AasistShape = AasistShape()) -> None:
        channels = shape.channels[-1][1]
        frames = front_end.frames(window_samples)
        super().__init__(
            channels, shape.graph_dims, shape.pool_ratios, shape.temperatures, shape.projected // 3, frames // 3
        )
        self.ssl_model = wav2vec2.Wav2Vec2(front_end, window_samples)
        self.LL = nn.Linear(front_end.width, shape.projected)
        self.first_bn = nn.BatchNorm2d(1)
        self.first_bn1 = nn.BatchNorm2d(channels)
        self.encoder = residual_encoder(shape.channels, pool=1)
        self.attention = nn.Sequential(
            nn.Conv2d(channels, shape.attention_channels, 1),
            nn.SELU(),
            nn.BatchNorm2d(shape.attention_channels),
            nn.Conv2d(shape.attention_channels, channels, 1),
        )

    def forward(self, waveform: Tensor) -> Tensor:
        features = self.LL(self.ssl_model(waveform)).transpose(1, 2).unsqueeze(1)
        encoded = F.selu(self.first_bn1(self.encoder(F.selu(self.first_bn(F.max_pool2d(features, 3))))))
        # Self-attentive pooling makes one view over the spectrum and one over time.
        weights = self.attention(encoded)
        spectral = (encoded * torch.softmax(weights, dim=3)).sum(3)
        temporal = (encoded * torch.softmax(weights, dim=2)).sum(2)
        return self.classify(spectral.transpose(1, 2), temporal.transpose(1, 2))


class SslNes2Net(nn.Module):
    """As above, with Nes2Net-X. The names are those of the authors' checkpoints."""

    def __init__(self, front_end: wav2vec2.Shape, window_samples: int, back_end: Nes2Net) -> None:
        super().__init__()
        self.ssl_model = wav2vec2.Wav2Vec2(front_end, window_samples)
        self.Nested_Res2Net_TDNN = back_end

    def forward(self, waveform: Tensor) -> Tensor:
        return self.Nested_Res2Net_TDNN(self.ssl_model(waveform).transpose(1, 2))


class SslEcapa(nn.Module):
    """As above, with ECAPA-TDNN over the front end's frames and a linear layer over its embedding."""

    def __init__(self, front_end: wav2vec2.Shape, window_samples: int, back_end: Ecapa) -> None:
        super().__init__()
        self.ssl_model = wav2vec2.Wav2Vec2(front_end, window_samples)
        self.ecapa = back_end
        self.fc = nn.Linear(back_end.embedding, 2)

    def forward(self, waveform: Tensor) -> Tensor:
        return self.fc(self.ecapa(self.ssl_model(waveform).transpose(1, 2)))


class SslLinear(nn.Module):
    """As above, with one linear layer over the mean of the frames."""

    def __init__(self, front_end: wav2vec2.Shape, window_samples: int) -> None:
        super().__init__()
        self.ssl_model = wav2vec2.Wav2Vec2(front_end, window_samples)
        self.fc = nn.Linear(front_end.width, 2)

    def forward(self, waveform: Tensor) -> Tensor:
        return self.fc(self.ssl_model(waveform).mean(1))


Build = Callable[[Mapping[str, Tensor], int, "int | None"], nn.Module]


def with_aasist(tensors: Mapping[str, Tensor], window_samples: int, heads: int | None) -> nn.Module:
    """The net that these tensors fit. Where the back end has not the published sizes, filling it says so."""
    return SslAasist(wav2vec2.shape_of(tensors, heads), window_samples)


def with_nes2net(tensors: Mapping[str, Tensor], window_samples: int, heads: int | None) -> nn.Module:
    """The net that these tensors fit."""
    front_end = wav2vec2.shape_of(tensors, heads)
    return SslNes2Net(front_end, window_samples, Nes2Net.fitting(tensors, "Nested_Res2Net_TDNN.", front_end.width))


def with_ecapa(tensors: Mapping[str, Tensor], window_samples: int, heads: int | None) -> nn.Module:
    """The net that these tensors fit."""
    front_end = wav2vec2.shape_of(tensors, heads)
    return SslEcapa(front_end, window_samples, Ecapa.fitting(tensors, "ecapa.", front_end.width))


def with_linear(tensors: Mapping[str, Tensor], window_samples: int, heads: int | None) -> nn.Module:
    """The net that these tensors fit."""
    return SslLinear(wav2vec2.shape_of(tensors, heads), window_samples)
