"""Which commands the daemon's folder brings."""

import typer

from edge.commands import (
    benching,
    checking,
    consoling,
    demonstrating,
    heads,
    keeping,
    keys,
    models,
    running,
    sampling,
    validating,
    watching,
)


def register(app: typer.Typer) -> None:
    """Add them to the program."""
    for module in (
        running,
        demonstrating,
        watching,
        keeping,
        consoling,
        keys,
        heads,
        checking,
        sampling,
        validating,
        models,
        benching,
    ):
        module.register(app)
