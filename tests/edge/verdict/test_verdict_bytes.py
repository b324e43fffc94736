"""The one form of a verdict in bytes."""

import hashlib
import json
from collections.abc import Callable

import pytest

from edge.evidence.summary import Summary
from edge.slide.record import End
from edge.verdict.decide import decide
from edge.verdict.verdict import to_json, verdict_hash

Slide = Callable[..., Summary]
KEYS = {
    "state", "outcome", "category", "not_excluded", "not_assessed", "reasons", "notes", "coverage",
    "adequacy", "counts", "gallery", "announcement", "rests_on", "identities", "system", "purpose",
    "use", "head",
}  # fmt: skip


def no_float(text: str) -> float:
    raise AssertionError(f"a float in a verdict: {text}")


@pytest.mark.parametrize("end", [None, End.CLOSED, End.ABORTED])
def test_i1_a_verdicts_bytes_are_canonical_and_hold_no_float(slide: Slide, end: End | None) -> None:
    verdict = decide(
        slide(
            end=end,
            end_why="Bänkle",
            reached={2: 4, 4: 1},
            area={"usable": 8_900, "lost": (("frozen", 40), ("out_of_focus", 60))},
        )
    )
    content = to_json(verdict)
    data = json.loads(content, parse_float=no_float, parse_constant=no_float)
    assert set(data) == KEYS
    again = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert content == again.encode("utf-8")
    assert verdict_hash(verdict) == hashlib.sha256(content).hexdigest()


def test_i1_the_same_evidence_gives_the_same_bytes(slide: Slide) -> None:
    assert to_json(decide(slide())) == to_json(decide(slide()))
    assert verdict_hash(decide(slide())) != verdict_hash(decide(slide(withdrawn_captures=1)))


def test_i8_a_verdict_says_what_made_it_and_for_what_use(slide: Slide) -> None:
    data = json.loads(to_json(decide(slide(opening={"purpose": "clinical"}))))
    assert data["identities"] == dict(slide().opening.basis.identities)
    assert data["rests_on"] == {"table": "rendered", "negative_slides": 40}
    assert data["use"] == "research use only"
    assert data["purpose"] == "clinical"
    assert data["announcement"]["state"] == "not established"
    assert data["head"] == "not trained"


def test_i1_neither_the_slides_name_nor_its_driver_is_in_the_verdict(slide: Slide) -> None:
    assert to_json(decide(slide(opening={"slide": "S2"}))) == to_json(decide(slide()))


def test_the_parts_of_a_verdict_are_whole_numbers_under_their_names(slide: Slide) -> None:
    data = json.loads(to_json(decide(slide(area={"usable": 8_900, "lost": (("skipped", 100),)}))))
    assert data["coverage"] == {
        "planned": 10_000, "usable": 8_900, "empty": 1_000, "pending": 0, "lost": {"skipped": 100},
    }  # fmt: skip
    assert data["adequacy"] == {
        "cells": 6_066, "low": 5_828, "high": 6_304, "minimum": 5_000, "state": "adequate",
    }  # fmt: skip
    assert data["counts"] == {"NILM": 6_000, "LSIL": 0, "HSIL": 0}
    assert [each["code"] for each in data["reasons"]] == ["nilm", "skipped"]
