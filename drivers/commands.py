"""`cytoedge scan simulate`: a simulated slide, as files."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from drivers.problem import Refusal
from drivers.sources.camera import Camera
from drivers.sources.export import write_fields
from drivers.sources.render import Options
from drivers.sources.specimen import Contents

scan = typer.Typer(help="A scanner's driver: sends a slide field by field.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds the drivers' commands to the program."""
    app.add_typer(scan, name="scan")


@scan.command()
def simulate(
    to: Annotated[Path, typer.Option(help="Write fields and their truth to this folder.")],
    seed: Annotated[int, typer.Option(min=0, help="The slide; the same seed, the same bytes.")] = 0,
    slides: Annotated[int, typer.Option(min=1, help="Slides, each of its own stain.")] = 1,
    fields: Annotated[int, typer.Option(min=1, help="Fields a slide.")] = 160,
    low: Annotated[int, typer.Option(min=0, help="Low-grade cells a slide.")] = 0,
    high: Annotated[int, typer.Option(min=0, help="High-grade cells a slide.")] = 0,
    width_px: Annotated[int, typer.Option(help="Width of a field.")] = 2448,
    height_px: Annotated[int, typer.Option(help="Height of a field.")] = 2048,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object at the end.")] = False,
) -> None:
    """A simulated slide: seeded cells, rendered as a scanner's camera would see them."""
    console = Console(stderr=True, quiet=as_json)
    try:
        camera = Camera(width_px=width_px, height_px=height_px)
        contents = Contents(low=low, high=high)
        options = [
            Options(seed=seed + n, fields=fields, contents=contents, camera=camera)
            for n in range(slides)
        ]
        totals = write_fields(to, options, console.print)
    except Refusal as refusal:
        Console(stderr=True).print(str(refusal), markup=False)
        raise typer.Exit(2) from None
    sys.stdout.write(json.dumps({"to": str(to), **totals}) + "\n")
