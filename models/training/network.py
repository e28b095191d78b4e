"""The network: two layers on standardised statistics, and the mean of several of them as one.

No filter is learnt: what tells voices apart as distributions survives a change of machine better than shapes that were learnt from a few of them.
"""
import numpy as np
import torch
from torch import nn

LIMIT = 6.0        # deviations from the mean; what lies farther off counts as this far


class StatisticsNet(nn.Module):
    """Standardised statistics [batch, values] -> [batch, outputs]: one score, positive for synthetic, or a head's say for each expert. The batch norms are folded into the layers before them
    on export."""

    def __init__(self, values, hidden, out, dropout, outputs=1):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(values, hidden), nn.Linear(hidden, out), nn.Linear(out, outputs)
        self.norms = nn.ModuleList([nn.BatchNorm1d(hidden), nn.BatchNorm1d(out)])
        self.dropout = nn.Dropout(dropout)

    def embedding(self, x):
        y = torch.relu(self.norms[0](self.first(self.dropout(x))))
        return torch.relu(self.norms[1](self.second(self.dropout(y))))

    def forward(self, x):
        return self.last(self.dropout(self.embedding(x)))


class Scale:
    """The mean and the deviation of each statistic, as training windows are drawn."""

    def __init__(self, mean, deviation):
        self.mean, self.deviation = np.asarray(mean, np.float32), np.asarray(deviation, np.float32)

    @classmethod
    def of(cls, rows):
        rows = rows.astype(np.float64)
        return cls(rows.mean(0), np.sqrt(rows.var(0) + 1e-5))

    def __call__(self, rows):
        return np.clip((rows - self.mean) / self.deviation, -LIMIT, LIMIT)
