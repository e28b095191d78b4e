"""A case of the drill, and the command that it tries."""

import json
import os
import pathlib
import subprocess
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[1]
COMMAND = pathlib.Path(os.environ.get("VERAVOX") or ROOT / "target" / "release" / "veravox")
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in {"ORT_DYLIB_PATH", "VIRTUAL_ENV", "CONDA_PREFIX"}} | {"NO_COLOR": "1"}


@dataclass(frozen=True)
class Case:
    """Something that people meet. `outcome` tells what happened, in the words of `expected`."""

    group: str
    name: str
    expected: str
    outcome: object


def veravox(*arguments, cwd=None, stdin=None, timeout=120):
    return subprocess.run(
        [COMMAND, *map(str, arguments)], cwd=cwd, input=stdin, capture_output=True, timeout=timeout, env=ENVIRONMENT
    )


def report(path, *arguments):
    """The report on one file."""
    done = veravox("scan", "-q", "--json", *arguments, path)
    return json.loads(done.stdout)[0]


def heard(path, *arguments):
    """What was heard of a file: seconds and whether a note was made, or the error."""
    got = report(path, *arguments)
    if "error" in got:
        return f"{got['error']['kind']}: {got['error']['message'].split(';')[0]}"
    return f"{got['audio']['duration_seconds']:.1f} s, {'a note' if got['warnings'] else 'no note'}"


def heard_live(data):
    """The same of `live`, from a pipe."""
    done = veravox("live", "--json", stdin=data)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    notes = any(line["event"] == "note" for line in lines)
    ended = [line for line in lines if line["event"] == "ended"]
    if not ended:
        return done.stderr.decode().strip()
    return f"{ended[0]['at_seconds']:.1f} s, {'a note' if notes else 'no note'}"
