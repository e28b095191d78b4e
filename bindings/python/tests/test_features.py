"""Features on arrays: one code with the models', whatever the shape and type of the samples."""

import json
import pathlib

import numpy as np
import pytest
import veravox
from veravox import features

NOISE = np.random.default_rng(1).normal(0, 0.1, (3, 8_000)).astype(np.float32)
FFT = {"n_fft": 256, "hop_length": 80}
KINDS = {
    features.log_spectrogram: {},
    features.linear_filterbank: {"n_filters": 40},
    features.log_mel: {"n_filters": 40},
    features.lfcc: {"n_filters": 40, "n_coeffs": 20, "deltas": 2},
    features.phase_coherence: {"n_bands": 12},
}
VECTORS = pathlib.Path(__file__).parents[3] / "testdata" / "vectors"


@pytest.mark.parametrize("function", KINDS, ids=lambda f: f.__name__)
def test_shapes_and_types(function):
    parameters = {**FFT, **KINDS[function]}
    batch = function(NOISE, 8_000, **parameters)
    # Coherence is that of a frame with the one before it.
    n_frames = 96 if function is features.phase_coherence else 97
    assert batch.dtype == np.float32 and batch.shape[:2] == (3, n_frames)
    for one, samples in zip(batch, NOISE, strict=True):
        np.testing.assert_array_equal(one, function(samples, 8_000, **parameters))
    for same in (np.asfortranarray(NOISE), NOISE.astype(np.float64), np.repeat(NOISE, 2, axis=1)[:, ::2], NOISE.tolist()):
        np.testing.assert_array_equal(batch, function(same, 8_000.0, **parameters))
    by_numpy = {name: np.int64(value) for name, value in parameters.items()}
    np.testing.assert_array_equal(batch, function(NOISE, np.float32(8_000), **by_numpy))
    whole = np.round(NOISE * 32_768).astype(np.int16)
    np.testing.assert_array_equal(function(whole, 8_000, **parameters), function(whole / 32_768, 8_000, **parameters))


@pytest.mark.parametrize("function", [*KINDS, features.statistics], ids=lambda f: f.__name__)
def test_values_are_those_of_the_reference(function):
    vector = json.loads((VECTORS / f"{function.__name__}.json").read_text("utf-8"))
    for case in vector["cases"]:
        parameters = dict(case["parameters"])
        computed = function(case["input"], parameters.pop("sample_rate_hz"), **parameters)
        np.testing.assert_allclose(computed, case["expected"], **_tolerance(vector), err_msg=case["name"])


def _tolerance(vector):
    return {"atol": vector["tolerance"]["absolute"], "rtol": vector["tolerance"]["relative"]}


def test_the_features_of_a_model_by_its_manifest():
    manifest = veravox.Detector("phone").manifest()["input"]
    window_features = veravox.WindowFeatures({**manifest, "level_dbfs": None})
    windows = np.random.default_rng(2).normal(0, 0.1, (2, manifest["window_samples"])).astype(np.float32)
    assert manifest["features"]["kind"] == "several", "the parts lie one behind the other"
    parts = []
    for part in manifest["features"]["parts"]:
        parameters = dict(part)
        function = getattr(features, parameters.pop("kind"))
        parts.append(function(windows, manifest["sample_rate_hz"], **parameters).reshape(2, 1, -1))
    np.testing.assert_array_equal(window_features.batch(windows), np.concatenate(parts, axis=2))
    np.testing.assert_array_equal(window_features(windows[1]), window_features.batch(windows)[1])


def test_features_of_a_whole_leg_are_those_of_the_windows_that_a_scan_scores():
    detector, spec = veravox.Detector("phone"), veravox.Detector("phone").manifest()["input"]
    path = VECTORS.parent / "calls" / "03-bank-card.alaw.wav"
    samples, rate = veravox.read_audio(path)
    samples = np.ascontiguousarray(samples.reshape(-1))
    found = veravox.WindowFeatures(spec).of_speech(samples, rate)
    assert found.shape[1:] == veravox.WindowFeatures(spec).shape and np.isfinite(found).all()
    assert len(found) == len(detector.scan(samples, rate).legs[0].windows) >= 3
    assert len(veravox.WindowFeatures(spec).of_speech(np.zeros(40_000, np.float32), 16_000)) == 0, "nobody speaks"
    with pytest.raises(veravox.LimitExceededError):
        veravox.WindowFeatures(spec).of_speech(samples, 0)


def test_statistics_are_one_row_and_say_what_they_cannot_be_of():
    of = {"kind": "log_mel", "n_filters": 40, "win_length": 256, "f_min_hz": 0.0, "f_max_hz": 4000.0, "log_floor": 1e-7}
    of |= {"normalisation": "none", **FFT}
    rows = features.statistics(NOISE, 8_000, family="spectrum", of=of)
    assert rows.shape == (3, 1, 1926) and np.isfinite(rows).all()
    np.testing.assert_array_equal(rows[1], features.statistics(NOISE[1], 8_000, family="spectrum", of=of))
    assert np.isfinite(features.statistics(np.zeros(8_000), 8_000, family="spectrum", of=of)).all()
    for family, change, words in (
        ("phases", {}, "phases must be of phase_coherence"),
        ("cycles", {}, "at least 256 frames and 2 columns, of has 97 x 40"),
        ("cycles", {"n_fft": 64, "win_length": 64, "hop_length": 20, "n_filters": 4}, "at least 500 frames a second, of has 400"),
        ("pulses", {}, "at least 256 frames and 2 columns, of has 97 x 40"),
        ("spectrum", {"n_filters": 30}, "22 frames and 31 columns, of has 97 x 30"),
        ("spectrum", {"hop_length": 0}, "^of: hop_length must be"),
        ("words", {}, "words"),
    ):
        with pytest.raises(veravox.InvalidArgumentError, match=words):
            features.statistics(NOISE, 8_000, family=family, of=of | change)
    with pytest.raises(veravox.InvalidArgumentError, match="must be of a spectrogram"):
        features.statistics(NOISE, 8_000, family="lines", of={"kind": "waveform"})


def test_normalisation_and_deltas():
    plain = features.lfcc(NOISE[0], 8_000, **FFT, n_filters=40, n_coeffs=20)
    mean = features.lfcc(NOISE[0], 8_000, **FFT, n_filters=40, n_coeffs=20, normalisation="mean")
    np.testing.assert_allclose(mean, plain - plain.mean(axis=0), atol=1e-4)
    with_deltas = features.lfcc(NOISE[0], 8_000, **FFT, n_filters=40, n_coeffs=20, deltas=1)
    np.testing.assert_array_equal(with_deltas[:, :20], plain)


def test_silence_is_finite():
    assert np.isfinite(features.log_spectrogram(np.zeros(8_000), 8_000, **FFT)).all()


@pytest.mark.parametrize(
    "samples,parameters,words",
    [
        (NOISE, {"n_fft": 8}, "^n_fft must be 16 to"),
        (NOISE, {"hop_length": 0}, "^hop_length must be"),
        (NOISE, {"f_max_hz": 5_000}, "half the sample rate"),
        (NOISE, {"normalisation": "median"}, "median"),
        (NOISE, {"log_floor": 0.0}, "^log_floor must be"),
        (NOISE[:, :100], {}, r"at most the samples \(100\)"),
        (NOISE[None], {}, r"\[n\] or \[batch, n\], got 3 axes"),
        (np.zeros(0), {}, "n_fft must be at most"),
        (np.zeros(8_000, np.int64), {}, "full scale"),
    ],
)
def test_what_cannot_be_is_said(samples, parameters, words):
    with pytest.raises(veravox.InvalidArgumentError, match=words):
        features.log_spectrogram(samples, 8_000, **{**FFT, **parameters})


def test_windows_that_do_not_fit_a_manifest_are_refused():
    spec = veravox.Detector("phone").manifest()["input"]
    with pytest.raises(veravox.InvalidManifestError, match="hop_samples"):
        veravox.WindowFeatures({**spec, "hop_samples": 0})
    with pytest.raises(veravox.InvalidArgumentError, match="window"):
        veravox.WindowFeatures(spec)(np.zeros(10, np.float32))
    with pytest.raises(veravox.InvalidArgumentError, match="input: "):
        veravox.WindowFeatures({})
