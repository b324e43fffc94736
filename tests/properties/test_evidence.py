"""I1, I4 and I5 of evidence, on random slides; and that these slides are hard enough."""

from collections import Counter
from dataclasses import replace
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.evidence.fold import Evidence, fold
from edge.slide.place import Rectangle
from edge.slide.record import Closing, End, Image, Opening, Record, Row, Withdrawal
from tests.properties.mix import (
    has_a_finding_that_waits,
    has_a_rescan_that_takes_over_in_part,
    has_a_withdrawal_that_changes_it,
    has_twins,
    worst_of,
)
from tests.properties.oracle import Oracle
from tests.properties.slides import (
    Slide,
    arrival,
    grid,
    opening,
    packed,
    random_slide,
    record,
    scans,
    seeded,
    slides,
)

SAMPLE = 150
"""Slides that the statistics below are taken over."""


@settings(max_examples=60, deadline=None)
@given(slides, slides, st.integers(0, 2**32))
def test_i1_order_repetition_and_interleaving_do_not_count(
    one: Slide, other: Slide, seed: int
) -> None:
    chance = seeded(seed)
    start = replace(other.opening, slide="S-2")
    other = Slide(start, (start, *other.rows[1:]))
    expected = [Oracle(slide.rows).summary() for slide in (one, other)]
    assert [fold(slide.rows) for slide in (one, other)] == expected

    folds = [Evidence(slide.opening) for slide in (one, other)]
    waiting = [arrival(chance, slide) for slide in (one, other)]
    looked_often = chance.random() < 0.5
    while any(waiting):
        which = chance.choice([i for i in (0, 1) if waiting[i]])
        folds[which].add(waiting[which].pop())
        if looked_often and chance.random() < 0.3:
            folds[which].summary()
    assert [evidence.summary() for evidence in folds] == expected


@settings(max_examples=40, deadline=None)
@given(slides, st.integers(0, 2**32))
def test_i1_the_summary_in_mid_stream_is_that_of_the_rows_so_far(slide: Slide, seed: int) -> None:
    chance = seeded(seed)
    rows = arrival(chance, slide)
    evidence = Evidence(slide.opening)
    for so_far, row in enumerate(rows, start=1):
        evidence.add(row)
        if chance.random() < 0.2:
            assert evidence.summary() == fold([slide.opening, *rows[:so_far]])
    middle = [slide.opening, *rows[: len(rows) // 2]]
    assert fold(middle) == Oracle(middle).summary()


@settings(max_examples=60, deadline=None)
@given(slides)
def test_i1_a_withdrawn_capture_leaves_nothing_behind(slide: Slide) -> None:
    withdrawn = {(row.field, row.capture) for row in slide.rows if isinstance(row, Withdrawal)}
    rows = [
        row
        for row in slide.without(Withdrawal).rows
        if not (isinstance(row, Record) and row.image[:2] in withdrawn)
    ]
    assert fold(slide.rows) == replace(fold(rows), withdrawn_captures=len(withdrawn))


@settings(max_examples=60, deadline=None)
@given(scans)
def test_i5_the_worst_so_far_never_falls_while_first_captures_arrive(scan: Slide) -> None:
    evidence, worst = Evidence(scan.opening), -1
    for row in (*scan.rows, Closing(End.CLOSED, "", "")):
        evidence.add(row)
        now = worst_of(evidence.summary())
        assert now >= worst
        worst = now


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**63), st.sampled_from([0, 6_000]), st.booleans())
def test_i4_a_cell_that_both_images_of_a_seam_saw_counts_once(
    seed: int, registration_nm: int, is_rescan: bool
) -> None:
    """The seam between two fields, or between a capture and a rescan that is usable in part."""
    chance = seeded(seed)
    start = opening(grid(1 if is_rescan else 2, 1, 400_000, 200_000, 80_000), registration_nm)
    seam_nm = 0 if is_rescan else 160_000
    half = tuple(0 if i % 8 < 4 else 2 for i in range(64)) if is_rescan else (0,) * 64
    images = [Image(0, 1, 0), Image(0, 2, 0) if is_rescan else Image(1, 1, 0)]
    shift_nm = chance.randint(-registration_nm // 2, registration_nm // 2)
    cells = [(seam_nm + chance.randint(-9_000, 9_000), y) for y in range(-80_000, 80_000, 30_000)]
    seen: Counter[int] = Counter()
    owner: dict[tuple[Image, int], int] = {}
    rows: list[Row] = [start, Closing(End.CLOSED, "", "")]
    for image, grades in zip(images, ((0,) * 64, half), strict=True):
        findings: list[tuple[int, int, int, int, int]] = []
        for cell, (x, y) in enumerate(cells):
            if chance.random() < 0.8:
                owner[image, len(findings)] = cell
                x, y = x + chance.randint(-1_500, 1_500), y + chance.randint(-1_500, 1_500)
                x += shift_nm if image is images[1] else 0
                seen[cell] += grades is not half or x < 0 or not is_rescan
                score, severity = chance.randint(2_000, 9_999), chance.randint(0, 3)
                findings.append((x, y, 12_000, severity, score))
        field = start.plan.fields[image.field]
        place = Rectangle(field.x_nm, field.y_nm, 400_000, 200_000)
        rows.append(record(image, place, packed(*findings), grades))
    counted = Counter(owner[entry.image, entry.finding] for entry in fold(rows).gallery)
    for cell, times in seen.items():
        assert counted[cell] == 1 if times == 2 else counted[cell] <= 1


# The strategy's own statistics -----------------------------------------------------------------


@cache
def _sample() -> list[Slide]:
    return [random_slide(seeded(seed)) for seed in range(SAMPLE)]


def _share(is_so: list[bool]) -> float:
    return sum(is_so) / len(is_so)


def test_i1_three_in_ten_slides_have_twins() -> None:
    assert _share([has_twins(slide) for slide in _sample()]) >= 0.3


def test_i1_three_in_ten_slides_have_a_rescan_that_takes_over_in_part() -> None:
    assert _share([has_a_rescan_that_takes_over_in_part(slide) for slide in _sample()]) >= 0.3


def test_i1_three_in_ten_slides_have_a_withdrawal_that_changes_them() -> None:
    assert _share([has_a_withdrawal_that_changes_it(slide) for slide in _sample()]) >= 0.3


def test_i1_three_in_ten_slides_have_a_finding_that_waits_in_mid_scan() -> None:
    assert _share([has_a_finding_that_waits(slide) for slide in _sample()]) >= 0.3


def test_the_rows_of_a_random_slide_are_what_a_journal_may_hold() -> None:
    for slide in _sample():
        images = [row.image for row in slide.records]
        assert len(images) == len(set(images))
        assert sum(isinstance(row, Opening) for row in slide.rows) == 1
