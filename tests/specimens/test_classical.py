"""Darkness and size do not give the planted grades away: a model has to look closer."""

import tempfile
from pathlib import Path

from engines import card as cards
from tests.specimens.classical import MIXED, Classical, fitted
from tests.specimens.showing import planted, shown, specimen
from tests.specimens.tiers import Graded

AT_MOST = 0.6
FITTED_ON, SHOWN = range(811, 814), range(821, 823)


def test_darkness_and_size_get_at_most_three_of_five_planted_grades_right() -> None:
    card = cards.load(cards.SHIPPED)
    rule = fitted([specimen("hsil", seed, 1, contents=MIXED).slide for seed in FITTED_ON])
    sums = Graded()
    with tempfile.TemporaryDirectory() as folder:
        for seed in SHOWN:
            source = specimen("hsil", seed, 1, contents=MIXED)
            sums += planted(source, *shown(source, Classical(card, rule), card, Path(folder)), card)
    assert sums.low + sums.high > 200
    assert sums.planted_right <= AT_MOST, (rule, sums)
    assert sums.negative_right > 0.5, (rule, sums)
