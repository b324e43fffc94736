"""What stands against a negative verdict: doubt in the findings, and ground that was not seen."""

from collections.abc import Iterator
from typing import Final

from edge.evidence.summary import Area, Summary
from edge.slide.record import End, IncidentKind
from edge.slide.request import RequestEnd
from edge.verdict.reasons import Reason, ReasonCode, reason, share
from edge.verdict.spot import least_covered_points, plan_covers, spot_points
from edge.verdict.system import CategorySystem

SEEN_PERCENT: Final = 95
"""Of the planned area, at least this much is usable or empty where coverage is complete.

Source: a proposal, to be fitted on whole slides.
"""

_DISTRUSTED: Final = (
    IncidentKind.ENGINE_UNPROVED,
    IncidentKind.ENGINE_CHANGED,
    IncidentKind.CALIBRATION_MISSING,
    IncidentKind.CALIBRATION_EXPIRED,
    IncidentKind.CARD_NOT_FOR_SPECIMEN,
)
_NOTED: Final = (IncidentKind.ON_CPU, IncidentKind.CLOCK_JUMP)
_TOLD_IN_IMAGES: Final = ("missing", "unprocessed", "skipped")
"""Reasons for lost ground that are told together with a count of fields or images."""


def distrust(summary: Summary, system: CategorySystem) -> tuple[Reason, ...]:
    """Why the findings cannot be trusted."""
    return tuple(_distrust(summary, system))


def gaps(summary: Summary) -> tuple[Reason, ...]:
    """Why a slide cannot be called negative, whatever was found on it."""
    return tuple(_gaps(summary))


def lost_ground(summary: Summary) -> tuple[Reason, ...]:
    """What became of the ground that was not seen, whether or not so much may be lost."""
    return tuple(_lost_ground(summary))


def notes(summary: Summary) -> tuple[Reason, ...]:
    """What forbids nothing and must be known wherever the verdict is."""
    return tuple(_notes(summary))


def coverage_is_complete(area: Area) -> bool:
    """Whether enough of the planned area was seen, and nothing large was missed in one place."""
    return (
        area.planned > 0
        and area.pending == 0
        and 100 * (area.usable + area.empty) >= SEEN_PERCENT * area.planned
        and area.largest_lost_patch <= area.field
    )


def _distrust(summary: Summary, system: CategorySystem) -> Iterator[Reason]:
    opening, basis = summary.opening, summary.opening.basis
    for kind in _DISTRUSTED:
        details = _details(summary, kind)
        if kind is IncidentKind.CARD_NOT_FOR_SPECIMEN and not details:
            is_for = opening.specimen in basis.specimens and opening.specimen in system.specimens
            details = "" if is_for else opening.specimen
        if details:
            yield reason(ReasonCode(kind), detail=details)
    if all(numbers.category == system.negative.name for numbers in basis.categories):
        yield reason(ReasonCode.CARD_WITHOUT_CATEGORIES, negative=system.negative.name)
    if dict(basis.identities).get("categories", system.identity) != system.identity:
        yield reason(ReasonCode.CATEGORIES_CHANGED, system=system.name)


def _gaps(summary: Summary) -> Iterator[Reason]:
    opening, area, lost = summary.opening, summary.area, dict(summary.area.lost)
    if summary.end is None:
        yield reason(
            ReasonCode.SCAN_RUNNING,
            fields=summary.unsettled_fields,
            points=area.pending,
            planned=area.planned,
        )
    if summary.end is End.ABORTED:
        yield reason(ReasonCode.ABORTED, detail=summary.end_why or "no reason was given")
    if details := _details(summary, IncidentKind.MANIFEST_LOST):
        yield reason(ReasonCode.MANIFEST_LOST, detail=details)
    if not plan_covers(opening, area.planned):
        yield reason(
            ReasonCode.PLAN_DOES_NOT_COVER,
            planned=area.planned,
            spot=spot_points(opening, area.planned),
            limit=least_covered_points(opening, area.planned),
        )
    if summary.unprocessed_images or "unprocessed" in lost:
        yield reason(
            ReasonCode.UNPROCESSED,
            images=summary.unprocessed_images,
            points=lost.get("unprocessed", 0),
        )
    if summary.end is None:
        return
    if summary.missing_fields or "missing" in lost:
        yield reason(
            ReasonCode.MISSING, fields=summary.missing_fields, points=lost.get("missing", 0)
        )
    if not coverage_is_complete(area):
        yield reason(
            ReasonCode.COVERAGE_INCOMPLETE,
            seen=area.usable + area.empty,
            planned=area.planned,
            share=share(area.usable + area.empty, area.planned),
            limit=-(-SEEN_PERCENT * area.planned // 100),
            patch=area.largest_lost_patch,
            field=area.field,
        )


def _lost_ground(summary: Summary) -> Iterator[Reason]:
    planned, lost = summary.area.planned, dict(summary.area.lost)
    if summary.skipped_fields or "skipped" in lost:
        yield reason(
            ReasonCode.SKIPPED, fields=summary.skipped_fields, points=lost.get("skipped", 0)
        )
    for why, points in summary.area.lost:
        if why not in _TOLD_IN_IMAGES:
            yield reason(
                ReasonCode(why), points=points, planned=planned, share=share(points, planned)
            )


def _notes(summary: Summary) -> Iterator[Reason]:
    opening, basis = summary.opening, summary.opening.basis
    for kind in _NOTED:
        if details := _details(summary, kind):
            yield reason(ReasonCode(kind), detail=details)
    needed_nm = basis.largest_box_nm + 2 * opening.registration_nm
    if opening.plan.overlap_nm <= needed_nm:
        yield reason(ReasonCode.CUT_CELLS, overlap_nm=opening.plan.overlap_nm, needed_nm=needed_nm)
    if summary.truncated_images:
        yield reason(ReasonCode.TRUNCATED, images=summary.truncated_images)
    if summary.withdrawn_captures:
        yield reason(ReasonCode.WITHDRAWN, captures=summary.withdrawn_captures)
    requests = summary.requests
    if requests.asked:
        asked = len(requests.asked)
        done, refused = map(requests.many, (RequestEnd.DONE, RequestEnd.REFUSED))
        silent = asked - done - refused
        yield reason(ReasonCode.REQUESTS, asked=asked, done=done, refused=refused, silent=silent)
    if not basis.negative_slides:
        yield reason(ReasonCode.NO_NEGATIVE_SLIDES, table=basis.table)


def _details(summary: Summary, kind: IncidentKind) -> str:
    """What the incidents of a kind say; empty where there is none."""
    return "; ".join(i.detail or "no detail" for i in summary.incidents if i.kind is kind)
