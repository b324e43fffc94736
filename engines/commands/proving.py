"""This machine's engines: proved, and timed beside each other."""

import tempfile
import time
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from engines.card import SHIPPED, load
from engines.choose import Backend, chosen, every
from engines.commands.common import AsJson, Threads, refusals, say
from engines.detector import BadModel, EngineFault
from engines.fields import read_folder


def register(engines: typer.Typer) -> None:
    """Add the commands."""
    for command in (check, bench):
        engines.command()(command)


def check(
    model: Annotated[Path, typer.Argument(help="A model's folder.")] = SHIPPED,
    engine: Annotated[
        Backend, typer.Option(help="`auto` is the GPU's where one can serve, else the CPU's.")
    ] = "auto",
    threads: Threads = 1,
    data: Annotated[
        list[Path] | None,
        typer.Option(help="Hold it against the unoptimised graphs on these fields, too; slow."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Proves the engine on this machine against the card, and measures its speed."""
    from engines.detect import detect
    from engines.evaluation.fidelity import fidelity
    from engines.golden import halved, whole_field
    from engines.parity import prove
    from engines.reference_engine import ReferenceEngine

    with refusals(), tempfile.TemporaryDirectory() as plans:
        card = load(model)
        tile, cut = halved(whole_field(card), card)
        try:
            found = chosen(card, engine, threads, Path(plans), lambda one: prove(one, card))
        except BadModel:
            raise
        except EngineFault as fault:
            say({"card": card.identity, "is_proved": False, "fault": str(fault)}, as_json=as_json)
            raise typer.Exit(1) from None
        times_s = []
        for _ in range(5):
            began = time.perf_counter()
            cells = detect(found.engine, card, tile, cut)
            times_s.append(time.perf_counter() - began)
        proof = prove(found.engine, card)
        fields = chain.from_iterable(map(read_folder, data or []))
        beside = fidelity(found.engine, ReferenceEngine(card), fields) if data else None
    said = {"card": card.identity, "is_proved": True, "cpu_because": found.cpu_because}
    said |= asdict(proof)
    if beside:
        said |= asdict(beside) | {"findings_ratio": round(beside.findings_ratio, 4)}
    said["cells"] = len(cells.scores)
    said["fields_per_s"] = round(1 / sorted(times_s)[len(times_s) // 2], 2)
    say(said, as_json=as_json)


def bench(
    model: Annotated[Path, typer.Argument(help="A model's folder.")] = SHIPPED,
    rounds: Annotated[int, typer.Option(min=1, help="Runs of which the fastest count.")] = 10,
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Times this machine's engines beside each other: in 8 bits, in float, on a GPU."""
    from engines.bench import bench as timed

    with refusals(), tempfile.TemporaryDirectory() as folder:
        said = timed(every(load(model), threads, Path(folder)), rounds)
    say(said, as_json=as_json)
