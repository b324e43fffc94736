"""What all commands share: settings, refusals in words, JSON, questions to the daemon."""

import json
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
import zmq
from rich.console import Console

from drivers.problem import Problem, Refusal
from drivers.scanner import codec
from drivers.scanner.codec import Undecodable
from drivers.scanner.curve import Curve
from drivers.scanner.lists import ImageKey
from drivers.scanner.messages import Ask, Error, Refused, Request, Told
from edge.journal import keys
from edge.settings import Settings, load

ANSWER_MS = 5_000
WRONG_USE, NO, FAULT = 2, 1, 3
"""Exit statuses: 0 is done, 1 is "the answer is no"."""

What = Literal["status", "slides", "verdict", "records", "record", "health"]
SettingsFile = Annotated[
    Path | None, typer.Option("--settings", help="The daemon's settings, a TOML file.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]

err = Console(stderr=True)


@contextmanager
def refusals() -> Iterator[None]:
    """Refusals end the command with their four things in words, and status 2."""
    try:
        yield
    except Refusal as refusal:
        err.print(str(refusal), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(WRONG_USE) from None


def settings_of(file: Path | None) -> Settings:
    """The settings, from a file or the default place.

    Raises:
        Refusal: They are wrong.
    """
    default = Path("/etc/cytoedge/cytoedge.toml")
    return load(file or (default if default.exists() else None))


def say(body: dict[str, Any]) -> None:
    """One JSON object, a line."""
    sys.stdout.write(json.dumps(body, sort_keys=True) + "\n")


def own_curve(settings: Settings, socket: str) -> Curve | None:
    """The daemon's own keys, for commands of whoever may read its state folder."""
    if socket not in settings.curved():
        return None
    public, secret = keys.daemon_pair(settings.state_dir)
    return Curve(public, public, secret)


def tools_of(settings: Settings) -> "Tools":
    """A connection to the daemon of these settings."""
    return Tools(settings.endpoints.tools, own_curve(settings, "tools"))


class Tools:
    """A tool's connection to the daemon."""

    def __init__(self, endpoint: str, curve: Curve | None = None) -> None:
        self._endpoint = endpoint
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        if curve is not None:
            curve.put_on(self._socket)
        self._socket.connect(endpoint)

    def __enter__(self) -> "Tools":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._context.term()

    def ask(
        self,
        what: What,
        slide: str | None = None,
        image: ImageKey | None = None,
        timeout_ms: int = ANSWER_MS,
    ) -> dict[str, Any]:
        """The daemon's answer to a question.

        Raises:
            Refusal: It refused, or there is no daemon.
        """
        ask = Ask(id=uuid.uuid4().hex, what=what, slide=slide, image=image)
        self._socket.send_multipart(codec.encode(ask))
        while self._socket.poll(timeout_ms):
            answer = codec.decode_from_daemon(self._socket.recv_multipart())
            if isinstance(answer, Undecodable):
                raise Refusal(answer.problem)
            message, part = answer.message, answer.part
            if isinstance(message, Request) or message.re != ask.id:
                continue  # the answer to a question that was given up
            if isinstance(message, Refused | Error):
                problem = Problem(message.key, message.value, message.problem, message.remedy)
                raise Refusal(problem)
            if isinstance(message, Told) and isinstance(part, dict):
                return part
        raise Refusal(
            Problem("tools", self._endpoint, "no daemon answers", "Start one: `cytoedge run`")
        )
