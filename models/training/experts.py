"""The experts of a model and the head that hears which of them should be heard: what each is trained on, and their checkpoints.

An expert is the mean of some networks, each from a seed of its own, on the lines that it is for. One expert alone has no head.
"""
import json
import pathlib
import zlib

import numpy as np
import torch

import material
import train
import vectors


class Data:
    """Standardised rows of all lines, one line behind the other. An expert learns from its own lines and from those `beside` them; the head learns whose own line a row came by."""

    def __init__(self, config, cache, clips, jobs=1, log=print):
        self.experts, chances = list(config["experts"].values()), material.chances(clips, config)
        counts = {line: expert.get("clips") for expert in self.experts for line in expert["lines"]}
        rows, labels, self.places, self.of_line, start = [], [], {}, {}, 0
        for line, count in counts.items():
            chosen = some_of(clips, chances, count, line)
            # Where some clips are enough, so are their beginnings.
            store = vectors.Vectors(cache, config, line, None if count is None else 0)
            store.make([clips[i] for i in chosen], jobs, log)
            found, of = store.rows([clips[i] for i in chosen])
            rows.append(found)
            labels.append(np.array([clips[i].label == "spoof" for i in chosen])[of])
            # The windows of a clip share its chance.
            own = (chances[chosen] / np.maximum(np.bincount(of, minlength=len(chosen)), 1))[of]
            self.places[line], self.of_line[line] = slice(start, start + len(found)), own / own.sum()
            start += len(found)
        rows, self.labels = np.concatenate(rows), np.concatenate(labels)
        self.expert = np.zeros(start, int)
        for number, expert in enumerate(self.experts):
            for line in expert["lines"]:
                self.expert[self.places[line]] = number
        # Of the first expert, which hears what the model is made for.
        self.scale = train.scale_of(rows, self._mixed(self.experts[0]["lines"]))
        for k in range(0, len(rows), 4096):
            rows[k:k + 4096] = self.scale(rows[k:k + 4096])
        self.rows = rows

    def _mixed(self, lines):
        """Chances of all rows where each line has its share."""
        out = np.zeros(len(self.labels))
        for line, share in lines.items():
            out[self.places[line]] += share * self.of_line[line]
        return out / out.sum()

    def of_expert(self, number):
        """Chances of the rows that an expert learns from."""
        return self._mixed({**self.experts[number].get("beside", {}), **self.experts[number]["lines"]})

    def of_head(self):
        """Chances with which each expert's own rows are as frequent as another's."""
        return np.mean([self._mixed(expert["lines"]) for expert in self.experts], axis=0)


def some_of(clips, chances, count, line):
    """All clips, or so many of them, drawn for a line by their chances: codecs take their time. The lot of a clip hangs on its name, so that other chances change few of them."""
    there = np.nonzero(chances)[0]
    if count is None or count >= len(there):
        return there
    lots = np.array([(zlib.crc32(f"{line} {pathlib.Path(clips[i].path).name}".encode()) + 0.5) / 2 ** 32 for i in there])
    return np.sort(there[np.argsort(-np.log(lots) / chances[there], kind="stable")[:count]])


def parts(config):
    """[(name of the network, number of its expert or none for a head, seed, sizes, outputs)] of all networks."""
    out = [(f"{name}_{seed}", k, seed, expert["sizes"], 1) for k, (name, expert) in enumerate(config["experts"].items()) for seed in expert["seeds"]]
    if len(config["experts"]) > 1:
        out += [(f"head_{seed}", None, seed, config["head"]["sizes"], len(config["experts"])) for seed in config["head"]["seeds"]]
    return out


def from_first(config):
    """For each expert, how much of its score is the first one's."""
    return [expert.get("from_first", 0.0) for expert in config["experts"].values()]


def begun_with(config, number, sizes):
    """What a checkpoint must have been begun with."""
    own = list(config["experts"].values()) if number is None else [list(config["experts"].values())[number]]
    learnt = [{name: expert[name] for name in ("lines", "beside", "clips") if name in expert} for expert in own]
    return json.dumps([config[name] for name in ("input", "windows", "sampling", "training")] + [learnt, sizes], sort_keys=True)


def fit(config, data, run, until=lambda: False, log=print):
    """Trains what is not trained yet; a checkpoint that was begun with another configuration is refused."""
    for name, number, seed, sizes, outputs in parts(config):
        path, about = run / f"{name}.pt", begun_with(config, number, sizes)
        training = train.Training(config["training"], sizes, data.rows.shape[1], seed, outputs)
        if path.exists():
            kept = torch.load(path, weights_only=True)
            if kept["config"] != about:
                raise SystemExit(f"{path} was begun with another configuration: remove it, or name another run")
            training.load(kept)

        def keep(training=training, path=path, about=about):
            torch.save({**training.state(), "config": about}, path.with_suffix(".part"))
            path.with_suffix(".part").rename(path)

        if training.step < config["training"]["steps"] and not until():
            chances, wanted = (data.of_head(), data.expert) if number is None else (data.of_expert(number), data.labels)
            training.run(data.rows, wanted, chances, keep, until, lambda text, name=name: log(text.replace("seed", name + ", seed")))


def trained(config, values, run):
    """([networks of each expert, and of the head], [what is known of their training])."""
    groups, about = {}, []
    for name, number, seed, sizes, outputs in parts(config):
        path = run / f"{name}.pt"
        if not path.exists():
            raise SystemExit(f"the network '{name}' has not been trained: there is no {path}")
        kept = torch.load(path, weights_only=True)
        if kept["step"] < config["training"]["steps"]:
            raise SystemExit(f"the network '{name}' is at step {kept['step']} of {config['training']['steps']}: let its training end first")
        training = train.Training(config["training"], sizes, values, seed, outputs)
        training.load(kept)
        groups.setdefault(number, []).append(training.mean.eval())
        about.append({"network": name, "sizes": sizes, "steps": kept["step"], "minutes": round(kept["seconds"] / 60, 1)})
    return [groups[k] for k in sorted(groups, key=lambda k: (k is None, k or 0))], about
