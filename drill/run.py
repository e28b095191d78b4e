"""Runs the drill: each case once, as a table of what should happen and what did.

    python drill/run.py [--seconds 60] [--seed N] [--write docs/drill.md]
"""

import argparse
import collections
import pathlib
import subprocess
import sys
import tempfile
import time

import heads
import outputs
from case import ROOT

CALL = ROOT / "testdata" / "calls" / "04-parcel-driver.pcm16.wav"
START, END = "<!-- the drill -->", "<!-- the end of the drill -->"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="how long damaged files are tried; 0 for not at all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=pathlib.Path, help="put the table into this page")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for number, module in enumerate((heads, outputs)):
            here = pathlib.Path(folder) / str(number)
            here.mkdir()
            for case in module.all_cases(here, CALL):
                started = time.monotonic()
                try:
                    got = case.outcome()
                except Exception as error:  # noqa: BLE001 (whatever goes wrong is what happened)
                    got = f"{type(error).__name__}: {error}"
                rows.append((case, got))
                mark = "ok  " if got == case.expected else "FAIL"
                print(f"{mark} {time.monotonic() - started:5.1f} s  {case.group}: {case.name}: {got}", flush=True)
    wrong = [(case, got) for case, got in rows if got != case.expected]
    damaged = mutate(arguments.seconds, arguments.seed) if arguments.seconds else None
    if arguments.write:
        write(arguments.write, rows, damaged)
    for case, got in wrong:
        print(f"{case.group}: {case.name}: expected {case.expected}, got {got}", file=sys.stderr)
    print(f"{len(rows) - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong or damaged is not None and damaged.returncode else 0


def mutate(seconds, seed):
    """Damaged files, through the library itself: thousands in the time that the command takes for one."""
    cargo = ["cargo", "run", "--release", "--quiet", "-p", "veravox", "--example", "mutate", "--", "--seconds", seconds, "--seed", seed]
    done = subprocess.run(list(map(str, cargo)), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    print(done.stdout, end="")
    return done


def write(page, rows, damaged):
    groups = collections.defaultdict(list)
    for case, got in rows:
        groups[case.group].append((case, got))
    lines = [START, "", "| what | cases | as expected |", "|---|---|---|"]
    for group, cases in groups.items():
        good = sum(got == case.expected for case, got in cases)
        lines.append(f"| {group} | {len(cases)} | {good} |")
    if damaged is not None:
        lines += ["", damaged.stdout.strip()]
    for group, cases in groups.items():
        lines += ["", f"### {group.capitalize()}", "", "| case | what happens |", "|---|---|"]
        lines += [f"| {case.name} | {got if got == case.expected else f'**{got}**, expected {case.expected}'} |" for case, got in cases]
    text = page.read_text()
    before, after = text.split(START)[0], text.split(END)[1]
    page.write_text(before + "\n".join(lines) + "\n\n" + END + after)


if __name__ == "__main__":
    raise SystemExit(main())
