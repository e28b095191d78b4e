"""The averaged weights as model.onnx, and manifest.json beside it."""
import hashlib
import json
import pathlib
import shutil

import numpy as np
import torch

import draws
import model
import train

UNCALIBRATED = {"scale": 1.0, "offset": 0.0}
NOVELTY_WINDOWS = 6000   # of the pool; half of them fit the measure, the others its limit


def trained_network(members, run, windows):
    """(the network to export, what is known of the training of its members)."""
    nets, about = [], []
    for name, config in members.items():
        if not (run / name / "checkpoint.pt").exists():
            raise SystemExit(f"the member '{name}' has not been trained: there is no checkpoint in {run / name}")
        net, step, spent = train.averaged(config, run / name)
        if step < config["training"]["steps"]:
            raise SystemExit(f"the member '{name}' is at step {step} of {config['training']['steps']}: let its training end first")
        nets.append(on_all_features(net, config))
        about.append({"member": name, "network": config["model"]["network"], "steps": step, "minutes": round(spent / 60, 1), "parameters": model.parameters(net)})
    return model.Product(nets, windows, [own["model"]["weight"] for own in members.values()]), about


def on_all_features(net, config):
    """The net of one member on the model's input, which may hold features that this member does not see."""
    features, samples = config["input"]["features"], config["input"]["window_samples"]
    if features["kind"] == "several":
        bare = net.backend.backend if isinstance(net.backend, model.OfParts) else net.backend
        net.backend = model.OfParts(bare, dict([train.layout(config, features, samples, config["model"]["parts"])]))
    return net


def sample(config, windows, count):
    """Inputs of so many windows of the pool, in one tensor; every n-th, so that all categories are there."""
    extractor = train.extractor(config, config["input"]["features"], config["input"]["window_samples"])
    chosen = windows.waves[::max(1, len(windows.waves) // count)][:count]
    return torch.cat([model.inputs(extractor.batch(part.astype(np.float32) / 32768)) for part in np.array_split(chosen, max(1, len(chosen) // 256))])


def write_manifest(folder, manifest):
    """Under another name first, so that nobody reads half a manifest."""
    part = folder / "manifest.json.part"
    part.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    part.rename(folder / "manifest.json")


def read_manifest(folder):
    return json.loads((pathlib.Path(folder) / "manifest.json").read_text())


def fold_constants(path):
    """Computes once what does not depend on the input (a third of the graph's nodes): each process that loads the model would do it again."""
    import onnx
    import onnxruntime
    options, folded = onnxruntime.SessionOptions(), path.with_suffix(".folded")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(folded)
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    # It also names every domain of operators that it knows itself; the graph uses the standard's alone, and other readers know no others.
    graph = onnx.load(str(folded))
    foreign = {node.domain for node in graph.graph.node} - {"", "ai.onnx"}
    if foreign:
        raise SystemExit(f"export: the folded graph has operators of {', '.join(sorted(foreign))}")
    kept = [entry for entry in graph.opset_import if entry.domain in ("", "ai.onnx")]
    del graph.opset_import[:]
    graph.opset_import.extend(kept)
    onnx.checker.check_model(graph)
    folded.unlink()
    onnx.save(graph, str(path))


def write_onnx(net, example, path, tensor="features"):
    """Operator set 17, batch dynamic; checked against PyTorch before it gets its name."""
    import onnxruntime
    part = path.with_suffix(".part")
    names = ["logits", "novelty"]
    torch.onnx.export(net, (example[:2],), str(part), input_names=[tensor], output_names=names, opset_version=17,
                      dynamic_axes={name: {0: "batch"} for name in [tensor, *names]}, dynamo=False)
    fold_constants(part)
    session = onnxruntime.InferenceSession(str(part), providers=["CPUExecutionProvider"])
    wanted = net(example[:3])
    for name, found, expected in zip(names, session.run(names, {tensor: example[:3].numpy()}), wanted):
        difference = np.abs(found - expected.detach().numpy()).max()
        if difference > 1e-3:
            raise SystemExit(f"the exported graph's {name} differ from PyTorch's by {difference:.2g}")
    part.rename(path)


def export(config, members, run, windows, out, log=print):
    out.mkdir(parents=True, exist_ok=True)
    inputs = sample(config, windows, NOVELTY_WINDOWS)
    net, about = trained_network(members, run, inputs[::2])
    net = net.to(memory_format=torch.contiguous_format)
    staged = run / "model.onnx"
    write_onnx(net, inputs, staged, config["input"]["tensor"])
    with torch.no_grad():
        novelty = torch.cat([net(part)[1] for part in inputs[1::2].split(64)]).numpy()
    limit = float(np.quantile(novelty, 1 - config["calibration"]["novel_share"]))
    (run / "members.json").write_text(json.dumps(about, indent=1))
    digest = hashlib.sha256(staged.read_bytes()).hexdigest()
    shutil.copyfile(staged, out / "model.onnx.part")
    (out / "model.onnx.part").rename(out / "model.onnx")
    m = config["model"]
    write_manifest(out, {
        "schema_version": 1, "name": m["name"], "version": m["version"], "description": m["description"], "licence": m["licence"],
        "onnx": {"file": "model.onnx", "sha256": digest},
        "input": config["input"],
        "output": {"tensor": "logits", "labels": draws.LABELS, "novelty": {"tensor": "novelty", "limit": round(limit, 4)}},
        "calibration": dict(UNCALIBRATED),
        "decision": {"prior": config["calibration"]["prior"], "synthetic_llr": 1.5, "bonafide_llr": -1.5},
        "figures": [],
    })
    log(f"export: {(out / 'model.onnx').stat().st_size / 1e3:.0f} kB, {model.parameters(net)} parameters, of {', '.join(m['member'] for m in about)}")
