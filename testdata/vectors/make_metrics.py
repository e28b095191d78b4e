#!/usr/bin/env python3
"""Writes metrics.json: scores, and the figures that the evaluation package of ASVspoof 5 gives for them.

    git clone https://github.com/asvspoof-challenge/asvspoof5
    pip install numpy scikit-learn
    python testdata/vectors/make_metrics.py asvspoof5/evaluation-package

The package is read where it lies; nothing of it is copied here. It counts higher scores as bona fide, so it is given the
negated scores. minCllr, which it does not have, comes from scikit-learn's isotonic regression, AUC from scikit-learn.
"""

import argparse
import importlib
import json
import sys
from pathlib import Path

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import roc_auc_score

HERE = Path(__file__).resolve().parent
ASVSPOOF_5 = dict(spoof_prior=0.05, reject_bonafide=1.0, accept_spoof=10.0)
EVEN = dict(spoof_prior=0.5, reject_bonafide=1.0, accept_spoof=1.0)
SOURCE = (
    "eer, min_dcf, act_dcf, cllr: calculate_modules.py of the evaluation package of ASVspoof 5 "
    "(github.com/asvspoof-challenge/asvspoof5, fe23d305) on the negated scores; min_cllr: scikit-learn's isotonic "
    "regression; auc: scikit-learn; mean_eer_over_systems: mean of the package's EER of each spoof group against all "
    "bona fide; auc_inside_groups: mean of scikit-learn's AUC over the groups with both classes"
)


def min_cllr(bonafide, spoof):
    """Isotonic regression of the labels, and the cost of the ratios that its posteriors stand for."""
    scores = np.concatenate([bonafide, spoof])
    labels = np.concatenate([np.zeros(len(bonafide)), np.ones(len(spoof))])
    posterior = IsotonicRegression(y_min=0, y_max=1).fit(scores, labels).predict(scores)
    with np.errstate(divide="ignore"):
        llr = np.log(posterior) - np.log1p(-posterior) - np.log(len(spoof) / len(bonafide))
    cost = np.logaddexp(0, llr[labels == 0]).mean() + np.logaddexp(0, -llr[labels == 1]).mean()
    return cost / (2 * np.log(2))


def auc(bonafide, spoof):
    labels = np.concatenate([np.zeros(len(bonafide)), np.ones(len(spoof))])
    return roc_auc_score(labels, np.concatenate([bonafide, spoof]))


def figures(official, bonafide, spoof, costs):
    cost = (costs["spoof_prior"], costs["reject_bonafide"], costs["accept_spoof"])
    eer, frr, far, thresholds, _ = official.compute_eer(-bonafide, -spoof)
    return dict(
        eer=eer,
        min_dcf=official.compute_mindcf(frr, far, thresholds, *cost)[0],
        act_dcf=official.compute_actDCF(-bonafide, -spoof, *cost)[0],
        cllr=official.calculate_CLLR(-bonafide, -spoof),
        auc=auc(bonafide, spoof),
        min_cllr=min_cllr(bonafide, spoof),
    )


def grouped(official, bonafide, spoof, bonafide_groups, spoof_groups):
    bonafide_groups, spoof_groups = np.array(bonafide_groups), np.array(spoof_groups)
    eers = [official.compute_eer(-bonafide, -spoof[spoof_groups == g])[0] for g in sorted(set(spoof_groups))]
    pages = sorted(set(bonafide_groups) & set(spoof_groups))
    aucs = [auc(bonafide[bonafide_groups == g], spoof[spoof_groups == g]) for g in pages]
    return dict(mean_eer_over_systems=np.mean(eers), auc_inside_groups=np.mean(aucs))


def normal(seed, n_bonafide, n_spoof, distance, digits=4):
    random = np.random.RandomState(seed)
    bonafide = random.standard_normal(n_bonafide) * 1.5 - distance / 2
    return np.round(bonafide, digits) + 0.0, np.round(random.standard_normal(n_spoof) * 1.5 + distance / 2, digits) + 0.0


def score_sets():
    """(name, (bona fide scores, spoof scores), costs)"""
    yield "two normals", normal(1, 120, 150, 4.0), ASVSPOOF_5
    yield "two normals, other costs", normal(2, 90, 70, 2.5), dict(spoof_prior=0.3, reject_bonafide=5.0, accept_spoof=2.0)
    yield "far more spoofs", normal(3, 17, 240, 3.0), ASVSPOOF_5
    yield "far more bona fide", normal(4, 230, 7, 3.0), ASVSPOOF_5
    yield "no difference", normal(5, 80, 80, 0.0), ASVSPOOF_5
    yield "the wrong way round", normal(6, 60, 75, -3.0), ASVSPOOF_5
    yield "ties, whole numbers", normal(7, 100, 110, 3.0, digits=0), ASVSPOOF_5
    yield "ties, halves, ratios on the threshold", normal(8, 64, 96, 2.0, digits=0), EVEN
    few = np.random.RandomState(9)
    silent = [np.where(few.rand(len(s)) < 0.3, 0.0, s) for s in normal(9, 100, 100, 3.0)]
    yield "many of both undecided at 0", silent, ASVSPOOF_5
    yield "two levels only", tuple(np.sign(s) for s in normal(10, 40, 50, 2.0)), ASVSPOOF_5
    yield "perfectly separated", (np.array([-3.0, -2.5, -0.25]), np.array([0.5, 0.75, 4.0, 9.0])), ASVSPOOF_5
    yield "separated and reversed", (np.array([0.5, 0.75, 4.0, 9.0]), np.array([-3.0, -2.5, -0.25])), ASVSPOOF_5
    yield "one of each", (np.array([-1.0]), np.array([1.0])), ASVSPOOF_5
    yield "one of each, reversed", (np.array([1.0]), np.array([-1.0])), ASVSPOOF_5
    yield "one of each, tied", (np.array([0.5]), np.array([0.5])), ASVSPOOF_5
    yield "all equal", (np.zeros(5), np.zeros(3)), ASVSPOOF_5
    yield "tiny", (np.array([-1.0, 0.0, 2.0]), np.array([0.0, 1.0])), ASVSPOOF_5
    yield "two places equally close", (np.array([0.0, 1.0, 2.0, 3.0, 4.0]), np.array([1.5, 2.5, 3.5])), ASVSPOOF_5


def case(name, costs, inputs, expected):
    scores = {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in inputs.items()}
    return dict(name=name, parameters=costs, input=scores, expected={key: float(v) for key, v in expected.items()})


def cases(official):
    for name, (bonafide, spoof), costs in score_sets():
        yield case(name, costs, dict(bonafide=bonafide, spoof=spoof), figures(official, bonafide, spoof, costs))
    for seed, digits in ((20, 4), (21, 0)):
        bonafide, spoof = normal(seed, 60, 90, 2.5, digits)
        random = np.random.RandomState(seed)
        groups = [f"page {k}" for k in random.randint(0, 9, len(bonafide))]
        systems = [f"page {k}" for k in random.randint(4, 14, len(spoof))]
        inputs = dict(bonafide=bonafide, bonafide_groups=groups, spoof=spoof, spoof_groups=systems)
        expected = figures(official, bonafide, spoof, ASVSPOOF_5) | grouped(official, bonafide, spoof, groups, systems)
        yield case(f"groups, {digits} digits", ASVSPOOF_5, inputs, expected)


def as_json(vector):
    """Indented down to the cases; every field of a case on one line, so that a difference shows where it is."""
    lines = ["{"]
    for key in ("stage", "source", "tolerance"):
        lines.append(f"  {json.dumps(key)}: {json.dumps(vector[key])},")
    lines.append('  "cases": [')
    for number, entry in enumerate(vector["cases"]):
        fields = [f"      {json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in entry.items()]
        end = "    }" if number + 1 == len(vector["cases"]) else "    },"
        lines += ["    {", ",\n".join(fields), end]
    return "\n".join([*lines, "  ]", "}"]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", type=Path, help="the folder evaluation-package of the repository asvspoof5")
    sys.path.insert(0, str(parser.parse_args().package))
    official = importlib.import_module("calculate_modules")
    tolerance = dict(relative=0.0, absolute=1e-9)
    vector = dict(stage="metrics", source=SOURCE, tolerance=tolerance, cases=list(cases(official)))
    (HERE / "metrics.json").write_text(as_json(vector), encoding="utf-8")


if __name__ == "__main__":
    main()
