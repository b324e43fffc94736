"""How false findings come, fitted to whole negative slides; and cards that are refused."""

from pathlib import Path

import numpy as np
import pytest

from edge.detection.grade import Bar
from edge.validation.announcing import ODDS, announcing, region_edge
from edge.validation.course import Course, Scores
from engines.tables import Announcing

BAR = Bar(4, (1, 2), 9_000)
FIELDS, POINTS = 60, 600


def scores(*sums: int) -> Scores:
    return np.array([(10_000 - s, s // 2, s - s // 2) for s in sums], np.int32).reshape(-1, 3)


def course(*findings: tuple[int, int]) -> Course:
    """A scan of 60 fields: findings as (field, how many there)."""
    return Course(
        [POINTS * row for row in range(FIELDS + 1)],
        [(field + 1, field, many) for field, many in findings],
        [scores(*[9_500] * many) for _, many in findings],
    )


def modelled(slides: int, seed: int, r: float = 2, mean: float = 0.5) -> list[Course]:
    chance = np.random.default_rng(seed)
    found = []
    for rate in chance.gamma(r, mean / r, slides):
        counts = chance.poisson(rate / FIELDS, FIELDS)
        found.append(course(*[(field, int(many)) for field, many in enumerate(counts) if many]))
    return found


def fitted(courses: list[Course], *, are_whole: bool = True) -> Announcing:
    return announcing("HSIL", BAR, courses, are_whole=are_whole)


def test_a_scan_is_counted_again_row_by_row_for_any_bar() -> None:
    scan = Course(
        [0, 10, 20, 30],
        [(1, 7, 5), (2, 8, 1), (3, 7, 2)],
        [scores(9_900, 9_000, 9_000, 9_000, 8_999), scores(9_500), scores(9_500, 8_000)],
    )
    assert scan.found(BAR).tolist() == [0, 3, 4, 2]
    assert scan.found(BAR, most=100).tolist() == [0, 4, 5, 2]
    assert scan.found(Bar(4, (1, 2), 9_600)).tolist() == [0, 1, 1, 0]


def test_the_edge_of_what_is_possible_lies_beyond_what_is_likeliest_and_nears_it() -> None:
    """r under the true 2, the rate over the true one: less so the more slides there are."""
    chance, points = np.random.default_rng(2), 36_000
    edges = []
    for slides in (50, 5_000):
        found = chance.poisson(chance.gamma(2, 0.25, slides)).astype(np.int64)
        edge = region_edge(found, np.full(slides, points))
        assert edge is not None
        edges.append((edge[0] / 1_000, edge[0] / 1_000 / edge[1] * points))
    (few_r, few_rate), (many_r, many_rate) = edges
    assert few_r < many_r < 2
    assert few_rate > many_rate > 0.5
    assert many_r > 1.2
    assert many_rate < 0.6


def test_slides_without_a_false_finding_do_not_show_how_rates_differ() -> None:
    assert region_edge(np.zeros(500, np.int64), np.full(500, 36_000)) is None


def test_slides_as_modelled_earn_announcements() -> None:
    found = fitted(modelled(200, seed=3))
    assert found.refused == ""
    assert found.odds == ODDS
    assert 0 < found.r_milli < 2_000


@pytest.mark.parametrize(
    ("courses", "why"),
    [
        (modelled(19, seed=3), "19 negative slides, at least 20 are needed"),
        ([course()] * 19, "19 negative slides, at least 20 are needed"),
        (modelled(60, seed=4, mean=2), "over 1 each"),
        ([course() for _ in range(60)], "do not show how rates of false findings differ"),
        ([*modelled(96, seed=3, mean=0.3), *[course((0, 3))] * 4], "more than its share"),
    ],
)
def test_i3_slides_that_do_not_earn_them_are_refused(courses: list[Course], why: str) -> None:
    found = fitted(courses)
    assert why in found.refused
    assert found.odds <= len(courses) + 1


def test_i3_fields_of_slides_are_no_slides() -> None:
    assert fitted(modelled(200, seed=3), are_whole=False).refused == (
        "its negative slides are not whole"
    )


def test_a_gradient_along_the_scan_is_refused() -> None:
    """All false findings come at the slide's beginning, as many as on modelled slides."""
    chance = np.random.default_rng(5)
    counts = chance.poisson(chance.gamma(2, 0.25, 200))
    courses = [course(*[(field, 1) for field in range(many)]) for many in counts.tolist()]
    assert "replayed in scan order" in fitted(courses).refused


def test_a_course_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    for number, kept in enumerate((course((3, 2), (9, 1)), course())):
        path = tmp_path / f"{number}.npz"
        np.savez_compressed(path, **kept.arrays())
        with np.load(path) as file:
            again = Course.of(file)
        assert again.points == kept.points
        assert again.found(BAR).tolist() == kept.found(BAR).tolist()
