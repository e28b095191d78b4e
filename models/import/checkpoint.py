"""Reading other people's checkpoints. They are untrusted: no code of theirs runs, and every tensor has its expected name and shape."""
import pathlib

import torch

WRAPPERS = ("state_dict", "model_state_dict", "model")
SHOWN = 4


class Refused(Exception):
    """The checkpoint is not what it should be; the message says what was expected and what came."""


def read(path):
    """{name: tensor} of a state dict written by `torch.save`, out of the usual wrappers."""
    path = pathlib.Path(path)
    if not path.is_file():
        raise Refused(f"{path}: expected a checkpoint file, found {'a folder' if path.is_dir() else 'nothing'}")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as e:      # damaged and hostile files fail in many ways
        reason = (str(e).strip() or type(e).__name__).split("\n")[0][:200]
        raise Refused(f"{path}: expected a PyTorch checkpoint that holds tensors alone; reading it without running code of its own "
                      f"failed: {reason}") from e
    for name in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            content = content[name]
            break
    if not isinstance(content, dict) or not content:
        raise Refused(f"{path}: expected a state dict of names and tensors, found {type(content).__name__}")
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise Refused(f"{path}: expected names and tensors alone, found {str(name)[:60]!r}: {type(value).__name__}")
        if value.layout != torch.strided or value.is_quantized or value.is_complex():
            raise Refused(f"{path}: expected plain dense tensors, {name} is {value.dtype}, {value.layout}")
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise Refused(f"{path}: expected finite weights, {name} holds others")
    # Nets trained on several devices have one more level of names.
    if all(name.startswith("module.") for name in content):
        content = {name[len("module."):]: value for name, value in content.items()}
    return dict(content)


def listed(items):
    items = sorted(items)
    return ", ".join(items[:SHOWN]) + (f" and {len(items) - SHOWN} more" if len(items) > SHOWN else "")


def fill(net, tensors, what):
    """Loads the tensors into the net. Each must be there under its name with its shape, and no other may be."""
    expected = net.state_dict()
    problems = []
    if missing := expected.keys() - tensors.keys():
        problems.append(f"{len(missing)} of {len(expected)} tensors are missing: {listed(missing)}")
    if unknown := tensors.keys() - expected.keys():
        problems.append(f"{len(unknown)} are not part of it: {listed(unknown)}")
    reshaped = [f"{name} (expected {list(expected[name].shape)}, came {list(tensors[name].shape)})"
                for name in expected.keys() & tensors.keys() if expected[name].shape != tensors[name].shape]
    if reshaped:
        problems.append(f"{len(reshaped)} have another shape: {listed(reshaped)}")
    if problems:
        raise Refused(f"the checkpoint does not hold the weights of {what}: " + "; ".join(problems))
    net.load_state_dict(tensors, strict=True)
    return net.eval()
