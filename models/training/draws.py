"""What a training step sees: balanced draws of clips, cut, sent through the channels, and turned into features.

A batch depends on the seed and its step alone, so that a run that was cut off goes on with the same batches.
"""
import collections

import numpy as np
import torch

from channels import Channel
from corpus import exactly

LABELS = ["bonafide", "spoof"]


def without_pauses(x, rate, below_db=35.0, margin=5):
    """x without the 20 ms frames that lie `below_db` under the loudest and not within `margin` frames of a louder one.

    The detector scores speech, not pauses, and the pauses of a synthesiser are too clean to be a fair clue.
    """
    size = rate // 50
    frames = x[:len(x) // size * size].reshape(-1, size)
    if len(frames) < 10:
        return x
    level = 10 * np.log10((frames ** 2).mean(1) + 1e-12)
    loud = (level > level.max() - below_db).astype(np.float32)
    near = np.convolve(loud, np.ones(2 * margin + 1), "same") > 0
    return frames[near].reshape(-1) if near.sum() >= 10 else x


class Pool:
    """Clips in groups (sources or systems). A group with n clips is drawn with weight n ** power."""

    def __init__(self, clips, wanted, group, power):
        groups = collections.defaultdict(list)
        for i, clip in enumerate(clips):
            if wanted(clip):
                groups[group(clip)].append(i)
        self.groups = [groups[name] for name in sorted(groups)]
        weights = np.array([len(g) ** power for g in self.groups], float)
        self.weights = weights / weights.sum() if len(weights) else weights

    def draw(self, rng):
        members = self.groups[rng.choice(len(self.groups), p=self.weights)]
        return members[int(rng.integers(len(members)))]


class Draws(torch.utils.data.Dataset):
    """Item k is the batch of step k: (features [b, frames, columns], labels [b])."""

    def __init__(self, material, config, features, first=0):
        self.material, self.config, self.first, self.features = material, config, first, features
        self.seed = config["training"]["seed"]
        c, clips = config["sampling"], material.clips
        real = {x.source for x in clips if x.label == "bonafide"}
        mixed = real & {x.source for x in clips if x.label == "spoof" and x.kind not in ("engine", "twin")}
        power = c["power"]
        self.pools = {
            "mixed": Pool(clips, lambda x: x.label == "bonafide" and x.source in mixed, lambda x: x.source, power),
            "other": Pool(clips, lambda x: x.label == "bonafide" and x.source not in mixed, lambda x: x.source, power),
            "system": Pool(clips, lambda x: x.label == "spoof" and x.kind not in ("engine", "twin"), lambda x: x.system, power),
            "engine": Pool(clips, lambda x: x.kind == "engine", lambda x: x.system, power),
            "twin": Pool(clips, lambda x: x.kind == "twin", lambda x: x.system, power),
        }
        self.channel = Channel(config["channels"], config["input"]["sample_rate_hz"], material.noise, material.rooms)

    def __len__(self):
        return self.config["training"]["steps"] - self.first

    def choose(self, spoof, rng):
        """Index of a clip of the wanted class."""
        c, u = self.config["sampling"], rng.random()
        if not spoof:
            names = ("mixed", "other") if u < c["real_from_mixed_pages"] else ("other", "mixed")
        elif u < c["engine_share"]:
            names = ("engine", "system")
        elif u < c["engine_share"] + c["twin_share"]:
            names = ("twin", "system")
        else:
            names = ("system", "engine")
        return next(self.pools[n] for n in names if self.pools[n].groups).draw(rng)

    def window(self, spoof, samples, rng):
        """One window of a clip of the wanted class, after the channels."""
        stores = self.material.stores
        plain = len(stores) == 1 or rng.random() >= self.config["channels"]["variant"]
        store = stores[0] if plain else stores[int(rng.integers(1, len(stores)))]
        x = store[self.choose(spoof, rng)]
        if rng.random() < self.config["sampling"]["cut_pauses"]:
            x = without_pauses(x, self.config["input"]["sample_rate_hz"])
        start = int(rng.integers(max(len(x) - samples, 0) + 1))
        return self.channel(exactly(x, samples, start), rng)

    def batch(self, step):
        rng = np.random.default_rng([self.seed, 11, step])
        c = self.config["training"]
        lengths, chances = zip(*c["windows"])
        samples = int(rng.choice(lengths, p=np.array(chances) / sum(chances)))
        size = max(2, c["batch"] * min(lengths) // samples)
        labels = np.arange(size) % 2
        waves = np.stack([self.window(bool(y), samples, rng) for y in labels])
        return waves, labels, samples

    def __getitem__(self, k):
        waves, labels, samples = self.batch(self.first + k)
        return torch.from_numpy(self.features[samples].batch(waves)), torch.from_numpy(labels)


def feature_extractors(config):
    """The library's own features, one extractor for each length of window that training uses."""
    import veravox
    lengths = {length for length, _ in config["training"]["windows"]} | {config["input"]["window_samples"]}
    return {n: veravox.WindowFeatures({**config["input"], "window_samples": n}) for n in lengths}
