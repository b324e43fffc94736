import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.evaluation.resampling import (
    area_under_curve,
    balanced_accuracy,
    calibration_error,
    drawn,
    interval,
    mean,
    recalls_at_false,
)

Cell = tuple[int, float, bool]
"""Field, score, whether it is worse."""
cells = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 4).map(float), st.booleans()), max_size=30
)


def by_pairs(cells: list[Cell]) -> float:
    """The area by its definition: the share of rightly ordered pairs."""
    worse = [score for _, score, is_worse in cells if is_worse]
    better = [score for _, score, is_worse in cells if not is_worse]
    pairs = [(w > b) + (w == b) / 2 for w in worse for b in better]
    return sum(pairs) / len(pairs) if pairs else math.nan


@given(cells)
def test_a_resample_is_measured_as_if_its_fields_were_there_as_often_as_they_were_drawn(
    cells: list[Cell],
) -> None:
    weights = drawn(4, 6, seed=1)
    field = np.array([cell[0] for cell in cells], np.int64)
    scores = np.array([cell[1] for cell in cells], np.float64)
    is_worse = np.array([cell[2] for cell in cells], np.bool_)
    areas = area_under_curve(weights, field, scores, is_worse)
    means = mean(weights, field, scores)
    for times, area, value in zip(weights.astype(int), areas, means, strict=True):
        there = [cell for cell in cells for _ in range(times[cell[0]])]
        assert area == pytest.approx(by_pairs(there), nan_ok=True)
        if there:
            assert value == pytest.approx(np.mean([score for _, score, _ in there]))
        else:
            assert math.isnan(value)


def test_the_first_weights_take_each_field_once_and_a_seed_gives_the_same_draws() -> None:
    weights = drawn(5, 20, seed=3)
    assert weights[0].tolist() == [1] * 5
    assert (weights.sum(axis=1) == 5).all()
    assert (weights == drawn(5, 20, seed=3)).all()
    assert (weights != drawn(5, 20, seed=4)).any()


def test_every_label_weighs_the_same_in_balanced_accuracy() -> None:
    labels, guesses = np.array([0] * 8 + [2]), np.zeros(9, np.int64)
    once = np.ones((1, 1))
    assert balanced_accuracy(once, np.zeros(9, np.int64), labels, guesses) == [0.5]
    assert math.isnan(balanced_accuracy(once, np.zeros(2, np.int64), labels[:2], guesses[:2])[0])


def test_recall_is_read_where_at_most_so_many_findings_are_false() -> None:
    field = np.array([0, 0, 1, 1, 1])
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.6])
    is_hit = np.array([True, False, True, False, True])
    wanted = np.array([0, 0, 1, 1])
    recalls = recalls_at_false(np.ones((1, 2)), field, scores, is_hit, wanted, (0, 0.5, 1))
    assert [float(recall[0]) for recall in recalls] == [0.25, 0.5, 0.75]
    twice = np.array([[0.0, 2.0]])
    (recall,) = recalls_at_false(twice, field, scores, is_hit, wanted, (0.5,))
    assert recall == [0.5]


def test_what_is_said_too_surely_is_an_error_of_calibration() -> None:
    field, once = np.zeros(10, np.int64), np.ones((1, 1))
    is_so = np.arange(10) < 6
    assert calibration_error(once, field, np.full(10, 0.6), is_so) == pytest.approx(0)
    assert calibration_error(once, field, np.full(10, 0.9), is_so) == pytest.approx(0.3)


def test_an_interval_leaves_out_resamples_without_the_figure() -> None:
    low, high = interval(np.array([math.nan, *np.linspace(0, 1, 41)]))
    assert (low, high) == pytest.approx((0.025, 0.975))
    assert all(math.isnan(limit) for limit in interval(np.array([math.nan])))
