"""`veravox scan` as its users meet it: real files, real exit statuses, real interruptions."""

import csv
import io
import json
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import time

import jsonschema
import pytest
from conftest import COMMAND, ROOT, environment

CALLS = ROOT / "testdata" / "calls"
FORMATS = ROOT / "testdata" / "formats"
BAD = ROOT / "testdata" / "bad"
SCHEMA = json.loads((ROOT / "core" / "schemas" / "report.schema.json").read_text())


def test_the_main_job_scans_every_call(veravox):
    done = veravox("scan", "testdata/calls")
    assert done.returncode == 0, done.stderr
    audio = [p for p in CALLS.rglob("*.*") if p.suffix not in {".md"}]
    for path in audio:
        assert str(path.relative_to(ROOT)) in done.stdout
    assert f"{len(audio)} files" in done.stderr
    assert "\x1b[" not in done.stdout + done.stderr, "colours in a pipe"


def test_json_follows_its_schema_and_keeps_legs_apart(veravox):
    done = veravox("scan", "--json", CALLS, BAD, "no-such-file.wav")
    assert done.returncode == 1
    reports = json.loads(done.stdout)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for report in reports:
        validator.validate(report)
    by_name = {pathlib.Path(r["path"]).name: r for r in reports}
    assert by_name["no-such-file.wav"]["error"]["kind"] == "not_found"
    assert len(by_name["01-helpdesk-reset.mulaw.wav"]["legs"]) == 2
    assert [leg["leg"] for leg in by_name["six-channels.wav"]["legs"]] == list(range(6))
    assert by_name["text.wav"]["error"]["kind"] == "unsupported_audio"
    silent = by_name["silence-1s.wav"]["legs"][0]
    assert silent["decision"] == "inconclusive" and silent["llr"] is None and "no_signal" in silent["reasons"]


def test_forms_agree(veravox):
    by_json = json.loads(veravox("scan", "--json", "--quiet", CALLS).stdout)
    by_lines = [json.loads(line) for line in veravox("scan", "--jsonl", "--quiet", CALLS).stdout.splitlines()]
    assert by_json == by_lines
    rows = list(csv.DictReader(io.StringIO(veravox("scan", "--csv", "--quiet", CALLS).stdout)))
    legs = [(report["path"], leg) for report in by_json for leg in report["legs"]]
    assert len(rows) == len(legs)
    for row, (path, leg) in zip(rows, legs, strict=True):
        assert (row["path"], row["leg"], row["decision"]) == (path, str(leg["leg"]), leg["decision"])
        assert row["llr"] == ("" if leg["llr"] is None else f"{leg['llr']:.6f}")


def test_jobs_change_nothing(veravox):
    one = veravox("scan", "--jsonl", "--jobs", 1, CALLS).stdout
    assert veravox("scan", "--jsonl", "--jobs", 8, CALLS).stdout == one


def test_a_folder_with_a_file_of_each_format_has_a_line_for_each(veravox, tmp_path):
    rows = (FORMATS / "formats.tsv").read_text().splitlines()[1:]
    for row in rows:
        name = row.split("\t")[0]
        if name.startswith("clip.") and not name.endswith((".raw", ".g726")):
            (tmp_path / name).write_bytes((FORMATS / name).read_bytes())
    (tmp_path / "clip.g726").write_bytes((FORMATS / "clip.g726_32.g726").read_bytes())
    lines = [json.loads(line) for line in veravox("scan", "--jsonl", tmp_path).stdout.splitlines()]
    assert len(lines) == len(list(tmp_path.iterdir())) > 40
    for line in lines:
        if line["path"].endswith("clip.g726"):
            assert "--raw g726-32" in line["error"]["message"]
        else:
            assert line["legs"] and line["audio"]["duration_seconds"] > 0.8, line


def test_limits_have_options(veravox):
    stereo = FORMATS / "clip.stereo.wav"
    for option, value, name in (
        ("--max-duration", "1", "max_duration_seconds"),
        ("--max-channels", "1", "max_channels"),
        ("--max-rate", "7999", "max_sample_rate_hz"),
        ("--max-time", "0.000000001", "max_reading_seconds"),
    ):
        done = veravox("scan", "--json", option, value, stereo)
        assert done.returncode == 1 and name in json.loads(done.stdout)[0]["error"]["message"]


def test_raw_audio_scores_like_the_same_audio_in_a_file(veravox):
    raw = json.loads(veravox("scan", "--json", "--raw", "mulaw", FORMATS / "clip.8000hz.mulaw.raw").stdout)
    wav = json.loads(veravox("scan", "--json", FORMATS / "clip.mulaw.wav").stdout)
    assert raw[0]["legs"] == wav[0]["legs"]


def test_thresholds_decide_and_can_fail_the_command(veravox):
    call = CALLS / "03-bank-card.alaw.wav"
    sure = veravox("scan", "--json", "--synthetic-llr", -99, "--bonafide-llr", -100, "--fail-on-synthetic", call)
    assert sure.returncode == 3
    leg = json.loads(sure.stdout)[0]["legs"][0]
    assert leg["decision"] == "synthetic" and leg["segments"]
    never = veravox("scan", "--json", "--synthetic-llr", 100, "--bonafide-llr", 99, "--fail-on-synthetic", call)
    assert never.returncode == 0 and json.loads(never.stdout)[0]["legs"][0]["decision"] == "bonafide"
    crossed = veravox("scan", "--synthetic-llr", 0, "--bonafide-llr", 1, call)
    assert crossed.returncode == 2 and "bonafide_llr must be below synthetic_llr" in crossed.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required"),
        (["--rate", "8000", "x.wav"], "--raw"),
        (["--json", "--csv", "x.wav"], "cannot be used with"),
        (["--model", "nowhere", "x.wav"], "manifest.json"),
        (["core/src"], "no audio files found"),
    ],
)
def test_wrong_use_is_explained(veravox, arguments, words):
    done = veravox("scan", *arguments)
    assert done.returncode == 2 and words in done.stderr


def test_a_bad_file_does_not_stop_the_batch(veravox, tmp_path):
    shutil.copy(FORMATS / "clip.mulaw.wav", tmp_path / "b.wav")
    shutil.copy(BAD / "random.bin", tmp_path / "a.wav")
    (tmp_path / "c.wav").symlink_to(tmp_path / "gone.wav")
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "d.wav")
    done = veravox("scan", "--jsonl", tmp_path)
    assert done.returncode == 1
    kinds = {json.loads(line)["path"].split("/")[-1]: json.loads(line).get("error", {}).get("kind") for line in done.stdout.splitlines()}
    assert kinds["a.wav"] == "unsupported_audio" and kinds["b.wav"] is None
    assert kinds["c.wav"] == "not_found" and kinds["d.wav"] == "invalid_argument"
    assert kinds["loop"] == "invalid_argument" and "link back" in done.stderr


def test_a_file_without_permission_is_named(veravox, tmp_path):
    path = tmp_path / "locked.wav"
    shutil.copy(FORMATS / "clip.mulaw.wav", path)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    report = json.loads(veravox("scan", "--json", path).stdout)[0]
    assert report["error"]["kind"] == "permission_denied"


def test_colours_come_on_terminals_and_respect_no_color():
    def on_terminal(**extra):
        parent, child = pty.openpty()
        process = subprocess.Popen(
            [COMMAND, "scan", FORMATS / "clip.mulaw.wav"], stdout=child, stderr=subprocess.DEVNULL, env=environment(TERM="xterm", **extra)
        )
        os.close(child)
        text = b""
        try:
            while part := os.read(parent, 4096):
                text += part
        except OSError:
            pass  # the other end is closed
        process.wait(timeout=60)
        return text

    assert b"\x1b[" in on_terminal()
    assert b"\x1b[" not in on_terminal(NO_COLOR="1")


def test_an_output_file_appears_whole_or_not_at_all(veravox, tmp_path):
    out = tmp_path / "out.json"
    assert veravox("scan", "--json", "-o", out, FORMATS / "clip.mulaw.wav").returncode == 0
    assert len(json.loads(out.read_text())) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["out.json"]


def test_resume_goes_on_where_it_stopped(veravox, tmp_path):
    out = tmp_path / "out.jsonl"
    assert veravox("scan", "--jsonl", "-o", out, CALLS).returncode == 0
    whole = out.read_text()
    lines = whole.splitlines(keepends=True)
    out.write_text("".join(lines[:4]) + lines[4][: len(lines[4]) // 2])
    again = veravox("scan", "--jsonl", "-o", out, CALLS)
    assert again.returncode == 2 and "--resume" in again.stderr
    done = veravox("scan", "--jsonl", "-o", out, "--resume", CALLS)
    assert done.returncode == 0 and f"4 of {len(lines)} files are already in" in done.stderr
    assert out.read_text() == whole
    other = veravox("scan", "--jsonl", "-o", out, "--resume", "--synthetic-llr", 50, CALLS)
    assert other.returncode == 2 and "other thresholds" in other.stderr


def test_an_interrupted_batch_can_be_resumed(tmp_path, veravox):
    # Long enough that it cannot be done before the signal comes.
    for n in range(40):
        (tmp_path / f"{n:02}.ul").write_bytes((FORMATS / "clip.8000hz.mulaw.raw").read_bytes() * 60)
    out = tmp_path / "out.jsonl"
    arguments = ["scan", "--jsonl", "-o", out, "--raw", "mulaw", tmp_path]
    process = subprocess.Popen([COMMAND, *map(str, arguments)], stderr=subprocess.PIPE, text=True, env=environment())
    while not (out.exists() and out.read_text().count("\n") >= 2):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, words = process.communicate(timeout=60)
    assert process.returncode == 130 and "--resume" in words
    n_done = out.read_text().count("\n")
    assert 2 <= n_done < 40
    done = veravox(*arguments, "--resume", timeout=300)
    assert done.returncode == 0
    paths = [json.loads(line)["path"] for line in out.read_text().splitlines()]
    assert len(paths) == len(set(paths)) == 40


def test_a_closed_pipe_ends_quietly():
    process = subprocess.Popen(
        [COMMAND, "scan", "--jsonl", CALLS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    process.stdout.readline()
    process.stdout.close()
    assert b"panicked" not in process.stderr.read()
    assert process.wait(timeout=60) in (0, 1)
