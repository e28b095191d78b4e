"""Where a checkpoint comes from: a file, a folder, or `hf:owner/name`, which is downloaded because the user says so."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import json
import pathlib
from typing import Any

from torch import Tensor

from . import checkpoint
from .refusal import Refused

WEIGHTS = (".safetensors", ".bin", ".pth", ".pt", ".ckpt")
# Of several files that hold the same weights, the one that can hold nothing else.
PREFERRED = ("model.safetensors", "pytorch_model.bin")
MAX_CONFIGURATION_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class Source:
    """Weights, and what lies beside them."""

    name: str
    weights: list[pathlib.Path]
    config: dict[str, Any] | None
    preprocessor: dict[str, Any] | None

    def digest(self) -> str:
        """SHA-256 of the weights."""
        digest = hashlib.sha256()
        for path in self.weights:
            with open(path, "rb") as f:
                for block in iter(lambda: f.read(1 << 20), b""):
                    digest.update(block)
        return digest.hexdigest()

    def tensors(self) -> dict[str, Tensor]:
        """All tensors of all files."""
        found: dict[str, Tensor] = {}
        for path in self.weights:
            tensors = checkpoint.read(path)
            if twice := found.keys() & tensors.keys():
                raise Refused(
                    f"{path}: holds tensors that another part of the checkpoint holds too: {checkpoint.listed(twice)}"
                )
            found.update(tensors)
        return found


def find(source: str) -> Source:
    """The checkpoint that a user names."""
    if source.startswith("hf:"):
        return _of_folder(_downloaded(source[len("hf:") :]), source[len("hf:") :].partition("@")[0].rpartition("/")[2])
    path = pathlib.Path(source)
    if path.is_dir():
        return _of_folder(path, path.resolve().name)
    if not path.is_file():
        raise Refused(f"{source}: expected a checkpoint file, its folder, or hf:owner/name, found nothing")
    if path.suffix == ".onnx":
        raise Refused(
            f"{source}: an ONNX graph needs no import: put a manifest.json beside it, as the manifest's page shows"
        )
    return Source(path.stem, [path], None, None)


def _downloaded(name: str) -> pathlib.Path:
    repository, _, revision = name.partition("@")
    if repository.count("/") != 1:
        raise Refused(f"hf:{name}: expected hf:owner/name, or hf:owner/name@revision")
    try:
        hub = importlib.import_module("huggingface_hub")
    except ImportError as e:
        raise Refused("hf: needs the package huggingface_hub: pip install veravox[import]") from e
    patterns = ["*.json", *(f"*{suffix}" for suffix in WEIGHTS)]
    try:
        return pathlib.Path(hub.snapshot_download(repository, revision=revision or None, allow_patterns=patterns))
    except Exception as e:
        raise Refused(
            f"hf:{name}: the download failed: {str(e).strip().splitlines()[0][:200] if str(e).strip() else type(e).__name__}"
        ) from e


def _of_folder(folder: pathlib.Path, name: str) -> Source:
    config = _json(folder / "config.json")
    preprocessor = _json(folder / "preprocessor_config.json")
    return Source(name, _weights(folder), config, preprocessor)


def _weights(folder: pathlib.Path) -> list[pathlib.Path]:
    index = _json(folder / "model.safetensors.index.json")
    if index is not None:
        parts = index.get("weight_map")
        names = list(parts.values()) if isinstance(parts, dict) else []
        wrong = [name for name in names if not isinstance(name, str) or pathlib.PurePath(name).name != name or not name]
        if wrong or not names:
            raise Refused(
                f"{folder}/model.safetensors.index.json: expected a `weight_map` with names of files in the same folder, found "
                f"{(wrong or [parts])[0]!r:.60}"
            )
        return [folder / name for name in sorted(set(names))]
    for name in PREFERRED:
        if (folder / name).is_file():
            return [folder / name]
    found = sorted(path for path in folder.iterdir() if path.suffix in WEIGHTS and path.is_file())
    if len(found) != 1:
        said = ", ".join(path.name for path in found) or "none"
        raise Refused(
            f"{folder}: expected one file with weights ({', '.join(WEIGHTS)}), found {said}; name the file itself"
        )
    return found


def _json(path: pathlib.Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    if path.stat().st_size > MAX_CONFIGURATION_BYTES:
        raise Refused(f"{path}: expected at most {MAX_CONFIGURATION_BYTES} bytes")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as e:
        raise Refused(f"{path}: is not JSON: {e}") from e
    if not isinstance(found, dict):
        raise Refused(f"{path}: expected an object, found {type(found).__name__}")
    return found
