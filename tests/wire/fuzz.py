"""Messages and connections that no driver would send, mutated from a corpus, for the real socket.

The oracle of what may be accepted is not our codec: JSON read with `json`, `docs/schemas` by
jsonschema, and a CRC-32C from a table of its own.
"""

import base64
import contextlib
import json
import random
import socket
import struct
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import zmq

from drivers.scanner.curve import Curve
from tests.edge.daemon.rig import Rig
from tests.edge.daemon.test_hostile import FIELD, OPEN, PIXELS, PLAN
from tests.wire.curved import OLD, READY, dealer, greeting, raw

CORPUS = Path(__file__).with_name("corpus.jsonl")
SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
BATCH = 20
SLIDE_EVERY = 5_000
"""Messages: what a slide holds must not be taken for growth."""
YES = {"committed", "slide_opened", "field_skipped", "withdrawn", "answered", "slide_aborted"}
Frames = list[bytes]
NUMBERS = [b"-1", b"0", b"1e999", b"NaN", b"99999999999999999999", b"null", b"0.5", b'""', b"[]"]


def corpus() -> list[Frames]:
    """Messages to begin with: right ones, and some that once were interesting."""
    return [
        [base64.b64decode(frame) for frame in json.loads(line)]
        for line in CORPUS.read_text().splitlines()
    ]


def mutated(frames: Frames, others: list[Frames], chance: random.Random) -> Frames:
    """A message that is nearly this one."""
    frames = [*frames]
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at = chance.randrange(len(frames)) if frames else 0
        body = bytearray(frames[at]) if frames else bytearray()
        spot = chance.randrange(len(body) + 1)
        match chance.randrange(8):
            case 0 if body:
                body[spot % len(body)] ^= 1 << chance.randrange(8)
            case 1:
                del body[spot : spot + chance.choice((1, 2, 8, 64))]
            case 2:
                body[spot:spot] = chance.randbytes(chance.choice((1, 2, 8)))
            case 3:
                body[spot:spot] = body[spot : spot + 24]
            case 4:
                digits = [n for n, byte in enumerate(body) if chr(byte).isdigit()]
                if digits:
                    start = chance.choice(digits)
                    body[start : start + 1] = chance.choice(NUMBERS)
            case 5:
                other = chance.choice(chance.choice(others))
                body[spot:] = other[chance.randrange(len(other) + 1) :]
            case 6:
                frames.insert(at, chance.choice(chance.choice(others)))
                continue
            case _:
                if len(frames) > 1:
                    frames.pop(at)
                continue
        if frames:
            frames[at] = bytes(body)
    return frames or [b""]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def _table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC = _table()


def crc(data: bytes) -> str:
    value = 0xFFFFFFFF
    for byte in data:
        value = CRC[(value ^ byte) & 255] ^ value >> 8
    return f"{value ^ 0xFFFFFFFF:08x}"


def may_be_accepted(frames: Frames, *, is_repeat: bool = False) -> bool:
    """Whether a message is right, by the documents alone."""
    try:
        header = json.loads(frames[0].decode(), object_pairs_hook=_once)
        schema = json.loads((SCHEMAS / f"{header['type']}.json").read_text())
        jsonschema.validate(header, schema)
    except (ValueError, KeyError, OSError, TypeError, jsonschema.ValidationError):
        return False
    if header["type"] != "field":
        return len(frames) == 1 + (header["type"] in ("open_slide", "close_slide"))
    return len(frames) == 2 and (is_repeat or crc(frames[1]) == header["checksum"])


@dataclass
class Fuzzer:
    """A driver with a live session that says mutated things, and checks what is taken."""

    rig: Rig
    chance: random.Random
    curve: Curve | None = None
    driver: str = "fuzzer"
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.corpus = corpus()
        self.session = self.slide = "none"
        self.captures = 0
        self.sent: dict[str, Frames] = {}
        self.socket = dealer(self.context, self.rig.drivers, self.curve)
        self.socket.setsockopt(zmq.SNDHWM, 0)

    def run(self, messages: int) -> None:
        """Send so many, in a new slide now and then."""
        for number in range(0, messages, BATCH):
            if number % SLIDE_EVERY == 0:
                self.begin()
            self._be_taken()
            for _ in range(BATCH - 1):
                self._say(mutated(self._right(), self.corpus, self.chance))
            self.counts["messages"] += BATCH
            self._settle()

    def begin(self) -> None:
        """Say hello; end the slide so far; open another."""
        self._hello()
        if self.slide != "none":
            self._ask({"type": "abort_slide", "slide": self.slide, "why": "enough"})
        self.slide = f"fz-{self.chance.getrandbits(40):x}"
        self._ask(OPEN | {"slide": self.slide}, json.dumps(PLAN).encode())

    def _be_taken(self) -> None:
        """Say something right; in a new slide where a mutated message has ended the last one."""
        self.captures = self.captures % 60_000 + 1
        header = FIELD | {"field": 0, "capture": self.captures, "slide": self.slide}
        if self._ask(header, PIXELS)["type"] == "committed":
            self.counts["accepted and right"] += 1
        else:
            self.begin()

    def close(self) -> None:
        """Leave."""
        self._hello()
        self._ask({"type": "abort_slide", "slide": self.slide, "why": "enough"})
        self.context.destroy(0)

    def _right(self) -> Frames:
        """A message that could be right, of this session and slide."""
        if self.chance.random() < 0.3:
            header = FIELD | {"field": self.chance.randrange(4)}
            self.captures = self.captures % 60_000 + 1
            header["capture"] = self.captures
            frames = [json.dumps(header).encode(), PIXELS]
        else:
            frames = [*self.chance.choice(self.corpus)]
        with contextlib.suppress(ValueError, AttributeError):
            head = json.loads(frames[0])
            ours = {"session": self.session, "slide": self.slide}
            if head.get("type") in ("bye", "abort_slide"):
                ours["session"] = "none"  # it would end what is tried
            is_field = head.get("type") == "field"
            head |= {key: value for key, value in ours.items() if is_field or key in head}
            head["id"] = f"m{self.chance.getrandbits(60):x}"
            frames[0] = json.dumps(head).encode()
        return frames

    def _say(self, frames: Frames) -> None:
        with contextlib.suppress(ValueError, AttributeError, TypeError):
            self.sent[json.loads(frames[0]).get("id", "")] = frames
        self.socket.send_multipart(frames, copy=False)

    def _settle(self) -> None:
        """Take all answers until that to a ping; a session that was lost is made again."""
        if self._ask({"type": "ping"})["type"] != "pong":
            self.counts["sessions_lost"] += 1
            self._hello()
        self.sent.clear()

    def _hello(self) -> None:
        hello = {"v": [1], "driver": self.driver, "boot": "b", "type": "hello"}
        welcome = self._ask(hello, in_session=False)
        assert welcome["type"] == "welcome", welcome
        self.session = welcome["session"]

    def _ask(
        self, message: dict[str, Any], part: bytes | None = None, *, in_session: bool = True
    ) -> dict[str, Any]:
        asked = f"a{self.chance.getrandbits(60):x}"
        head = message | {"id": asked} | ({"session": self.session} if in_session else {})
        self.socket.send_multipart([json.dumps(head).encode(), *([] if part is None else [part])])
        while True:
            assert self.socket.poll(60_000), f"silent: {self.rig.log}"
            answer: dict[str, Any] = json.loads(self.socket.recv_multipart()[0])
            if answer.get("re") == asked:
                return answer
            self.counts[answer["type"]] += 1
            said = self.sent.get(answer.get("re") or "")
            if said is not None and answer["type"] in YES:
                # The pixels of a repeat are not looked at: its answer is that of the first time.
                assert may_be_accepted(said, is_repeat=answer.get("again", False)), (
                    said[0],
                    len(said),
                    answer,
                )
                self.counts["accepted and right"] += 1


def connection(chance: random.Random) -> bytes:
    """What a peer says that is none, or stops being one."""
    greetings = [greeting(mechanism) for mechanism in (b"NULL", b"CURVE", b"PLAIN")]
    start = chance.choice([*greetings, *OLD.values()])
    ready = b"\x04" + bytes([len(READY)]) + READY
    huge = b"\x02" + struct.pack(">Q", chance.choice((2**31, 2**63, 2**64 - 1, 5_000)))
    hello = b"\x04\xc8\x05HELLO" + chance.randbytes(194)
    pieces = (ready, huge, hello, b"\x00\x05hello", b"\x06")
    said = start + b"".join(chance.choice(pieces) for _ in range(3))
    changed = bytearray(said)
    for _ in range(chance.choice((0, 0, 1, 4))):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed[: chance.choice((len(changed), chance.randrange(len(changed))))])


def malformed(rig: Rig, count: int, chance: random.Random) -> None:
    """So many connections, some at a time; each says its piece and goes."""
    waiting: list[socket.socket] = []
    for _ in range(count):
        peer = raw(rig)
        with contextlib.suppress(OSError):
            peer.sendall(connection(chance))
        waiting.append(peer)
        if len(waiting) > 20:
            waiting.pop(chance.randrange(len(waiting))).close()
    for peer in waiting:
        peer.close()


def resident_kb(pid: int) -> int:
    """Of a process, now."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
