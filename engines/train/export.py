"""Writes a trained network as one ONNX file: pixels in, peaks and class scores out."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from engines.train.net import SPAN, STEPS, STRIDE, WHITE, Conv

OPSET = 17
PEAK_CELLS = 5
"""A peak is the largest of 5 x 5 cells, 10 um: nuclei nearer than 4 um are one."""
Weights = npt.NDArray[np.float32]


def write_onnx(
    network: Any,  # noqa: ANN401
    temperature: float,
    tile_px: tuple[int, int],
    path: Path,
) -> None:
    """Fold the normalisations, add what is before and after the network, check, write.

    Input `tile`: uint8, (1, H, W, 3), RGB. Outputs `peaks`: float32, (1, 1, H/4, W/4), and
    `classes`: float32, (1, 3, H/4, W/4), softmax of the tier logits over `temperature`.
    """
    graph = _Graph()
    graph.add("Cast", ["tile"], "float", to=TensorProto.FLOAT)
    graph.add("Transpose", ["float"], "planes", perm=[0, 3, 1, 2])
    graph.add("Mul", ["planes", graph.constant("scale", np.float32(-1 / SPAN))], "scaled")
    graph.add("Add", ["scaled", graph.constant("white", np.float32(WHITE / SPAN))], "image")
    for step in STEPS:
        if not isinstance(step, Conv):
            sizes = graph.constant("twice", np.array([1, 1, 2, 2], np.float32))
            graph.add(
                "Resize",
                [step.source, "", sizes],
                step.name,
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            )
            continue
        weight, bias = folded(network, step)
        if step.is_head:
            graph.conv(step, "middle", weight[:1], bias[:1])
            graph.conv(step, "tiers", weight[1:] / temperature, bias[1:] / temperature)
            continue
        before_relu = graph.conv(step, f"{step.name}_conv", weight, bias)
        if step.add is not None:
            before_relu = graph.add("Add", [before_relu, step.add], f"{step.name}_sum")
        graph.add("Relu", [before_relu], step.name)
    side, around = PEAK_CELLS, PEAK_CELLS // 2
    graph.add("MaxPool", ["middle"], "largest", kernel_shape=[side, side], pads=[around] * 4)
    graph.add("Equal", ["middle", "largest"], "is_peak")
    graph.add("Cast", ["is_peak"], "peak", to=TensorProto.FLOAT)
    graph.add("Sigmoid", ["middle"], "heat")
    graph.add("Mul", ["heat", "peak"], "peaks")
    graph.add("Softmax", ["tiers"], "classes", axis=1)
    height, width = tile_px
    cells = [height // STRIDE, width // STRIDE]
    made = helper.make_graph(
        graph.nodes,
        "cells",
        [helper.make_tensor_value_info("tile", TensorProto.UINT8, [1, height, width, 3])],
        [
            helper.make_tensor_value_info("peaks", TensorProto.FLOAT, [1, 1, *cells]),
            helper.make_tensor_value_info("classes", TensorProto.FLOAT, [1, 3, *cells]),
        ],
        graph.constants,
    )
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(made, opset_imports=[opset], ir_version=8, producer_name="cytoedge")
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def folded(network: Any, step: Conv) -> tuple[Weights, Weights]:  # noqa: ANN401
    """A convolution's weight (out, in, k, k) and bias (out,), its normalisation folded in."""
    conv = network[step.name]
    weight = _array(conv.weight)
    if step.is_head:
        return weight, _array(conv.bias)
    norm = network[f"{step.name}_norm"]
    spread = np.sqrt(_array(norm.running_var) + norm.eps)
    gain = _array(norm.weight) / spread
    bias = _array(norm.bias) - _array(norm.running_mean) * gain
    return (weight * gain[:, None, None, None]).astype(np.float32), bias.astype(np.float32)


def _array(tensor: Any) -> Weights:  # noqa: ANN401
    return np.ascontiguousarray(tensor.detach().cpu().numpy(), np.float32)


class _Graph:
    """Nodes and constants as they are added; every node is named by its one output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:  # noqa: ANN401
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, value: npt.NDArray[np.float32] | np.float32) -> str:
        if all(known.name != name for known in self.constants):
            self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def conv(self, step: Conv, output: str, weight: Weights, bias: Weights) -> str:
        constants = [
            self.constant(f"{output}_weight", weight),
            self.constant(f"{output}_bias", bias),
        ]
        around, by = step.kernel // 2, step.stride
        return self.add(
            "Conv",
            [step.source, *constants],
            output,
            kernel_shape=[step.kernel] * 2,
            pads=[around] * 4,
            strides=[by] * 2,
        )
