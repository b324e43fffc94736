"""I3: over random evidence, NILM is said only where every condition holds.

The conditions are written here a second time, in floats and in other words.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from math import sqrt
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge.evidence.summary import Summary, Sums
from edge.slide.basis import AdequacyNumbers, CategoryNumbers
from edge.slide.record import End, Incident, IncidentKind
from edge.verdict.decide import decide
from edge.verdict.verdict import Outcome, State

Slide = Callable[..., Summary]
TOLERATED = {IncidentKind.ON_CPU, IncidentKind.CLOCK_JUMP}


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """The value that forbids nothing, seven times in eight: else no example is ever negative."""
    return st.integers(0, 7).flatmap(
        lambda n: st.sampled_from(others) if n == 7 else st.just(usual)
    )


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Any]:
    planned = draw(st.integers(0, 12_000))
    lost = draw(mostly(0, 30, 600, 700, 2_000))
    pending = draw(mostly(0, 1, 3_000))
    empty = draw(st.integers(0, planned // 2))
    usable = max(0, planned - lost - pending - empty)
    n = draw(mostly(40, 0, 1, 29, 30))
    each = usable // n if n else 0
    cells = draw(st.lists(st.integers(100, 220), min_size=n, max_size=n)) if each else []
    negatives = draw(mostly(20, 0))
    return {
        "area": {
            "planned": planned, "usable": usable, "empty": empty, "pending": pending,
            "lost": ((draw(st.sampled_from(["out_of_focus", "skipped", "missing"])), lost),)
            if lost else (),
            "largest_lost_patch": lost,
        },
        "sums": Sums(
            len(cells), sum(cells), each * len(cells), sum(c * c for c in cells),
            sum(c * each for c in cells), each * each * len(cells),
        ),
        "reached": {s: draw(st.sampled_from([0, 0, 0, 0, 0, 1, 2, 5, 9])) for s in (2, 4)},
        "missing_fields": draw(mostly(0, 1)),
        "unprocessed_images": draw(mostly(0, 1)),
        "incidents": tuple(
            Incident(kind, "x")
            for kind in draw(st.sets(mostly(IncidentKind.ON_CPU, *IncidentKind), max_size=2))
        ),
        "end": draw(mostly(End.CLOSED, None, End.ABORTED)),
        "opening": {
            "specimen": draw(mostly("cervical", "urine")),
            "purpose": draw(mostly("simulation", "replay", "clinical")),
            "preparation": draw(mostly("thinprep", "surepath", "cytospin")),
        },
        "basis": {
            "negative_slides": negatives,
            "categories": tuple(
                CategoryNumbers(name, 5_000, draw(st.integers(1, 12)), draw(st.integers(1, 6)))
                for name in ("LSIL", "HSIL")
            ),
            "adequacy": tuple(
                AdequacyNumbers(name, draw(st.integers(1_000, 6_000)), 1_000, 20, 900)
                for name in ("thinprep", "surepath")
            ),
        },
    }  # fmt: skip


def everything_holds(s: Summary) -> bool:
    """Whether nothing at all stands against a negative verdict."""
    basis, area, opening = s.opening.basis, s.area, s.opening
    if s.end is not End.CLOSED or area.pending or s.missing_fields or s.unprocessed_images:
        return False
    if any(each.kind not in TOLERATED for each in s.incidents):
        return False
    if opening.specimen not in basis.specimens or "missing" in dict(area.lost):
        return False
    if not area.planned or (area.usable + area.empty) / area.planned < 0.95:
        return False
    if area.largest_lost_patch > area.field:
        return False
    spot_um2 = {"thinprep": 314_159_265, "surepath": 132_732_289, "cytospin": 4_000_000}
    if opening.purpose == "clinical" and 400 * area.planned < 0.95 * spot_um2[opening.preparation]:
        return False
    times = area.planned * 400 / basis.reference_area_um2
    for numbers in basis.categories:
        found = s.reached[{"LSIL": 2, "HSIL": 4}[numbers.category]]
        category, review = (
            max(1, int(count * times)) for count in (numbers.category_from, numbers.review_from)
        )
        review = numbers.review_from if numbers.category == "HSIL" else review
        if found >= min(category, review) or (found and not basis.negative_slides):
            return False
    card = {each.preparation: each for each in basis.adequacy}.get(opening.preparation)
    return card is not None and s.sums.n >= 30 and lower_limit(s) >= card.minimum


def lower_limit(s: Summary) -> float:
    """Of the squamous cells, in floats: k is 1 +- 0.02 on every card here."""
    n, c, a, cc, ca, aa = (
        s.sums.n, s.sums.cells, s.sums.points, s.sums.cells_cells, s.sums.cells_points,
        s.sums.points_points,
    )  # fmt: skip
    spot = s.area.planned - (s.area.usable + s.area.empty - a)
    ratio = c / a
    scatter = max(0.0, cc - 2 * ratio * ca + ratio**2 * aa)
    variance = (spot / a) ** 2 * (1 - a / spot) * n / (n - 1) * scatter
    variance += ((spot - a) * n / a) ** 2 * scatter / (n - 1)  # were it lost in one piece
    total = c * spot / a
    return total - 1.96 * sqrt(variance + (0.02 * total) ** 2)


def test_i3_negative_is_said_only_where_every_condition_holds(slide: Slide) -> None:
    said = Counter[bool]()

    @settings(max_examples=600, deadline=None)
    @given(changed=changes())
    @example(changed={})
    def holds(changed: dict[str, Any]) -> None:
        summary = slide(**changed)
        verdict = decide(summary)
        is_negative = verdict.category == "NILM"
        said[is_negative] += 1
        assert is_negative == everything_holds(summary)
        assert (verdict.category is None) == (verdict.outcome is not Outcome.CATEGORY)
        assert (verdict.state is State.PROVISIONAL) == (summary.end is None)
        assert verdict.reasons
        assert not (is_negative and verdict.not_excluded)

    holds()
    assert said[True] >= 20, "too few negative examples to prove anything"
    assert said[False] >= 200


@given(changed=changes())
def test_i3_taking_a_fault_away_is_the_only_way_to_a_negative_verdict(
    slide: Slide, changed: dict[str, Any]
) -> None:
    summary = slide(**changed)
    faults = (
        replace(summary, end=None),
        replace(summary, missing_fields=1),
        replace(summary, incidents=(Incident(IncidentKind.ENGINE_CHANGED, "x"),)),
        replace(summary, area=replace(summary.area, largest_lost_patch=622)),
    )
    assert all(decide(faulty).category != "NILM" for faulty in faults)
