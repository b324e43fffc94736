"""Pages for whoever looks: what happens now, and what came of it."""

import base64
import json
from collections.abc import AsyncIterator
from itertools import groupby
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response, StreamingResponse

from drivers.problem import Refusal
from drivers.scanner.lists import ImageKey
from edge.console import words
from edge.console.access import Asking
from edge.console.app import GALLERIES, Console, language_of
from edge.console.map import SlideMap, trends
from edge.console.view import SlideView
from edge.report import drawing, text
from edge.report.curve import Point
from edge.report.model import Report, report
from edge.slide.canonical import canonical
from edge.verdict import system

FIRST: Final = 30
"""Cells that are shown at once; the rest unfolds."""
BEAT_S: Final = 5.0
"""An open page hears something so often, so that it knows that the console lives."""
PARTS: Final = ("progress", "verdict", "quality", "rescan")


async def overview(asking: Asking) -> Response:
    """All scanners side by side, and the last slides."""
    if asking.visitor.is_blind:
        return RedirectResponse("/worklist", 303)
    console = asking.console
    shown = [view for view in console.feed.views() if not view.has_ended]
    try:
        listed = (await console.link.ask("slides"))["slides"]
    except Refusal:
        listed = []
    ended = [each for each in listed if each["has_ended"]]
    ended.sort(key=lambda each: -each["issued_at_us"])
    return console.page(
        asking, "overview.html", slides=[_live(console, asking, v) for v in shown],
        ended=ended[:20], tour="tour" in asking.request.query_params,
    )  # fmt: skip


async def live(asking: Asking) -> Response:
    """One slide while it is scanned."""
    await _see(asking, asking.slide)
    view = await asking.console.feed.open(asking.slide)
    if view.has_ended:
        return RedirectResponse(f"/slides/{asking.slide}/result", 303)
    shown = _live(asking.console, asking, view)
    language = language_of(asking.request)
    rows = [row_of(view, each.number, language) for each in view.fields.values()]
    tour = "tour" in asking.request.query_params
    return asking.console.page(asking, "live.html", one=shown, rows=rows, tour=tour)


def _live(console: Console, asking: Asking, view: SlideView) -> dict[str, Any]:
    language = language_of(asking.request)
    return {
        "view": view,
        "map": SlideMap.of(view),
        "parts": {name: drawn(console, view, name, language) for name in PARTS},
    }


def drawn(console: Console, view: SlideView, name: str, language: str) -> str:
    """A piece of a live page."""
    waits = console.feed.remaining_s(view.slide)
    key = (id(view), view.version, len(view.log), waits if name == "progress" else 0)
    shown = _report(view) if name == "verdict" and view.verdict is not None else None
    return console.cached_part(
        view.slide, name, language, key, view=view, remaining_s=waits, text=text,
        verdict=None if shown is None else shown.verdict,
        trends=trends(view) if name == "quality" else (),
    )  # fmt: skip


def _report(view: SlideView) -> Report:
    return report(view.slide, 0, 0, canonical(view.verdict))


def row_of(view: SlideView, number: int, language: str) -> tuple[int, str, str]:
    """A field in the map's table: its number, its classes, its words."""
    each = view.fields[number]
    said = [words.say(language, f"state_{each.state}")]
    if each.severity >= view.suspicious_from:
        said.append(words.say(language, "state_suspicious"))
    if each.is_asked:
        said.append(words.say(language, "state_asked"))
    said += [words.say(language, f"why_{why}") for why in each.reasons if words.has(f"why_{why}")]
    return number, each.classes(view.suspicious_from), ", ".join(said)


async def events(asking: Asking) -> Response:
    """The stream that keeps a page as it should be: `?slide=` for one slide, else all open ones."""
    slide = asking.request.query_params.get("slide")
    if slide is not None:
        await _see(asking, slide)
    elif asking.visitor.is_blind:
        raise HTTPException(403)
    return StreamingResponse(_stream(asking, slide), media_type="text/event-stream")


async def _stream(asking: Asking, slide: str | None) -> AsyncIterator[str]:
    console, language = asking.console, language_of(asking.request)
    places: dict[str, int] = {}
    told: dict[tuple[str, str], str] = {}
    yield "retry: 500\n\n"
    async for _ in console.feed.ticks(BEAT_S):
        followed = [
            v for v in console.feed.views() if v.slide == slide or not (slide or v.has_ended)
        ]
        if asking.visitor.session and not console.people.session(asking.visitor.token):
            return  # idle for too long, or turned off: the page falls back to what it may see
        change: dict[str, Any] = {"slides": {}, "parts": {}}
        for view in followed:
            place = places.get(view.slide, 0)
            changed = sorted(set(view.log[place:]))
            places[view.slide] = len(view.log)
            parts = {}
            for name in PARTS:
                html = drawn(console, view, name, language)
                if told.get((view.slide, name)) != html:
                    told[view.slide, name] = parts[name] = html
            fields = [row_of(view, number, language) for number in changed]
            if fields or parts:
                change["slides"][view.slide] = {
                    "fields": fields, "parts": parts, "ended": view.has_ended,
                }  # fmt: skip
        indicator = console.part("tasks", language, tasks=console.tasks(language))
        if told.get(("", "tasks")) != indicator:
            told["", "tasks"] = change["parts"]["tasks"] = indicator
        change["open"] = [view.slide for view in followed]
        yield f"data: {json.dumps(change)}\n\n"


async def result(asking: Asking) -> Response:
    """What came of a slide."""
    await _see(asking, asking.slide)
    found = await shown_result(asking.console, asking.slide)
    if found is None:
        return RedirectResponse(f"/slides/{asking.slide}", 303)
    return asking.console.page(asking, "result.html", **found)


async def shown_result(console: Console, slide: str) -> dict[str, Any] | None:
    """All that a result's page shows; None where there is no verdict yet."""
    found = await console.link.ask("verdict", slide)
    if found["verdict"] is None or found["verdict"]["state"] != "final":
        return None
    facts, cells = await console.link.ask("slide", slide), await gallery(console, slide)
    made = report(slide, found["revision"], found["issued_at_us"], canonical(found["verdict"]))
    order = {c.name: -c.severity for c in system.load(facts["system"]).categories}
    first = sorted(cells[:FIRST], key=lambda cell: order[cell["category"]])
    curve = [Point(**each) for each in found["curve"]]
    svg = drawing.drawn(curve, system.load(facts["system"])) if curve else ""
    return {
        "report": made, "facts": facts, "text": text, "curve": svg, "case": found["case"],
        "groups": [(name, list(g)) for name, g in groupby(first, lambda cell: cell["category"])],
        "rest": cells[FIRST:],
    }  # fmt: skip


async def gallery(console: Console, slide: str) -> list[dict[str, Any]]:
    """A slide's best cells, best first; those of slides that ended are held."""
    held = console.galleries.get(slide)
    if held is None:
        held = {"cells": (await console.link.ask("gallery", slide))["gallery"]}
        view = console.feed.view(slide)
        if view is None or view.has_ended:
            console.galleries[slide] = held
            while len(console.galleries) > GALLERIES:
                console.galleries.popitem(last=False)
    cells: list[dict[str, Any]] = held["cells"]
    return cells


async def cell(asking: Asking) -> Response:
    """The picture of one cell."""
    name = asking.request.path_params["cell"]
    for each in await gallery(asking.console, asking.slide):
        if each["name"] == name:
            return _jpeg(each["jpeg"])
    raise HTTPException(404)


async def field(asking: Asking) -> Response:
    """One field with its neighbours: what it showed, and why it cannot be used."""
    await _see(asking, asking.slide)
    number, view = asking.request.path_params["field"], await asking.console.feed.open(asking.slide)
    one = view.fields.get(number)
    if one is None:
        raise HTTPException(404)
    record = None
    if one.image:
        record = await asking.console.link.ask("record", asking.slide, _key(one.image))
    around = SlideMap.of(view).around(one)
    row = row_of(view, number, language_of(asking.request))
    return asking.console.page(
        asking, "field.html", view=view, one=one, row=row, record=record, around=around
    )


async def thumbnail(asking: Asking) -> Response:
    """A small picture of one image."""
    key = _key(asking.request.path_params["image"])
    return _jpeg((await asking.console.link.ask("record", asking.slide, key))["thumbnail"])


async def tasks(asking: Asking) -> Response:
    """What needs somebody now."""
    return asking.console.page(asking, "tasks.html")


async def task(asking: Asking) -> Response:
    """How to mend one thing."""
    wanted = asking.request.path_params["task"]
    listed = asking.console.tasks(language_of(asking.request))
    found = next((each for each in listed if each.id == wanted), None)
    return asking.console.page(asking, "task.html", 200 if found else 404, task=found)


async def prefer(asking: Asking) -> Response:
    """Choose language and theme."""
    back = asking.text("back")
    response = RedirectResponse(back if is_local(back) else "/", 303)
    for key in ("language", "theme"):
        if chosen := asking.text(key):
            response.set_cookie(key, chosen[:10], max_age=31_536_000, samesite="strict")
    return response


def is_local(path: str) -> bool:
    """Whether it names a page of this console, and no other site."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and "\n" not in path


async def _see(asking: Asking, slide: str) -> None:
    """In blind mode a slide's pages are closed until its reader has judged it."""
    if not asking.visitor.is_blind:
        return
    found = await asking.console.link.ask("verdict", slide)
    said = [] if found["case"] is None else found["case"]["revisions"]
    if not any(each["person"] == asking.visitor.name for each in said):
        raise HTTPException(403)


def _key(image: str) -> ImageKey:
    try:
        field_, capture, plane = map(int, image.split("."))
        return ImageKey(field=field_, capture=capture, plane=plane)
    except ValueError:  # pydantic's is one
        raise HTTPException(404) from None


def _jpeg(encoded: str) -> Response:
    return Response(base64.b64decode(encoded), media_type="image/jpeg")
