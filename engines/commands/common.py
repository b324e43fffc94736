"""What the engines' commands share: their options, refusals in words, JSON."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from engines.detector import BadModel, EngineFault
from engines.fields import RUN

engines = typer.Typer(
    help="Models: train, evaluate, quantize, build, check, bench, install.", no_args_is_help=True
)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Threads = Annotated[int, typer.Option(min=1, max=64, help="Threads of the engine.")]
Model = Annotated[Path, typer.Argument(help="A model's folder.")]
Data = Annotated[
    list[Path], typer.Option(help="A folder of annotated fields: images.csv, points.csv, images.")
]
Folds = Annotated[int, typer.Option(min=2, help=f"Folds, made of runs of {RUN} image_ids.")]


@contextmanager
def refusals() -> Iterator[None]:
    """Say what is wrong and exit: 2 for what the caller can mend, 3 for a fault."""
    try:
        yield
    except EngineFault as fault:
        Console(stderr=True).print(str(fault), markup=False, soft_wrap=True)
        raise typer.Exit(2 if isinstance(fault, BadModel) else 3) from None


def say(said: dict[str, Any], *, as_json: bool) -> None:
    """One JSON object, or a line a key."""
    if as_json:
        sys.stdout.write(json.dumps(said) + "\n")
        return
    out = Console()
    for key, value in said.items():
        out.print(f"{key}: {value}", markup=False)
