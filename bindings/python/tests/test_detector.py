"""`scan`: what it takes, what it refuses, and in which words."""

import io
import json
import pathlib
import pickle
import threading

import numpy as np
import pytest
import veravox

ROOT = pathlib.Path(__file__).parents[3]
CALL = pathlib.Path("testdata/calls/01-helpdesk-reset.mulaw.wav")
CLIP = pathlib.Path("testdata/formats/clip.pcm_s16.wav")
RAW = pathlib.Path("testdata/formats/clip.8000hz.mulaw.raw")


@pytest.fixture(scope="module")
def detector():
    return veravox.Detector()


def test_the_runtime_is_that_of_the_installed_wheel(detector):
    assert detector.scan(CLIP).runtime.startswith("onnxruntime")


@pytest.mark.parametrize(
    "source",
    [str, pathlib.Path, pathlib.Path.read_bytes, lambda p: bytearray(p.read_bytes()), lambda p: memoryview(p.read_bytes())]
    + [lambda p: io.BytesIO(p.read_bytes()), lambda p: open(p, "rb")],
    ids=["str", "path", "bytes", "bytearray", "memoryview", "BytesIO", "file"],
)
def test_every_source_gives_the_same_report(detector, source):
    assert detector.scan(source(CALL)) == detector.scan(CALL)


def test_arrays_score_like_the_file_they_came_from(detector):
    samples, rate = veravox.read_audio(CALL)
    of_file = detector.scan(CALL)
    report = detector.scan(samples, rate)
    assert report.legs == of_file.legs
    assert report.audio == veravox.Audio("array", "float32", 8000, 2, of_file.audio.duration_seconds)
    legs_in_columns = np.asfortranarray(samples)
    for same in (legs_in_columns, samples.astype(np.float64), samples.astype(">f4"), np.repeat(samples, 2, axis=1)[:, ::2]):
        assert detector.scan(same, np.int64(rate)).legs == of_file.legs
    assert detector.scan(samples[1], 8000.0).legs[0].windows == of_file.legs[1].windows


def test_whole_numbers_are_divided_by_full_scale(detector):
    samples, rate = veravox.read_audio(CLIP)
    whole = np.round(samples * 32_768).astype(np.int16)
    for same in (whole, whole.astype(">i2"), np.repeat(whole, 2, axis=1)[:, ::2]):
        report = detector.scan(same, rate)
        assert report.legs == detector.scan(CLIP).legs and report.audio.codec == "int16"


def test_what_has_an_array_is_taken_for_one(detector):
    pandas = pytest.importorskip("pandas")
    samples, rate = veravox.read_audio(CLIP)
    assert detector.scan(pandas.Series(samples[0]), rate).legs == detector.scan(CLIP).legs


def test_values_that_are_no_numbers_count_as_silence(detector):
    samples, rate = veravox.read_audio(CLIP)
    assert detector.scan(np.full_like(samples, np.nan), rate).legs[0].reasons[0] == "invalid_samples"
    assert detector.scan(np.zeros(0, np.float32), rate).legs[0].decision == "inconclusive"


@pytest.mark.parametrize(
    "samples,rate,words",
    [
        (np.zeros((8_000, 2), np.float32), 8_000, r"looks like \[n, legs\]: pass samples.T"),
        (np.zeros((1, 2, 8_000)), 8_000, "3 axes"),
        (np.float32(0), 8_000, "0 axes"),
        (np.zeros((0, 8_000)), 8_000, "at least one leg"),
        (np.zeros((17, 8_000)), 8_000, "at most 16 channels"),
        (np.zeros(8_000, np.int32), 8_000, "full scale"),
        (np.zeros(8_000, np.uint8), 8_000, "full scale"),
        (np.zeros(8_000, complex), 8_000, "got complex128"),
        (np.array(["a", "b"]), 8_000, "float in"),
        (np.zeros(8_000), None, "does not say its sample_rate"),
        (np.zeros(8_000), 0, "above 0"),
        (np.zeros(8_000), -8_000, "above 0"),
        (np.zeros(8_000), 8_000.5, "whole number"),
        (np.zeros(8_000), "8000", "whole number"),
        (np.zeros(8_000), 1_000, "sample rate of 4000 to 384000 Hz"),
    ],
)
def test_arrays_that_cannot_be_are_refused(detector, samples, rate, words):
    with pytest.raises(ValueError, match=words) as caught:
        detector.scan(samples, rate)
    assert isinstance(caught.value, veravox.InvalidArgumentError | veravox.LimitExceededError)


@pytest.mark.parametrize(
    "source,options,words",
    [
        ([0.0, 0.1], {}, "got list"),
        (None, {}, "got NoneType"),
        (io.StringIO("RIFF"), {}, "binary mode"),
        (CLIP, {"sample_rate": 8_000}, "says its own sample_rate"),
        (CLIP, {"channels": 1}, "says its own sample_rate"),
        (RAW, {"encoding": "mulaw"}, "needs its sample_rate"),
        (RAW, {"encoding": "g711", "sample_rate": 8_000}, "s16le, f32le, alaw, mulaw"),
        (np.zeros(8_000), {"sample_rate": 8_000, "encoding": "mulaw"}, "sample_rate alone"),
        (RAW, {"encoding": "mulaw", "sample_rate": 8_000, "channels": -1}, "channels to be above 0"),
        (CLIP, {"max_duration_seconds": float("nan")}, "max_duration_seconds above 0"),
        (CLIP, {"limits": {"max_legs": 2}}, "no limit \"max_legs\", but max_duration_seconds"),
        (CLIP, {"limits": {"max_channels": 0}}, "max_channels above 0"),
        ("testdata", {}, "found a folder"),
    ],
)
def test_other_sources_that_cannot_be_are_refused(detector, source, options, words):
    with pytest.raises(veravox.InvalidArgumentError, match=words):
        detector.scan(source, **options)


def test_headerless_audio_is_read_as_it_is_said_to_be(detector):
    for source in (RAW, RAW.read_bytes()):
        report = detector.scan(source, 8_000, encoding="mulaw")
        assert (report.audio.container, report.audio.codec, report.audio.channels) == ("raw", "pcm_mulaw", 1)
    assert detector.scan(RAW, 8_000, encoding="mulaw", channels=2).audio.channels == 2
    with pytest.raises(veravox.VeravoxError):
        detector.scan(RAW, 8_000, encoding="mulaw", channels=0)


def test_headerless_recordings_are_known_by_their_names_or_their_encoding():
    named, rate = veravox.read_audio("testdata/formats/clip.gsm")
    said, _ = veravox.read_audio(pathlib.Path("testdata/formats/clip.gsm").read_bytes(), encoding="gsm")
    assert rate == 8_000 and named.shape == (1, 14_400) and (named == said).all()
    assert veravox.read_audio(pathlib.Path("testdata/formats/clip.g722").read_bytes(), encoding="g722")[1] == 16_000
    assert "by its name" in veravox.scan("testdata/formats/clip.g729").warnings[0]


def test_limits_have_names(detector):
    for name, most in (("max_channels", 1), ("max_sample_rate_hz", 7_999), ("max_reading_seconds", 1e-9)):
        with pytest.raises(veravox.LimitExceededError, match=name):
            detector.scan(CALL, limits={name: most})
    with pytest.raises(veravox.LimitExceededError, match="max_memory_bytes"):
        veravox.read_audio(CALL, limits={"max_memory_bytes": 1_000})


@pytest.mark.parametrize(
    "line", (ROOT / "testdata/bad/expected.tsv").read_text("utf-8").splitlines()[1:], ids=lambda line: line.split("\t")[0]
)
def test_bad_files_raise_the_kind_that_the_core_says(detector, line):
    name, outcome, accepted = line.split("\t")
    try:
        detector.scan(f"testdata/bad/{name}")
    except veravox.VeravoxError as error:
        assert outcome != "report" and error.kind in accepted.split(", "), error
        assert type(error) is not veravox.VeravoxError and str(error)
    else:
        assert outcome != "error"


def test_errors_are_builtin_ones_too(detector):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        detector.scan("no-such-file.wav")
    with pytest.raises(FileNotFoundError, match="phonee is neither the name of a model"):
        veravox.Detector("phonee")
    with pytest.raises(veravox.LimitExceededError, match="max_duration_seconds"):
        detector.scan(CALL, max_duration_seconds=1.5)
    with pytest.raises(veravox.InvalidArgumentError, match="prior"):
        veravox.Detector(prior=2)


def test_there_is_a_class_for_each_kind():
    schema = json.loads(pathlib.Path("core/schemas/report.schema.json").read_text("utf-8"))
    kinds = schema["properties"]["error"]["properties"]["kind"]["enum"]
    assert [veravox.errors.of_kind(kind, "words").kind for kind in kinds] == kinds
    assert {c.kind for c in veravox.VeravoxError.__subclasses__()} == set(kinds)
    from_tomorrow = veravox.errors.of_kind("overheated", "words")
    assert type(from_tomorrow) is veravox.VeravoxError and from_tomorrow.kind == "overheated"
    for error in [veravox.errors.of_kind(kind, "words") for kind in kinds]:
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), again.kind) == (type(error), "words", error.kind)


def test_settings_take_the_place_of_the_models():
    detector = veravox.Detector("phone", prior=0.01, synthetic_llr=9)
    assert detector.thresholds().prior == 0.01
    report = detector.scan(CALL)
    assert report.thresholds == detector.thresholds() and report.legs[0].decision == "inconclusive"
    assert repr(detector) == "Detector('phone', prior=0.01, synthetic_llr=9)"


def test_a_pickled_detector_is_the_same(tmp_path, monkeypatch):
    for detector in (veravox.Detector(), veravox.Detector("models/phone", bonafide_llr=-5)):
        packed = pickle.dumps(detector)
        expected = detector.scan(CLIP)
        with monkeypatch.context() as elsewhere:
            elsewhere.chdir(tmp_path)
            again = pickle.loads(packed)
        assert again.scan(CLIP) == expected


def test_threads_share_a_detector(detector):
    expected, found = detector.scan(CALL), []
    threads = [threading.Thread(target=lambda: found.append(detector.scan(CALL))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 6


def test_read_audio_gives_what_is_scanned():
    samples, rate = veravox.read_audio(CALL)
    assert (samples.dtype, samples.shape[0], rate) == (np.float32, 2, 8_000)
    assert samples.flags.c_contiguous and np.abs(samples).max() <= 1
    with pytest.raises(veravox.UnsupportedAudioError):
        veravox.read_audio("testdata/bad/text.wav")
