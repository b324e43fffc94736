"""The daemon's sockets: each behind its keeper or its group, bounded, and watched."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import zmq
from zmq.utils.monitor import recv_monitor_message

from drivers.problem import Problem, Refusal
from drivers.scanner.words import MAX_LIST_BYTES, MAX_PIXEL_BYTES
from edge.daemon.doorkeeper import Doorkeeper
from edge.settings import Settings

Socket = zmq.Socket[bytes]

RECEIVE_LIMIT = 2
"""Messages that libzmq holds a connection. At its default of 1,000 one peer cost over 1 GB."""
SEND_LIMIT = 1_000
HANDSHAKE_MS = 5_000
MAX_TOPIC_BYTES = 4_096
"""Of a subscription: all that anybody sends to `events`."""
_PATH_LIMIT = 100
"""Bytes of an ipc path. Source: sun_path in unix(7), less libzmq's own."""
_ENDED_BADLY = (
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)
_WATCHED = (
    _ENDED_BADLY | zmq.EVENT_DISCONNECTED | zmq.EVENT_ACCEPTED | zmq.EVENT_HANDSHAKE_SUCCEEDED
)
BACKLOG = 64
"""Connections that wait to be accepted."""


class Sockets:
    """`drivers`, `tools`, `events`, and a monitor of each."""

    def __init__(
        self, context: zmq.Context[Socket], settings: Settings, keeper: Doorkeeper
    ) -> None:
        """Bind all, in the order in which they stand in the settings.

        Raises:
            Refusal: An endpoint cannot be bound.
        """
        endpoints = settings.endpoints
        self.drivers = _router(context, min(MAX_PIXEL_BYTES, settings.window.bytes))
        self.tools = _router(context, MAX_LIST_BYTES)
        self.events = context.socket(zmq.XPUB)
        self.events.setsockopt(zmq.SNDHWM, SEND_LIMIT)
        self.events.setsockopt(zmq.MAXMSGSIZE, MAX_TOPIC_BYTES)
        self.events.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
        self.events.setsockopt(zmq.BACKLOG, BACKLOG)
        self.monitors = {
            "drivers": self.drivers.get_monitor_socket(_WATCHED),
            "tools": self.tools.get_monitor_socket(_WATCHED),
            "events": self.events.get_monitor_socket(_WATCHED),
        }
        for key, socket in (
            ("drivers", self.drivers),
            ("tools", self.tools),
            ("events", self.events),
        ):
            # Asked for of NULL, too: libzmq then lets in no ZMTP before 3.0.
            socket.setsockopt(zmq.ZAP_DOMAIN, key.encode())
            if key in keeper.curved:
                socket.setsockopt(zmq.CURVE_SERVER, 1)
                socket.setsockopt(zmq.CURVE_SECRETKEY, keeper.pair[1])
            _bind(socket, key, getattr(endpoints, key), getattr(settings.groups, key))

    def close(self) -> None:
        """Close them: the last thing that the process does, because libzmq may abort here."""
        for socket in (self.drivers, self.tools, self.events):
            socket.disable_monitor()
        for socket in (*self.monitors.values(), self.drivers, self.tools, self.events):
            socket.close(200)


def change(monitor: Socket) -> str:
    """What the next monitor message says of a connection."""
    return _CHANGES.get(int(recv_monitor_message(monitor)["event"]), "")


_CHANGES: Mapping[int, str] = {
    zmq.EVENT_ACCEPTED: "accepted",
    zmq.EVENT_HANDSHAKE_SUCCEEDED: "greeted",
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "not_let_in",
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "handshake_failed",
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "handshake_failed",
    zmq.EVENT_DISCONNECTED: "disconnected",
}


def _router(context: zmq.Context[Socket], max_bytes: int) -> Socket:
    socket = context.socket(zmq.ROUTER)
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    socket.setsockopt(zmq.MAXMSGSIZE, max_bytes)
    socket.setsockopt(zmq.RCVHWM, RECEIVE_LIMIT)
    socket.setsockopt(zmq.SNDHWM, SEND_LIMIT)
    socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
    socket.setsockopt(zmq.BACKLOG, BACKLOG)
    socket.setsockopt(zmq.LINGER, 200)
    return socket


def _bind(socket: Socket, key: str, endpoint: str, group: str) -> None:
    path = Path(endpoint.removeprefix("ipc://"))
    try:
        if endpoint.startswith("ipc://"):
            if len(os.fsencode(path)) > _PATH_LIMIT:
                raise OSError(f"the path is over {_PATH_LIMIT} bytes")
            path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        with _only_for_group():
            socket.bind(endpoint)
        if group and endpoint.startswith("ipc://"):
            for place in (path.parent, path):
                shutil.chown(place, group=group)
    except LookupError as error:
        remedy = "Name a group of this machine: `getent group`"
        raise Refusal(Problem(f"groups.{key}", group, "there is no such group", remedy)) from error
    except (OSError, zmq.ZMQError) as error:
        remedy = "Name a folder and a group that the daemon may use, or a free port"
        raise Refusal(Problem(f"endpoints.{key}", endpoint, str(error), remedy)) from error


@contextmanager
def _only_for_group() -> Iterator[None]:
    before = os.umask(0o117)
    try:
        yield
    finally:
        os.umask(before)
