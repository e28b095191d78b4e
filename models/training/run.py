#!/usr/bin/env python3
"""From the corpus to a model folder with one command:

    python models/training/run.py models/training/phone.toml --corpus DIR --cache DIR

Steps: prepare, train, export, calibrate, evaluate, card. Each can be left out or run alone with --only; a run that was cut
off goes on from its last checkpoint.
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
SMOKE = ["data.every=20", "data.copies=['slower', 'g722']", "data.engine_clips=0", "data.neural_engine_clips=0", "data.twins={griffin_lim = 4}", "sampling.pool=400", "training.steps=40", "training.batch=16",
         "training.warmup_steps=5", "training.check_every=0", "calibration.lines={phone = 0.4, 'as is' = 0.4, 'G.722' = 0.2}"]
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


def read(path, sets):
    """(configuration, {member: its own configuration}). A model is the mean of its members, which differ in what `[members.NAME]` says; `sets` are
    "section.key=value" as on the command line, and win."""
    config = tomllib.loads(path.read_text())
    members = config.pop("members")
    changes = {name: tomllib.loads(f"v = {value}")["v"] for name, _, value in (s.partition("=") for s in sets)}
    return changed(config, changes), {name: changed(config, own | changes) for name, own in members.items()}


class Log:
    """Lines with the time since the start, on the terminal and in a file."""

    def __init__(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file, self.begun = open(path, "a"), time.time()

    def __call__(self, text):
        line = f"[{time.time() - self.begun:7.0f} s] {text}"
        print(line, flush=True)
        print(line, file=self.file, flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("config", type=pathlib.Path)
    p.add_argument("--corpus", type=pathlib.Path, required=True)
    p.add_argument("--cache", type=pathlib.Path, default=HERE / "cache")
    p.add_argument("--out", type=pathlib.Path, help="the model folder (default: models/<name>)")
    p.add_argument("--run", default=None, help="name of the run inside the cache (default: the model's name)")
    p.add_argument("--members", help="train these members of the model alone, by commas: others may be trained beside them")
    p.add_argument("--full", type=pathlib.Path, help="folder of the corpus's full build, whose split `train` then takes the place of the small one's")
    p.add_argument("--long", type=pathlib.Path, help="folder of the full build's split `dev`: the figures for 10 and 30 s come from it, and are left out without it")
    p.add_argument("--vocoders", type=pathlib.Path, help="folder of pretrained vocoders for twins (default: beside the corpus)")
    p.add_argument("--only", default=",".join(STEPS), help="steps to run, by commas")
    p.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change the configuration")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--workers", type=int, default=1, help="processes that prepare batches; 0: none")
    p.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes that prepare material")
    p.add_argument("--smoke", action="store_true", help="every step in under two minutes, on little data: the model is worth nothing")
    p.add_argument("--stop-after", type=float, help="stop training after so many seconds; the next run goes on")
    a = p.parse_args()
    sys.path.insert(0, str(HERE))
    config, members = read(a.config, (SMOKE if a.smoke else []) + a.set)
    if unknown := set(a.members.split(",") if a.members else []) - set(members):
        p.error(f"no member is called {', '.join(sorted(unknown))}; there are {', '.join(members)}")
    only = a.only.split(",")
    if unknown := set(only) - set(STEPS):
        p.error(f"no step is called {', '.join(sorted(unknown))}; there are {', '.join(STEPS)}")
    name = "smoke" if a.smoke else config["model"]["name"]
    run = a.cache / "runs" / (a.run or name)
    out = a.out or (run / "model" if a.smoke else HERE.parent / name)
    log = Log(run / "log.txt")
    vocoders = a.vocoders or a.corpus.parent / "vocoders"

    if {"prepare", "train", "export"} & set(only):
        import pool
        import prepare
        material = prepare.material(config, a.corpus, a.cache, a.full, vocoders if vocoders.is_dir() else None, a.jobs, log)
        (run / "material.json").write_text(json.dumps(prepare.counts(material), indent=1))
        windows = pool.make(a.cache, config, material, a.jobs, log)
    if "train" in only:
        import train
        for name in a.members.split(",") if a.members else members:
            log(f"train: member {name}")
            spent = train.member(members[name], windows, material, run / name, a.corpus, a.threads, a.workers, a.stop_after, log)
            log(f"train: {spent / 60:.1f} minutes of training in all")
    if "export" in only:
        import export
        export.export(config, members, run, windows, out, log)
    if "calibrate" in only:
        import calibrate
        calibrate.calibrate(config, out, a.corpus, run, a.cache, log)
    if "evaluate" in only:
        import evaluate
        evaluate.write_figures(out, a.corpus, run, a.cache, a.long, log)
    if "card" in only:
        import card
        card.write(config, out, run, log)


if __name__ == "__main__":
    main()
