"""Announcements in mid-scan: when so much was found that no negative slide is likely to show it.

E is the likelihood ratio, for all that was settled so far, of "false findings come rho times as
often as on a negative slide". On negative slides it is a test martingale: it ever reaches
1 / alpha on a share alpha of them at most, however often one looks (Ville). An announcement is
history: no outcome is made of it. When it is made, and what a verdict says of it:
`docs/decisions/0010-when-a-category-is-announced.md`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext
from math import exp, floor, log, log1p
from typing import Final

from edge.evidence.summary import Summary
from edge.slide.basis import AnnouncingNumbers
from edge.slide.record import Announcement
from edge.verdict.gaps import distrust
from edge.verdict.system import Category, CategorySystem, load

RHO: Final = (4, 16, 64)
"""How many times as often: E is the mean over these."""
LEAST_SLIDES: Final = 20
"""Negative slides that a table needs: with fewer, nothing is announced."""

_NEAR: Final = 1e-6
"""In 1/1,000: nearer to a whole one than this, the float is not asked. Its error is under 1e-7."""
_DIGITS: Final = 50


@dataclass(frozen=True, slots=True)
class Announced:
    """A category that was announced."""

    category: str
    is_borne_out: bool | None
    """Whether the final verdict gives it or a worse one of its axis; None while there is none."""


@dataclass(frozen=True, slots=True)
class Announcements:
    """What a verdict says of announcements."""

    announced: tuple[Announced, ...]
    """Worst first."""
    not_established: tuple[tuple[str, str], ...]
    """Categories that are never announced, worst first, and why."""
    milli_log10_e: tuple[tuple[str, int], ...]
    """E of those that may be, worst first: floor(1,000 log10 E)."""
    state: str
    """`announced`, `none`, or where no category could be: `not established`."""


def milli_log10_e(findings: int, points: int, r_milli: int, b_points: int) -> int:
    """floor(1,000 log10 E), the same on every machine.

    E = mean over rho of rho^A ((b + N) / (b + rho N))^(r + A).

    Args:
        findings: A, of all fields together, three of each at most.
        points: N, the settled usable lattice points.
        r_milli: r in 1/1,000, 1 or more.
        b_points: b in lattice points, 1 or more.
    """
    power = r_milli / 1_000 + findings
    logs = [
        findings * log(rho) - power * log1p((rho - 1) * points / (b_points + points)) for rho in RHO
    ]
    most = max(logs)
    milli = 1_000 * (most + log(sum(exp(each - most) for each in logs) / len(RHO))) / log(10)
    if abs(milli - round(milli)) > _NEAR:
        return floor(milli)
    return _exactly(findings, points, r_milli, b_points)


def _exactly(findings: int, points: int, r_milli: int, b_points: int) -> int:
    with localcontext(Context(prec=_DIGITS)):
        power = Decimal(r_milli) / 1_000 + findings
        seen = Decimal(b_points + points)
        terms = (
            (findings * Decimal(rho).ln() + power * (seen / (b_points + rho * points)).ln()).exp()
            for rho in RHO
        )
        milli = 1_000 * (sum(terms, Decimal(0)) / len(RHO)).log10()
        return int(milli.to_integral_value(ROUND_FLOOR))


def bar(odds: int) -> int:
    """The least `milli_log10_e` that shows E to be at least so much."""
    with localcontext(Context(prec=_DIGITS)):
        return int((1_000 * Decimal(odds).log10()).to_integral_value(ROUND_CEILING))


def unearned(numbers: AnnouncingNumbers, negative_slides: int) -> str:
    """Why a category may not be announced by these numbers; empty where it may.

    Args:
        numbers: The table's for the category.
        negative_slides: How many slides they were fitted to.
    """
    if negative_slides < LEAST_SLIDES:
        return f"{negative_slides} negative slides, at least {LEAST_SLIDES} are needed"
    if numbers.refused:
        return numbers.refused
    if numbers.r_milli < 1 or numbers.b_points < 1:
        return "r and b must be 1 or more"
    if numbers.odds > negative_slides + 1:
        return f"alpha 1/{numbers.odds} is under 1/{negative_slides + 1}"
    if numbers.findings > negative_slides:
        return (
            f"{numbers.findings} false findings on {negative_slides} negative slides: over 1 each"
        )
    if numbers.maxima * numbers.odds > negative_slides:
        return (
            f"E reached {numbers.odds} on {numbers.maxima} of {negative_slides} negative slides, "
            f"replayed in scan order: more than its share"
        )
    return ""


def due(summary: Summary) -> tuple[Announcement, ...]:
    """What is to be announced now: not before the scan ends, nor of findings in doubt."""
    system = load(summary.opening.basis.system)
    if summary.end is not None or distrust(summary, system):
        return ()
    return tuple(_due(summary, system))


def _due(summary: Summary, system: CategorySystem) -> Iterator[Announcement]:
    basis, points = summary.opening.basis, summary.area.usable
    latched = {row.category for row in summary.announcements}
    for numbers in basis.announcing:
        if numbers.category in latched or unearned(numbers, basis.negative_slides):
            continue
        e = _e(summary, system, numbers)
        if e >= bar(numbers.odds):
            findings = _findings(summary, system, numbers)
            yield Announcement(numbers.category, e, findings, points)


def _findings(summary: Summary, system: CategorySystem, numbers: AnnouncingNumbers) -> int:
    return summary.capped[system.category(numbers.category).severity]


def _e(summary: Summary, system: CategorySystem, numbers: AnnouncingNumbers) -> int:
    findings = _findings(summary, system, numbers)
    return milli_log10_e(findings, summary.area.usable, numbers.r_milli, numbers.b_points)


def announcements(
    summary: Summary, system: CategorySystem, standing: Sequence[Category]
) -> Announcements:
    """What a verdict says of what was announced.

    Args:
        summary: The evidence.
        system: Its categories.
        standing: Those that have the findings that make them.
    """
    basis = summary.opening.basis
    numbers = {each.category: each for each in basis.announcing}
    known = [system.category(each.category) for each in basis.categories]
    doubts = {
        each.name: unearned(numbers[each.name], basis.negative_slides)
        if each.name in numbers
        else "the model card has no numbers for it"
        for each in sorted(known, key=lambda each: -each.severity)
        if each != system.negative
    }
    latched = [system.category(name) for name in {row.category for row in summary.announcements}]
    announced = [
        Announced(each.name, None if summary.end is None else _bears_out(standing, each))
        for each in sorted(latched, key=lambda each: -each.severity)
    ]
    never = tuple((name, why) for name, why in doubts.items() if why)
    state = "announced" if announced else "not established" if len(never) == len(doubts) else "none"
    evidence = tuple((n, _e(summary, system, numbers[n])) for n, why in doubts.items() if not why)
    return Announcements(tuple(announced), never, evidence, state)


def _bears_out(standing: Sequence[Category], announced: Category) -> bool:
    return any(each == announced or each.is_worse_than(announced) for each in standing)
