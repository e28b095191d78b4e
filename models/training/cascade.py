#!/usr/bin/env python3
"""What a cascade costs and gains over its budget: two models alone, and the second after the first at growing shares of the windows.

    python models/training/cascade.py FIRST SECOND --corpus DIR --out docs/cascade

FIRST and SECOND are models by name or folder. Clips of `dev` of one system, or one page of people, are joined to calls. Each model hears
every window once, through the library; which windows a budget lets the second hear is then a matter of arithmetic, by the library's own
rule and its own test. `--check N` runs N calls through real cascades and compares. Writes .json and .svg, and prints the table.
"""
import argparse
import collections
import json
import pathlib
import tempfile
import time

import numpy as np

import corpus
import veravox
from veravox import metrics

RATE = 16000
SHARES = (0.0, 0.1, 0.2, 0.35, 0.5, 1.0)


def calls(folder, n_each, clips_each):
    """[(label, group, samples)]: clips of one system, or of one page of people, one after the other."""
    groups = collections.defaultdict(list)
    for row in corpus.read_index(folder, "dev"):
        groups[row.label, row.system if row.label == "spoof" else row.source].append(row.path)
    made = {"bonafide": [], "spoof": []}
    # In turn, one of each group, so that no group has most of the calls.
    for start in range(0, 100, clips_each):
        for (label, group), files in sorted(groups.items()):
            some = files[start:start + clips_each]
            if len(some) == clips_each and len(made[label]) < n_each:
                samples = np.concatenate([corpus.load(file, RATE) for file in some]).astype(np.float32)
                made[label].append((label, group, samples))
    return made["bonafide"] + made["spoof"]


def cascade_of(folder, first, second, share, everything):
    """A cascade in a folder of its own."""
    decision = veravox.Detector(first).thresholds(RATE)
    manifest = {"schema_version": 1, "kind": "cascade", "name": "tried", "version": "1.0.0", "description": "for a simulation", "first": first,
                "second": second, "budget": {"max_share": share},
                "decision": {"prior": decision.prior, "synthetic_llr": decision.synthetic_llr,
                             "bonafide_llr": -1e6 if everything else decision.bonafide_llr}}
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return veravox.Detector(folder)


def heard(detector, found):
    """The windows of each call, and the processor seconds for a second of audio."""
    begun = time.process_time()
    windows = [detector.scan(samples, RATE).legs[0].windows for _, _, samples in found]
    return windows, (time.process_time() - begun) / sum(len(samples) / RATE for _, _, samples in found)


def of_budget(first, second, share, thresholds, correlation):
    """(llr of the call, share of its windows that the second heard), by the rule of the library."""
    test = veravox.SequentialTest(thresholds.prior, thresholds.synthetic_llr, thresholds.bonafide_llr, correlation)
    left, asked, counted = 0.0, 0, 0
    for one, other in zip(first, second):
        if one.reason is not None:
            continue
        counted += 1
        left += share
        llr = one.llr
        if llr > thresholds.bonafide_llr and left >= 1 - 1e-9:
            left, asked, llr = left - 1, asked + 1, other.llr
        test.push(llr, one.fresh_share)
    return test.llr or 0.0, asked / max(counted, 1)


def eer(found, llrs):
    of = {label: [k for k, call in enumerate(found) if call[0] == label] for label in ("bonafide", "spoof")}
    trials = metrics.Trials(bonafide=[llrs[k] for k in of["bonafide"]], bonafide_groups=[found[k][1] for k in of["bonafide"]],
                            spoof=[llrs[k] for k in of["spoof"]], spoof_groups=[found[k][1] for k in of["spoof"]])
    found = trials.estimate("eer", rounds=500)
    return 100 * found.value, 100 * found.low, 100 * found.high


def draw(result, path):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "veravox"
    import matplotlib.pyplot as plt

    rows = result["rows"]
    shares = [100 * row["asked"] for row in rows]
    figure, (above, below) = plt.subplots(2, 1, figsize=(6, 5), sharex=True, layout="constrained")
    above.errorbar(shares, [row["eer"][0] for row in rows], [[row["eer"][0] - row["eer"][1] for row in rows], [row["eer"][2] - row["eer"][0] for row in rows]],
                   fmt="o-", capsize=3, label=f"{result['first']}, then {result['second']}")
    above.axhline(result["second_eer"][0], linestyle="--", color="grey", label=f"{result['second']} alone")
    above.set_ylabel("EER of calls, %")
    above.legend()
    below.plot(shares, [1000 * row["cost"] for row in rows], "o-")
    below.axhline(1000 * result["second_cost"], linestyle="--", color="grey")
    below.set_ylabel("processor ms for 1 s of audio")
    below.set_xlabel("windows that the second heard, %")
    figure.savefig(path, metadata={"Date": None})


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("first")
    p.add_argument("second")
    p.add_argument("--corpus", type=pathlib.Path, required=True)
    p.add_argument("--out", type=pathlib.Path, required=True, help="a path without its suffix")
    p.add_argument("--calls", type=int, default=30, help="calls of each label")
    p.add_argument("--clips", type=int, default=3, help="clips in a call")
    p.add_argument("--check", type=int, default=4, metavar="N", help="calls that go through a real cascade of each budget")
    a = p.parse_args()
    found = calls(a.corpus, a.calls, a.clips)
    # A cascade names folders beside its own.
    beside = pathlib.Path(a.second).resolve().parent if pathlib.Path(a.second).is_dir() else pathlib.Path(a.first).resolve().parent
    named = [f"../{pathlib.Path(m).resolve().name}" if pathlib.Path(m).is_dir() else m for m in (a.first, a.second)]
    thresholds, manifest = veravox.Detector(a.first).thresholds(RATE), veravox.Detector(a.first).manifest(RATE)
    correlation = manifest["calibration"].get("correlation", 1.0)
    first, first_cost = heard(veravox.Detector(a.first), found)
    rows = []
    with tempfile.TemporaryDirectory(dir=beside, prefix="tried") as scratch:
        # Folders beside the models: a manifest names no others.
        made = iter(range(10**6))

        def make(share, everything):
            folder = pathlib.Path(f"{scratch}-{next(made)}")
            try:
                return cascade_of(folder, named[0], named[1], share, everything)
            finally:
                (folder / "manifest.json").unlink()
                folder.rmdir()

        second, both_cost = heard(make(1.0, True), found)
        per_window = (both_cost - first_cost) * sum(len(s) / RATE for _, _, s in found) / sum(len(w) for w in second)
        for share in SHARES:
            answers = [of_budget(one, other, share, thresholds, correlation) for one, other in zip(first, second)]
            asked = float(np.mean([part for _, part in answers]))
            windows_a_second = sum(len(w) for w in first) / sum(len(s) / RATE for _, _, s in found)
            rows.append({"max_share": share, "asked": asked, "cost": first_cost + asked * per_window * windows_a_second,
                         "eer": eer(found, [llr for llr, _ in answers])})
            step = max(len(found) // max(a.check, 1), 1)
            for k in range(0, len(found) if a.check else 0, step):
                leg = make(share, False).scan(found[k][2], RATE).legs[0]
                if leg.llr is not None and abs(leg.llr - answers[k][0]) > 1e-3:
                    raise SystemExit(f"call {k} at {share}: the library says {leg.llr}, the simulation {answers[k][0]}")
        alone = [of_budget(other, other, 0.0, thresholds, correlation)[0] for other in second]
    # With its version: figures are of one model, and its name outlives it.
    result = {"first": f"{manifest['name']} {manifest['version']}", "second": pathlib.Path(a.second).name, "calls": {"bonafide": a.calls, "spoof": len(found) - a.calls},
              "first_cost": first_cost, "second_cost": both_cost - first_cost, "second_eer": eer(found, alone), "rows": rows}
    a.out.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    draw(result, a.out.with_suffix(".svg"))
    for row in rows:
        low, high = row["eer"][1:]
        print(f"| {row['max_share']:g} | {100 * row['asked']:.0f} % | {row['cost']:.4f} | {row['eer'][0]:.1f} [{low:.1f}, {high:.1f}] |")
    print(f"| the second alone | | {both_cost - first_cost:.4f} | {result['second_eer'][0]:.1f} |")


if __name__ == "__main__":
    main()
