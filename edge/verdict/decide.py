"""The outcome of a slide: the first of six steps that applies."""

from collections.abc import Sequence
from dataclasses import dataclass

from edge.evidence.summary import Summary
from edge.verdict.adequacy import LEAST_FIELDS, Adequacy, AdequacyState, adequacy
from edge.verdict.announcement import Announcements, announcements
from edge.verdict.gaps import distrust, gaps, lost_ground, notes
from edge.verdict.reasons import Reason, ReasonCode, reason
from edge.verdict.spot import POINT_UM2
from edge.verdict.system import Category, CategorySystem, load
from edge.verdict.verdict import Outcome, State, Verdict


@dataclass(frozen=True, slots=True)
class _Tally:
    """How many findings reach a category, beside the counts that this planned area asks for."""

    category: Category
    found: int
    makes_category: int
    asks_for_review: int

    @property
    def stands(self) -> bool:
        return self.found >= self.makes_category

    @property
    def is_in_question(self) -> bool:
        return self.stands or self.found >= self.asks_for_review


def decide(summary: Summary) -> Verdict:
    """The verdict on what was recorded.

    Before the end it is `incomplete` unless a category stands.

    Raises:
        ValueError: The basis names a category system that there is none of.
        KeyError: The basis names a category that its system has none of.
        IndexError: The evidence has no count for a category of the card.
    """
    basis = summary.opening.basis
    system = load(basis.system)
    tallies = _tallies(summary, system)
    untrusted = distrust(summary, system)
    standing = [] if untrusted else [t for t in tallies if t.stands]
    named = standing[0] if standing else None
    doubted = [t for t in tallies if t.is_in_question and not _is_settled_by(named, t)]
    holes = gaps(summary)
    told = announcements(summary, system, [t.category for t in standing])
    cells = adequacy(summary, not holes, any(t.is_in_question for t in tallies))

    outcome = _outcome(untrusted, named, holes, doubted, cells)
    name = (named.category if named else system.negative).name
    is_clear = not (untrusted or named or holes or doubted)
    return Verdict(
        state=State.PROVISIONAL if summary.end is None else State.FINAL,
        outcome=outcome,
        category=name if outcome is Outcome.CATEGORY else None,
        not_excluded=tuple(t.category.name for t in doubted),
        not_assessed=_not_assessed(summary, system),
        reasons=(
            *untrusted,
            *((_makes(named),) if named else ()),
            *holes,
            *map(_asks, doubted),
            *((_about_cells(cells, summary, system),) if is_clear else ()),
            *lost_ground(summary),
        ),
        notes=(*notes(summary), *_not_borne_out(told)),
        area=summary.area,
        adequacy=cells,
        counts=(
            (system.negative.name, summary.reached[0]),
            *((t.category.name, t.found) for t in reversed(tallies)),
        ),
        gallery=tuple(entry.name for entry in summary.gallery),
        announcements=told,
        table=basis.table,
        negative_slides=basis.negative_slides,
        identities=basis.identities,
        system=basis.system,
        purpose=summary.opening.purpose,
    )


def _outcome(
    untrusted: Sequence[Reason],
    named: _Tally | None,
    holes: Sequence[Reason],
    doubted: Sequence[_Tally],
    cells: Adequacy,
) -> Outcome:
    """The six steps. Only the last, with nothing left to say, is a negative verdict."""
    if untrusted:
        return Outcome.INCOMPLETE
    if named:
        return Outcome.CATEGORY
    if holes:
        return Outcome.INCOMPLETE
    if doubted:
        return Outcome.REVIEW
    if cells.state is AdequacyState.UNSATISFACTORY:
        return Outcome.UNSATISFACTORY
    if cells.state is not AdequacyState.ADEQUATE:
        return Outcome.REVIEW
    return Outcome.CATEGORY


def scaled(count: int, planned: int, reference_area_um2: int) -> int:
    """A count of the card's reference area, for a planned area: rounded down, at least 1.

    It goes by the planned area and not by the scanned one: with the latter, the count that a
    category needs would rise while a scan runs, and the worst so far could fall.
    """
    return max(1, count * planned * POINT_UM2 // reference_area_um2)


def review_bar(
    review_from: int, planned: int, reference_area_um2: int, *, is_high_grade: bool
) -> int:
    """How many findings ask for a review.

    Of high grade as many as the card says, however large the slide: a few cells that are clearly
    high grade are as alarming on a large slide as on a small one, and more ground dilutes none.
    """
    return review_from if is_high_grade else scaled(review_from, planned, reference_area_um2)


def _tallies(summary: Summary, system: CategorySystem) -> list[_Tally]:
    """Of the card's categories, worst first."""
    basis, planned = summary.opening.basis, summary.area.planned
    tallies = []
    for numbers in basis.categories:
        category = system.category(numbers.category)
        if category == system.negative:
            continue
        found = summary.reached[category.severity]
        area_um2 = basis.reference_area_um2
        makes_category = scaled(numbers.category_from, planned, area_um2)
        review_from = numbers.review_from if basis.negative_slides else 1
        is_high_grade = category.is_high_grade or not basis.negative_slides
        asks = review_bar(review_from, planned, area_um2, is_high_grade=is_high_grade)
        tallies.append(_Tally(category, found, makes_category, asks))
    return sorted(tallies, key=lambda tally: -tally.category.severity)


def _is_settled_by(named: _Tally | None, tally: _Tally) -> bool:
    """Whether naming a category says enough of another one: only if that is no worse."""
    if named is None:
        return False
    return named == tally or named.category.is_worse_than(tally.category)


def _not_assessed(summary: Summary, system: CategorySystem) -> tuple[str, ...]:
    """The system's categories that the card does not know, and what no class stands for."""
    basis = summary.opening.basis
    known = {system.negative.name, *(numbers.category for numbers in basis.categories)}
    categories = (c.name for c in system.categories if c.name not in known)
    beyond = (name for name in system.beyond if name not in basis.categories_of_classes)
    return (*categories, *beyond)


def _makes(tally: _Tally) -> Reason:
    return reason(
        ReasonCode.CATEGORY_COUNT_REACHED,
        found=tally.found,
        category=tally.category.name,
        bar=tally.makes_category,
    )


def _asks(tally: _Tally) -> Reason:
    return reason(
        ReasonCode.REVIEW_COUNT_REACHED,
        found=tally.found,
        category=tally.category.name,
        bar=tally.asks_for_review,
    )


def _not_borne_out(told: Announcements) -> tuple[Reason, ...]:
    return tuple(
        reason(ReasonCode.ANNOUNCEMENT_NOT_BORNE_OUT, category=each.category)
        for each in told.announced
        if each.is_borne_out is False
    )


def _about_cells(cells: Adequacy, summary: Summary, system: CategorySystem) -> Reason:
    """What the number of cells makes of a slide with nothing else to say."""
    if cells.state is AdequacyState.ADEQUATE:
        return reason(ReasonCode.NILM, cells=system.cells)
    if cells.minimum is None:
        return reason(ReasonCode.PREPARATION_NOT_ON_CARD, preparation=summary.opening.preparation)
    if cells.low is None or cells.high is None:
        return reason(ReasonCode.TOO_FEW_FIELDS, fields=summary.sums.n, limit=LEAST_FIELDS)
    is_low = cells.state is AdequacyState.UNSATISFACTORY
    return reason(
        ReasonCode.CELLULARITY_LOW if is_low else ReasonCode.CELLULARITY_UNDECIDED,
        cells=system.cells,
        low=cells.low,
        high=cells.high,
        minimum=cells.minimum,
    )
