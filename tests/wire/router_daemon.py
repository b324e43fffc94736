"""`ModelDaemon` behind a real ROUTER, in a thread of its own, with a script for what goes wrong."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue

import zmq

from drivers.scanner.codec import Bytes
from drivers.scanner.words import Window
from tests.wire.model_daemon import ModelDaemon, Slide

WIDE = Window(fields=4, bytes=1_000_000)


class RouterDaemon:
    """One life of a daemon; `running` starts another on the same endpoint and disk."""

    def __init__(self, endpoint: str, disk: dict[str, Slide], window: Window) -> None:
        self.model = ModelDaemon(disk, window)
        self.loses_answer: Callable[[bytes], bool] = lambda header: False
        """Script: which answers never leave."""
        self.commits = True
        """Script: whether images in hand are committed."""
        self._asks: SimpleQueue[tuple[str, int]] = SimpleQueue()
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.SNDTIMEO, 5_000)
        self._socket.bind(endpoint)
        self.endpoint = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self._wake, self._woken = threading.Event(), threading.Condition()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def ask(self, slide: str, field: int) -> None:
        """Asks for a field once more, in the thread that has the socket."""
        self._asks.put((slide, field))

    def stop(self) -> None:
        """Ends it as abruptly as a thread can: what is in hand and unsent is lost."""
        self._wake.set()
        self._thread.join()
        self._socket.close(0)
        self._context.term()

    def wait(self, so: Callable[[ModelDaemon], bool]) -> None:
        """Waits until something is so."""
        with self._woken:
            assert self._woken.wait_for(lambda: so(self.model), timeout=30)

    def _run(self) -> None:
        while not self._wake.is_set():
            if self._socket.poll(20):
                peer, *frames = self._socket.recv_multipart()
                self._send(self.model.handle(peer, [*frames]))
            while not self._asks.empty():
                self._send(self.model.ask(*self._asks.get()))
            while self.commits and self.model.in_hand:
                self._send(self.model.commit())
            with self._woken:
                self._woken.notify_all()

    def _send(self, outbox: Iterator[tuple[bytes, list[Bytes]]]) -> None:
        for peer, frames in outbox:
            if not self.loses_answer(bytes(frames[0])):
                self._socket.send_multipart([peer, *frames])


@contextmanager
def running(endpoint: str, disk: dict[str, Slide], window: Window = WIDE) -> Iterator[RouterDaemon]:
    daemon = RouterDaemon(endpoint, disk, window)
    try:
        yield daemon
    finally:
        daemon.stop()
