#!/usr/bin/env python3
"""Calibration: an affine map from the bare score (spoof logit minus bona fide logit) to a natural-log likelihood ratio.

Fitted on `dev` by logistic regression with both classes at even odds, each system and each source of real speech with the same weight, on the lines
that the configuration names: a coded voice sounds more like a machine, and whoever is calibrated on one line alone calls people on the others
synthetic. How honest the result is, is measured with whole systems and sources left out.

    python models/training/calibrate.py models/phone --corpus DIR

tells what a calibration for each duration and channel would gain over the one that a model has.
"""
import argparse
import copy
import json
import pathlib
import shutil

import numpy as np
import veravox
from scipy.optimize import minimize
from veravox import metrics

import dev
import phone_codecs
import scoring
from manifest import UNCALIBRATED, read_manifest, write_manifest

FOLDS = 10
WINDOW_SECONDS = 4     # of a new page's clip that are heard
FLAT = 1e-6      # a scale at which all scores say the same


def group_of(clip):
    return clip.source if clip.label == "bonafide" else clip.system


def weights(labels, groups, clips):
    """Each class half of the weight, each group the same inside its class, each clip the same inside its group, and each window
    the same inside its clip."""
    labels, groups, clips = np.asarray(labels), np.asarray(groups), np.asarray(clips)
    w = np.zeros(len(labels))
    for y in (0, 1):
        names = np.unique(groups[labels == y])
        for name in names:
            members = np.nonzero((labels == y) & (groups == name))[0]
            _, place, count = np.unique(clips[members], return_inverse=True, return_counts=True)
            w[members] = 0.5 / len(names) / len(count) / count[place]
    return w


def fit(scores, labels, w):
    """(scale, offset) with the least weighted cross-entropy. The scale is kept positive: polarity is not up for a vote. Scores that are no higher on
    average where they should be have their best fit at a scale of nothing (the cost is convex, and this is its slope there)."""
    sign, spoof, real = 2 * labels - 1, w * labels, w * (1 - labels)
    if (spoof * scores).sum() / spoof.sum() <= (real * scores).sum() / real.sum():
        return FLAT, float(np.log(spoof.sum() / real.sum()))

    def cost(theta):
        return float((w * np.logaddexp(0, -sign * (np.exp(theta[0]) * scores + theta[1]))).sum())

    best = minimize(cost, [np.log(1 / max(np.std(scores), 1e-3)), 0.0], method="Nelder-Mead", options={"maxiter": 2000, "xatol": 1e-6, "fatol": 1e-9})
    return float(np.exp(best.x[0])), float(best.x[1])


def left_out(scores, labels, w, groups):
    """Each score calibrated by a fit that did not see its group."""
    order = {g: k % FOLDS for k, g in enumerate(np.random.default_rng(3).permutation(sorted(set(groups))))}
    fold = np.array([order[g] for g in groups])
    out = np.zeros(len(scores))
    for k in range(FOLDS):
        kept = fold != k
        # A fold may hold more of one class; the rest is brought back to even odds, or the offset would follow the fold.
        even = w[kept] / np.where(labels[kept] == 1, w[kept][labels[kept] == 1].sum(), w[kept][labels[kept] == 0].sum()) / 2
        scale, offset = fit(scores[kept], labels[kept], even)
        out[fold == k] = scale * scores[fold == k] + offset
    return out


def thresholds(c):
    """(synthetic_llr, bonafide_llr) where an answer begins to cost less than none, at the prior and the costs of the configuration."""
    try:
        t = veravox.Thresholds.from_costs(c["prior"], false_synthetic=c["cost_false_synthetic"], false_bonafide=c["cost_false_bonafide"],
                                          inconclusive=c["cost_inconclusive"])
    except veravox.InvalidArgumentError as error:
        raise SystemExit(f"calibration: no answer must cost something, and less than both false answers together: {error}") from None
    return t.synthetic_llr, t.bonafide_llr


def calibrate(config, out, corpus_folder, run, cache=None, full=None, log=print):
    """Fits the calibration on `dev` and writes it, with the thresholds that follow from the costs, into the manifest. The new pages, where there is a full build, are heard on the main line alone,
    and weigh as much of it as the configuration says. Coded clips are kept in `cache`."""
    bare = run / "uncalibrated"
    bare.mkdir(parents=True, exist_ok=True)
    manifest = read_manifest(out)
    shutil.copyfile(out / manifest["onnx"]["file"], bare / manifest["onnx"]["file"])
    write_manifest(bare, {**copy.deepcopy(manifest), "calibration": dict(UNCALIBRATED), "figures": []})
    detector, main, c = veravox.Detector(str(bare)), scoring.main_condition(config), config["calibration"]
    lines = scoring.calibration_lines(config)
    if main not in lines:
        raise SystemExit(f"calibration.lines must name '{main}', what the model was made for")
    newest = c["new_pages"] if full else 0.0
    parts = list(windows_of_lines(detector, dev.folder(corpus_folder), {line: share * (1 - newest if line == main else 1) for line, share in lines.items()}, cache, log))
    if newest:
        parts += windows_of_lines(detector, dev.pages(corpus_folder, full), {main: lines[main] * newest}, cache, log, longest=WINDOW_SECONDS)
    x, y, w, groups, heard = (np.concatenate(part) for part in zip(*parts))
    here = heard == main
    scale, offset = fit(x, y, w)
    held_out = left_out(x, y, w, groups)
    synthetic, bonafide = thresholds(c)
    manifest["calibration"] = {"scale": round(scale, 6), "offset": round(offset, 6), "correlation": c["correlation"]}
    manifest["decision"] = {"prior": c["prior"], "synthetic_llr": round(synthetic, 2), "bonafide_llr": round(bonafide, 2)}
    write_manifest(out, manifest)
    honest, fitted = (metrics.cllr(s[here & (y == 0)], s[here & (y == 1)]) for s in (held_out, scale * x + offset))
    (run / "calibration.json").write_text(json.dumps({"cllr_left_out": honest}))
    np.savez(run / "calibration.npz", score=x, label=y, weight=w, line=heard)
    log(f"calibrate: llr = {scale:.4f} * score + {offset:.4f}; synthetic from {synthetic:.2f}, bonafide up to {bonafide:.2f}; "
        f"Cllr of '{main}' {honest:.3f} on left-out systems, {fitted:.3f} on those it was fitted to")


def windows_of_lines(detector, clips, lines, cache, log, longest=None):
    """Yields (scores, labels, weights, groups, line) of the windows of all clips, one line after the other; `lines` is {condition: its share}. A codec that
    is not installed is named and left out."""
    for line, share in lines.items():
        try:
            scored = scoring.score(detector, clips, line, log, longest) if longest else scoring.score_under(detector, clips, line, cache, log)
        except phone_codecs.Missing as missing:
            log(f"calibrate: the line '{line}' is left out: {missing}")
            continue
        owner = np.array([i for i, s in enumerate(scored) for _ in s.windows], int)
        labels = np.array([int(clips[i].label == "spoof") for i in owner])
        groups = np.array([f"{clips[i].label} {group_of(clips[i])}" for i in owner])
        yield np.array([v for s in scored for v in s.windows]), labels, share * weights(labels, groups, owner), groups, np.full(len(owner), line)


def conditions_of_its_own(detector, corpus_folder, cache, log=None):
    """Yields (condition, Cllr as the model is calibrated, with a calibration of its own for this condition fitted with the systems and sources left out, and the least that any
    calibration could reach), in bits, one after the other: each takes a while."""
    clips = dev.folder(corpus_folder)
    y = np.array([int(c.label == "spoof") for c in clips])
    groups = [f"{c.label} {group_of(c)}" for c in clips]
    for condition in [*scoring.CONDITIONS, *scoring.LINES, *scoring.CODECS]:
        scored = scoring.score_under(detector, clips, condition, cache, log)
        heard = np.array([i for i, s in enumerate(scored) if s.llr is not None])
        x, labels, own = scoring.values(scored)[heard], y[heard], [groups[i] for i in heard]
        if min(labels.sum(), (1 - labels).sum()) < 50:
            continue
        out = left_out(x, labels, weights(labels, own, heard), own)
        yield condition, *(metrics.cllr(s[labels == 0], s[labels == 1]) for s in (x, out)), metrics.min_cllr(x[labels == 0], x[labels == 1])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model", type=pathlib.Path)
    p.add_argument("--corpus", type=pathlib.Path, required=True)
    p.add_argument("--cache", type=pathlib.Path, default=pathlib.Path(__file__).parent / "cache", help="where coded clips are kept")
    a = p.parse_args()
    print(f"{'condition':32} {'Cllr':>7} {'own':>7} {'least':>7}")
    for condition, *values in conditions_of_its_own(veravox.Detector(str(a.model)), a.corpus, a.cache):
        print(f"{condition:32} " + " ".join(f"{v:7.3f}" for v in values), flush=True)


if __name__ == "__main__":
    main()
