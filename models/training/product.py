"""Networks as one small ONNX graph: a few products of matrices for all members together, and next to nothing besides.

A window is one row, so what costs is reading the first matrix and starting each operator. All members, experts and the head that tells them apart therefore share one first layer, which goes through a
narrow waist: what hundreds of hidden units get from the statistics of speech lies in a few hundred directions, and a model costs no more for having more members. Their second layers lie along the
diagonal of one matrix; batch norms are folded in.
"""
import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

import network

SHARPNESS = 2.0      # of the head: its labels were smoothed in training, and it knows a line better than it says
MANY = 5000          # values of a matrix from which on it is kept as 16-bit floats: half of the file, and a change of the scores far under what they are told to


def folded(linear, norm):
    """(weights [out, in], bias) of a linear layer with the batch norm behind it."""
    factor = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    weight = linear.weight.double() * factor[:, None]
    return weight.detach().numpy(), ((linear.bias.double() - norm.running_mean.double()) * factor + norm.bias.double()).detach().numpy()


def diagonal(blocks):
    """Matrices along the diagonal of one."""
    out = np.zeros(np.sum([b.shape for b in blocks], axis=0))
    row = column = 0
    for b in blocks:
        out[row:row + b.shape[0], column:column + b.shape[1]] = b
        row, column = row + b.shape[0], column + b.shape[1]
    return out


class Novelty:
    """How unlike the training windows an embedding is: the squared distance to their mean in units of their spread (Mahalanobis; Lee et al., NeurIPS 2018), along their first principal axes
    and, as one number, off them; the logarithm of the mean of both."""

    def __init__(self, embeddings, axes=48):
        embeddings = embeddings.astype(np.float64)
        self.mean = embeddings.mean(0)
        _, spread, directions = np.linalg.svd(embeddings - self.mean, full_matrices=False)
        variance = spread ** 2 / len(embeddings)
        # Axes that few windows span say nothing of the others, and what hardly varies must not be divided by.
        axes, floor = max(1, min(axes, len(embeddings) // 8)), 1e-3 * float(variance.sum())
        self.directions, self.rest = directions[:axes], variance[axes:].sum() + floor
        self.weights = 1 / (variance[:axes] + floor) / axes

    def __call__(self, embeddings):
        centred = embeddings - self.mean
        along = (centred @ self.directions.T) ** 2
        return np.log(along @ (self.weights - 1 / self.rest) + (centred ** 2).sum(1) / self.rest)


def layers(groups, from_first=()):
    """What the graph is made of: `groups` are the members of each expert, the last one's those of the head where there are several experts. Gives the first and second layer of all, and for
    each group the weights from the second layer to its outputs, the mean of its members'. `from_first` says for each expert how much of its score is the first expert's."""
    nets = [net for group in groups for net in group]
    first, second = ([folded(linear, norm) for linear, norm in pairs] for pairs in (
        [(net.first, net.norms[0]) for net in nets], [(net.second, net.norms[1]) for net in nets]))
    outs, place, size = [], 0, sum(net.second.out_features for net in nets)
    for group in groups:
        weight, bias = np.zeros((group[0].last.out_features, size)), 0.0
        for net in group:
            width = net.second.out_features
            weight[:, place:place + width] = net.last.weight.detach().double().numpy() / len(group)
            bias = bias + net.last.bias.detach().double().numpy() / len(group)
            place += width
        outs.append((weight, bias))
    for k, share in enumerate(from_first):
        outs[k] = tuple(share * of_first + (1 - share) * own for of_first, own in zip(outs[0], outs[k]))
    if len(outs) > 1:
        outs[-1] = tuple(SHARPNESS * values for values in outs[-1])
    return ((np.concatenate([w for w, _ in first]), np.concatenate([b for _, b in first])),
            (diagonal([w for w, _ in second]), np.concatenate([b for _, b in second])), outs)


class Waist:
    """The first layer of all members in two steps, through the `rank` directions that carry most of what it gives on these standardised rows (principal axes), each unit as strong as the second
    layer hears it."""

    def __init__(self, first, second, rows, rank):
        weight, bias = first
        strength = np.linalg.norm(second[0], axis=0)
        strength = np.maximum(strength, 1e-3 * strength.max())
        found = rows.astype(np.float64) @ weight.T
        mean = found.mean(0)
        _, _, axes = np.linalg.svd((found - mean) * strength, full_matrices=False)
        axes = axes[:rank]
        self.down, self.down_bias = (weight * strength[:, None]).T @ axes.T, -(mean * strength) @ axes.T
        self.up, self.up_bias = axes / strength, mean + bias

    def __call__(self, rows):
        return np.maximum((rows @ self.down + self.down_bias) @ self.up + self.up_bias, 0)


def embeddings(waist, second, rows):
    """The second layer of all members, as the graph computes it, of standardised rows."""
    weight, bias = second
    return np.concatenate([np.maximum(waist(rows[k:k + 2048]) @ weight.T + bias, 0) for k in range(0, len(rows), 2048)])


def build(scale, waist, second, outs, novelty, tensor="features"):
    """The graph: statistics [batch, values] -> logits [batch, 2] in the order bonafide, spoof, and novelty [batch, 1]."""
    nodes, constants = [], []

    def constant(name, value):
        value = np.ascontiguousarray(value, dtype=np.float32)
        if value.size < MANY:
            constants.append(numpy_helper.from_array(value, name))
            return name
        constants.append(numpy_helper.from_array(value.astype(np.float16), name + "_half"))
        return node("Cast", [name + "_half"], name, to=TensorProto.FLOAT)

    def node(kind, inputs, output, **attributes):
        nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    x = node("Mul", [tensor, constant("one_over_deviation", 1 / scale.deviation.astype(np.float64))], "scaled")
    x = node("Add", [x, constant("shift", -scale.mean.astype(np.float64) / scale.deviation)], "standardised")
    x = node("Clip", [x, constant("low", -network.LIMIT), constant("high", network.LIMIT)], "clamped")
    x = node("Gemm", [x, constant("down", waist.down), constant("down_bias", waist.down_bias)], "waist")
    x = node("Relu", [node("Gemm", [x, constant("up", waist.up), constant("up_bias", waist.up_bias)], "first_layer")], "first_relu")
    x = node("Relu", [node("Gemm", [x, constant("second", second[0].T), constant("second_bias", second[1])], "second_layer")], "embedding")
    signs = np.array([[-0.5, 0.5]])
    if len(outs) == 1:
        weight, bias = outs[0]
        node("Gemm", [x, constant("last", weight.T @ signs), constant("last_bias", (bias[:, None] @ signs)[0])], "logits")
    else:
        *experts, (head, head_bias) = outs
        weight, bias = np.concatenate([w for w, _ in experts]), np.concatenate([b for _, b in experts])
        score = node("Gemm", [x, constant("experts", weight.T), constant("experts_bias", bias)], "scores")
        share = node("Softmax", [node("Gemm", [x, constant("head", head.T), constant("head_bias", head_bias)], "heard")], "shares", axis=1)
        node("MatMul", [node("Mul", [score, share], "weighted"), constant("signs", np.repeat(signs, len(experts), 0))], "logits")
    along = node("Gemm", [x, constant("axes", novelty.directions.T), constant("axes_bias", -novelty.directions @ novelty.mean)], "along")
    along = node("MatMul", [node("Mul", [along, along], "along_squared"), constant("axes_weights", (novelty.weights - 1 / novelty.rest)[:, None])], "along_sum")
    centred = node("Add", [x, constant("minus_mean", -novelty.mean)], "centred")
    every = node("MatMul", [node("Mul", [centred, centred], "centred_squared"), constant("rest", np.full((len(novelty.mean), 1), 1 / novelty.rest))], "all_sum")
    node("Log", [node("Add", [along, every], "distance")], "novelty")
    wide = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", size]) for n, size in ((tensor, len(waist.down)), ("logits", 2), ("novelty", 1))]
    made = helper.make_model(helper.make_graph(nodes, "detector", wide[:1], wide[1:], constants), opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return made
