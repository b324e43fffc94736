"""A driver that ignores the window, a subscriber that does not read, a driver paced as a scanner.

`python -m tests.wire.flood DRIVERS EVENTS` is the first two, until it is ended.
"""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import zmq

from drivers.scanner.crc import crc32c_hex
from drivers.scanner.link import ScannerLink
from drivers.scanner.lists import PlanList, PlannedField, RectangleSpot
from drivers.scanner.messages import Committed, Refused
from drivers.scanner.words import Optics
from tests.edge.daemon.rig import Rig
from tests.edge.daemon.test_hostile import FIELD, OPEN
from tests.wire.curved import dealer

SIDE = 512
NM = SIDE * 250
PIXELS = random.Random(0).randbytes(SIDE * SIDE)  # noqa: S311


def plan(fields: int) -> PlanList:
    return PlanList(
        spot=RectangleSpot(x_nm=NM * fields // 2, y_nm=NM // 2, w_nm=NM * fields, h_nm=NM),
        w_nm=NM,
        h_nm=NM,
        overlap_nm=0,
        fields=[PlannedField(field=n, x_nm=NM * n + NM // 2, y_nm=NM // 2) for n in range(fields)],
    )


@dataclass(frozen=True)
class Pace:
    """How a paced driver fared."""

    fields_per_s: float
    p99_ms: float
    committed: int


def paced(rig: Rig, slide: str, fields: int, fields_per_s: float) -> Pace:
    """Send so many fields at a scanner's pace; how soon each was committed."""
    sent_s: dict[int, float] = {}
    waited_ms: list[float] = []

    def hear(answer: Committed | Refused) -> None:
        assert isinstance(answer, Committed), answer
        waited_ms.append(1000 * (time.monotonic() - sent_s[answer.field]))

    with ScannerLink(rig.drivers, "paced", on_answer=hear) as link:
        optics = Optics(pm_per_px=250_000)
        link.open_slide(slide, "simulation", "cervical", "thinprep", optics, plan(fields))
        began_s = time.monotonic()
        for number in range(fields):
            due_s = began_s + number / fields_per_s
            while (left_s := due_s - time.monotonic()) > 0:
                link.pump(left_s)
            sent_s[number] = time.monotonic()
            link.send_field(
                number,
                PIXELS,
                x_nm=NM * number + NM // 2,
                y_nm=NM // 2,
                width_px=SIDE,
                height_px=SIDE,
                format="Mono8",
            )
        while len(waited_ms) < fields:
            link.pump(1.0)
        took_s = time.monotonic() - began_s
        link.close_slide()
    waited_ms.sort()
    return Pace((fields - 1) / took_s, waited_ms[len(waited_ms) * 99 // 100], len(waited_ms))


@contextmanager
def flooding(rig: Rig) -> Iterator[None]:
    """A process that floods while the context lasts."""
    command = [sys.executable, "-m", "tests.wire.flood", rig.drivers, rig.events]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline()
    try:
        yield
        assert process.poll() is None, "the flood ended by itself"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _flood(drivers: str, events: str) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    deaf = context.socket(zmq.SUB)
    deaf.setsockopt(zmq.RCVHWM, 1)
    deaf.connect(events)
    deaf.subscribe(b"")
    peer = dealer(context, drivers, None)
    hello = {"type": "hello", "id": "h", "v": [1], "driver": "flood", "boot": "b"}
    peer.send(json.dumps(hello).encode())
    base = {"session": json.loads(peer.recv())["session"], "slide": f"flood-{time.time_ns()}"}
    opening = plan(4).model_dump_json().encode()
    peer.send_multipart([json.dumps(OPEN | base | {"id": "o"}).encode(), opening])
    assert json.loads(peer.recv_multipart()[0])["type"] == "slide_opened"
    sys.stdout.write("flooding\n")
    sys.stdout.flush()
    field = FIELD | base | {"width_px": SIDE, "height_px": SIDE, "stride": SIDE}
    field["checksum"] = crc32c_hex(PIXELS)
    number = 0
    while True:
        number += 1
        head = field | {
            "id": f"f{number}",
            "field": number % 4,
            "capture": number // 4 % 60_000 + 1,
        }
        peer.send_multipart([json.dumps(head).encode(), PIXELS], copy=False)
        while peer.poll(0):
            answer = json.loads(peer.recv_multipart()[0])
            if answer["type"] == "welcome":
                field["session"] = answer["session"]
                again = OPEN | base | {"id": "o", "session": answer["session"]}
                peer.send_multipart([json.dumps(again).encode(), opening])
            elif answer.get("code") == "session" and number % 50 == 0:
                peer.send(json.dumps(hello).encode())


if __name__ == "__main__":
    _flood(*sys.argv[1:])
