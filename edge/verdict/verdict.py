"""What a verdict is, and its one form in bytes."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edge.evidence.summary import Area
from edge.slide.canonical import canonical
from edge.verdict.adequacy import Adequacy
from edge.verdict.announcement import Announcements
from edge.verdict.reasons import Reason

HEAD: Final = "not trained"
"""No model of whole slides ships: there are no labelled slides to fit one to."""

USE: Final = "research use only"
"""No site has validated this software."""


class State(StrEnum):
    """Whether more may come."""

    PROVISIONAL = "provisional"
    FINAL = "final"


class Outcome(StrEnum):
    """What a verdict asks of its reader."""

    CATEGORY = "category"
    REVIEW = "review"
    UNSATISFACTORY = "unsatisfactory"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the evidence of a slide amounts to. It holds no clock, no boot and no slide's name."""

    state: State
    outcome: Outcome
    category: str | None
    """The name where `outcome` is `category`."""
    not_excluded: tuple[str, ...]
    """Other categories that reach their count for a review, worst first."""
    not_assessed: tuple[str, ...]
    """What the model cannot see."""
    reasons: tuple[Reason, ...]
    """Of the steps in their order, then of lost ground."""
    notes: tuple[Reason, ...]
    """What changed nothing and must be known."""
    area: Area
    adequacy: Adequacy
    counts: tuple[tuple[str, int], ...]
    """Counted findings that reach each category of the card; of the negative one, that reach none.
    """
    gallery: tuple[str, ...]
    """Names of findings that have a crop, best first."""
    announcements: Announcements
    """History of the scan: the outcome does not depend on it."""
    table: str
    """The card's table that the thresholds are of."""
    negative_slides: int
    """How many it rests on."""
    identities: tuple[tuple[str, str], ...]
    system: str
    purpose: str


def to_json(verdict: Verdict) -> bytes:
    """A verdict's one form: UTF-8, sorted keys, no blanks, no float; the same bit for bit."""
    area, cells = verdict.area, verdict.adequacy
    content = {
        "state": verdict.state,
        "outcome": verdict.outcome,
        "category": verdict.category,
        "not_excluded": verdict.not_excluded,
        "not_assessed": verdict.not_assessed,
        "reasons": [{"code": each.code, "text": each.text} for each in verdict.reasons],
        "notes": [{"code": each.code, "text": each.text} for each in verdict.notes],
        "coverage": {
            "planned": area.planned,
            "usable": area.usable,
            "empty": area.empty,
            "pending": area.pending,
            "lost": dict(area.lost),
        },
        "adequacy": {
            "cells": cells.cells,
            "low": cells.low,
            "high": cells.high,
            "minimum": cells.minimum,
            "state": cells.state,
        },
        "counts": dict(verdict.counts),
        "gallery": verdict.gallery,
        "announcement": {
            "state": verdict.announcements.state,
            "announced": [
                {"category": each.category, "borne_out": each.is_borne_out}
                for each in verdict.announcements.announced
            ],
            "not_established": dict(verdict.announcements.not_established),
            "milli_log10_e": dict(verdict.announcements.milli_log10_e),
        },
        "rests_on": {"table": verdict.table, "negative_slides": verdict.negative_slides},
        "identities": dict(verdict.identities),
        "head": HEAD,
        "system": verdict.system,
        "purpose": verdict.purpose,
        "use": USE,
    }
    return canonical(content)


def hash_of(content: bytes) -> str:
    """SHA-256 of a verdict's bytes, 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def verdict_hash(verdict: Verdict) -> str:
    """What a verdict is known by."""
    return hash_of(to_json(verdict))
