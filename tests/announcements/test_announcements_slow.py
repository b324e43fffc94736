"""`make test-slow PART=announcements`: how often negative slides are announced; and power.

Writes `docs/announcements.md`. About ten minutes; `SEED=N` takes other slides.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from tests.announcements import page
from tests.announcements.proving import (
    USUAL,
    Size,
    as_modelled,
    at_most,
    fitted_numbers,
    power,
    ways,
)
from tests.announcements.slides import Model

SEED = int(os.environ.get("SEED", "1"))
SIZE = Size(slides=20_000, cards=40, positives=2_000)
RARE = Model(2, 0.1)
KNOWN = 200
"""Negative slides of a card."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(45 * 60)]


def test_false_announcements_keep_to_alpha_and_true_ones_come() -> None:
    chance = np.random.default_rng(SEED)
    modelled = list(as_modelled(chance, SIZE))
    broken = list(ways(chance, SIZE))
    powers = {}
    for model in (RARE, USUAL):
        of = f"{model.mean:g} false findings a slide"
        powers[f"{of}, r and b known"] = power(chance, SIZE, model, [(model.r, model.b)])
        cards = fitted_numbers(chance, model, KNOWN, SIZE.cards)
        name = f"{of}, {len(cards)} cards of {KNOWN} slides"
        powers[name] = power(chance, SIZE, model, cards)
    path = Path(__file__).parents[2] / "docs" / "announcements.md"
    path.write_text(page.written(SEED, SIZE, modelled, broken, powers))
    for model, shares in modelled:
        for odds, share in shares.items():
            assert share <= at_most(1 / odds, SIZE.slides), model
    assert [way.name for way in broken if not way.is_held(SIZE)] == []
    assert all(by_cells[50].announced > 0.9 for by_cells in powers.values())
