#!/usr/bin/env python3
"""A model goes on learning, all its networks as one, from rows of the windows that the library makes:

    python models/training/tune.py models/training/wide.toml --base DIR --corpus DIR --full DIR --cache DIR
    python models/training/run.py models/training/wide.toml --only calibrate,evaluate,card --corpus DIR --full DIR --cache DIR

for when not all that a model was made from can be had again: what it knows of that mostly stays. `--base` is a folder that this recipe exported; steps and rate stand in the section [tuning] of the
configuration. The graph keeps its shape: what is learnt is the matrices inside.
"""
import argparse
import copy
import math
import pathlib
import sys
import time

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

import export
import network
import product
import run as recipe
import train
from manifest import read_manifest

HERE = pathlib.Path(__file__).resolve().parent
LEARNT = ("down", "down_bias", "up", "up_bias", "second", "second_bias", "experts", "experts_bias", "head", "head_bias")


def constants(graph):
    """{name: array} of a graph of `product.build`."""
    return {t.name: numpy_helper.to_array(t) for t in graph.graph.initializer}


def scale_of(values):
    deviation = 1 / values["one_over_deviation"]
    return network.Scale(-values["shift"] * deviation, deviation)


class Graph(nn.Module):
    """The networks of a graph with several experts, as PyTorch learns them: standardised rows -> the score, positive for synthetic."""

    def __init__(self, values, dropout):
        super().__init__()
        for name in LEARNT:
            setattr(self, name, nn.Parameter(torch.tensor(values[name])))
        # Members of the second layer hear nothing of each other.
        self.register_buffer("own", torch.tensor((values["second"] != 0).astype(np.float32)))
        self.register_buffer("signs", torch.tensor(values["signs"]))
        self.dropout = nn.Dropout(dropout)

    def embedding(self, x):
        first = torch.relu((self.dropout(x) @ self.down + self.down_bias) @ self.up + self.up_bias)
        return torch.relu(self.dropout(first) @ (self.second * self.own) + self.second_bias)

    def forward(self, x):
        y = self.dropout(self.embedding(x))
        shares = torch.softmax(y @ self.head + self.head_bias, 1)
        logits = ((y @ self.experts + self.experts_bias) * shares) @ self.signs
        return logits[:, 1:] - logits[:, :1]


def tune(net, config, data, log=print):
    """The network with the mean of its last weights after [tuning]'s steps, brought back towards where it began by `base_share`: between the two lies what knows the new and has forgotten
    little (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022)."""
    t, c = config["tuning"], config["training"]
    base, mean, optimiser = copy.deepcopy(net), copy.deepcopy(net), torch.optim.AdamW(net.parameters(), lr=t["learning_rate"], weight_decay=c["weight_decay"])
    edges, targets, started = np.cumsum(data.of_head(t["first"])), torch.from_numpy(data.labels.astype(np.float32)), time.time()
    edges /= edges[-1]
    for step in range(t["steps"]):
        torch.manual_seed(step)
        for group in optimiser.param_groups:
            group["lr"] = t["learning_rate"] * min(1.0, (step + 1) / t["warmup_steps"]) * (0.5 + 0.5 * math.cos(math.pi * step / t["steps"]))
        chosen = np.searchsorted(edges, np.random.default_rng([t["seed"], 13, step]).random(c["batch"]), side="right")
        net.train()
        loss = train.loss_of(net(torch.from_numpy(data.rows[chosen]).float()), targets[torch.from_numpy(chosen)], c["label_smoothing"])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        keep = min(t["ema"], (1 + step) / (10 + step))
        with torch.no_grad():
            for a, b in zip(mean.parameters(), net.parameters()):
                a.lerp_(b, 1 - keep)
        if (step + 1) % train.KEEP_EVERY == 0 or step + 1 == t["steps"]:
            log(f"tune: step {step + 1} of {t['steps']}, loss {loss.item():.3f}, {(t['steps'] - step - 1) * (time.time() - started) / (step + 1):.0f} s left")
    with torch.no_grad():
        for a, b in zip(mean.parameters(), base.parameters()):
            a.lerp_(b, t["base_share"])
    return mean.eval(), time.time() - started


def export_tuned(config, made, net, data, seconds, run, out, log=print):
    """The graph with what was learnt, novelty found anew, in a model folder."""
    out.mkdir(parents=True, exist_ok=True)
    chosen = np.random.default_rng(3).choice(len(data.rows), export.NOVELTY_WINDOWS, p=data.of_head())
    with torch.no_grad():
        embeddings = np.concatenate([net.embedding(torch.from_numpy(data.rows[chosen[k:k + 2048]]).float()).numpy() for k in range(0, len(chosen), 2048)])
    novelty = product.Novelty(embeddings[::2], constants(made)["axes"].shape[1])
    values = {name: getattr(net, name).detach().numpy() for name in LEARNT}
    values["second"] = values["second"] * net.own.numpy()
    values |= product.novelty_constants(novelty)
    for tensor in made.graph.initializer:
        if tensor.name in values:
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values[tensor.name], np.float32), tensor.name))
    onnx.checker.check_model(made)
    onnx.save(made, str(out / "model.onnx.part"))
    (out / "model.onnx.part").rename(out / "model.onnx")
    about = [{"network": f"{config['tuning']['base']}, all as one", "steps": config["tuning"]["steps"], "minutes": round(seconds / 60, 1)}]
    export.write_model(config, made, about, novelty(embeddings[1::2]), run, out)
    log(f"tune: {(out / 'model.onnx').stat().st_size / 1e6:.2f} MB")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("config", type=pathlib.Path)
    p.add_argument("--base", type=pathlib.Path, required=True, help="the model that goes on learning")
    p.add_argument("--corpus", type=pathlib.Path, required=True)
    p.add_argument("--full", type=pathlib.Path)
    p.add_argument("--cache", type=pathlib.Path, default=HERE / "cache")
    p.add_argument("--out", type=pathlib.Path, help="the model folder (default: models/<name>)")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--jobs", type=int, default=1)
    a = p.parse_args()
    config = recipe.read(a.config)
    base = read_manifest(a.base)
    if base["input"] != config["input"]:
        p.error(f"{a.base} hears other features than {a.config} says")
    made, run = onnx.load(str(a.base / base["onnx"]["file"])), a.cache / "runs" / config["model"]["name"]
    values, log = constants(made), recipe.Log(run / "log.txt")
    if missing := set(LEARNT) - set(values):
        p.error(f"{a.base} has no {', '.join(sorted(missing))}: it was not exported here, or has one expert alone")
    torch.set_num_threads(a.threads)
    data = recipe.prepare(a, config, run, log, scale_of(values))
    net, seconds = tune(Graph(values, config["training"]["dropout"]), config, data, log)
    export_tuned(config, made, net, data, seconds, run, a.out or HERE.parent / config["model"]["name"], log)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    main()
