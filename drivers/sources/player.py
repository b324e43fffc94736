"""Sends a recording again: every message as it was, but for the session that it belongs to.

It keeps within the window, and leaves out what the daemon has already; so a play that was broken
off is finished by playing again.
"""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import zmq

from drivers.problem import Problem, Refusal
from drivers.scanner import messages as m
from drivers.scanner.codec import FromWire, decode_from_daemon, encode, window_size
from drivers.scanner.curve import Curve
from drivers.scanner.lists import ImageKey, ResumeList
from drivers.scanner.words import PROTOCOL_VERSION, SlideStatus, Window
from drivers.sources.recording import RecordingReader

PAUSE_S = 0.25
"""Between a refusal that allows it and the next try."""
PING_S = 1.0
TIMEOUT_S = 120.0
"""Silence after which the play is broken off. A daemon that starts judges within 30 s."""


@dataclass(slots=True)
class Played:
    """What came of a play."""

    sent: int = 0
    """Images, each once."""
    known_before: int = 0
    """Images that the daemon had already."""
    refused: list[str] = field(default_factory=list)
    """Messages that were refused for good: their types and why."""
    verdict: dict[str, Any] | None = None
    """The final verdict, where the recording ends its slide."""
    is_cut_short: bool = False
    """Whether the recording's last message was incomplete."""


@dataclass(slots=True)
class _Sent:
    """A message that waits for its answer."""

    parts: list[bytes]
    type: str
    key: ImageKey | None
    window_bytes: int


class Player:
    """One play of one recording, over a socket of its own. Use it as a context manager."""

    def __init__(
        self,
        endpoint: str,
        driver: str,
        on_answer: Callable[[m.FromDaemon], None] | None = None,
        timeout_s: float = TIMEOUT_S,
        curve: Curve | None = None,
    ) -> None:
        self._endpoint, self._driver, self._timeout_s = endpoint, driver, timeout_s
        self._curve = curve
        self._on_answer = on_answer or (lambda message: None)
        self._waiting: dict[str, _Sent] = {}
        self._known: set[ImageKey] = set()
        self._session = ""
        self._window = Window(fields=0, bytes=0)
        self._not_before = self._heard_at = self._pinged_at = 0.0
        self._again: list[str] = []
        self._played = Played()

    def __enter__(self) -> Self:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        if self._curve is not None:
            self._curve.put_on(self._socket)
        self._socket.connect(self._endpoint)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session:
            self._socket.setsockopt(zmq.LINGER, 500)
            self._socket.send_multipart(encode(m.Bye(id="player.bye", session=self._session)))
        self._socket.close()
        self._context.term()

    def play(self, recording: RecordingReader) -> Played:
        """Sends all messages and waits for all answers.

        Raises:
            Refusal: The file is no recording, the daemon refuses the player or is silent, or it was
                started again meanwhile.
        """
        recording.check()
        self._hello()
        for parts in recording.messages():
            self._send_recorded(parts)
        while self._waiting:
            self._step()
        self._played.is_cut_short = recording.is_cut_short
        return self._played

    def _hello(self) -> None:
        hello = m.Hello(
            id="player.hello", v=[PROTOCOL_VERSION], driver=self._driver, boot=uuid.uuid4().hex
        )
        self._heard_at = time.monotonic()
        self._socket.send_multipart(encode(hello))
        while not self._session:
            self._step()

    def _send_recorded(self, recorded: list[bytes]) -> None:
        header = _header(recorded[0])
        parts = [_in_session(recorded[0], header, self._session), *recorded[1:]]
        sent = _sent(parts, header)
        if sent.key is not None:
            if sent.key in self._known:
                self._played.known_before += 1
                return
            while not self._has_room(sent.window_bytes):
                self._step()
            self._known.add(sent.key)
            self._played.sent += 1
            self._send(header["id"], sent)
            return
        while self._waiting:
            self._step()
        self._send(header["id"], sent)
        while self._waiting:
            self._step()

    def _has_room(self, nbytes: int) -> bool:
        held = [sent.window_bytes for sent in self._waiting.values()]
        return len(held) < self._window.fields and sum(held) + nbytes <= self._window.bytes

    def _send(self, identity: str, sent: _Sent) -> None:
        self._waiting[identity] = sent
        self._socket.send_multipart(sent.parts)

    def _step(self) -> None:
        """Takes one message, or waits a little; sends again what may be sent again."""
        now = time.monotonic()
        if self._again and now >= self._not_before:
            for identity in self._again:
                self._socket.send_multipart(self._waiting[identity].parts)
            self._again.clear()
        if not self._socket.poll(int(PAUSE_S * 1_000)):
            if now - self._heard_at > self._timeout_s:
                problem = f"the daemon said nothing for {self._timeout_s:g} s"
                remedy = "Start it, and play again: what it has is not sent twice"
                raise Refusal(Problem("endpoint", self._endpoint, problem, remedy))
            if self._session and now - max(self._heard_at, self._pinged_at) > PING_S:
                self._pinged_at = now
                ping = m.Ping(id="player.ping", session=self._session)
                self._socket.send_multipart(encode(ping))
            return
        decoded = decode_from_daemon(self._socket.recv_multipart())
        self._heard_at = time.monotonic()
        if isinstance(decoded, FromWire):
            self._take(decoded)

    def _take(self, decoded: FromWire[m.FromDaemon]) -> None:
        message = decoded.message
        self._window = getattr(message, "window", None) or self._window
        if isinstance(message, m.Request):
            pass  # It plays what was: it takes none, and is asked for nothing.
        elif isinstance(message, m.Welcome):
            self._session = message.session
        elif isinstance(message, m.Refused | m.Error):
            self._take_refusal(message)
        else:
            self._waiting.pop(message.re, None)
            if isinstance(decoded.part, ResumeList) and isinstance(message, m.SlideOpened):
                self._known.update(decoded.part.committed, decoded.part.in_hand)
                if message.state is SlideStatus.CLOSED:
                    self._played.verdict = message.verdict
            if isinstance(message, m.SlideClosed | m.SlideAborted):
                self._played.verdict = message.verdict
        self._on_answer(message)

    def _take_refusal(self, refusal: m.Refused | m.Error) -> None:
        sent = self._waiting.get(refusal.re or "")
        if sent is not None and refusal.retry:
            self._again.append(str(refusal.re))
            self._not_before = time.monotonic() + PAUSE_S
            return
        problem = Problem(refusal.key, refusal.value, refusal.problem, refusal.remedy)
        if sent is None or refusal.code == "session":
            raise Refusal(problem)
        del self._waiting[str(refusal.re)]
        self._played.refused.append(f"{sent.type}: {problem}")
        if sent.type == "open_slide":
            raise Refusal(problem)


def _header(frame: bytes) -> dict[str, Any]:
    """What a recorded header says.

    Raises:
        Refusal: It is no message with an id: the recording was edited.
    """
    try:
        header = json.loads(frame)
    except ValueError:
        header = None
    if not isinstance(header, dict) or not isinstance(header.get("id"), str):
        problem = Problem("recording", "a header", "is no message", "Record it again")
        raise Refusal(problem)
    return header


def _in_session(frame: bytes, header: dict[str, Any], session: str) -> bytes:
    """The header as it was, byte for byte, with another session's id in the old one's place."""
    old = json.dumps(header.get("session")).encode()
    return frame.replace(old, json.dumps(session).encode())


def _sent(parts: list[bytes], header: dict[str, Any]) -> _Sent:
    """What is waited for, with an image's key and its share of the window."""
    type_ = str(header.get("type"))
    if type_ == "field":
        try:
            image = m.SendField.model_validate_json(parts[0])
        except ValueError:
            return _Sent(parts, type_, None, 0)  # A field that the daemon will refuse.
        key = ImageKey(field=image.field, capture=image.capture, plane=image.plane)
        return _Sent(parts, type_, key, window_size(image, len(parts[-1])))
    return _Sent(parts, type_, None, 0)
