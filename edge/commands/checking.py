"""`cytoedge verify` and `doctor`: is what was kept true, and is this machine fit."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from drivers.problem import Problem, Refusal
from edge.commands.common import (
    NO,
    AsJson,
    SettingsFile,
    refusals,
    say,
    settings_of,
    tools_of,
)
from edge.journal import chain, shelf, verifying
from edge.journal.chain import Head
from edge.journal.verifying import Difference
from edge.settings import Settings
from edge.verdict.verdict import hash_of

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
    head: Annotated[
        str | None,
        typer.Option(help="SEQ:HASH of the chain as it was noted elsewhere: in a log, on paper."),
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="Another state folder: a backup, or an exported slide.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look for what was changed: every row, verdict, identifier and entry of the chain, offline."""
    with refusals():
        chosen, noted = settings_of(settings), None if head is None else _head(head)
        if state is not None:
            chosen = chosen.model_copy(update={"state_dir": state})
        names = list(shelf.slides(chosen.state_dir))
        if not chosen.state_dir.is_dir():
            problem = "there is no such folder"
            raise _wrong("state_dir", str(chosen.state_dir), problem, "Give --settings")
        if slide is not None and slide not in names:
            remedy = "`cytoedge slides list` names those that are"
            raise _wrong("slide", slide, "no such slide is here", remedy)
    checks = [verify_slide(chosen, name) for name in ([slide] if slide else names)]
    _tell([*checks, verify_chain(chosen, noted)], as_json=as_json)


def verify_slide(settings: Settings, slide: str) -> Check:
    """Whether a slide's issued verdict is what its rows give, at once and one by one."""
    try:
        store = shelf.read(settings.state_dir, slide)
        if store is None:
            return Check(slide, is_well=False, text="there is no such slide")
        try:
            rows, found = verifying.slide_differences(store)
            issued = store.last_verdict()
        finally:
            store.close()
    except shelf.UNREADABLE as error:
        return _damaged(slide, error)
    made = f"give verdict {hash_of(issued.body)[:12]} again" if issued else "and no verdict yet"
    return _check(slide, found, f"{rows} rows {made}")


def verify_chain(settings: Settings, noted: Head | None = None) -> Check:
    """Whether the chain holds, and names just the verdicts that the slides' files hold."""
    try:
        entries, found = verifying.chain_differences(settings.state_dir, noted)
    except shelf.UNREADABLE as error:
        return _damaged("chain", error)
    verdicts = sum(entry.kind == chain.VERDICT for entry in entries)
    text = f"{verdicts} verdicts, none missing"
    if entries:
        signers = [str(e.body["key"])[:16] for e in entries if e.kind == chain.SIGNER]
        text += f"; signed by {', then '.join(signers)}; head {entries[-1].seq}:{entries[-1].hash}"
    return _check("chain", found, text)


def _head(text: str) -> Head:
    try:
        return chain.head(text)
    except ValueError as error:
        remedy = "`cytoedge verify` and the log of the daemon give it as SEQ:HASH"
        raise _wrong("--head", text, str(error), remedy) from None


def _check(name: str, found: Sequence[Difference], text: str) -> Check:
    if not found:
        return Check(name, is_well=True, text=text)
    return Check(name, False, "; ".join(each.what for each in found), found[0].remedy)


def _damaged(name: str, error: Exception) -> Check:
    text = f"its file is damaged: {type(error).__name__}: {error}"
    return Check(
        name, False, text, "Keep the file, and put the one of the last backup in its place"
    )


def _wrong(key: str, value: str, problem: str, remedy: str) -> Refusal:
    return Refusal(Problem(key, value, problem, remedy))


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
        with tools_of(settings) as tools:
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
