"""Thresholds for all categories at once: never more reviews than allowed, no category near."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.problem import Refusal
from edge.validation.candidates import Counted, Wanted
from edge.validation.choose import Choice, allowed, choose
from edge.verdict.decide import review_bar, scaled
from engines.tables import Category

ASC_US, LSIL, ASC_H, HSIL = (
    Wanted("ASC-US", 1, is_high_grade=False),
    Wanted("LSIL", 2, is_high_grade=False),
    Wanted("ASC-H", 3, is_high_grade=True),
    Wanted("HSIL", 4, is_high_grade=True),
)
ALL = (ASC_US, LSIL, ASC_H, HSIL)
HIGH_GRADE = {each.name for each in ALL if each.is_high_grade}
AREA = 4_000_000
POINTS = AREA // 400


def counted(worst: int = 0, planned: int = POINTS, **sums: Sequence[int]) -> Counted:
    """A slide with these class sums; `ASC_US` stands for ASC-US."""
    return of_sums(
        {name.replace("_", "-"): values for name, values in sums.items()}, worst, planned
    )


def of_sums(given_sums: Mapping[str, Sequence[int]], worst: int, planned: int) -> Counted:
    falling = {w.name: -np.sort(-np.array(given_sums.get(w.name, ()), np.int64)) for w in ALL}
    return Counted(planned, falling, worst)


def found(slide: Counted, numbers: Category) -> int:
    return int((slide.sums[numbers.category] >= numbers.threshold).sum())


def for_review(slides: Sequence[Counted], choice: Choice) -> int:
    """Slides that reach any category's `review_from`, counted as the verdict counts them."""
    return sum(
        any(
            found(slide, each)
            >= review_bar(
                each.review_from, slide.planned, AREA, is_high_grade=each.category in HIGH_GRADE
            )
            for each in choice.categories
        )
        for slide in slides
    )


def named(slide: Counted, choice: Choice) -> str | None:
    """The worst category that stands."""
    standing = [
        each.category
        for each in choice.categories
        if found(slide, each) >= scaled(each.category_from, slide.planned, AREA)
    ]
    return standing[-1] if standing else None


@pytest.mark.parametrize(
    ("negatives", "share", "most"),
    [(20, 20, 3), (24, 20, 4), (40, 20, 7), (4, 20, 0), (3, 20, 0), (99, 10, 9), (1, 50, 0)],
)
def test_so_many_may_pass_that_the_next_slide_passes_within_the_share(
    negatives: int, share: int, most: int
) -> None:
    assert allowed(negatives, share) == most
    if most:
        assert (most + 1) / (negatives + 1) <= share / 100 < (most + 2) / (negatives + 1)


sums = st.lists(st.integers(3_000, 9_990), max_size=8)
slides = st.builds(
    counted,
    planned=st.sampled_from([POINTS, POINTS // 3, 2 * POINTS]),
    LSIL=sums,
    HSIL=sums,
)


@given(st.lists(slides, min_size=4, max_size=12), st.lists(slides, max_size=3))
def test_never_more_negative_slides_than_allowed_reach_a_review_and_none_comes_near_a_category(
    negatives: list[Counted], others: list[Counted]
) -> None:
    positives = [Counted(each.planned, each.sums, 2) for each in others]
    choice = choose(negatives, positives, (LSIL, HSIL), 30, AREA)
    assert [each.category for each in choice.categories] == ["LSIL", "HSIL"]
    assert for_review(negatives, choice) == choice.slides_for_review
    assert choice.slides_for_review <= allowed(len(negatives), 30)
    assert choice.categories[1].review_from == 1
    for numbers in choice.categories:
        assert numbers.threshold >= 5_000
        assert numbers.category_from >= 3
        for slide in negatives:
            bar = scaled(numbers.category_from, slide.planned, AREA)
            assert 2 * found(slide, numbers) < bar


def test_the_share_is_of_all_categories_together() -> None:
    """Three slides are doubtful for each category, and not the same ones."""
    doubtful = {"ASC-US": range(3), "LSIL": range(3, 6), "ASC-H": range(6, 9), "HSIL": range(9, 12)}
    negatives = [
        of_sums({name: [8_000] for name, which in doubtful.items() if number in which}, 0, POINTS)
        for number in range(20)
    ]
    choice = choose(negatives, (), ALL, 20, AREA)
    assert choice.slides_for_review == for_review(negatives, choice) <= 3
    alone = [choose(negatives, (), (each,), 20, AREA).categories[0] for each in ALL]
    assert [each.threshold for each in alone] == [5_000] * 4
    assert for_review(negatives, Choice(tuple(alone), 0)) > 3


def test_one_high_grade_finding_asks_for_a_review_and_a_milder_one_need_not() -> None:
    negatives = [counted(LSIL=[9_000, 8_000], HSIL=[7_000]) for _ in range(20)]
    low_grade = [counted(2, LSIL=[8_500] * 40) for _ in range(3)]
    high_grade = [counted(4, LSIL=[8_500] * 40, HSIL=[6_900] * 30 + [9_500] * 6) for _ in range(3)]
    choice = choose(negatives, [*low_grade, *high_grade], (LSIL, HSIL), 20, AREA)
    low, high = choice.categories
    assert (high.threshold, high.review_from, high.category_from) == (7_001, 1, 3)
    assert (low.threshold, low.review_from, low.category_from) == (8_001, 2, 3)
    assert {named(slide, choice) for slide in low_grade} == {"LSIL"}
    assert {named(slide, choice) for slide in high_grade} == {"HSIL"}


def test_positive_slides_are_named_for_what_they_are_if_that_can_be() -> None:
    negatives = [counted() for _ in range(20)]
    low = counted(2, LSIL=[9_500] * 30, HSIL=[8_000] * 3)
    high = counted(4, LSIL=[9_500] * 30, HSIL=[9_700] * 20)
    choice = choose(negatives, [low, high], (LSIL, HSIL), 20, AREA)
    assert (named(low, choice), named(high, choice)) == ("LSIL", "HSIL")


def test_a_slide_of_a_category_that_is_not_wanted_is_named_by_the_worst_that_is() -> None:
    negatives = [counted(HSIL=[6_000]) for _ in range(20)]
    cancer = counted(5, LSIL=[9_000] * 9, HSIL=[6_500] * 7)
    choice = choose(negatives, [cancer], (LSIL, HSIL), 20, AREA)
    assert named(cancer, choice) == "HSIL"


def test_counts_of_slides_of_another_area_are_scaled() -> None:
    """Two findings on half the ground are four on all of it: five and more may ask for a review."""
    negatives = [counted(planned=POINTS // 2, LSIL=[9_000, 9_000]) for _ in range(20)]
    positive = counted(2, LSIL=[9_000] * 400)
    choice = choose(negatives, [positive], (LSIL,), 20, AREA)
    (low,) = choice.categories
    assert (low.threshold, low.category_from, low.review_from) == (5_000, 10, 8)
    assert choice.slides_for_review == 0


def test_what_no_threshold_can_hold_is_refused() -> None:
    negatives = [counted(HSIL=[10_000]) for _ in range(20)]
    with pytest.raises(Refusal) as refused:
        choose(negatives, (), (LSIL, HSIL), 20, AREA)
    assert refused.value.problem.key == "fit"
    assert "20 negative slides" in str(refused.value)
