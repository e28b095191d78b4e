#!/usr/bin/env python3
"""From the corpus to a model folder with one command:

    python models/training/run.py models/training/phone.toml --corpus DIR --full DIR --cache DIR

Steps: prepare, train, export, calibrate, evaluate, card. Each can be left out or run alone with --only; a run that was cut off goes on from its last row of statistics or its last checkpoint.
"""
import argparse
import copy
import json
import os
import pathlib
import sys
import time
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
SMOKE = ["data.engine_clips=5", "training.steps=30", "training.batch=16", "training.warmup_steps=5"]
STEPS = ["prepare", "train", "export", "calibrate", "evaluate", "card"]


def changed(config, changes):
    """A copy of the configuration where {"section.key": value} have other values."""
    config = copy.deepcopy(config)
    for name, value in changes.items():
        *path, key = name.split(".")
        section = config
        for part in path:
            section = section.get(part, {})
        if key not in section:
            raise SystemExit(f"the configuration has no '{name}' that could be changed")
        section[key] = value
    return config


def read(path, sets=()):
    """The configuration; `sets` are "section.key=value" as on the command line."""
    config = tomllib.loads(pathlib.Path(path).read_text())
    changes = {}
    for text in sets:
        name, separator, value = text.partition("=")
        if not separator:
            raise SystemExit(f"--set wants SECTION.KEY=VALUE, not {text}")
        try:
            changes[name] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            raise SystemExit(f"--set {name}: {value} is no TOML value; text needs quotes") from None
    return changed(config, changes)


class Log:
    """Lines on the screen and in a file."""

    def __init__(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path

    def __call__(self, text):
        line = f"{time.strftime('%H:%M:%S')} {text}"
        print(line, flush=True)
        with open(self.path, "a") as f:
            f.write(line + "\n")


def prepare(a, config, run, log):
    """Clips, without what `dev` holds too, and the rows of statistics of all lines."""
    import duplicates
    import engines
    import experts
    import material
    repeated = duplicates.known(a.cache)
    if repeated is None:
        import corpus
        sides = [[c for folder in (a.full, a.corpus) if folder for c in corpus.read_index(folder, split)] for split in ("train", "dev")]
        repeated = duplicates.write(*sides, a.cache, a.jobs, log)
    clips = material.train_clips(a.corpus, a.full, repeated)
    clips += engines.make(a.cache, config["data"]["engine_clips"], log=log)
    (run / "material.json").write_text(json.dumps({**material.counts(clips), "repeated": len(repeated), "full": a.full is not None}, indent=1))
    log(f"prepare: {len(clips)} clips")
    return experts.Data(config, a.cache, clips, a.jobs, log)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("config", type=pathlib.Path)
    p.add_argument("--corpus", type=pathlib.Path, required=True, help="the corpus: index.tsv, train, dev, noise")
    p.add_argument("--full", type=pathlib.Path, help="folder of the corpus's full build; without it the small one alone is used, and new pages, durations and telephone calls are not measured")
    p.add_argument("--cache", type=pathlib.Path, default=HERE / "cache", help="where everything made is kept")
    p.add_argument("--out", type=pathlib.Path, help="the model folder (default: models/<name>)")
    p.add_argument("--run", default=None, help="name of the run inside the cache (default: the model's name)")
    p.add_argument("--only", default=",".join(STEPS), help="steps to run, by commas")
    p.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change the configuration")
    p.add_argument("--threads", type=int, default=1, help="of training")
    p.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes that prepare material")
    p.add_argument("--smoke", action="store_true", help="every step on next to nothing: the model is worth nothing")
    p.add_argument("--stop-after", type=float, help="stop training after so many seconds; the next run goes on")
    a = p.parse_args()
    sys.path.insert(0, str(HERE))
    config = read(a.config, (SMOKE if a.smoke else []) + a.set)
    only = a.only.split(",")
    if unknown := set(only) - set(STEPS):
        p.error(f"no step is called {', '.join(sorted(unknown))}; there are {', '.join(STEPS)}")
    run = a.cache / "runs" / (a.run or ("smoke" if a.smoke else config["model"]["name"]))
    out = a.out or (run / "model" if a.smoke else HERE.parent / config["model"]["name"])
    log = Log(run / "log.txt")

    if {"prepare", "train", "export"} & set(only):
        data = prepare(a, config, run, log)
    if "train" in only:
        import torch

        import experts
        torch.set_num_threads(a.threads)
        end = time.time() + a.stop_after if a.stop_after else None
        experts.fit(config, data, run, lambda: end is not None and time.time() > end, log)
    if "export" in only:
        import export
        export.export(config, data, run, out, log)
    if "calibrate" in only:
        import calibrate
        calibrate.calibrate(config, out, a.corpus, run, a.cache, a.full, log)
    if "evaluate" in only:
        import evaluate
        evaluate.write_figures(out, a.corpus, run, a.cache, a.full, log)
    if "card" in only:
        import card
        card.write(config, out, run, log)


if __name__ == "__main__":
    main()
