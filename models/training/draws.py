"""One training window: a clip of the wanted kind, cut, joined, sent through a codec and the channel.

Windows are drawn by group, not by clip, so that no big page drowns a small one, and both classes take the same way.
"""
import collections

import numpy as np

from channels import Channel
from corpus import exactly

LABELS = ["bonafide", "spoof"]
# What a window can be: real speech of pages that also hold synthetic clips, other real speech, the systems of the corpus, installable engines, twins of
# real clips by a vocoder.
CATEGORIES = ["mixed", "other", "system", "engine", "twin"]
SPOOF = {"mixed": 0, "other": 0, "system": 1, "engine": 1, "twin": 1}


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


class Groups:
    """Clips in groups (sources or systems). A group with n clips is drawn with weight n ** power, times its boost."""

    def __init__(self, clips, wanted, group, power, boost=None):
        groups = collections.defaultdict(list)
        for i, clip in enumerate(clips):
            if wanted(clip):
                groups[group(clip)].append(i)
        self.groups = [groups[name] for name in sorted(groups)]
        weights = np.array([len(g) ** power * max((boost or {}).get(clips[i].source, 1.0) for i in g) for g in self.groups], float)
        self.weights = weights / weights.sum() if len(weights) else weights

    def draw(self, rng):
        """(clip, another of the same group)."""
        members = self.groups[rng.choice(len(self.groups), p=self.weights)]
        return tuple(members[int(k)] for k in rng.integers(len(members), size=2))


class Draws:
    """Windows of training clips after the channels, each fixed by the seed and its number."""

    def __init__(self, material, config):
        self.material, self.config = material, config
        self.rate, self.samples = config["input"]["sample_rate_hz"], config["input"]["window_samples"]
        c, clips = config["sampling"], material.clips
        real = {x.source for x in clips if x.label == "bonafide"}
        mixed = real & {x.source for x in clips if x.label == "spoof" and x.kind not in ("engine", "twin")}
        power, boost = c["power"], c.get("boost", {})
        # A clip that was recorded at a lower rate than the model's leaves the top of the band empty, and one class has more of them than the other.
        fills = lambda x: x.rate_hz >= c["min_rate_hz"]     # noqa: E731
        self.groups = {
            "mixed": Groups(clips, lambda x: fills(x) and x.label == "bonafide" and x.source in mixed, lambda x: x.source, power, boost),
            "other": Groups(clips, lambda x: fills(x) and x.label == "bonafide" and x.source not in mixed, lambda x: x.source, power, boost),
            "system": Groups(clips, lambda x: fills(x) and x.label == "spoof" and x.kind not in ("engine", "twin"), lambda x: x.system, power, boost),
            "engine": Groups(clips, lambda x: fills(x) and x.kind == "engine", lambda x: x.system, power),
            "twin": Groups(clips, lambda x: fills(x) and x.kind == "twin", lambda x: x.system, power),
        }
        self.categories = [name for name in CATEGORIES if self.groups[name].groups]
        shares = np.array([c["pool_shares"][name] for name in self.categories], float)
        self.shares = shares / shares.sum()
        self.channel = Channel(config["channels"], self.rate, material.noise, material.rooms)

    def speech(self, clip, rng, plain=False):
        """A clip from the plain store, or, unless it shall be plain, from a copy that went through a codec."""
        copies = self.material.copies[clip]
        if copies and not plain and rng.random() < self.config["channels"]["copy"]:
            store, index = copies[int(rng.integers(len(copies)))]
            x = store[index]
        else:
            x = self.material.store[clip]
        return without_pauses(x, self.rate) if rng.random() < self.config["sampling"]["cut_pauses"] else x

    def window(self, k):
        """(samples, category, clip) of window k. A clip that is too short goes on with another of its group, and so do some that are long
        enough: a seam, or a repetition, must not tell the class."""
        rng = np.random.default_rng([self.config["sampling"]["seed"], 11, k])
        category = self.categories[rng.choice(len(self.categories), p=self.shares)]
        clip, other = self.groups[category].draw(rng)
        plain = rng.random() < self.config["channels"]["plain"]
        x = self.speech(clip, rng, plain)
        if len(x) < self.samples or rng.random() < self.config["sampling"]["join"]:
            keep = int(self.samples * rng.uniform(0.3, 0.9))
            start = int(rng.integers(max(len(x) - keep, 0) + 1))
            x = np.concatenate([x[start:start + keep], self.speech(other, rng, plain)])
        start = int(rng.integers(max(len(x) - self.samples, 0) + 1))
        return self.channel(exactly(x, self.samples, start), rng, plain), category, clip
