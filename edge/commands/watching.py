"""`cytoedge status`, `watch`, `slides`: what a daemon does, and what it said."""

import base64
import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import zmq
from rich.console import Console
from rich.live import Live
from rich.table import Column, Table

from drivers.problem import Problem, Refusal
from drivers.scanner import codec
from drivers.scanner.codec import Undecodable
from drivers.scanner.lists import ImageKey
from drivers.scanner.messages import Event
from drivers.scanner.words import EventKind
from edge.commands.common import (
    AsJson,
    SettingsFile,
    Tools,
    own_curve,
    refusals,
    say,
    settings_of,
    tools_of,
)
from edge.report import json_report, text
from edge.report.curve import Point
from edge.report.html import write as write_html
from edge.report.model import Report, report
from edge.slide.canonical import canonical

_FINDING = re.compile(r"f(?P<f>\d+)\.c(?P<c>\d+)\.p(?P<p>\d+)\.i\d+")

slides = typer.Typer(help="The slides of a daemon: list and show.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(status)
    app.command()(watch)
    app.add_typer(slides, name="slides")


@slides.command("list")
def list_(settings: SettingsFile = None, as_json: AsJson = False) -> None:
    """Every slide, with its outcome."""
    with refusals(), tools_of(settings_of(settings)) as tools:
        found = tools.ask("slides")
    if as_json:
        say(found)
        return
    table = Table(
        Column("slide", overflow="fold"),
        *("purpose", "specimen", "fields", "state", "outcome", "category"),
    )
    for slide in found["slides"]:
        state = "ended" if slide["has_ended"] else "open"
        table.add_row(
            slide["slide"], slide["purpose"], slide["specimen"], str(slide["planned_fields"]),
            state, slide["outcome"] or "", slide["category"] or "",
        )  # fmt: skip
    Console().print(table)


@slides.command()
def show(
    slide: Annotated[str, typer.Argument(help="The slide's id.")],
    settings: SettingsFile = None,
    as_json: AsJson = False,
    html: Annotated[
        Path | None, typer.Option(help="Write it as a page, with pictures and curve, to this file.")
    ] = None,
) -> None:
    """One slide's verdict, explained."""
    with refusals(), tools_of(settings_of(settings)) as tools:
        found = tools.ask("verdict", slide)
        records = tools.ask("records", slide)["records"]
        if html is not None:
            _write(html, page(found, tools))
    if as_json:
        told = (
            found if found["verdict"] is None else json.loads(json_report.write(report_of(found)))
        )
        say(told | {"records": records, "curve": found["curve"]})
        return
    sys.stdout.write(words(found))
    dispositions = [record["disposition"] for record in records]
    sys.stdout.write(f"Images: {len(records)}")
    for disposition in sorted(set(dispositions)):
        sys.stdout.write(f", {dispositions.count(disposition)} {disposition}")
    sys.stdout.write("\n")


def words(found: dict[str, Any]) -> str:
    """A `verdict` answer in plain words."""
    if found["verdict"] is None:
        return f"Slide {found['slide']} has no verdict yet.\n"
    return text.write(report_of(found))


def page(found: dict[str, Any], tools: Tools) -> str:
    """A `verdict` answer as a page, with the pictures of its gallery.

    Raises:
        Refusal: There is no verdict yet, or the daemon refused.
    """
    if found["verdict"] is None:
        raise Refusal(Problem("slide", found["slide"], "it has no verdict yet", "Ask again"))
    shown = report_of(found)
    wanted = [_FINDING.fullmatch(name) for name in shown.verdict.gallery]
    images = {match.group("f", "c", "p") for match in wanted if match}
    crops = {}
    for field, capture, plane in sorted(images):
        key = ImageKey(field=int(field), capture=int(capture), plane=int(plane))
        record = tools.ask("record", found["slide"], key)
        for finding, jpeg in record["crops"].items():
            crops[f"f{field}.c{capture}.p{plane}.i{finding}"] = base64.b64decode(jpeg)
    return write_html(shown, crops, [Point(**each) for each in found["curve"]])


def _write(file: Path, content: str) -> None:
    try:
        file.write_text(content, encoding="utf-8")
    except OSError as error:
        remedy = "Name a file that can be written"
        raise Refusal(Problem("--html", str(file), str(error), remedy)) from error


def report_of(found: dict[str, Any]) -> Report:
    """A `verdict` answer as a report."""
    verdict = canonical(found["verdict"])
    return report(found["slide"], found["revision"], found["issued_at_us"], verdict)


def status(settings: SettingsFile = None, as_json: AsJson = False) -> None:
    """What the daemon is doing now."""
    with refusals(), tools_of(settings_of(settings)) as tools:
        found = tools.ask("status")
    if as_json:
        say(found)
        return
    console = Console()
    console.print(f"ready: {'yes' if found['ready'] else 'no'}")
    console.print(f"model: {found['model'] or 'none is proved'}")
    console.print(f"engine: {found['engine']}", highlight=False)
    if found["cpu_because"]:
        console.print(f"no GPU: {found['cpu_because']}", highlight=False)
    console.print(f"fields a second: {found['fields_per_1000_s'] / 1000:.1f}")
    console.print(f"drivers connected: {found['sessions']}, images in hand: {found['in_hand']}")
    for slide in found["open_slides"]:
        console.print(f"slide {slide['slide']}: {slide['committed']} of {slide['planned']} images")
    for alert in found["alerts"]:
        console.print(f"{alert['severity'].upper()}: {alert['text']} {alert['remedy']}")


def watch(settings: SettingsFile = None, as_json: AsJson = False) -> None:
    """What happens, live, until Ctrl-C; with --json one event a line."""
    with refusals():
        chosen = settings_of(settings)
        curve = own_curve(chosen, "events")
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.SUB)
    socket.setsockopt(zmq.LINGER, 0)
    if curve is not None:
        curve.put_on(socket)
    socket.connect(chosen.endpoints.events)
    socket.subscribe(b"")
    view = View()
    try:
        if as_json:
            while True:
                say(_event(socket).model_dump(mode="json"))
                sys.stdout.flush()
        with Live(view.table(), console=Console(), refresh_per_second=4) as live:
            while True:
                view.take(_event(socket))
                live.update(view.table())
    except KeyboardInterrupt:
        pass
    finally:
        socket.close()
        context.term()


def _event(socket: "zmq.Socket[bytes]") -> Event:
    while True:
        event = codec.decode_event(socket.recv_multipart())
        if not isinstance(event, Undecodable):
            return event


class View:
    """The last news of every slide, as a table."""

    def __init__(self) -> None:
        self._slides: dict[str, dict[str, str]] = {}
        self._alerts: list[str] = []
        self._to_do: dict[str, list[str]] = {}

    def take(self, event: Event) -> None:
        """Take an event in."""
        body = event.body
        if event.kind is EventKind.HEALTH:
            self._alerts.append(f"{body['severity'].upper()}: {body['text']} {body['remedy']}")
            return
        row = self._slides.setdefault(str(event.slide), {})
        match event.kind:
            case EventKind.PROGRESS:
                row["images"] = f"{body['committed']} of {body['planned']}"
                slow = ", engine is slower" if body["engine_is_slow"] else ""
                row["waited"] = f"{body['waited_ms'] / 1000:.1f} s{slow}"
            case EventKind.FIELD_CHECKED:
                why = f" ({', '.join(body['reasons'])})" if body["reasons"] else ""
                row["last"] = f"f{body['field']}.c{body['capture']} {body['disposition']}{why}"
            case EventKind.ANNOUNCEMENT:
                power = f"{body['milli_log10_e'] / 1_000:.1f}"
                said = f"{body['category']} ({body['findings']} findings, E = 10^{power})"
                row["announced"] = ", ".join(filter(None, (row.get("announced"), said)))
            case EventKind.REQUEST:
                row["asked"] = f"{body['words']}: {body['answer'] or 'asked'}"
            case EventKind.TO_DO:
                self._to_do[str(event.slide)] = body["to_do"]
            case EventKind.VERDICT:
                if body["state"] == "final":
                    self._to_do.pop(str(event.slide), None)
                name = body["category"] or body["outcome"]
                row["verdict"] = f"{name} ({body['state']})"
                row["cells"] = str(body["adequacy"]["cells"])

    def table(self) -> Table:
        """As it stands."""
        columns = ("images", "last", "asked", "cells", "announced", "verdict", "waited")
        headings = (
            "slide", "images", "last image", "asked of the scanner", "cells", "announced",
            "verdict", "scanner waited for us",
        )  # fmt: skip
        to_do = [f"{slide}: {line}" for slide, lines in self._to_do.items() for line in lines]
        caption = "\n".join([*to_do, *self._alerts[-5:]]) or None
        table = Table(*headings, caption=caption)
        for slide, row in self._slides.items():
            table.add_row(slide, *(row.get(column, "") for column in columns))
        return table
