"""From a published detector's weights to a folder that veravox loads.

Steps: read the checkpoint, export the graph, load it in the library, fit the calibration where audio is named. The folder gets its
name when all of it is there; a run that fails leaves nothing behind.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import importlib.metadata
import json
import os
import pathlib
import shutil
import time
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from .. import __version__
from ..detector import Detector
from ..errors import VeravoxError
from . import architectures, calibration, checkpoint, graph, labels, source
from .nets import hub
from .refusal import Refused

RATE = architectures.RATE
# A telephone call brought to the net's rate is what its authors' benchmarks hold as well; a model's calibration says what its score means there.
LEAST_RATE = 8_000
# A window has to be long enough to tell and short enough for the library.
WINDOW_SECONDS = (0.5, 60.0)
# As the built-in models: a false answer costs 1, none 0.15, at a prior of 0.5.
DECISION = {"prior": 0.5, "synthetic_llr": 1.7346, "bonafide_llr": -1.7346}


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What a user may say beside the source."""

    architecture: str | None = None
    name: str | None = None
    licence: str | None = None
    spoof_label: str | None = None
    window_seconds: float | None = None
    heads: int | None = None
    precision: str = "float32"
    key: pathlib.Path | None = None
    audio: pathlib.Path | None = None
    most_in_one_file: int = graph.MOST_IN_ONE_FILE


@dataclasses.dataclass(frozen=True)
class Read:
    """A checkpoint that was understood: a network over windows, and what the manifest says of it."""

    net: nn.Module
    architecture: str
    description: str
    labels: list[str]
    licence: str | None
    window_samples: int


def bring_in(named: str, out: pathlib.Path, wishes: Wishes = Wishes(), log: Callable[[str], None] = print) -> None:
    """All steps, in a folder beside `out` that gets its name at the end."""
    if wishes.precision not in graph.BOUNDS:
        raise Refused(f"expected a precision of {', '.join(graph.BOUNDS)}, got {wishes.precision}")
    if (wishes.key is None) != (wishes.audio is None):
        raise Refused("a calibration needs both a key (--key) and the folder of its audio (--audio)")
    if out.exists():
        raise Refused(f"{out} is already there; remove it or name another folder")
    found = source.find(named)
    read = understand(found, wishes)
    licence = wishes.licence or read.licence
    if not licence:
        raise Refused(
            f"{read.architecture}: the licence depends on the checkpoint; name it with --licence, as an SPDX expression"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    part.mkdir()
    try:
        _make(found, read, part, out.name, licence, wishes, log)
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    log(f"{out} is ready")


def understand(found: source.Source, wishes: Wishes) -> Read:
    """The network of a checkpoint, with its weights."""
    tensors = found.tensors()
    if found.config is not None and "architectures" in found.config:
        return _of_hub(found, tensors, wishes)
    name = architectures.recognise(tensors, wishes.architecture)
    kind = architectures.ALL[name]
    samples = _window(wishes.window_seconds, kind.window_samples)
    try:
        net = kind.build(tensors, samples, wishes.heads)
        if kind.translate is not None:
            tensors = kind.translate(tensors)
    except (ArithmeticError, LookupError, RuntimeError, ValueError) as e:  # whatever sizes make of PyTorch
        raise Refused(f"no {name} has tensors of these shapes: {str(e).strip()[:200]}") from e
    checkpoint.fill(net, tensors, name)
    if wishes.spoof_label is not None:
        raise Refused(
            "--spoof-label is for classifiers with a config.json; the codes behind this architecture have bona fide as class 1"
        )
    return Read(net, name, kind.description, list(architectures.LABELS), kind.licence, samples)


def _of_hub(found: source.Source, tensors: dict[str, Tensor], wishes: Wishes) -> Read:
    config = found.config or {}
    name = hub.architecture(config)
    order = labels.order(hub.label_names(config), wishes.spoof_label)
    hub.check_preprocessor(found.preprocessor)
    samples = _window(wishes.window_seconds, hub.stated_window(name, config))
    net = hub.build(config)
    checkpoint.fill(net, hub.renamed(tensors, net), name)
    return Read(
        hub.with_features(net, config, found.preprocessor or {}).eval(),
        name,
        f"{name} of the package transformers, from {found.name}, over 16 kHz waveforms",
        order,
        None,
        samples,
    )


def _window(seconds: float | None, stated: int | None) -> int:
    if seconds is None:
        if stated is None:
            raise Refused(
                "how long a window this net was trained on, its files do not say; name it with --window-seconds (most were on 4 to 5)"
            )
        return stated
    lowest, highest = WINDOW_SECONDS
    if not lowest <= seconds <= highest:
        raise Refused(f"expected a window of {lowest} to {highest} seconds, got {seconds}")
    return round(seconds * RATE)


def _make(
    found: source.Source,
    read: Read,
    folder: pathlib.Path,
    name: str,
    licence: str,
    wishes: Wishes,
    log: Callable[[str], None],
) -> None:
    """model.onnx, manifest.json and import.json in `folder`."""
    samples = read.window_samples
    real = None if wishes.audio is None else calibration.real_windows(wishes.audio, samples, RATE)
    worst = graph.write(read.net, samples, folder / "model.onnx", wishes.precision, real, wishes.most_in_one_file)
    size = sum(path.stat().st_size for path in folder.iterdir())
    digest = found.digest()
    manifest = _manifest(read, wishes.name or _fit_name(name), digest, licence, folder)
    _write_json(folder / "manifest.json", manifest)
    log(f"export: {size / 1e6:.1f} MB, {worst:.1g} from PyTorch")
    begun = time.monotonic()
    detector = _load(folder)
    loaded = time.monotonic()
    report = detector.scan(graph.speech_like(1, samples)[0], RATE)
    log(
        f"load: {loaded - begun:.2f} s in {report.runtime}, {time.monotonic() - loaded:.2f} s to scan {samples / RATE:.1f} s"
    )
    if wishes.key is not None and wishes.audio is not None:
        fitted = calibration.fit(detector, wishes.key, wishes.audio, log)
        manifest["calibration"] = {"scale": fitted.scale, "offset": fitted.offset}
        _write_json(folder / "manifest.json", manifest)
        Detector(str(folder))
    else:
        log("calibration: none, since no labelled audio was named; the model gives scores and no verdicts")
    record = {
        "source": found.name,
        "sha256": digest,
        "architecture": read.architecture,
        "precision": wishes.precision,
        "difference_from_pytorch": worst,
        "bound": graph.BOUNDS[wishes.precision],
        "real_windows": 0 if real is None else len(real),
        "made_with": {
            "veravox": __version__,
            **{package: importlib.metadata.version(package) for package in ("torch", "onnx", "onnxruntime")},
        },
    }
    _write_json(folder / "import.json", record)


def _load(folder: pathlib.Path) -> Detector:
    try:
        return Detector(str(folder))
    except VeravoxError as e:
        raise Refused(f"the library does not load the graph: {e}") from e


def _fit_name(name: str) -> str:
    """A name as manifests have it."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_.+") else "-" for c in name)
    return kept[:64] or "imported"


def _manifest(read: Read, name: str, digest: str, licence: str, folder: pathlib.Path) -> dict[str, Any]:
    """The manifest before calibration. The version tells which weights: it ends in the first digits of their SHA-256."""
    onnx: dict[str, Any] = {"file": "model.onnx", "sha256": _sha256(folder / "model.onnx")}
    if (folder / graph.DATA).exists():
        onnx["data"] = {"file": graph.DATA, "sha256": _sha256(folder / graph.DATA)}
    return {
        "schema_version": 1,
        "name": name,
        "version": f"1.0.0+{digest[:12]}",
        "description": read.description,
        "licence": licence,
        "onnx": onnx,
        "input": {
            "tensor": graph.INPUT,
            "sample_rate_hz": RATE,
            "least_sample_rate_hz": LEAST_RATE,
            "window_samples": read.window_samples,
            "hop_samples": min(2 * RATE, read.window_samples),
            "min_speech_samples": min(RATE, read.window_samples),
            "level_dbfs": None,
            "features": {"kind": "waveform"},
        },
        "output": {"tensor": graph.OUTPUT, "labels": read.labels},
        "calibration": {"scale": 1.0, "offset": 0.0, "uncalibrated": True},
        "decision": dict(DECISION),
        "figures": [],
    }


def _sha256(path: pathlib.Path) -> str:
    with open(path, "rb") as f:
        digest = hashlib.sha256()
        for block in iter(lambda: f.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def _write_json(path: pathlib.Path, content: dict[str, Any]) -> None:
    """Under another name first, so that nobody reads half of it."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)
