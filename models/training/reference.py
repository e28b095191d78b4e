#!/usr/bin/env python3
"""Writes core/reference/<model>.json: how people and machines of the corpus's dev score, for `veravox explain`.

    python models/training/reference.py --corpus ../shared/corpus --command target/release/veravox phone wide

Of each model: the mean of every feature over windows of people; by family of statistics, by band and for each measure of the
signal the quantiles over people and over machines. People and machines pass the line that the model is made for: the phone
condition for a model at 8 kHz, the clip as it is for one at 16 kHz. At most `--clips` of either, spread over sources and systems.

With `--faithfulness` nothing is written: it prints what the llr loses without the parts that an explanation names, and without
as many at random, over the machines.
"""

import argparse
import concurrent.futures
import json
import pathlib
import subprocess
import tempfile

import numpy as np
import soundfile
import veravox

import corpus
import lines

ROOT = pathlib.Path(__file__).parents[2]
QUANTILES = [5, 25, 50, 75, 95]


def spread(clips, most):
    """At most so many clips, taking turns between the sources (people) or systems (machines)."""
    groups = {}
    for clip in clips:
        groups.setdefault(clip.source if clip.label == "bonafide" else clip.system, []).append(clip)
    turns = (group[n] for n in range(max(map(len, groups.values()))) for group in groups.values() if n < len(group))
    return [clip for clip, _ in zip(turns, range(most), strict=False)]


def explain(command, model, wav, *more):
    words = [command, "--model", model, "explain", wav, "--format", "json", *more]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, words))}: {done.stderr}")
    return json.loads(done.stdout)


def quantiles(values):
    values = [value for value in values if value is not None]
    return [float(f"{value:.4g}") for value in np.percentile(values, QUANTILES)] if values else None


def ranges(people, machines):
    """Quantiles by name, of what both have."""
    found = {}
    for name in people[0]:
        both = [quantiles([one[name] for one in side]) for side in (people, machines)]
        if all(both):
            found[name] = dict(people=both[0], machines=both[1])
    return found


def measure(arguments, name, scratch):
    manifest = json.loads((ROOT / "models" / name / "manifest.json").read_text())
    given = manifest["input"]
    rate, n = given["sample_rate_hz"], given["window_samples"]
    dev = corpus.read_index(arguments.corpus, "dev")
    sides = {label: spread([c for c in dev if c.label == label], arguments.clips) for label in ("bonafide", "spoof")}
    features = veravox.WindowFeatures(given)
    files, vectors = {}, []
    for label, clips in sides.items():
        files[label] = []
        for number, clip in enumerate(clips):
            x, at = lines.through("phone" if rate == 8000 else "as is", corpus.load(clip.path, corpus.RATE))
            file = scratch / f"{name}-{label}-{number}.wav"
            soundfile.write(file, x, at, subtype="PCM_16")
            files[label].append(file)
            if label == "bonafide":
                vectors.append(features(np.resize(np.asarray(x, np.float32), n)).ravel())
    mean = [float(f"{value:.5g}") for value in np.mean(vectors, axis=0)]
    probe = explain(arguments.command, name, files["bonafide"][0])
    reference = dict(
        model=name, version=manifest["version"], sha256=manifest["onnx"]["sha256"], input_sha256=probe["input_sha256"],
        n_people=len(files["bonafide"]), n_machines=len(files["spoof"]), mean=mean, signal={}, families={}, bands={},
    )
    file = scratch / f"{name}.json"
    file.write_text(json.dumps(reference))
    more = ["--reference", file]
    if arguments.faithfulness:
        falls = []
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            work = lambda wav: explain(arguments.command, name, wav, *more, "--faithfulness")["legs"][0]["faithfulness"]
            falls = [fall for fall in pool.map(work, files["spoof"]) if fall]
        for n, what in enumerate(["three strongest stretches of half a second", "two strongest bands"]):
            top, random = (np.array([fall[key][n] for fall in falls]) for key in ("without_top", "without_random"))
            share = 100 * np.mean(top > random)
            print(f"{name}: without the {what} {top.mean():.2f}, without as many at random {random.mean():.2f}; "
                  f"more in {share:.0f} % of {len(falls)} clips of machines")
        return None
    legs = {}
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for label, wavs in files.items():
            legs[label] = [found["legs"][0] for found in pool.map(lambda wav: explain(arguments.command, name, wav, *more), wavs)]
    scored = {label: [leg for leg in side if leg["path"]] for label, side in legs.items()}
    for kind in ("families", "bands"):
        reference[kind] = ranges(*([{e["part"]: e["llr"] for e in leg[kind]} for leg in scored[label]] for label in ("bonafide", "spoof")))
    reference["signal"] = ranges(*([{m["name"]: m["value"] for m in leg["signal"]["measures"]} for leg in legs[label]] for label in ("bonafide", "spoof")))
    return reference


def as_text(reference):
    """A line for each field and for each row of the tables: a difference then shows what moved."""
    def field(name, value):
        if not isinstance(value, dict):
            return f"{json.dumps(name)}: {json.dumps(value)}"
        rows = ",\n".join(f"  {json.dumps(row)}: {json.dumps(of)}" for row, of in value.items())
        return f"{json.dumps(name)}: {{\n{rows}\n}}"

    return "{\n" + ",\n".join(field(*pair) for pair in reference.items()) + "\n}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--corpus", type=pathlib.Path, required=True)
    parser.add_argument("--command", type=pathlib.Path, default=ROOT / "target/release/veravox")
    parser.add_argument("--clips", type=int, default=500)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--faithfulness", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for name in arguments.models:
            reference = measure(arguments, name, pathlib.Path(scratch))
            if reference:
                (ROOT / "core/reference" / f"{name}.json").write_text(as_text(reference))
                print(f"{name}: {reference['n_people']} clips of people, {reference['n_machines']} of machines")


if __name__ == "__main__":
    main()
