"""The worklist: zones of what ended, and their order."""

from enum import IntEnum
from typing import Any

from edge.verdict import system
from edge.verdict.verdict import Outcome


class Zone(IntEnum):
    """How pressing a case is; the least first."""

    URGENT = 0
    """A high-grade category: given, announced, or not excluded."""
    SUSPICIOUS = 1
    """Another category above the negative one: given, or not excluded."""
    AMBIGUOUS = 2
    """Few cells, or undecided."""
    NEGATIVE = 3
    """Probably negative."""
    TECHNICAL = 4
    """It could not be judged: look at the scanner first, scan again."""


def suspected(verdict: dict[str, Any]) -> set[str]:
    """The categories above the negative one that a verdict brings up."""
    announced = {each["category"] for each in verdict["announcement"]["announced"]}
    named = {verdict["category"], *verdict["not_excluded"], *announced}
    return {c.name for c in system.load(verdict["system"]).categories[1:] if c.name in named}


def zone(verdict: dict[str, Any]) -> Zone:
    """Where a slide belongs.

    Args:
        verdict: As `edge.verdict.verdict.to_json` writes it.
    """
    found = suspected(verdict)
    if any(c.is_high_grade and c.name in found for c in system.load(verdict["system"]).categories):
        return Zone.URGENT
    if found:
        return Zone.SUSPICIOUS
    match Outcome(verdict["outcome"]):
        case Outcome.INCOMPLETE:
            return Zone.TECHNICAL
        case Outcome.CATEGORY:
            return Zone.NEGATIVE
        case _:
            return Zone.AMBIGUOUS


def order(verdict: dict[str, Any], issued_at_us: int) -> tuple[int, int, int]:
    """What a worklist is sorted by: the zone, the worst category first, the longest waiting."""
    found = suspected(verdict)
    categories = system.load(verdict["system"]).categories
    worst = max((c.severity for c in categories if c.name in found), default=0)
    return (zone(verdict), -worst, issued_at_us)
