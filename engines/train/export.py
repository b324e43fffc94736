"""Writes trained networks as ONNX files: pixels in, what an engine reads out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from engines.train.calibrate import Calibration
from engines.train.cell_crops import CROP_PX
from engines.train.field_crops import STRIDE
from engines.train.networks import CLASSES, EMBEDDING, GRADER, JUDGES, LOCATOR
from engines.train.steps import SPAN, WHITE, Conv, Double, Gather, Step

OPSET = 17
PEAK_CELLS = 3
"""A peak is the largest of 3 x 3 cells: nuclei nearer than 4 um are one."""
LEAST_HEAT = 1e-6
"""Keeps a division finite where there is no heat, and so no peak."""
Weights = npt.NDArray[np.float32]


def write_locator(network: Any, tile_px: tuple[int, int], path: Path) -> None:  # noqa: ANN401
    """Fold the normalisations, add what is before and after the network, check, write.

    Input `tile`: uint8, (1, H, W, 3), RGB. Outputs, all float32 and (1, ., H/4, W/4): `peaks` (1),
    0 to 1, 0 where no local maximum is; `cells` (5), from a cell's middle to the nucleus', x and y
    in tile pixels, then three tier logits.
    """
    graph = _Graph()
    graph.image("tile")
    graph.network(network, LOCATOR)
    side, around = PEAK_CELLS, PEAK_CELLS // 2
    graph.split("head", {"middle": (0, 1), "tiers": (1, 4)})
    graph.add("MaxPool", ["middle"], "largest", kernel_shape=[side, side], pads=[around] * 4)
    graph.add("Equal", ["middle", "largest"], "is_peak")
    graph.add("Cast", ["is_peak"], "peak", to=TensorProto.FLOAT)
    graph.add("Sigmoid", ["middle"], "heat")
    graph.add("Mul", ["heat", "peak"], "peaks")
    _add_offsets(graph)
    graph.add("Concat", ["offsets", "tiers"], "cells", axis=1)
    height, width = tile_px
    cells = [height // STRIDE, width // STRIDE]
    graph.write(
        path,
        [helper.make_tensor_value_info("tile", TensorProto.UINT8, [1, height, width, 3])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, *cells])
            for name, channels in (("peaks", 1), ("cells", 5))
        ],
    )


def write_grader(network: Any, calibration: Calibration, batch: int, path: Path) -> None:  # noqa: ANN401
    """As `write_locator`, for the grader and what joins it with the locator's word.

    Inputs `crops`: uint8, (B, 96, 96, 3), RGB; `located`: float32, (B, 4). Outputs `classes`:
    float32, (B, 7), each row sums to 1; `embedding`: float32, (B, 64).
    """
    graph = _Graph()
    graph.image("crops")
    graph.network(network, GRADER)
    for name in JUDGES:
        graph.add("Flatten", [f"{name}_embedding"], f"{name}_embedded")
        graph.add("Flatten", [f"{name}_grade"], f"{name}_grades")
    graph.add("Concat", [f"{name}_embedded" for name in JUDGES], "embedding", axis=1)
    graph.add("Concat", [*(f"{name}_grades" for name in JUDGES), "located"], "said", axis=1)
    weights = graph.constant("calibration", _of_each_judge(calibration).T.astype(np.float32))
    offsets = graph.constant("calibration_offsets", calibration.offsets.astype(np.float32))
    graph.add("Gemm", ["said", weights, offsets], "joined")
    graph.add("Softmax", ["joined"], "classes", axis=1)
    graph.write(
        path,
        [
            helper.make_tensor_value_info("crops", TensorProto.UINT8, [batch, CROP_PX, CROP_PX, 3]),
            helper.make_tensor_value_info("located", TensorProto.FLOAT, [batch, 4]),
        ],
        [
            helper.make_tensor_value_info("classes", TensorProto.FLOAT, [batch, len(CLASSES)]),
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [batch, EMBEDDING]),
        ],
    )


def _of_each_judge(calibration: Calibration) -> npt.NDArray[np.float64]:
    """The calibration's weights for the judges' logits side by side, of which it takes the mean."""
    graded, located = np.split(calibration.weights, [len(CLASSES)], axis=1)
    return np.concatenate([*[graded / len(JUDGES)] * len(JUDGES), located], axis=1)


def _add_offsets(graph: "_Graph") -> None:
    """The middle of the heat of 3 x 3 cells, from the cell's own middle, in tile pixels.

    Finer than the grid of 2 um, at the price of one convolution of three fixed maps.
    """
    step = np.array([-1, 0, 1], np.float32) * STRIDE
    sums = np.stack([np.ones((3, 3)), np.tile(step, (3, 1)), np.tile(step[:, None], 3)])
    weight = graph.constant("around", sums[:, None].astype(np.float32))
    graph.add("Conv", ["heat", weight], "heat_around", kernel_shape=[3, 3], pads=[1] * 4)
    graph.split("heat_around", {"heat_sum": (0, 1), "heat_moment": (1, 3)})
    graph.add("Add", ["heat_sum", graph.constant("least", np.float32(LEAST_HEAT))], "heat_some")
    graph.add("Div", ["heat_moment", "heat_some"], "offsets")


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
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:  # noqa: ANN401
        self._nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, value: npt.NDArray[np.float32 | np.int64] | np.float32) -> str:
        if all(known.name != name for known in self._constants):
            self._constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def image(self, source: str) -> None:
        """From bytes, rows first, to what the network reads: `image`."""
        self.add("Cast", [source], "float", to=TensorProto.FLOAT)
        self.add("Transpose", ["float"], "planes", perm=[0, 3, 1, 2])
        self.add("Mul", ["planes", self.constant("scale", np.float32(-1 / SPAN))], "scaled")
        self.add("Add", ["scaled", self.constant("white", np.float32(WHITE / SPAN))], "image")

    def split(self, source: str, parts: dict[str, tuple[int, int]]) -> None:
        """Ranges of channels, by name."""
        axes = self.constant("channels", np.array([1], np.int64))
        for name, (start, end) in parts.items():
            edges = [
                self.constant(f"{name}_{which}", np.array([at], np.int64))
                for which, at in (("start", start), ("end", end))
            ]
            self.add("Slice", [source, *edges, axes], name)

    def network(self, network: Any, steps: Sequence[Step]) -> None:  # noqa: ANN401
        """All steps; each one's output has its name."""
        for step in steps:
            source, name = step.source, step.name
            if isinstance(step, Double):
                sizes = self.constant("twice", np.array([1, 1, 2, 2], np.float32))
                self.add(
                    "Resize",
                    [source, "", sizes],
                    name,
                    mode="nearest",
                    coordinate_transformation_mode="asymmetric",
                    nearest_mode="floor",
                )
            elif isinstance(step, Gather):
                layer = network[step.name]
                weight, bias = _array(layer.weight), _array(layer.bias)
                gathered = self._conv(f"{name}_sum", source, weight, bias, group=step.channels)
                self.add("Relu", [gathered], name)
            elif step.is_head:
                self._conv(name, source, *folded(network, step), strides=[step.stride] * 2)
            else:
                around, by = [step.kernel // 2] * 4, [step.stride] * 2
                weight, bias = folded(network, step)
                value = self._conv(f"{name}_conv", source, weight, bias, pads=around, strides=by)
                if step.add is not None:
                    value = self.add("Add", [value, step.add], f"{name}_sum")
                self.add("Relu", [value], name)

    def write(
        self, path: Path, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]
    ) -> None:
        graph = helper.make_graph(self._nodes, path.stem, inputs, outputs, self._constants)
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(
            graph, opset_imports=[opset], ir_version=8, producer_name="cytoedge"
        )
        onnx.checker.check_model(model, full_check=True)
        path.write_bytes(model.SerializeToString(deterministic=True))

    def _conv(
        self,
        output: str,
        source: str,
        weight: Weights,
        bias: Weights,
        **attributes: Any,  # noqa: ANN401
    ) -> str:
        constants = [
            self.constant(f"{output}_weight", weight),
            self.constant(f"{output}_bias", bias),
        ]
        kernel = list(weight.shape[2:])
        return self.add("Conv", [source, *constants], output, kernel_shape=kernel, **attributes)
