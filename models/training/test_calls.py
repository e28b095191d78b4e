"""The simulation of live calls: its figures on calls whose truth is plain, and a few real calls from end to end."""
import json
import subprocess
import sys

import numpy as np
import pytest

import calls
from test_recipe import CORPUS, need_corpus

THRESHOLDS = {"prior": 0.5, "synthetic_llr": 1.73, "bonafide_llr": -1.73}


def call(label, llrs, source="page", system="voice", turns=(), turned_at=0.0):
    """One score a second, from the fourth on."""
    speech = [4.0 + n for n in range(len(llrs))]
    decisions = ["synthetic" if x > 1.73 else "bonafide" if x < -1.73 else "inconclusive" for x in llrs]
    return calls.Watched(label, source, system, speech, list(llrs), decisions, list(llrs), list(speech), list(turns), turned_at)


def parted(n=24):
    """People at -2 and machines at 2, but for one of each."""
    def row(label, sign):
        return [call(label, [sign * (-2.0 if k == 0 else 2.0)] * 30, f"page {k % 5}", f"voice {k % 7}", [(4.0, "synthetic" if sign > 0 else "bonafide", "firm")] if k else [])
                for k in range(n)]
    return row("bonafide", -1) + row("spoof", 1)


def test_rows_hold_the_calls_that_last_so_long():
    rows = calls.over_time(parted() + [call("spoof", [2.0] * 3)] * 5, 50)
    by_time = {r["speech_seconds"]: r for r in rows}
    assert by_time[4]["spoof"] == 29 and by_time[30]["spoof"] == 24 and 60 not in by_time
    assert by_time[8]["eer"] == pytest.approx(1 / 24) and by_time[8]["eer_low"] <= by_time[8]["eer"] <= by_time[8]["eer_high"]
    assert by_time[8]["bonafide_called_synthetic"] == pytest.approx(1 / 24)
    assert by_time[8]["spoof_called_synthetic"] == pytest.approx(23 / 24)


def test_the_test_and_the_mean_are_compared_on_the_same_calls_at_the_same_false_alarms():
    rng = np.random.default_rng(1)
    watched = [call(label, rng.normal(mean, 1.5, length)) for label, mean in (("bonafide", -0.7), ("spoof", 0.7)) for length in (8, 40) for _ in range(40)]
    rows = calls.side_by_side(watched, 0.2)
    assert {(r["seconds"], r["bonafide"], r["spoof"]) for r in rows} == {(4, 80, 80), (8, 80, 80), (16, 40, 40), (32, 40, 40)}
    for row in rows:
        n = row["seconds"] - 3
        people = [c.windows[:n] for c in watched if c.label == "bonafide" and len(c.windows) >= n]
        assert np.mean([calls.first_crossing(w, row["sequential"]["threshold"], 0.2) is not None for w in people]) <= row["false_alarms"]
        assert np.mean([np.mean(w) > row["mean"]["threshold"] for w in people]) <= row["false_alarms"]


def test_scores_that_repeat_each_other_are_found_to_be_correlated():
    rng = np.random.default_rng(2)
    def voices(shared):
        out = []
        for label, mean in (("bonafide", -1.0), ("spoof", 1.0)):
            for _ in range(150):
                own = rng.normal(0, np.sqrt(2 * shared))
                # A value for each four seconds, held over the windows that overlap it.
                out.append(call(label, np.repeat(mean + own + rng.normal(0, np.sqrt(2 * (1 - shared)), 10), 4)[:36]))
        return out
    assert calls.correlation_of(voices(1.0))[0] > 0.7
    assert calls.correlation_of(voices(0.0))[0] < 0.4


def test_a_change_is_counted_from_the_new_voice_and_only_once():
    turning = [call("spoof", [-2.0] * 17 + [3.0] * 20, turns=[(5.0, "bonafide", "firm"), (25.0, "synthetic", "changed")], turned_at=20.0),
               call("spoof", [-2.0] * 37, turned_at=20.0),
               call("spoof", [-2.0] * 20, turned_at=20.0),
               call("spoof", [3.0] * 37, turns=[(4.0, "synthetic", "firm")], turned_at=20.0)]
    found = calls.changes(turning, "synthetic", 1.73)
    assert found["calls"] == 2, "one says too little after the turn, one was taken for a machine from the start"
    assert found["within_6_s"] == 0.5 and found["median_delay_seconds"] == 5.0
    assert found["mean_since_start_within_12_s"] == 0.0


def test_a_person_after_a_machine_is_seen_where_the_test_sees_one():
    """The leg stays in doubt then; what counts here is the voice."""
    class Stream:
        def __init__(self):
            said = lambda stage, decision, reasons=(): calls.veravox.Verdict(stage, decision, 0.0, 0.5, 9.0, reasons)
            self.events = [[said("provisional", "synthetic")], [said("firm", "synthetic")], [said("changed", "inconclusive", ("mixed_voices",))], [said("changed", "inconclusive", ("noise",))]]
        def push(self, samples):
            return self.events.pop(0)
        def verdict(self):
            return calls.veravox.Verdict("firm", "synthetic", 0.0, 0.5, 9.0, ())
    detector = type("Detector", (), {"stream": lambda self, rate: Stream()})()
    assert [d for _, d, _ in calls.watch(detector, 8000, np.zeros(4 * 160, np.float32)).turns] == ["synthetic", "bonafide"]


def test_voices_are_speakers_and_systems():
    make = lambda label, source, speaker, system, path: calls.corpus.Clip(path, "dev", label, system, "tts", source, "", "en", 4.0, speaker)
    clips = [make("bonafide", "a", "p1", "human", "1"), make("bonafide", "a", "p1", "human", "2"), make("bonafide", "a", "", "human", "3"),
             make("bonafide", "a", "", "human", "4"), make("spoof", "a", "p1", "s", "5"), make("spoof", "a", "p2", "s", "6")]
    groups = calls.voices(clips, np.random.default_rng(0))
    assert sorted(map(len, groups.values())) == [1, 1, 1, 1, 2], "who is not known is alone"


def test_a_few_real_calls_from_end_to_end(tmp_path):
    need_corpus("the simulation of live calls")
    out = tmp_path / "live"
    command = [sys.executable, calls.HERE / "calls.py", calls.HERE.parent / "phone", "--corpus", CORPUS, "--out", out, "--rounds", "20", "--most", "45"]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    f = json.loads(out.with_suffix(".json").read_text())
    assert f["calls"]["bonafide"] + f["calls"]["spoof"] == 45
    assert "sequential test" in out.with_suffix(".md").read_text()
    assert out.with_suffix(".png").stat().st_size > 10_000
