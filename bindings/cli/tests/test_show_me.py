"""`veravox eval`, `calibrate`, `explain` and `drift` as their users meet them."""

import csv
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import tempfile

import pytest
from conftest import ROOT

EVALUATION = ROOT / "testdata" / "evaluation"
CALL = "testdata/calls/12-refund-one-way.alaw.wav"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def no_foreign_parts(page):
    """A page loads nothing, runs nothing, and says so to the browser."""
    assert "default-src 'none'" in page and "<script" not in page
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!data:|#)""", page)
    assert not re.search(r"url\((?!#)", page)


def open_in_a_browser(page, picture):
    if CHROMIUM is None:
        assert not os.environ.get("CI"), "CI has a Chromium"
        pytest.skip("no Chromium to open the page in")
    with tempfile.TemporaryDirectory() as profile:
        flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
        more = ["--disable-component-update", "--disable-sync", "--enable-logging=stderr", f"--user-data-dir={profile}"]
        size = ["--window-size=1000,2000", f"--screenshot={picture}", page.as_uri()]
        done = subprocess.run([CHROMIUM, *flags.split(), *more, *size], capture_output=True, text=True, timeout=120)
    assert picture.stat().st_size > 20_000, done.stderr
    assert "Refused to" not in done.stderr and "Content Security Policy" not in done.stderr, done.stderr


def test_eval_gives_the_official_figures_a_page_and_plots(veravox, tmp_path):
    official = next(case for case in json.loads((EVALUATION / "official.json").read_text()) if "2021.la" in case["key"])
    page, plots = tmp_path / "report.html", tmp_path / "plots"
    rates = ",".join(str(official["asv"][name]) for name in ("false_alarm", "miss", "spoof_accepted"))
    files = ["--key", EVALUATION / official["key"], "--scores", EVALUATION / official["scores"]]
    done = veravox("eval", *files, "--asv", rates, "--rounds", 50, "-o", page, "--plots", plots, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for name, value in official["figures"].items():
        assert abs(found["figures"][name]["value"] - value) < 1e-9
    assert found["direction"] == "higher_is_bonafide" and found["competence"]["competent"]
    no_foreign_parts(page.read_text("utf-8"))
    assert sorted(p.name for p in plots.iterdir()) == ["det.svg", "histogram.svg", "reliability.svg", "roc.svg"]
    as_png = veravox("eval", *files, "--rounds", 50, "--by", "attack,attack+codec", "--plots", plots, "--plot-format", "png")
    for picture in plots.glob("*.png"):
        head = picture.read_bytes()[:24]
        assert head[:4] == b"\x89PNG" and struct.unpack(">II", head[16:]) == (920, 680)
    assert len(list(plots.iterdir())) == 8
    words = as_png.stdout
    assert "18.56" in words and "by attack+codec" in words and "Bayes threshold" in words
    open_in_a_browser(page, tmp_path / "page.png")


def test_eval_names_what_does_not_fit(veravox, tmp_path):
    key, scores = EVALUATION / "asvspoof5.key.tsv", EVALUATION / "asvspoof5.scores.tsv"
    reversed_ = veravox("eval", "--key", key, "--scores", scores, "--higher", "synthetic", "--rounds", 50)
    assert reversed_.returncode == 0 and "The scores look reversed" in reversed_.stdout
    assert "No threshold is recommended" in reversed_.stdout
    (tmp_path / "nan.txt").write_text("E_0000000000 1\nE_0000000001 nan\n")
    done = veravox("eval", "--key", key, "--scores", tmp_path / "nan.txt")
    assert done.returncode == 2 and "nan.txt line 2: the score is not a number" in done.stderr
    done = veravox("eval", "--key", key, "--scores", scores, "--by", "weather")
    assert done.returncode == 2 and 'no column "weather"' in done.stderr
    assert veravox("eval", "--key", key).returncode == 2


def test_two_trials_show_nothing(veravox, tmp_path):
    key, scores = tmp_path / "key.csv", tmp_path / "scores.csv"
    key.write_text("file,label\na,bonafide\nb,spoof\n")
    scores.write_text("file,llr\na,-1\nb,1\n")
    done = veravox("eval", "--key", key, "--scores", scores, "--rounds", 50)
    assert "Not shown to be competent: 1 bona fide and 1 synthetic trials are too few" in done.stdout
    assert "No threshold is recommended" in done.stdout


def test_eval_scores_audio_and_goes_on(veravox, tmp_path):
    calls = sorted(p.name for p in (ROOT / "testdata" / "calls").glob("*.wav"))
    key = tmp_path / "key.csv"
    # The labels are invented: half of these machines are called people.
    rows = "".join(f"{name},{leg},{'spoof' if n % 2 else 'bonafide'}\n" for n, name in enumerate(calls) for leg in (0,))
    key.write_text("file,leg,label\n" + rows + "missing.wav,0,spoof\n")
    kept = tmp_path / "results.jsonl"
    arguments = ["eval", "--key", key, "--audio", "testdata/calls", "--keep-results", kept, "--rounds", 50, "--json"]
    done = veravox(*arguments)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["n_bonafide"] + found["n_spoof"] == len(calls) and found["n_problems"]["key_without_score"] == 1
    assert found["are_llrs"] and found["direction"] == "higher_is_spoof"
    assert any(table["by"] == "speech" for table in found["groups"])
    again = veravox(*arguments, "--resume")
    assert again.returncode == 0 and f"{len(calls)} of {len(calls)} files are already" in again.stderr
    assert json.loads(again.stdout)["figures"] == found["figures"]


@pytest.fixture
def batch(veravox, tmp_path):
    """Results as of many calls: those of one, its scores moved."""
    line = json.loads(veravox("--model", "phone", "scan", "--jsonl", "--quiet", CALL).stdout)

    def written(name, middle, n=200):
        file = tmp_path / name
        with file.open("w") as out:
            for k in range(n):
                call = json.loads(json.dumps(line))
                call["path"] = f"{k}.wav"
                call["legs"] = call["legs"][1:]
                moved = middle + ((k * 37) % 101 - 50) / 40
                for window in call["legs"][0]["windows"]:
                    window["llr"] = moved
                call["legs"][0]["llr"] = moved
                out.write(json.dumps(call) + "\n")
        return file

    return written


def test_a_site_calibration_from_bona_fide_calls_is_taken_everywhere(veravox, batch, tmp_path):
    site = tmp_path / "site.json"
    done = veravox("--model", "phone", "calibrate", "--bonafide", "--results", batch("people.jsonl", 3.0), "-o", site, "--name", "here")
    assert done.returncode == 0, done.stderr
    assert "at most 2 %" in done.stdout and "false alarms" in done.stdout
    held = json.loads(site.read_text())
    assert held["name"] == "here" and held["models"][0]["fit"]["before"]["false_alarm"] > 0.3
    with_it = ["--model", "phone", "--calibration", site]
    report = json.loads(veravox(*with_it, "scan", "--json", CALL).stdout)[0]
    assert report["calibration"] == {"name": "here", "digest": held["digest"]}
    assert report["thresholds"]["synthetic_llr"] == held["models"][0]["synthetic_llr"]
    assert 0 < report["legs"][1]["people_above"] <= 1
    words = veravox(*with_it, "scan", CALL)
    assert "of this site's people score as high" in words.stdout and "synthetic from llr" in words.stderr
    events = [json.loads(line) for line in veravox(*with_it, "live", CALL, "--speed", 0, "--json").stdout.splitlines()]
    assert events
    assert veravox("--calibration", site, "loadtest", "--legs", 2, "--seconds", 1, "--json").returncode == 0
    for arguments, message in [
        (["--model", "wide", "--calibration", site, "scan", CALL], "was made for the model phone"),
        ([*with_it, "scan", CALL, "--target-false-alarm", 0.0001], "cannot show"),
        (["scan", CALL, "--target-false-alarm", 0.01], "needs a site calibration"),
    ]:
        done = veravox(*arguments)
        assert done.returncode == 2 and message in done.stderr, done.stderr
    site.write_text(site.read_text().replace("here", "there"))
    done = veravox(*with_it, "scan", CALL)
    assert done.returncode == 2 and "changed after it was made" in done.stderr


def test_costs_move_thresholds(veravox):
    done = veravox("scan", "--json", "--prior", 0.01, "--cost-false-alarm", 5, "--cost-undecided", 0.1, CALL)
    thresholds = json.loads(done.stdout)[0]["thresholds"]
    assert abs(thresholds["synthetic_llr"] - 8.49) < 0.01 and abs(thresholds["bonafide_llr"] - 2.40) < 0.01
    assert "at a prior of 1 %" in done.stderr
    assert veravox("scan", "--cost-undecided", 5, CALL).returncode == 2


def test_explain_is_one_page_that_a_browser_shows(veravox, tmp_path):
    page = tmp_path / "report.html"
    done = veravox("explain", CALL, "-o", page)
    assert done.returncode == 0, done.stderr
    text = page.read_text("utf-8")
    no_foreign_parts(text)
    assert "data:audio/wav" in text and "media-src data:" in text and "Where to listen" in text
    assert text.count("<h2>Leg") == 2
    quiet = tmp_path / "quiet.html"
    veravox("explain", CALL, "-o", quiet, "--no-audio")
    text = quiet.read_text("utf-8")
    assert "data:audio" not in text and "media-src" not in text
    open_in_a_browser(page, tmp_path / "page.png")


def test_explain_in_other_forms(veravox, tmp_path):
    found = json.loads(veravox("explain", CALL, "--format", "json").stdout)
    scanned = json.loads(veravox("scan", "--json", CALL).stdout)[0]
    assert [leg["verdict"] for leg in found["legs"]] == scanned["legs"]
    assert {e["part"] for e in found["legs"][1]["families"]} == {"spectrum", "pulses", "cycles", "lines", "phases"}
    picture = tmp_path / "report.png"
    assert veravox("explain", CALL, "--format", "png", "-o", picture).returncode == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    done = veravox("explain", CALL, "--format", "svg", "--leg", 7)
    assert done.returncode == 2 and "there is no leg 7: the call has 2" in done.stderr
    assert "listen to" in veravox("explain", CALL).stdout
    done = veravox("explain", "testdata/bad/text.wav")
    assert done.returncode == 2 and "testdata/bad/text.wav: " in done.stderr


def test_drift_says_in_one_line_whether_a_recalibration_is_due(veravox, batch):
    before, same, moved = batch("a.jsonl", 0.0), batch("b.jsonl", 0.02), batch("c.jsonl", 1.0)
    assert veravox("drift", before, same).stdout.startswith("No recalibration is due")
    done = veravox("drift", before, moved, "--fail-on-drift")
    assert done.returncode == 3 and done.stdout.startswith("A recalibration is due: calls score higher")
    assert json.loads(veravox("drift", before, moved, "--json").stdout)["due"] is True


def test_tables_of_the_command_can_be_evaluated(veravox, tmp_path):
    scores = tmp_path / "scores.csv"
    scores.write_text(veravox("scan", "--csv", "--quiet", "testdata/calls").stdout)
    rows = list(csv.DictReader(scores.open()))
    key = tmp_path / "key.csv"
    labels = (f"{pathlib.Path(r['path']).name},{r['leg']},{'spoof' if n % 2 else 'bonafide'}\n" for n, r in enumerate(rows))
    key.write_text("file,leg,label\n" + "".join(labels))
    assert veravox("eval", "--key", key, "--scores", scores, "--rounds", 50).returncode == 0
