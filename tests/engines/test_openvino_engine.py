import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from engines.build import build, hash_into_card
from engines.card import SHIPPED, ModelCard, load
from engines.detect import detect
from engines.detector import BadModel, Candidates, Detections, EngineFault, Tile
from engines.golden import golden_field, halved, whole_field
from engines.idle_engine import IdleEngine
from engines.network_engine import NetworkEngine
from engines.openvino_engine import OpenVinoEngine
from engines.parity import prove, reference, say
from engines.reference_engine import ReferenceEngine


def cells(engine: NetworkEngine, field: np.ndarray) -> Detections:
    return detect(engine, engine.card, *halved(field, engine.card))


def same(one: Detections, other: Detections) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("centres_px", "scores", "class_scores", "embeddings")
    )


def changed(folder: Path, file: str, constant: str, factor: float) -> None:
    """Another network under a card that says it is right."""
    model = onnx.load(folder / file)
    weights = next(one for one in model.graph.initializer if one.name == constant)
    values = numpy_helper.to_array(weights) * np.float32(factor)
    weights.CopyFrom(numpy_helper.from_array(values.astype(np.float32), weights.name))
    onnx.save(model, folder / file)
    with pytest.raises(BadModel, match="was changed"):
        load(folder)
    hash_into_card(folder, {file.removesuffix(".onnx"): file})


def test_i11_the_shipped_model_is_proved_on_this_machine() -> None:
    card = load(SHIPPED)
    engine = OpenVinoEngine(card)
    proof = prove(engine, card)
    assert 0.98 * len(reference(card).peaks) <= proof.matched > 10
    assert proof.difference <= card.tolerance / 10_000
    assert proof.engine == engine.identity
    assert card.hashes.locator[:12] in proof.engine
    assert card.hashes.grader[:12] in proof.engine


def test_the_shipped_models_reference_is_what_the_unoptimised_graphs_give() -> None:
    card = load(SHIPPED)
    assert prove(ReferenceEngine(card), card).difference < 1e-4


def test_i11_a_whole_model_is_proved(engine: OpenVinoEngine, card: ModelCard) -> None:
    assert prove(engine, card).matched == len(reference(card).peaks) == 80
    assert prove(ReferenceEngine(card), card).difference < 1e-6


@pytest.mark.parametrize("what", ["peaks", "tiers", "classes"])
def test_i11_an_altered_reference_is_no_proof(
    folder: Path, engine: OpenVinoEngine, what: str
) -> None:
    said = json.loads((folder / "golden.json").read_text())
    if what == "peaks":
        said[what][0] -= 0.01
    else:
        said[what][0][0] += 0.01
    (folder / "golden.json").write_text(json.dumps(said))
    with pytest.raises(BadModel):
        prove(engine, engine.card.model_copy(update={"folder": folder}))
    hash_into_card(folder, {"reference": "golden.json"})
    with pytest.raises(EngineFault, match="does not see what the model means"):
        prove(engine, load(folder))


def test_i11_a_candidate_that_only_one_side_has_is_no_proof_unless_it_is_at_the_edge(
    folder: Path, engine: OpenVinoEngine
) -> None:
    said = json.loads((folder / "golden.json").read_text())
    for column in said.values():
        del column[7]
    (folder / "golden.json").write_text(json.dumps(said))
    hash_into_card(folder, {"reference": "golden.json"})
    less = load(folder)
    with pytest.raises(EngineFault, match="candidate at"):
        prove(engine, less)
    peak = round(10_000 * float(say(engine, less).peaks[7]))
    assert prove(engine, less.model_copy(update={"min_candidate": peak})).matched > 0


class Elsewhere(OpenVinoEngine):
    """Sees some of the candidates a cell of the map away, a few with another peak."""

    def __init__(self, card: ModelCard, rows: int, peak_by: float = 0.0) -> None:
        super().__init__(card)
        self._rows, self._peak_by = rows, peak_by

    def locate(self, tile: Tile) -> Candidates:
        seen = super().locate(tile)
        places, located = seen.centres_px.copy(), seen.located.copy()
        places[: self._rows, 0] += 4.0
        located[: self._rows, 0] += self._peak_by
        return replace(seen, centres_px=places, located=located)


@pytest.mark.parametrize(
    ("rows", "peak_by", "refused_for"),
    [
        (1, 0.0, None),
        (8, 0.0, None),
        (9, 0.0, "71 of 80"),
        (1, 1.0, "candidate at"),
    ],
)
def test_i11_a_neighbour_of_the_same_peak_is_forgiven_as_long_as_nine_in_ten_match(
    card: ModelCard, rows: int, peak_by: float, refused_for: str | None
) -> None:
    engine = Elsewhere(card, rows, peak_by)
    if refused_for is None:
        assert prove(engine, card).matched == 80 - rows
    else:
        with pytest.raises(EngineFault, match=refused_for):
            prove(engine, card)


@pytest.mark.parametrize(("by_px", "is_proved"), [(0.4, True), (1.1, False), (4.1, False)])
def test_i11_a_place_may_differ_by_less_than_a_pixel(
    card: ModelCard, by_px: float, *, is_proved: bool
) -> None:
    class Beside(OpenVinoEngine):
        def locate(self, tile: Tile) -> Candidates:
            seen = super().locate(tile)
            return replace(seen, centres_px=seen.centres_px + np.float32(by_px))

    if is_proved:
        assert prove(Beside(card), card).difference < 1e-5
    else:
        with pytest.raises(EngineFault, match="candidate"):
            prove(Beside(card), card)


@pytest.mark.parametrize(
    ("file", "constant"),
    [("locator.onnx", "weights"), ("locator.onnx", "scale"), ("grader.onnx", "told")],
)
def test_i11_other_weights_are_no_proof(folder: Path, file: str, constant: str) -> None:
    changed(folder, file, constant, 1.2)
    other = load(folder)
    with pytest.raises(EngineFault, match="does not see what the model means"):
        prove(OpenVinoEngine(other), other)


def test_i11_an_engine_that_sees_nothing_is_never_proved(card: ModelCard) -> None:
    with pytest.raises(EngineFault):
        prove(IdleEngine(card), card)


def test_a_field_gives_the_same_bits_twice_and_after_other_fields(
    engine: OpenVinoEngine, card: ModelCard
) -> None:
    golden = golden_field(card)
    first = cells(engine, golden)
    noise = np.random.default_rng(5).integers(0, 256, golden.shape, dtype=np.uint8)
    cells(engine, noise)
    cells(engine, np.full_like(golden, 255))
    assert same(cells(engine, golden), first)
    assert same(cells(OpenVinoEngine(card), golden), first)


def test_a_last_batch_gives_the_same_numbers_whatever_the_batch_before_held(
    engine: OpenVinoEngine, card: ModelCard
) -> None:
    chance = np.random.default_rng(6)
    crops = chance.integers(0, 256, (2 * card.batch + 3, 96, 96, 3), dtype=np.uint8)
    located = chance.normal(size=(len(crops), 4)).astype(np.float32)
    whole = engine.grade(crops, located)
    last = engine.grade(crops[-3:], located[-3:])
    assert np.array_equal(whole.class_scores[-3:], last.class_scores)
    assert np.array_equal(whole.embeddings[-3:], last.embeddings)


def test_blank_glass_holds_no_candidate() -> None:
    card = load(SHIPPED)
    engine = OpenVinoEngine(card)
    for level in (230, 255):
        blank = np.full((*card.tile_px, 3), level, np.uint8)
        assert len(engine.locate(blank).located) == 0


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((520, 640, 3), np.uint8),
        np.zeros((512, 648, 3), np.uint8),
        np.zeros((512, 640, 3), np.float32),
        np.zeros((256, 320, 3), np.float32),
        np.zeros((512, 640, 4), np.uint8),
        np.zeros((512, 640), np.uint8),
    ],
)
def test_a_picture_that_does_not_fit_is_a_fault(
    engine: OpenVinoEngine, picture: np.ndarray
) -> None:
    with pytest.raises(EngineFault, match="the engine takes uint8"):
        engine.locate(picture)


@pytest.mark.parametrize(
    ("crops", "located"),
    [
        (np.zeros((2, 96, 95, 3), np.uint8), np.zeros((2, 4), np.float32)),
        (np.zeros((2, 96, 96, 3), np.float32), np.zeros((2, 4), np.float32)),
        (np.zeros((2, 96, 96, 3), np.uint8), np.zeros((3, 4), np.float32)),
        (np.zeros((2, 96, 96, 3), np.uint8), np.zeros((2, 3), np.float32)),
        (np.zeros((2, 96, 96, 3), np.uint8), np.zeros((2, 4), np.float64)),
    ],
)
def test_crops_that_do_not_fit_are_a_fault(
    engine: OpenVinoEngine, crops: np.ndarray, located: np.ndarray
) -> None:
    with pytest.raises(EngineFault, match="the engine takes"):
        engine.grade(crops, located)


def test_numbers_that_are_no_probabilities_are_a_fault(
    engine: OpenVinoEngine, card: ModelCard
) -> None:
    crops = np.zeros((1, 96, 96, 3), np.uint8)
    with pytest.raises(EngineFault, match="no probabilities"):
        engine.grade(crops, np.full((1, 4), np.nan, np.float32))


@pytest.mark.parametrize("file", ["locator.onnx", "grader.onnx"])
def test_a_model_that_is_none_is_refused(folder: Path, file: str) -> None:
    (folder / file).write_bytes(b"no model")
    hash_into_card(folder, {file.removesuffix(".onnx"): file})
    with pytest.raises(BadModel, match="is no network"):
        OpenVinoEngine(load(folder))


def test_networks_in_each_others_place_are_a_fault(folder: Path, tmp_path: Path) -> None:
    locator, grader = folder / "locator.onnx", folder / "grader.onnx"
    aside = tmp_path / "aside"
    shutil.move(locator, aside)
    shutil.move(grader, locator)
    shutil.move(aside, grader)
    hash_into_card(folder, {"locator": "locator.onnx", "grader": "grader.onnx"})
    card = load(folder)
    with pytest.raises(EngineFault, match="inference failed"):
        prove(OpenVinoEngine(card), card)


@pytest.mark.parametrize(
    ("pattern", "by"),
    [("tile_px = [512, 640]", "tile_px = [512, 1280]"), ("batch = 16", "batch = 8")],
)
def test_a_network_that_its_card_does_not_fit_is_a_fault(
    folder: Path, pattern: str, by: str
) -> None:
    text = (folder / "card.toml").read_text()
    assert pattern in text
    (folder / "card.toml").write_text(text.replace(pattern, by))
    card = load(folder)
    with pytest.raises(EngineFault):
        prove(OpenVinoEngine(card), card)


@pytest.mark.parametrize("file", ["locator.onnx", "grader.onnx"])
def test_a_model_changed_after_its_card_was_read_is_refused(folder: Path, file: str) -> None:
    card = load(folder)
    with (folder / file).open("ab") as model:
        model.write(b"\0")
    with pytest.raises(BadModel, match="was changed since"):
        OpenVinoEngine(card)


def test_building_again_changes_nothing(folder: Path, card: ModelCard) -> None:
    before = (folder / "card.toml").read_bytes()
    assert build(folder).hashes == card.hashes
    assert (folder / "card.toml").read_bytes() == before


def test_a_golden_field_over_two_tiles_is_refused(card: ModelCard, tmp_path: Path) -> None:
    import cv2

    cv2.imwrite(str(tmp_path / "golden.png"), np.zeros((1026, 1280, 3), np.uint8))
    with pytest.raises(BadModel, match="too large"):
        golden_field(_with_golden(card, tmp_path))


def test_speed_is_measured_on_a_field_that_fills_two_tiles(card: ModelCard) -> None:
    field = whole_field(card)
    assert field.shape == (1024, 1280, 3)
    assert (field[512:, 640:] == golden_field(card)).all()


def test_a_machine_without_torch_and_tensorrt_runs_everything_that_serves() -> None:
    names = ("torch", "onnxruntime", "tensorrt", "pycuda")
    program = (
        f"import sys\nfor name in {names}: sys.modules[name] = None\n"
        "import engines.commands, engines.card, engines.parity, engines.openvino_engine\n"
        "import engines.detect, engines.idle_engine, engines.reference_engine\n"
        "assert 'openvino' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def _with_golden(card: ModelCard, folder: Path) -> ModelCard:
    from engines.card import sha256_of

    hashes = card.hashes.model_copy(update={"golden": sha256_of(folder / "golden.png")})
    return card.model_copy(update={"folder": folder, "hashes": hashes})
