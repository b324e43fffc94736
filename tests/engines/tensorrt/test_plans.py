"""Plans are built by TensorRT-RTX, whose parser and builder need no GPU."""

import gc
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest

from engines.card import GRADER, LOCATOR, SHIPPED
from engines.detector import EngineFault
from engines.tensorrt.library import tensorrt
from engines.tensorrt.plans import Gpu, build, plan
from tests.engines.int8.small_network import in_8_bits, in_float
from tests.engines.int8.test_layout import (
    no_zero_point,
    quantised_bias,
    shifted_zero_point,
    unsigned_zero_point,
)

GPU = Gpu("A card", "8.9", "13.0")


@pytest.fixture(scope="module")
def trt() -> Any:
    try:
        return tensorrt()
    except EngineFault as fault:
        pytest.skip(str(fault))


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return bytes(in_8_bits(tmp_path_factory.mktemp("network")).SerializeToString())


@pytest.mark.parametrize("file", [LOCATOR, GRADER])
def test_tensorrt_takes_the_shipped_networks(trt: Any, file: str) -> None:
    made, timings = build(trt, (SHIPPED / file).read_bytes(), b"")
    assert len(made) > 1_000
    assert isinstance(timings, bytes)


def test_tensorrt_takes_what_quantise_makes(trt: Any, network: bytes) -> None:
    assert len(build(trt, network, b"")[0]) > 1_000


@pytest.mark.parametrize("plant", [shifted_zero_point, quantised_bias])
def test_what_tensorrt_refuses_is_told_in_its_own_words(
    trt: Any, network: bytes, plant: Any
) -> None:
    model = onnx.ModelProto.FromString(network)
    plant(model)
    with pytest.raises(EngineFault) as refused:
        build(trt, model.SerializeToString(), b"")
    assert refused.value.key == "tensorrt parse"
    assert "said nothing" not in refused.value.problem


@pytest.mark.parametrize("plant", [unsigned_zero_point, no_zero_point])
def test_what_our_own_check_is_for_tensorrt_takes_without_a_word(
    trt: Any, network: bytes, plant: Any
) -> None:
    """Uint8 is read as int8: the day this fails, a rule of the check has no reason any more."""
    model = onnx.ModelProto.FromString(network)
    plant(model)
    assert build(trt, model.SerializeToString(), b"")[0]


def test_no_garbage_is_collected_while_tensorrt_may_call_the_logger(trt: Any) -> None:
    """A dead builder's end would wait for the lock that the logger is called under."""
    seen: list[bool] = []

    def builder(logger: Any) -> Any:
        seen.append(gc.isenabled())
        return trt.Builder(logger)

    names = ("ILogger", "NetworkDefinitionCreationFlag", "OnnxParser")
    watched = SimpleNamespace(Builder=builder, **{name: getattr(trt, name) for name in names})
    with pytest.raises(EngineFault):
        build(watched, b"no network", b"")
    assert (seen, gc.isenabled()) == ([False], True)


def test_a_plan_is_built_once_and_found_again(trt: Any, network: bytes, tmp_path: Path) -> None:
    first = plan(trt, network, GPU, tmp_path)
    assert first.note == "no plan was there"
    again = plan(trt, network, GPU, tmp_path)
    assert (again.note, again.content) == ("", first.content)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (replace(GPU, name="Another card"), "another GPU: A card, not Another card"),
        (replace(GPU, capability="7.5"), "another GPU's capability: 8.9, not 7.5"),
        (replace(GPU, driver="12.4"), "another driver: 13.0, not 12.4"),
    ],
)
def test_a_plan_for_another_gpu_is_built_again(
    trt: Any, network: bytes, tmp_path: Path, other: Gpu, told: str
) -> None:
    plan(trt, network, GPU, tmp_path)
    assert told in plan(trt, network, other, tmp_path).note
    assert plan(trt, network, other, tmp_path).note == ""


def test_a_truncated_or_changed_plan_is_never_loaded(
    trt: Any, network: bytes, tmp_path: Path
) -> None:
    whole = plan(trt, network, GPU, tmp_path)
    (path,) = tmp_path.glob("*.plan")
    path.write_bytes(whole.content[: len(whole.content) // 2])
    assert "another content" in plan(trt, network, GPU, tmp_path).note
    path.write_bytes(whole.content[:-1] + bytes([whole.content[-1] ^ 1]))
    assert "another content" in plan(trt, network, GPU, tmp_path).note


def test_another_network_or_tensorrt_is_another_plan(
    trt: Any, network: bytes, tmp_path: Path
) -> None:
    plan(trt, network, GPU, tmp_path)
    other = in_float(seed=3).SerializeToString()
    assert plan(trt, other, GPU, tmp_path).note == "no plan was there"
    for note in tmp_path.glob("*.json"):
        note.write_text(json.dumps(json.loads(note.read_text()) | {"tensorrt": "9.0"}))
    assert "another TensorRT: 9.0" in plan(trt, network, GPU, tmp_path).note


@pytest.mark.parametrize("note", ["", "{", "[]", '{"gpu": 1}'])
def test_an_unreadable_note_is_no_plan(trt: Any, network: bytes, tmp_path: Path, note: str) -> None:
    plan(trt, network, GPU, tmp_path)
    (path,) = tmp_path.glob("*.json")
    path.write_text(note)
    assert plan(trt, network, GPU, tmp_path).note == "the plan's note was unreadable"


def test_a_folder_that_cannot_be_written_is_done_without(
    trt: Any, network: bytes, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    made = plan(trt, network, GPU, tmp_path / "file" / "plans")
    assert made.content
    assert "not kept" in made.note


def test_rubbish_timings_are_done_without(trt: Any, network: bytes) -> None:
    assert build(trt, network, np.arange(100, dtype=np.uint8).tobytes())[0]
