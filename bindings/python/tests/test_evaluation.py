"""Evaluation and calibration from Python."""

import json
import pathlib
import pickle

import pytest
import veravox

EVALUATION = pathlib.Path("testdata/evaluation")
CALL = "testdata/calls/12-refund-one-way.alaw.wav"


@pytest.mark.parametrize("case", json.loads((EVALUATION / "official.json").read_text("utf-8")), ids=lambda case: case["key"])
def test_figures_are_the_official_ones(case):
    asv = case.get("asv")
    found = veravox.evaluate(
        EVALUATION / case["key"],
        EVALUATION / case["scores"],
        asv=(asv["false_alarm"], asv["miss"], asv["spoof_accepted"]) if asv else None,
        t_dcf_2019=case.get("legacy", False),
        rounds=20,
    )
    for name, value in case["figures"].items():
        assert found.figures[name].value == pytest.approx(value, abs=1e-9)
    assert found.competent and found.verdict.startswith("The detector tells")
    assert "default-src 'none'" in found.html and "<style" not in found._repr_html_()
    assert list(found.svg) == list(found.png) == ["det", "roc", "histogram", "reliability"]
    assert all(png.startswith(b"\x89PNG") for png in found.png.values()) and found.svg["roc"].startswith("<svg")


def test_scores_may_be_a_mapping_and_groups_are_asked_for():
    key = EVALUATION / "asvspoof5.protocol.tsv"
    lines = (EVALUATION / "asvspoof5.scores.tsv").read_text("utf-8").splitlines()[1:]
    scores = {name: -float(score) for name, score in map(str.split, lines)}
    found = veravox.evaluate(key, scores, by=["attack_label"], rounds=20)
    assert list(found.groups) == ["attack_label"] and len(found.groups["attack_label"]) == 3
    assert found.to_dict()["direction"] == "higher_is_spoof"
    for wrong in (dict(scores=None), dict(scores=scores, audio="testdata/calls"), dict(scores=scores, higher="up")):
        with pytest.raises(veravox.InvalidArgumentError):
            veravox.evaluate(key, **wrong)


def test_audio_is_scored(tmp_path):
    key = tmp_path / "key.csv"
    key.write_text("file,leg,label\n03-bank-card.alaw.wav,0,spoof\n12-refund-one-way.alaw.wav,0,bonafide\n")
    found = veravox.evaluate(key, audio="testdata/calls", results=tmp_path / "kept.jsonl", rounds=20)
    assert repr(found).startswith("<Evaluation of 1 bona fide and 1 synthetic trials")
    assert len((tmp_path / "kept.jsonl").read_text().splitlines()) == 2


def test_a_site_calibration_goes_with_the_detector(tmp_path):
    plain = veravox.Detector("phone")
    call = plain.scan(CALL).to_dict()
    results = tmp_path / "people.jsonl"
    with results.open("w") as out:
        for n in range(200):
            leg = json.loads(json.dumps(call["legs"][1]))
            for window in leg["windows"]:
                window["llr"] = 3 + (n % 50 - 25) / 20
            out.write(json.dumps({**call, "path": f"{n}.wav", "legs": [leg]}) + "\n")
    site = tmp_path / "site.json"
    held = veravox.calibrate(results, site, detector=plain, name="here")
    detector = pickle.loads(pickle.dumps(veravox.Detector("phone", calibration=site)))
    assert detector.thresholds().synthetic_llr == held["models"][0]["synthetic_llr"]
    report = detector.scan(CALL)
    assert report.calibration == veravox.Calibration("here", held["digest"]) and report.legs[1].people_above is not None
    with veravox.Engine(detector=detector) as engine:
        assert engine.open(8_000).finish().reasons
    assert veravox.Detector("phone", calibration=site, target_false_alarm=0.1).thresholds().synthetic_llr < detector.thresholds().synthetic_llr
    with pytest.raises(veravox.InvalidArgumentError, match="made for the model phone"):
        veravox.Detector("wide", calibration=site)
    with pytest.raises(veravox.NotFoundError):
        veravox.Detector("phone", calibration=tmp_path / "none.json")
    with pytest.raises(veravox.InvalidArgumentError, match="site calibration 'here'|site calibration \"here\""):
        detector.scan(CALL)
        with results.open("w") as out:
            out.write(json.dumps({**report.to_dict(), "path": "x.wav"}) + "\n")
        veravox.calibrate(results, site, detector=plain)
