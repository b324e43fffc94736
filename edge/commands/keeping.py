"""`cytoedge backup`, `restore`, `slides export`, `slides delete`: what becomes of what was kept."""

import getpass
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from drivers.problem import Problem, Refusal
from edge.commands.common import FAULT, AsJson, SettingsFile, err, refusals, say, settings_of
from edge.commands.running import only_one
from edge.commands.watching import slides
from edge.journal import backup as backups
from edge.journal import export as exports
from edge.journal import retention
from edge.journal.central import FILE, Central
from edge.journal.durable import StoreFault
from edge.settings import Settings

Slide = Annotated[str, typer.Argument(help="The slide's id.")]
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ENDED = "`cytoedge slides list` names those that have ended"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backup)
    app.command()(restore)
    slides.command("export")(export)
    slides.command("delete")(delete)


def backup(
    to: Annotated[Path, typer.Argument(help="A folder that is not there yet.")],
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Copy all slides, verdicts and identifiers, also beside a running daemon."""
    with _faults():
        chosen = settings_of(settings)
        _has_journal(chosen)
        try:
            count = backups.back_up(chosen.state_dir, to)
        except FileExistsError:
            raise _refusal("to", to, "it is there already", "Name a new folder") from None
    _tell(f"{count} slides in {to}", {"slides": count, "to": str(to)}, as_json=as_json)


def restore(
    backup: Annotated[Path, typer.Argument(help="A folder that `cytoedge backup` made.")],
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Put a backup in the place of an empty state folder, also on a new device."""
    with _faults():
        chosen = settings_of(settings)
        with only_one(chosen.state_dir):
            try:
                count = backups.restore(backup, chosen.state_dir)
            except backups.NoBackup as error:
                remedy = "Name a folder that `cytoedge backup` made, or an older one"
                raise _refusal("backup", backup, str(error), remedy) from None
            except FileExistsError:
                problem, remedy = "it holds slides already", "Move what is there away"
                raise _refusal("state_dir", chosen.state_dir, problem, remedy) from None
    what = f"{count} slides in {chosen.state_dir}. Start the daemon, then `cytoedge verify`"
    _tell(what, {"slides": count, "to": str(chosen.state_dir)}, as_json=as_json)


def export(
    slide: Slide,
    to: Annotated[Path, typer.Argument(help="A folder that is not there yet.")],
    name: Annotated[str, typer.Option("--as", help="The slide's id in there.")] = "anonymous",
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Write one slide without its id, barcode, operator, driver and times."""
    with _faults(), _central(settings) as (state_dir, central):
        if not _ID.fullmatch(name):
            raise _refusal("--as", name, "no slide's id", "Use letters, digits and ._-")
        try:
            exports.export(state_dir, central, slide, to, name, getpass.getuser())
        except FileExistsError:
            raise _refusal("to", to, "it is there already", "Name a new folder") from None
        except LookupError:
            raise _refusal("slide", slide, "no ended slide of that id is here", _ENDED) from None
    what = f"{slide} as {name} in {to}. Look through it: `cytoedge verify --state {to}`"
    _tell(what, {"slide": slide, "as": name, "to": str(to)}, as_json=as_json)


def delete(
    slide: Slide,
    why: Annotated[str, typer.Option(help="For whoever asks later. Stays for ever: no names.")],
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Take an ended slide away for good. The chain keeps that it was, and its verdict's hash."""
    with _faults(), _central(settings) as (state_dir, central):
        try:
            retention.delete(state_dir, central, slide, getpass.getuser(), why)
        except LookupError:
            raise _refusal("slide", slide, "no ended slide of that id is here", _ENDED) from None
    _tell(f"{slide} is deleted", {"deleted": slide}, as_json=as_json)


@contextmanager
def _central(settings: Path | None) -> Iterator[tuple[Path, Central]]:
    chosen = settings_of(settings)
    _has_journal(chosen)
    central = Central(chosen.state_dir)
    try:
        yield chosen.state_dir, central
    finally:
        central.close()


def _has_journal(settings: Settings) -> None:
    if not (settings.state_dir / FILE).exists():
        raise _refusal("state_dir", settings.state_dir, "no slides are here", "Give --settings")


@contextmanager
def _faults() -> Iterator[None]:
    with refusals():
        try:
            yield
        except StoreFault as fault:
            err.print(str(fault), style="red", markup=False, highlight=False, soft_wrap=True)
            raise typer.Exit(FAULT) from None


def _refusal(key: str, value: Path | str, problem: str, remedy: str) -> Refusal:
    return Refusal(Problem(key, str(value), problem, remedy))


def _tell(words: str, body: dict[str, str | int], *, as_json: bool) -> None:
    if as_json:
        say(body)
    else:
        Console().print(words, markup=False, highlight=False, soft_wrap=True)
