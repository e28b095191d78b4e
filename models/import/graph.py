"""A network over waveforms as model.onnx: operator set 17, the batch dynamic, checked against PyTorch before it gets its name."""
import warnings

import numpy as np
import torch

INPUT, OUTPUT = "waveform", "logits"
TOLERANCE = 1e-3        # of the logits, relative where they are larger than 1


def speech_like(batch, samples):
    """Noise with a slow envelope: silence and loudness in one window, different in each."""
    rng = np.random.default_rng(7)
    envelope = np.abs(np.sin(np.pi * np.arange(samples) / samples * rng.uniform(2, 9, (batch, 1))))
    return (0.2 * envelope * rng.standard_normal((batch, samples))).astype(np.float32)


def difference(net, path, samples):
    """The largest difference of the logits between the graph in ONNX Runtime and PyTorch, on batches of one and of three."""
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    worst = 0.0
    for batch in (1, 3):
        x = speech_like(batch, samples)
        with torch.no_grad():
            wanted = net(torch.from_numpy(x)).numpy()
        found = session.run(None, {INPUT: x})[0]
        worst = max(worst, float((np.abs(found - wanted) / np.maximum(np.abs(wanted), 1)).max()))
    return worst


def halve(path):
    """Stores large weights in 16 bits, with a cast to 32 behind each: the file halves, the arithmetic stays in 32 bits.
    For nets that would be larger than the library's limit of 1 GiB."""
    import onnx
    from onnx import numpy_helper
    graph = onnx.load(path)
    casts = []
    for weight in graph.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < 256:
            continue
        if np.abs(values).max() > 65504:
            raise ValueError(f"{weight.name} has values beyond 16 bits")
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = casts + list(graph.graph.node)
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    onnx.save(graph, path)


def selu(graph, x):
    """SELU (Klambauer et al., 2017) of operators that the library's built-in runtime has, which lacks this one."""
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    return graph.op("Mul", graph.op("Elu", x, alpha_f=alpha), graph.op("Constant", value_t=torch.tensor(scale)))


def write(net, samples, path, half=False):
    """Returns the measured difference. With `half` the bare rounding of the weights is part of it, and its bound is wider."""
    part = path.with_suffix(".part")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # the exporter announces its successor at every call
        torch.onnx.register_custom_op_symbolic("aten::selu", selu, 17)
        torch.onnx.export(net, (torch.from_numpy(speech_like(2, samples)),), str(part), input_names=[INPUT], output_names=[OUTPUT],
                          opset_version=17, dynamic_axes={INPUT: {0: "batch"}, OUTPUT: {0: "batch"}}, dynamo=False)
    if half:
        halve(part)
    worst, bound = difference(net, part, samples), TOLERANCE * (50 if half else 1)
    if not worst <= bound:
        raise ValueError(f"the exported graph differs from PyTorch by {worst:.2g}, expected at most {bound:.2g}")
    part.rename(path)
    return worst
