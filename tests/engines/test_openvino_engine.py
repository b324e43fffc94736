import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from engines.build import build, hash_into_card
from engines.card import MODELS, ModelCard, load
from engines.detector import BadModel, Detections, EngineFault
from engines.idle_engine import IdleEngine
from engines.openvino_engine import OpenVinoEngine
from engines.parity import golden_tile, prove, reference
from engines.reference_engine import ReferenceEngine

SHIPPED = MODELS / "cervical-1"


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return load(SHIPPED)


@pytest.fixture(scope="module")
def engine(card: ModelCard) -> OpenVinoEngine:
    return OpenVinoEngine(card)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "model"))


def same(one: Detections, other: Detections) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("centres_px", "scores", "class_scores")
    )


def test_i11_the_shipped_model_is_proved_on_this_machine(
    engine: OpenVinoEngine, card: ModelCard
) -> None:
    proof = prove(engine, card)
    assert proof.matched == len(reference(card).scores) > 10
    assert proof.score_difference <= card.tolerance / 10_000
    assert proof.engine == engine.identity


def test_i11_an_altered_reference_is_no_proof(folder: Path, engine: OpenVinoEngine) -> None:
    said = json.loads((folder / "golden.json").read_text())
    said["scores"][0] -= 0.05
    (folder / "golden.json").write_text(json.dumps(said))
    with pytest.raises(BadModel):
        prove(engine, engine.card.model_copy(update={"folder": folder}))
    hash_into_card(folder, {"reference": "golden.json"})
    with pytest.raises(EngineFault, match="does not see what the model means"):
        prove(engine, load(folder))


def test_i11_other_weights_are_no_proof(folder: Path) -> None:
    model = onnx.load(folder / "model.onnx")
    weights = next(one for one in model.graph.initializer if one.name == "s16a_conv_weight")
    changed = numpy_helper.to_array(weights) * np.float32(1.2)
    weights.CopyFrom(numpy_helper.from_array(changed.astype(np.float32), weights.name))
    onnx.save(model, folder / "model.onnx")
    with pytest.raises(BadModel, match="was changed"):
        load(folder)
    hash_into_card(folder, {"model": "model.onnx"})
    other = load(folder)
    with pytest.raises(EngineFault, match="does not see what the model means"):
        prove(OpenVinoEngine(other), other)


def test_i11_an_engine_that_sees_nothing_is_never_proved(card: ModelCard) -> None:
    with pytest.raises(EngineFault):
        prove(IdleEngine(len(card.classes)), card)


def test_a_tile_gives_the_same_bits_twice_and_after_other_tiles(
    engine: OpenVinoEngine, card: ModelCard
) -> None:
    golden = golden_tile(card)
    first = engine.detect(golden)
    noise = np.random.default_rng(5).integers(0, 256, golden.shape, dtype=np.uint8)
    engine.detect(noise)
    engine.detect(np.full_like(golden, 255))
    assert same(engine.detect(golden), first)
    assert same(OpenVinoEngine(card).detect(golden), first)


def test_blank_glass_holds_no_cell(engine: OpenVinoEngine, card: ModelCard) -> None:
    for level in (0, 128, 200, 230, 255):
        blank = np.full((*card.tile_px, 3), level, np.uint8)
        assert len(engine.detect(blank).scores) == 0


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((1040, 1232, 3), np.uint8),
        np.zeros((1024, 1248, 3), np.uint8),
        np.zeros((1024, 1232, 3), np.float32),
        np.zeros((512, 640, 3), np.float32),
        np.zeros((1024, 1232, 4), np.uint8),
    ],
)
def test_a_picture_that_does_not_fit_is_a_fault(
    engine: OpenVinoEngine, picture: np.ndarray
) -> None:
    with pytest.raises(EngineFault, match="the engine takes uint8"):
        engine.detect(picture)


def test_a_smaller_picture_is_padded_with_white_whatever_came_before(
    engine: OpenVinoEngine, card: ModelCard
) -> None:
    golden = golden_tile(card)
    expected = engine.detect(golden)
    engine.detect(np.zeros((700, 900, 3), np.uint8))
    assert same(engine.detect(golden[:512, :640]), expected)


def test_a_model_that_is_none_is_refused(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"no model")
    hash_into_card(folder, {"model": "model.onnx"})
    with pytest.raises(BadModel, match="refuses the model"):
        OpenVinoEngine(load(folder))


def test_a_model_changed_after_its_card_was_read_is_refused(folder: Path) -> None:
    card = load(folder)
    with (folder / "model.onnx").open("ab") as model:
        model.write(b"\0")
    with pytest.raises(BadModel, match="was changed since"):
        OpenVinoEngine(card)


def test_the_reference_is_what_the_unoptimised_graph_gives(card: ModelCard) -> None:
    assert prove(ReferenceEngine(card), card).score_difference < 1e-4


def test_building_again_changes_nothing(folder: Path) -> None:
    before = (folder / "card.toml").read_bytes()
    assert build(folder).hashes == load(SHIPPED).hashes
    assert (folder / "card.toml").read_bytes() == before


def test_a_machine_without_torch_onnx_and_tensorrt_runs_everything_that_serves() -> None:
    names = ("torch", "onnx", "onnxruntime", "tensorrt", "pycuda")
    program = (
        f"import sys\nfor name in {names}: sys.modules[name] = None\n"
        "import engines.commands, engines.card, engines.parity, engines.openvino_engine\n"
        "import engines.evaluate, engines.idle_engine, engines.reference_engine\n"
        "assert 'openvino' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
