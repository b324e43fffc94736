"""A report in plain words, for a terminal."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from edge.report.model import AdequacyPart, AnnouncementPart, CoveragePart, Report, VerdictPart
from edge.verdict.adequacy import AdequacyState
from edge.verdict.reasons import share
from edge.verdict.verdict import Outcome

SHOWN_FINDINGS: Final = 10
"""Of the gallery, best first; the JSON report names all."""

_HEADLINE: Final = {
    Outcome.REVIEW: "REVIEW: a person must look at this slide",
    Outcome.UNSATISFACTORY: "UNSATISFACTORY: too few cells to judge",
    Outcome.INCOMPLETE: "INCOMPLETE: nothing can be said of this slide as a whole",
}
_CELLS: Final = {
    AdequacyState.ADEQUATE: "enough",
    AdequacyState.UNSATISFACTORY: "too few",
    AdequacyState.UNDECIDED: "undecided",
    AdequacyState.NOT_ESTABLISHED: "not established",
}


def write(report: Report) -> str:
    """The whole report, a fact a line, ending in a newline."""
    return "\n".join(_lines(report)) + "\n"


def headline(verdict: VerdictPart) -> str:
    """The outcome in a few words."""
    words = _HEADLINE.get(verdict.outcome, verdict.category or "")
    if verdict.not_excluded:
        words += f" (not excluded: {', '.join(verdict.not_excluded)})"
    return words


def _lines(report: Report) -> Iterator[str]:
    verdict = report.verdict
    revision = f", revision {report.revision}" if report.revision else ""
    issued = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=report.issued_at_us)
    yield f"Slide {report.slide}, {verdict.state} verdict{revision}"
    yield f"  {headline(verdict)}"
    yield f"  {verdict.use}; purpose {verdict.purpose}; system {verdict.system}"
    yield "Reasons"
    yield from (f"  {each.text} [{each.code}]" for each in verdict.reasons)
    if verdict.notes:
        yield "To be known"
        yield from (f"  {each.text} [{each.code}]" for each in verdict.notes)
    yield "Coverage, in lattice points of 400 um2"
    yield f"  {coverage(verdict.coverage)}"
    yield "Cells"
    yield f"  {adequacy(verdict.adequacy)}"
    yield "Counted findings that reach a category"
    yield f"  {counts(verdict.counts)}"
    yield f"  not assessed: {', '.join(verdict.not_assessed) or 'nothing'}"
    yield f"  announcement: {_announcement(verdict.announcement)}"
    yield from (f"    never {c}: {why}" for c, why in verdict.announcement.not_established.items())
    yield f"Gallery: {len(verdict.gallery)} findings"
    if verdict.gallery:
        more = " ..." if len(verdict.gallery) > SHOWN_FINDINGS else ""
        yield f"  {' '.join(verdict.gallery[:SHOWN_FINDINGS])}{more}"
    yield "Made by"
    rests_on = verdict.rests_on
    yield f"  thresholds: table {rests_on.table}, {rests_on.negative_slides:,} negative slides"
    yield f"  head: {verdict.head}"
    yield from (f"  {name}: {identity}" for name, identity in verdict.identities.items())
    yield f"  verdict: {report.verdict_hash}"
    yield f"  issued: {issued:%Y-%m-%d %H:%M:%S} UTC"


def coverage(area: CoveragePart) -> str:
    """How much of the planned ground was seen, and why the rest was not."""
    seen = area.usable + area.empty
    lost = "".join(f", {n:,} {why.replace('_', ' ')}" for why, n in area.lost.items())
    return (
        f"{area.planned:,} planned, {share(seen, area.planned)} seen: {area.usable:,} usable, "
        f"{area.empty:,} empty, {area.pending:,} pending{lost}"
    )


def adequacy(cells: AdequacyPart) -> str:
    """Whether there are enough squamous cells."""
    if cells.minimum is None:
        return _CELLS[cells.state]
    limits = ""
    if cells.low is not None:
        interval = (
            f"at least {cells.low:,}" if cells.high is None else f"{cells.low:,} to {cells.high:,}"
        )
        limits = f" ({interval} at 95 %)"
    return f"{_CELLS[cells.state]}: {cells.cells:,}{limits}; {cells.minimum:,} are needed"


def _announcement(said: AnnouncementPart) -> str:
    words = {None: "", True: ", borne out", False: ", NOT borne out by this verdict"}
    made = (f"{each.category}{words[each.borne_out]}" for each in said.announced)
    return "; ".join(made) or said.state


def counts(found: dict[str, int]) -> str:
    """Counted findings by the category that they reach."""
    return ", ".join(f"{name} {number:,}" for name, number in found.items()) or "none"
