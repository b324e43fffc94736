"""What networks are given, whatever they were given before, and what of theirs is believed."""

import numpy as np
import pytest

from engines.card import ModelCard
from engines.decode import CellMap, PeakMap
from engines.detector import EMBEDDING, Crops, EngineFault, Located, Tile
from engines.network_engine import NetworkEngine, Numbers


class Everywhere(NetworkEngine):
    """Networks that see a cell everywhere, and keep what they were given."""

    identity = "everywhere"

    def __init__(self, card: ModelCard) -> None:
        super().__init__(card)
        self.tiles: list[Tile] = []
        self.batches: list[tuple[Crops, Located]] = []
        height, width = (side // 4 for side in card.tile_px)
        self.maps_given = (
            np.ones((1, 1, height, width), np.float32),
            np.zeros((1, 5, height, width), np.float32),
        )
        classes = np.zeros((card.batch, len(card.classes)), np.float32)
        classes[:, 1] = 1
        self.grades_given = (classes, np.zeros((card.batch, EMBEDDING), np.float32))

    def _run_locator(self, tile: Tile) -> tuple[PeakMap, CellMap]:
        self.tiles.append(tile.copy())
        return self.maps_given

    def _run_grader(self, crops: Crops, located: Located) -> tuple[Numbers, Numbers]:
        self.batches.append((crops.copy(), located.copy()))
        return self.grades_given


@pytest.fixture
def engine(card: ModelCard) -> Everywhere:
    return Everywhere(card)


def test_beside_a_smaller_picture_a_tile_is_white_whatever_came_before(engine: Everywhere) -> None:
    for height, width in ((512, 640), (300, 200), (200, 300), (200, 300)):
        engine.locate(np.zeros((height, width, 3), np.uint8))
        tile = engine.tiles[-1]
        assert tile.shape == (512, 640, 3)
        assert not tile[:height, :width].any()
        assert (tile[height:] == 255).all()
        assert (tile[:, width:] == 255).all()


def test_no_candidate_lies_beside_the_picture(engine: Everywhere) -> None:
    seen = engine.locate(np.zeros((22, 36, 3), np.uint8))
    assert len(seen.located) == 6 * 9
    assert seen.centres_px.max(axis=0).tolist() == [34, 21.5]


def test_a_middle_beyond_the_edge_is_taken_to_the_edge(engine: Everywhere) -> None:
    engine.maps_given[1][:, :2] = -3
    seen = engine.locate(np.zeros((24, 36, 3), np.uint8))
    assert len(seen.located) == 6 * 9
    assert seen.centres_px.min(axis=0).tolist() == [0.5, 0.5]
    engine.maps_given[1][:, :2] = 3
    seen = engine.locate(np.zeros((24, 36, 3), np.uint8))
    assert seen.centres_px.max(axis=0).tolist() == [35.5, 23.5]


def test_a_last_batch_is_filled_with_white_whatever_came_before(
    engine: Everywhere, card: ModelCard
) -> None:
    crops = np.zeros((card.batch + 3, 96, 96, 3), np.uint8)
    grades = engine.grade(crops, np.ones((len(crops), 4), np.float32))
    assert len(grades.class_scores) == len(grades.embeddings) == len(crops)
    (first, told), (last, told_last) = engine.batches
    assert (first == 0).all()
    assert (told == 1).all()
    assert (last[:3] == 0).all()
    assert (last[3:] == 255).all()
    assert told_last.sum(axis=1).tolist() == [4] * 3 + [0] * (card.batch - 3)


def test_no_crop_is_no_batch(engine: Everywhere) -> None:
    none = np.zeros((0, 96, 96, 3), np.uint8)
    assert engine.grade(none, np.zeros((0, 4), np.float32)).embeddings.shape == (0, EMBEDDING)
    assert not engine.batches


@pytest.mark.parametrize(
    "shapes",
    [
        ((1, 1, 128, 80), (1, 5, 128, 80)),
        ((1, 1, 128, 160), (1, 4, 128, 160)),
        ((1, 1, 128, 160), (1, 5, 64, 160)),
        ((1, 128, 160), (1, 5, 128, 160)),
    ],
)
def test_maps_that_do_not_fit_the_card_are_a_fault(
    engine: Everywhere, shapes: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    peaks, cells = shapes
    engine.maps_given = np.zeros(peaks, np.float32), np.zeros(cells, np.float32)
    with pytest.raises(EngineFault, match="do not fit the card"):
        engine.locate(np.zeros((512, 640, 3), np.uint8))


@pytest.mark.parametrize(
    ("classes", "embedding", "problem"),
    [
        (np.full((16, 7), 1 / 7), np.zeros((16, 63)), "do not fit the card"),
        (np.full((16, 3), 1 / 3), np.zeros((16, 64)), "do not fit the card"),
        (np.full((15, 7), 1 / 7), np.zeros((16, 64)), "do not fit the card"),
        (np.full((16, 7), 1 / 8), np.zeros((16, 64)), "no probabilities"),
        (np.full((16, 7), np.nan), np.zeros((16, 64)), "no probabilities"),
        (np.full((16, 7), np.inf), np.zeros((16, 64)), "no probabilities"),
        (np.tile([2, -1, 0, 0, 0, 0, 0], (16, 1)), np.zeros((16, 64)), "no probabilities"),
        (np.full((16, 7), 1 / 7), np.full((16, 64), np.inf), "none at all"),
    ],
)
def test_grades_that_are_none_are_a_fault(
    engine: Everywhere, classes: Numbers, embedding: Numbers, problem: str
) -> None:
    engine.grades_given = classes.astype(np.float32), embedding.astype(np.float32)
    with pytest.raises(EngineFault, match=problem):
        engine.grade(np.zeros((2, 96, 96, 3), np.uint8), np.zeros((2, 4), np.float32))
