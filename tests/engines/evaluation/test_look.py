from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines.card import ModelCard
from engines.detector import BadModel
from engines.evaluation.look import look, thresholds_of, whole_maps
from engines.evaluation.looked import Looked
from engines.fields import LABELS, AnnotatedField, at_scale
from engines.openvino_engine import OpenVinoEngine
from tests.engines import tiny_model


def annotated(height: int, width: int, um_per_px: float = 0.25) -> AnnotatedField:
    """A spot of each class every 64 px at 0.25 um/px, annotated where it is an epithelial cell."""
    cells = tiny_model.spots(height, width)
    picture = tiny_model.field(height, width, cells)
    known = [(x, y, LABELS.index(label)) for x, y, label in cells if label in LABELS]
    factor = 0.25 / um_per_px
    return AnnotatedField(
        folder="made",
        name="a.png",
        number=7,
        um_per_px=um_per_px,
        picture=at_scale(picture, 0.25, um_per_px),
        points_px=np.array([(x, y) for x, y, _ in known], np.float32) * np.float32(factor),
        labels=np.array([label for _, _, label in known], np.int64),
        annotated_px=(width * factor, height * factor),
    )


def found_each(seen: Looked) -> bool:
    apart = np.hypot(*(seen.points_px[:, None] - seen.centres_px[None]).transpose(2, 0, 1))
    return bool((apart.min(axis=1) < 7).all())


@pytest.mark.parametrize("um_per_px", [0.25, 0.228, 0.33])
def test_nuclei_are_found_and_graded_at_the_files_own_scale(
    engine: OpenVinoEngine, um_per_px: float
) -> None:
    seen = look(engine, annotated(512, 640, um_per_px), 0.5, 0.9)
    assert found_each(seen)
    is_cell = seen.scores >= 0.5
    assert is_cell.sum() == len(seen.labels)
    assert (seen.at_points[:, 1:].argmax(axis=1) == seen.labels).all()
    assert seen.at_points.sum(axis=1) == pytest.approx(1, abs=1e-3)
    assert seen.annotated_mm2 == pytest.approx(512 * 640 * 0.25**2 / 1e6)
    assert (seen.number, seen.threshold, seen.high_grade_bar) == (7, 0.5, 0.9)


def test_what_lies_beyond_the_annotated_ground_is_no_candidate(engine: OpenVinoEngine) -> None:
    whole = annotated(512, 640)
    part = look(engine, replace(whole, annotated_px=(320.0, 256.0)), 0.5, 0.9)
    assert len(part.scores) == 20
    assert (part.centres_px < (320, 256)).all()
    assert len(look(engine, whole, 0.5, 0.9).scores) == 80
    assert len(part.at_points) == len(whole.labels)


def test_a_field_larger_than_a_tile_is_seen_as_in_one_tile(
    engine: OpenVinoEngine, tmp_path: Path
) -> None:
    field = annotated(1500, 2300)
    wide = OpenVinoEngine(tiny_model.make(tmp_path, tile_px=(768, 1152)))
    picture = at_scale(field.picture, 0.25, 0.5)
    *piecewise, stride = whole_maps(engine, picture)
    *at_once, same = whole_maps(wide, picture)
    assert stride == same
    assert np.array_equal(piecewise[0], at_once[0])
    assert np.array_equal(piecewise[1], at_once[1])
    assert found_each(look(engine, field, 0.5, 0.9))


def test_a_field_without_a_cell_has_none(engine: OpenVinoEngine) -> None:
    blank = replace(
        annotated(512, 640),
        picture=np.full((512, 640, 3), 255, np.uint8),
        points_px=np.zeros((0, 2), np.float32),
        labels=np.zeros(0, np.int64),
    )
    seen = look(engine, blank, 0.5, 0.9)
    assert (seen.scores.shape, seen.at_points.shape) == ((0,), (0, 7))
    assert (seen.colours.shape, seen.areas_um2.shape) == ((0, 12), (0,))


def test_the_bar_is_that_of_the_least_severe_high_grade_category(card: ModelCard) -> None:
    assert thresholds_of(card) == (0.5, 0.9)
    (rendered,) = card.tables
    hsil = rendered.categories[1]
    asc_h = hsil.model_copy(update={"category": "ASC-H", "threshold": 6_000})
    both = rendered.model_copy(update={"source": "public", "categories": (hsil, asc_h)})
    assert thresholds_of(card.model_copy(update={"tables": (rendered, both)})) == (0.5, 0.6)


def test_a_model_of_other_classes_or_without_a_bar_is_refused(card: ModelCard) -> None:
    other = card.model_copy(update={"classes": ("none", "low", "high")})
    with pytest.raises(BadModel, match="none, low, high") as refused:
        thresholds_of(other)
    assert "ASC-US" in refused.value.remedy
    (rendered,) = card.tables
    lsil = rendered.model_copy(update={"categories": rendered.categories[:1]})
    with pytest.raises(BadModel, match="no high-grade category"):
        thresholds_of(card.model_copy(update={"tables": (lsil,)}))
