"""Every step of the outcome, on both sides of its bound, and the order of the steps."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from edge.evidence.summary import Summary, Sums
from edge.slide.basis import CategoryNumbers
from edge.slide.record import End, Incident, IncidentKind
from edge.verdict.decide import decide, scaled
from edge.verdict.reasons import ReasonCode
from edge.verdict.verdict import Outcome, State, Verdict

Slide = Callable[..., Summary]
LSIL, ASC_H, HSIL, AGC = 2, 3, 4, 6
STEP_1 = {"incidents": (Incident(IncidentKind.ENGINE_UNPROVED, "golden field: 3 px off"),)}
STEP_2 = {"reached": {LSIL: 8}}
STEP_3 = {"missing_fields": 1}
STEP_4 = {"reached": {LSIL: 4}}
FEW_CELLS = Sums(40, 400, 9_000, 40 * 100, 40 * 10 * 225, 40 * 225**2)
STEP_5 = {"sums": FEW_CELLS}


def codes(verdict: Verdict) -> list[str]:
    return [each.code for each in verdict.reasons]


def test_a_slide_with_nothing_against_it_is_negative(slide: Slide) -> None:
    verdict = decide(slide())
    assert (verdict.state, verdict.outcome) == (State.FINAL, Outcome.CATEGORY)
    assert verdict.category == "NILM"
    assert codes(verdict) == ["nilm"]
    assert (verdict.notes, verdict.not_excluded) == ((), ())
    assert verdict.counts == (("NILM", 6_000), ("LSIL", 0), ("HSIL", 0))
    assert verdict.gallery == ("f12.c1.p0.i7",)


@pytest.mark.parametrize(
    ("changes", "outcome", "category", "first"),
    [
        (STEP_1 | STEP_2 | STEP_3 | STEP_5, Outcome.INCOMPLETE, None, "engine_unproved"),
        (STEP_2 | STEP_3 | STEP_5, Outcome.CATEGORY, "LSIL", "category_count_reached"),
        (STEP_3 | STEP_4 | STEP_5, Outcome.INCOMPLETE, None, "missing"),
        (STEP_4 | STEP_5, Outcome.REVIEW, None, "review_count_reached"),
        (STEP_5, Outcome.UNSATISFACTORY, None, "cellularity_low"),
        ({}, Outcome.CATEGORY, "NILM", "nilm"),
    ],
)
def test_the_first_step_that_applies_makes_the_outcome(
    slide: Slide, changes: dict[str, Any], outcome: Outcome, category: str | None, first: str
) -> None:
    verdict = decide(slide(**changes))
    assert (verdict.outcome, verdict.category) == (outcome, category)
    assert codes(verdict)[0] == first


@pytest.mark.parametrize("kind", list(IncidentKind))
def test_i3_every_incident_but_the_two_that_are_only_told_forbids_a_verdict(
    slide: Slide, kind: IncidentKind
) -> None:
    verdict = decide(slide(incidents=(Incident(kind, "why"),)))
    if kind in (IncidentKind.ON_CPU, IncidentKind.CLOCK_JUMP):
        assert verdict.category == "NILM"
        assert [str(each.code) for each in verdict.notes] == [kind]
    else:
        assert verdict.outcome is Outcome.INCOMPLETE
        assert codes(verdict) == [kind]
    assert any("why" in each.text for each in verdict.reasons + verdict.notes)


def test_i3_an_incident_without_a_detail_still_counts(slide: Slide) -> None:
    verdict = decide(slide(incidents=(Incident(IncidentKind.ENGINE_CHANGED, ""),)))
    assert codes(verdict) == ["engine_changed"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"opening": {"specimen": "urine"}}, "card_not_for_specimen"),
        ({"basis": {"categories": ()}}, "card_without_categories"),
        (
            {"basis": {"categories": (CategoryNumbers("NILM", 0, 1, 1),)}},
            "card_without_categories",
        ),
        ({"basis": {"identities": (("categories", "another"),)}}, "categories_changed"),
    ],
)
def test_i3_a_card_that_does_not_fit_forbids_a_verdict(
    slide: Slide, changes: dict[str, Any], code: str
) -> None:
    verdict = decide(slide(**changes))
    assert (verdict.outcome, codes(verdict)) == (Outcome.INCOMPLETE, [code])


@pytest.mark.parametrize(
    ("reached", "outcome", "category", "not_excluded"),
    [
        ({LSIL: 3}, Outcome.CATEGORY, "NILM", ()),
        ({LSIL: 4}, Outcome.REVIEW, None, ("LSIL",)),
        ({LSIL: 7}, Outcome.REVIEW, None, ("LSIL",)),
        ({LSIL: 8}, Outcome.CATEGORY, "LSIL", ()),
        ({LSIL: 8, HSIL: 1}, Outcome.CATEGORY, "LSIL", ()),
        ({LSIL: 8, HSIL: 2}, Outcome.CATEGORY, "LSIL", ("HSIL",)),
        ({LSIL: 7, HSIL: 5}, Outcome.REVIEW, None, ("HSIL", "LSIL")),
        ({LSIL: 9, HSIL: 6}, Outcome.CATEGORY, "HSIL", ()),
        ({LSIL: 7, HSIL: 6}, Outcome.CATEGORY, "HSIL", ()),
        ({ASC_H: 99}, Outcome.CATEGORY, "NILM", ()),
    ],
)
def test_counts_are_judged_by_the_card(
    slide: Slide,
    reached: dict[int, int],
    outcome: Outcome,
    category: str | None,
    not_excluded: tuple[str, ...],
) -> None:
    verdict = decide(slide(reached=reached))
    assert (verdict.outcome, verdict.category) == (outcome, category)
    assert verdict.not_excluded == not_excluded


@pytest.mark.parametrize("changes", [STEP_1, STEP_3])
def test_worse_categories_are_named_beside_an_incomplete_verdict(
    slide: Slide, changes: dict[str, Any]
) -> None:
    verdict = decide(slide(reached={LSIL: 7, HSIL: 2}, **changes))
    assert verdict.outcome is Outcome.INCOMPLETE
    assert verdict.not_excluded == ("HSIL", "LSIL")


def test_a_category_that_cannot_be_trusted_is_not_excluded_either(slide: Slide) -> None:
    verdict = decide(slide(reached={HSIL: 60}, **STEP_1))
    assert (verdict.category, verdict.not_excluded) == (None, ("HSIL",))


def test_a_category_is_given_with_every_gap_in_its_reasons(slide: Slide) -> None:
    verdict = decide(
        slide(
            reached={HSIL: 6},
            missing_fields=2,
            unprocessed_images=1,
            end=End.ABORTED,
            end_why="stage",
            area={"usable": 8_000, "lost": (("missing", 600), ("out_of_focus", 400))},
        )
    )
    assert verdict.category == "HSIL"
    assert codes(verdict) == [
        "category_count_reached", "aborted", "unprocessed", "missing", "coverage_incomplete",
        "out_of_focus",
    ]  # fmt: skip


def test_another_axis_is_never_settled_by_a_category(slide: Slide) -> None:
    categories = (CategoryNumbers("HSIL", 5_000, 6, 2), CategoryNumbers("AGC", 5_000, 6, 2))
    changes = {"basis": {"categories": categories}}
    both = decide(slide(reached={HSIL: 6, AGC: 6}, **changes))
    assert {both.category, *both.not_excluded} == {"HSIL", "AGC"}
    doubt = decide(slide(reached={HSIL: 6, AGC: 2}, **changes))
    assert (doubt.category, doubt.not_excluded) == ("HSIL", ("AGC",))


@pytest.mark.parametrize(
    ("planned", "needed"), [(10_000, 8), (9_999, 7), (5_000, 4), (1, 1), (0, 1), (20_000, 16)]
)
def test_a_count_is_scaled_to_the_planned_area_and_at_least_one(planned: int, needed: int) -> None:
    assert scaled(8, planned, 4_000_000) == needed


@pytest.mark.parametrize("times", [1, 20])
def test_i3_a_high_grade_finding_asks_for_a_review_on_a_slide_of_any_size(
    times: int, slide: Slide
) -> None:
    large = {"planned": 10_000 * times, "usable": 9_000 * times, "empty": 1_000 * times}
    categories = (CategoryNumbers("LSIL", 5_000, 6, 1), CategoryNumbers("HSIL", 5_000, 6, 1))
    changes = {"basis": {"categories": categories}, "area": large}
    high = decide(slide(reached={LSIL: 1, HSIL: 1}, **changes))
    assert (high.outcome, high.not_excluded[0]) == (Outcome.REVIEW, "HSIL")
    low = decide(slide(reached={LSIL: 1}, **changes))
    assert low.outcome is (Outcome.REVIEW if times == 1 else Outcome.CATEGORY)


def test_i5_the_count_that_a_category_needs_goes_by_the_planned_area(slide: Slide) -> None:
    half = {"planned": 5_000, "usable": 4_500, "empty": 500}
    assert decide(slide(reached={LSIL: 4}, area=half)).category == "LSIL"
    assert decide(slide(reached={LSIL: 3}, area=half)).outcome is Outcome.REVIEW
    scarcely_seen = {"usable": 100, "empty": 0, "pending": 9_900}
    running = decide(slide(reached={LSIL: 7}, area=scarcely_seen, end=None))
    assert running.category is None


def test_with_no_negative_slides_one_finding_asks_for_a_review(slide: Slide) -> None:
    card: dict[str, Any] = {"negative_slides": 0, "reference_area_um2": 1_000_000}
    verdict = decide(slide(basis=card, reached={LSIL: 1}))
    assert (verdict.outcome, verdict.not_excluded) == (Outcome.REVIEW, ("LSIL",))
    assert [each.code for each in verdict.notes] == ["no_negative_slides"]
    assert decide(slide(basis=card)).category == "NILM"


def test_i3_a_running_scan_is_never_negative(slide: Slide) -> None:
    verdict = decide(slide(end=None))
    assert (verdict.state, verdict.outcome) == (State.PROVISIONAL, Outcome.INCOMPLETE)
    assert codes(verdict) == ["scan_running"]


def test_fields_to_come_are_pending_and_not_missing(slide: Slide) -> None:
    still = {"usable": 500, "empty": 0, "pending": 9_500}
    verdict = decide(slide(end=None, missing_fields=38, unsettled_fields=38, area=still))
    assert codes(verdict) == ["scan_running"]
    assert "9,500 of 10,000" in verdict.reasons[0].text


def test_a_category_may_stand_before_the_end(slide: Slide) -> None:
    verdict = decide(slide(end=None, reached={LSIL: 8, HSIL: 2}))
    assert (verdict.state, verdict.category) == (State.PROVISIONAL, "LSIL")
    assert verdict.not_excluded == ("HSIL",)
    assert codes(verdict) == ["category_count_reached", "scan_running", "review_count_reached"]


def test_what_the_model_cannot_see_is_listed(slide: Slide) -> None:
    assert decide(slide()).not_assessed == (
        "ASC-US", "ASC-H", "SCC", "AGC", "AIS", "adenocarcinoma", "organisms",
        "transformation zone", "endometrial cells",
    )  # fmt: skip
    with_organisms = {"categories_of_classes": ("NILM", "LSIL", "organisms")}
    assert "organisms" not in decide(slide(basis=with_organisms)).not_assessed


def test_i3_evidence_without_a_count_for_a_category_is_a_fault_and_not_none_of_it(
    slide: Slide,
) -> None:
    with pytest.raises(IndexError):
        decide(replace(slide(), reached=(5,)))


def test_the_reason_for_a_review_of_cellularity_says_which(slide: Slide) -> None:
    few_fields = Sums(29, 6_000, 9_000, 1_250_000, 1_870_000, 2_800_000)
    around = Sums(40, 5_000, 9_000, 40 * 125**2, 40 * 125 * 225, 40 * 225**2)
    cases: list[tuple[dict[str, Any], ReasonCode]] = [
        ({"sums": few_fields}, ReasonCode.TOO_FEW_FIELDS),
        ({"sums": around}, ReasonCode.CELLULARITY_UNDECIDED),
        ({"opening": {"preparation": "surepath"}}, ReasonCode.PREPARATION_NOT_ON_CARD),
    ]
    for changes, code in cases:
        verdict = decide(slide(**changes))
        assert (verdict.outcome, codes(verdict)) == (Outcome.REVIEW, [code])
