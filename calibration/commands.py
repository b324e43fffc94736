"""`cytoedge calibrate`: steps measured, signed, activated, rolled back."""

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from calibration import draft, plots, shelf
from calibration.measuring import NEEDED, STEPS, measure
from calibration.shown import LIST, read, write
from calibration.simulated import target
from calibration.steps import golden_slide
from drivers.problem import Problem, Refusal
from edge.commands.common import NO, AsJson, SettingsFile, refusals, say, settings_of
from edge.daemon.calibrating import folder
from edge.settings import Settings
from edge.slide.bundle import DAY_US, Bundle, days_left

calibrate = typer.Typer(
    help="The technician: measure, sign, activate, roll back.", no_args_is_help=True
)

KeyFile = Annotated[Path, typer.Option("--key", help="The signer's private key, a file.")]
Signer = Annotated[str, typer.Option(help="Who signs, as the settings name them.")]
Root = Annotated[Path, typer.Argument(help="A folder with a folder of pictures for each step.")]

out = Console()


def register(app: typer.Typer) -> None:
    """Adds the commands to the program."""
    app.add_typer(calibrate, name="calibrate")
    for step in STEPS:
        calibrate.command(step, help=f"Measure the step `{step}`.")(_command(step))


def _command(step: str) -> Any:  # noqa: ANN401  # typer reads its signature
    def run(
        pictures: Annotated[Path, typer.Argument(help=f"A folder of pictures with {LIST}.")],
        settings: SettingsFile = None,
        as_json: AsJson = False,
    ) -> None:
        with refusals():
            kept = _measured(step, pictures, settings_of(settings))
        _show(kept, as_json)
        if not kept["passes"]:
            raise typer.Exit(NO)

    return run


@calibrate.command()
def simulate(
    root: Annotated[Path, typer.Argument(help="Where to write a folder of pictures a step.")],
    seed: int = 1,
) -> None:
    """Write simulated targets, to try the steps without a scanner."""
    for step in STEPS:
        write(root / step, target(step, seed))
        out.print(f"{root / step}", highlight=False)


@calibrate.command()
def guide(
    root: Root,
    again: Annotated[bool, typer.Option(help="Measure all anew.")] = False,
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Measure all steps in order. Broken off, it goes on where it was."""
    with refusals():
        chosen = settings_of(settings)
        done = {} if again else draft.steps(_draft(chosen))
        for step in STEPS:
            if done.get(step, {}).get("passes"):
                out.print(f"{step}: measured already", highlight=False)
            elif (root / step / LIST).exists():
                _show(_measured(step, root / step, chosen), as_json)
            else:
                out.print(f"{step}: no pictures in {root / step}", style="yellow", markup=False)
        found = draft.steps(_draft(chosen))
    left = [step for step in NEEDED if not found.get(step, {}).get("passes")]
    out.print(f"To do: {', '.join(left)}" if left else "All measured: `cytoedge calibrate sign`")
    if left:
        raise typer.Exit(NO)


@calibrate.command("golden_slide")
def golden(
    verdict: Annotated[Path, typer.Argument(help="Today's verdict: `slides export`'s JSON.")],
    reference: Annotated[Path, typer.Argument(help="The verdict that the site filed.")],
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Hold the golden slide's verdict of today against the first."""
    with refusals():
        today, first = _verdict(verdict), _verdict(reference)
        kept = draft.keep(
            _draft(settings_of(settings)), golden_slide.measure(today, first), golden_slide.STEP
        )
    _show(kept, as_json)
    if not kept["passes"]:
        raise typer.Exit(NO)


@calibrate.command()
def key(path: Annotated[Path, typer.Argument(help="The new file, kept off this machine.")]) -> None:
    """Make a signer's key; prints the public key for the settings' `signers`."""
    with refusals():
        sys.stdout.write(shelf.new_key(path) + "\n")


@calibrate.command()
def sign(
    signer: Signer,
    key: KeyFile,
    camera: Annotated[str, typer.Option(help="Serial number, as the driver declares it.")],
    objective: Annotated[str, typer.Option(help="Name and serial number, as the driver does.")],
    targets: Annotated[Path, typer.Option(help="JSON: a list of targets and their certificates.")],
    days: Annotated[int, typer.Option(min=1, max=400, help="How long it is valid.")] = 90,
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Sign what was measured as a bundle. It counts once another person activates it."""
    with refusals():
        chosen = settings_of(settings)
        measured = draft.ready(_draft(chosen))
        body = _body(chosen, measured, signer, camera, objective, _targets(targets), days)
        made = shelf.signed(chosen, body, signer, shelf.key_of(key), _draft(chosen))
    _tell(made, "signed", as_json)


@calibrate.command()
def activate(
    bundle: Annotated[str, typer.Argument(help="The bundle's SHA-256, or its start.")],
    signer: Signer,
    key: KeyFile,
    settings: SettingsFile = None,
    as_json: AsJson = False,
) -> None:
    """Put a bundle in force: by another person than who signed it."""
    with refusals():
        chosen = settings_of(settings)
        sha256 = _named(chosen, bundle).sha256
        found = shelf.act(chosen, "activate", sha256, (signer, shelf.key_of(key)), _now_us())
    _tell(found.bundle, "in force", as_json)


@calibrate.command()
def rollback(
    signer: Signer, key: KeyFile, settings: SettingsFile = None, as_json: AsJson = False
) -> None:
    """Put the bundle before the present one in force again."""
    with refusals():
        chosen = settings_of(settings)
        sha256 = shelf.below(chosen).sha256
        found = shelf.act(chosen, "rollback", sha256, (signer, shelf.key_of(key)), _now_us())
    _tell(found.bundle, "in force", as_json)


@calibrate.command()
def history(settings: SettingsFile = None, as_json: AsJson = False) -> None:
    """All bundles, which one is in force, and until when. Exit 1: none, or it has ended."""
    with refusals():
        chosen = settings_of(settings)
        last, known = shelf.now(chosen), shelf.bundles(chosen)
    now_us = _now_us()
    table = Table("version", "bundle", "signed by", "valid until", "")
    for each in known:
        is_last = last is not None and each.sha256 == last.bundle.sha256
        until = time.strftime("%Y-%m-%d", time.gmtime(each.content.valid_until_us / 1e6))
        mark = f"in force, activated by {last.activated_by}" if is_last and last else ""
        table.add_row(str(each.content.version), each.sha256[:12], each.signer, until, mark)
    ends = None if last is None else days_left(last.bundle, now_us)
    has_ended = last is not None and last.bundle.content.valid_until_us <= now_us
    if as_json:
        say(
            {
                "bundles": [e.sha256 for e in known],
                "in_force": None if last is None else last.bundle.sha256,
                "ends_within_days": ends,
                "has_ended": has_ended,
            }
        )
    else:
        out.print(table)
        if has_ended:
            out.print(
                "The bundle in force has ended: no clinical slide can be negative.", style="red"
            )
        elif ends is not None:
            out.print(f"It ends within {ends} days: calibrate again.", style="yellow")
    if last is None or has_ended:
        raise typer.Exit(NO)


@calibrate.command()
def certificate(
    file: Annotated[Path, typer.Argument(help="The PDF to write.")],
    bundle: Annotated[str, typer.Option(help="SHA-256 or its start; else the one in force.")] = "",
    settings: SettingsFile = None,
) -> None:
    """Write a bundle's certificate as PDF."""
    with refusals():
        chosen = settings_of(settings)
        last = shelf.now(chosen)
        named = _named(chosen, bundle or (last.bundle.sha256 if last else "none"))
        second = last.activated_by if last and last.bundle.sha256 == named.sha256 else ""
        plots.certificate(named, second, file)


@calibrate.command("export")
def export_(bundle: str, file: Path, settings: SettingsFile = None) -> None:
    """Write a bundle with its plots and maps to one archive."""
    with refusals():
        chosen = settings_of(settings)
        file.write_bytes(shelf.export(chosen, _named(chosen, bundle).sha256))


@calibrate.command("import")
def import_(file: Path, settings: SettingsFile = None, as_json: AsJson = False) -> None:
    """Take an archive in. It counts once it is activated here."""
    with refusals():
        made = shelf.take_in(settings_of(settings), file.read_bytes())
    _tell(made, "imported", as_json)


def _measured(step: str, pictures: Path, settings: Settings) -> dict[str, Any]:
    return draft.keep(_draft(settings), measure(step, read(pictures)), step)


def _draft(settings: Settings) -> Path:
    return folder(settings.state_dir) / "draft"


def _show(step: dict[str, Any], as_json: bool) -> None:
    if as_json:
        say(step)
        return
    table = Table("figure", "value", "+- (k = 2)", "unit", "limits", "", title=step["step"])
    for f in step["figures"]:
        mark = "[green]pass[/]" if f["passes"] else "[red]FAIL[/]"
        limits = f"{f['low']} to {f['high']}"
        table.add_row(
            f["name"], f"{float(f['value']):.5g}", f["uncertainty_k2"], f["unit"], limits, mark
        )
    if step["problem"]:
        out.print(f"{step['step']}: {step['problem']}", style="red", markup=False, highlight=False)
    else:
        out.print(table)


def _body(
    settings: Settings,
    measured: dict[str, dict[str, Any]],
    operator: str,
    camera: str,
    objective: str,
    targets: list[dict[str, str]],
    days: int,
) -> dict[str, Any]:
    seen = (draft.figure(measured["scale"], axis) for axis in "xy")
    now_us, known = _now_us(), shelf.bundles(settings)
    return {
        "version": max((b.content.version for b in known), default=0) + 1,
        "camera_serial": camera,
        "objective": objective,
        "pm_per_px": round(1e6 * sum(seen) / 2),
        "registration_nm": round(1e3 * draft.figure(measured["stage"], "t")),
        "made_at_us": now_us,
        "valid_until_us": now_us + days * DAY_US,
        "operator": operator,
        "software": f"cytoedge {version('cytoedge')}",
        "targets": targets,
        "steps": {name: step["figures"] for name, step in measured.items()},
        "files": {name: sha for step in measured.values() for name, sha in step["files"].items()},
    }


def _targets(file: Path) -> list[dict[str, str]]:
    try:
        found = json.loads(file.read_text())
        is_right = bool(found) and all(
            {"name", "certificate", "traceable_to"} <= set(t) for t in found
        )
    except (OSError, ValueError, TypeError) as error:
        is_right, found = False, str(error)
    if not is_right:
        what = "is no list of targets with name, certificate and traceable_to"
        raise Refusal(
            Problem("targets", str(file), what, "Copy them from the targets' certificates")
        )
    return [{str(k): str(v) for k, v in each.items()} for each in found]


def _verdict(file: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(file.read_text())
        counts = {name: int(count) for name, count in found["counts"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        what, remedy = f"no verdict: {error}", "Name a verdict's JSON"
        raise Refusal(Problem("verdict", str(file), what, remedy)) from None
    return found | {"counts": counts}


def _named(settings: Settings, start: str) -> Bundle:
    found = [b for b in shelf.bundles(settings) if b.sha256.startswith(start)]
    if len(found) != 1:
        what = f"{len(found)} proved bundles are called so"
        raise Refusal(Problem("bundle", start, what, "See `cytoedge calibrate history`"))
    return found[0]


def _tell(bundle: Bundle, what: str, as_json: bool) -> None:
    if as_json:
        say({"bundle": bundle.sha256, "version": bundle.content.version, "state": what})
    else:
        out.print(f"{bundle.identity}: {what}", highlight=False)


def _now_us() -> int:
    return time.time_ns() // 1000
