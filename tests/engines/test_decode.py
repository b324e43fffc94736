from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engines.decode import MAX_DETECTIONS, decode
from engines.detector import EngineFault

Maps = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


def empty_maps(height: int = 6, width: int = 8) -> Maps:
    peaks = np.zeros((1, 1, height, width), np.float32)
    classes = np.zeros((1, 3, height, width), np.float32)
    classes[:, 0] = 1
    return peaks, classes


def test_no_peak_is_no_detection() -> None:
    seen = decode(*empty_maps(), 4, 0.3)
    assert seen.centres_px.shape == (0, 2)
    assert seen.scores.shape == (0,)
    assert seen.class_scores.shape == (0, 3)


def test_a_detection_lies_in_its_cells_middle_with_its_cells_classes() -> None:
    peaks, classes = empty_maps()
    peaks[0, 0, 2, 5] = 0.75
    classes[0, :, 2, 5] = 0.25, 0.25, 0.5
    seen = decode(peaks, classes, 4, 0.3)
    assert seen.centres_px.tolist() == [[22.0, 10.0]]
    assert seen.scores.tolist() == [0.75]
    assert seen.class_scores.tolist() == [[0.25, 0.25, 0.5]]


def test_the_best_come_first_and_equals_from_the_upper_left() -> None:
    peaks, classes = empty_maps()
    peaks[0, 0, 4, 1] = peaks[0, 0, 1, 6] = peaks[0, 0, 1, 2] = 0.5
    peaks[0, 0, 5, 5] = 0.9
    seen = decode(peaks, classes, 1, 0.3)
    assert seen.centres_px.tolist() == [[5.5, 5.5], [2.5, 1.5], [6.5, 1.5], [1.5, 4.5]]


def test_a_score_at_the_minimum_counts_and_one_under_it_does_not() -> None:
    peaks, classes = empty_maps()
    peaks[0, 0, 0, 0], peaks[0, 0, 3, 3] = 0.5, 0.49999
    assert decode(peaks, classes, 4, 0.5).scores.tolist() == [0.5]


def test_at_most_4096_detections_are_kept_and_they_are_the_best() -> None:
    peaks, classes = empty_maps(100, 100)
    peaks[0, 0] = np.linspace(0.4, 0.9, 10_000, dtype=np.float32).reshape(100, 100)
    seen = decode(peaks, classes, 4, 0.3)
    assert len(seen.scores) == MAX_DETECTIONS == 4_096
    assert seen.scores.min() == np.sort(peaks.ravel())[-MAX_DETECTIONS]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -0.1, 1.5])
def test_a_peak_that_is_no_probability_is_a_fault(wrong: float) -> None:
    peaks, classes = empty_maps()
    peaks[0, 0, 1, 1] = wrong
    with pytest.raises(EngineFault, match="peaks"):
        decode(peaks, classes, 4, 0.3)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 0.0, 0.5])
def test_class_scores_that_do_not_sum_to_one_are_a_fault(wrong: float) -> None:
    peaks, classes = empty_maps()
    peaks[0, 0, 1, 1] = 0.8
    classes[0, 0, 1, 1] = wrong
    with pytest.raises(EngineFault, match="classes"):
        decode(peaks, classes, 4, 0.3)


@given(
    arrays.arrays(
        np.float32, (1, 1, 5, 7), elements=st.floats(0, 1, width=32, allow_subnormal=False)
    ),
    st.floats(0.01, 0.99),
)
def test_every_peak_over_the_minimum_is_decoded_once(
    peaks: npt.NDArray[Any], min_score: float
) -> None:
    _, classes = empty_maps(5, 7)
    seen = decode(peaks, classes, 4, min_score)
    cells = (seen.centres_px // 4).astype(int)
    over = set(zip(*np.nonzero(peaks[0, 0] >= min_score), strict=True))
    assert {(row, column) for column, row in cells.tolist()} == over
    assert (np.diff(seen.scores) <= 0).all()
    assert (peaks[0, 0][cells[:, 1], cells[:, 0]] == seen.scores).all()
