#!/usr/bin/env python3
"""A published detector's weights as a model folder:

    python models/import/run.py aasist --weights AASIST.pth --out models-dir/aasist --corpus DIR

Steps: read the checkpoint, export the graph, load it in the library, fit the calibration on `dev` and, with
--figures, measure the figures. The folder gets its name when all of it is there; a run that fails leaves nothing behind.
"""
import argparse
import csv
import hashlib
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
TRAINING = HERE.parent / "training"
sys.path[:0] = [str(HERE), str(TRAINING)]

import numpy as np  # noqa: E402
import torch  # noqa: E402

import architectures  # noqa: E402
import checkpoint  # noqa: E402
import corpus  # noqa: E402
import graph  # noqa: E402
from manifest import UNCALIBRATED, read_manifest, write_manifest  # noqa: E402


def digest_of(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def manifest_of(name, kind, weights_digest, graph_digest, licence, prior):
    """The manifest before calibration. The version tells which weights: it ends in the first digits of their SHA-256."""
    return {
        "schema_version": 1, "name": name, "version": f"1.0.0+{weights_digest[:12]}", "description": kind.description, "licence": licence,
        "onnx": {"file": "model.onnx", "sha256": graph_digest},
        "input": {"tensor": graph.INPUT, "sample_rate_hz": architectures.RATE, "window_samples": kind.window_samples,
                  "hop_samples": min(2 * architectures.RATE, kind.window_samples), "min_speech_samples": min(architectures.RATE, kind.window_samples),
                  "level_dbfs": None, "features": {"kind": "waveform"}},
        "output": {"tensor": graph.OUTPUT, "labels": list(kind.labels)},
        "calibration": dict(UNCALIBRATED),
        "decision": {"prior": prior, "synthetic_llr": 1.5, "bonafide_llr": -1.5},
        "figures": [],
    }


def convert(name, kind, weights, folder, licence=None, half=False, log=print):
    """model.onnx and an uncalibrated manifest.json in `folder`, which the library then loads."""
    import veravox
    licence = licence or kind.licence
    if not licence:
        raise checkpoint.Refused(f"{name}: the licence depends on the checkpoint; name it with --licence")
    tensors = checkpoint.read(weights)
    if kind.translate:
        tensors = kind.translate(tensors)
    net = checkpoint.fill(kind.build(), tensors, name)
    del tensors
    difference = graph.write(net, kind.window_samples, folder / "model.onnx", half)
    size = (folder / "model.onnx").stat().st_size
    write_manifest(folder, manifest_of(name, kind, digest_of(weights), digest_of(folder / "model.onnx"), licence, recipe_calibration()["prior"]))
    detector = veravox.Detector(str(folder))
    second = graph.speech_like(1, kind.window_samples)[0]
    begun = time.time()
    detector.scan(second, architectures.RATE)
    log(f"export: {size / 1e6:.1f} MB, {difference:.1g} from PyTorch; the library loads it and takes {time.time() - begun:.2f} s for a window")


# Rate that `scoring.main_condition` knows each condition of `dev` by. A net of 16 kHz that will hear telephone calls is calibrated on these.
CALIBRATED_ON = {"phone": 8000, "as is": 16000}


def recipe_calibration():
    """Prior and costs of the shipped model: the thresholds of all models then mean the same."""
    calibration = tomllib.loads((TRAINING / "phone.toml").read_text())["calibration"]
    # One condition is asked for, and not the lines of our own model.
    del calibration["lines"]
    # How much the windows of one call say the same was not measured for this net: nothing is gained by listening on.
    return calibration | {"correlation": 1.0}


def check_polarity(folder):
    """The fit keeps the scale positive, so for scores that rise with human speech it falls to nothing."""
    scale = read_manifest(folder)["calibration"]["scale"]
    if not scale > 1e-4:
        raise checkpoint.Refused(f"calibration gave the scale {scale}, expected one well above 0: on these clips the scores do not rise with "
                                 "synthetic speech. They are too few, or the net cannot tell on such audio, or the architecture's labels are not in the checkpoint's order.")


def every_nth(corpus_folder, clips, into):
    """A corpus of about so many `dev` clips, evenly spread, for a quick turn: an index of its own over the same files."""
    with open(pathlib.Path(corpus_folder) / "index.tsv", newline="") as f:
        rows = list(csv.DictReader(f, delimiter="\t"))
    dev = [r for r in rows if r["split"] == "dev"]
    kept = []
    for label in ("bonafide", "spoof"):
        of_label = [r for r in dev if r["label"] == label]
        kept += [of_label[i] for i in np.unique(np.linspace(0, len(of_label) - 1, max(clips // 2, 1)).astype(int))]
    with open(into / "index.tsv", "w", newline="") as f:
        writer = csv.DictWriter(f, rows[0].keys(), delimiter="\t")
        writer.writeheader()
        writer.writerows({**r, "file": str((pathlib.Path(corpus_folder) / r["file"]).resolve())} for r in kept)
    return into


def bring_in(name, weights, out, corpus_folder=None, clips=None, condition="phone", calibrated=True, figures_cache=None, licence=None, half=False, log=print):
    """All steps, in a folder beside `out` that gets its name at the end."""
    if out.exists():
        raise checkpoint.Refused(f"{out} is already there; remove it or name another folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    part.mkdir()
    try:
        convert(name, architectures.ALL[name], weights, part, licence, half, log)
        with tempfile.TemporaryDirectory() as scratch:
            scratch = pathlib.Path(scratch)
            if calibrated:
                import calibrate
                chosen = every_nth(corpus_folder, clips, scratch) if clips else corpus_folder
                log(f"calibrate: {len(corpus.read_index(chosen, 'dev'))} clips of dev, {condition}")
                calibrate.calibrate({"calibration": recipe_calibration(), "input": {"sample_rate_hz": CALIBRATED_ON[condition]}}, part, chosen, scratch, log=log)
                check_polarity(part)
                if figures_cache:
                    import evaluate
                    evaluate.write_figures(part, corpus_folder, scratch, figures_cache, log=log)
            else:
                log("calibrate: left out; the manifest says scale 1, offset 0, and llr is the net's bare log-odds")
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    log(f"{out} is ready")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("architecture", choices=sorted(architectures.ALL))
    p.add_argument("--weights", type=pathlib.Path, required=True, help="the published checkpoint, a local file")
    p.add_argument("--out", type=pathlib.Path, required=True, help="the model folder to make")
    p.add_argument("--corpus", type=pathlib.Path, help="the corpus whose `dev` calibrates")
    p.add_argument("--calibrate-clips", type=int, metavar="N", help="a quick turn: calibrate on N clips of `dev`, not on all")
    p.add_argument("--calibrate-on", choices=sorted(CALIBRATED_ON), default="phone", help="the condition of `dev` that calibrates (default: phone)")
    p.add_argument("--no-calibration", action="store_true", help="scale 1, offset 0; needs no corpus")
    p.add_argument("--figures", type=pathlib.Path, metavar="CACHE", help="measure the manifest's figures as well: all of `dev` under every condition, "
                   "hours for a net of this size; coded clips are kept in this folder")
    p.add_argument("--licence", help="SPDX expression of the weights' licence, where it is not that of the authors' publication")
    p.add_argument("--half", action="store_true", help="store the weights in 16 bits; for nets over the library's limit of 1 GiB")
    p.add_argument("--threads", type=int, default=1)
    a = p.parse_args()
    if not a.corpus and not a.no_calibration:
        p.error("--corpus is needed for the calibration (or --no-calibration)")
    torch.set_num_threads(a.threads)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))     # ends as Ctrl-C does, with the half-made folder removed
    begun = time.time()
    try:
        bring_in(a.architecture, a.weights, a.out, a.corpus, a.calibrate_clips, a.calibrate_on, not a.no_calibration, a.figures, a.licence, a.half,
                 lambda text: print(f"[{time.time() - begun:5.0f} s] {text}", flush=True))
    except (checkpoint.Refused, ValueError) as e:
        raise SystemExit(f"error: {e}")


if __name__ == "__main__":
    main()
