"""`cytoedge bench stream`: what the daemon costs beside a bare engine, and beside a memory copy.

All fields are rendered before the clock starts. Every figure is a ratio within one run, because
machines, and their neighbours, differ.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console

from drivers.problem import Refusal
from drivers.scanner.crc import crc32c_hex
from drivers.scanner.link import ScannerLink
from drivers.scanner.lists import ImageKey
from drivers.scanner.messages import Committed, Refused
from drivers.scanner.words import PixelFormat
from drivers.sources.camera import Camera
from drivers.sources.simulated.render import Options, SimulatedSlide
from drivers.sources.source import Shot
from edge.commands.common import AsJson, Tools, err, refusals, say
from edge.commands.own_daemon import own_daemon
from edge.detection.detect import detect
from edge.picture import Damaged, Picture, decode
from edge.slide.capture import Capture
from edge.slide.place import Rectangle
from edge.slide.record import Image
from engines import card as cards

RENDERED = 4
"""Different pictures. Each is sent many times, its first pixels changed each time: the same one
twice would be a frozen camera."""
BUFFERS = 24
"""More than any window: none is changed while it is in hand."""
WARM = 20
"""Fields before the steady state."""
_TICKS = os.sysconf("SC_CLK_TCK")
FORMATS = (PixelFormat.RGB8, PixelFormat.BAYER_RG8)

bench = typer.Typer(help="What things cost, as ratios within one run.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.add_typer(bench, name="bench")


@bench.callback()
def _bench() -> None:
    """What things cost, as ratios within one run."""


@bench.command()
def stream(
    engine_fields: Annotated[
        int, typer.Option(min=10, help="Fields of each format through the engine.")
    ] = 60,
    fields: Annotated[
        int, typer.Option(min=200, help="Fields of each format without one.")
    ] = 1_000,
    as_json: AsJson = False,
) -> None:
    """The daemon's cost a field, with the shipped engine and without one."""
    with refusals():
        found = {format.value: _one_format(format, engine_fields, fields) for format in FORMATS}
    result: dict[str, Any] = {
        key: {name: figures[key] for name, figures in found.items()}
        for key in ("ratio_to_bare_engine", "own_cost_in_copies")
    } | {
        key: max(figures[key] for figures in found.values())
        for key in ("last_field_to_verdict_s", "memory_growth_mb")
    }
    if as_json:
        say(result | {"details": found})
        return
    console = Console()
    for key, value in result.items():
        console.print(f"{key}: {value}", highlight=False)


def _one_format(format: PixelFormat, engine_fields: int, fields: int) -> dict[str, float]:
    err.print(f"{format}: rendering", highlight=False)
    plan = SimulatedSlide(
        Options(seed=7, fields=max(engine_fields, fields), camera=Camera(format=format))
    )
    pictures = [plan.capture(ImageKey(field=n, capture=1)) for n in range(RENDERED)]
    err.print(f"{format}: {engine_fields} fields through the engine", highlight=False)
    judged = _with_engine(plan, pictures, engine_fields)
    err.print(f"{format}: {fields} fields without one", highlight=False)
    return judged | _without_engine(plan, pictures, fields)


@dataclass(frozen=True, slots=True)
class _Sent:
    """What sending a slide was like."""

    answered_s: list[float]
    """When each field was answered, by the monotonic clock."""
    last_to_verdict_s: float
    copies_s: list[float]
    """CPU seconds of one copy of each field in memory, made while the stream ran, so that both
    suffer alike from what else the machine does."""


def _with_engine(plan: SimulatedSlide, pictures: Sequence[Shot], fields: int) -> dict[str, float]:
    """Bare engine, stream, bare engine: the neighbours' load is alike for both."""
    pm_per_px = plan.facts.optics.pm_per_px
    bare = _bare_engine_s(pm_per_px, pictures, fields // 2)
    with tempfile.TemporaryDirectory() as folder, own_daemon(Path(folder)) as (settings, _):
        endpoint = settings.endpoints.drivers
        answered = _send(endpoint, plan, pictures, fields, {})
    bare += _bare_engine_s(pm_per_px, pictures, fields // 2)
    steady = np.diff(answered.answered_s[WARM // 2 :])
    return {
        "ratio_to_bare_engine": round(float(steady.mean()) / statistics.mean(bare), 3),
        "last_field_to_verdict_s": round(answered.last_to_verdict_s, 3),
    }


def _bare_engine_s(pm_per_px: int, pictures: Sequence[Shot], times: int) -> list[float]:
    """Seconds a field of the engine alone, in this process, on one thread: locate, cut, grade."""
    from engines.openvino_engine import OpenVinoEngine

    card = cards.load(cards.SHIPPED)
    engine = OpenVinoEngine(card, 1)
    fields = [_decoded(shot, pm_per_px) for shot in pictures]
    taken = []
    for n in range(-1, max(times, 1)):  # the first is not counted
        picture, place = fields[n % len(fields)]
        began = time.perf_counter()
        detect(picture, pm_per_px, place, engine, card, ())
        taken.append(time.perf_counter() - began)
    return taken[1:]


def _decoded(shot: Shot, pm_per_px: int) -> tuple[Picture, Rectangle]:
    """What the engine's thread is given of a shot."""
    place = Rectangle(
        shot.x_nm,
        shot.y_nm,
        shot.width_px * pm_per_px // 1_000,
        shot.height_px * pm_per_px // 1_000,
    )
    capture = Capture(
        slide="bench",
        image=Image(0, 1, 0),
        place=place,
        z_nm=shot.z_nm,
        width_px=shot.width_px,
        height_px=shot.height_px,
        format=shot.format.value,
        stride=shot.stride,
        checksum=crc32c_hex(shot.pixels),
        identity="bench",
        pm_per_px=pm_per_px,
        pixels=shot.pixels,
    )
    picture = decode(capture)
    if isinstance(picture, Damaged):
        raise Refusal(picture.problem)
    return picture, place


def _without_engine(
    plan: SimulatedSlide, pictures: Sequence[Shot], fields: int
) -> dict[str, float]:
    """The daemon's own CPU a field, in copies of that field, and how its memory grows."""
    marks: list[_Mark] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        own_daemon(Path(folder), engine="idle") as (settings, pid),
        Tools(settings.endpoints.tools) as tools,
    ):

        def measure() -> None:
            heap_mb = tools.ask("status")["heap_bytes"] / (1 << 20)
            marks.append(_Mark(_cpu_s(pid), _resident_mb(pid), heap_mb))

        sent = _send(
            settings.endpoints.drivers, plan, pictures, fields, {100: measure, fields: measure}
        )
    first, last = marks
    own_s = (last.cpu_s - first.cpu_s) / (fields - 100)
    copy_s = statistics.median(sent.copies_s)
    # What the heap kept of freed fields hides growth from the resident size, but not from in use.
    growth_mb = max(last.resident_mb - first.resident_mb, last.heap_mb - first.heap_mb)
    return {
        "own_cost_in_copies": round(own_s / copy_s, 2),
        "own_cost_ms": round(1000 * own_s, 2),
        "copy_ms": round(1000 * copy_s, 2),
        "memory_growth_mb": round(growth_mb, 1),
        "heap_growth_mb": round(last.heap_mb - first.heap_mb, 1),
        "memory_mb": round(last.resident_mb, 1),
    }


@dataclass(frozen=True, slots=True)
class _Mark:
    """The daemon at a moment when nothing is in hand."""

    cpu_s: float
    resident_mb: float
    heap_mb: float


def _send(
    endpoint: str,
    plan: SimulatedSlide,
    pictures: Sequence[Shot],
    fields: int,
    at: Mapping[int, Callable[[], None]],
) -> _Sent:
    """Send a slide as fast as the window allows.

    Args:
        endpoint: The daemon's.
        plan: The slide.
        pictures: What its fields show.
        fields: How many.
        at: What to do after so many fields, when all of them were answered.
    """
    answered: list[float] = []

    def hear(answer: Committed | Refused) -> None:
        if isinstance(answer, Refused):
            raise RuntimeError(f"refused: {answer.problem}")
        answered.append(time.monotonic())

    facts = plan.facts
    buffers = [bytearray(pictures[n % RENDERED].pixels) for n in range(BUFFERS)]
    targets = [np.full(len(pixels), 255, np.uint8) for pixels in buffers]
    copies: list[float] = []
    listed = facts.plan.model_copy(update={"fields": list(facts.plan.fields[:fields])})
    with ScannerLink(endpoint, "bench", on_answer=hear) as link:
        link.wait_welcome()
        link.open_slide(
            facts.slide, facts.purpose, facts.specimen, facts.preparation, facts.optics, listed
        )
        for n, planned in enumerate(listed.fields):
            shot, buffer = pictures[n % RENDERED], buffers[n % BUFFERS]
            buffer[:4] = n.to_bytes(4, "little")
            link.send_field(
                planned.field,
                memoryview(buffer).toreadonly(),  # else the link would copy it
                x_nm=planned.x_nm,
                y_nm=planned.y_nm,
                width_px=shot.width_px,
                height_px=shot.height_px,
                format=shot.format,
            )
            copies.append(_copy_s(buffers[n % BUFFERS - 1], targets[n % BUFFERS - 1]))
            if n + 1 in at:
                link.drain()
                at[n + 1]()
        began = time.monotonic()
        link.close_slide()
        return _Sent(answered, time.monotonic() - began, copies)


def _copy_s(pixels: bytearray, target: npt.NDArray[np.uint8]) -> float:
    began = time.thread_time()
    np.copyto(target, np.frombuffer(pixels, np.uint8))
    return time.thread_time() - began


def _cpu_s(pid: int) -> float:
    """CPU seconds that a process has used. Source: proc(5), fields 14 and 15 of stat."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _resident_mb(pid: int) -> float:
    """Memory that a process holds."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024
