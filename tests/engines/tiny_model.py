"""A whole model that needs no training: dark spots are candidates, and their colour is their class.

`python -m tests.engines.tiny_model DIR` writes one.
"""

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from engines.build import build
from engines.card import CARD, GOLDEN, GRADER, LOCATOR, ModelCard
from engines.detector import EMBEDDING

CLASSES = ("none", "NILM", "ASC-US", "LSIL", "ASC-H", "HSIL", "SCC")
COLOURS = np.array(
    [
        (20, 110, 20),
        (20, 20, 110),
        (20, 110, 110),
        (110, 110, 20),
        (110, 20, 110),
        (110, 20, 20),
        (20, 20, 20),
    ],
    np.uint8,
)
"""Of a spot of each class, RGB."""
SPOT_PX = 12
"""Radius of a spot at full size that the middle of a crop is filled with."""
MIDDLE_PX = 12
"""Side of the middle of a crop that the grader looks at."""
TILE_PX, CROP_PX, BATCH = (512, 640), 96, 16


def make(
    folder: Path, tile_px: tuple[int, int] = TILE_PX, batch: int = BATCH, name: str = "tiny"
) -> ModelCard:
    """Write the model's folder and finish its card."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LOCATOR).write_bytes(_locator(tile_px))
    (folder / GRADER).write_bytes(_grader(batch))
    cv2.imwrite(str(folder / GOLDEN), field(512, 640, spots(512, 640))[:, :, ::-1])
    (folder / CARD).write_text(_card(name, tile_px, batch))
    return build(folder)


def spots(height: int, width: int) -> list[tuple[int, int, str]]:
    """A spot of each class, then of each again: x, y, class; 64 px apart."""
    places = [(x, y) for y in range(32, height - 31, 64) for x in range(32, width - 31, 64)]
    return [(x, y, CLASSES[i % len(CLASSES)]) for i, (x, y) in enumerate(places)]


def field(
    height: int, width: int, cells: list[tuple[int, int, str]], radius_px: int = SPOT_PX
) -> npt.NDArray[np.uint8]:
    """A white picture at full size, uint8 (H, W, 3), with a spot of its class' colour a cell."""
    picture = np.full((height, width, 3), 255, np.uint8)
    for x, y, class_ in cells:
        colour = COLOURS[CLASSES.index(class_)].tolist()
        cv2.circle(picture, (x, y), radius_px, colour, cv2.FILLED)
    return picture


def _locator(tile_px: tuple[int, int]) -> bytes:
    """Darkness around each cell of 4 px; a peak is the largest of 5 x 5 cells, 0.2 or more."""
    height, width = tile_px
    graph = _Graph()
    graph.add("Cast", ["tile"], "float", to=TensorProto.FLOAT)
    graph.add("Transpose", ["float"], "planes", perm=[0, 3, 1, 2])
    graph.add("ReduceMean", ["planes"], "grey", axes=[1], keepdims=1)
    graph.add("Mul", ["grey", graph.constant("scale", np.float32(-1 / 255))], "less")
    graph.add("Add", ["less", graph.constant("one", np.float32(1))], "dark")
    graph.add(
        "AveragePool", ["dark"], "dark_cells", kernel_shape=[8, 8], strides=[4, 4], pads=[2] * 4
    )
    graph.add("MaxPool", ["dark_cells"], "largest", kernel_shape=[5, 5], pads=[2] * 4)
    graph.add("Equal", ["dark_cells", "largest"], "is_largest")
    graph.add("Greater", ["dark_cells", graph.constant("least", np.float32(0.2))], "is_dark")
    graph.add("And", ["is_largest", "is_dark"], "is_peak")
    graph.add("Cast", ["is_peak"], "peak", to=TensorProto.FLOAT)
    graph.add("Mul", ["dark_cells", "peak"], "peaks")
    weights = np.array([0, 0, 1, 0, -1], np.float32).reshape(1, 5, 1, 1)  # in the middle; tiers
    graph.add("Mul", ["dark_cells", graph.constant("weights", weights)], "cells")
    cells = [height // 4, width // 4]
    return graph.model(
        {"tile": (TensorProto.UINT8, [1, height, width, 3])},
        {
            "peaks": (TensorProto.FLOAT, [1, 1, *cells]),
            "cells": (TensorProto.FLOAT, [1, 5, *cells]),
        },
    )


def _grader(batch: int) -> bytes:
    """The class whose colour is nearest to that of the crop's middle, and what it is told."""
    graph = _Graph()
    around = (CROP_PX - MIDDLE_PX) // 2
    for name, value in (("first", around), ("last", around + MIDDLE_PX)):
        graph.constant(name, np.array([value, value], np.int64))
    graph.constant("sides", np.array([1, 2], np.int64))
    graph.add("Slice", ["crops", "first", "last", "sides"], "middle")
    graph.add("Cast", ["middle"], "float", to=TensorProto.FLOAT)
    graph.add("ReduceMean", ["float"], "sum", axes=[1, 2], keepdims=0)
    graph.add("Mul", ["sum", graph.constant("scale", np.float32(1 / 255))], "colour")
    colours = COLOURS.astype(np.float32) / 255
    heat = np.float32(60)
    graph.add("MatMul", ["colour", graph.constant("colours", 2 * heat * colours.T)], "near")
    bias = graph.constant("bias", -heat * np.square(colours).sum(1))
    graph.add("Add", ["near", bias], "nearest")
    told = np.zeros((4, len(CLASSES)), np.float32)  # of the peak, then of each tier
    told[0, 0], told[1, 1], told[2, 2:4], told[3, 4:] = -0.5, 2, 2, 2
    graph.add("MatMul", ["located", graph.constant("told", told)], "heard")
    graph.add("Add", ["nearest", "heard"], "logits")
    graph.add("Softmax", ["logits"], "classes", axis=1)
    spread = np.linspace(-1, 1, 3 * EMBEDDING, dtype=np.float32).reshape(3, EMBEDDING)
    graph.add("MatMul", ["colour", graph.constant("spread", spread)], "embedding")
    return graph.model(
        {
            "crops": (TensorProto.UINT8, [batch, CROP_PX, CROP_PX, 3]),
            "located": (TensorProto.FLOAT, [batch, 4]),
        },
        {
            "classes": (TensorProto.FLOAT, [batch, len(CLASSES)]),
            "embedding": (TensorProto.FLOAT, [batch, EMBEDDING]),
        },
    )


_Ports = dict[str, tuple[int, list[int]]]


class _Graph:
    """Nodes and constants as they are added; every node is named by its one output."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self._nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))

    def constant(self, name: str, value: npt.NDArray[Any] | np.float32) -> str:
        self._constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def model(self, inputs: _Ports, outputs: _Ports) -> bytes:
        told, said = (
            [helper.make_tensor_value_info(name, *port) for name, port in side.items()]
            for side in (inputs, outputs)
        )
        graph = helper.make_graph(self._nodes, "tiny", told, said, self._constants)
        opset = helper.make_opsetid("", 17)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        content: bytes = model.SerializeToString(deterministic=True)
        return content


def _card(name: str, tile_px: tuple[int, int], batch: int) -> str:
    return f"""\
name = "{name}"
description = "Takes dark spots for cells and their colour for their class"
limits = ["For tests"]
licence = "Apache-2.0"
specimens = ["cervical"]
system = "bethesda"
classes = {list(CLASSES)}
categories_of_classes = {["NILM", *CLASSES[1:]]}
pm_per_px = 500_000
tile_px = {list(tile_px)}
crop_pm_per_px = 250_000
crop_px = {CROP_PX}
batch = {batch}
box_nm = 12_000
largest_box_nm = 12_000
min_candidate = 2_500
min_score = 5_000
tolerance = 20

[[tables]]
source = "rendered"
slides = "none"
negative_slides = 0
slides_for_review = 0
reference_area_um2 = 42_000_000

[[tables.categories]]
category = "LSIL"
threshold = 9_000
category_from = 3
review_from = 1

[[tables.categories]]
category = "HSIL"
threshold = 9_000
category_from = 3
review_from = 1

[[tables.adequacy]]
preparation = "thinprep"
minimum = 5_000
true_per_counted_milli = 1_000
true_per_counted_error_milli = 10
certain_per_counted_milli = 950
source = "none"

[training]
command = "none"
seed = 0
held_out = "all"

[[training.data]]
name = "none"
licence = "none"
citation = "none"

[[metrics]]
name = "none"
value = 0.0
low = 0.0
high = 0.0
count = 0
grouping = "none"
source = "none"

[hashes]
locator = "{"0" * 64}"
grader = "{"0" * 64}"
golden = "{"0" * 64}"
reference = "{"0" * 64}"
"""


if __name__ == "__main__":
    make(Path(sys.argv[1]))
