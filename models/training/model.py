"""The network: a small residual CNN that pools over time, so that a window of any length gives one pair of logits."""
import torch
from torch import nn


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


class PhoneNet(nn.Module):
    """features [batch, frames, columns] -> logits [batch, 2], in the order bonafide, spoof."""

    def __init__(self, columns, channels=(16, 24, 40, 64), dropout=0.2):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, channels[0], 5, 2, 2, bias=False), nn.BatchNorm2d(channels[0]), nn.ReLU())
        self.stages = nn.Sequential(*[Residual(a, b) for a, b in zip(channels[:-1], channels[1:])])
        bands = columns
        for _ in range(len(channels)):
            bands = (bands + 1) // 2
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * channels[-1] * bands, 2)

    def forward(self, features):
        y = self.stages(self.stem(features.unsqueeze(1)))     # [batch, channel, time, band]
        if y.dtype != torch.float32:
            y = y.float()                                     # bfloat16 is too coarse for the deviation
        mean = y.mean(2)
        offset = y - mean.unsqueeze(2)
        deviation = torch.sqrt((offset * offset).mean(2) + 1e-5)
        return self.head(self.dropout(torch.cat([mean, deviation], 1).flatten(1)))


def build(config, columns):
    return PhoneNet(columns, tuple(config["model"]["channels"]), config["model"]["dropout"])


def parameters(net):
    return sum(p.numel() for p in net.parameters())
