"""`cytoedge verify` and `doctor`: is what was kept true, and is this machine fit."""

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.console import Console

from drivers.problem import Refusal
from edge.commands.common import (
    NO,
    AsJson,
    SettingsFile,
    Tools,
    refusals,
    say,
    settings_of,
)
from edge.evidence.fold import fold
from edge.journal import shelf
from edge.journal.central import Central
from edge.journal.store import StoreFault
from edge.settings import Settings
from edge.verdict.decide import decide
from edge.verdict.verdict import to_json

OLD_DAEMON_MS = 1_000


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    is_well: bool
    text: str
    remedy: str = ""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(verify)
    app.command()(doctor)


def verify(
    slide: Annotated[str | None, typer.Argument(help="One slide; default: all.")] = None,
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Recompute evidence and verdicts from the rows, offline, and check the chain of verdicts."""
    with refusals():
        chosen = settings_of(settings)
        names = [slide] if slide else list(shelf.slides(chosen.state_dir))
        checks = [verify_slide(chosen, name) for name in names]
        if slide is None:
            checks.append(verify_chain(chosen))
    _tell(checks, as_json=as_json)


def verify_slide(settings: Settings, slide: str) -> Check:
    """Whether a slide's issued verdict is what its rows give."""
    try:
        store = shelf.read(settings.state_dir, slide)
        opening = None if store is None else shelf.opening(store)
        if store is None or opening is None:
            return Check(slide, is_well=False, text="there is no such slide")
        rows = [*(kept.record for kept in store.records()), *store.others()]
        issued = store.last_verdict()
        store.close()
        if issued is None:
            return Check(slide, is_well=True, text=f"{len(rows)} rows; no verdict was issued yet")
        made = to_json(decide(fold(rows)))
    except (StoreFault, sqlite3.Error, ValueError, KeyError) as error:
        return Check(slide, is_well=False, text=f"its file is damaged: {error}")
    if made != issued.body:
        return Check(slide, is_well=False, text="its rows give another verdict than was issued")
    digest = hashlib.sha256(made).hexdigest()[:12]
    return Check(slide, is_well=True, text=f"{len(rows)} rows give verdict {digest} again")


def verify_chain(settings: Settings) -> Check:
    """Whether the chain holds, and names the verdicts that the slides' files hold."""
    if not (settings.state_dir / "cytoedge.sqlite").exists():
        return Check("chain", is_well=True, text="there is none yet")
    try:
        central = Central(settings.state_dir, read_only=True)
        broken, links = central.first_broken(), list(central.links())
        central.close()
    except (StoreFault, sqlite3.Error) as error:
        return Check("chain", is_well=False, text=f"its file is damaged: {error}")
    if broken is not None:
        text = f"entry {broken.seq}, slide {broken.slide}, does not follow from the one before"
        return Check("chain", is_well=False, text=text)
    for link in links:
        store = shelf.read(settings.state_dir, link.slide)
        issued = None if store is None else store.last_verdict()
        if store is not None:
            store.close()
        if issued is None or hashlib.sha256(issued.body).hexdigest() != link.verdict:
            text = f"entry {link.seq} names a verdict that slide {link.slide} does not hold"
            return Check("chain", is_well=False, text=text)
    return Check("chain", is_well=True, text=f"{len(links)} verdicts, none missing")


def doctor(settings: SettingsFile = None, as_json: AsJson = False) -> None:
    """What is wrong with this machine's service, and how to mend it."""
    with refusals():
        chosen = settings_of(settings)
    checks = [Check("settings", is_well=True, text="they can be read")]
    for look in (_state, _disk, _model, _daemon):
        checks += look(chosen)
    _tell(checks, as_json=as_json)


def _state(settings: Settings) -> Iterator[Check]:
    folder = settings.state_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".doctor").touch()
        (folder / ".doctor").unlink()
        yield Check("state", is_well=True, text=f"{folder} can be written")
    except OSError as error:
        yield Check("state", False, f"{folder}: {error}", "Give the service's user that folder")


def _disk(settings: Settings) -> Iterator[Check]:
    if settings.state_dir.exists():
        usage = shutil.disk_usage(settings.state_dir)
        free = 100 * usage.free // usage.total
        is_well = free >= settings.free_disk_percent
        yield Check("disk", is_well, f"{free} % is free", "" if is_well else "Free some")


def _model(settings: Settings) -> Iterator[Check]:
    from edge.daemon.engine import start

    engine = start(settings)
    if engine.health.is_proved:
        text = f"{engine.health.identity}: {engine.fields_per_1000_s / 1000:.1f} tiles a second"
        yield Check("engine", is_well=True, text=text)
    else:
        remedy = "Install the model again, or name another in `model`"
        yield Check("engine", False, engine.health.problem, remedy)


def _daemon(settings: Settings) -> Iterator[Check]:
    try:
        with Tools(settings.endpoints.tools) as tools:
            status = tools.ask("status", timeout_ms=OLD_DAEMON_MS)
    except Refusal as refusal:
        yield Check("daemon", False, str(refusal), "Start it: `cytoedge run`")
        return
    yield Check(
        "daemon", is_well=True, text=f"it answers; {len(status['open_slides'])} open slides"
    )
    for alert in status["alerts"]:
        yield Check(alert["id"], False, alert["text"], alert["remedy"])


def _tell(checks: list[Check], *, as_json: bool) -> None:
    is_well = all(check.is_well for check in checks)
    if as_json:
        say({"is_well": is_well, "checks": [asdict(check) for check in checks]})
    else:
        console = Console()
        for check in checks:
            mark = "[green]ok[/]" if check.is_well else "[red]NO[/]"
            console.print(f"{mark}  {check.name}: ", end="")
            console.print(f"{check.text} {check.remedy}", markup=False, highlight=False)
    if not is_well:
        raise typer.Exit(NO)
