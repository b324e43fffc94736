"""`cytoedge scan simulate`, `scan replay` and `record`: a scanner's driver on the command line."""

import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import cv2
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from drivers.problem import Problem, Refusal
from drivers.scanner.curve import Curve
from drivers.scanner.link import ScannerLink
from drivers.scanner.messages import Committed, FromDaemon
from drivers.scanner.question import LinkRefused, LinkTimeout
from drivers.scanner.words import PixelFormat, Preparation, SlideStatus, Specimen
from drivers.sources.camera import Camera
from drivers.sources.export import write_fields
from drivers.sources.faults import FAULTS_HELP, Faults, faults_of
from drivers.sources.player import Played, Player
from drivers.sources.recorder import Recorder
from drivers.sources.recording import RecordingReader, RecordingWriter
from drivers.sources.replay import ImageFolder, ReplayOptions
from drivers.sources.scanner import ENDPOINT, Pace, Scan, scan_slide, start
from drivers.sources.simulated.render import Options, SimulatedSlide
from drivers.sources.simulated.specimen import PRESETS, preset
from drivers.sources.source import Source

DONE, NO, WRONG_USE, FAULT = range(4)
"""Exit status."""
SOFTWARE = "cytoedge"

scan = typer.Typer(help="A scanner's driver: sends a slide field by field.", no_args_is_help=True)

Endpoint: TypeAlias = Annotated[str, typer.Option(help="The daemon's socket for drivers.")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="One JSON object at the end.")]
Driver: TypeAlias = Annotated[str, typer.Option(help="Who this driver says it is.")]
Format: TypeAlias = Annotated[PixelFormat, typer.Option("--format", help="Pixel format to send.")]
Key: TypeAlias = Annotated[
    Path | None, typer.Option(help="NAME.key_secret, with daemon.key beside it: see `keys new`.")
]
SlideId: TypeAlias = Annotated[str | None, typer.Option("--slide", help="Id; else one is made.")]
Rate: TypeAlias = Annotated[
    float | None,
    typer.Option(help="Instead of a stage's own settling; 0: as fast as the daemon takes them."),
]


def register(app: typer.Typer) -> None:
    """Adds the drivers' commands to the program."""
    app.add_typer(scan, name="scan")
    app.command()(record)


@scan.command()
def simulate(
    specimen: Annotated[
        list[str] | None,
        typer.Option(help=f"Default: negative. With --to repeatable. Of {', '.join(PRESETS)}."),
    ] = None,
    preparation: Annotated[
        list[Preparation] | None, typer.Option(help="Default: thinprep. With --to repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The slide; the same seed, the same bytes.")] = 0,
    fields: Annotated[int, typer.Option(min=1, help="Fields of a near-square grid.")] = 160,
    spot_mm: Annotated[float | None, typer.Option(help="Cover a round spot instead.")] = None,
    lsil: Annotated[int | None, typer.Option(min=0, help="Planted LSIL cells.")] = None,
    asc_h: Annotated[int | None, typer.Option(min=0, help="Planted ASC-H cells.")] = None,
    hsil: Annotated[int | None, typer.Option(min=0, help="Planted HSIL cells.")] = None,
    scc: Annotated[int | None, typer.Option(min=0, help="Planted SCC cells.")] = None,
    planes: Annotated[int, typer.Option(min=1, max=40, help="Focus planes a field.")] = 1,
    width_px: Annotated[int, typer.Option(help="Width of a field.")] = 2448,
    height_px: Annotated[int, typer.Option(help="Height of a field.")] = 2048,
    pixel_format: Format = PixelFormat.BAYER_RG8,
    fault: Annotated[list[str] | None, typer.Option(help=f"Repeatable: {FAULTS_HELP}.")] = None,
    fields_per_s: Rate = None,
    endpoint: Endpoint = ENDPOINT,
    driver: Driver = "simulator",
    key: Key = None,
    slide: SlideId = None,
    to: Annotated[Path | None, typer.Option(help="Write fields and truth here instead.")] = None,
    slides: Annotated[
        int | None, typer.Option(min=1, help="With --to: how many; each has its own stain.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """A simulated slide: seeded cells, rendered as a scanner's camera would see them."""
    with _told():
        planted = {"lsil": lsil, "asc_h": asc_h, "hsil": hsil, "scc": scc}
        options = Options(
            seed=seed,
            fields=fields,
            spot_nm=None if spot_mm is None else round(spot_mm * 1_000_000),
            camera=Camera(width_px=width_px, height_px=height_px, format=pixel_format),
            planes=planes,
            slide=slide,
        )
        all_of = _slides(
            options, slides, specimen or ["negative"], preparation or [Preparation.THINPREP]
        )
        all_of = [_changed(one, planted, fault or []) for one in all_of]
        if len(all_of) != 1 and (to is None or slide is not None):
            problem = "needs --to, and ids made of the seeds"
            raise Refusal(Problem("slides", str(len(all_of)), problem, "Give --to and no --slide"))
        if to is not None:
            _write(to, all_of, as_json)
            return
        pace = Pace(fields_per_s=fields_per_s)
        cv2.setNumThreads(1)  # The images are made on threads of their own.
        source = SimulatedSlide(all_of[0])
        _stream(source, endpoint, driver, pace, all_of[0].faults, _curve(key), as_json=as_json)


@scan.command()
def replay(
    path: Annotated[Path, typer.Argument(help="A folder of images, or a recording.")],
    um_per_px: Annotated[float | None, typer.Option(help="Scale of all images.")] = None,
    specimen: Annotated[Specimen, typer.Option(help="What was sampled.")] = Specimen.CERVICAL,
    preparation: Annotated[
        Preparation, typer.Option(help="How the cells came onto the glass.")
    ] = Preparation.CONVENTIONAL,
    pixel_format: Format = PixelFormat.RGB8,
    fields_per_s: Rate = None,
    endpoint: Endpoint = ENDPOINT,
    driver: Driver = "replay",
    key: Key = None,
    slide: SlideId = None,
    as_json: AsJson = False,
) -> None:
    """A folder of images as one slide, or a recording byte for byte."""
    with _told():
        if path.is_file():
            _play(path, endpoint, driver, _curve(key), as_json)
            return
        options = ReplayOptions(path, um_per_px, pixel_format, specimen, preparation, slide)
        pace = Pace(fields_per_s=fields_per_s)
        source = ImageFolder(options)
        _stream(source, endpoint, driver, pace, Faults(), _curve(key), as_json=as_json)


def record(
    to: Annotated[Path, typer.Option(help="The file to make.")],
    listen: Annotated[str, typer.Option(help="Where the driver connects instead.")],
    endpoint: Endpoint = ENDPOINT,
    as_json: AsJson = False,
) -> None:
    """Stands between a driver and the daemon, and writes a slide's messages to a file.

    Ends when the slide has ended, or by Ctrl-C.
    """
    console = Console(stderr=True, quiet=as_json)
    with _told():
        made_at = datetime.now(UTC).isoformat(timespec="seconds")
        with (
            RecordingWriter(to, made_at, SOFTWARE) as writer,
            Recorder(listen, endpoint, writer) as recorder,
        ):
            console.print(f"Recording what drivers send to {listen} on its way to {endpoint}")
            try:
                recorder.run(lambda: True)
            except KeyboardInterrupt:
                console.print("Ended by hand")
        _say({"file": str(to), "messages": writer.messages}, as_json)


@contextmanager
def _told() -> Iterator[None]:
    """Ends the program with the words of a refusal, and the status that it stands for."""
    try:
        yield
    except Refusal as refusal:
        Console(stderr=True, soft_wrap=True).print(str(refusal), markup=False, highlight=False)
        status = {LinkRefused: NO, LinkTimeout: FAULT}.get(type(refusal), WRONG_USE)
        raise typer.Exit(status) from None


def _say(facts: dict[str, Any], as_json: bool) -> None:
    """The end of every command: an object for programs, or lines for people."""
    if as_json:
        sys.stdout.write(json.dumps(facts) + "\n")
    else:
        said = {key: value for key, value in facts.items() if value not in (None, "", [], {})}
        verdict = said.pop("verdict", None)
        to_do = said.pop("to_do", [])
        lines = [f"{key}: {value}" for key, value in said.items()] + to_do
        if verdict is not None:
            lines.append(f"verdict: {verdict.get('category') or verdict.get('outcome')}")
            lines += [f"  {reason['text']}" for reason in verdict.get("reasons", [])]
        sys.stdout.write("\n".join(lines) + "\n")


@contextmanager
def _bar(what: str, total: int | None, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Progress on standard error; gives what to call with the count so far."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=quiet) as progress:
        task = progress.add_task(what, total=total)
        yield lambda so_far: progress.update(task, completed=so_far)


def _slides(
    like: Options,
    slides: int | None,
    specimens: Sequence[str],
    preparations: Sequence[Preparation],
) -> list[Options]:
    """Slides of rising seeds; specimens and preparations take turns until all pairs have come."""
    again = math.lcm(len(specimens), len(preparations))
    presets = [preset(name, like.fields) for name in specimens]
    many = max(len(specimens), len(preparations)) if slides is None else slides
    return [
        replace(
            like,
            seed=like.seed + number,
            contents=presets[number % len(presets)].contents,
            faults=presets[number % len(presets)].faults,
            preparation=preparations[(number + number // again) % len(preparations)],
        )
        for number in range(many)
    ]


def _changed(options: Options, planted: dict[str, int | None], faults: list[str]) -> Options:
    """With what was said beside the specimen's name."""
    said = {name: many for name, many in planted.items() if many is not None}
    return replace(
        options,
        contents=replace(options.contents, **said),
        faults=faults_of(faults, options.faults),
    )


def _write(to: Path, slides: Sequence[Options], as_json: bool) -> None:
    cv2.setNumThreads(1)
    names: list[str] = []
    with _bar("Fields written", None, as_json) as show:

        def written(name: str) -> None:
            names.append(name)
            show(len(names))

        totals = write_fields(to, slides, written)
    _say({"to": str(to), **totals}, as_json)


def _curve(key: Path | None) -> Curve | None:
    return None if key is None else Curve.load(key, key.with_name("daemon.key"))


def _stream(
    source: Source,
    endpoint: str,
    driver: str,
    pace: Pace,
    faults: Faults,
    curve: Curve | None,
    *,
    as_json: bool,
) -> None:
    account = start(source.facts)
    with (
        _bar("Fields sent", account.planned, as_json) as show,
        ScannerLink(
            endpoint,
            driver,
            software=SOFTWARE,
            on_answer=account.hear,
            takes=faults.takes,
            curve=curve,
        ) as link,
    ):
        scan_slide(
            link,
            source,
            account,
            pace=pace,
            faults=faults,
            on_progress=lambda so_far: show(so_far.sent + so_far.known_before),
        )
    _say(_account(account), as_json)
    if account.state is not SlideStatus.CLOSED:
        raise typer.Exit(NO)


def _account(account: Scan) -> dict[str, Any]:
    counts = {"dispositions": account.dispositions, "requests": account.requests}
    return asdict(account) | {name: dict(count) for name, count in counts.items()}


def _play(path: Path, endpoint: str, driver: str, curve: Curve | None, as_json: bool) -> None:
    answered = 0
    with _bar("Fields answered", None, as_json) as show:

        def hear(message: FromDaemon) -> None:
            nonlocal answered
            answered += isinstance(message, Committed)
            show(answered)

        with Player(endpoint, driver, hear, curve=curve) as player:
            played: Played = player.play(RecordingReader(path))
    _say(asdict(played), as_json)
    if played.is_cut_short:
        Console(stderr=True).print("The recording was cut short: its slide is still open")
    if played.verdict is None:
        raise typer.Exit(NO)
