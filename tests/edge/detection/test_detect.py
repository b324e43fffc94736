"""Detections become findings on the slide: placed, graded, cut into tiles."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from drivers.scanner.words import Purpose
from edge.detection.basis import basis
from edge.detection.crops import CROPS_A_CLASS, crops
from edge.detection.detect import HALO_PX, detect
from edge.detection.grade import Bar, bars, reached, severity
from edge.slide.finding import MAX_FINDINGS, Column, finding, no_findings
from edge.slide.place import Rectangle
from edge.slide.plan import Plan, PlannedField
from edge.verdict import system
from engines import card as cards
from engines.detector import Detections, Tile

CARD = cards.load(cards.MODELS / "cervical-1")
TILE = CARD.tile_px
BARS = (Bar(2, (1, 2), 5_000), Bar(4, (2,), 6_000))


class Marks:
    """An engine that sees every black pixel of a white picture, as the picture says."""

    identity = "marks"

    def __init__(self, class_scores: Sequence[float] = (0.1, 0.2, 0.7)) -> None:
        self._class_scores = np.array(class_scores, np.float32)
        self.sizes: list[tuple[int, int]] = []

    def detect(self, picture: Tile) -> Detections:
        self.sizes.append((picture.shape[0], picture.shape[1]))
        y, x = np.nonzero(picture[:, :, 0] == 0)
        centres = np.stack([x + 0.5, y + 0.5], axis=1).astype(np.float32)
        scores = np.linspace(0.9, 0.5, len(x), dtype=np.float32)
        return Detections(centres, scores, np.tile(self._class_scores, (len(x), 1)))


def white(height: int, width: int) -> npt.NDArray[np.uint8]:
    return np.full((height, width, 3), 255, np.uint8)


def test_an_empty_picture_has_no_findings() -> None:
    seen = detect(white(64, 64), Rectangle(0, 0, 32_000, 32_000), Marks(), CARD, BARS)
    assert seen.findings.shape == no_findings(3).shape
    assert not seen.truncated


def test_a_pixel_is_placed_where_it_lies_on_the_slide() -> None:
    picture = white(1_000, 1_200)
    picture[10, 20] = 0
    place = Rectangle(7_000_000, 5_000_000, 600_000, 500_000)
    (row,) = detect(picture, place, Marks(), CARD, BARS).findings
    found = finding(row)
    assert (found.x_nm, found.y_nm) == (6_700_000 + 10_250, 4_750_000 + 5_250)
    assert (found.w_nm, found.h_nm) == (CARD.box_nm, CARD.box_nm)
    assert found.class_scores == (1_000, 2_000, 7_000)
    assert (found.class_, found.score, found.severity) == (2, 9_000, 4)
    assert found.reached == 1 << 2 | 1 << 4


@pytest.mark.parametrize("size", [TILE, (TILE[0] + 1, TILE[1]), (3_000, 2_900), (500, 5_000)])
def test_a_picture_larger_than_a_tile_gives_every_cell_once(size: tuple[int, int]) -> None:
    chance = np.random.default_rng(1)
    picture = white(*size)
    cells = {
        (int(y), int(x))
        for y, x in zip(
            chance.integers(0, size[0], 200), chance.integers(0, size[1], 200), strict=True
        )
    }
    for y, x in cells:
        picture[y, x] = 0
    engine = Marks()
    place = Rectangle(0, 0, 1_000 * size[1], 1_000 * size[0])
    seen = detect(picture, place, engine, CARD, BARS).findings
    places = {
        (
            int(row[Column.Y_NM] - place.top_nm) // 1_000,
            int(row[Column.X_NM] - place.left_nm) // 1_000,
        )
        for row in seen
    }
    assert len(seen) == len(cells)
    assert places == cells
    assert all(h <= TILE[0] and w <= TILE[1] for h, w in engine.sizes)
    assert HALO_PX > 0


def test_the_best_are_kept_where_there_are_too_many() -> None:
    picture = white(100, 100)
    picture[::1, ::2] = 0
    seen = detect(picture, Rectangle(0, 0, 50_000, 50_000), Marks(), CARD, BARS)
    assert len(seen.findings) == MAX_FINDINGS
    assert seen.truncated
    scores = seen.findings[:, Column.SCORE]
    assert (np.diff(scores) <= 0).all()


def test_findings_do_not_depend_on_the_order_of_detections() -> None:
    class Backwards(Marks):
        def detect(self, picture: Tile) -> Detections:
            seen = super().detect(picture)
            same = np.full(len(seen.scores), 0.5, np.float32)
            return Detections(seen.centres_px[::-1], same, seen.class_scores[::-1])

    class Forwards(Marks):
        def detect(self, picture: Tile) -> Detections:
            seen = super().detect(picture)
            return Detections(
                seen.centres_px, np.full(len(seen.scores), 0.5, np.float32), seen.class_scores
            )

    picture = white(80, 80)
    picture[3::7, 5::9] = 0
    place = Rectangle(0, 0, 40_000, 40_000)
    one, other = (detect(picture, place, e, CARD, BARS).findings for e in (Forwards(), Backwards()))
    assert np.array_equal(one, other)


def test_a_category_is_reached_by_the_sum_of_it_and_worse() -> None:
    scores = np.array([[5_001, 4_999, 0], [5_000, 0, 5_000], [0, 4_100, 5_900], [0, 0, 6_000]])
    bits = reached(scores.astype(np.int32), BARS)
    assert bits.tolist() == [0, 1 << 2, 1 << 2, 1 << 2 | 1 << 4]
    assert severity(bits).tolist() == [0, 2, 2, 4]


def test_bars_come_from_the_card_and_its_category_system() -> None:
    bethesda = system.load(CARD.system)
    severities = {category.name: category.severity for category in bethesda.categories}
    found = bars(
        basis(CARD, Purpose.SIMULATION, {}),
        severities,
        lambda name: [c.name for c in bethesda.and_worse(name)],
    )
    by_severity = {bar.severity: bar for bar in found}
    assert by_severity[severities["LSIL"]].classes == (1, 2)
    assert by_severity[severities["HSIL"]].classes == (2,)


def test_the_best_of_each_class_are_cropped_inside_the_picture() -> None:
    picture = white(400, 500)
    picture[0, 0] = picture[399, 499] = 0
    picture[20:380:10, 250] = 0
    place = Rectangle(0, 0, 250_000, 200_000)
    findings = detect(picture, place, Marks(), CARD, BARS).findings
    kept = crops(findings, place, (400, 500), lambda x, y, w, h: picture[y : y + h, x : x + w])
    assert len(kept) == CROPS_A_CLASS
    for crop in kept:
        picture_of_it = cv2.imdecode(np.frombuffer(crop.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert picture_of_it is not None
        assert picture_of_it.shape == (48, 48, 3)


def test_a_capture_too_far_from_its_planned_place_is_misplaced() -> None:
    plan = Plan(Rectangle(0, 0, 100, 100), 100, 100, 40, 10, (PlannedField(3, 1_000, 2_000),))
    assert not plan.misplaces(3, 1_010, 1_990)
    assert plan.misplaces(3, 1_011, 2_000)
    assert plan.misplaces(3, 1_000, 1_989)
