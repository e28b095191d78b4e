"""The examples run from the root of the checkout. What they need and is missing skips them aloud, and fails where CI is set."""

import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys

import pytest
import veravox

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="session")
def need():
    """Skips a test, or fails it in CI, where a package or a program is missing."""

    def need(*packages, program=None):
        missing = [name for name in packages if importlib.util.find_spec(name) is None]
        if program is not None and shutil.which(program) is None:
            missing.append(program)
        if missing:
            words = f"not installed: {', '.join(missing)}"
            pytest.fail(words) if os.environ.get("CI") == "true" else pytest.skip(words)

    return need


@pytest.fixture(scope="session")
def run():
    """Runs an example as its reader would."""

    def run(script, *arguments, timeout=180):
        command = [sys.executable, script, *map(str, arguments)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def archive(tmp_path):
    """A small archive: the test calls, one of them in a folder below, and a file that is no audio."""
    folder = tmp_path / "archive"
    (folder / "below").mkdir(parents=True)
    calls = sorted(path for path in (ROOT / "testdata/calls").iterdir() if path.is_file() and path.suffix != ".md")
    for path in calls:
        shutil.copy(path, folder)
    (folder / calls[0].name).rename(folder / "below" / calls[0].name)
    shutil.copy(ROOT / "testdata/bad/text.wav", folder / "broken.wav")
    return folder


@pytest.fixture
def check_scores(archive):
    """Holds rows that an engine made of the archive, and what it told, against plain scans."""

    def check_scores(rows, told):
        found = {(pathlib.PurePath(row["path"]).name, row["leg"]): row for row in rows}
        files = [path for path in archive.rglob("*") if path.is_file()]
        for path in files:
            if path.name == "broken.wav":
                row = found.pop(("broken.wav", None))
                assert row["error_kind"] == "unsupported_audio" and row["error_message"] and row["decision"] is None
                continue
            for leg in veravox.scan(path).legs:
                row = found.pop((path.name, leg.leg))
                assert (row["decision"], row["stage"], row["llr"]) == (leg.decision, leg.stage, leg.llr)
                assert row["reasons"] == " ".join(leg.reasons) and row["error_kind"] is None
        assert not found and told.startswith(f"{len(files)} files, 1 could not be scanned")

    return check_scores
