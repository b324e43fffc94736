"""Detections become findings on the slide: placed, graded, cut into tiles."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from drivers.scanner.words import Purpose
from edge.detection.basis import basis
from edge.detection.crops import CROPS_A_CLASS, crops
from edge.detection.detect import Seen, detect
from edge.detection.grade import Bar, bars, reached, severity
from edge.picture import Picture
from edge.slide.finding import MAX_FINDINGS, Column, finding, no_findings
from edge.slide.place import Rectangle
from edge.slide.plan import Plan, PlannedField
from edge.verdict import system
from engines.card import ModelCard
from engines.detector import EMBEDDING, Candidates, Crops, Grades, Located, Tile
from engines.openvino_engine import OpenVinoEngine
from tests.edge.picture.captures import PATTERNS, captured, picture
from tests.engines import tiny_model

TILE = tiny_model.TILE_PX
BARS = (Bar(2, (1, 2), 5_000), Bar(4, (2,), 6_000))
BLACK, PALE = 0, 100


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> ModelCard:
    return tiny_model.make(tmp_path_factory.mktemp("tiny"))


class Marks:
    """An engine that locates every dark pixel of a white picture; a crop's middle is its grade."""

    identity = "marks"

    def __init__(self, *, truncates: bool = False) -> None:
        self.sizes: list[tuple[int, int]] = []
        self.graded = 0
        self._truncates = truncates

    def locate(self, tile: Tile) -> Candidates:
        self.sizes.append((tile.shape[0], tile.shape[1]))
        y, x = np.nonzero(tile[:, :, 0] < 255)
        centres = np.stack([x + 0.5, y + 0.5], axis=1).astype(np.float32)
        return Candidates(centres, np.zeros((len(x), 4), np.float32), self._truncates)

    def grade(self, crops: Crops, located: Located) -> Grades:
        self.graded += len(crops)
        scores = np.full((len(crops), len(tiny_model.CLASSES)), 0.0, np.float32)
        middle = crops[:, 48, 48, 0]
        scores[middle == BLACK] = (0.1, 0.2, 0.7, 0, 0, 0, 0)
        scores[middle == PALE] = (0.5, 0.1, 0, 0, 0, 0.4, 0)
        scores[middle == 255] = (1, 0, 0, 0, 0, 0, 0)
        embeddings = np.zeros((len(crops), EMBEDDING), np.float32)
        embeddings[:, 0], embeddings[:, 1:3] = middle / 10, (0.0016, -40)
        return Grades(scores, embeddings)


def white(height: int, width: int) -> npt.NDArray[np.uint8]:
    return np.full((height, width, 3), 255, np.uint8)


def whole(half: npt.NDArray[np.uint8]) -> Picture:
    """The picture that halves to this one."""
    return Picture(half, half.repeat(2, axis=0).repeat(2, axis=1), "RGB8")


def seen_in(half: npt.NDArray[np.uint8], place: Rectangle, engine: Marks, card: ModelCard) -> Seen:
    return detect(whole(half), 250_000, place, engine, card, BARS)


def test_an_empty_picture_has_no_findings(card: ModelCard) -> None:
    seen = seen_in(white(64, 64), Rectangle(0, 0, 32_000, 32_000), Marks(), card)
    assert seen.findings.shape == no_findings(7).shape
    assert not seen.truncated


def test_a_pixel_is_placed_where_it_lies_on_the_slide(card: ModelCard) -> None:
    half = white(500, 600)
    half[10, 20] = BLACK
    place = Rectangle(7_000_000, 5_000_000, 300_000, 250_000)
    (row,) = seen_in(half, place, Marks(), card).findings
    found = finding(row)
    assert (found.x_nm, found.y_nm) == (6_850_000 + 10_250, 4_875_000 + 5_250)
    assert (found.w_nm, found.h_nm) == (card.box_nm, card.box_nm)
    assert found.class_scores == (1_000, 2_000, 7_000, 0, 0, 0, 0)
    assert (found.class_, found.score, found.severity) == (2, 9_000, 4)
    assert found.reached == 1 << 2 | 1 << 4


def test_i1_embeddings_are_rounded_once_and_stay_with_their_findings(card: ModelCard) -> None:
    half = white(100, 100)
    half[20:80:20, 50], half[10, 50] = BLACK, PALE
    seen = seen_in(half, Rectangle(0, 0, 50_000, 50_000), Marks(), card)
    assert seen.embeddings.dtype == np.int16
    assert seen.embeddings.shape == (4, EMBEDDING)
    assert seen.findings[:, Column.SCORE].tolist() == [9_000, 9_000, 9_000, 5_000]
    assert seen.embeddings[:, :4].tolist() == [[0, 2, -32_768, 0]] * 3 + [[10_000, 2, -32_768, 0]]


def test_a_finding_is_a_cell_however_unsure(card: ModelCard) -> None:
    half = white(100, 100)
    half[50, 50] = PALE
    place = Rectangle(0, 0, 50_000, 50_000)
    (row,) = seen_in(half, place, Marks(), card).findings
    assert (row[Column.SCORE], tiny_model.CLASSES[row[Column.CLASS]]) == (5_000, "HSIL")
    stricter = card.model_copy(update={"min_score": 5_001})
    assert not len(seen_in(half, place, Marks(), stricter).findings)


@pytest.mark.parametrize("size", [TILE, (TILE[0] + 1, TILE[1]), (1_500, 1_400), (250, 2_500)])
def test_a_picture_larger_than_a_tile_gives_every_cell_once(
    size: tuple[int, int], card: ModelCard
) -> None:
    chance = np.random.default_rng(1)
    half = white(*size)
    cells = {
        (int(y), int(x))
        for y, x in zip(
            chance.integers(0, size[0], 200), chance.integers(0, size[1], 200), strict=True
        )
    }
    for y, x in cells:
        half[y, x] = BLACK
    engine = Marks()
    place = Rectangle(0, 0, 1_000 * size[1], 1_000 * size[0])
    seen = seen_in(half, place, engine, card).findings
    places = {
        (
            int(row[Column.Y_NM] - place.top_nm) // 1_000,
            int(row[Column.X_NM] - place.left_nm) // 1_000,
        )
        for row in seen
    }
    assert len(seen) == len(cells) == engine.graded
    assert places == cells
    assert (seen[:, Column.SCORE] == 9_000).all()
    assert all(h <= TILE[0] and w <= TILE[1] for h, w in engine.sizes)


@pytest.mark.parametrize("pm_per_px", [250_000, 228_000, 330_000, 500_000])
def test_at_every_scale_a_cell_is_graded_where_it_was_located(
    pm_per_px: int, card: ModelCard
) -> None:
    truth = [
        (round(x * 250_000 / pm_per_px), round(y * 250_000 / pm_per_px), class_)
        for x, y, class_ in tiny_model.spots(600, 800)
    ]
    size = max(y for _, y, _ in truth) + 60, max(x for x, _, _ in truth) + 60
    radius_px = round(tiny_model.SPOT_PX * 250_000 / pm_per_px)
    full = tiny_model.field(*size, truth, radius_px)
    picture_of_it = picture(captured(full, "RGB8"))
    nm = pm_per_px // 1_000
    place = Rectangle(0, 0, size[1] * nm, size[0] * nm)
    found = detect(picture_of_it, pm_per_px, place, OpenVinoEngine(card), card, ()).findings
    for x, y, class_ in truth:
        apart = np.hypot(
            found[:, Column.X_NM] - place.left_nm - x * nm,
            found[:, Column.Y_NM] - place.top_nm - y * nm,
        )
        near = found[apart < 4_000, Column.CLASS]
        assert [tiny_model.CLASSES[k] for k in near] == ([] if class_ == "none" else [class_])


@pytest.mark.parametrize("format_", PATTERNS)
def test_a_mosaics_cells_are_graded_in_full_colour(format_: str, card: ModelCard) -> None:
    full = tiny_model.field(512, 640, tiny_model.spots(512, 640))
    place = Rectangle(0, 0, 160_000, 128_000)
    engine = OpenVinoEngine(card)
    colours, mosaic = (
        detect(picture(captured(full, sent)), 250_000, place, engine, card, ()).findings
        for sent in ("RGB8", format_)
    )
    order = [np.lexsort((rows[:, Column.Y_NM], rows[:, Column.X_NM])) for rows in (colours, mosaic)]
    assert (colours[order[0], Column.CLASS] == mosaic[order[1], Column.CLASS]).all()
    assert len(mosaic) > 60


def test_the_best_are_kept_where_there_are_too_many(card: ModelCard) -> None:
    half = white(100, 100)
    half[::1, ::2] = BLACK
    half[:50, ::2] = PALE
    seen = seen_in(half, Rectangle(0, 0, 50_000, 50_000), Marks(), card)
    assert len(seen.findings) == MAX_FINDINGS
    assert seen.truncated
    assert (np.diff(seen.findings[:, Column.SCORE]) <= 0).all()


def test_more_candidates_than_an_engine_gives_are_said(card: ModelCard) -> None:
    seen = seen_in(white(64, 64), Rectangle(0, 0, 32_000, 32_000), Marks(truncates=True), card)
    assert seen.truncated


def test_findings_do_not_depend_on_the_order_of_candidates(card: ModelCard) -> None:
    class Backwards(Marks):
        def locate(self, tile: Tile) -> Candidates:
            seen = super().locate(tile)
            return Candidates(seen.centres_px[::-1], seen.located[::-1], seen.truncated)

    half = white(80, 80)
    half[3::7, 5::9] = BLACK
    place = Rectangle(0, 0, 40_000, 40_000)
    one, other = (seen_in(half, place, e, card).findings for e in (Marks(), Backwards()))
    assert np.array_equal(one, other)


def test_a_category_is_reached_by_the_sum_of_it_and_worse() -> None:
    scores = np.array([[5_001, 4_999, 0], [5_000, 0, 5_000], [0, 4_100, 5_900], [0, 0, 6_000]])
    bits = reached(scores.astype(np.int32), BARS)
    assert bits.tolist() == [0, 1 << 2, 1 << 2, 1 << 2 | 1 << 4]
    assert severity(bits).tolist() == [0, 2, 2, 4]


def test_bars_come_from_the_card_and_its_category_system(card: ModelCard) -> None:
    bethesda = system.load(card.system)
    severities = {category.name: category.severity for category in bethesda.categories}
    found = bars(
        basis(card, Purpose.SIMULATION, {}),
        severities,
        lambda name: [c.name for c in bethesda.and_worse(name)],
    )
    by_severity = {bar.severity: bar for bar in found}
    assert by_severity[severities["LSIL"]].classes == (3, 4, 5, 6)
    assert by_severity[severities["HSIL"]].classes == (5, 6)


def test_the_best_of_each_class_are_cropped_inside_the_picture(
    card: ModelCard,
) -> None:
    half = white(200, 250)
    half[0, 0] = half[199, 249] = BLACK
    half[20:180:10, 125] = BLACK
    place = Rectangle(0, 0, 125_000, 100_000)
    seen = seen_in(half, place, Marks(), card)
    kept = crops(seen.findings, seen.embeddings, place, (400, 500), whole(half).crop)
    assert len(kept) == CROPS_A_CLASS
    for crop in kept:
        picture_of_it = cv2.imdecode(np.frombuffer(crop.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert picture_of_it is not None
        assert picture_of_it.shape == (96, 96, 3)
        assert crop.embedding == seen.embeddings[crop.finding].astype("<i2").tobytes()


def test_a_capture_too_far_from_its_planned_place_is_misplaced() -> None:
    plan = Plan(Rectangle(0, 0, 100, 100), 100, 100, 40, 10, (PlannedField(3, 1_000, 2_000),))
    assert not plan.misplaces(3, 1_010, 1_990)
    assert plan.misplaces(3, 1_011, 2_000)
    assert plan.misplaces(3, 1_000, 1_989)
