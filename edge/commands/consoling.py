"""`cytoedge console`: the pages for operators and cytologists, beside the daemon."""

import socket
import sys
from typing import Annotated

import typer

from drivers.problem import Problem, Refusal
from edge.commands.common import SettingsFile, refusals, settings_of

HOST = "127.0.0.1"
END_S = 1


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(console)


def console(
    settings: SettingsFile = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Instead of the settings'; 0: any.")
    ] = None,
) -> None:
    """Serve the console on this machine until Ctrl-C."""
    with refusals():
        chosen = settings_of(settings)
        door = _bind(chosen.console.port if port is None else port)
        # Here, so that other commands do not wait for the libraries.
        import uvicorn

        from edge.console.app import application
        from edge.console.people import People
        from edge.console.routes import RULES

        people = People(chosen.state_dir / "console.sqlite", chosen.console.idle_minutes)
        where = f"http://{HOST}:{door.getsockname()[1]}"
        sys.stdout.write(f"Console: {where}/\n")
        if people.first_token:
            sys.stdout.write(f"First administrator: {where}/first?token={people.first_token}\n")
        sys.stdout.flush()
        server = uvicorn.Server(
            uvicorn.Config(
                application(chosen, people, RULES),
                log_level="warning",
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=END_S,
            )
        )
        server.run(sockets=[door])


def _bind(port: int) -> socket.socket:
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((HOST, port))
    except OSError as error:
        remedy = "Set `console.port`, or give --port 0"
        raise Refusal(Problem("port", str(port), str(error), remedy)) from error
    return door
