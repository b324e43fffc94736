"""I7: bad input is answered with what is wrong and what to do, and never ends the service."""

import json
import socket
import struct
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import zmq

from drivers.scanner.crc import crc32c_hex
from tests.edge.daemon.rig import Rig

PIXELS = bytes(n * 7 % 256 for n in range(64 * 64))
PLAN: dict[str, Any] = {
    "spot": {"kind": "rectangle", "x_nm": 0, "y_nm": 0, "w_nm": 64_000, "h_nm": 16_000},
    "w_nm": 16_000,
    "h_nm": 16_000,
    "overlap_nm": 0,
    "fields": [{"field": n, "x_nm": 16_000 * n, "y_nm": 0} for n in range(4)],
}
OPEN: dict[str, Any] = {
    "type": "open_slide",
    "purpose": "simulation",
    "specimen": "cervical",
    "preparation": "thinprep",
    "optics": {"pm_per_px": 250_000},
}
FIELD: dict[str, Any] = {
    "type": "field",
    "field": 0,
    "capture": 1,
    "x_nm": 0,
    "y_nm": 0,
    "z_nm": 0,
    "width_px": 64,
    "height_px": 64,
    "format": "Mono8",
    "stride": 64,
    "exposure_us": 10,
    "captured_at_us": 1,
    "checksum": crc32c_hex(PIXELS),
}


class Client:
    """A driver that says what it is told, right or wrong."""

    def __init__(self, endpoint: str) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(endpoint)
        self.session, self.slide = "none", f"s-{uuid.uuid4().hex[:8]}"

    def close(self) -> None:
        self.socket.close()
        self.context.term()

    def frames(self, *frames: bytes) -> dict[str, Any]:
        self.socket.send_multipart(frames)
        return self.answer()

    def answer(self) -> dict[str, Any]:
        assert self.socket.poll(10_000), "no answer"
        answer: dict[str, Any] = json.loads(self.socket.recv_multipart()[0])
        return answer

    def header(self, message: dict[str, Any]) -> dict[str, Any]:
        base = {"id": uuid.uuid4().hex, "session": self.session, "slide": self.slide}
        return base | message

    def say(self, message: dict[str, Any], part: bytes | None = None) -> dict[str, Any]:
        header = json.dumps(self.header(message)).encode()
        return self.frames(header, *([] if part is None else [part]))

    def hello(self) -> dict[str, Any]:
        hello = {"type": "hello", "id": "h", "v": [1], "driver": self.slide, "boot": "b"}
        welcome = self.frames(json.dumps(hello).encode())
        self.session = welcome["session"]
        return welcome

    def open(self, **changed: Any) -> dict[str, Any]:
        return self.say(OPEN | changed, json.dumps(PLAN).encode())

    def field(self, pixels: bytes = PIXELS, **changed: Any) -> dict[str, Any]:
        return self.say(FIELD | {"checksum": crc32c_hex(pixels)} | changed, pixels)

    def bye(self) -> None:
        self.frames(json.dumps({"type": "bye", "id": "b", "session": self.session}).encode())


@dataclass(frozen=True)
class Case:
    name: str
    send: Callable[[Client], dict[str, Any]]
    code: str
    key: str


def raw(text: str) -> Callable[[Client], dict[str, Any]]:
    return lambda client: client.frames(text.encode())


def edited(
    old: str, new: str, message: dict[str, Any] = FIELD
) -> Callable[[Client], dict[str, Any]]:
    """A right message whose JSON text is changed in one place."""

    def send(client: Client) -> dict[str, Any]:
        text = json.dumps(client.header(message))
        assert old in text
        return client.frames(text.replace(old, new, 1).encode(), PIXELS)

    return send


def hello(**changed: Any) -> Callable[[Client], dict[str, Any]]:
    base = {"type": "hello", "id": "h2", "v": [1], "driver": "d", "boot": "b"}
    return lambda client: client.frames(json.dumps(base | changed).encode())


def plan(**changed: Any) -> Callable[[Client], dict[str, Any]]:
    body = json.dumps(PLAN | changed).encode()
    return lambda client: client.say(OPEN | {"slide": "other-plan"}, body)


def field(**changed: Any) -> Callable[[Client], dict[str, Any]]:
    return lambda client: client.field(**changed)


def say(message: dict[str, Any], part: bytes | None = None) -> Callable[[Client], dict[str, Any]]:
    return lambda client: client.say(message, part)


def twice_with_other_pixels(client: Client) -> dict[str, Any]:
    client.field(field=1, x_nm=16_000)
    return client.field(pixels=PIXELS[::-1], field=1, x_nm=16_000)


def from_a_replaced_session(client: Client) -> dict[str, Any]:
    old = client.session
    client.hello()
    return client.field(session=old)


def withdrawn(client: Client) -> dict[str, Any]:
    client.say({"type": "withdraw", "field": 2, "capture": 1})
    return client.field(field=2, x_nm=32_000)


JPEG_LIE = b"\xff\xd8\xff\xc0\x00\x11\x08\xea\x60\xea\x60\x03" + bytes(12) + b"\xff\xd9"
PNG_BOMB = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    + bytes(64)
)  # fmt: skip

CASES = [
    Case("not JSON", raw("field, please"), "message", "message"),
    Case("empty", raw(""), "message", "message"),
    Case("not UTF-8", lambda c: c.frames(b"\xff\xfe{}"), "message", "message"),
    Case("a list", raw("[]"), "message", "message"),
    Case("too deep", raw('{"type":"ping","ext":' + '{"a":' * 20 + "1" + "}" * 21), "message", ""),
    Case("oversized header", raw(json.dumps({"ext": "x" * 20_000})), "message", "header"),
    Case("no type", raw('{"id":"a"}'), "message", "type"),
    Case("unknown type", raw('{"id":"a","type":"fields"}'), "message", "type"),
    Case("an answer's type", raw('{"id":"a","type":"welcome"}'), "message", "type"),
    Case("wrong version", hello(v=[99]), "version", "v"),
    Case("no version", hello(v="1"), "message", "v"),
    Case("a path as driver", hello(driver="../../etc/passwd"), "message", "driver"),
    Case("unknown key", field(colour="red"), "message", "colour"),
    Case("duplicate key", edited('"x_nm": 0', '"x_nm": 0, "x_nm": 1'), "message", "x_nm"),
    Case("NaN", edited('"x_nm": 0', '"x_nm": NaN'), "message", ""),
    Case("infinity", edited('"x_nm": 0', '"x_nm": 1e999'), "message", ""),
    Case("a float for an integer", field(x_nm=0.5), "message", "x_nm"),
    Case("a text for an integer", field(x_nm="0"), "message", "x_nm"),
    Case("a boolean for an integer", field(plane=True), "message", "plane"),
    Case("null for an integer", field(field=None), "message", "field"),
    Case("negative width", field(width_px=-64), "message", "width_px"),
    Case("zero height", field(height_px=0), "message", "height_px"),
    Case("negative field", field(field=-1), "message", "field"),
    Case("capture zero", field(capture=0), "message", "capture"),
    Case("2 GB announced in the header", field(width_px=2**31), "message", "width_px"),
    Case("a large picture, few bytes", field(width_px=8192, stride=8192), "format", "pixels"),
    Case("wrong pixel size", field(height_px=32), "format", "pixels"),
    Case("stride under a row", field(stride=63), "format", "stride"),
    Case("unknown format", field(format="BayerXX8"), "message", "format"),
    Case("odd Bayer", field(format="BayerRG8", width_px=63, stride=64), "format", "width_px"),
    Case("RGB said, Mono sent", field(format="RGB8", stride=192), "format", "pixels"),
    Case("bad checksum", field(checksum="00000000"), "checksum", "checksum"),
    Case("upper-case checksum", field(checksum="ABCDEF01"), "message", "checksum"),
    Case("no pixels", say(FIELD), "message", ""),
    Case("pixels with a ping", say({"type": "ping", "slide": None}, b"x"), "message", ""),
    Case("three parts", lambda c: c.frames(b'{"id":"a","type":"ping"}', b"", b""), "message", ""),
    Case("JPEG that is none", field(pixels=PIXELS, format="JPEG", stride=0), "format", ""),
    Case("JPEG of another size", field(pixels=JPEG_LIE, format="JPEG", stride=0), "format", ""),
    Case("PNG bomb", field(pixels=PNG_BOMB, format="PNG", stride=0), "format", ""),
    Case("unknown slide", field(slide="nobody"), "unknown_slide", "slide"),
    Case("a path as slide", field(slide="../../x"), "message", "slide"),
    Case("not planned", field(field=99), "not_planned", "field"),
    Case("plane not planned", field(plane=3), "not_planned", "field"),
    Case("other pixels, same key", twice_with_other_pixels, "conflict", "field"),
    Case("a withdrawn capture", withdrawn, "withdrawn", "field"),
    Case("old session", from_a_replaced_session, "session", "session"),
    Case("no session", field(session="nothing"), "session", "session"),
    Case(
        "a question at the wrong door",
        raw('{"id":"a","type":"ask","what":"status"}'),
        "message",
        "type",
    ),
    Case(
        "skip what is not planned",
        say({"type": "skip_field", "field": 77, "why": "lamp"}),
        "not_planned",
        "field",
    ),
    Case(
        "skip for no known reason",
        say({"type": "skip_field", "field": 1, "why": "bored"}),
        "message",
        "why",
    ),
    Case(
        "withdraw from nowhere",
        say({"type": "withdraw", "slide": "x", "field": 1, "capture": 1}),
        "unknown_slide",
        "slide",
    ),
    Case(
        "close what is unknown",
        say({"type": "close_slide", "slide": "x"}, b'{"committed":[],"withdrawn":[],"skipped":[]}'),
        "unknown_slide",
        "slide",
    ),
    Case("a manifest that is none", say({"type": "close_slide"}, b"{}"), "message", ""),
    Case(
        "abort what is unknown",
        say({"type": "abort_slide", "slide": "x", "why": ""}),
        "unknown_slide",
        "slide",
    ),
    Case("plan without fields", plan(fields=[]), "message", ""),
    Case("plan with a field twice", plan(fields=PLAN["fields"] * 2), "message", "fields"),
    Case(
        "plan larger than any glass", plan(w_nm=900_000_000, h_nm=900_000_000), "message", "fields"
    ),
    Case(
        "plan with all fields in one place",
        plan(fields=[{"field": n, "x_nm": n, "y_nm": 0} for n in range(70)]),
        "message",
        "fields",
    ),
    Case("plan of negative size", plan(w_nm=-1), "message", ""),
    Case("plan with an odd spot", plan(spot={"kind": "star"}), "message", ""),
    Case("open for no purpose", lambda c: c.open(slide="p", purpose="fun"), "message", "purpose"),
    Case("another site's glass", lambda c: c.open(slide="p", barcode="X9"), "barcode", "barcode"),
    Case(
        "open for a purpose not taken",
        lambda c: c.open(slide="p", purpose="calibration"),
        "purpose",
        "purpose",
    ),
    Case(
        "same slide, other optics",
        lambda c: c.open(optics={"pm_per_px": 500_000}),
        "conflict",
        "slide",
    ),
]


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with tempfile.TemporaryDirectory(prefix="ce") as folder:
        rig = Rig(Path(folder), {"engine": "idle", "barcodes": "S-[0-9]+"}).start()
        rig.wait_ready()
        yield rig
        assert rig.end() == 0


@pytest.fixture
def client(rig: Rig) -> Iterator[Client]:
    client = Client(rig.drivers)
    client.hello()
    assert client.open()["type"] == "slide_opened"
    yield client
    client.bye()
    client.close()


def test_there_are_at_least_forty_cases() -> None:
    assert len({case.name for case in CASES}) >= 40


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_i7_bad_input_is_answered_and_the_slide_goes_on(
    client: Client, rig: Rig, case: Case
) -> None:
    answer = case.send(client)
    assert answer["type"] in ("error", "refused"), answer
    assert answer["code"] == case.code, answer
    assert case.key in answer["key"], answer
    assert all(answer[part] for part in ("value", "problem", "remedy", "anchor")), answer
    assert rig.is_alive
    assert client.field(field=3, x_nm=48_000, session=client.session)["type"] == "committed"


def test_a_glass_without_or_with_a_known_barcode_is_flagged_and_the_operator_told(
    client: Client, rig: Rig
) -> None:
    def opened(slide: str, **changed: Any) -> list[str]:
        return list(client.open(slide=slide, **changed)["flags"])

    assert not {flag for flag in opened("g1", barcode="S-1") if flag.startswith("barcode")}
    assert "barcode_repeated" in opened("g2", barcode="S-1")
    assert "barcode_unreadable" in opened("g3", purpose="clinical")
    wanted = {"barcode_repeated-g2", "barcode_unreadable-g3"}
    status = rig.wait_until(lambda s: wanted <= {alert["id"] for alert in s["alerts"]})
    assert not [alert for alert in status["alerts"] if "S-1" in alert["text"]]
    for slide in ("g1", "g2", "g3"):
        client.say({"type": "abort_slide", "slide": slide, "why": ""})


def test_i7_a_frame_over_the_cap_ends_the_connection_and_is_counted(rig: Rig) -> None:
    before = rig.ask("status")["counts"].get("drivers_disconnected", 0)
    peer = _greeted(rig)
    peer.sendall(b"\x02" + struct.pack(">Q", 2 << 30))  # a long frame of 2 GB is announced
    assert _is_hung_up(peer)
    peer.close()
    rig.wait_until(lambda s: s["counts"].get("drivers_disconnected", 0) > before)
    assert rig.is_alive


def test_i7_half_a_message_is_counted_and_harms_nobody(rig: Rig, client: Client) -> None:
    before = rig.ask("status")["counts"].get("drivers_disconnected", 0)
    peer = _greeted(rig)
    peer.sendall(b"\x02" + struct.pack(">Q", 5_000) + b"half")
    peer.close()
    rig.wait_until(lambda s: s["counts"].get("drivers_disconnected", 0) > before)
    assert client.field()["type"] == "committed"


def test_i7_rubbish_for_a_greeting_ends_the_connection_and_is_counted(rig: Rig) -> None:
    before = _ended(rig.ask("status"))
    peer = _connected(rig)
    peer.sendall(b"GET / HTTP/1.1\r\nHost: cytoedge\r\n\r\n" + bytes(64))
    assert _is_hung_up(peer)
    peer.close()
    rig.wait_until(lambda status: _ended(status) > before)
    assert "a connection to drivers ended" in rig.log


def test_i7_a_stranger_who_floods_is_answered_sparingly(rig: Rig) -> None:
    stranger = Client(rig.drivers)
    for _ in range(300):
        stranger.socket.send(b"rubbish")
    status = rig.wait_until(lambda s: s["counts"].get("strangers_unanswered", 0) > 100)
    assert status["alerts"] is not None
    stranger.close()
    assert rig.is_alive


def _connected(rig: Rig) -> socket.socket:
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(10)
    peer.connect(rig.drivers.removeprefix("ipc://"))
    return peer


def _greeted(rig: Rig) -> socket.socket:
    """A connection that has shaken hands as ZMTP 3.0, mechanism NULL, asks."""
    peer = _connected(rig)
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(16) + b"\x00" + bytes(31)
    peer.sendall(greeting)
    _read(peer, 64)
    ready = b"\x05READY\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER"
    peer.sendall(b"\x04" + bytes([len(ready)]) + ready)
    _, size = _read(peer, 2)
    _read(peer, size)
    return peer


def _read(peer: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count:
        piece = peer.recv(count - len(got))
        assert piece, "hung up"
        got += piece
    return got


def _is_hung_up(peer: socket.socket) -> bool:
    try:
        while peer.recv(4_096):
            pass
    except ConnectionResetError:
        pass
    return True


def _ended(status: dict[str, Any]) -> int:
    counts = status["counts"]
    names = ("drivers_handshake_failed", "drivers_disconnected")
    return sum(counts.get(name, 0) for name in names)
