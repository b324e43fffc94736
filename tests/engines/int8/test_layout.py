from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from engines.card import GRADER, LOCATOR, SHIPPED
from engines.detector import BadModel
from engines.int8.layout import checked, illegal
from tests.engines.int8.small_network import in_8_bits, in_float


@pytest.fixture(scope="module")
def legal(tmp_path_factory: pytest.TempPathFactory) -> onnx.ModelProto:
    return in_8_bits(tmp_path_factory.mktemp("legal"))


def node(model: onnx.ModelProto, name: str) -> onnx.NodeProto:
    found: onnx.NodeProto = next(one for one in model.graph.node if one.name == name)
    return found


def constant(model: onnx.ModelProto, name: str, value: np.ndarray) -> str:
    model.graph.initializer.append(numpy_helper.from_array(value, name))
    return name


def replaced(model: onnx.ModelProto, name: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    found = next(one for one in model.graph.initializer if one.name == name)
    found.CopyFrom(numpy_helper.from_array(change(numpy_helper.to_array(found)), name))


def q_of(model: onnx.ModelProto, tensor: str) -> onnx.NodeProto:
    found: onnx.NodeProto = next(
        one
        for one in model.graph.node
        if one.op_type == "QuantizeLinear" and one.input[0] == tensor
    )
    return found


def unsigned_zero_point(model: onnx.ModelProto) -> str:
    q = q_of(model, "first")
    replaced(model, q.input[2], lambda value: value.astype(np.uint8))
    return q.name


def no_zero_point(model: onnx.ModelProto) -> str:
    q = q_of(model, "first")
    del q.input[2:]
    return q.name


def shifted_zero_point(model: onnx.ModelProto) -> str:
    q = q_of(model, "first")
    replaced(model, q.input[2], lambda value: value + np.int8(3))
    return q.name


def quantised_bias(model: onnx.ModelProto) -> str:
    constant(model, "bias_int32", np.zeros(8, np.int32))
    constant(model, "bias_scale", np.ones(8, np.float32))
    constant(model, "bias_zero", np.zeros(8, np.int8))
    inputs = ["bias_int32", "bias_scale", "bias_zero"]
    made = helper.make_node("DequantizeLinear", inputs, ["bias_float"], "bias_DQ", axis=0)
    model.graph.node.insert(0, made)
    node(model, "middle_conv").input[2] = "bias_float"
    return "bias_DQ"


def computed_bias(model: onnx.ModelProto) -> str:
    quantised_bias(model)
    return "middle_conv"


def wrong_axis(model: onnx.ModelProto) -> str:
    q = q_of(model, "middle_weight")
    q.attribute[0].i = 1
    return q.name


def a_scale_a_channel_of_activations(model: onnx.ModelProto) -> str:
    q = q_of(model, "first")
    q.input[1] = constant(model, "many", np.full(8, 0.1, np.float32))
    return q.name


def different_scales(model: onnx.ModelProto) -> str:
    q = q_of(model, "first")
    q.input[1] = constant(model, "other", np.array(0.5, np.float32))
    return q.name


def a_scale_of_zero(model: onnx.ModelProto) -> str:
    q = q_of(model, "first")
    replaced(model, q.input[1], lambda value: value * np.float32(0))
    return q.name


def between_conv_and_relu(model: onnx.ModelProto) -> str:
    scale, zero = q_of(model, "first").input[1:]
    relu = node(model, "middle")
    at = list(model.graph.node).index(relu)
    pair = (
        helper.make_node("QuantizeLinear", ["middle_conv", scale, zero], ["q"], "between_Q"),
        helper.make_node("DequantizeLinear", ["q", scale, zero], ["dq"], "between_DQ"),
    )
    for made in reversed(pair):
        model.graph.node.insert(at, made)
    relu.input[0] = "dq"
    return "between_Q"


def half_quantised(model: onnx.ModelProto) -> str:
    node(model, "middle_conv").input[0] = "first"
    return "middle_conv"


def q_without_dq(model: onnx.ModelProto) -> str:
    q = q_of(model, "first")
    for one in model.graph.node:
        if one.op_type == "DequantizeLinear" and one.input[0] == q.output[0]:
            one.op_type, one.name = "Identity", "instead"
            del one.input[1:]
    return q.name


def an_opset_too_new(model: onnx.ModelProto) -> str:
    model.opset_import[0].version = 21
    return "-"


def no_fixed_shape(model: onnx.ModelProto) -> str:
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    return "picture"


PLANTED = (
    unsigned_zero_point,
    no_zero_point,
    shifted_zero_point,
    quantised_bias,
    computed_bias,
    wrong_axis,
    a_scale_a_channel_of_activations,
    different_scales,
    a_scale_of_zero,
    between_conv_and_relu,
    half_quantised,
    q_without_dq,
    an_opset_too_new,
    no_fixed_shape,
)


def test_what_quantise_makes_is_legal(legal: onnx.ModelProto) -> None:
    assert not list(illegal(legal))
    assert checked(legal, "small.onnx") is legal
    assert sum(one.op_type == "QuantizeLinear" for one in legal.graph.node) == 6


def test_a_network_in_floating_point_is_legal() -> None:
    assert not list(illegal(in_float()))


@pytest.mark.parametrize("file", [LOCATOR, GRADER])
def test_the_shipped_networks_are_legal(file: str) -> None:
    assert not list(illegal(onnx.load(SHIPPED / file)))


@pytest.mark.parametrize("plant", PLANTED, ids=lambda one: one.__name__)
def test_each_illegal_or_misread_layout_is_refused_with_node_and_remedy(
    plant: Callable[[onnx.ModelProto], str], legal: onnx.ModelProto
) -> None:
    model = onnx.ModelProto()
    model.CopyFrom(legal)
    name = plant(model)
    assert name in [fault.node for fault in illegal(model)]
    with pytest.raises(BadModel) as refused:
        checked(model, "small.onnx")
    assert all(part for part in (refused.value.key, refused.value.value, refused.value.remedy))
