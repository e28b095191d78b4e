"""Reports as objects, JSON, tables and pictures."""

import dataclasses
import json
import pathlib
import pickle
import re

import numpy as np
import pytest
import veravox
from jsonschema import Draft202012Validator

SCHEMA = json.loads((pathlib.Path(__file__).parents[3] / "core/schemas/report.schema.json").read_text("utf-8"))
CALL = "testdata/calls/01-helpdesk-reset.mulaw.wav"


@pytest.fixture(scope="module")
def report():
    return veravox.scan(CALL)


def json_fields(cls):
    return {f.name for f in dataclasses.fields(cls) if f.compare}


def test_fields_are_those_of_the_schema():
    top, leg = SCHEMA["properties"], SCHEMA["$defs"]["leg"]["properties"]
    assert json_fields(veravox.Report) == set(top) - {"path", "path_bytes", "error"}
    assert json_fields(veravox.Model) == set(top["model"]["properties"])
    assert json_fields(veravox.Thresholds) == set(SCHEMA["$defs"]["thresholds"]["properties"])
    assert json_fields(veravox.Audio) == set(top["audio"]["properties"])
    assert json_fields(veravox.Leg) == set(leg)
    for cls, name in ((veravox.Window, "windows"), (veravox.Segment, "segments")):
        reference = leg[name]["items"]["$ref"].rsplit("/", 1)[1]
        assert json_fields(cls) == set(SCHEMA["$defs"][reference]["properties"])


def test_json_forms_follow_the_schema(report):
    validator = Draft202012Validator(SCHEMA)
    validator.validate({"path": CALL, **report.to_dict()})
    good, bad = veravox.scan_many([CALL, "testdata/bad/text.wav"])
    for result in (good, bad):
        validator.validate(result.to_dict())
        again = veravox.FileResult.from_json(result.to_json())
        assert again.to_dict() == result.to_dict() and "\n" not in result.to_json()
    assert good.report == report and bad.report is None
    assert type(bad.error) is veravox.UnsupportedAudioError


def test_a_report_can_be_pickled_and_compared(report):
    for again in (pickle.loads(pickle.dumps(report)), veravox.Report.from_dict(report.to_dict())):
        assert again == report and again.to_dict() == report.to_dict()
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.legs[0].decision = "bonafide"


def test_fields_of_tomorrow_pass_through(report):
    data = report.to_dict()
    data["weather"], data["legs"][0]["mood"], data["legs"][0]["windows"][0]["tint"] = "fair", None, [{"x": 1}]
    newer = veravox.Report.from_dict(data)
    assert newer == report and newer.to_dict() == data


def test_what_is_no_report_is_said():
    with pytest.raises(veravox.InvalidArgumentError, match="no report of veravox: .*schema_version"):
        veravox.Report.from_json("{}")
    with pytest.raises(veravox.InvalidArgumentError, match="names no path"):
        veravox.FileResult.from_json("{}")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_tables_have_a_row_a_leg_a_window_or_a_segment(report, library):
    pytest.importorskip(library)
    legs = report.to_dataframe(library=library)
    assert type(legs).__module__.startswith(library)
    assert list(legs["decision"]) == [leg.decision for leg in report.legs]
    assert list(legs["n_windows"]) == [len(leg.windows) for leg in report.legs]
    windows = report.to_dataframe("windows", library)
    assert list(windows["llr"]) == [w.llr for leg in report.legs for w in leg.windows]
    assert list(report.to_dataframe("segments", library)["leg"]) == [leg.leg for leg in report.legs for _ in leg.segments]
    silent = veravox.scan(np.zeros(8_000, np.float32), 8_000).to_dataframe("windows", library)
    assert set(silent.columns) == set(windows.columns) and len(silent) == 0
    results = [veravox.FileResult("a.wav", report), veravox.FileResult("b.wav", None, veravox.CorruptAudioError("broken"))]
    both = veravox.to_dataframe(results, library=library)
    assert list(both["lost_seconds"])[0] == 0 and list(both["n_changes"])[0] == 0
    assert list(both["path"]) == ["a.wav", "a.wav", "b.wav"] and list(both["error_kind"])[2] == "corrupt_audio"


def test_tables_say_what_they_need(report, monkeypatch):
    with pytest.raises(veravox.InvalidArgumentError, match="legs, windows or segments"):
        report.to_dataframe("frames")
    monkeypatch.setitem(__import__("sys").modules, "polars", None)
    with pytest.raises(ImportError, match=r"veravox\[dataframe\]"):
        report.to_dataframe(library="polars")


def test_words_for_people(report):
    text = str(report)
    assert text.splitlines()[0] == f"0:19.0, 2 legs, 8 kHz pcm_mulaw, by phone {report.model.version}"
    assert re.search(r"leg 0  synthetic     llr \+\d\.\d  p 0\.\d\d  [ \d]\d\.\d s speech", text)
    first, second = report.legs
    assert first.decision == "synthetic" and repr(report) == f"<Report on 19.0 s: leg 0 synthetic, leg 1 {second.decision}>"
    cut = str(veravox.scan("testdata/calls/14-recorder-stopped.mulaw.wav"))
    assert "note   the file ends early" in cut
    assert "no signal" in str(veravox.scan(np.zeros(8_000, np.float32), 8_000))


def test_the_view_of_a_notebook_stands_alone(report):
    import xml.etree.ElementTree as ET

    page = ET.fromstring(report._repr_html_())
    assert len(page.findall(".//{http://www.w3.org/2000/svg}svg")) == 2
    assert "leg 0: synthetic" in "".join(page.itertext()) and "image" not in report._repr_html_()
    hostile = report.to_dict() | {"warnings": ["<script>alert(1)</script>"]}
    assert "<script>" not in veravox.Report.from_dict(hostile)._repr_html_()
    ET.fromstring(veravox.scan(np.zeros(0, np.float32), 8_000)._repr_html_())


def test_how_far_a_decision_is_founded_is_shown(report):
    data = report.to_dict()
    data["legs"][0] |= {"stage": "provisional", "firm_at_seconds": None}
    data["legs"][1] |= {"stage": "changed", "decision": "synthetic", "reasons": [], "changes": [{"at_seconds": 12.3, "decision": "synthetic"}], "firm_at_seconds": 4.0}
    told = veravox.Report.from_dict(data)
    first, second = str(told).splitlines()[1:]
    assert first.endswith("s speech  provisional") and second.endswith("s speech  synthetic voice from 0:12.3")
    page = told._repr_html_()
    assert " · provisional" in page and " · firm at 0:04.0 · synthetic voice from 0:12.3" in page and page.count("<line") == 1
    assert [axis.get_title(loc="left") for axis in told.plot().axes][1] == "leg 1: synthetic (synthetic voice from 0:12.3)"


def test_a_spectrogram_is_kept_when_asked_for(report):
    assert report.spectrogram is None
    samples, rate = veravox.read_audio(CALL)
    kept = veravox.scan(CALL, spectrogram=True)
    of_array = veravox.scan(samples, rate, spectrogram=True)
    assert kept == report and kept.to_json() == report.to_json()
    assert kept.spectrogram.shape[:2] == (2, 128) and kept.spectrogram.dtype == np.uint8
    np.testing.assert_array_equal(kept.spectrogram, of_array.spectrogram)
    assert kept.spectrogram.nbytes < 200_000
    assert 'href="data:image/png;base64,' in kept._repr_html_()
    # A tone is where its frequency says.
    tone = np.sin(2 * np.pi * 1_000 * np.arange(16_000) / 8_000)
    assert set(veravox.scan(tone, 8_000, spectrogram=True).spectrogram[0].argmax(axis=0)) == {32}


def test_plots_show_each_leg(tmp_path):
    pytest.importorskip("matplotlib")
    figure = veravox.scan(CALL, spectrogram=True).plot()
    titles = [axis.get_title(loc="left") for axis in figure.axes]
    assert [title.split(" (")[0] for title in titles] == [f"leg {leg.leg}: {leg.decision}" for leg in veravox.scan(CALL).legs]
    figure.savefig(tmp_path / "report.png")
    assert (tmp_path / "report.png").stat().st_size > 5_000
