#!/usr/bin/env python3
"""Models side by side on `dev`: accuracy through the library's streaming path, size, and what an hour of audio costs with each runtime.

    cargo xtask bench-models [DIR ...]

The peers' scores of `dev_peers.tsv` stand beside them, through the same figures. Speed is that of `veravox bench`: one core, all speech, file to verdict.
"""
import argparse
import json
import pathlib
import subprocess

import dev
import evaluate
import scoring
from card import with_interval

ACCURACY = ["eer_percent", "eer_percent_mean_over_systems", "auc_inside_pages"]
HEADS = ["EER, %", "mean over systems, %", "AUC inside pages", "three clips, EER %"]


def speed(command, folder, minutes):
    """{runtime: core-seconds per second of audio} by the command's own benchmark."""
    done = subprocess.run([command, "--model", str(folder), "bench", "--minutes", str(minutes), "--json"], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{folder}: {done.stderr.strip()}")
    return {f["runtime"].split()[0]: f["scan_seconds"] / (60 * f["audio_minutes"]) for f in json.loads(done.stdout)}


def accuracy(clips, scores, condition, rounds):
    trials, by_three = evaluate.Trials(clips, scores), evaluate.Trials(*evaluate.pooled(clips, scores))
    three = evaluate.measured(by_three, condition, ["eer_percent"], rounds)
    return {**{e["metric"]: e for e in evaluate.measured(trials, condition, ACCURACY, rounds)}, **{"three": e for e in three}}


def rows(folder, command, clips, minutes, rounds, log):
    """One row of results for each condition."""
    import veravox
    manifest = evaluate.read_manifest(folder)
    cost = speed(command, folder, minutes)
    for condition in ("phone", "as is"):
        scored = scoring.score(veravox.Detector(str(folder)), clips, condition, log)
        yield {"model": f"{manifest['name']} {manifest['version']}", "condition": condition, "megabytes": (folder / manifest["onnx"]["file"]).stat().st_size / 1e6,
               "cost": cost, "figures": accuracy(clips, scoring.values(scored), condition, rounds)}


def table(results):
    head = ["model", "condition", *HEADS, "size, MB", "core-s per s, ONNX Runtime", "rten"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for r in results:
        figures = [with_interval(r["figures"][m]) if m in r["figures"] else "–" for m in [*ACCURACY, "three"]]
        cost = [f"{r['cost'][name]:.5f}" if name in r.get("cost", {}) else "–" for name in ("onnxruntime", "rten")]
        lines.append("| " + " | ".join([r["model"], r["condition"], *figures, f"{r['megabytes']:.2f}" if "megabytes" in r else "–", *cost]) + " |")
    return "\n".join(lines)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("models", type=pathlib.Path, nargs="+", help="model folders")
    p.add_argument("--corpus", type=pathlib.Path, required=True)
    p.add_argument("--command", type=pathlib.Path, required=True, help="the built command `veravox`")
    p.add_argument("--minutes", type=int, default=5, help="minutes of audio that speed is measured on")
    p.add_argument("--rounds", type=int, default=400, help="rounds of the bootstrap")
    p.add_argument("--every", type=int, default=1, help="score each nth clip of dev: a quick turn")
    p.add_argument("--json", type=pathlib.Path, help="write the results here as well")
    a = p.parse_args()
    clips = dev.folder(a.corpus)[::a.every]
    results = []
    for folder in a.models:
        results += rows(folder, a.command, clips, a.minutes, a.rounds, lambda text: print(f"{folder.name}: {text}", flush=True))
    for name, by_condition in scoring.peers(a.corpus, clips).items():
        results += [{"model": f"{name} (dev_peers.tsv)", "condition": c, "figures": accuracy(clips, s, c, a.rounds)} for c, s in by_condition.items()]
    print(f"\n{len(clips)} clips of dev: {sum(c.label == 'bonafide' for c in clips)} human, {sum(c.label == 'spoof' for c in clips)} synthetic; "
          f"in brackets 95 % intervals\n\n{table(results)}")
    if a.json:
        part = a.json.with_suffix(".part")
        part.write_text(json.dumps(results, indent=1))
        part.rename(a.json)


if __name__ == "__main__":
    main()
