"""The proof's formula is the shipped one; and the proof, made small."""

from math import floor, log

import numpy as np

from edge.verdict.announcement import milli_log10_e
from tests.announcements.proving import (
    USUAL,
    Size,
    as_modelled,
    at_most,
    card,
    course,
    power,
    ways,
)
from tests.announcements.slides import FIELDS, GROUND, Model, first, graded, log_e, seen

SMALL = Size(slides=600, cards=1, positives=100)


def test_i1_e_on_arrays_is_the_shipped_one() -> None:
    chance = np.random.default_rng(1)
    found, ground = chance.integers(0, 60, 2_000), chance.integers(0, 8_000_000, 2_000)
    milli = 1_000 * log_e(found, ground, 0.517, 40_961) / log(10)
    exact = [milli_log10_e(a, n, 517, 40_961) for a, n in zip(found, ground, strict=True)]
    assert list(map(floor, milli)) == exact


def test_a_slide_is_looked_at_after_each_of_five_hundred_fields() -> None:
    counts = Model(2, 20).negatives(np.random.default_rng(2), 3)
    assert counts.shape == (3, FIELDS)
    assert [course(each).points[1:] for each in counts] == [GROUND.tolist()] * 3
    when = first(counts, 2, USUAL.b, 100)
    for one, field in zip(counts, when.tolist(), strict=True):
        e = [
            milli_log10_e(int(a), int(n), 2_000, round(USUAL.b))
            for a, n in zip(seen(one[None])[0], GROUND, strict=True)
        ]
        assert field == next(i for i, each in enumerate(e) if each >= 2_000)


def test_negative_slides_as_modelled_are_announced_on_a_share_alpha_at_most() -> None:
    for model, shares in as_modelled(np.random.default_rng(3), SMALL):
        for odds, share in shares.items():
            assert share <= at_most(1 / odds, SMALL.slides), (model, odds)


def test_every_way_to_break_it_is_guarded_or_refused() -> None:
    found = list(ways(np.random.default_rng(4), SMALL))
    assert [way.name for way in found if not way.is_held(SMALL)] == []
    assert sum(way.unguarded > way.false for way in found) >= 4


def test_a_card_of_slides_with_a_steep_gradient_is_refused() -> None:
    chance = np.random.default_rng(5)
    assert "replayed in scan order" in card(graded(USUAL, 0.9, 0.1)(chance, 400)).refused
    assert card(USUAL.negatives(chance, 400)).refused == ""


def test_many_cells_are_announced_and_early() -> None:
    found = power(np.random.default_rng(6), SMALL, USUAL, [(USUAL.r, USUAL.b)])
    assert found[50].announced == 1
    assert found[50].coverage is not None
    assert found[50].coverage < 0.1
    assert found[1].announced < 0.2
