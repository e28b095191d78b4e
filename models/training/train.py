"""Training: from rows of statistics to weights. A step draws its windows by the seed and its number alone, so that a run that was cut off goes on as it would have."""
import copy
import math
import time

import numpy as np
import torch
from torch.nn import functional

import network

FOR_SCALE = 20000      # windows that mean and deviation are taken from
KEEP_EVERY = 250       # steps between two checkpoints


def learning_rate(step, c):
    """A short warm-up, then a cosine to nothing."""
    return c["learning_rate"] * min(1.0, (step + 1) / c["warmup_steps"]) * (0.5 + 0.5 * math.cos(math.pi * step / c["steps"]))


def scale_of(rows, chances, seed=1):
    """The scale of the windows as they are drawn."""
    return network.Scale.of(rows[np.sort(np.random.default_rng([seed, 5]).choice(len(rows), FOR_SCALE, p=chances))])


def loss_of(found, wanted, smoothing):
    """Of the scores, against synthetic or not; of a head, against which expert should be heard."""
    if found.shape[1] > 1:
        return functional.cross_entropy(found, wanted.long(), label_smoothing=smoothing)
    return functional.binary_cross_entropy_with_logits(found.squeeze(1), wanted * (1 - smoothing) + smoothing / 2)


class Training:
    """One network on its way. `sizes` are the units of its two layers, `c` the section [training] of the configuration."""

    def __init__(self, c, sizes, values, seed, outputs=1):
        self.c, self.seed, self.step, self.seconds = c, seed, 0, 0.0
        torch.manual_seed(seed)
        self.net = network.StatisticsNet(values, *sizes, c["dropout"], outputs)
        self.mean = copy.deepcopy(self.net)
        self.optimiser = torch.optim.AdamW(self.net.parameters(), lr=c["learning_rate"], weight_decay=c["weight_decay"])

    def state(self):
        return {"step": self.step, "seconds": self.seconds, "net": self.net.state_dict(), "mean": self.mean.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load(self, state):
        self.step, self.seconds = state["step"], state["seconds"]
        self.net.load_state_dict(state["net"])
        self.mean.load_state_dict(state["mean"])
        self.optimiser.load_state_dict(state["optimiser"])

    def advance(self, x, wanted):
        """One step; the mean of the weights over the last steps follows."""
        torch.manual_seed(self.seed * 1_000_003 + self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.step, self.c)
        self.net.train()
        loss = loss_of(self.net(x), wanted, self.c["label_smoothing"])
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        keep = min(self.c["ema"], (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for a, b in zip(self.mean.state_dict().values(), self.net.state_dict().values()):
                a.lerp_(b, 1 - keep) if a.is_floating_point() else a.copy_(b)
        self.step += 1
        return loss.item()

    def run(self, rows, targets, chances, keep=lambda: None, until=lambda: False, log=lambda text: None):
        """Steps until the end, or until `until()` says so; `keep` is called now and then. `rows` are standardised. Gives the network with the mean weights."""
        edges = np.cumsum(chances)
        edges /= edges[-1]
        targets = torch.from_numpy(np.asarray(targets, np.float32))
        started, before, first, steps = time.time(), self.seconds, self.step, self.c["steps"]
        while self.step < steps and not until():
            chosen = np.searchsorted(edges, np.random.default_rng([self.seed, 13, self.step]).random(self.c["batch"]), side="right")
            loss = self.advance(torch.from_numpy(rows[chosen]).float(), targets[torch.from_numpy(chosen)])
            self.seconds = before + time.time() - started
            if self.step % KEEP_EVERY == 0 or self.step == steps:
                rate = (self.step - first) / (time.time() - started)
                log(f"train: seed {self.seed}, step {self.step} of {steps}, loss {loss:.3f}, {rate:.0f} steps a second, {(steps - self.step) / rate:.0f} s left")
                keep()
        keep()
        return self.mean.eval()


def outputs(net, rows, part=4096):
    """What a network makes of standardised rows."""
    with torch.no_grad():
        return np.concatenate([net(torch.from_numpy(rows[k:k + part]).float()).numpy() for k in range(0, len(rows), part)])


def scores(nets, rows):
    """The mean score of some networks."""
    return np.mean([outputs(net, rows)[:, 0] for net in nets], axis=0)
