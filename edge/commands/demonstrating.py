"""`cytoedge demo`: a daemon and a simulated scanner, one slide to its verdict."""

import secrets
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from drivers.scanner.link import ScannerLink
from drivers.sources.faults import Faults
from drivers.sources.replay import ImageFolder, ReplayOptions
from drivers.sources.scanner import Pace, Scan, scan_slide, start
from drivers.sources.simulated.render import Options, SimulatedSlide
from drivers.sources.simulated.specimen import PRESETS, preset
from drivers.sources.source import Source
from edge.commands.common import FAULT, AsJson, Tools, err, refusals, say
from edge.commands.own_daemon import own_console, own_daemon
from edge.commands.watching import words

FRESH_SEEDS = range(100_000, 1_000_000)
"""Above all seeds that the model was trained or its thresholds were fitted with."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    specimen: Annotated[
        str, typer.Option(help=f"What is on the glass: {', '.join(PRESETS)}.")
    ] = "hsil",
    replay: Annotated[Path | None, typer.Option(help="Show this folder of images instead.")] = None,
    um_per_px: Annotated[
        float | None, typer.Option(help="Scale of those images; default: their images.csv.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="The same seed, the same slide; default: a fresh one.")
    ] = None,
    fields: Annotated[int, typer.Option(min=1, help="Fields of the simulated slide.")] = 160,
    as_json: AsJson = False,
) -> None:
    """Stream one slide into a daemon of its own, and print the verdict."""
    with refusals(), tempfile.TemporaryDirectory(prefix="cytoedge-demo-") as name:
        folder = Path(name)
        source: Source
        shown: dict[str, str | int] = {}
        if replay is None:
            known = preset(specimen, fields)
            drawn = secrets.choice(FRESH_SEEDS) if seed is None else seed
            shown = {"specimen": specimen, "seed": drawn, "fields": fields}
            source = SimulatedSlide(
                Options(seed=drawn, fields=fields, contents=known.contents, faults=known.faults)
            )
        else:
            source = ImageFolder(ReplayOptions(replay, um_per_px))
        with (
            own_daemon(folder) as (settings, _),
            own_console(folder / "cytoedge.toml", 0) as served,
        ):
            endpoints = settings.endpoints
            err.print(f"{served} (open it to see the slide while it is scanned)")
            scan = _scan(endpoints.drivers, source, is_quiet=as_json)
            if scan.verdict is None:
                err.print(f"The scan ended without a verdict: {scan.why or scan.refusals}")
                raise typer.Exit(FAULT)
            with Tools(endpoints.tools) as tools:
                found = tools.ask("verdict", source.facts.slide)
            waited_s = scan.last_field_to_verdict_s or 0.0
            _tell(found, shown, waited_s, as_json=as_json)
            if sys.stdin.isatty() and sys.stdout.isatty() and not as_json:
                err.print(f"{served} stays until you press Enter.")
                sys.stdin.readline()


def _tell(
    found: dict[str, Any], shown: dict[str, str | int], waited_s: float, *, as_json: bool
) -> None:
    if as_json:
        say(found | shown | {"last_field_to_verdict_s": round(waited_s, 3)})
        return
    sys.stdout.write("\n" + words(found))
    sys.stdout.write(f"From the last field to the verdict: {waited_s:.2f} s\n")
    if shown:
        again = " ".join(f"--{option} {value}" for option, value in shown.items())
        sys.stdout.write(f"The same slide again: cytoedge demo {again}\n")


def _scan(endpoint: str, source: Source, *, is_quiet: bool) -> Scan:
    """Send the whole slide, with live progress."""
    scan = start(source.facts)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[seen]}"),
    )
    with Progress(*columns, console=err, disable=is_quiet) as bar:
        task = bar.add_task(f"slide {scan.slide}", total=scan.planned, seen="")

        def tell(now: Scan) -> None:
            seen = ", ".join(f"{n} {what}" for what, n in sorted(now.dispositions.items()))
            bar.update(task, completed=sum(now.dispositions.values()), seen=seen)

        with ScannerLink(endpoint, "demo", on_answer=scan.hear) as link:
            link.wait_welcome()
            scan_slide(link, source, scan, pace=Pace(), faults=Faults(), on_progress=tell)
    return scan
