"""The Python package: what the training recipe relies on."""

import json
import pathlib

import numpy as np
import pytest
import veravox

ROOT = pathlib.Path(__file__).parents[3]
CLIP = ROOT / "testdata" / "formats" / "clip.pcm_s16.wav"


def test_scan_gives_the_report_of_the_schema():
    report = veravox.Detector().scan(CLIP)
    assert report["runtime"].startswith("onnxruntime"), "the wheel's own runtime is used"
    assert [leg["leg"] for leg in report["legs"]] == [0]
    assert report["model"]["sha256"] == veravox.Detector(ROOT / "models" / "phone").manifest()["onnx"]["sha256"]


def test_samples_score_like_the_file_they_came_from():
    import soundfile

    samples, rate = soundfile.read(CLIP, dtype="float32")
    detector = veravox.Detector()
    assert detector.detect(samples, rate)["legs"] == detector.scan(CLIP)["legs"]
    both = detector.detect(np.stack([samples, np.zeros_like(samples)]), rate)["legs"]
    assert both[0] == detector.scan(CLIP)["legs"][0]
    assert both[1]["decision"] == "inconclusive"


def test_features_of_a_batch_are_those_of_its_windows():
    features = veravox.WindowFeatures(veravox.Detector().manifest()["input"])
    n = veravox.Detector().manifest()["input"]["window_samples"]
    windows = np.random.default_rng(1).normal(0, 0.1, (3, n)).astype(np.float32)
    batch = features.batch(windows)
    assert batch.shape == (3, *features.shape)
    for one, window in zip(batch, windows, strict=True):
        np.testing.assert_array_equal(one, features(window))


def test_errors_name_their_kind():
    with pytest.raises(veravox.VeravoxError, match="does not exist") as caught:
        veravox.Detector().scan("no-such-file.wav")
    assert caught.value.kind == "not_found"
    spec = json.loads(json.dumps(veravox.Detector().manifest()["input"]))
    spec["hop_samples"] = 0
    with pytest.raises(veravox.VeravoxError, match="hop_samples") as caught:
        veravox.WindowFeatures(spec)
    assert caught.value.kind == "invalid_manifest"
    with pytest.raises(veravox.VeravoxError, match="window"):
        veravox.WindowFeatures(veravox.Detector().manifest()["input"])(np.zeros(10, np.float32))
