"""A network over waveforms as model.onnx: operator set 17, the batch dynamic, the window fixed, checked against PyTorch before it gets
its name."""

from __future__ import annotations

import importlib
import pathlib
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from .refusal import Refused

INPUT, OUTPUT = "waveform", "logits"
# Largest difference of a logit between the graph and PyTorch, relative where logits are larger than 1, by the precision of the weights.
BOUNDS = {"float32": 1e-4, "float16": 5e-2, "int8": 5e-1}
# A file of protocol buffers cannot be larger than 2 GiB: beyond this the weights lie in a file of their own.
MOST_IN_ONE_FILE = (2 << 30) - (16 << 20)
DATA = "model.onnx.data"
# Smaller tensors stay as they are: norms, biases, tables.
LEAST_STORED_SMALL = 1024

Windows = NDArray[np.float32]


def speech_like(batch: int, samples: int) -> Windows:
    """Noise with a slow envelope: silence and loudness in one window, different in each."""
    rng = np.random.default_rng(7)
    envelope = np.abs(np.sin(np.pi * np.arange(samples) / samples * rng.uniform(2, 9, (batch, 1))))
    return (0.2 * envelope * rng.standard_normal((batch, samples))).astype(np.float32)


def difference(net: nn.Module, path: pathlib.Path, windows: Sequence[Windows], bound: float) -> float:
    """The largest difference of the logits between the graph in ONNX Runtime and PyTorch, on these batches.

    A pool that keeps the nodes of the highest scores is open where two scores are equal but for rounding. So a window beyond the bound is
    heard again at levels a few parts in a million apart, and their median counts: a wrong graph is wrong at each of them."""
    onnxruntime: Any = importlib.import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def apart(batch: Windows) -> Any:
        """Of each window; relative where logits are larger than 1."""
        wanted, found = answers(net, batch), session.run(None, {INPUT: batch})[0]
        if not np.isfinite(wanted).all():
            raise Refused("the network gives logits that are no numbers, on noise with pauses")
        return (np.abs(found - wanted) / np.maximum(np.abs(wanted), 1)).max(1)

    levels = (1 + 1e-6 * np.arange(-5, 6)).astype(np.float32)
    found = []
    for batch in windows:
        for once, window in zip(apart(batch), batch):
            again = [apart(window[None] * level) for level in levels] if once > bound else once
            found.append(np.median(again))
    # What is no number stays none here, and is within no bound.
    return float(np.max(found))


def answers(net: nn.Module, batch: Windows) -> NDArray[np.float32]:
    """The logits of a batch of windows."""
    with torch.no_grad():
        logits: NDArray[np.float32] = net(torch.from_numpy(batch)).numpy()
    return logits


def selu(graph: Any, x: Any) -> Any:
    """SELU (Klambauer et al., 2017) of operators that the library's built-in runtime has, which lacks this one."""
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    return graph.op("Mul", graph.op("Elu", x, alpha_f=alpha), graph.op("Constant", value_t=torch.tensor(scale)))


def write(
    net: nn.Module,
    samples: int,
    path: pathlib.Path,
    precision: str = "float32",
    real: Windows | None = None,
    most_in_one_file: int = MOST_IN_ONE_FILE,
) -> float:
    """Writes the graph, and returns by how much it differs from PyTorch on random windows, and on the real ones where there are some."""
    onnx: Any = importlib.import_module("onnx")
    part = path.with_suffix(".part")
    try:
        answers(net, speech_like(1, samples))
    except RuntimeError as e:
        why = str(e).strip().partition("\n")[0][:200]
        raise Refused(f"the network does not run on a window of {samples} samples: {why}") from e
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter announces its successor at every call
        register: Any = getattr(torch.onnx, "register_custom_op_symbolic")  # noqa: B009
        register("aten::selu", selu, 17)
        torch.onnx.export(
            net,
            (torch.from_numpy(speech_like(2, samples)),),
            str(part),
            input_names=[INPUT],
            output_names=[OUTPUT],
            opset_version=17,
            dynamic_axes={INPUT: {0: "batch"}, OUTPUT: {0: "batch"}},
            dynamo=False,
        )
    graph = onnx.load(str(part))
    part.unlink()
    for beside in path.parent.iterdir():
        # Where weights are many, the exporter lays each in a file.
        beside.unlink()
    if precision != "float32":
        _store(graph, precision)
    for port in graph.graph.output:
        # An exporter that lost the shape on the way leaves it open; it is that of two logits.
        for size, dimension in zip((None, 2), port.type.tensor_type.shape.dim):
            if size is not None:
                dimension.Clear()
                dimension.dim_value = size
    if graph.ByteSize() > most_in_one_file:
        onnx.save(
            graph,
            str(path),
            save_as_external_data=True,
            all_tensors_to_one_file=True,
            location=DATA,
            size_threshold=1024,
        )
    else:
        onnx.save(graph, str(path))
    windows = [speech_like(1, samples), speech_like(3, samples)]
    if real is not None:
        windows += [real[n : n + 4] for n in range(0, len(real), 4)]
    bound = BOUNDS[precision]
    worst = difference(net, path, windows, bound)
    if not worst <= bound:
        raise Refused(
            f"the exported graph differs from PyTorch by {worst:.2g}, expected at most {bound:.2g} with {precision} weights"
        )
    return worst


def _store(graph: Any, precision: str) -> None:
    """Stores large weights in fewer bits, with what turns them back into 32 behind each: the arithmetic stays as it is."""
    onnx: Any = importlib.import_module("onnx")
    before = []
    kept = []
    for weight in graph.graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < LEAST_STORED_SMALL:
            kept.append(weight)
            continue
        name = weight.name
        if precision == "float16":
            if np.abs(values).max() > 65504:
                raise Refused(f"the weights {name} have values beyond 16 bits; use --precision float32")
            kept.append(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_stored"))
            before.append(onnx.helper.make_node("Cast", [f"{name}_stored"], [name], to=onnx.TensorProto.FLOAT))
            continue
        # One scale for each row of the largest axis that outputs run along: the last of a matrix to multiply by, else the first.
        axis = values.ndim - 1 if values.ndim == 2 else 0
        others = tuple(n for n in range(values.ndim) if n != axis)
        scale = np.maximum(np.abs(values).max(axis=others) / 127, 1e-12).astype(np.float32)
        shape = [-1 if n == axis else 1 for n in range(values.ndim)]
        stored = np.clip(np.round(values / scale.reshape(shape)), -127, 127).astype(np.int8)
        kept.append(onnx.numpy_helper.from_array(stored, f"{name}_stored"))
        kept.append(onnx.numpy_helper.from_array(scale.reshape(shape), f"{name}_scale"))
        # Plain operators: of DequantizeLinear runtimes make arithmetic in 8 bits, each its own.
        before.append(onnx.helper.make_node("Cast", [f"{name}_stored"], [f"{name}_whole"], to=onnx.TensorProto.FLOAT))
        before.append(onnx.helper.make_node("Mul", [f"{name}_whole", f"{name}_scale"], [name]))
    nodes = before + list(graph.graph.node)
    del graph.graph.initializer[:]
    graph.graph.initializer.extend(kept)
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
