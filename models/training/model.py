"""The networks: several back ends that turn a window of any length into an embedding, and the outputs on top of it.

`Detector` is what is trained and exported. Its score is that of the main output plus a share of the twin output: vocoder twins of
real clips teach another cue than whole synthesisers do, and a shared output lets the one drown the other.
"""
import math

import torch
from torch import nn
from torch.nn import functional

COSINE_SCALE = 15.0      # of the margin losses, whose logits are cosines


def inputs(features):
    """What the library makes of windows, as a network takes it: a waveform, statistics, or several kinds behind each other, without the first axis, which is 1."""
    return torch.from_numpy(features.squeeze(1) if features.shape[1] == 1 else features)


class Residual(nn.Module):
    """Two 3x3 convolutions and a shortcut; the first one halves time and frequency."""

    def __init__(self, inputs, outputs, stride=2):
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(self.shortcut(x) + self.second_norm(self.second(y)))


def statistics(y, axis):
    """Mean and deviation over time, in full precision: bfloat16 is too coarse for a deviation."""
    y = y.float()
    mean = y.mean(axis)
    offset = y - mean.unsqueeze(axis)
    return torch.cat([mean, torch.sqrt((offset * offset).mean(axis) + 1e-5)], 1).flatten(1)


class ResidualNet(nn.Module):
    """Residual CNN over time and frequency; statistics over time for each band that is left."""

    def __init__(self, columns, channels=(16, 24, 40, 64)):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, channels[0], 5, 2, 2, bias=False), nn.BatchNorm2d(channels[0]), nn.ReLU())
        self.stages = nn.Sequential(*[Residual(a, b) for a, b in zip(channels[:-1], channels[1:])])
        bands = columns
        for _ in range(len(channels)):
            bands = (bands + 1) // 2
        self.size = 2 * channels[-1] * bands

    def forward(self, features):
        return statistics(self.stages(self.stem(features.unsqueeze(1))), 2)


class MaxFeatureMap(nn.Module):
    """A convolution of which the stronger of two channels goes on."""

    def __init__(self, inputs, outputs, kernel, padding):
        super().__init__()
        self.convolution = nn.Conv2d(inputs, 2 * outputs, kernel, 1, padding)

    def forward(self, x):
        a, b = self.convolution(x).chunk(2, 1)
        return torch.maximum(a, b)


class LightNet(nn.Module):
    """A small LCNN (Lavrentyeva et al., Interspeech 2019): max feature maps in place of ReLU."""

    def __init__(self, columns, channels=(16, 24, 40, 48)):
        super().__init__()
        layers, inputs, bands = [], 1, columns
        for k, outputs in enumerate(channels):
            layers += [MaxFeatureMap(inputs, outputs, 5 if k == 0 else 3, 2 if k == 0 else 1), nn.MaxPool2d(2, ceil_mode=True), nn.BatchNorm2d(outputs)]
            inputs, bands = outputs, (bands + 1) // 2
        self.layers, self.size = nn.Sequential(*layers), 2 * channels[-1] * bands

    def forward(self, features):
        return statistics(self.layers(features.unsqueeze(1)), 2)


class Dilated(nn.Module):
    """A dilated convolution over time with a shortcut."""

    def __init__(self, channels, dilation):
        super().__init__()
        self.convolution = nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation, groups=4, bias=False)
        self.mix = nn.Conv1d(channels, channels, 1, bias=False)
        self.first_norm, self.second_norm = nn.BatchNorm1d(channels), nn.BatchNorm1d(channels)

    def forward(self, x):
        return torch.relu(x + self.second_norm(self.mix(torch.relu(self.first_norm(self.convolution(x))))))


class TextureNet(nn.Module):
    """Whole frames, convolved over time alone, and how their projections vary together: mean, deviation and covariance of a few
    of them, and the same of their changes. The texture of a voice, where the residual CNN sees its shapes."""

    def __init__(self, columns, channels=(96, 24)):
        super().__init__()
        width, self.tracks = channels
        self.first = nn.Sequential(nn.Conv1d(columns, width, 5, padding=2, bias=False), nn.BatchNorm1d(width), nn.ReLU())
        self.blocks = nn.ModuleList([Dilated(width, d) for d in (1, 2, 4, 8)])
        self.tracks_of = nn.Conv1d(columns, self.tracks, 1)
        self.compress = nn.Sequential(nn.Linear(2 * self.tracks * self.tracks, 64), nn.ReLU())
        self.size = 2 * 2 * width + 64

    def _covariance(self, tracks):
        tracks = tracks - tracks.mean(2, keepdim=True)
        tracks = tracks / torch.sqrt((tracks * tracks).mean(2, keepdim=True) + 1e-4)
        return (tracks @ tracks.transpose(1, 2) / tracks.shape[2]).flatten(1)

    def forward(self, features):
        x = features.transpose(1, 2)
        y, outputs = self.first(x), []
        for block in self.blocks:
            y = block(y)
            outputs.append(y)
        tracks = self.tracks_of(x).float()
        changes = tracks[:, :, 1:] - tracks[:, :, :-1]
        together = self.compress(torch.cat([self._covariance(tracks), self._covariance(changes)], 1))
        return torch.cat([statistics(outputs[1], 2), statistics(outputs[-1], 2), together.float()], 1)


class Conformer(nn.Module):
    """One conformer layer (Gulati et al., Interspeech 2020): attention and a convolution over time between two halves of a feed-forward."""

    def __init__(self, width, heads=4, kernel=15):
        super().__init__()
        self.halves = nn.ModuleList([nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width)) for _ in range(2)])
        self.norm, self.heads = nn.LayerNorm(width), heads
        self.query_key_value, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.before = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GLU(2))
        self.depthwise = nn.Sequential(nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width), nn.BatchNorm1d(width), nn.SiLU())
        self.after, self.last = nn.Linear(width, width), nn.LayerNorm(width)

    def _attend(self, x):
        q, k, v = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in self.query_key_value(self.norm(x)).chunk(3, 2))
        weights = torch.softmax(q @ k.transpose(2, 3) / q.shape[-1] ** 0.5, 3)
        return self.out((weights @ v).transpose(1, 2).flatten(2))

    def forward(self, x):
        x = x + 0.5 * self.halves[0](x)
        x = x + self._attend(x)
        x = x + self.after(self.depthwise(self.before(x).transpose(1, 2)).transpose(1, 2))
        return self.last(x + 0.5 * self.halves[1](x))


class ConformerNet(nn.Module):
    """A strided CNN and two conformer layers on a quarter of the frames."""

    def __init__(self, columns, channels=(16, 24, 64)):
        super().__init__()
        first, second, width = channels
        self.stem = nn.Sequential(nn.Conv2d(1, first, 5, 2, 2, bias=False), nn.BatchNorm2d(first), nn.ReLU(), Residual(first, second))
        self.project = nn.Linear(second * (((columns + 1) // 2 + 1) // 2), width)
        self.layers, self.size = nn.Sequential(Conformer(width), Conformer(width)), 2 * width

    def forward(self, features):
        y = self.stem(features.unsqueeze(1)).transpose(1, 2).flatten(2)
        return statistics(self.layers(self.project(y)), 1)


class RawNet(nn.Module):
    """Convolutions on the waveform itself, strided down to 100 frames a second at 8 kHz, then over time."""

    def __init__(self, columns, channels=(48, 64, 96)):
        super().__init__()
        first, second, width = channels
        norm_relu = lambda n: (nn.BatchNorm1d(n), nn.ReLU())   # noqa: E731
        self.front = nn.Sequential(nn.Conv1d(1, first, 65, 10, 32, bias=False), *norm_relu(first), nn.Conv1d(first, second, 5, 4, 2, bias=False), *norm_relu(second),
                                   nn.Conv1d(second, width, 5, 2, 2, bias=False), *norm_relu(width))
        self.blocks, self.size = nn.Sequential(*[Dilated(width, d) for d in (1, 2, 4, 8)]), 2 * width

    def forward(self, waveform):
        return statistics(self.blocks(self.front(waveform.unsqueeze(1))), 2)


class ConstantQNet(nn.Module):
    """The residual CNN on a constant-Q transform of the waveform (Brown 1991): windows as long as 18 bins an octave ask for, at most 128 ms."""

    BINS_PER_OCTAVE = 18
    LOWEST_HZ, HIGHEST = 100.0, 0.9      # the latter of half the sampling rate

    def __init__(self, columns, channels=(16, 24, 40, 64), rate=8000):
        super().__init__()
        longest, self.hop = rate // 1000 * 128, rate // 1000 * 12
        count = int(self.BINS_PER_OCTAVE * math.log2(self.HIGHEST * rate / 2 / self.LOWEST_HZ))
        frequencies = self.LOWEST_HZ * 2 ** (torch.arange(count) / self.BINS_PER_OCTAVE)
        quality = 1 / (2 ** (1 / self.BINS_PER_OCTAVE) - 1)
        t = torch.arange(longest) - longest / 2
        kernels = []
        for f in frequencies.tolist():
            length = min(longest, quality * rate / f)
            hann = torch.where(t.abs() < length / 2, 0.5 + 0.5 * torch.cos(2 * torch.pi * t / length), torch.zeros(()))
            angle = 2 * torch.pi * f / rate * t
            kernels += [hann * torch.cos(angle) / length, hann * torch.sin(angle) / length]
        self.register_buffer("kernels", torch.stack(kernels).unsqueeze(1))
        self.shapes = ResidualNet(count, channels)
        self.size = self.shapes.size

    def forward(self, waveform):
        with torch.no_grad(), torch.autocast(waveform.device.type, enabled=False):
            parts = functional.conv1d(waveform.float().unsqueeze(1), self.kernels, stride=self.hop)
            power = torch.log((parts * parts).unflatten(1, (-1, 2)).sum(2) + 1e-9).transpose(1, 2)
            power = power - power.mean(1, keepdim=True)
        return self.shapes(power)


class StatisticsNet(nn.Module):
    """A small network on statistics over the frames of a window, which the library takes (`statistics` among its features). No filter is learnt: what tells
    voices apart as distributions survives a change of machine better than shapes that were learnt from a few of them."""

    def __init__(self, columns, channels=(160, 96)):
        super().__init__()
        hidden, out = channels
        count = sum(columns) if isinstance(columns, tuple) else columns
        self.norm = nn.BatchNorm1d(count, affine=False)
        self.layers = nn.Sequential(nn.Dropout(0.3), nn.Linear(count, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(0.3), nn.Linear(hidden, out), nn.BatchNorm1d(out), nn.ReLU())
        self.size = out

    def forward(self, *families):
        statistics = torch.cat([family.float().flatten(1) for family in families], 1)
        with torch.autocast(statistics.device.type, enabled=False):
            return self.layers(torch.clamp(self.norm(statistics), -6, 6))


class Both(nn.Module):
    """The residual CNN and the texture side by side."""

    def __init__(self, columns, channels=(16, 24, 40, 64, 96, 24)):
        super().__init__()
        self.shapes, self.texture = ResidualNet(columns, channels[:-2]), TextureNet(columns, channels[-2:])
        self.size = self.shapes.size + self.texture.size

    def forward(self, features):
        return torch.cat([self.shapes(features), self.texture(features)], 1)


NETWORKS = {"residual": ResidualNet, "light": LightNet, "texture": TextureNet, "conformer": ConformerNet, "raw": RawNet, "constant_q": ConstantQNet, "statistics": StatisticsNet, "both": Both}


class OfParts(nn.Module):
    """A back end on matrices that lie one behind the other in a tensor [batch, values], the features of several kinds of one window. `layouts` tells where, as
    {values: [(start, frames, columns), ...]}, for each length of window."""

    def __init__(self, backend, layouts):
        super().__init__()
        self.backend, self.layouts, self.size = backend, layouts, backend.size

    def forward(self, values):
        return self.backend(*(values[:, start:start + frames * columns].unflatten(1, (frames, columns)) for start, frames, columns in self.layouts[int(values.shape[1])]))


class Detector(nn.Module):
    """features [batch, frames, columns], [batch, values] or waveform [batch, samples] -> logits [batch, 2], in the order bonafide, spoof."""

    def __init__(self, backend, families, dropout=0.2, twin_weight=0.5, cosine=False):
        super().__init__()
        self.backend, self.dropout, self.twin_weight, self.cosine = backend, nn.Dropout(dropout), twin_weight, cosine
        self.main, self.twin, self.family = nn.Linear(backend.size, 1), nn.Linear(backend.size, 1), nn.Linear(backend.size, families)

    def _logit(self, embedding, output):
        if not self.cosine:
            return output(embedding).squeeze(1)
        return COSINE_SCALE * functional.linear(functional.normalize(embedding, dim=1), functional.normalize(output.weight, dim=1)).squeeze(1)

    def outputs(self, inputs):
        """The three outputs: main and twin [batch], family [batch, families]."""
        embedding = self.dropout(self.backend(inputs))
        return self._logit(embedding, self.main), self._logit(embedding, self.twin), self.family(embedding)

    def score(self, main, twin):
        """What the two outputs say together."""
        return main + self.twin_weight * twin

    def of_embedding(self, embedding):
        score = self.score(self._logit(embedding, self.main), self._logit(embedding, self.twin))
        return torch.stack([-score / 2, score / 2], 1)

    def forward(self, inputs):
        return self.of_embedding(self.dropout(self.backend(inputs)))


class Novelty(nn.Module):
    """How unlike the training windows an embedding is: the squared distance to their mean in units of their spread (Mahalanobis; Lee et al.,
    NeurIPS 2018), along their first principal axes and, as one number, off them; the logarithm of the mean of both."""

    def __init__(self, embeddings, axes=48):
        super().__init__()
        mean = embeddings.mean(0)
        centred = embeddings - mean
        _, spread, directions = torch.linalg.svd(centred, full_matrices=False)
        variance = spread ** 2 / len(embeddings)
        # Axes that few windows span say nothing of the others, and what hardly varies must not be divided by.
        axes, floor = max(1, min(axes, len(embeddings) // 8)), 1e-3 * float(variance.sum())
        for name, value in (("mean", mean), ("directions", directions[:axes].clone()), ("weights", 1 / (variance[:axes] + floor)),
                            ("rest", variance[axes:].sum() + floor)):
            self.register_buffer(name, value)

    def forward(self, embedding):
        centred = embedding - self.mean
        along = centred @ self.directions.T
        off = centred - along @ self.directions
        return torch.log((along * along * self.weights).mean(1) + (off * off).sum(1) / self.rest).unsqueeze(1)


class Product(nn.Module):
    """What is exported: the weighted mean of the logits of one or more detectors over the same input, and the mean of their novelties."""

    def __init__(self, detectors, windows, weights=None):
        """`windows` are inputs of training, on which novelty is fitted; the detectors weigh the same unless told otherwise."""
        super().__init__()
        weights = torch.tensor(weights or [1.0] * len(detectors))
        self.register_buffer("shares", (weights / weights.sum()).reshape(-1, 1, 1))
        self.detectors = nn.ModuleList(detectors).eval()
        with torch.no_grad():
            self.novelties = nn.ModuleList(Novelty(torch.cat([d.backend(part) for part in windows.split(64)])) for d in detectors)
        self.eval()

    def forward(self, inputs):
        embeddings = [detector.backend(inputs) for detector in self.detectors]
        logits = [detector.of_embedding(e) for detector, e in zip(self.detectors, embeddings)]
        novelty = [n(e) for n, e in zip(self.novelties, embeddings)]
        return (self.shares * torch.stack(logits)).sum(0), torch.stack(novelty).mean(0)


def build(config, columns, families, layouts=None):
    """An untrained detector. `columns` is that of the features, or a tuple of them where it sees several kinds, whose `layouts` are as in `OfParts`."""
    m = config["model"]
    if isinstance(columns, tuple) and m["network"] != "statistics":
        raise SystemExit(f"model: the network '{m['network']}' sees one kind of features, not the parts {m['parts']}")
    more = {"rate": config["input"]["sample_rate_hz"]} if m["network"] == "constant_q" else {}
    backend = NETWORKS[m["network"]](columns, tuple(m["channels"]), **more)
    if layouts:
        backend = OfParts(backend, layouts)
    return Detector(backend, families, m["dropout"], m["twin_weight"], config["training"]["loss"] != "cross_entropy")


def parameters(net):
    return sum(p.numel() for p in net.parameters())
