"""`cytoedge engines`: models made, evaluated, rounded to 8 bits, proved, timed."""

import typer

from engines.commands import making, proving
from engines.commands.common import engines

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the engines' commands to the program."""
    app.add_typer(engines, name="engines")
    for module in (making, proving):
        module.register(engines)
