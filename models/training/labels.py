#!/usr/bin/env python3
"""Are the labels right? Networks trained on half of the owners score the pages of the other half, and the other way round; groups on the wrong side are printed for a look.

    python models/training/labels.py models/training/wide.toml --corpus DIR --full DIR --cache DIR

A page's "ground truth" may have been through the vocoder, its references may be conversions. What is found wrong goes into left_out.tsv, with the reason; nothing is left out by score alone.
"""
import argparse
import collections
import pathlib
import zlib

import numpy as np
from veravox import metrics

import duplicates
import material
import run
import scoring
import train
import vectors

SIZES = (96, 48)
FEWEST = 3      # clips of a group that is worth a look


def halves(clips):
    """0 or 1 for each clip; an owner's pages are in one half."""
    return np.array([zlib.crc32(material.owner(c.source).encode()) % 2 for c in clips])


def two_fold(config, clips, rows, seeds=(1, 2), log=print):
    """The score of each clip by networks that saw no page of its owner."""
    half, labels = halves(clips), np.array([c.label == "spoof" for c in clips])
    out = np.zeros(len(clips))
    for k in (0, 1):
        seen, rest = np.nonzero(half == k)[0], np.nonzero(half != k)[0]
        chances = material.chances([clips[i] for i in seen], config)
        own = rows[seen]
        scale = train.scale_of(own, chances, 1)
        own = scale(own)
        nets = [train.Training(config["training"], SIZES, rows.shape[1], seed).run(own, labels[seen], chances, log=log) for seed in seeds]
        out[rest] = train.scores(nets, scale(rows[rest]))
    return out


def inside_pages(clips, scores):
    """[(AUC, page, real, synthetic)] of the pages with enough of both."""
    of = collections.defaultdict(lambda: ([], []))
    for c, s in zip(clips, scores):
        of[material.page(c.source)][c.label == "spoof"].append(s)
    return sorted((float(np.mean(np.subtract.outer(fake, real) > 0)), name, len(real), len(fake)) for name, (real, fake) in of.items() if min(len(real), len(fake)) >= FEWEST)


def wrong_side(clips, scores):
    """[(median, label, source, group, clips)] of the groups whose median is on the other class's side of the threshold with equal errors."""
    labels = np.array([c.label == "spoof" for c in clips])
    middle = np.quantile(scores[~labels], 1 - metrics.eer(scores[~labels], scores[labels]))
    of = collections.defaultdict(list)
    for c, s in zip(clips, scores):
        of[c.label, c.source, material.group(c)].append(s - middle)
    found = [(float(np.median(values)), *names, len(values)) for names, values in of.items() if len(values) >= FEWEST]
    return sorted(((m, *rest) for m, *rest in found if (m > 0) != (rest[0] == "spoof")), key=lambda r: (r[1], -abs(r[0])))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("config", type=pathlib.Path)
    p.add_argument("--corpus", type=pathlib.Path, required=True)
    p.add_argument("--full", type=pathlib.Path, required=True)
    p.add_argument("--cache", type=pathlib.Path, required=True)
    p.add_argument("--jobs", type=int, default=1)
    a = p.parse_args()
    config = run.read(a.config, [])
    clips = material.train_clips(a.corpus, a.full, duplicates.known(a.cache) or ())
    store = vectors.Vectors(a.cache, config, scoring.main_condition(config))
    store.make(clips, a.jobs)
    rows, of = store.rows(clips, beginnings=True)
    clips = [clips[i] for i in of]
    scores = two_fold(config, clips, rows)
    pages = inside_pages(clips, scores)
    print(f"inside {len(pages)} pages: mean AUC {np.mean([auc for auc, *_ in pages]):.3f}; the lowest:")
    for auc, name, real, fake in pages[:25]:
        print(f"  {auc:.2f}  {name}  {real} real, {fake} synthetic")
    for median, label, source, group, count in wrong_side(clips, scores):
        print(f"{label:9} {median:+.2f}  {source}  {group or '-'}  {count} clips")


if __name__ == "__main__":
    main()
