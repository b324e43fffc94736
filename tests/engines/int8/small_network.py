"""A convolutional network of a few layers with seeded weights, in floating point and in 8 bits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from engines.int8.quantise import Feed, quantise

SIDE = 32


def in_float(seed: int = 0, channels: int = 8) -> onnx.ModelProto:
    """Bytes in; first, middle (with a sum), an enlarged one, and a last convolution."""
    chance = np.random.default_rng(seed)
    constants: dict[str, npt.NDArray[Any]] = {
        "scale": np.array(1 / 255, np.float32),
        "twice": np.array([1, 1, 2, 2], np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["picture"], ["float"], "float", to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["float"], ["planes"], "planes", perm=[0, 3, 1, 2]),
        helper.make_node("Mul", ["planes", "scale"], ["image"], "image"),
    ]

    def conv(name: str, source: str, into: int, out: int, add: str | None = None) -> str:
        weight = chance.normal(0, 1 / np.sqrt(9 * into), (out, into, 3, 3)).astype(np.float32)
        weight *= np.exp(chance.normal(0, 0.5, (out, 1, 1, 1))).astype(np.float32)
        constants[f"{name}_weight"] = weight
        constants[f"{name}_bias"] = chance.normal(0, 0.1, out).astype(np.float32)
        inputs = [source, f"{name}_weight", f"{name}_bias"]
        nodes.append(
            helper.make_node("Conv", inputs, [f"{name}_conv"], f"{name}_conv", pads=[1] * 4)
        )
        said = f"{name}_conv"
        if add is not None:
            nodes.append(helper.make_node("Add", [said, add], [f"{name}_sum"], f"{name}_sum"))
            said = f"{name}_sum"
        nodes.append(helper.make_node("Relu", [said], [name], name))
        return name

    first = conv("first", "image", 3, channels)
    middle = conv("middle", first, channels, channels)
    summed = conv("summed", middle, channels, channels, add=first)
    nodes.append(
        helper.make_node(
            "Resize",
            [summed, "", "twice"],
            ["large"],
            "large",
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
    )
    fine = conv("fine", "large", channels, channels)
    constants["last_weight"] = chance.normal(0, 0.3, (2, channels, 1, 1)).astype(np.float32)
    constants["last_bias"] = np.zeros(2, np.float32)
    nodes.append(helper.make_node("Conv", [fine, "last_weight", "last_bias"], ["last"], "last"))
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("picture", TensorProto.UINT8, [1, SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("last", TensorProto.FLOAT, [1, 2, 2 * SIDE, 2 * SIDE])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def feeds(seed: int = 1, many: int = 4) -> Iterator[Feed]:
    """Pictures."""
    chance = np.random.default_rng(seed)
    for _ in range(many):
        yield {"picture": chance.integers(0, 256, (1, SIDE, SIDE, 3), np.uint8)}


def in_8_bits(folder: Path) -> onnx.ModelProto:
    """The same, quantised on some pictures."""
    return quantise(in_float(), feeds(), folder / "small.onnx")
