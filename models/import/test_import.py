"""Fast tests of the door: `pytest models/import`. With VERAVOX_AASIST_WEIGHTS=DIR, a folder with AASIST.pth and AASIST-L.pth, and the
corpus beside the checkout, the published nets are compared with the scores of their authors' code too."""
import dataclasses
import json
import os
import pathlib
import pickle
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import torch

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "training")]

import aasist  # noqa: E402
import architectures  # noqa: E402
import checkpoint  # noqa: E402
import compare  # noqa: E402
import graph  # noqa: E402
import ssl_aasist  # noqa: E402
from manifest import read_manifest  # noqa: E402

CORPUS = ROOT.parent / "shared" / "corpus"
PUBLISHED = json.loads((HERE / "published.json").read_text())
WEIGHTS = {"aasist": "AASIST.pth", "aasist-l": "AASIST-L.pth"}

TINY = aasist.Shape(window_samples=8000, sinc_filters=12, sinc_taps=33, channels=((1, 4), (4, 4), (4, 6), (6, 6)), graph_dims=(6, 4))
TINY_FRONT_END = ssl_aasist.Wav2Vec2Shape(convolutions=((8, 10, 5),) + ((8, 3, 2),) * 4 + ((8, 2, 2),) * 2, width=16, inner=24, heads=2,
                                          layers=2, position_taps=8, position_groups=4)
TINY_SSL = ssl_aasist.Shape(window_samples=8000, front_end=TINY_FRONT_END, projected=12, channels=((1, 4), (4, 6), (6, 6)),
                            attention_channels=8, graph_dims=(6, 4))
TINY_BASE = dataclasses.replace(TINY_SSL, front_end=dataclasses.replace(TINY_FRONT_END, conv_norm="group", conv_bias=False, norm_first=False))


def run_module():
    """`run.py` under a name that the recipe's own run.py does not have."""
    import importlib.util
    spec = importlib.util.spec_from_file_location("import_run", HERE / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


door = run_module()


def randomised(net, seed=0):
    """Random weights and batch statistics: fresh ones (mean 0, variance 1) would hide an error in a norm. Small enough that no pool's
    sigmoid saturates: between equal scores the order of the nodes is open, and with it the answer."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            noise = torch.randn(tensor.shape, generator=generator)
            if name.endswith("running_var"):
                tensor.copy_(1 + 0.2 * noise.abs())
            elif tensor.dim() > 1 and "pos_S" not in name and "master" not in name:
                tensor.copy_(0.8 * noise / tensor[0].numel() ** 0.5)
            elif tensor.is_floating_point():
                tensor.add_(0.2 * noise)
    return net.eval()


def fairseq_form(net):
    """The state dict of a net under the names and in the forms of published checkpoints, pre-training parts included."""
    out = {}
    for name, tensor in net.state_dict().items():
        part = name.removeprefix("ssl_model.")
        if part == name:
            out[name] = tensor
        elif part == "pos_conv.weight":
            out["ssl_model.model.encoder.pos_conv.0.weight_g"] = tensor.pow(2).sum((0, 1), keepdim=True).sqrt()
            out["ssl_model.model.encoder.pos_conv.0.weight_v"] = 2.5 * tensor
        else:
            if part.startswith("convolutions."):
                _, k, kind, last = part.split(".")
                kind = {"conv": "0", "norm": "2.1" if net.ssl_model.convolutions[0].norm_kind == "layer" else "2"}[kind]
                part = f"feature_extractor.conv_layers.{k}.{kind}.{last}"
            for ours, theirs in (("pos_conv.", "encoder.pos_conv.0."), ("layers.", "encoder.layers."), ("encoder_norm.", "encoder.layer_norm.")):
                if part.startswith(ours):
                    part = theirs + part.removeprefix(ours)
            out[f"ssl_model.model.{part}"] = tensor
    out["ssl_model.model.mask_emb"] = torch.zeros(3)
    out["ssl_model.model.quantizer.vars"] = torch.zeros(1, 4, 2)
    out["ssl_model.model.final_proj.weight"] = torch.zeros(2, 2)
    return out


NETS = {"aasist": (aasist.Aasist, TINY, None), "ssl layer norm": (ssl_aasist.SslAasist, TINY_SSL, ssl_aasist.translate),
        "ssl group norm": (ssl_aasist.SslAasist, TINY_BASE, ssl_aasist.translate)}


@pytest.fixture(params=sorted(NETS))
def published(request, tmp_path, monkeypatch):
    """A tiny random net as an architecture called `tiny`, and its checkpoint in the published form."""
    network, shape, translate = NETS[request.param]
    net = randomised(network(shape))
    torch.save(fairseq_form(net) if translate else net.state_dict(), tmp_path / "tiny.pth")
    kind = architectures.Architecture(lambda: network(shape), shape.window_samples, aasist.LABELS, "A tiny net", "MIT", translate)
    monkeypatch.setitem(architectures.ALL, "tiny", kind)
    return net, tmp_path / "tiny.pth", tmp_path / "models" / "tiny"


@pytest.fixture
def tiny_checkpoint(tmp_path, monkeypatch):
    """The same, of AASIST alone: the state dict to spoil, a function that brings the spoilt one in, and the folder it must not make."""
    tensors = randomised(aasist.Aasist(TINY)).state_dict()
    kind = architectures.Architecture(lambda: aasist.Aasist(TINY), TINY.window_samples, aasist.LABELS, "A tiny net", "MIT")
    monkeypatch.setitem(architectures.ALL, "tiny", kind)

    def refusal(content):
        path = tmp_path / "spoilt.pth"
        path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
        with pytest.raises(checkpoint.Refused) as error:
            door.bring_in("tiny", path, tmp_path / "out" / "tiny", calibrated=False, log=lambda text: None)
        assert list((tmp_path / "out").iterdir()) == [], "something was left behind"
        return str(error.value)

    return dict(tensors), refusal


def session(folder):
    import onnxruntime
    return onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])


def command():
    """The command `veravox`, which can run either runtime; skips aloud where it is not built, but not under CI."""
    found = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "veravox"
    if not found.exists():
        assert os.environ.get("CI") != "true", f"CI must build {found.relative_to(ROOT)}"
        pytest.skip("the command veravox is not built: cargo build --release")
    return found


def library_of_onnxruntime():
    import onnxruntime
    return str(sorted((pathlib.Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so*"))[0])


def scanned(folder, path):
    """The bare answer of the library for a file, with ONNX Runtime and with the built-in runtime."""
    plain = {k: v for k, v in os.environ.items() if k not in ("ORT_DYLIB_PATH", "VIRTUAL_ENV", "CONDA_PREFIX")}
    out = {}
    onnx_runtime = {"ORT_DYLIB_PATH": library_of_onnxruntime()}
    for runtime, choice, extra in (("onnxruntime", [], onnx_runtime), ("rten", ["--runtime", "builtin"], {})):
        run = subprocess.run([command(), *choice, "--model", folder, "scan", "--json", path], capture_output=True, text=True, env=plain | extra)
        assert run.stdout, run.stderr
        report = json.loads(run.stdout)[0]
        assert report["runtime"].startswith(runtime)
        out[runtime] = [w["llr"] for w in report["legs"][0]["windows"]]
    return out


def buzz(seconds, pitch_hz=120, rate=16000):
    """Something that counts as speech."""
    t = np.arange(int(seconds * rate)) / rate
    noise = np.random.default_rng(1).standard_normal(len(t))
    return (0.2 * np.sign(np.sin(2 * np.pi * pitch_hz * t)) * np.abs(np.sin(2 * np.pi * 3 * t)) + 0.01 * noise).astype(np.float32)


def test_a_checkpoint_becomes_a_folder_with_the_nets_own_answers(published):
    net, weights, out = published
    door.bring_in("tiny", weights, out, calibrated=False, log=lambda text: None)
    assert sorted(p.name for p in out.iterdir()) == ["manifest.json", "model.onnx"]
    assert [p.name for p in out.parent.iterdir()] == ["tiny"]
    x = graph.speech_like(5, 8000)
    with torch.no_grad():
        wanted = net(torch.from_numpy(x)).numpy()
    found = session(out).run(None, {"waveform": x})[0]
    error = np.abs(found - wanted).max()
    assert error < 1e-5
    assert np.ptp(wanted, axis=0).min() > 20 * error, "the net does not listen to its input, so equality says nothing"


def test_both_runtimes_load_it_and_agree(published, tmp_path):
    net, weights, out = published
    door.bring_in("tiny", weights, out, calibrated=False, log=lambda text: None)
    soundfile.write(tmp_path / "buzz.wav", buzz(2.0), 16000)
    answers = scanned(out, tmp_path / "buzz.wav")
    assert len(answers["rten"]) >= 2
    assert np.abs(np.subtract(answers["rten"], answers["onnxruntime"])).max() < 1e-4


def test_half_the_bytes_give_nearly_the_same_answers(published, tmp_path):
    net, weights, out = published
    door.bring_in("tiny", weights, out, calibrated=False, half=True, log=lambda text: None)
    x = graph.speech_like(3, 8000)
    assert np.abs(session(out).run(None, {"waveform": x})[0] - net(torch.from_numpy(x)).detach().numpy()).max() < 5e-3
    soundfile.write(tmp_path / "buzz.wav", buzz(1.0), 16000)
    answers = scanned(out, tmp_path / "buzz.wav")
    assert np.abs(np.subtract(answers["rten"], answers["onnxruntime"])).max() < 1e-4


def test_manifest_names_weights_labels_and_no_calibration(published):
    net, weights, out = published
    door.bring_in("tiny", weights, out, calibrated=False, log=lambda text: None)
    m = read_manifest(out)
    assert m["output"]["labels"] == ["spoof", "bonafide"] and m["calibration"] == {"scale": 1.0, "offset": 0.0}
    assert m["input"]["features"] == {"kind": "waveform"} and m["input"]["level_dbfs"] is None
    assert m["version"].endswith(door.digest_of(weights)[:12]) and m["onnx"]["sha256"] == door.digest_of(out / "model.onnx")


def test_a_folder_that_is_there_is_left_alone(published):
    _, weights, out = published
    out.mkdir(parents=True)
    (out / "mine").write_text("keep")
    with pytest.raises(checkpoint.Refused, match="already there"):
        door.bring_in("tiny", weights, out, calibrated=False)
    assert [p.name for p in out.iterdir()] == ["mine"]


@pytest.mark.parametrize("name", sorted(WEIGHTS))
def test_published_names_and_shapes_are_ours(name):
    """Without the weights: a layer that is renamed or resized here would refuse the published checkpoint."""
    ours = {k: list(v.shape) for k, v in architectures.ALL[name].build().state_dict().items()}
    assert ours == PUBLISHED[name]["tensors"]


def test_fairseq_names_of_the_full_size_arrive():
    """XLS-R 300M in its published form, as far as its documents tell: 300 million weights under the names of fairseq, no memory used."""
    with torch.device("meta"):
        net = ssl_aasist.SslAasist(ssl_aasist.XLSR_300M)
    front_end = {k: v for k, v in net.state_dict().items() if k.startswith("ssl_model.")}
    assert 310e6 < sum(v.numel() for v in front_end.values()) < 320e6
    assert net.ssl_model.frames == 201 and list(net.pos_S.shape) == [1, 42, 64]
    theirs = fairseq_form(net)
    for name in ("feature_extractor.conv_layers.6.2.1.weight", "post_extract_proj.bias", "layer_norm.weight", "encoder.pos_conv.0.weight_v",
                 "encoder.layers.23.self_attn.out_proj.weight", "encoder.layers.23.final_layer_norm.bias", "encoder.layer_norm.weight"):
        assert f"ssl_model.model.{name}" in theirs
    assert ssl_aasist.translate(theirs).keys() == net.state_dict().keys()


def test_sinc_filters_pass_their_band():
    filters = aasist.sinc_band_passes(70, 129)[:, 0].numpy()
    response = np.abs(np.fft.rfft(filters, 4096))
    peaks = response.argmax(1) / 4096 * 16000
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 71) / 2595) - 1)
    assert all(lo - 80 <= p <= hi + 80 for lo, p, hi in zip(edges, peaks, edges[1:]))


def test_a_missing_tensor_is_named(tiny_checkpoint):
    tensors, refusal = tiny_checkpoint
    del tensors["encoder.0.0.conv1.weight"]
    assert "are missing: encoder.0.0.conv1.weight" in refusal(tensors)


def test_an_unknown_tensor_is_named(tiny_checkpoint):
    tensors, refusal = tiny_checkpoint
    tensors["backdoor.weight"] = torch.zeros(3)
    assert "not part of it: backdoor.weight" in refusal(tensors)


def test_a_wrong_shape_is_told_with_the_right_one(tiny_checkpoint):
    tensors, refusal = tiny_checkpoint
    tensors["out_layer.weight"] = torch.zeros(3, 20)
    assert "out_layer.weight (expected [2, 20], came [3, 20])" in refusal(tensors)


def test_weights_that_are_no_numbers_are_refused(tiny_checkpoint):
    tensors, refusal = tiny_checkpoint
    tensors["out_layer.bias"] = torch.tensor([float("nan"), 0.0])
    assert "out_layer.bias" in refusal(tensors)


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all", b"PK\x03\x04 half an archive", [torch.zeros(2)], {"a": 1}, {}, {3: torch.zeros(1)}],
                         ids=["empty", "text", "archive", "list", "number", "nothing", "unnamed"])
def test_what_is_no_checkpoint_is_refused(tiny_checkpoint, content):
    message = tiny_checkpoint[1](content)
    assert "expected" in message and "spoilt.pth" in message


class Hostile:
    """A pickle that makes a file when it is read."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


@pytest.mark.parametrize("container", ["torch", "pickle"])
def test_code_in_a_checkpoint_does_not_run(tiny_checkpoint, tmp_path, container):
    trap = Hostile(tmp_path / "ran")
    message = tiny_checkpoint[1]({"a": trap} if container == "torch" else pickle.dumps({"a": trap}))
    assert "without running code" in message
    assert not (tmp_path / "ran").exists()


def test_a_half_weight_norm_is_refused(tmp_path):
    tensors = fairseq_form(randomised(ssl_aasist.SslAasist(TINY_SSL)))
    del tensors["ssl_model.model.encoder.pos_conv.0.weight_g"]
    with pytest.raises(checkpoint.Refused, match="weight_g"):
        ssl_aasist.translate(tensors)


def test_a_run_that_fails_late_leaves_nothing(published, monkeypatch):
    """Even after the graph is written: here the library refuses the folder."""
    _, weights, out = published
    monkeypatch.setattr(architectures, "RATE", 3)
    with pytest.raises(Exception, match="sample_rate_hz"):
        door.bring_in("tiny", weights, out, calibrated=False, log=lambda text: None)
    assert list(out.parent.iterdir()) == []


def test_calibration_is_fitted_through_the_library_and_guards_the_labels(published, tmp_path):
    """On a corpus of low and high buzzes. Whichever way a random net tells them apart, one naming of the classes fits it and the other does
    not; the wrong one must be refused. Both weigh the clips alike: systems and pages are the same groups. A quick turn, on half of the clips."""
    _, weights, out = published
    header = "file split label system kind source licence speaker language seconds source_rate_hz source_codec utterance".split()
    outcomes = []
    for spoof_is_low in (True, False):
        folder = tmp_path / f"corpus {spoof_is_low}"
        (folder / "dev").mkdir(parents=True)
        rows = []
        for k in range(24):
            low = k % 2 == 0
            soundfile.write(folder / "dev" / f"{k:05d}.flac", buzz(1.5, 110 + k if low else 310 + 5 * k), 16000)
            label = "spoof" if low == spoof_is_low else "bonafide"
            rows.append([f"dev/{k:05d}.flac", "dev", label, f"group {k % 3}", "tts", f"group {k % 3}", "MIT", "", "en", "1.5", "16000", "wav", ""])
        (folder / "index.tsv").write_text("\n".join("\t".join(r) for r in [header, *rows]) + "\n")
        said = []
        try:
            door.bring_in("tiny", weights, out.with_name(f"tiny{spoof_is_low}"), folder, clips=12, log=said.append)
            outcomes.append(out.with_name(f"tiny{spoof_is_low}"))
        except checkpoint.Refused as e:
            assert "order" in str(e)
        assert "calibrate: 12 clips of dev, phone" in said
    assert len(outcomes) == 1 and list(out.parent.iterdir()) == outcomes
    m = read_manifest(outcomes[0])
    assert m["calibration"]["scale"] > 0 and m["calibration"] != {"scale": 1.0, "offset": 0.0}
    assert m["decision"]["bonafide_llr"] < 0 < m["decision"]["synthetic_llr"]


def test_the_command_says_what_is_wrong(tmp_path):
    (tmp_path / "notes.pth").write_text("not weights")
    run = subprocess.run([sys.executable, HERE / "run.py", "aasist", "--weights", tmp_path / "notes.pth", "--out", tmp_path / "out", "--no-calibration"],
                         capture_output=True, text=True)
    assert run.returncode == 1 and run.stderr.startswith("error: ") and "notes.pth" in run.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", sorted(WEIGHTS))
def test_published_weights_give_the_authors_scores(name, tmp_path):
    folder = os.environ.get("VERAVOX_AASIST_WEIGHTS")
    if not folder or not (CORPUS / "dev_peers.tsv").exists():
        pytest.skip("set VERAVOX_AASIST_WEIGHTS to a folder with AASIST.pth and AASIST-L.pth, and have ../shared/corpus, "
                    "to compare the published nets with the scores of their authors' code")
    weights = pathlib.Path(folder) / WEIGHTS[name]
    assert door.digest_of(weights) == PUBLISHED[name]["sha256"]
    door.bring_in(name, weights, tmp_path / name, calibrated=False, log=lambda text: None)
    found = compare.differences(tmp_path / name, compare.peers(CORPUS, WEIGHTS[name].removesuffix(".pth"), every=105))
    assert {label for _, label in found} == {"bonafide", "spoof"}
    assert max(max(values) for values in found.values()) < 1e-3
