"""The same network for other eyes: in unsigned numbers for CPUs, or without any rounding."""

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from engines.int8.graph import Graph

UNSIGNED_ZERO = "unsigned_zero"
KEEP_SIGN = ("MaxPool", "Resize", "Concat", "Add", "QuantizeLinear", "DequantizeLinear")
"""Operators that give nothing below zero if they get nothing below zero."""


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A rewritten network."""

    model: onnx.ModelProto
    signed: tuple[str, ...]
    """Quantised tensors that may fall below zero, and were left as they were."""


def unsigned(model: onnx.ModelProto) -> Unsigned:
    """Activations that are never negative as uint8 with zero point 0, at the same scales.

    The numbers are the same: int8 holds 0 to 127 of these tensors, and so does uint8 where what
    is larger is cut off first. But CPUs without VNNI add pairs of products in 16 bits, which
    overflow with the offset of 128 that runtimes give int8 activations, and cannot with these
    (127 x 127 x 2 < 32,768).
    """
    rewritten = onnx.ModelProto()
    rewritten.CopyFrom(model)
    graph = Graph(rewritten)
    rounded = [q for q in graph.of_kind("QuantizeLinear") if not graph.is_of_constant(q)]
    positive = [q for q in rounded if _is_never_negative(graph, q.input[0])]
    signed = [q.input[0] for q in rounded if q not in positive]
    for q in positive:
        for each in (q, *graph.readers(q.output[0])):
            each.input[2] = UNSIGNED_ZERO
    cut = [_cut_at_127(rewritten, graph, q) for q in positive]
    rewritten.graph.initializer.append(
        numpy_helper.from_array(np.array(0, np.uint8), UNSIGNED_ZERO)
    )
    nodes = [*rewritten.graph.node]
    for name, clip in cut:
        nodes.insert(next(i for i, node in enumerate(nodes) if node.name == name), clip)
    del rewritten.graph.node[:]
    rewritten.graph.node.extend(nodes)
    return Unsigned(rewritten, tuple(dict.fromkeys(signed)))


def _cut_at_127(
    model: onnx.ModelProto, graph: Graph, node: onnx.NodeProto
) -> tuple[str, onnx.NodeProto]:
    """What a Q in uint8 must read to stop where int8 does: the Q's name, and the node before it."""
    scale = graph.constant(node.input[1])
    assert scale is not None  # noqa: S101  # the layout was checked
    source, made, most = node.input[0], f"{node.name}_cut", f"{node.name}_most"
    model.graph.initializer.append(
        numpy_helper.from_array(np.array(127 * scale, np.float32).reshape(()), most)
    )
    node.input[0] = made
    return node.name, onnx.helper.make_node("Min", [source, most], [made], made)


def without_rounding(model: onnx.ModelProto) -> onnx.ModelProto:
    """The network in floating point that it was made from: all pairs of Q and DQ taken out."""
    exact = onnx.ModelProto()
    exact.CopyFrom(model)
    graph = Graph(exact)
    real = {}
    for node in graph.of_kind("DequantizeLinear"):
        real[node.output[0]] = graph.maker(node.input[0]).input[0]
    kept = [n for n in exact.graph.node if n.op_type not in ("QuantizeLinear", "DequantizeLinear")]
    for node in kept:
        for place, name in enumerate(node.input):
            node.input[place] = real.get(name, name)
    del exact.graph.node[:]
    exact.graph.node.extend(kept)
    _drop_unused(exact)
    return exact


def is_quantised(model: onnx.ModelProto) -> bool:
    """Whether any number of it is rounded to 8 bits."""
    return any(node.op_type == "QuantizeLinear" for node in model.graph.node)


def _drop_unused(model: onnx.ModelProto) -> None:
    used = {name for node in model.graph.node for name in node.input}
    constants = [one for one in model.graph.initializer if one.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(constants)


def _is_never_negative(graph: Graph, tensor: str) -> bool:
    maker = graph.makers.get(tensor)
    if maker is None:
        given = graph.inputs.get(tensor)
        return given is not None and given.type.tensor_type.elem_type == TensorProto.UINT8
    if maker.op_type == "Relu":
        return True
    sources = maker.input if maker.op_type in ("Add", "Concat") else maker.input[:1]
    return maker.op_type in KEEP_SIGN and all(_is_never_negative(graph, one) for one in sources)
