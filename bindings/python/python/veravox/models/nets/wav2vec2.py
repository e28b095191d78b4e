"""wav2vec 2.0, written from Baevski, Zhou, Mohamed, Auli, "wav2vec 2.0: A Framework for Self-Supervised Learning of Speech
Representations", arXiv 2006.11477, in the shapes of its base and large forms and of XLS-R (Babu et al., arXiv 2111.09296).

Published detectors hold fairseq's names under `ssl_model.model.`; `translate` turns them into those here, and `shape_of` reads the
sizes from them. Inference alone: no dropout, no masking, no padding, since all windows have one length.
"""
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..refusal import Refused


@dataclasses.dataclass(frozen=True)
class Shape:
    """Convolutions are (channels, taps, stride). `conv_norm`: "layer" after each, or "group" after the first (one group for each channel)."""

    convolutions: Sequence[tuple[int, int, int]] = ((512, 10, 5),) + ((512, 3, 2),) * 4 + ((512, 2, 2),) * 2
    conv_norm: str = "layer"
    conv_bias: bool = True
    width: int = 1024
    inner: int = 4096
    heads: int = 16
    layers: int = 24
    position_taps: int = 128
    position_groups: int = 16
    norm_first: bool = True

    def frames(self, samples: int) -> int:
        """Frames of so many samples."""
        for _, taps, stride in self.convolutions:
            samples = (samples - taps) // stride + 1
        return samples


XLSR_300M = Shape()

# What the tensors do not tell, by the width of the transformer: base; large and XLS-R 300M; XLS-R 1B; XLS-R 2B.
HEADS = {768: 12, 1024: 16, 1280: 16, 1920: 16}
STRIDES = (5, 2, 2, 2, 2, 2, 2)


def over_channels(norm: nn.Module, x: Tensor) -> Tensor:
    """Layer norm of [batch, channels, time] over the channels."""
    return norm(x.transpose(1, 2)).transpose(1, 2)


class ConvolutionLayer(nn.Module):
    """One layer of the feature encoder."""

    def __init__(self, inside: int, outside: int, taps: int, stride: int, bias: bool, norm: str | None) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inside, outside, taps, stride, bias=bias)
        if norm:
            self.norm = nn.LayerNorm(outside) if norm == "layer" else nn.GroupNorm(outside, outside)
        self.norm_kind = norm

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        if self.norm_kind == "layer":
            x = over_channels(self.norm, x)
        elif self.norm_kind == "group":
            x = self.norm(x)
        return F.gelu(x)


class SelfAttention(nn.Module):
    def __init__(self, width: int, heads: int, frames: int) -> None:
        super().__init__()
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)
        self.heads, self.frames, self.width = heads, frames, width

    def split(self, x: Tensor) -> Tensor:
        return x.reshape(-1, self.frames, self.heads, self.width // self.heads).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        q = self.split(self.q_proj(x)) / math.sqrt(self.width // self.heads)
        attention = torch.softmax(q @ self.split(self.k_proj(x)).transpose(2, 3), dim=3)
        mixed = (attention @ self.split(self.v_proj(x))).transpose(1, 2)
        return self.out_proj(mixed.reshape(-1, self.frames, self.width))


class TransformerLayer(nn.Module):
    """Layer norms stand before attention and feed-forward (`norm_first`, as in XLS-R) or after them (as in wav2vec 2.0 base)."""

    def __init__(self, shape: Shape, frames: int) -> None:
        super().__init__()
        self.self_attn = SelfAttention(shape.width, shape.heads, frames)
        self.self_attn_layer_norm = nn.LayerNorm(shape.width)
        self.fc1 = nn.Linear(shape.width, shape.inner)
        self.fc2 = nn.Linear(shape.inner, shape.width)
        self.final_layer_norm = nn.LayerNorm(shape.width)
        self.norm_first = shape.norm_first

    def feed_forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))

    def forward(self, x: Tensor) -> Tensor:
        if self.norm_first:
            x = x + self.self_attn(self.self_attn_layer_norm(x))
            return x + self.feed_forward(self.final_layer_norm(x))
        x = self.self_attn_layer_norm(x + self.self_attn(x))
        return self.final_layer_norm(x + self.feed_forward(x))


class Wav2Vec2(nn.Module):
    """[batch, samples] at 16 kHz to [batch, frames, width]: the output of the last transformer layer."""

    def __init__(self, shape: Shape, samples: int) -> None:
        super().__init__()
        convolutions: list[nn.Module] = []
        inside = 1
        for k, (outside, taps, stride) in enumerate(shape.convolutions):
            norm = shape.conv_norm if shape.conv_norm == "layer" or k == 0 else None
            convolutions.append(ConvolutionLayer(inside, outside, taps, stride, shape.conv_bias, norm))
            inside = outside
        self.convolutions = nn.Sequential(*convolutions)
        self.layer_norm = nn.LayerNorm(inside)
        # fairseq leaves the projection out where both sides are equally wide.
        self.post_extract_proj = nn.Linear(inside, shape.width) if inside != shape.width else nn.Identity()
        self.pos_conv = nn.Conv1d(
            shape.width,
            shape.width,
            shape.position_taps,
            padding=shape.position_taps // 2,
            groups=shape.position_groups,
        )
        self.frames = shape.frames(samples)
        self.layers = nn.Sequential(*(TransformerLayer(shape, self.frames) for _ in range(shape.layers)))
        self.encoder_norm = nn.LayerNorm(shape.width)
        self.norm_first = shape.norm_first

    def forward(self, waveform: Tensor) -> Tensor:
        x = self.post_extract_proj(self.layer_norm(self.convolutions(waveform.unsqueeze(1)).transpose(1, 2)))
        # An even count of taps gives one frame too many, which is cut off.
        x = x + F.gelu(self.pos_conv(x.transpose(1, 2))[:, :, : self.frames]).transpose(1, 2)
        return self.encoder_norm(self.layers(x)) if self.norm_first else self.layers(self.encoder_norm(x))


FRONT_END = "ssl_model.model."
# Parts of wav2vec 2.0 that only its pre-training uses; fine-tuned checkpoints carry them along.
PRETRAINING = ("mask_emb", "quantizer.", "project_q.", "final_proj.", "target_glu.")


def translate(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """fairseq's names and forms to those here: weight norm of the positional convolution becomes a plain weight."""
    out: dict[str, Tensor] = {}
    norms: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if not name.startswith(FRONT_END):
            out[name] = tensor
            continue
        name = name[len(FRONT_END) :]
        if name.startswith(PRETRAINING):
            continue
        if name.startswith("encoder.pos_conv.0.weight_"):
            norms[name[-1]] = tensor
            continue
        if name.startswith("feature_extractor.conv_layers."):
            _, _, layer, rest = name.split(".", 3)
            # 0 is the convolution, 2 its norm, alone or in the middle of two transpositions.
            part = {"0": "conv", "2.1": "norm", "2": "norm"}.get(rest.rpartition(".")[0], rest.rpartition(".")[0])
            name = f"convolutions.{layer}.{part}.{rest.rpartition('.')[2]}"
        for theirs, ours in (
            ("encoder.pos_conv.0.", "pos_conv."),
            ("encoder.layers.", "layers."),
            ("encoder.layer_norm.", "encoder_norm."),
        ):
            if name.startswith(theirs):
                name = ours + name[len(theirs) :]
        out[f"ssl_model.{name}"] = tensor
    if norms:
        if norms.keys() != {"g", "v"} or norms["v"].dim() != 3 or list(norms["g"].shape) != [1, 1, norms["v"].shape[2]]:
            raise Refused(
                "the positional convolution is expected as weight_g [1, 1, taps] and weight_v [out, in, taps], came as "
                + ", ".join(f"weight_{k} {list(v.shape)}" for k, v in sorted(norms.items()))
            )
        direction = norms["v"].double()
        out["ssl_model.pos_conv.weight"] = (
            norms["g"] * direction / direction.pow(2).sum((0, 1), keepdim=True).sqrt()
        ).float()
    return out


def shape_of(tensors: Mapping[str, Tensor], heads: int | None = None) -> Shape:
    """The sizes of the front end whose fairseq tensors these are. How many attention heads there are, no tensor tells: the published
    widths have a known number, others must be told."""

    def size(name: str) -> tuple[int, ...]:
        tensor = tensors.get(FRONT_END + name)
        if tensor is None:
            raise Refused(f"the front end lacks {FRONT_END}{name}, which tells its sizes")
        return tuple(tensor.shape)

    convolutions: list[tuple[int, int, int]] = []
    while f"{FRONT_END}feature_extractor.conv_layers.{len(convolutions)}.0.weight" in tensors:
        channels, _, taps = size(f"feature_extractor.conv_layers.{len(convolutions)}.0.weight")
        convolutions.append((channels, taps, STRIDES[min(len(convolutions), 6)]))
    if len(convolutions) != len(STRIDES):
        raise Refused(
            f"expected wav2vec 2.0's {len(STRIDES)} convolutions under {FRONT_END}feature_extractor, found {len(convolutions)}"
        )
    inner, width = size("encoder.layers.0.fc1.weight")
    layers = 0
    while f"{FRONT_END}encoder.layers.{layers}.fc1.weight" in tensors:
        layers += 1
    _, per_group, taps = size("encoder.pos_conv.0.weight_v")
    heads = HEADS.get(width) if heads is None else heads
    if not heads or width % heads:
        raise Refused(
            f"how many attention heads the front end of width {width} has, its tensors do not tell; name them with --heads"
        )
    by_layer = f"{FRONT_END}feature_extractor.conv_layers.1.2.1.weight" in tensors
    return Shape(
        tuple(convolutions),
        "layer" if by_layer else "group",
        f"{FRONT_END}feature_extractor.conv_layers.0.0.bias" in tensors,
        width,
        inner,
        heads,
        layers,
        taps,
        width // per_group,
        # In fairseq's configurations norms stand first where each convolution has a layer norm.
        by_layer,
    )
