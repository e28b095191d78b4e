"""The averaged weights as model.onnx, and manifest.json beside it."""
import hashlib
import json
import pathlib
import shutil

import numpy as np
import torch

import draws
import model

UNCALIBRATED = {"scale": 1.0, "offset": 0.0}


def averaged_network(config, run, columns):
    state = torch.load(run / "checkpoint.pt", map_location="cpu", weights_only=False)
    net = model.build(config, columns)
    net.load_state_dict(state["average"])
    return net.eval(), state["step"], state["spent"]


def write_manifest(folder, manifest):
    """Under another name first, so that nobody reads half a manifest."""
    part = folder / "manifest.json.part"
    part.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    part.rename(folder / "manifest.json")


def read_manifest(folder):
    return json.loads((pathlib.Path(folder) / "manifest.json").read_text())


def write_onnx(net, frames, columns, path):
    """Operator set 17, batch dynamic; checked against PyTorch before it gets its name."""
    import onnxruntime
    part = path.with_suffix(".part")
    example = torch.randn(2, frames, columns)
    torch.onnx.export(net, (example,), str(part), input_names=["features"], output_names=["logits"], opset_version=17,
                      dynamic_axes={"features": {0: "batch"}, "logits": {0: "batch"}}, dynamo=False)
    session = onnxruntime.InferenceSession(str(part), providers=["CPUExecutionProvider"])
    example = torch.randn(3, frames, columns) * 3
    difference = np.abs(session.run(None, {"features": example.numpy()})[0] - net(example).detach().numpy()).max()
    if difference > 1e-4:
        raise SystemExit(f"the exported graph differs from PyTorch by {difference:.2g}")
    part.rename(path)


def export(config, run, out, log=print):
    out.mkdir(parents=True, exist_ok=True)
    frames, columns = draws.feature_extractors(config)[config["input"]["window_samples"]].shape
    net, step, spent = averaged_network(config, run, columns)
    net = net.to(memory_format=torch.contiguous_format)
    staged = run / "model.onnx"
    write_onnx(net, frames, columns, staged)
    digest = hashlib.sha256(staged.read_bytes()).hexdigest()
    shutil.copyfile(staged, out / "model.onnx.part")
    (out / "model.onnx.part").rename(out / "model.onnx")
    m = config["model"]
    write_manifest(out, {
        "schema_version": 1, "name": m["name"], "version": m["version"], "description": m["description"], "licence": m["licence"],
        "onnx": {"file": "model.onnx", "sha256": digest},
        "input": config["input"],
        "output": {"tensor": "logits", "labels": draws.LABELS},
        "calibration": dict(UNCALIBRATED),
        "decision": {"prior": config["calibration"]["prior"], "synthetic_llr": 1.5, "bonafide_llr": -1.5},
        "figures": [],
    })
    log(f"export: {(out / 'model.onnx').stat().st_size / 1e3:.0f} kB after step {step}, {model.parameters(net)} parameters")
