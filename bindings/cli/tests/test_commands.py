"""`veravox doctor`, `veravox model check` and `veravox bench`."""

import importlib.util
import json
import pathlib

import pytest
from conftest import ROOT

MANIFESTS = ROOT / "testdata" / "manifests"


def library_of_onnxruntime():
    capi = pathlib.Path(importlib.util.find_spec("onnxruntime").origin).parent / "capi"
    return next(p for p in sorted(capi.iterdir()) if "onnxruntime." in p.name and "pybind" not in p.name)


def test_doctor_names_model_and_runtime(veravox):
    facts = json.loads(veravox("doctor", "--json").stdout)
    manifests = [json.loads((ROOT / "models" / name / "manifest.json").read_text()) for name in ("phone", "wide")]
    assert facts["runtime"]["name"] == "rten"
    assert [model["sha256"] for model in facts["models"]] == [manifest["onnx"]["sha256"] for manifest in manifests]
    words = veravox("doctor").stdout
    assert "rten" in words and all(f"{manifest['name']} {manifest['version']}" in words for manifest in manifests)
    one = json.loads(veravox("--model", "wide", "doctor", "--json").stdout)
    assert [model["name"] for model in one["models"]] == ["wide"]


def test_doctor_finds_onnx_runtime_where_it_is(veravox):
    library = library_of_onnxruntime()
    named = json.loads(veravox("doctor", "--json", ORT_DYLIB_PATH=str(library)).stdout)
    assert named["runtime"]["name"] == "onnxruntime" and named["runtime"]["library"] == str(library)
    environment = library.parents[5]
    active = json.loads(veravox("doctor", "--json", VIRTUAL_ENV=str(environment)).stdout)
    assert active["runtime"] == named["runtime"]
    forced = json.loads(veravox("--runtime", "builtin", "doctor", "--json", ORT_DYLIB_PATH=str(library)).stdout)
    assert forced["runtime"]["name"] == "rten"


def test_a_runtime_that_was_named_and_is_not_there_is_an_error(veravox):
    done = veravox("doctor", ORT_DYLIB_PATH="/nowhere/libonnxruntime.so")
    assert done.returncode == 2 and "/nowhere/libonnxruntime.so" in done.stderr


@pytest.mark.parametrize("name", ["phone", "wide"])
def test_model_check_passes_the_models_that_ship(veravox, name):
    done = veravox("model", "check", f"models/{name}")
    assert done.returncode == 0, done.stdout
    assert "broken" not in done.stdout and name in done.stdout


@pytest.mark.parametrize("folder", sorted(p.name for p in MANIFESTS.iterdir() if p.is_dir() and p.name.startswith("bad-")))
def test_model_check_names_what_is_broken(veravox, folder):
    done = veravox("model", "check", MANIFESTS / folder)
    assert done.returncode == 1
    assert done.stdout.count("broken") == 1, done.stdout


def test_bench_measures_every_runtime(veravox):
    done = veravox("bench", "--minutes", 1, "--json", ORT_DYLIB_PATH=str(library_of_onnxruntime()))
    assert done.returncode == 0, done.stderr
    built_in, onnx_runtime = json.loads(done.stdout)
    assert built_in["runtime"].startswith("rten") and onnx_runtime["runtime"].startswith("onnxruntime")
    for figures in (built_in, onnx_runtime):
        assert figures["speech_seconds"] > 30 and figures["times_real_time"] > 1
