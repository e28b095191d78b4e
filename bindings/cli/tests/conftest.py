"""The command under test is the one that a user runs: the release build."""

import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[3]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
COMMAND = TARGET / "release" / ("veravox.exe" if os.name == "nt" else "veravox")


def environment(**extra):
    """Without the variables that change runtime or colours, so that a test is the same everywhere."""
    dropped = {"ORT_DYLIB_PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "NO_COLOR", "CLICOLOR_FORCE", "FORCE_COLOR"}
    return {k: v for k, v in os.environ.items() if k not in dropped} | extra


@pytest.fixture
def veravox():
    def run(*arguments, cwd=ROOT, timeout=120, **extra):
        command = [COMMAND, *map(str, arguments)]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=timeout, env=environment(**extra))

    return run
