import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from engines.card import GRADER, LOCATOR, ModelCard
from engines.detect import detect
from engines.detector import BadModel, EngineFault
from engines.golden import golden_field, halved, whole_field
from engines.parity import prove
from engines.tensorrt.engine import TensorRtEngine
from engines.tensorrt.plans import For, Gpu
from tests.engines.tensorrt.host import HostCuda, HostTrt

GPU = Gpu("The host", "0.0", "0.0")


def plans_of(card: ModelCard, folder: Path) -> Path:
    """A folder that holds the networks themselves for plans."""
    folder.mkdir()
    for file in (LOCATOR, GRADER):
        content = (card.folder / file).read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        (folder / f"{sha256[:16]}.plan").write_bytes(content)
        note = asdict(For(sha256, HostTrt.__version__, GPU, sha256))
        (folder / f"{sha256[:16]}.json").write_text(json.dumps(note))
    return folder


def engine(card: ModelCard, folder: Path, broken: str = "") -> TensorRtEngine:
    cuda = HostCuda()
    return TensorRtEngine(card, HostTrt(cuda, broken), cuda, GPU, plans_of(card, folder / "plans"))


def test_what_surrounds_the_gpu_gives_what_the_model_means(card: ModelCard, tmp_path: Path) -> None:
    made = engine(card, tmp_path)
    proof = prove(made, card)
    assert proof.matched > 10
    assert proof.difference < 1e-3
    assert made.notes == ()
    for word in ("plan", "host_trt 1.0", "the host", "The host 0.0 driver 0.0"):
        assert word in made.identity


def test_small_and_whole_pictures_take_turns_and_none_sees_what_is_left_of_another(
    card: ModelCard, tmp_path: Path
) -> None:
    made = engine(card, tmp_path)
    small, whole = golden_field(card)[:300, :400], whole_field(card)
    first = [detect(made, card, *halved(field, card)) for field in (small, whole)]
    again = [detect(made, card, *halved(field, card)) for field in (whole, small)]
    for one, other in zip(first, reversed(again), strict=True):
        assert np.array_equal(one.centres_px, other.centres_px)
        assert np.array_equal(one.class_scores, other.class_scores)


def test_every_run_is_one_launch(card: ModelCard, tmp_path: Path) -> None:
    cuda = HostCuda()
    made = TensorRtEngine(card, HostTrt(cuda), cuda, GPU, plans_of(card, tmp_path / "plans"))
    tile, _ = halved(golden_field(card), card)
    made.locate(tile)
    assert cuda.launches == 1
    made.close()
    assert cuda.is_closed


@pytest.mark.parametrize(
    "call",
    [
        "deserialize_cuda_engine",
        "create_execution_context",
        "set_tensor_address",
        "execute_async_v3",
    ],
)
def test_every_call_that_fails_is_told(card: ModelCard, tmp_path: Path, call: str) -> None:
    with pytest.raises(EngineFault) as fault:
        engine(card, tmp_path, broken=call)
    assert call in fault.value.key
    if call == "deserialize_cuda_engine":
        assert "another GPU" in fault.value.problem


def test_a_plan_without_fixed_shapes_is_refused(card: ModelCard, tmp_path: Path) -> None:
    with pytest.raises(EngineFault, match="no fixed shape"):
        engine(card, tmp_path, broken="shape")


def test_a_card_that_lies_about_its_input_is_refused(card: ModelCard, tmp_path: Path) -> None:
    lying = card.model_copy(update={"batch": card.batch + 1})
    with pytest.raises(BadModel, match="input crops"):
        engine(lying, tmp_path)


def test_a_file_that_was_changed_since_its_card_was_read_is_refused(
    card: ModelCard, tmp_path: Path
) -> None:
    hashes = card.hashes.model_copy(update={"grader": "0" * 64})
    with pytest.raises(BadModel, match="was changed"):
        engine(card.model_copy(update={"hashes": hashes}), tmp_path)
