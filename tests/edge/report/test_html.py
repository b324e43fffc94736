"""The page: what it holds, and that it needs and runs nothing."""

import json
from dataclasses import replace
from html.parser import HTMLParser

from edge.report import text
from edge.report.curve import STEPS, Point, point
from edge.report.html import write
from edge.report.model import report
from edge.slide.canonical import canonical
from edge.verdict.reasons import Reason, ReasonCode
from edge.verdict.verdict import Outcome, State, to_json
from tests.edge.report.test_report import VERDICT, reported

CROPS = {"f0.c1.p0.i0": b"first", "f3.c1.p0.i0": b"fourth", "f99.c1.p0.i0": b"of none"}


def at(settled: int, outcome: Outcome, category: str | None = None, cells: int = 0) -> Point:
    return Point(
        planned=10_000, settled=settled, seen=settled, state=State.PROVISIONAL, outcome=outcome,
        category=category, cells=cells, low=cells // 2, minimum=5_000,
        milli_log10_e={"HSIL": settled // 10 - 500},
        counts={"HSIL": settled // 5_000, "LSIL": settled // 800, "NILM": cells},
    )  # fmt: skip


CURVE = [
    *(at(100 * step, Outcome.INCOMPLETE, cells=60 * step) for step in range(40)),
    *(at(100 * step, Outcome.CATEGORY, "LSIL", 60 * step) for step in range(40, 101)),
]


class Page(HTMLParser):
    """Its tags and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_holds_the_whole_report_the_pictures_and_the_curve() -> None:
    page = Page(write(reported(), CROPS, CURVE))
    assert text.write(reported()).strip() in page.text
    assert "S-26-1: LSIL (not excluded: HSIL)" in page.text
    images = [tag for tag in page.tags if tag[0] == "img"]
    assert len(images) == 2
    assert "f3.c1.p0.i0" in page.text
    for words in ("LSIL from 40.0 %", "incomplete from 0.0 %", "40.0 %1.60", "minimum"):
        assert words in page.text
    lines = [attributes["points"] for tag, attributes in page.tags if tag == "polyline"]
    assert len(lines) == 6
    assert all(line and len(line.split()) <= STEPS + 1 for line in lines)


def test_i10_the_page_runs_and_fetches_nothing() -> None:
    page = Page(write(reported(), CROPS, CURVE))
    names = {name for name, _ in page.tags}
    assert not names & {"script", "link", "iframe", "object", "embed", "form", "a", "base"}
    for _, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
        assert (attributes.get("src") or "data:image/jpeg;base64,").startswith("data:image/jpeg;")
        assert "href" not in attributes
    assert "url(" not in write(reported(), CROPS, CURVE)


def test_i10_whatever_is_told_is_text_and_never_markup() -> None:
    evil = '<script>alert("1")</script>&\'"'
    verdict = replace(
        VERDICT,
        reasons=(Reason(ReasonCode.NILM, evil),),
        notes=(Reason(ReasonCode.ON_CPU, evil),),
        gallery=(evil,),
        identities=((evil, evil),),
        purpose=evil,
        category=evil,
    )
    told = report(evil, 1, 0, to_json(verdict))
    curve = [each.model_copy(update={"category": evil}) for each in CURVE]
    page = Page(write(told, {evil: b"x"}, curve))
    assert "script" not in {name for name, _ in page.tags}
    assert page.text.count(evil) > 8


def test_a_page_without_curve_or_pictures_says_so() -> None:
    page = Page(write(reported(), {}, ())).text
    assert "Nothing was said yet." in page
    assert "No picture." in page


def test_one_point_and_no_cells_can_be_drawn() -> None:
    lone = at(0, Outcome.INCOMPLETE).model_copy(
        update={"planned": 0, "cells": None, "low": None, "minimum": None, "counts": {}}
    )
    assert "incomplete" in write(reported(), {}, [lone])


def test_a_point_is_what_its_verdict_said() -> None:
    content = to_json(VERDICT)
    found = point(json.loads(content))
    assert (found.planned, found.settled, found.seen) == (10_000, 10_000, 9_900)
    assert (found.category, found.cells, found.low, found.minimum) == ("LSIL", 6_066, 5_828, 5_000)
    assert found.counts == {"NILM": 6_000, "LSIL": 12, "HSIL": 2}
    assert found.step == STEPS
    assert Point.model_validate_json(canonical(found.model_dump(mode="json"))) == found
