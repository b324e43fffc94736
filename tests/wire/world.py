"""A world in which everything that can go wrong between driver and daemon does, by seeded chance.

It stands in for ZeroMQ and for the clock: messages wait, get lost, or come late from a connection
that is gone; the daemon is killed before and after a commit; the driver is killed anywhere.
"""

import random
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from unittest.mock import patch

from drivers.scanner import ScannerLink, connection, exchange, link
from drivers.scanner.codec import Bytes
from drivers.scanner.lists import ImageKey
from drivers.scanner.words import Window
from tests.wire.model_daemon import ModelDaemon, Slide

MAX_STEPS = 20_000


class DriverKilled(BaseException):
    """Not an Exception: nobody may catch it on the way."""


class Socket:
    def __init__(self, world: "World") -> None:
        self.world, self.inbox, self.is_open = world, deque[list[Bytes]](), True
        self.peer = world.new_peer()

    def setsockopt(self, option: int, value: int) -> None: ...

    def connect(self, endpoint: str) -> None: ...

    def send_multipart(self, frames: list[Bytes], copy: bool = True) -> None:
        self.world.up.append((self.peer, [bytes(frame) for frame in frames]))

    def poll(self, wait_ms: int) -> bool:
        self.world.step()
        return bool(self.inbox)

    def recv_multipart(self) -> list[Bytes]:
        return self.inbox.popleft()

    def close(self, linger: int = 0) -> None:
        self.is_open = False
        self.world.sockets.remove(self)


class World:
    def __init__(
        self, seed: int, *, may_break: bool = True, may_kill: bool = True, may_ask: bool = True
    ) -> None:
        self.chance = random.Random(seed)  # noqa: S311
        self.may_break, self.may_kill, self.may_ask = may_break, may_kill, may_ask
        self.now_s = 0.0
        self.steps = self.kills = self.crashes = self.breaks = 0
        self.disk: dict[str, Slide] = {}
        self.window = Window(fields=self.chance.randint(1, 3), bytes=1_000_000)
        self.up: deque[tuple[bytes, list[Bytes]]] = deque()
        self.down: deque[tuple[bytes, list[Bytes]]] = deque()
        self.late: list[tuple[bytes, list[Bytes]]] = []
        self.sockets: list[Socket] = []
        self.link: ScannerLink | None = None
        self.given: set[ImageKey] = set()
        """Images that the living driver was given to send."""
        self.peers = 0
        self.daemon = ModelDaemon(self.disk, self.window)

    # What ZeroMQ and the clock would do ---------------------------------------------------------

    def socket(self, kind: int) -> Socket:
        self.sockets.append(Socket(self))
        return self.sockets[-1]

    def term(self) -> None: ...

    def monotonic(self) -> float:
        return self.now_s

    def new_peer(self) -> bytes:
        self.peers += 1
        return b"peer %d" % self.peers

    @contextmanager
    def lived_in(self) -> Iterator[None]:
        clock = SimpleNamespace(monotonic=self.monotonic, time_ns=lambda: 0)
        fake_zmq = SimpleNamespace(Context=lambda: self, DEALER=0, LINGER=0, SNDHWM=0)
        with (
            patch.object(connection, "zmq", fake_zmq),
            patch.object(connection, "time", clock),
            patch.object(exchange, "time", clock),
            patch.object(link, "time", clock),
        ):
            yield

    # What happens ---------------------------------------------------------------------------------

    def step(self) -> None:
        self.steps += 1
        assert self.steps < MAX_STEPS, "stuck"
        self.now_s += self.chance.choice((0.0, 0.02, 0.3))
        event = self.chance.random()
        if event < 0.40:
            self.deliver_up()
        elif event < 0.75:
            self.deliver_down()
        elif event < 0.95:
            if self.daemon.in_hand:
                self.down.extend(self.daemon.commit())
            if self.may_ask and self.chance.random() < 0.1:
                self.down.extend(self.daemon.ask("S-1", self.chance.randrange(6)))
        elif self.may_break:
            self.go_wrong()
        self.check_that_nothing_is_lost()

    def go_wrong(self) -> None:
        event = self.chance.random()
        if event < 0.2:
            self.crash()
        elif event < 0.4:
            if self.daemon.in_hand:
                list(self.daemon.commit(answer=False))
                self.crash()
        elif event < 0.6:
            self.break_connections()
        elif event < 0.95:
            if self.late:
                late = self.late.pop(self.chance.randrange(len(self.late)))
                self.down.extend(self.daemon.handle(*late))
        elif self.link is not None and self.may_kill:
            self.kills += 1
            raise DriverKilled

    def deliver_up(self) -> None:
        if self.up:
            self.down.extend(self.daemon.handle(*self.up.popleft()))

    def deliver_down(self) -> None:
        if self.down:
            peer, frames = self.down.popleft()
            for socket in self.sockets:
                if socket.peer == peer:
                    socket.inbox.append(frames)

    def crash(self) -> None:
        """The daemon is killed and started again on the same disk."""
        self.crashes += 1
        self.daemon = ModelDaemon(self.disk, self.window)
        self.break_connections()

    def break_connections(self) -> None:
        """What is under way is lost, or comes when nobody expects it any more."""
        self.breaks += 1
        self.down.clear()
        if self.chance.random() < 0.5:
            self.late.extend(self.up)
            self.up.clear()
        for socket in self.sockets:
            socket.peer = self.new_peer()

    # What must hold -------------------------------------------------------------------------------

    def check_that_nothing_is_lost(self) -> None:
        """What the living driver dropped is on the disk, or was refused to its face."""
        if self.link is None:
            return
        book = self.link._exchange.book
        refused = {(r.field, r.capture, r.plane) for r in book.refused}
        for key in self.given - book.kept.keys():
            slide = self.disk["S-1"]
            assert key in slide.committed or (key.field, key.capture, key.plane) in refused, key
