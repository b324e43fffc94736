import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engines.evaluation.matching import Points, first_found, one_to_one

places = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=7).map(
    lambda some: np.array(some, np.float32).reshape(-1, 2)
)


def nearest_pairs_first(points: Points, found: Points, within_px: float) -> list[int]:
    """By the definition: of all pairs the nearest, then the nearest of those that are left."""
    pairs = sorted(
        (float(np.hypot(*(point - finding))), i, j)
        for i, point in enumerate(points.astype(np.float64))
        for j, finding in enumerate(found.astype(np.float64))
    )
    match = [-1] * len(points)
    for apart, i, j in pairs:
        if apart <= within_px and match[i] < 0 and j not in match:
            match[i] = j
    return match


def test_each_nucleus_takes_one_finding_nearest_pairs_first() -> None:
    points = np.array([[0, 0], [10, 0], [100, 0]], np.float32)
    found = np.array([[6, 0], [11, 0], [130, 0]], np.float32)
    assert one_to_one(points, found, 12).tolist() == [0, 1, -1]
    assert one_to_one(points, found[:1], 12).tolist() == [-1, 0, -1]
    assert one_to_one(points, found[:0], 12).tolist() == [-1, -1, -1]
    assert one_to_one(points[:0], found, 12).tolist() == []


def test_a_finding_within_23_px_counts_one_beyond_does_not() -> None:
    points = np.array([[0, 0]], np.float32)
    assert one_to_one(points, np.array([[23, 0]], np.float32), 23).tolist() == [0]
    assert one_to_one(points, np.array([[23.1, 0]], np.float32), 23).tolist() == [-1]


@given(places, places, st.integers(1, 9))
def test_matching_is_what_taking_the_nearest_pairs_in_turn_gives(
    points: Points, found: Points, within_px: int
) -> None:
    expected = nearest_pairs_first(points, found, within_px)
    assert one_to_one(points, found, within_px).tolist() == expected


@given(places, places, st.integers(1, 9), st.randoms(use_true_random=False))
def test_at_every_threshold_those_nuclei_are_found_whose_first_finding_is_above_it(
    points: Points, found: Points, within_px: int, chance: np.random.Generator
) -> None:
    scores = np.array([chance.random() for _ in found])
    first = first_found(points, found, scores, within_px)
    for threshold in (0, *scores, 1):
        is_above = scores >= threshold
        match = nearest_pairs_first(points, found[is_above], within_px)
        is_found = [one >= 0 and scores[one] >= threshold for one in first]
        assert is_found == [one >= 0 for one in match]
