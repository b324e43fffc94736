"""The daemon's sockets: bound for this machine only, bounded, and watched."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import zmq
from zmq.utils.monitor import recv_monitor_message

from drivers.problem import Problem, Refusal
from drivers.scanner.words import MAX_LIST_BYTES, MAX_PIXEL_BYTES
from edge.settings import Settings

Socket = zmq.Socket[bytes]

RECEIVE_LIMIT = 2
"""Messages that libzmq holds a connection. At its default of 1,000 one peer cost over 1 GB."""
SEND_LIMIT = 1_000
HANDSHAKE_MS = 5_000
_PATH_LIMIT = 100
"""Bytes of an ipc path. Source: sun_path in unix(7), less libzmq's own."""
_ENDED_BADLY = (
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)
_WATCHED = _ENDED_BADLY | zmq.EVENT_DISCONNECTED | zmq.EVENT_ACCEPTED


class Sockets:
    """`drivers`, `tools`, `events`, and a monitor of each of the first two."""

    def __init__(self, context: zmq.Context[Socket], settings: Settings) -> None:
        """Bind all.

        Raises:
            Refusal: An endpoint cannot be bound.
        """
        endpoints = settings.endpoints
        self.drivers = _router(context, min(MAX_PIXEL_BYTES, settings.window.bytes))
        self.tools = _router(context, MAX_LIST_BYTES)
        self.events = context.socket(zmq.XPUB)
        self.events.setsockopt(zmq.SNDHWM, SEND_LIMIT)
        self.monitors = {
            "drivers": self.drivers.get_monitor_socket(_WATCHED),
            "tools": self.tools.get_monitor_socket(_WATCHED),
        }
        for key, socket in (
            ("drivers", self.drivers),
            ("tools", self.tools),
            ("events", self.events),
        ):
            _bind(socket, key, getattr(endpoints, key))

    def close(self) -> None:
        """Close them: the last thing that the process does, because libzmq may abort here."""
        for socket in (self.drivers, self.tools):
            socket.disable_monitor()
        for socket in (*self.monitors.values(), self.drivers, self.tools, self.events):
            socket.close(200)


def ending(monitor: Socket) -> str | None:
    """What the next monitor message says of a connection's end; None for anything else."""
    event = recv_monitor_message(monitor)["event"]
    if event & _ENDED_BADLY:
        return "handshake_failed"
    return "disconnected" if event == zmq.EVENT_DISCONNECTED else None


def _router(context: zmq.Context[Socket], max_bytes: int) -> Socket:
    socket = context.socket(zmq.ROUTER)
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    socket.setsockopt(zmq.MAXMSGSIZE, max_bytes)
    socket.setsockopt(zmq.RCVHWM, RECEIVE_LIMIT)
    socket.setsockopt(zmq.SNDHWM, SEND_LIMIT)
    socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
    socket.setsockopt(zmq.LINGER, 200)
    return socket


def _bind(socket: Socket, key: str, endpoint: str) -> None:
    path = Path(endpoint.removeprefix("ipc://"))
    try:
        if endpoint.startswith("ipc://"):
            if len(os.fsencode(path)) > _PATH_LIMIT:
                raise OSError(f"the path is over {_PATH_LIMIT} bytes")
            path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        with _only_for_group():
            socket.bind(endpoint)
    except (OSError, zmq.ZMQError) as error:
        remedy = "Name a folder that the daemon may write, or a free port"
        raise Refusal(Problem(f"endpoints.{key}", endpoint, str(error), remedy)) from error


@contextmanager
def _only_for_group() -> Iterator[None]:
    before = os.umask(0o117)
    try:
        yield
    finally:
        os.umask(before)
