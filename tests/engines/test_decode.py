from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engines.decode import MAX_CANDIDATES, decode, located
from engines.detector import EngineFault

Maps = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


def empty_maps(height: int = 6, width: int = 8) -> Maps:
    return np.zeros((1, 1, height, width), np.float32), np.zeros((1, 5, height, width), np.float32)


def logits(peaks: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return located(peaks, np.zeros((len(peaks), 3), np.float32))[:, 0]


def test_no_peak_is_no_candidate() -> None:
    seen = decode(*empty_maps(), 4, 0.3)
    assert seen.centres_px.shape == (0, 2)
    assert seen.located.shape == (0, 4)
    assert not seen.truncated


def test_a_candidate_lies_off_its_cells_middle_with_its_cells_peak_and_tiers() -> None:
    peaks, cells = empty_maps()
    peaks[0, 0, 2, 5] = 0.75
    cells[0, :, 2, 5] = -0.5, 1.25, 1.5, -20, 300
    seen = decode(peaks, cells, 4, 0.3)
    assert seen.centres_px.tolist() == [[21.5, 11.25]]
    assert seen.located[:, 1:].tolist() == [[1.5, -20, 300]]
    assert seen.located[0, 0] == pytest.approx(np.log(3))
    assert seen.centres_px.dtype == seen.located.dtype == np.float32


def test_the_grader_is_told_a_finite_logit_of_every_peak() -> None:
    told = logits(np.array([0, 1e-9, 0.5, 1], np.float32))
    assert told.tolist() == pytest.approx([-np.log(9999), -np.log(9999), 0, np.log(9999)], 1e-5)


def test_the_best_come_first_and_equals_from_the_upper_left() -> None:
    peaks, cells = empty_maps()
    peaks[0, 0, 4, 1] = peaks[0, 0, 1, 6] = peaks[0, 0, 1, 2] = 0.5
    peaks[0, 0, 5, 5] = 0.9
    seen = decode(peaks, cells, 1, 0.3)
    assert seen.centres_px.tolist() == [[5.5, 5.5], [2.5, 1.5], [6.5, 1.5], [1.5, 4.5]]


def test_a_peak_at_the_minimum_counts_and_one_under_it_does_not() -> None:
    peaks, cells = empty_maps()
    peaks[0, 0, 0, 0], peaks[0, 0, 3, 3] = 0.5, 0.49999
    assert decode(peaks, cells, 4, 0.5).centres_px.tolist() == [[2, 2]]


def test_at_most_4096_candidates_are_kept_and_they_are_the_best_and_it_is_said() -> None:
    peaks, cells = empty_maps(100, 100)
    peaks[0, 0] = np.linspace(0.4, 0.9, 10_000, dtype=np.float32).reshape(100, 100)
    seen = decode(peaks, cells, 4, 0.3)
    assert len(seen.located) == MAX_CANDIDATES == 4_096
    assert seen.located[-1, 0] == logits(np.sort(peaks.ravel())[-MAX_CANDIDATES:])[0]
    assert seen.truncated


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -0.1, 1.5])
def test_a_peak_that_is_no_probability_is_a_fault(wrong: float) -> None:
    peaks, cells = empty_maps()
    peaks[0, 0, 1, 1] = wrong
    with pytest.raises(EngineFault, match="peaks"):
        decode(peaks, cells, 4, 0.3)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_candidates_tier_that_is_no_number_is_a_fault(wrong: float) -> None:
    peaks, cells = empty_maps()
    peaks[0, 0, 1, 1] = 0.8
    cells[0, 2, 1, 1] = wrong
    with pytest.raises(EngineFault, match="cells"):
        decode(peaks, cells, 4, 0.3)


@given(
    arrays.arrays(
        np.float32, (1, 1, 5, 7), elements=st.floats(0, 1, width=32, allow_subnormal=False)
    ),
    st.floats(0.01, 0.99),
)
def test_every_peak_over_the_minimum_is_decoded_once(
    peaks: npt.NDArray[Any], min_candidate: float
) -> None:
    _, cells = empty_maps(5, 7)
    seen = decode(peaks, cells, 4, min_candidate)
    places = (seen.centres_px // 4).astype(int)
    over = set(zip(*np.nonzero(peaks[0, 0] >= min_candidate), strict=True))
    assert {(row, column) for column, row in places.tolist()} == over
    assert (np.diff(seen.located[:, 0]) <= 0).all()
    assert (logits(peaks[0, 0][places[:, 1], places[:, 0]]) == seen.located[:, 0]).all()
