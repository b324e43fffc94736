"""The engine that runs says what the graphs mean; where it does not, that is found."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from engines.build import hash_into_card
from engines.card import LOCATOR, SHIPPED, load
from engines.detector import EngineFault
from engines.evaluation.fidelity import fidelity
from engines.fields import AnnotatedField
from engines.golden import golden_field
from engines.openvino_engine import OpenVinoEngine
from engines.parity import prove
from engines.reference_engine import ReferenceEngine

HEAT_MAP = 0.02
FINDINGS = 0.02

UNREWRITTEN = """
import engines.openvino_engine as engine
from engines.int8.rewriting import Unsigned
engine.unsigned = lambda model: Unsigned(model, ())
"""
"""A runtime that gets the symmetric graph as it is."""


def constant(model: onnx.ModelProto, name: str) -> onnx.TensorProto:
    found: onnx.TensorProto = next(one for one in model.graph.initializer if one.name == name)
    return found


def put(model: onnx.ModelProto, name: str, value: np.ndarray) -> None:
    constant(model, name).CopyFrom(numpy_helper.from_array(value, name))


def weight_of(model: onnx.ModelProto, number: int) -> str:
    """The name of the weight, in float, of one of the rounded convolutions."""
    makers = {name: one for one in model.graph.node for name in one.output}
    convolutions = [one for one in model.graph.node if one.op_type == "Conv"]
    rounded = [one for one in convolutions if one.input[1] in makers]
    return str(makers[makers[rounded[number].input[1]].input[0]].input[0])


def wrong_scale(model: onnx.ModelProto) -> None:
    """Of what goes into one convolution: half of what it was calibrated to."""
    first = next(one for one in model.graph.node if one.op_type == "QuantizeLinear")
    put(model, first.input[1], numpy_helper.to_array(constant(model, first.input[1])) / 2)


def swapped_channels(model: onnx.ModelProto) -> None:
    """Red for blue: the first convolution, which is in float, reads them the other way round."""
    name = next(one for one in model.graph.node if one.op_type == "Conv").input[1]
    put(model, name, numpy_helper.to_array(constant(model, name))[:, ::-1].copy())


def truncated_weight(model: onnx.ModelProto) -> None:
    """The end of one weight's bytes is lost."""
    name = weight_of(model, 2)
    value = numpy_helper.to_array(constant(model, name)).copy()
    value.reshape(-1)[value.size // 2 :] = 0
    put(model, name, value)


@pytest.mark.parametrize("spoil", [wrong_scale, swapped_channels, truncated_weight])
def test_i11_a_network_that_is_not_the_proved_one_is_found(
    tmp_path: Path, spoil: Callable[[onnx.ModelProto], None]
) -> None:
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "model"))
    model = onnx.load(folder / LOCATOR)
    spoil(model)
    onnx.save(model, folder / LOCATOR)
    hash_into_card(folder, {"locator": LOCATOR})
    card = load(folder)
    with pytest.raises(EngineFault, match="golden field"):
        prove(OpenVinoEngine(card), card)


def test_the_engine_is_as_near_to_the_graphs_as_it_must_be() -> None:
    card = load(SHIPPED)
    picture = golden_field(card)
    field = AnnotatedField(
        folder="golden", name="golden", number=0, picture=picture,
        um_per_px=card.crop_pm_per_px / 1e6, annotated_px=(picture.shape[1], picture.shape[0]),
        points_px=np.empty((0, 2), np.float32), labels=np.empty(0, np.int64),
    )  # fmt: skip
    found = fidelity(OpenVinoEngine(card), ReferenceEngine(card), [field])
    assert found.findings_meant > 10
    assert found.heat_map_p99_9 <= HEAT_MAP
    assert abs(found.findings_ratio - 1) <= FINDINGS


def checked_on_an_old_cpu(folder: Path, change: str) -> dict[str, Any]:
    """`cytoedge engines check` where the runtime may not use VNNI."""
    (folder / "sitecustomize.py").write_text(change)
    environment = {
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "PYTHONPATH": os.pathsep.join([str(folder), str(Path.cwd())]),
    }
    done = subprocess.run(
        [sys.executable, "-m", "edge.cli", "engines", "check", "--engine", "openvino", "--json"],
        env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_the_symmetric_graph_as_it_is_fails_on_a_cpu_without_vnni_and_ours_does_not(
    tmp_path: Path,
) -> None:
    ours = checked_on_an_old_cpu(tmp_path, "")
    theirs = checked_on_an_old_cpu(tmp_path, UNREWRITTEN)
    assert ours["is_proved"]
    assert not theirs["is_proved"]
    assert "golden field" in theirs["fault"]
