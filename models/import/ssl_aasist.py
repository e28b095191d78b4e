"""wav2vec 2.0 with AASIST's back end, written from Tak, Todisco, Wang, Jung, Yamagishi, Evans, "Automatic speaker verification spoofing
and deepfake detection using wav2vec 2.0 and data augmentation", Odyssey 2022, arXiv 2202.12233, and from Baevski, Zhou, Mohamed, Auli,
"wav2vec 2.0", arXiv 2006.11477, in the shape of XLS-R 300M (Babu et al., arXiv 2111.09296).

Published checkpoints hold fairseq's names under `ssl_model.model.`; `translate` turns them into those here. The names of the back
end are taken as they are. Inference alone: no dropout, no masking, no padding, since all windows have one length.
"""
import dataclasses
import math

import torch
from torch import nn
from torch.nn import functional as F

from aasist import LABELS, GraphBackEnd, residual_encoder  # noqa: F401
from checkpoint import Refused


@dataclasses.dataclass(frozen=True)
class Wav2Vec2Shape:
    """Convolutions are (channels, taps, stride). `conv_norm`: "layer" after each, or "group" after the first (one group for each channel)."""
    convolutions: tuple = ((512, 10, 5),) + ((512, 3, 2),) * 4 + ((512, 2, 2),) * 2
    conv_norm: str = "layer"
    conv_bias: bool = True
    width: int = 1024
    inner: int = 4096
    heads: int = 16
    layers: int = 24
    position_taps: int = 128
    position_groups: int = 16
    norm_first: bool = True

    def frames(self, samples):
        for _, taps, stride in self.convolutions:
            samples = (samples - taps) // stride + 1
        return samples


@dataclasses.dataclass(frozen=True)
class Shape:
    """The whole net. The defaults are the published one's."""
    window_samples: int = 64600
    front_end: Wav2Vec2Shape = Wav2Vec2Shape()
    projected: int = 128
    channels: tuple = ((1, 32), (32, 32), (32, 64), (64, 64), (64, 64), (64, 64))
    attention_channels: int = 128
    graph_dims: tuple = (64, 32)
    pool_ratios: tuple = (0.5, 0.5, 0.5)
    temperatures: tuple = (2.0, 2.0, 100.0)


XLSR_300M = Shape()


def over_channels(norm, x):
    """Layer norm of [batch, channels, time] over the channels."""
    return norm(x.transpose(1, 2)).transpose(1, 2)


class ConvolutionLayer(nn.Module):
    """One layer of the feature encoder."""

    def __init__(self, inside, outside, taps, stride, bias, norm):
        super().__init__()
        self.conv = nn.Conv1d(inside, outside, taps, stride, bias=bias)
        if norm:
            self.norm = nn.LayerNorm(outside) if norm == "layer" else nn.GroupNorm(outside, outside)
        self.norm_kind = norm

    def forward(self, x):
        x = self.conv(x)
        if self.norm_kind == "layer":
            x = over_channels(self.norm, x)
        elif self.norm_kind == "group":
            x = self.norm(x)
        return F.gelu(x)


class SelfAttention(nn.Module):
    def __init__(self, width, heads, frames):
        super().__init__()
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            self.add_module(name, nn.Linear(width, width))
        self.heads, self.frames, self.width = heads, frames, width

    def split(self, x):
        return x.reshape(-1, self.frames, self.heads, self.width // self.heads).transpose(1, 2)

    def forward(self, x):
        q = self.split(self.q_proj(x)) / math.sqrt(self.width // self.heads)
        attention = torch.softmax(q @ self.split(self.k_proj(x)).transpose(2, 3), dim=3)
        mixed = (attention @ self.split(self.v_proj(x))).transpose(1, 2)
        return self.out_proj(mixed.reshape(-1, self.frames, self.width))


class TransformerLayer(nn.Module):
    """Layer norms stand before attention and feed-forward (`norm_first`, as in XLS-R) or after them (as in wav2vec 2.0 base)."""

    def __init__(self, shape, frames):
        super().__init__()
        self.self_attn = SelfAttention(shape.width, shape.heads, frames)
        self.self_attn_layer_norm = nn.LayerNorm(shape.width)
        self.fc1 = nn.Linear(shape.width, shape.inner)
        self.fc2 = nn.Linear(shape.inner, shape.width)
        self.final_layer_norm = nn.LayerNorm(shape.width)
        self.norm_first = shape.norm_first

    def feed_forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))

    def forward(self, x):
        if self.norm_first:
            x = x + self.self_attn(self.self_attn_layer_norm(x))
            return x + self.feed_forward(self.final_layer_norm(x))
        x = self.self_attn_layer_norm(x + self.self_attn(x))
        return self.final_layer_norm(x + self.feed_forward(x))


class Wav2Vec2(nn.Module):
    """[batch, samples] at 16 kHz to [batch, frames, width]: the output of the last transformer layer."""

    def __init__(self, shape, samples):
        super().__init__()
        convolutions, inside = [], 1
        for k, (outside, taps, stride) in enumerate(shape.convolutions):
            norm = shape.conv_norm if shape.conv_norm == "layer" or k == 0 else None
            convolutions.append(ConvolutionLayer(inside, outside, taps, stride, shape.conv_bias, norm))
            inside = outside
        self.convolutions = nn.Sequential(*convolutions)
        self.layer_norm = nn.LayerNorm(inside)
        # fairseq leaves the projection out where both sides are equally wide.
        self.post_extract_proj = nn.Linear(inside, shape.width) if inside != shape.width else nn.Identity()
        self.pos_conv = nn.Conv1d(shape.width, shape.width, shape.position_taps, padding=shape.position_taps // 2, groups=shape.position_groups)
        self.frames = shape.frames(samples)
        self.layers = nn.Sequential(*(TransformerLayer(shape, self.frames) for _ in range(shape.layers)))
        self.encoder_norm = nn.LayerNorm(shape.width)
        self.norm_first = shape.norm_first

    def forward(self, waveform):
        x = self.post_extract_proj(self.layer_norm(self.convolutions(waveform.unsqueeze(1)).transpose(1, 2)))
        # An even count of taps gives one frame too many, which is cut off.
        x = x + F.gelu(self.pos_conv(x.transpose(1, 2))[:, :, :self.frames]).transpose(1, 2)
        return self.encoder_norm(self.layers(x)) if self.norm_first else self.layers(self.encoder_norm(x))


class SslAasist(GraphBackEnd):
    """[batch, window_samples] at 16 kHz to [batch, 2] logits in the order of LABELS. The waveform goes in as it is: the published
    training did not normalise it."""

    def __init__(self, shape=XLSR_300M):
        channels = shape.channels[-1][1]
        frames = shape.front_end.frames(shape.window_samples)
        super().__init__(channels, shape.graph_dims, shape.pool_ratios, shape.temperatures, shape.projected // 3, frames // 3)
        self.ssl_model = Wav2Vec2(shape.front_end, shape.window_samples)
        self.LL = nn.Linear(shape.front_end.width, shape.projected)
        self.first_bn = nn.BatchNorm2d(1)
        self.first_bn1 = nn.BatchNorm2d(channels)
        self.encoder = residual_encoder(shape.channels, pool=1)
        self.attention = nn.Sequential(nn.Conv2d(channels, shape.attention_channels, 1), nn.SELU(),
                                       nn.BatchNorm2d(shape.attention_channels), nn.Conv2d(shape.attention_channels, channels, 1))

    def forward(self, waveform):
        features = self.LL(self.ssl_model(waveform)).transpose(1, 2).unsqueeze(1)
        encoded = F.selu(self.first_bn1(self.encoder(F.selu(self.first_bn(F.max_pool2d(features, 3))))))
        # Self-attentive pooling makes one view over the spectrum and one over time.
        weights = self.attention(encoded)
        spectral = (encoded * torch.softmax(weights, dim=3)).sum(3)
        temporal = (encoded * torch.softmax(weights, dim=2)).sum(2)
        return self.classify(spectral.transpose(1, 2), temporal.transpose(1, 2))


FRONT_END = "ssl_model.model."
# Parts of wav2vec 2.0 that only its pre-training uses; fine-tuned checkpoints carry them along.
PRETRAINING = ("mask_emb", "quantizer.", "project_q.", "final_proj.", "target_glu.")


def translate(tensors):
    """fairseq's names and forms to those here: weight norm of the positional convolution becomes a plain weight."""
    out, norms = {}, {}
    for name, tensor in tensors.items():
        if not name.startswith(FRONT_END):
            out[name] = tensor
            continue
        name = name[len(FRONT_END):]
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
        for theirs, ours in (("encoder.pos_conv.0.", "pos_conv."), ("encoder.layers.", "layers."), ("encoder.layer_norm.", "encoder_norm.")):
            if name.startswith(theirs):
                name = ours + name[len(theirs):]
        out[f"ssl_model.{name}"] = tensor
    if norms:
        if norms.keys() != {"g", "v"} or norms["v"].dim() != 3 or list(norms["g"].shape) != [1, 1, norms["v"].shape[2]]:
            raise Refused("the positional convolution is expected as weight_g [1, 1, taps] and weight_v [out, in, taps], came as "
                          + ", ".join(f"weight_{k} {list(v.shape)}" for k, v in sorted(norms.items())))
        direction = norms["v"].double()
        out["ssl_model.pos_conv.weight"] = (norms["g"] * direction / direction.pow(2).sum((0, 1), keepdim=True).sqrt()).float()
    return out
