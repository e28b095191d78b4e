#!/usr/bin/env python3
"""The same recording on two sides of the split, found by envelope: pages copy each other's clips, at other levels, rates and codecs.

    python models/training/duplicates.py --corpus DIR --full DIR --cache DIR

The middle of each clip of `dev` is laid over every stretch of every clip of `train` with the same label; where the logarithmic envelopes agree the two are taken for one recording, and
training leaves its own out. What is found is kept in the cache.
"""
import argparse
import concurrent.futures
import json
import pathlib
import time

import numpy as np

import corpus
import vectors

FRAME = 640           # 40 ms at 16 kHz
STRETCH = 60          # frames that are compared: 2.4 s
SHORTEST = 35         # frames; a shorter clip says too little
ALIKE = 0.985         # correlation from which two are the same
OTHER_LENGTH = 3      # frames by which a short one may be longer or shorter: words are alike by chance, whole recordings are not
ENVELOPES = "envelopes.npz"


def envelope(path):
    """The level in dB of frames of 80 ms every 40 ms, no lower than 50 dB under the loudest."""
    x = corpus.load_part(path, 0, 60)
    power = np.add.reduceat(x.astype(np.float64) ** 2, np.arange(0, max(len(x) - FRAME + 1, 1), FRAME)) + 1e-9
    level = 10 * np.log10(np.convolve(power, [0.5, 1, 0.5], "same"))
    return np.maximum(level, level.max() - 50).astype(np.float32)


def envelopes(clips, cache, jobs=1, log=print):
    """The envelope of each clip, kept in the cache."""
    path = pathlib.Path(cache) / ENVELOPES
    known = {}
    if path.exists():
        held = np.load(path)
        known = dict(zip(held["names"].tolist(), np.split(held["values"], held["ends"][:-1])))
    missing = [c for c in clips if vectors.key(c) not in known]
    if missing:
        started = time.time()
        with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
            for c, e in zip(missing, pool.map(envelope, [c.path for c in missing], chunksize=64)):
                known[vectors.key(c)] = e
        log(f"duplicates: {len(missing)} envelopes in {time.time() - started:.0f} s")
        names = list(known)
        np.savez(path, names=np.array(names), values=np.concatenate([known[n] for n in names]), ends=np.cumsum([len(known[n]) for n in names]))
    return [known[vectors.key(c)] for c in clips]


def unit(stretches):
    """Rows without their mean, of length 1."""
    stretches = stretches - stretches.mean(1, keepdims=True)
    return stretches / np.maximum(np.linalg.norm(stretches, axis=1, keepdims=True), 1e-3)


def nearest(wanted, others, frames):
    """For each envelope of `others` the highest correlation of one of its stretches with the middle of one of `wanted`, and which that is."""
    middles = unit(np.stack([e[(len(e) - frames) // 2:][:frames] for e in wanted]).astype(np.float32)).T.copy()
    best, which = np.zeros(len(others), np.float32), np.zeros(len(others), int)
    part, owners = [], []
    for k, e in enumerate(others):
        windows = np.lib.stride_tricks.sliding_window_view(e, frames)
        part.append(windows)
        owners += [k] * len(windows)
        if len(owners) > 8000 or k == len(others) - 1:
            found = unit(np.concatenate(part).astype(np.float32)) @ middles
            place = found.argmax(1)
            top = found[np.arange(len(place)), place]
            for owner, value, at in zip(owners, top, place):
                if value > best[owner]:
                    best[owner], which[owner] = value, at
            part, owners = [], []
    return best, which


def find(train, dev, cache, jobs=1, log=print):
    """{file name of a clip of train: (correlation, file name of the clip of dev)} for each that dev holds too."""
    result = {}
    for label in ("bonafide", "spoof"):
        ours, theirs = ([c for c in clips if c.label == label] for clips in (train, dev))
        mine, other = envelopes(ours, cache, jobs, log), envelopes(theirs, cache, jobs, log)
        # Short clips are compared over what they have.
        for frames, longest in ((SHORTEST, STRETCH), (STRETCH, 10 ** 9)):
            wanted = [k for k, e in enumerate(other) if frames <= len(e) < longest]
            there = [k for k, e in enumerate(mine) if len(e) >= frames]
            if not wanted or not there:
                continue
            started = time.time()
            best, which = nearest([other[k] for k in wanted], [mine[k] for k in there], frames)
            same = best >= ALIKE
            if longest == STRETCH:
                same &= [abs(len(mine[there[k]]) - len(other[wanted[which[k]]])) <= OTHER_LENGTH for k in range(len(there))]
            for k in np.nonzero(same)[0]:
                result[pathlib.Path(ours[there[k]].path).name] = (round(float(best[k]), 4), pathlib.Path(theirs[wanted[which[k]]].path).name)
            log(f"duplicates: {label}, stretches of {frames * 0.04:.1f} s: {int(same.sum())} of {len(there)} clips of train are in dev too ({time.time() - started:.0f} s)")
    return result


def known(cache):
    """File names of train's clips that dev holds too, as they were found; nothing where nobody looked."""
    path = pathlib.Path(cache) / "duplicates.json"
    return frozenset(json.loads(path.read_text())) if path.exists() else None


def write(train, dev, cache, jobs=1, log=print):
    found = find(train, dev, cache, jobs, log)
    path = pathlib.Path(cache) / "duplicates.json"
    path.with_suffix(".part").write_text(json.dumps(found, indent=1))
    path.with_suffix(".part").rename(path)
    return frozenset(found)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--corpus", type=pathlib.Path, required=True)
    p.add_argument("--full", type=pathlib.Path, required=True)
    p.add_argument("--cache", type=pathlib.Path, required=True)
    p.add_argument("--jobs", type=int, default=1)
    a = p.parse_args()
    sides = [[c for folder in (a.full, a.corpus) for c in corpus.read_index(folder, split)] for split in ("train", "dev")]
    print(f"{len(write(*sides, a.cache, a.jobs))} clips of train are left out")


if __name__ == "__main__":
    main()
