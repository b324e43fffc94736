"""`cytoedge record`: stands between drivers and the daemon, and writes slides' messages to a file.

Drivers connect to the recorder as if it were the daemon. Nothing that passes is changed.
"""

import json
import time
from collections import OrderedDict
from collections.abc import Callable
from types import TracebackType
from typing import Self

import zmq

from drivers.problem import Problem, Refusal
from drivers.scanner.words import MAX_HEADER_BYTES, MAX_PIXEL_BYTES
from drivers.sources.recording import RECORDED, RecordingWriter

MAX_CLIENTS = 8
"""As many as the daemon has sessions; the one that was silent for longest makes way."""
AFTER_END_S = 2.0
"""How long the driver may go on talking after its slide has ended."""
_POLL_MS = 200


class Recorder:
    """The connections of one recording. Memory holds one message at a time, and 2 a connection."""

    def __init__(self, listen: str, endpoint: str, writer: RecordingWriter) -> None:
        """Binds, and connects to the daemon when the first driver speaks.

        Raises:
            Refusal: The place to listen at cannot be had.
        """
        self._endpoint, self._writer = endpoint, writer
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._poller = zmq.Poller()
        self._clients: OrderedDict[bytes, zmq.Socket[bytes]] = OrderedDict()
        self._ended_at: float | None = None
        self._front = self._socket(zmq.ROUTER)
        try:
            self._front.bind(listen)
        except zmq.ZMQError as error:
            self.close()
            remedy = "Name another --listen, such as ipc:///tmp/recorder"
            raise Refusal(Problem("listen", listen, str(error.strerror), remedy)) from None
        self._poller.register(self._front, zmq.POLLIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes all sockets; what is on its way still goes out."""
        for socket in (self._front, *self._clients.values()):
            socket.close(linger=500)
        self._context.term()

    def run(self, goes_on: Callable[[], bool]) -> None:
        """Passes messages on until a recorded slide has ended, or for as long as it shall."""
        while goes_on() and not self._has_ended():
            for socket, _ in self._poller.poll(_POLL_MS):
                if socket is self._front:
                    self._from_driver(self._front.recv_multipart(copy=False))
                else:
                    self._from_daemon(socket)

    def _has_ended(self) -> bool:
        return self._ended_at is not None and time.monotonic() - self._ended_at > AFTER_END_S

    def _socket(self, kind: int) -> zmq.Socket[bytes]:
        socket = self._context.socket(kind)
        socket.setsockopt(zmq.RCVHWM, 2)
        socket.setsockopt(zmq.MAXMSGSIZE, MAX_PIXEL_BYTES)
        return socket

    def _from_driver(self, frames: list[zmq.Frame]) -> None:
        client, *parts = frames
        views = [part.buffer for part in parts]
        if views and _type(views[0]) in RECORDED:
            self._writer.write(views)
        self._daemon_for(client.bytes).send_multipart(parts, copy=False)

    def _daemon_for(self, client: bytes) -> zmq.Socket[bytes]:
        """The client's own connection to the daemon, so that the daemon sees each driver alone."""
        if client not in self._clients:
            if len(self._clients) >= MAX_CLIENTS:
                _, oldest = self._clients.popitem(last=False)
                self._poller.unregister(oldest)
                oldest.close(linger=500)
            socket = self._socket(zmq.DEALER)
            socket.connect(self._endpoint)
            self._poller.register(socket, zmq.POLLIN)
            self._clients[client] = socket
        self._clients.move_to_end(client)
        return self._clients[client]

    def _from_daemon(self, socket: zmq.Socket[bytes]) -> None:
        client = next((c for c, own in self._clients.items() if own is socket), None)
        if client is None:
            return
        parts = socket.recv_multipart()
        self._front.send_multipart([client, *parts])
        if parts and _ends_slide(parts[0]):
            self._ended_at = time.monotonic()


def _read(frame: bytes | memoryview) -> dict[str, object]:
    if memoryview(frame).nbytes > MAX_HEADER_BYTES:
        return {}
    try:
        header = json.loads(bytes(frame))
    except (ValueError, RecursionError):
        return {}
    return header if isinstance(header, dict) else {}


def _type(frame: bytes | memoryview) -> str:
    return str(_read(frame).get("type"))


def _ends_slide(frame: bytes) -> bool:
    header = _read(frame)
    is_closed = header.get("type") == "slide_closed" and header.get("state") == "closed"
    return is_closed or header.get("type") == "slide_aborted"
