from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from engines.detector import BadModel
from engines.int8.quantise import in_float as in_float_of
from engines.int8.quantise import quantise
from engines.int8.rewriting import is_quantised, unsigned, without_rounding
from tests.engines.int8.small_network import feeds, in_8_bits, in_float


@pytest.fixture(scope="module")
def quantised(tmp_path_factory: pytest.TempPathFactory) -> onnx.ModelProto:
    return in_8_bits(tmp_path_factory.mktemp("small"))


def said(model: onnx.ModelProto, seed: int = 1) -> np.ndarray:
    """What the graph means: operator by operator."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return np.stack([session.run(["last"], one)[0] for one in feeds(seed)])


def test_rounding_changes_little_and_not_nothing(quantised: onnx.ModelProto) -> None:
    exact, rounded = said(in_float()), said(quantised)
    apart = np.linalg.norm(rounded - exact) / np.linalg.norm(exact)
    assert 1e-4 < apart < 0.05


def test_the_rewritten_network_gives_the_very_same_numbers_within_the_ranges(
    quantised: onnx.ModelProto,
) -> None:
    made = unsigned(quantised)
    assert not made.signed
    assert np.array_equal(said(made.model), said(quantised))
    zeros = {
        one.input[2]
        for one in made.model.graph.node
        if one.op_type == "QuantizeLinear" and not one.input[0].endswith("_weight")
    }
    assert zeros == {"unsigned_zero"}


def test_a_tensor_that_may_be_negative_is_left_signed_and_named(
    quantised: onnx.ModelProto,
) -> None:
    model = onnx.ModelProto()
    model.CopyFrom(quantised)
    next(one for one in model.graph.node if one.name == "first").op_type = "Identity"
    made = unsigned(model)
    assert made.signed == ("first",)
    nodes = {one.name: one for one in made.model.graph.node}
    assert nodes["first_QuantizeLinear"].input[2] == "first_zero_point"
    assert nodes["middle_QuantizeLinear"].input[2] == "unsigned_zero"


def test_the_exact_network_is_in_the_quantised_file(quantised: onnx.ModelProto) -> None:
    exact, original = without_rounding(quantised), in_float()
    assert is_quantised(quantised)
    assert not is_quantised(exact)
    weights = [
        {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
        for model in (exact, original)
    ]
    assert weights[0].keys() == weights[1].keys()
    assert all(np.array_equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert np.array_equal(said(exact), said(original))


def test_the_first_and_the_last_convolution_stay_in_float() -> None:
    assert in_float_of(in_float()) == ["first_conv", "last"]


def test_a_network_is_not_quantised_twice(quantised: onnx.ModelProto, tmp_path: Path) -> None:
    with pytest.raises(BadModel, match="quantised already"):
        quantise(quantised, feeds(), tmp_path / "again.onnx")


def test_the_same_fields_make_the_same_file(quantised: onnx.ModelProto, tmp_path: Path) -> None:
    again = in_8_bits(tmp_path)
    assert again.SerializeToString(deterministic=True) == quantised.SerializeToString(
        deterministic=True
    )
