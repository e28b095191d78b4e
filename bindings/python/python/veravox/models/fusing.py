"""A fusion of several models, its weights fitted on labelled calls: logistic regression over the legs' llrs (Brümmer et al., "Fusion of
heterogeneous speaker recognition systems", IEEE TASLP 15, 2007). What it is worth is measured with whole systems left out."""

from __future__ import annotations

import csv
import json
import os
import pathlib
import tempfile
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..detector import Detector
from ..evaluation import audio_of
from .refusal import Refused

Floats = NDArray[np.float64]

DECISION = {"prior": 0.5, "synthetic_llr": 1.7346, "bonafide_llr": -1.7346}
LEAST_OF_A_LABEL = 20
# Pulls the weights towards a plain mean of the models, as much as one call does: few calls cannot tell alike models apart.
RIDGE = 1.0
GROUPS = ("system", "attack", "speaker", "source")


class Fitted(NamedTuple):
    """`llr = offset + sum of weight * llr`, and how good it is: Cllr in bits on what it was fitted to, and on systems left out."""

    weights: list[float]
    offset: float
    cllr: float
    held_out: float | None


def fit(llrs: Floats, synthetic: NDArray[np.bool_], groups: Sequence[str]) -> Fitted:
    """Of llrs `[calls, models]`. Both labels weigh the same, whatever their numbers; weights are 0 or above."""
    weights, offset = _regress(llrs, synthetic)
    held = np.full(len(llrs), np.nan)
    for group in set(groups):
        out = np.array([g == group for g in groups])
        rest = synthetic[~out]
        if rest.any() and not rest.all():
            w, b = _regress(llrs[~out], rest)
            held[out] = llrs[out] @ w + b
    known = ~np.isnan(held)
    both = known.any() and synthetic[known].any() and not synthetic[known].all() and len(set(groups)) > 2
    held_out = cllr(held[known], synthetic[known]) if both else None
    return Fitted([float(w) for w in weights], float(offset), cllr(llrs @ weights + offset, synthetic), held_out)


def _regress(llrs: Floats, synthetic: NDArray[np.bool_]) -> tuple[Floats, float]:
    n_models = llrs.shape[1]
    active = np.ones(n_models, bool)
    # A weight below 0 says that a model is better turned round, which is chance: it is left out, and the rest are fitted anew.
    while True:
        found = _newton(llrs[:, active], synthetic, n_models)
        if (found[:-1] >= 0).all() or not active.any():
            weights = np.zeros(n_models)
            weights[active] = found[:-1]
            return weights, float(found[-1])
        active[np.flatnonzero(active)[found[:-1].argmin()]] = False


def _newton(llrs: Floats, synthetic: NDArray[np.bool_], n_models: int) -> Floats:
    x = np.column_stack([llrs, np.ones(len(llrs))])
    y = synthetic.astype(float)
    share = np.where(synthetic, 0.5 / max(y.sum(), 1), 0.5 / max((1 - y).sum(), 1)) * len(y)
    centre = np.append(np.full(llrs.shape[1], 1 / n_models), 0.0)
    ridge = RIDGE * np.append(np.ones(llrs.shape[1]), 1e-3)
    w = centre.copy()

    def cost(w: Floats) -> float:
        z = x @ w
        return float(share @ (np.logaddexp(0, z) - y * z) + ridge @ (w - centre) ** 2 / 2)

    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -500, 500)))
        gradient = x.T @ (share * (p - y)) + ridge * (w - centre)
        hessian = (x.T * (share * p * (1 - p))) @ x + np.diag(ridge)
        step: Floats = np.linalg.solve(hessian, gradient)
        # A whole step goes too far where most scores are far from 0.
        while cost(w - step) > cost(w) and np.abs(step).max() >= 1e-9:
            step = step / 2
        w = w - step
        if np.abs(step).max() < 1e-9:
            break
    return w


def cllr(llrs: Floats, synthetic: NDArray[np.bool_]) -> float:
    """The cost of llrs in bits, 0 for perfect ones, 1 for none (Brümmer and du Preez, 2006)."""
    return float(
        (np.logaddexp(0, -llrs[synthetic]).mean() + np.logaddexp(0, llrs[~synthetic]).mean()) / (2 * np.log(2))
    )


def labels_of(key: pathlib.Path) -> dict[str, tuple[bool, str]]:
    """{file: (synthetic, group)} of a table with the columns file and label, and one of system, attack, speaker or source."""
    text = key.read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines(), delimiter="\t" if "\t" in text.partition("\n")[0] else ","))
    if not rows or "file" not in rows[0] or rows[0].get("label") is None:
        raise Refused(f"{key}: expected a table with the columns file and label")
    found = {}
    for n, row in enumerate(rows):
        if row["label"] not in ("spoof", "bonafide"):
            raise Refused(
                f"{key} line {n + 2}: expected a label of spoof or bonafide, found {str(row['label'])[:40]!r}"
            )
        group = next((row[name] for name in GROUPS if row.get(name)), row["file"])
        found[row["file"]] = (row["label"] == "spoof", group)
    return found


def fuse(
    models: Sequence[str], out: pathlib.Path, key: pathlib.Path, audio: pathlib.Path, log: Callable[[str], None] = print
) -> None:
    """Scores the audio of a key with each model, fits the weights, and writes the fusion's folder."""
    if len(models) < 2:
        raise Refused("a fusion is of two models or more")
    if out.exists():
        raise Refused(f"{out} is already there; remove it or name another folder")
    labels = labels_of(key)
    files = audio_of([key], audio)
    scores: list[dict[str, float]] = []
    for model in models:
        detector = Detector(model)
        if detector.manifest()["calibration"].get("uncalibrated"):
            raise Refused(f"{model}: is not calibrated; its scores mean nothing beside those of another model")
        log(f"{model}: {len(files)} files")
        done = detector.scan_many(files)
        legs = ((result.path, result.report.legs) for result in done if result.report is not None)
        scores.append({path: found[0].llr for path, found in legs if len(found) == 1 and found[0].llr is not None})
    named = {path: labels.get(os.path.relpath(path, audio)) for path in files}
    usable = [path for path in files if named[path] is not None and all(path in of for of in scores)]
    truth = [named[path] or (False, "") for path in usable]
    synthetic = np.array([spoof for spoof, _ in truth], bool)
    if min(int(synthetic.sum()), int((~synthetic).sum())) < LEAST_OF_A_LABEL:
        n = int(synthetic.sum())
        raise Refused(
            f"{n} recordings of machines and {len(truth) - n} of people have a score: it takes {LEAST_OF_A_LABEL} of either"
        )
    fitted = fit(np.array([[of[path] for of in scores] for path in usable]), synthetic, [group for _, group in truth])
    if not any(fitted.weights):
        raise Refused("the scores of none of these models rise with synthetic speech on these calls: there is nothing to add up")
    beyond = (
        "too few systems to leave some out" if fitted.held_out is None else f"{fitted.held_out:.3f} on systems left out"
    )
    log(
        f"Cllr {fitted.cllr:.3f} bits, {beyond}; weights {', '.join(f'{w:.3f}' for w in fitted.weights)}, offset {fitted.offset:+.3f}"
    )
    _write(out, models, fitted)
    Detector(out)


def _write(out: pathlib.Path, models: Sequence[str], fitted: Fitted) -> None:
    members = []
    for model, weight in zip(models, fitted.weights):
        path = pathlib.Path(model)
        if path.is_dir() and path.resolve().parent != out.resolve().parent:
            raise Refused(f"{model}: expected a folder beside {out}; a manifest names no models elsewhere")
        members.append({"model": f"../{path.resolve().name}" if path.is_dir() else model, "weight": weight})
    manifest: dict[str, Any] = {
        "schema_version": 1,
        "kind": "fusion",
        "name": out.name,
        "version": "1.0.0",
        "description": f"{len(models)} models, added up",
        "members": members,
        "offset": fitted.offset,
        "decision": dict(DECISION),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as scratch:
        folder = pathlib.Path(scratch) / "made"
        folder.mkdir()
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        folder.rename(out)
