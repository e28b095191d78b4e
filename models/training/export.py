"""The trained networks as model.onnx, and manifest.json beside it."""
import hashlib
import json

import numpy as np
import onnx

import experts
import material
import product
import train
from manifest import UNCALIBRATED, write_manifest

LEAST_ALIKE = 0.998
NOVELTY_WINDOWS = 8000   # of training, as they are drawn; half of them fit the measure, the others its limit


def expected(groups, from_first, rows):
    """The score of standardised rows, as PyTorch computes it: that of the expert, or those of the experts mixed by the head."""
    scores = np.stack([train.scores(group, rows) for group in (groups[:-1] if len(groups) > 1 else groups)], 1)
    if len(groups) == 1:
        return scores[:, 0]
    scores = np.stack([share * scores[:, 0] + (1 - share) * own for share, own in zip(from_first, scores.T)], 1)
    heard = product.SHARPNESS * np.mean([train.outputs(net, rows) for net in groups[-1]], axis=0)
    shares = np.exp(heard - heard.max(1, keepdims=True))
    return (scores * shares / shares.sum(1, keepdims=True)).sum(1)


def likeness(path, groups, from_first, scale, rows, tensor):
    """The correlation of the graph's scores with those of the networks, of bare rows; the waist of the first layer is all that parts them."""
    import onnxruntime
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    logits, = session.run(["logits"], {tensor: rows})
    return float(np.corrcoef(logits[:, 1] - logits[:, 0], expected(groups, from_first, scale(rows)))[0, 1])


def export(config, data, run, out, log=print):
    out.mkdir(parents=True, exist_ok=True)
    groups, about = experts.trained(config, data.rows.shape[1], run)
    chosen = np.random.default_rng(3).choice(len(data.rows), NOVELTY_WINDOWS, p=data.of_head())
    rows = data.rows[chosen]
    from_first = experts.from_first(config)
    first, second, outs = product.layers(groups, from_first)
    waist = product.Waist(first, second, rows[::2], config["model"]["rank"])
    embeddings = product.embeddings(waist, second, rows)
    novelty = product.Novelty(embeddings[::2])
    made = product.build(data.scale, waist, second, outs, novelty, config["input"]["tensor"])
    part = out / "model.onnx.part"
    onnx.save(made, str(part))
    # What was clamped is at the limit now, which changes nothing.
    alike = likeness(part, groups, from_first, data.scale, rows[1::2][:1000] * data.scale.deviation + data.scale.mean, config["input"]["tensor"])
    if alike < LEAST_ALIKE:
        raise SystemExit(f"the graph's scores correlate with the networks' by {alike:.4f} alone: model.rank is too low")
    part.rename(out / "model.onnx")
    (run / "members.json").write_text(json.dumps({"networks": about, "parameters": sum(int(np.prod(t.dims)) for t in made.graph.initializer)}, indent=1))
    limit = float(np.quantile(novelty(embeddings[1::2]), 1 - config["calibration"]["novel_share"]))
    m = config["model"]
    write_manifest(out, {
        "schema_version": 1, "name": m["name"], "version": m["version"], "description": m["description"], "licence": m["licence"],
        "onnx": {"file": "model.onnx", "sha256": hashlib.sha256((out / "model.onnx").read_bytes()).hexdigest()},
        "input": config["input"],
        "output": {"tensor": "logits", "labels": material.LABELS, "novelty": {"tensor": "novelty", "limit": round(limit, 4)}},
        "calibration": dict(UNCALIBRATED),
        "decision": {"prior": config["calibration"]["prior"], "synthetic_llr": 1.5, "bonafide_llr": -1.5},
        "figures": [],
    })
    log(f"export: {(out / 'model.onnx').stat().st_size / 1e6:.2f} MB, {len(about)} networks, {len(made.graph.node)} operators; its scores correlate with the networks' by {alike:.5f}")
