#!/usr/bin/env python3
"""Choosing between configurations without fooling oneself: nested, whole pages at a time.

    python models/training/choose.py models/training/phone.toml --corpus DIR --full DIR --cache DIR [--only NAME,NAME]

Each line of `candidates.toml` is trained as it says and scores `dev`, old pages and new. What is best on one half of the pages is reported on the other half, and the other way round; the mean of both is
what choosing is worth. The score of a half is the mean of the pooled EER and of the mean over systems. What was scored is kept in the cache.
"""
import argparse
import json
import pathlib
import tomllib
import zlib

import numpy as np
from veravox import metrics

import dev
import duplicates
import evaluate
import experts
import material
import run
import scoring
import train
import vectors

HERE = pathlib.Path(__file__).resolve().parent
CANDIDATES = HERE / "candidates.toml"
SEEDS = 2      # of each candidate: what a third adds, it adds to all


def candidates(path=CANDIDATES):
    """{name: {section.key: value}}."""
    return tomllib.loads(path.read_text())


def scores_of(config, changes, a, clips, judged, log):
    """The scores of `judged` by the first expert of a changed configuration, kept by what it was made with."""
    own = run.changed(config, changes)
    about = json.dumps([own[name] for name in ("input", "windows", "sampling", "training")] + [next(iter(own["experts"].values())), len(clips), len(judged)], sort_keys=True)
    path = a.cache / "chosen" / f"{config['model']['name']}_{zlib.crc32(about.encode()):08x}.npy"
    if path.exists():
        return np.load(path)
    name, expert = next(iter(own["experts"].items()))
    own["experts"] = {name: expert}
    data = experts.Data(own, a.cache, clips, a.jobs, log)
    store = vectors.Vectors(a.cache, own, scoring.main_condition(own))
    store.make(judged, a.jobs, log)
    rows, of = store.rows(judged, beginnings=True)
    rows = data.scale(rows)
    nets = [train.Training(own["training"], expert["sizes"], rows.shape[1], seed).run(data.rows, data.labels, data.of_expert(0)) for seed in expert["seeds"][:SEEDS]]
    out = np.zeros(len(judged))      # the undecided answer, where there is too little speech
    out[of] = train.scores(nets, rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, out)
    return out


def figures(clips, scores):
    """(pooled EER, mean over systems, AUC inside pages) in percent and as it is."""
    trials = evaluate.Trials(clips, scores)
    found = metrics.Trials(trials.s[trials.real], trials.source[trials.real], trials.s[trials.fake], trials.system[trials.fake])
    return 100 * metrics.eer(trials.s[trials.real], trials.s[trials.fake]), 100 * found.value("mean_eer_over_systems")


def nested(clips, all_scores, draws=20):
    """(mean over draws of halves of what the best of one half has on the other, {name: how often it was the best})."""
    values, chosen = [], {name: 0 for name in all_scores}
    for seed in range(draws):
        half = dev.halves(clips, seed)
        for k in (0, 1):
            here, there = ([c for c, h in zip(clips, half) if h == side] for side in (k, 1 - k))
            best = min(all_scores, key=lambda name: sum(figures(here, all_scores[name][half == k])))
            chosen[best] += 1
            values.append(figures(there, all_scores[best][half != k]))
    return np.array(values), chosen


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("config", type=pathlib.Path)
    p.add_argument("--corpus", type=pathlib.Path, required=True)
    p.add_argument("--full", type=pathlib.Path, required=True)
    p.add_argument("--cache", type=pathlib.Path, required=True)
    p.add_argument("--only", help="candidates by name, by commas")
    p.add_argument("--jobs", type=int, default=1)
    a = p.parse_args()
    config, log = run.read(a.config), lambda text: print(text, flush=True)
    clips = material.train_clips(a.corpus, a.full, duplicates.known(a.cache) or ())
    old, new = dev.folder(a.corpus), dev.pages(a.corpus, a.full)
    found, names = {}, a.only.split(",") if a.only else list(candidates())
    for name in names:
        found[name] = scores_of(config, candidates()[name], a, clips, old + new, log)
        (o, os), (n, ns) = figures(old, found[name][:len(old)]), figures(new, found[name][len(old):])
        log(f"{name:32} old pages {o:5.1f} {os:5.1f}   new pages {n:5.1f} {ns:5.1f}")
    values, chosen = nested(old + new, found)
    log(f"nested, {len(names)} configurations, {len(values)} halves: pooled {values[:, 0].mean():.1f} (spread {values[:, 0].std():.1f}), mean over systems {values[:, 1].mean():.1f} "
        f"(spread {values[:, 1].std():.1f})")
    for name, count in sorted(chosen.items(), key=lambda item: -item[1]):
        log(f"  {name}: the best of {count} halves")


if __name__ == "__main__":
    main()
