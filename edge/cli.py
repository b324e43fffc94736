"""`cytoedge`: one program, gathered from the commands that each folder, or a vendor, brings."""

from importlib.metadata import entry_points

import typer

COMMANDS = "cytoedge.commands"
"""The entry point group: each names a `register(app)`."""


def app() -> typer.Typer:
    """The program with all commands that are installed."""
    gathered = typer.Typer(
        name="cytoedge",
        help="From the fields that a slide scanner streams to a cytology verdict.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    for entry in sorted(entry_points(group=COMMANDS), key=lambda entry: entry.name):
        entry.load()(gathered)
    return gathered


def main() -> None:
    """The console script."""
    app()()


if __name__ == "__main__":
    main()
