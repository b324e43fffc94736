"""A daemon that commits everything without looking: what a source's driver can be tried against."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq

from drivers.scanner import messages as m
from drivers.scanner.codec import FromWire, Part, decode_from_client, encode
from drivers.scanner.crc import crc32c_hex
from drivers.scanner.lists import DifferenceList, ImageKey, ManifestList, PlanList, ResumeList
from drivers.scanner.words import Code, SlideStatus, Window

WINDOW = Window(fields=3, bytes=100_000_000)
NOTHING = ManifestList(committed=[], withdrawn=[], skipped=[])


@dataclass
class CommittingDaemon:
    """Speaks the protocol for one slide at a time; answers a field when `lag` more have come."""

    endpoint: str
    lag: int = 0
    refuse_once: set[int] = field(default_factory=set)
    """Fields whose first copy is refused for now."""
    refuse: set[int] = field(default_factory=set)
    """Fields that are refused for good."""
    committed: dict[ImageKey, bytes] = field(default_factory=dict)
    headers: list[bytes] = field(default_factory=list)
    """Every field's and every slide message's header, as it came."""
    plan: PlanList | None = None
    opened: list[m.OpenSlide] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    state: SlideStatus = SlideStatus.OPEN
    most_unanswered: int = 0
    asks: dict[int, m.Request] = field(default_factory=dict)
    """What it asks for when it has committed a field, once."""
    answers: list[tuple[str, str]] = field(default_factory=list)
    """Ids of requests, and what was said to them."""
    stop_after: int | None = None
    """Stops answering fields after so many."""

    def serve(self, stop: threading.Event, ready: threading.Event) -> None:
        with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
            router.setsockopt(zmq.LINGER, 0)
            router.bind(self.endpoint)
            ready.set()
            late: list[tuple[bytes, m.Committed]] = []
            while not stop.is_set():
                if not router.poll(20):
                    if self.stop_after is None or len(self.committed) < self.stop_after:
                        while late:
                            router.send_multipart([late[0][0], *encode(late.pop(0)[1])])
                    continue
                client, *frames = router.recv_multipart()
                decoded = decode_from_client(frames)
                assert isinstance(decoded, FromWire), decoded
                message = decoded.message
                if not isinstance(message, m.Hello | m.Ping | m.Bye):
                    self.headers.append(frames[0])
                if isinstance(message, m.SendField) and self._may_commit(message, router, client):
                    late.append((client, self._commit(message, frames[1])))
                    self.most_unanswered = max(self.most_unanswered, len(late))
                    if len(late) <= self.lag:
                        continue
                    router.send_multipart([late[0][0], *encode(late.pop(0)[1])])
                    if (request := self.asks.pop(message.field, None)) is not None:
                        router.send_multipart([client, *encode(request)])
                elif not isinstance(message, m.SendField):
                    answer, part = self._answer(message, decoded.part)
                    router.send_multipart([client, *encode(answer, part)])

    def _may_commit(self, message: m.SendField, router: zmq.Socket[bytes], client: bytes) -> bool:
        is_now = message.field in self.refuse_once
        if not is_now and message.field not in self.refuse:
            return True
        self.refuse_once.discard(message.field)
        refused = m.Refused(
            re=message.id,
            code=Code.DISK if is_now else Code.FORMAT,
            retry=is_now,
            key="field",
            value=str(message.field),
            problem="is not wanted",
            remedy="None",
            anchor="docs/protocol.md",
            slide=message.slide,
            field=message.field,
            capture=message.capture,
            plane=message.plane,
            window=WINDOW,
        )
        router.send_multipart([client, *encode(refused)])
        return False

    def _commit(self, message: m.SendField, pixels: bytes) -> m.Committed:
        assert crc32c_hex(pixels) == message.checksum
        key = ImageKey(field=message.field, capture=message.capture, plane=message.plane)
        again = key in self.committed
        self.committed.setdefault(key, pixels)
        return m.Committed(
            re=message.id,
            slide=message.slide,
            field=key.field,
            capture=key.capture,
            plane=key.plane,
            disposition="used",
            reasons=[],
            quality={},
            again=again,
            window=WINDOW,
        )

    def _answer(self, message: m.FromClient, part: Part | None) -> tuple[m.FromDaemon, Part | None]:
        match message:
            case m.Hello():
                return m.Welcome(
                    re=message.id,
                    v=1,
                    session=f"s-{message.boot}",
                    boot="boot",
                    window=WINDOW,
                    formats=[],
                    max_pixel_bytes=100_000_000,
                    fields_per_1000_s=0,
                    ready=True,
                    model="none",
                    open_slides=[],
                ), None
            case m.Bye():
                return m.Farewell(re=message.id), None
            case m.Ping():
                return m.Pong(re=message.id, window=WINDOW), None
            case m.OpenSlide():
                self.opened.append(message)
                assert isinstance(part, PlanList)
                self.plan = part
                seen = ResumeList(
                    committed=list(self.committed), in_hand=[], withdrawn=[], skipped=self.skipped
                )
                return m.SlideOpened(
                    re=message.id,
                    slide=message.slide,
                    state=self.state,
                    window=WINDOW,
                    flags=[],
                    verdict=self._verdict,
                ), seen
            case m.SkipField():
                self.skipped.append(message.field)
                return m.FieldSkipped(
                    re=message.id, slide=message.slide, field=message.field, window=WINDOW
                ), None
            case m.RequestAnswer():
                self.answers.append((message.request, message.answer))
                return m.Answered(
                    re=message.id,
                    slide=message.slide,
                    request=message.request,
                    late=False,
                    window=WINDOW,
                ), None
            case m.CloseSlide():
                assert isinstance(part, ManifestList)
                missing = [key for key in part.committed if key not in self.committed]
                if not missing:
                    self.state = SlideStatus.CLOSED
                differences = DifferenceList(
                    missing=NOTHING.model_copy(update={"committed": missing}), unexpected=NOTHING
                )
                return m.SlideClosed(
                    re=message.id,
                    slide=message.slide,
                    state=self.state,
                    window=WINDOW,
                    verdict=self._verdict,
                ), differences
            case m.AbortSlide():
                self.state = SlideStatus.ABORTED
                return m.SlideAborted(
                    re=message.id, slide=message.slide, verdict={"outcome": "incomplete"}
                ), None
        raise AssertionError(message)

    @property
    def _verdict(self) -> dict[str, Any] | None:
        return {"outcome": "category"} if self.state is SlideStatus.CLOSED else None


@contextmanager
def running(folder: Path, **options: object) -> Iterator[CommittingDaemon]:
    """A daemon on a socket of its own, in a thread, until the block ends."""
    daemon = CommittingDaemon(f"ipc://{folder}/daemon", **options)  # type: ignore[arg-type]
    stop, ready = threading.Event(), threading.Event()
    thread = threading.Thread(target=daemon.serve, args=(stop, ready))
    thread.start()
    try:
        assert ready.wait(10)
        yield daemon
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()
