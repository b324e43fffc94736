from hypothesis import given, settings
from hypothesis import strategies as st

from engines.evaluation.pool import pooled
from engines.evaluation.thresholds import (
    bar_for_false,
    bar_for_recall,
    threshold_for,
    with_thresholds,
)
from tests.engines.evaluation.made import looked

scores = st.lists(st.floats(0.01, 0.99), min_size=1, max_size=12)


@settings(deadline=None)
@given(scores, st.integers(1, 12))
def test_the_threshold_is_the_lowest_that_lets_so_many_findings_through(
    some: list[float], most: int
) -> None:
    field = looked([], [(500, 500, "NILM", score) for score in some])
    threshold = threshold_for([field], most)
    assert (field.scores >= threshold).sum() <= most
    if threshold > 0:
        assert (field.scores >= threshold - 0.0001 - 1e-9).sum() > most  # floats, not wholes


def test_a_bar_keeps_false_high_grade_rare_or_finds_so_many_nuclei() -> None:
    labels = ["HSIL", "SCC", "ASC-H", "NILM"]
    found = [
        (50.0, 50.0, "HSIL", 0.95),
        (150.0, 50.0, "SCC", 0.85),
        (250.0, 50.0, "HSIL", 0.75),
        (350.0, 50.0, "HSIL", 0.9),
        (800.0, 800.0, "HSIL", 0.6),
    ]
    fields = [looked(labels, found)]
    assert bar_for_recall(fields, 0.6) == 0.85
    assert bar_for_recall(fields, 0.3) == 0.95
    assert 0.6 < bar_for_false(fields, 1) < 0.61
    assert 0.9 < bar_for_false(fields, 0) < 0.91
    assert bar_for_false(fields, 2) == 0
    judged = pooled(with_thresholds(fields, 0.5, bar_for_recall(fields, 0.6)))
    assert (judged.is_high_grade & judged.is_high_grade_hit).sum() == 2


def test_no_bar_finds_nuclei_that_are_no_findings() -> None:
    assert bar_for_recall([looked(["HSIL", "HSIL"], [(50, 50, "HSIL", 0.9)])], 0.8) == 0
