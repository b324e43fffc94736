"""Locate, cut, grade, keep."""

import numpy as np

from engines.card import ModelCard
from engines.crops import crops as cut_crops
from engines.crops import of_array
from engines.detect import detect, kept
from engines.detector import EMBEDDING, Candidates, Crops, Grades
from engines.golden import halved
from engines.openvino_engine import OpenVinoEngine
from tests.engines import tiny_model
from tests.engines.tiny_model import CLASSES, spots


def candidates(*centres: tuple[float, float]) -> Candidates:
    places = np.array(centres, np.float32).reshape(-1, 2)
    return Candidates(places, np.zeros((len(places), 4), np.float32), truncated=False)


def grades(*no_cell: float) -> Grades:
    """That no cell is there; what is left is shared by NILM and HSIL."""
    none = np.array(no_cell, np.float32)
    scores = np.zeros((len(none), len(CLASSES)), np.float32)
    scores[:, 0], scores[:, 1], scores[:, 5] = none, 0.5 * (1 - none), 0.5 * (1 - none)
    embeddings = np.repeat(none[:, None], EMBEDDING, axis=1)
    return Grades(scores, embeddings)


def test_a_candidate_is_kept_that_is_a_cell_with_the_least_probability(card: ModelCard) -> None:
    card = card.model_copy(update={"min_score": 2_500})
    cells = kept(card, candidates((1, 1), (2, 2), (3, 3)), grades(0.75, 0.7501, 0.1))
    assert cells.centres_px.tolist() == [[3, 3], [1, 1]]
    assert cells.scores.tolist() == [np.float32(0.9), 0.25]
    assert cells.class_scores[:, 5].tolist() == [np.float32(0.45), 0.125]
    assert cells.embeddings[:, 0].tolist() == [np.float32(0.1), 0.75]


def test_equal_scores_come_from_the_upper_left(card: ModelCard) -> None:
    places = [(9, 1), (1, 5), (0, 5), (3, 1)]
    cells = kept(card, candidates(*places), grades(0.2, 0.2, 0.2, 0.2))
    assert cells.centres_px.tolist() == [[3, 1], [9, 1], [0, 5], [1, 5]]


def test_every_cell_is_found_at_its_place_with_its_class_and_what_is_none_is_not(
    card: ModelCard, engine: OpenVinoEngine
) -> None:
    truth = spots(700, 900)
    tile, cut = halved(tiny_model.field(700, 900, truth), card)
    cells = detect(engine, card, tile, cut)
    assert len(cells.scores) == sum(class_ != "none" for _, _, class_ in truth)
    found = dict(
        zip(map(tuple, (2 * cells.centres_px).tolist()), cells.class_scores.argmax(1), strict=True)
    )
    for x, y, class_ in truth:
        near = [k for (fx, fy), k in found.items() if np.hypot(fx - x, fy - y) < 8]
        assert [CLASSES[k] for k in near] == ([] if class_ == "none" else [class_])


def test_crops_are_cut_a_batch_at_a_time(card: ModelCard, engine: OpenVinoEngine) -> None:
    field = tiny_model.field(512, 640, spots(512, 640))
    tile, _ = halved(field, card)
    counts = []

    def cut(centres_px: np.ndarray) -> Crops:
        counts.append(len(centres_px))
        return cut_crops(of_array(field, 250_000), 2 * centres_px, 96, 250_000)

    detect(engine, card, tile, cut)
    assert counts == [16] * 5
