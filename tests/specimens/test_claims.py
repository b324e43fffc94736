"""The claims can be met, and are not met by a detector that finds nothing or fires at random."""

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from drivers.scanner.words import PixelFormat
from drivers.sources.camera import Camera
from engines import card as cards
from engines.card import ModelCard
from engines.detector import Detector
from tests.specimens.baselines import FindsNothing, FiresAtRandom, KnowsTheTruth
from tests.specimens.claims import SPECIMENS, Said, broken
from tests.specimens.showing import Kept, planted, said, shown, specimen
from tests.specimens.tiers import HIGH, LOW, Graded, graded

FIELDS, SEED = 36, 801
SMALL = Camera(width_px=512, height_px=512, format=PixelFormat.BAYER_RG8)
MINIMUM = 90
"""Cells of an adequate slide, for ground so small: a third of what a middling one has."""

NILM = Said("negative", 1, "category", "NILM", ("nilm",))
REVIEW = Said("negative", 1, "review", None, ("review_count_reached",))
EARNED = [
    *[NILM] * 8,
    *[REVIEW] * 4,
    Said("lsil", 1, "category", "LSIL", ()),
    Said("lsil", 2, "category", "HSIL", ()),
    Said("hsil", 3, "category", "SCC", ()),
    Said("scant", 4, "unsatisfactory", None, ()),
    Said("blurred", 5, "incomplete", None, ("coverage_incomplete", "out_of_focus")),
]


def test_verdicts_that_are_earned_break_no_claim() -> None:
    assert broken(EARNED) == []


@pytest.mark.parametrize(
    "verdict",
    [
        Said("negative", 1, "category", "LSIL", ()),
        Said("negative", 1, "unsatisfactory", None, ()),
        Said("lsil", 1, "category", "NILM", ()),
        Said("lsil", 1, "category", "ASC-US", ()),
        Said("lsil", 1, "review", None, ()),
        Said("hsil", 1, "category", "ASC-H", ()),
        Said("scant", 1, "category", "NILM", ()),
        Said("blurred", 1, "incomplete", None, ("missing",)),
        Said("blurred", 1, "review", None, ("out_of_focus",)),
    ],
)
def test_one_slide_is_enough_to_break_them(verdict: Said) -> None:
    (problem,) = broken([*EARNED, NILM, NILM, verdict])
    assert problem == f"{verdict.specimen} slide, seed 1, is {verdict.words}"


def test_two_of_three_negative_slides_must_be_called_so() -> None:
    assert broken([*EARNED, REVIEW]) == ["8 of 13 negative slides are NILM"]


@cache
def card() -> ModelCard:
    """The shipped one, for small slides."""
    whole = cards.load(cards.SHIPPED)
    tables = [
        table.model_copy(
            update={
                "adequacy": tuple(
                    each.model_copy(update={"minimum": MINIMUM}) for each in table.adequacy
                )
            }
        )
        for table in whole.tables
    ]
    return whole.model_copy(update={"tables": tuple(tables)})


@cache
def slides() -> list[tuple[str, Kept]]:
    return [(name, specimen(name, SEED, FIELDS, camera=SMALL)) for name in SPECIMENS]


def verdicts(detector: Callable[[Kept], Detector]) -> list[Said]:
    with tempfile.TemporaryDirectory() as folder:
        return [
            said(name, SEED, shown(source, detector(source), card(), Path(folder))[0])
            for name, source in slides()
        ]


def test_who_knows_the_truth_meets_them() -> None:
    assert broken(verdicts(lambda source: KnowsTheTruth(card(), source.slide))) == []


def test_who_finds_nothing_does_not() -> None:
    problems = broken(verdicts(lambda _: FindsNothing(card())))
    assert len(problems) >= 3, problems


@pytest.mark.parametrize("evenness", [0.05, 1.0])
def test_who_fires_at_random_does_not(evenness: float) -> None:
    problems = broken(verdicts(lambda _: FiresAtRandom(card(), SEED, 430, evenness)))
    assert len(problems) >= 2, problems


def test_planted_grades_are_all_got_by_who_knows_them_and_none_by_who_finds_nothing(
    tmp_path: Path,
) -> None:
    source = dict(slides())["hsil"]

    def of(detector: Detector) -> Graded:
        return planted(source, *shown(source, detector, card(), tmp_path), card())

    known, nothing = of(KnowsTheTruth(card(), source.slide)), of(FindsNothing(card()))
    assert known.low == nothing.low > 10
    assert known.high == nothing.high > 30
    assert known.planted_right > 0.95
    assert known.false <= 1
    assert (nothing.planted_right, nothing.negative_right) == (0, 1)


def test_calling_all_alike_gets_half_of_the_grades() -> None:
    tiers = np.array([LOW, LOW, LOW, HIGH])
    found = graded(tiers, np.array([0, 1, -1, 2]), np.array([HIGH, HIGH, HIGH, HIGH]), 10)
    assert found == Graded(low=3, low_right=0, high=1, high_right=1, negative=10, false=1)
    assert found.planted_right == 0.5
    assert found.negative_right == 0.9
