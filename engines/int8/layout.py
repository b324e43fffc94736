"""What TensorRT would refuse in a quantised network, or take for something else without a word."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import onnx

from engines.detector import BadModel
from engines.int8.graph import Graph

OPSETS = range(13, 20)
"""From per-channel Q/DQ on, to the last that TensorRT 10 reads whole."""


@dataclass(frozen=True, slots=True)
class Illegal:
    """One thing that is not as it must be."""

    node: str
    problem: str
    remedy: str


def checked(model: onnx.ModelProto, path: str) -> onnx.ModelProto:
    """The model, if nothing is wrong with its layout.

    Raises:
        BadModel: Names the first node, its problem and the remedy.
    """
    for fault in illegal(model):
        raise BadModel(path, f"node {fault.node}", fault.problem, fault.remedy)
    return model


def illegal(model: onnx.ModelProto) -> Iterator[Illegal]:
    """All that is wrong, node by node; nothing for a network in floating point."""
    graph = Graph(model)
    opset = next((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), 0)
    if opset not in OPSETS:
        span = f"{OPSETS.start} to {OPSETS.stop - 1}"
        yield Illegal("-", f"opset {opset} is not from {span}", f"Export with opset {span}")
    for one in (*model.graph.input, *model.graph.output):
        if any(not side.dim_value for side in one.type.tensor_type.shape.dim):
            yield Illegal(one.name, "has no fixed shape", "Export with fixed shapes")
    for node in graph.of_kind("QuantizeLinear", "DequantizeLinear"):
        for rule in _OF_PAIRS:
            yield from rule(graph, node)
    for node in graph.of_kind("Conv", "Gemm", "MatMul", "ConvTranspose"):
        yield from _half_quantised(graph, node)
    for node in graph.of_kind("QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"):
        yield Illegal(
            node.name, f"{node.op_type} is not read", "Quantise as pairs of Q and DQ (QDQ format)"
        )


def _zero_point(graph: Graph, node: onnx.NodeProto) -> Iterator[Illegal]:
    """Zero, int8, and there: without one ONNX means uint8, which TensorRT takes for int8."""
    value = graph.constant(node.input[2]) if len(node.input) > 2 and node.input[2] else None
    if value is None:
        problem = "has no constant zero point: that means uint8, which is silently taken for int8"
        yield Illegal(node.name, problem, "Give it an int8 zero point of 0")
    elif value.dtype != np.int8:
        problem = f"is {value.dtype}, which is refused or silently taken for int8"
        yield Illegal(node.name, problem, "Quantise activations and weights to int8")
    elif np.any(value != 0):
        yield Illegal(node.name, "has a zero point that is not 0", "Quantise symmetrically")


def _scale(graph: Graph, node: onnx.NodeProto) -> Iterator[Illegal]:
    """A constant of float32, over 0; one for activations, one a channel for weights."""
    scale = graph.constant(node.input[1])
    if scale is None or scale.dtype != np.float32:
        yield Illegal(node.name, "has no constant scale in float32", "Make its scale a constant")
        return
    if not (np.isfinite(scale).all() and (scale.astype(np.float32) > 0).all()):
        yield Illegal(node.name, "has a scale that is 0, negative or no number", "Calibrate again")
    if not graph.is_of_constant(node):
        if scale.size != 1:
            problem = "has a scale a channel on an activation"
            yield Illegal(node.name, problem, "Quantise activations with one scale")
        return
    if scale.ndim and scale.size > 1 and _axis(node) != 0:
        problem = f"has a weight's scales along axis {_axis(node)}: they mean output channels"
        yield Illegal(node.name, problem, "Set axis to 0")


def _weight_type(graph: Graph, node: onnx.NodeProto) -> Iterator[Illegal]:
    """A bias in int32 is refused by the parser."""
    value = graph.constant(node.input[0])
    if node.op_type == "DequantizeLinear" and value is not None and value.dtype != np.int8:
        problem = f"dequantises a constant of {value.dtype}, as of a bias"
        yield Illegal(node.name, problem, "Leave biases in float (QuantizeBias=False)")


def _pair(graph: Graph, node: onnx.NodeProto) -> Iterator[Illegal]:
    """Q goes to DQ alone, at the same scale: else numbers are rescaled without a word."""
    if node.op_type != "QuantizeLinear":
        maker = graph.makers.get(node.input[0])
        is_fed = graph.constant(node.input[0]) is not None
        if not is_fed and (maker is None or maker.op_type != "QuantizeLinear"):
            yield Illegal(node.name, "has no Q before it", "Put Q and DQ in as a pair")
        return
    readers = graph.readers(node.output[0])
    if not readers or any(one.op_type != "DequantizeLinear" for one in readers):
        yield Illegal(node.name, "is read by another node than a DQ", "Put Q and DQ in as a pair")
        return
    mine = graph.constant(node.input[1])
    for reader in readers:
        theirs = graph.constant(reader.input[1])
        if mine is None or theirs is None or not np.array_equal(mine, theirs):
            problem = f"has another scale than {reader.name}, which reads it"
            yield Illegal(node.name, problem, "Give both the same scale")
        if _axis(node) != _axis(reader) and mine is not None and mine.size > 1:
            yield Illegal(node.name, f"has another axis than {reader.name}", "Give both axis 0")


def _fusion(graph: Graph, node: onnx.NodeProto) -> Iterator[Illegal]:
    """Between Conv and its Relu a Q keeps both from being one step."""
    maker = graph.makers.get(node.input[0])
    if node.op_type == "QuantizeLinear" and maker is not None and maker.op_type == "Conv":
        yield Illegal(
            node.name,
            f"stands right behind {maker.name}: it keeps Conv and Relu apart",
            "Quantise after the Relu (OpTypesToExcludeOutputQuantization=['Conv'])",
        )


def _half_quantised(graph: Graph, node: onnx.NodeProto) -> Iterator[Illegal]:
    """Either both what comes in and the weight, or neither: else all is computed in float."""
    is_rounded = [
        name in graph.makers and graph.makers[name].op_type == "DequantizeLinear"
        for name in node.input[:2]
    ]
    if is_rounded[0] != is_rounded[1]:
        which = "its input but not its weight" if is_rounded[0] else "its weight but not its input"
        yield Illegal(node.name, f"has {which} quantised", "Quantise both, or exclude the node")
    if len(node.input) > 2 and node.input[2] in graph.makers:
        problem = "has a bias that is computed"
        yield Illegal(node.name, problem, "Leave biases as constants in float (QuantizeBias=False)")


_OF_PAIRS: tuple[Callable[[Graph, onnx.NodeProto], Iterator[Illegal]], ...] = (
    _zero_point,
    _scale,
    _weight_type,
    _pair,
    _fusion,
)


def _axis(node: onnx.NodeProto) -> int:
    return next((int(one.i) for one in node.attribute if one.name == "axis"), 1)
