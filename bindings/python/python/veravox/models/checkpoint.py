"""Reading other people's checkpoints. They are untrusted: no code of theirs runs, and every tensor has its expected name and shape."""

from __future__ import annotations

import importlib
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .refusal import Refused

WRAPPERS = ("state_dict", "model_state_dict", "model")
SHOWN = 4


def read(path: pathlib.Path) -> dict[str, Tensor]:
    """{name: tensor} of a file of safetensors, or of a state dict written by `torch.save`, out of the usual wrappers."""
    if not path.is_file():
        raise Refused(f"{path}: expected a checkpoint file, found {'a folder' if path.is_dir() else 'nothing'}")
    tensors = _safetensors(path) if path.suffix == ".safetensors" else _pickled(path)
    for name, value in tensors.items():
        if value.layout != torch.strided or value.is_quantized or value.is_complex():
            raise Refused(f"{path}: expected plain dense tensors, {name} is {value.dtype}, {value.layout}")
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise Refused(f"{path}: expected finite weights, {name} holds others")
    # Nets trained on several devices have one more level of names.
    if all(name.startswith("module.") for name in tensors):
        tensors = {name[len("module.") :]: value for name, value in tensors.items()}
    return {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}


def _safetensors(path: pathlib.Path) -> dict[str, Tensor]:
    try:
        tensors: dict[str, Tensor] = importlib.import_module("safetensors.torch").load_file(str(path))
    except Exception as e:
        raise Refused(f"{path}: expected a file of safetensors, reading it failed: {_reason(e)}") from e
    if not tensors:
        raise Refused(f"{path}: expected tensors, found none")
    return tensors


def _pickled(path: pathlib.Path) -> dict[str, Tensor]:
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as e:  # damaged and hostile files fail in many ways
        raise Refused(
            f"{path}: expected a PyTorch checkpoint that holds tensors alone; reading it without running code of its own "
            f"failed: {_reason(e)}"
        ) from e
    for name in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            content = content[name]
            break
    if not isinstance(content, dict) or not content:
        raise Refused(f"{path}: expected a state dict of names and tensors, found {type(content).__name__}")
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise Refused(f"{path}: expected names and tensors alone, found {str(name)[:60]!r}: {type(value).__name__}")
    return dict(content)


def _reason(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).split("\n")[0][:200]


def listed(items: Iterable[str]) -> str:
    """The first few, and how many more."""
    items = sorted(items)
    return ", ".join(items[:SHOWN]) + (f" and {len(items) - SHOWN} more" if len(items) > SHOWN else "")


def fill(net: nn.Module, tensors: Mapping[str, Tensor], what: str) -> nn.Module:
    """Loads the tensors into the net. Each must be there under its name with its shape, and no other may be."""
    expected: dict[str, Tensor] = net.state_dict()
    problems = []
    if missing := expected.keys() - tensors.keys():
        problems.append(f"{len(missing)} of {len(expected)} tensors are missing: {listed(missing)}")
    if unknown := tensors.keys() - expected.keys():
        problems.append(f"{len(unknown)} are not part of it: {listed(unknown)}")
    reshaped = [
        f"{name} (expected {list(expected[name].shape)}, came {list(tensors[name].shape)})"
        for name in expected.keys() & tensors.keys()
        if expected[name].shape != tensors[name].shape
    ]
    if reshaped:
        problems.append(f"{len(reshaped)} have another shape: {listed(reshaped)}")
    whole = [
        f"{name} ({tensors[name].dtype})"
        for name in expected.keys() & tensors.keys()
        if expected[name].is_floating_point() and not tensors[name].is_floating_point()
    ]
    if whole:
        problems.append(f"{len(whole)} are no floating-point numbers: {listed(whole)}")
    if problems:
        raise Refused(f"the checkpoint does not hold the weights of {what}: " + "; ".join(problems))
    net.load_state_dict(dict(tensors), strict=True)
    return net.eval()
