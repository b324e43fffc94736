from pathlib import Path

import pytest

from engines.card import ModelCard
from engines.choose import chosen
from engines.detector import EngineFault
from engines.parity import prove
from engines.tensorrt.probe import probed

NO_GPU = probed().problem


@pytest.mark.skipif(not NO_GPU, reason="a GPU is here")
def test_without_a_gpu_the_cpu_serves_and_says_why(card: ModelCard, tmp_path: Path) -> None:
    found = chosen(card, "auto", 1, tmp_path, lambda engine: prove(engine, card))
    assert "openvino" in found.engine.identity
    assert NO_GPU in found.cpu_because


@pytest.mark.skipif(not NO_GPU, reason="a GPU is here")
def test_a_gpu_that_was_asked_for_is_not_replaced_in_silence(
    card: ModelCard, tmp_path: Path
) -> None:
    with pytest.raises(EngineFault) as fault:
        chosen(card, "tensorrt", 1, tmp_path, lambda engine: None)
    assert NO_GPU in fault.value.problem
    assert "openvino" in fault.value.remedy


def test_the_cpu_where_the_settings_say_so(card: ModelCard, tmp_path: Path) -> None:
    found = chosen(card, "openvino", 1, tmp_path, lambda engine: None)
    assert found.cpu_because == "the settings say so"


def test_no_engine_that_is_not_right_serves(card: ModelCard, tmp_path: Path) -> None:
    def is_right(_engine: object) -> None:
        raise EngineFault("golden field", "0.5", "does not see what the model means", "Stop")

    with pytest.raises(EngineFault, match="does not see"):
        chosen(card, "auto", 1, tmp_path, is_right)
