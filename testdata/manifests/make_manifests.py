#!/usr/bin/env python3
"""Models that are good, and models of which each breaks one rule. Needs numpy and onnx; makes the same bytes each time.

    make_manifests.py        writes the folders beside it, and expected.tsv (folder, error kind, words of the message)
"""

import copy
import hashlib
import json
import pathlib
import shutil

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
N_FRAMES, N_FEATURES, N_SAMPLES = 97, 33, 8_000

MANIFEST = {
    "schema_version": 1,
    "name": "tiny",
    "version": "1.0.0",
    "description": "The mean of the features, weighed: a model for tests, not for calls",
    "licence": "MIT OR Apache-2.0",
    "onnx": {"file": "model.onnx", "sha256": ""},
    "input": {
        "tensor": "features",
        "sample_rate_hz": 8000,
        "window_samples": N_SAMPLES,
        "hop_samples": 4000,
        "min_speech_samples": 2000,
        "level_dbfs": -20.0,
        "features": {
            "kind": "lfcc",
            "n_fft": 256,
            "win_length": 240,
            "hop_length": 80,
            "f_min_hz": 0.0,
            "f_max_hz": 4000.0,
            "n_filters": 20,
            "n_coeffs": 11,
            "deltas": 2,
            "log_floor": 1e-7,
            "normalisation": "none",
        },
    },
    "output": {"tensor": "logits", "labels": ["bonafide", "spoof"]},
    "calibration": {"scale": 1.0, "offset": 0.0},
    "decision": {"prior": 0.5, "synthetic_llr": 1.0, "bonafide_llr": -1.0},
    "figures": [],
}
FIGURE = {
    "set": "none",
    "condition": "none",
    "metric": "eer_percent",
    "value": 50.0,
    "low": 60.0,
    "high": 70.0,
    "n_bonafide": 1,
    "n_spoof": 1,
}


def graph(
    axes=(N_FRAMES, N_FEATURES),
    batch="batch",
    input_name="features",
    second_input=None,
    output_name="logits",
    promised_output=None,
    kind=TensorProto.FLOAT,
    output_kind=TensorProto.FLOAT,
    mean_axis=1,
    operator="MatMul",
    n_labels=2,
    nan=False,
    n_novelties=0,
    novelty_factor=1.0,
):
    """logits = flatten(mean over frames) . weights; for a waveform its mean square over 80 stretches of 100 samples. With
    `n_novelties` a second output, so many times the mean square of what the logits come from."""
    rng = np.random.default_rng(7)
    waveform = len(axes) == 1
    n = 80 if waveform else axes[-1]
    weights = rng.normal(0, 0.3, (n, n_labels)).astype(np.float32)
    if nan:
        weights[0, 0] = np.nan
    constants = [numpy_helper.from_array(weights, "weights")]
    source, nodes = input_name, []
    if kind != TensorProto.FLOAT:
        nodes.append(helper.make_node("Cast", [source], ["cast"], to=TensorProto.FLOAT))
        source = "cast"
    if waveform:
        constants.append(numpy_helper.from_array(np.array([-1, n, axes[0] // n], np.int64), "stretches"))
        nodes += [
            helper.make_node("Mul", [source, source], ["power"]),
            helper.make_node("Reshape", ["power", "stretches"], ["cut"]),
            helper.make_node("ReduceMean", ["cut"], ["mean"], axes=[2], keepdims=0),
        ]
    else:
        nodes.append(helper.make_node("ReduceMean", [source], ["mean"], axes=[mean_axis], keepdims=0))
    product = output_name if output_kind == TensorProto.FLOAT else "product"
    nodes.append(helper.make_node(operator, ["mean", "weights"], [product]))
    if product != output_name:
        nodes.append(helper.make_node("Cast", [product], [output_name], to=output_kind))
    outputs = [helper.make_tensor_value_info(promised_output or output_name, output_kind, [batch, n_labels])]
    if n_novelties:
        constants.append(numpy_helper.from_array(np.full((1, n_novelties), novelty_factor, np.float32), "factor"))
        nodes += [
            helper.make_node("Mul", ["mean", "mean"], ["square"]),
            helper.make_node("ReduceMean", ["square"], ["mean square"], axes=[1], keepdims=1),
            helper.make_node("MatMul", ["mean square", "factor"], ["novelty"]),
        ]
        outputs.append(helper.make_tensor_value_info("novelty", TensorProto.FLOAT, [batch, n_novelties]))
    made = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(n, kind, [batch, *axes]) for n in (input_name, second_input) if n],
        outputs,
        constants,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], producer_name="veravox testdata")
    model.ir_version = 8
    if promised_output is None and operator == "MatMul":
        onnx.checker.check_model(model)
    return model.SerializeToString()


def changed(path, value):
    manifest = copy.deepcopy(MANIFEST)
    *way, last = path.split(".")
    place = manifest
    for step in way:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return manifest


def novel(limit):
    return changed("output.novelty", {"tensor": "novelty", "limit": limit})


def with_duplicate_name():
    text = json.dumps(MANIFEST, indent=2)
    return text.replace('"name"', '"name": "first",\n  "name"', 1) + "\n"


def with_too_many_features():
    manifest = changed("input.window_samples", 960_000)
    manifest["input"]["features"] |= {"n_fft": 64, "win_length": 64, "hop_length": 1}
    return manifest


def without_a_bin():
    manifest = changed("input.features.f_min_hz", 320.0)
    manifest["input"]["features"]["f_max_hz"] = 340.0
    return manifest


GOOD = graph()
FEATURES = "input.features."
# A waveform and 97 frames of 80 filters: 15,760 values.
FILTERBANK = {name: MANIFEST["input"]["features"][name] for name in ("n_fft", "win_length", "hop_length", "f_min_hz", "f_max_hz", "log_floor")}
FILTERBANK |= {"kind": "linear_filterbank", "n_filters": 80, "normalisation": "mean"}
PHASES = {name: FILTERBANK[name] for name in ("n_fft", "win_length", "hop_length", "f_min_hz", "f_max_hz")} | {
    "kind": "phase_coherence", "n_bands": 80, "power_floor": 1e-7}
STATISTICS = {"kind": "statistics", "family": "phases", "of": PHASES}


def several(*parts):
    return changed("input.features", {"kind": "several", "parts": list(parts)})


# folder -> (manifest, onnx bytes or None, error kind, words of the message)
BAD = {
    "bad-json": ("{", GOOD, "invalid_manifest", "not JSON"),
    "bad-utf8": ("{\"name\": \"caf\udce9\"}\n", GOOD, "invalid_manifest", "not UTF-8"),
    "bad-no-manifest": (None, GOOD, "not_found", "cannot read manifest.json"),
    "bad-schema-version": (changed("schema_version", 2), GOOD, "invalid_manifest", "schema_version must be 1"),
    "bad-schema-version-missing": (changed("schema_version", None), GOOD, "invalid_manifest", "schema_version is missing"),
    "bad-unknown-field": (changed("threshold", 0.5), GOOD, "invalid_manifest", "unknown field `threshold`"),
    "bad-unknown-feature-field": (changed(FEATURES + "n_mels", 20), GOOD, "invalid_manifest", "unknown field `n_mels`"),
    "bad-unknown-feature-kind": (changed(FEATURES + "kind", "mfcc"), GOOD, "invalid_manifest", "unknown variant `mfcc`"),
    "bad-missing-field": (changed("input.hop_samples", None), GOOD, "invalid_manifest", "missing field `hop_samples`"),
    "bad-field-type": (changed("input.sample_rate_hz", "8000"), GOOD, "invalid_manifest", "invalid type: string"),
    "bad-duplicate-field": (with_duplicate_name(), GOOD, "invalid_manifest", "duplicate field `name`"),
    "bad-label-name": (changed("output.labels", ["bonafide", "fake"]), GOOD, "invalid_manifest", "unknown variant `fake`"),
    "bad-onnx-outside-folder": (changed("onnx.file", "../good-features/model.onnx"), GOOD, "invalid_manifest", "onnx.file"),
    "bad-sha256-form": (changed("onnx.sha256", "ABC"), GOOD, "invalid_manifest", "onnx.sha256"),
    "bad-no-onnx": (MANIFEST, None, "not_found", "model.onnx"),
    "bad-hash": (changed("onnx.sha256", "0" * 64), GOOD, "hash_mismatch", "expected SHA-256"),
    "bad-name": (changed("name", "a name/"), GOOD, "invalid_manifest", "name must be"),
    "bad-version": (changed("version", ""), GOOD, "invalid_manifest", "version must be"),
    "bad-sample-rate": (changed("input.sample_rate_hz", 100), GOOD, "invalid_manifest", "input.sample_rate_hz"),
    "bad-window": (changed("input.window_samples", 0), GOOD, "invalid_manifest", "input.window_samples"),
    "bad-window-too-long": (changed("input.window_samples", 960_001), GOOD, "invalid_manifest", "input.window_samples"),
    "bad-hop": (changed("input.hop_samples", 8001), GOOD, "invalid_manifest", "input.hop_samples"),
    "bad-least-rate": (changed("input.least_sample_rate_hz", 16_000), GOOD, "invalid_manifest", "input.least_sample_rate_hz"),
    "bad-min-speech": (changed("input.min_speech_samples", 9000), GOOD, "invalid_manifest", "input.min_speech_samples"),
    "bad-level": (changed("input.level_dbfs", 3.0), GOOD, "invalid_manifest", "input.level_dbfs"),
    "bad-n-fft": (changed(FEATURES + "n_fft", 8), GOOD, "invalid_manifest", "n_fft must be"),
    "bad-n-fft-beyond-window": (changed(FEATURES + "n_fft", 8_192), GOOD, "invalid_manifest", "n_fft must be at most"),
    "bad-win-length": (changed(FEATURES + "win_length", 512), GOOD, "invalid_manifest", "win_length must be"),
    "bad-hop-length": (changed(FEATURES + "hop_length", 0), GOOD, "invalid_manifest", "hop_length must be"),
    "bad-f-min": (changed(FEATURES + "f_min_hz", -1.0), GOOD, "invalid_manifest", "f_min_hz"),
    "bad-f-max": (changed(FEATURES + "f_max_hz", 4001.0), GOOD, "invalid_manifest", "f_max_hz"),
    "bad-band": (without_a_bin(), GOOD, "invalid_manifest", "no FFT bin lies between"),
    "bad-log-floor": (changed(FEATURES + "log_floor", 0.0), GOOD, "invalid_manifest", "log_floor"),
    "bad-n-filters": (changed(FEATURES + "n_filters", 0), GOOD, "invalid_manifest", "n_filters"),
    "bad-n-coeffs": (changed(FEATURES + "n_coeffs", 21), GOOD, "invalid_manifest", "n_coeffs"),
    "bad-deltas": (changed(FEATURES + "deltas", 3), GOOD, "invalid_manifest", "deltas"),
    "bad-n-bands": (changed("input.features", PHASES | {"n_bands": 0}), GOOD, "invalid_manifest", "n_bands must be 1 to"),
    "bad-power-floor": (changed("input.features", PHASES | {"power_floor": 0.0}), GOOD, "invalid_manifest", "power_floor"),
    "bad-statistics-family": (changed("input.features", STATISTICS | {"family": "words"}), GOOD, "invalid_manifest", "words"),
    "bad-statistics-of": (several(STATISTICS | {"of": {"kind": "waveform"}}), GOOD, "invalid_manifest", "parts[0]: statistics must be of"),
    "bad-statistics-frames": (several(STATISTICS | {"family": "pulses"}), GOOD, "invalid_manifest", "need at least 256 frames"),
    "bad-statistics-shape": (changed("input.features", STATISTICS), GOOD, "invalid_model", "[batch, 1440]"),
    "bad-several-none": (several(), GOOD, "invalid_manifest", "several must have 1 to 8 parts, has 0"),
    "bad-several-nested": (several({"kind": "several", "parts": []}), GOOD, "invalid_manifest", "must not be several again"),
    "bad-several-part": (several(FILTERBANK, FILTERBANK | {"n_fft": 8}), GOOD, "invalid_manifest", "parts[1]: n_fft must be"),
    "bad-several-shape": (several(FILTERBANK), GOOD, "invalid_model", "[batch, 7760]"),
    "bad-feature-count": (with_too_many_features(), GOOD, "invalid_manifest", "a window must have at most"),
    "bad-labels": (changed("output.labels", ["spoof", "spoof"]), GOOD, "invalid_manifest", "output.labels"),
    "bad-calibration-scale": (changed("calibration.scale", -1.0), GOOD, "invalid_manifest", "calibration"),
    "bad-prior": (changed("decision.prior", 1.0), GOOD, "invalid_manifest", "decision.prior"),
    "bad-thresholds": (changed("decision.bonafide_llr", 2.0), GOOD, "invalid_manifest", "bonafide_llr must be below"),
    "bad-figure": (changed("figures", [FIGURE]), GOOD, "invalid_manifest", "figures"),
    "bad-graph": (MANIFEST, GOOD[: len(GOOD) // 2], "invalid_model", "cannot load the ONNX graph"),
    "bad-graph-text": (MANIFEST, b"These are no weights.\n", "invalid_model", "cannot load the ONNX graph"),
    "bad-graph-operator": (MANIFEST, graph(operator="MatMull"), "invalid_model", "cannot load the ONNX graph"),
    # One runtime sees it when it loads the graph, the other when it runs it.
    "bad-graph-axis": (MANIFEST, graph(mean_axis=7), "invalid_model", "cannot load the ONNX graph | on silence the model failed"),
    "bad-graph-output": (MANIFEST, graph(promised_output="gone"), "invalid_model", "cannot load the ONNX graph"),
    "bad-input-name": (MANIFEST, graph(input_name="x"), "invalid_model", "one graph input named features, found x"),
    "bad-input-count": (MANIFEST, graph(second_input="more"), "invalid_model", "found features, more"),
    "bad-input-type": (MANIFEST, graph(kind=TensorProto.DOUBLE), "invalid_model", "32-bit floats"),
    "bad-input-shape": (MANIFEST, graph(axes=(N_FRAMES, 20)), "invalid_model", "[batch, 97, 33]"),
    "bad-input-rank": (MANIFEST, graph(axes=(N_SAMPLES,)), "invalid_model", "[batch, 97, 33]"),
    "bad-batch": (MANIFEST, graph(batch=4), "invalid_model", "it has [4, 97, 33]"),
    "bad-output-name": (MANIFEST, graph(output_name="y"), "invalid_model", "graph output named logits, found y"),
    "bad-output-type": (MANIFEST, graph(output_kind=TensorProto.INT64), "invalid_model", "graph output logits to be a tensor"),
    "bad-output-shape": (MANIFEST, graph(n_labels=3), "invalid_model", "[batch, 2]"),
    "bad-novelty-limit": (novel("1"), graph(n_novelties=1), "invalid_manifest", "invalid type: string"),
    "bad-novelty-name": (novel(1.0), GOOD, "invalid_model", "graph output named novelty, found logits"),
    "bad-novelty-shape": (novel(1.0), graph(n_novelties=2), "invalid_model", "graph output novelty to have the shape [batch, 1]"),
    "bad-nan-novelty": (novel(1.0), graph(n_novelties=1, novelty_factor=np.nan), "invalid_model", "one novelty that is a number"),
    "bad-nan-logits": (MANIFEST, graph(nan=True), "invalid_model", "two finite logits"),
}
WAVEFORM = changed("input.features", {"kind": "waveform"})
WAVEFORM["input"]["tensor"] = "waveform"
MODELS = {
    "good-features": (MANIFEST, GOOD, "", ""),
    # Its limit lies under every novelty: all audio is unlike anything in training.
    "good-novelty": (novel(-1.0), graph(n_novelties=1), "", ""),
    "good-statistics": (changed("input.features", STATISTICS), graph(axes=(1440,)), "", ""),
    "good-several": (several({"kind": "waveform"}, FILTERBANK), graph(axes=(N_SAMPLES + 80 * N_FRAMES,)), "", ""),
    "good-waveform": (WAVEFORM, graph(axes=(N_SAMPLES,), input_name="waveform"), "", ""),
} | BAD


def write(folder, manifest, model):
    folder.mkdir()
    if isinstance(manifest, dict):
        manifest = copy.deepcopy(manifest)
        if model is not None and manifest["onnx"]["sha256"] == "":
            manifest["onnx"]["sha256"] = hashlib.sha256(model).hexdigest()
        elif manifest["onnx"]["sha256"] == "":
            manifest["onnx"]["sha256"] = "0" * 64
        manifest = json.dumps(manifest, indent=2) + "\n"
    if manifest is not None:
        (folder / "manifest.json").write_bytes(manifest.encode("utf-8", "surrogateescape"))
    if model is not None:
        (folder / "model.onnx").write_bytes(model)


def main():
    for old in [p for p in HERE.iterdir() if p.is_dir()]:
        shutil.rmtree(old)
    rows = ["folder\terror_kind\twords"]
    for name, (manifest, model, kind, words) in MODELS.items():
        write(HERE / name, manifest, model)
        rows.append(f"{name}\t{kind}\t{words}")
    (HERE / "expected.tsv").write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
