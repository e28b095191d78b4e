"""The real clips of the corpus: which ones a vocoder may learn from, and which ones get a twin."""
import numpy as np

import corpus


def trainable(folder, data):
    """Real clips of `train` with a stated licence, without the sources that `dev` shares."""
    clips = [c for c in corpus.read_index(folder, "train")
             if c.label == "bonafide" and c.licence.split("(")[0].strip() not in data["skip_licences"] and c.source not in data["skip_sources"]]
    if not clips:
        raise SystemExit(f"{folder}: no real clip of the split 'train' is left to learn from")
    return clips


def unseen(folder, data, count, seed):
    """Real clips of `dev`, from as many sources as there are: for measuring only."""
    return spread([c for c in corpus.read_index(folder, "dev") if c.label == "bonafide" and c.source not in data["skip_sources"]], count, seed)


def spread(clips, count, seed):
    """`count` different clips, from the sources in turn, so that no big page rules."""
    rng = np.random.default_rng([seed, 11])
    left = {}
    for k in rng.permutation(len(clips)):
        left.setdefault(clips[k].source, []).append(clips[k])
    chosen = []
    while left and len(chosen) < count:
        for source in sorted(left):
            chosen.append(left[source].pop())
            if not left[source]:
                del left[source]
    return chosen[:count]


class Segments:
    """Random stretches of a store's clips. A step's batch depends on seed and step alone, so a resumed run sees the same ones."""

    def __init__(self, clips, waveforms, data, training, seed):
        sources = [c.source for c in clips]
        count = {s: sources.count(s) for s in set(sources)}
        weights = np.array([count[s] ** (data["power"] - 1) for s in sources])
        self.weights, self.waveforms = weights / weights.sum(), waveforms
        self.batch, self.samples, self.seed = training["batch"], training["segment_samples"], seed

    def __call__(self, step):
        rng = np.random.default_rng([self.seed, 13, step])
        rows = []
        for k in rng.choice(len(self.weights), self.batch, p=self.weights):
            x = self.waveforms[int(k)]
            x = corpus.exactly(x, self.samples, int(rng.integers(max(len(x) - self.samples, 0) + 1)))
            rows.append(x * 10 ** rng.uniform(-0.6, 0.05))       # other levels of the same voice
        return np.stack(rows).astype(np.float32)
