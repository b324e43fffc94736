"""Rounds a model's convolutions to 8 bits, by what real fields make of them."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt
import onnx

from engines.detector import BadModel
from engines.int8.graph import Graph
from engines.int8.layout import checked
from engines.int8.rewriting import is_quantised

WITHIN_PERCENT = 99.999
"""Of what a tensor holds, so much is within its range. With all of it, the largest value, which is
of a speck of dirt, makes the steps too coarse for cells."""
Feed = dict[str, npt.NDArray[Any]]


def quantise(
    model: onnx.ModelProto, feeds: Iterable[Feed], path: Path, keep: Sequence[str] = ()
) -> onnx.ModelProto:
    """Q and DQ about every convolution but the first and those that give an output.

    Int8, symmetric, a scale a channel of weights, biases in float, nothing between Conv and Relu:
    the one layout that TensorRT reads as it is meant. The first convolution sees pixels, of which
    8 bits are all there is; the last ones speak.

    Args:
        model: In floating point.
        feeds: Inputs from which the ranges of activations are taken: all but their largest values.
        path: Where it is written.
        keep: Convolutions that stay in floating point besides.

    Raises:
        BadModel: ONNX Runtime is not installed, the model is quantised already, or no feed.
    """
    try:
        from onnxruntime.quantization import (
            CalibrationMethod,
            QuantFormat,
            QuantType,
            quantize_static,
        )
    except ImportError as error:
        raise BadModel("onnxruntime", "absent", str(error), "Install the extra `build`") from None
    if is_quantised(model):
        problem = "is quantised already"
        raise BadModel(str(path), "pairs of Q and DQ", problem, "Name the model in floating point")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "float.onnx"
        ready = onnx.ModelProto.FromString(model.SerializeToString())
        # What its pre-processing would do, the export did: it need not warn.
        ready.metadata_props.add(key="onnx.quant.pre_process", value="onnxruntime.quant")
        onnx.save(ready, source)
        quantize_static(
            str(source),
            str(path),
            _reader(feeds),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=[*in_float(model), *keep],
            calibrate_method=CalibrationMethod.Percentile,
            extra_options={
                "CalibPercentile": WITHIN_PERCENT,
                "ActivationSymmetric": True,
                "WeightSymmetric": True,
                "QuantizeBias": False,
                "OpTypesToExcludeOutputQuantization": ["Conv"],
                # Weights stay in float before their Q: the exact network is in the same file.
                "AddQDQPairToWeight": True,
            },
        )
    made = checked(onnx.load(path), str(path))
    path.write_bytes(made.SerializeToString(deterministic=True))
    return made


def in_float(model: onnx.ModelProto) -> list[str]:
    """The convolutions that stay as they are: that see no Relu's output, or whose own is none's."""
    graph = Graph(model)
    return [
        node.name
        for node in graph.of_kind("Conv")
        if not _comes_from_relu(graph, node.input[0]) or not _goes_to_relu(graph, node)
    ]


def _comes_from_relu(graph: Graph, tensor: str) -> bool:
    maker = graph.makers.get(tensor)
    if maker is not None and maker.op_type == "Resize":
        maker = graph.makers.get(maker.input[0])
    return maker is not None and maker.op_type == "Relu"


def _goes_to_relu(graph: Graph, node: onnx.NodeProto) -> bool:
    readers = graph.readers(node.output[0])
    ends = [
        reader
        for one in readers
        for reader in (graph.readers(one.output[0]) if one.op_type == "Add" else [one])
    ]
    return bool(ends) and all(one.op_type == "Relu" for one in ends)


def _reader(feeds: Iterable[Feed]) -> Any:  # noqa: ANN401
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._feeds: Iterator[Feed] = iter(feeds)

        def get_next(self) -> Feed | None:
            return next(self._feeds, None)

    return Reader()
