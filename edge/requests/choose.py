"""Which requests are worth making now: by what would change the verdict, within a budget.

Source of every rule and number: `docs/decisions/0011-what-the-scanner-is-asked-for.md`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import takewhile
from types import MappingProxyType
from typing import Final, NamedTuple

from edge.evidence.summary import Area, Need
from edge.slide.request import Asked, RequestEnd, RequestKind, Requests
from edge.verdict.adequacy import AdequacyState
from edge.verdict.gaps import SEEN_PERCENT
from edge.verdict.system import load
from edge.verdict.verdict import Outcome, Verdict

MAX_OPEN: Final = 3
"""Requests that may be unanswered at a time."""
TRIES: Final = 3
"""Requests for one field, at most: then it is given up."""
PATIENCE: Final = 6
"""So many that lapsed in a row, and the scanner is not asked any more."""
LEAST: Final = 8
"""Less than an eighth of a field is not worth an image, unless suspicious findings lie beside."""
STOP_PERCENT: Final = 10
"""Of the planned area, at least so much must be still to come for a stop to save time."""
MAX_PLANE: Final = 39

_MENDS: Final[Mapping[str, RequestKind]] = MappingProxyType(
    {
        "out_of_focus": RequestKind.REFOCUS,
        "overexposed": RequestKind.RESCAN,
        "underexposed": RequestKind.RESCAN,
        "frozen": RequestKind.RESCAN,
        "misplaced": RequestKind.RESCAN,
        "not_covered": RequestKind.RESCAN,
        "missing": RequestKind.RESCAN,
    }
)
"""What a scanner can do about lost ground. No new image mends a stain, nor an image that ends its
process; a skipped field was given up by the scanner itself."""

_ELSE: Final[Mapping[RequestKind, RequestKind]] = MappingProxyType(
    {
        RequestKind.ADD_PLANE: RequestKind.REFOCUS,
        RequestKind.REFOCUS: RequestKind.RESCAN,
        RequestKind.REVISIT: RequestKind.RESCAN,
    }
)
"""The next best, for a scanner that cannot do the best."""


class _Wanted(NamedTuple):
    worth: int
    kind: RequestKind
    need: Need
    why: str


def choose(
    verdict: Verdict,
    needs: Iterable[Need],
    requests: Requests,
    takes: Collection[str],
    fields: int,
    percent: int,
) -> list[Asked]:
    """The requests to make now, most worth first; often none.

    Args:
        verdict: As it stands.
        needs: Fields that show less than they could.
        requests: All that was asked, and what came of it.
        takes: The kinds that the scanner can be asked for.
        fields: How many are planned.
        percent: Of these, so many may be asked for, rounded down, at least one; 0: nothing is.
    """
    ended = {row.number: row.end for row in requests.answered}
    room = MAX_OPEN - sum(row.number not in ended for row in requests.asked)
    if not percent or room <= 0 or _is_silent(requests):
        return []
    number = len(requests.asked) + 1
    if _stands(verdict):
        stop = _stop(verdict, requests, takes, number)
        return [] if stop is None else [stop]
    asked_for = {row.field for row in requests.asked if row.field is not None}
    left = max(1, fields * percent // 100) - len(asked_for)
    chosen: list[Asked] = []
    for wanted in sorted(_wanted(verdict, needs, requests, ended, takes), key=_order):
        is_new = wanted.need.field not in asked_for
        if len(chosen) < room and (left > 0 or not is_new):
            left -= is_new
            chosen.append(_asked(number + len(chosen), wanted))
    return chosen


def _stands(verdict: Verdict) -> bool:
    """Whether a high-grade category stands: more fields would not make the slide less urgent."""
    if verdict.outcome is not Outcome.CATEGORY or verdict.category is None:
        return False
    return load(verdict.system).category(verdict.category).is_high_grade


def _stop(
    verdict: Verdict, requests: Requests, takes: Collection[str], number: int
) -> Asked | None:
    """The request to stop, once a slide, while it would save something."""
    kind, pending = RequestKind.STOP_EARLY, verdict.area.pending
    if kind not in takes or any(row.kind is kind for row in requests.asked):
        return None
    if 100 * pending < STOP_PERCENT * verdict.area.planned:
        return None
    return Asked(number, kind, None, None, 0, str(verdict.category), pending)


def _is_silent(requests: Requests) -> bool:
    """Whether the scanner let the last requests lapse: it does not listen."""
    ends = [row.end for row in reversed(requests.answered)]
    lapsed = takewhile(lambda end: end is RequestEnd.LAPSED, ends)
    return sum(1 for _ in lapsed) >= PATIENCE


def _wanted(
    verdict: Verdict,
    needs: Iterable[Need],
    requests: Requests,
    ended: Mapping[int, RequestEnd],
    takes: Collection[str],
) -> Iterator[_Wanted]:
    """Every field that may be asked for, and is worth it."""
    categories = load(verdict.system)
    severities = [categories.category(name).severity for name in verdict.not_excluded]
    undecided = verdict.adequacy.state is not AdequacyState.ADEQUATE and not verdict.area.pending
    at_stake = _cannot_be_complete(verdict.area) or undecided
    before: dict[int | None, list[Asked]] = {}
    for row in requests.asked:
        before.setdefault(row.field, []).append(row)
    for need in needs:
        tries = before.get(need.field, [])
        mendable = [(points, why) for why, points in need.lost if why in _MENDS]
        if not mendable or not _may_be_asked(need, tries, ended):
            continue
        lost = sum(points for points, _ in mendable)
        is_suspicious = any(need.reached[severity] for severity in severities)
        if LEAST * lost < need.points and not is_suspicious:
            continue
        why = min(mendable, key=lambda each: (-each[0], each[1]))[1]
        kind = _taken(_best(need, why, lost, tries, is_suspicious=is_suspicious), takes)
        if kind is not None:
            worth = lost * (1 + at_stake) + need.points * is_suspicious
            yield _Wanted(worth, kind, need, why)


def _may_be_asked(need: Need, tries: list[Asked], ended: Mapping[int, RequestEnd]) -> bool:
    """Not while a request for it is open, nor when it was refused, nor without a new image."""
    if not tries:
        return True
    ends = [ended.get(row.number) for row in tries]
    if None in ends or RequestEnd.REFUSED in ends or len(tries) >= TRIES:
        return False
    return need.images > tries[-1].images


def _best(
    need: Need, why: str, lost: int, tries: list[Asked], *, is_suspicious: bool
) -> RequestKind:
    """What mends a field best."""
    if why == "missing":
        return RequestKind.ADD_PLANE if need.images else RequestKind.RESCAN
    if is_suspicious:
        return RequestKind.REVISIT
    is_part = why == "out_of_focus" and 2 * lost < need.points and need.plane <= MAX_PLANE
    if is_part and not tries:
        return RequestKind.ADD_PLANE  # A new focus would lose what is sharp now.
    return _MENDS[why]


def _taken(kind: RequestKind, takes: Collection[str]) -> RequestKind | None:
    while kind not in takes:
        if kind not in _ELSE:
            return None
        kind = _ELSE[kind]
    return kind


def _cannot_be_complete(area: Area) -> bool:
    """Whether coverage stays incomplete even if all that is to come is seen."""
    lost = sum(points for _, points in area.lost)
    too_much = 100 * lost > (100 - SEEN_PERCENT) * area.planned
    return too_much or area.largest_lost_patch > area.field


def _order(wanted: _Wanted) -> tuple[int, int]:
    return -wanted.worth, wanted.need.field


def _asked(number: int, wanted: _Wanted) -> Asked:
    kind, need = wanted.kind, wanted.need
    plane = need.plane if kind is RequestKind.ADD_PLANE else None
    return Asked(number, kind, need.field, plane, need.images, wanted.why, wanted.worth)
