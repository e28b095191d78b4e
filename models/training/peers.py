#!/usr/bin/env python3
"""A converted net against the scores of its authors' own code, clip by clip, through the exported graph in ONNX Runtime:

    python models/training/peers.py models-dir/aasist --corpus DIR --peer AASIST

reads the log-odds of `dev_peers.tsv` beside the corpus. Clips are cut as the published code does it: the first window, repeated
where the clip is shorter. Ends with 1 where a score differs by more than --tolerance.
"""
import argparse
import csv
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import numpy as np  # noqa: E402
from scipy.signal import butter, resample_poly, sosfilt  # noqa: E402

import corpus  # noqa: E402
from manifest import read_manifest  # noqa: E402

CONDITIONS = ("wide", "phone")


def phone_line(x):
    """The phone line of `dev_peers.tsv`, 16 kHz in and out. It differs from the recipe's own in one place: mu-law is its formula,
    rounded to 256 steps, not the table of G.711. That alone moves AASIST's scores by 0.1, so both stand. The clip stays in 32 bits up to
    the filter: in 64, a few samples fall on the other side of a step and move some scores by 0.001."""
    x = resample_poly(x * (0.1 / np.sqrt(np.mean(x ** 2))), 1, 2)
    x = np.clip(sosfilt(butter(6, [300, 3400], "bandpass", fs=8000, output="sos"), x), -1, 1)
    compressed = np.sign(x) * np.log1p(255 * np.abs(x)) / np.log(256)
    coded = np.round((compressed + 1) / 2 * 255) / 255 * 2 - 1
    return resample_poly(np.sign(coded) * (256 ** np.abs(coded) - 1) / 255, 2, 1)


def waveform(path, condition, samples, rate=16000):
    x = corpus.load(path, rate)
    # A clip that is too short is repeated.
    return np.resize(phone_line(x) if condition == "phone" else x, samples).astype(np.float32)


def peers(corpus_folder, peer, every=1):
    """[(clip's path, label, {condition: log-odds})], every so many clips."""
    with open(pathlib.Path(corpus_folder) / "dev_peers.tsv", newline="") as f:
        rows = list(csv.DictReader(f, delimiter="\t"))[::every]
    return [(str(pathlib.Path(corpus_folder) / r["file"]), r["label"], {c: float(r[f"{peer}_{c}"]) for c in CONDITIONS}) for r in rows]


def differences(folder, rows, log=None):
    """{(condition, label): [difference of each clip]}."""
    import onnxruntime
    manifest = read_manifest(folder)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(pathlib.Path(folder) / manifest["onnx"]["file"]), options, providers=["CPUExecutionProvider"])
    labels = manifest["output"]["labels"]
    out = {}
    for k, (path, label, wanted) in enumerate(rows):
        for condition in CONDITIONS:
            x = waveform(path, condition, manifest["input"]["window_samples"])
            logits = session.run(None, {manifest["input"]["tensor"]: x[None]})[0][0]
            score = logits[labels.index("spoof")] - logits[labels.index("bonafide")]
            out.setdefault((condition, label), []).append(float(abs(score - wanted[condition])))
        if log and (k + 1) % 50 == 0:
            log(f"{k + 1} of {len(rows)} clips")
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model", type=pathlib.Path)
    p.add_argument("--corpus", type=pathlib.Path, required=True)
    p.add_argument("--peer", required=True, help="the scores' name in dev_peers.tsv: AASIST, AASIST-L")
    p.add_argument("--every", type=int, default=1, help="take every so many clips")
    p.add_argument("--tolerance", type=float, default=1e-3)
    a = p.parse_args()
    found = differences(a.model, peers(a.corpus, a.peer, a.every), lambda t: print(t, flush=True))
    for (condition, label), values in sorted(found.items()):
        print(f"{a.peer} {condition:5} {label:8} {len(values):4} clips, largest difference {max(values):.6f}, mean {np.mean(values):.6f}")
    raise SystemExit(int(max(max(v) for v in found.values()) > a.tolerance))


if __name__ == "__main__":
    main()
