"""From replayed slides to a table: which slides, on what ground, with which cells."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from drivers.problem import Refusal
from edge.validation.course import Course
from edge.validation.fit import fit, ranges, reference_area_um2
from edge.validation.sample import Sample, Scores, Truth
from engines.card import ModelCard
from tests.edge.verdict.conftest import NEGATIVE, OPENING
from tests.engines import tiny_model

PLANNED = NEGATIVE.area.planned


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> ModelCard:
    return tiny_model.make(tmp_path_factory.mktemp("tiny"))


def slide(
    *findings: tuple[str, int],
    worst: str = "NILM",
    seed: int | None = 1,
    preparation: str = "thinprep",
    planned: int = PLANNED,
    **truth: Any,
) -> Sample:
    """A slide with findings of one class each, with its score; the rest of it is NILM's."""
    scores = np.zeros((len(findings), len(tiny_model.CLASSES)), np.int32)
    for row, (class_, score) in zip(scores, findings, strict=True):
        row[[tiny_model.CLASSES.index(class_), 1]] = score, 10_000 - score
    summary = replace(
        NEGATIVE,
        opening=replace(OPENING, preparation=preparation),
        area=replace(NEGATIVE.area, planned=planned),
    )
    known: dict[str, Any] = {"source": "rendered", "origin": "negative", "seen_cells": 5_700}
    return Sample(
        Truth(seed=seed, worst=worst, **known | truth), summary, scores, course(scores, planned), ""
    )


def course(scores: Scores, planned: int) -> Course:
    """All of it found in one field, half-way through the scan."""
    return Course([0, planned // 2, planned], [(1, 0, len(scores))], [scores])


def test_a_table_says_which_slides_it_rests_on(card: ModelCard) -> None:
    negatives = [slide(("HSIL", 4_000), seed=seed) for seed in range(7, 12)]
    high = slide(*[("HSIL", 9_000)] * 9, worst="HSIL", seed=20, origin="hsil")
    table = fit([*negatives, high], card, "rendered", 20)
    assert (table.source, table.negative_slides, table.slides_for_review) == ("rendered", 5, 0)
    assert table.seeds == "7-11, 20"
    assert table.slides == "1 hsil (thinprep, HSIL), 5 negative (thinprep, NILM)"
    assert table.reference_area_um2 == 400 * PLANNED
    assert [each.category for each in table.categories] == ["LSIL", "HSIL"]
    assert high.at(card, table).category == "HSIL"
    assert all(each.at(card, table).category == "NILM" for each in negatives)


def test_a_finding_counts_for_a_category_by_its_scores_for_it_and_worse(card: ModelCard) -> None:
    """7,000 for SCC are 7,000 for LSIL, too; 7,000 for ASC-US are none."""
    negatives = [slide(("SCC", 7_000), ("ASC-US", 9_000)) for _ in range(4)]
    low, high = fit(negatives, card, "rendered", 20).categories
    assert (low.threshold, high.threshold) == (7_001, 7_001)


def test_each_preparation_has_its_own_cells(card: ModelCard) -> None:
    thin = [slide(seen_cells=cells) for cells in (5_400, 5_700, 6_000)]
    sure = [slide(preparation="surepath", seen_cells=4_800) for _ in range(3)]
    smear = [slide(preparation="conventional")]
    table = fit([*thin, *sure, *smear], card, "rendered", 20)
    found = {each.preparation: each.true_per_counted_milli for each in table.adequacy}
    assert NEGATIVE.sums.cells == 6_000
    assert found == {"surepath": 800, "thinprep": 950}


def test_public_slides_are_pieces_and_their_ground_is_taken_together(card: ModelCard) -> None:
    assert reference_area_um2("public", [100, 300, 250]) == 400 * 650
    assert reference_area_um2("rendered", [100, 300, 250]) == 400 * 250
    known: dict[str, Any] = {
        "source": "public", "origin": "fields", "seed": None, "seen_cells": None, "planned": 200,
    }  # fmt: skip
    doubtful = slide(("HSIL", 8_000), **known)
    table = fit([doubtful, *(slide(**known) for _ in range(9))], card, "public", 20)
    assert table.seeds == ""
    assert table.adequacy == ()
    assert table.reference_area_um2 == 400 * 2_000
    high = table.categories[1]
    assert (high.threshold, high.category_from, table.slides_for_review) == (5_000, 30, 1)
    assert doubtful.at(card, table).not_excluded == ("HSIL", "LSIL")


def test_i3_only_whole_slides_say_how_false_findings_come(card: ModelCard) -> None:
    public: dict[str, Any] = {"source": "public", "origin": "fields", "seen_cells": None}
    for known, why in (({}, "do not show how rates"), (public, "are not whole")):
        slides = [slide(("HSIL", 4_000), **known) for _ in range(20)]
        table = fit(slides, card, "public" if known else "rendered", 20)
        assert [each.category for each in table.announcing] == ["LSIL", "HSIL"]
        assert all(why in each.refused for each in table.announcing)


def test_a_source_without_a_negative_slide_is_refused(card: ModelCard) -> None:
    with pytest.raises(Refusal, match="there is no negative slide"):
        fit([slide(worst="LSIL")], card, "rendered", 20)


@pytest.mark.parametrize(
    ("numbers", "told"),
    [([], ""), ([7], "7"), ([3, 1, 2, 2], "1-3"), ([1, 3, 4, 9], "1, 3-4, 9")],
)
def test_whole_numbers_are_told_as_runs(numbers: list[int], told: str) -> None:
    assert ranges(numbers) == told
