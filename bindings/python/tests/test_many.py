"""`scan_many`: many files, some of them bad, some of it interrupted."""

import itertools
import logging
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest
import veravox

ROOT = pathlib.Path(__file__).parents[3]
CALLS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "testdata" / "calls").glob("*.wav"))
BAD = "testdata/bad/text.wav"


def test_results_come_in_order_and_bad_files_do_not_stop_them(caplog):
    paths = [CALLS[0], BAD, pathlib.Path(CALLS[1]), "no-such-file.wav"]
    with caplog.at_level(logging.WARNING, "veravox"):
        results = list(veravox.scan_many(paths, workers=3))
    assert [r.path for r in results] == [str(p) for p in paths]
    assert results[0].report == veravox.scan(CALLS[0]) and results[2].report == veravox.scan(CALLS[1])
    assert [r.error and r.error.kind for r in results] == [None, "unsupported_audio", None, "not_found"]
    assert [(r.levelname, r.name) for r in caplog.records] == [("WARNING", "veravox")] * 2
    assert "text.wav: unsupported_audio: " in caplog.text


def test_paths_may_be_endless_and_results_are_not_waited_for():
    taken = []

    def endless():
        for path in itertools.cycle(CALLS):
            taken.append(path)
            yield path

    results = veravox.scan_many(endless(), workers=2, progress=True)
    assert [next(results).path for _ in range(3)] == CALLS[:3]
    results.close()
    assert len(taken) <= 3 + 2 * 32


def test_a_slow_source_of_paths_holds_no_result_back():
    def slow():
        yield BAD
        time.sleep(0.5)
        yield BAD
        raise AssertionError("the result of the first was not handed on")

    assert next(veravox.scan_many(slow())).error.kind == "unsupported_audio"


def test_what_cannot_be_is_said_at_once():
    with pytest.raises(veravox.InvalidArgumentError, match="put it in a list"):
        veravox.scan_many(CALLS[0])
    with pytest.raises(veravox.InvalidArgumentError, match="workers to be above 0"):
        veravox.scan_many(CALLS, workers=0)
    with pytest.raises(veravox.InvalidArgumentError, match="needs its sample_rate"):
        veravox.scan_many(CALLS, encoding="mulaw")


def test_headerless_files():
    (result,) = veravox.scan_many(["testdata/formats/clip.8000hz.alaw.raw"], sample_rate=8_000, encoding="alaw")
    assert result.report.audio.codec == "pcm_alaw"


def test_an_interrupted_archive_goes_on(tmp_path):
    output = tmp_path / "out.jsonl"
    first = veravox.scan_many(CALLS[:3] + [BAD], resume=output)
    done = [next(first), next(first)]
    first.close()
    with output.open("a") as lines:
        lines.write('{"path": "cut off in the mid')
    rest = list(veravox.scan_many(CALLS[:3] + [BAD], resume=output))
    assert [r.path for r in done + rest] == CALLS[:3] + [BAD]
    assert [r.path for r in veravox.read_results(output)] == CALLS[:3] + [BAD]
    assert [r.path for r in veravox.scan_many(CALLS[:3] + [BAD], resume=output)] == [BAD], "what failed is tried again"
    assert [r.path for r in veravox.read_results(output)] == CALLS[:3] + [BAD]
    with pytest.raises(veravox.InvalidArgumentError, match="another model or other thresholds"):
        veravox.Detector(prior=0.01).scan_many(CALLS, resume=output)


def test_nobody_else_writes_to_the_results_meanwhile(tmp_path):
    output = tmp_path / "out.jsonl"
    results = veravox.scan_many(CALLS[:2], resume=output)
    next(results)
    for taken in (lambda: veravox.scan_many(CALLS[:2], resume=output), lambda: _scan_on(output)):
        with pytest.raises(veravox.InvalidArgumentError, match="another veravox writes to"):
            taken()
    assert len(list(results)) == 1
    assert list(veravox.scan_many(CALLS[:2], resume=output)) == []
    _scan_on(output)


def _scan_on(output):
    """What the command says, which goes by the same lock."""
    command = [sys.executable, "-m", "veravox", "scan", "--jsonl", "--resume", "-o", output, *CALLS[:2]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise veravox.InvalidArgumentError(done.stderr)


def test_names_that_are_no_text_are_resumed_too(tmp_path):
    odd = os.fsencode(tmp_path) + b"/caf\xe9.wav"
    try:
        with open(odd, "wb") as copy:
            copy.write(pathlib.Path(CALLS[0]).read_bytes())
    except OSError:
        pytest.skip("this file system wants names to be text")
    for n_expected in (1, 0):
        results = list(veravox.scan_many([os.fsdecode(odd)], resume=tmp_path / "out.jsonl"))
        assert len(results) == n_expected and all(r.report for r in results)


@pytest.mark.parametrize("tqdm", [True, False])
def test_progress_tells_rate_and_time_left(capfd, monkeypatch, tqdm):
    if tqdm:
        pytest.importorskip("tqdm")
    else:
        monkeypatch.setitem(sys.modules, "tqdm", None)
    list(veravox.scan_many(CALLS[:3], progress=True))
    out, err = capfd.readouterr()
    assert out == "" and re.search(r"3/3", err)
    if not tqdm:
        assert re.search(r"3/3 files, [\d.]+ a second, 0:00 left +\n$", err)
    list(veravox.scan_many(CALLS[:3]))
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise")
@pytest.mark.parametrize("what", ["scan", "scan_many", "its loop"])
def test_ctrl_c_ends_a_long_call(what):
    setup = f"import time, numpy as np, veravox; path = {CALLS[0]!r}; voice = veravox.read_audio(path)[0]; "
    calls = {
        "scan": "veravox.scan(np.tile(voice, 500), 8_000)",
        "scan_many": "list(veravox.scan_many([path] * 100_000))",
        "its loop": "[time.sleep(60) for _ in veravox.scan_many([path] * 100_000)]",
    }
    program = [sys.executable, "-c", f"{setup} print('go', flush=True); {calls[what]}"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "go\n"
        time.sleep(0.7)
        process.send_signal(signal.SIGINT)
        sent = time.monotonic()
        _, err = process.communicate(timeout=30)
        assert err.rstrip().endswith("KeyboardInterrupt"), err
        assert time.monotonic() - sent < 3
