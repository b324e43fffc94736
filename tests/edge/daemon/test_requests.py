"""Requests between a real daemon and a real link."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.scanner.link import ScannerLink
from drivers.scanner.lists import ImageKey
from drivers.scanner.messages import Request
from drivers.scanner.words import SlideStatus
from drivers.sources.faults import Faults
from drivers.sources.scanner import Scan
from drivers.sources.simulated.render import SimulatedSlide
from edge.commands.checking import verify_slide
from edge.journal import shelf
from edge.slide.request import Answered, Asked, RequestEnd
from tests.edge.daemon.rig import Rig, slide

FIELDS = 8
BLURRED = frozenset({2, 5})
ALL = Faults(requests="obey").takes


@contextmanager
def running(within_ms: int) -> Iterator[Rig]:
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        changed = {"requests.percent": 25, "requests.within_ms": within_ms}
        rig = Rig(Path(name), changed).start()
        yield rig
        assert rig.end() == 0


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with running(within_ms=3_000) as rig:
        yield rig


@pytest.fixture(scope="module")
def alone(rig: Rig) -> Scan:
    return scanned(rig, "none")


def blurred(manner: str, fields: int = FIELDS, spoilt: frozenset[int] = BLURRED) -> SimulatedSlide:
    faults = Faults(unfocused=spoilt, requests=manner)
    return slide(fields, faults=faults, slide=f"s-{manner}")


def scanned(rig: Rig, manner: str, fields: int = FIELDS, spoilt: frozenset[int] = BLURRED) -> Scan:
    scan = rig.scan(
        blurred(manner, fields, spoilt), Faults(unfocused=spoilt, requests=manner), f"d-{manner}"
    )
    assert scan.state is SlideStatus.CLOSED
    return scan


def requests_of(rig: Rig, name: str) -> tuple[list[Asked], list[Answered]]:
    store = shelf.read(rig.place.settings.state_dir, name)
    assert store is not None
    rows = store.others()
    store.close()
    asked = [row for row in rows if isinstance(row, Asked)]
    return asked, [row for row in rows if isinstance(row, Answered)]


def lost(scan: Scan) -> int:
    assert scan.verdict is not None
    points: dict[str, int] = scan.verdict["coverage"]["lost"]
    return sum(points.values())


def without_notes(scan: Scan) -> dict[str, Any]:
    assert scan.verdict is not None
    return scan.verdict | {"notes": None}


def test_i3_a_scanner_that_ignores_or_refuses_changes_nothing_but_the_notes(
    rig: Rig, alone: Scan
) -> None:
    ignored, refused = (scanned(rig, manner) for manner in ("ignore", "refuse"))
    assert without_notes(ignored) == without_notes(refused) == without_notes(alone)
    assert not alone.requests
    assert requests_of(rig, "s-none") == ([], [])
    asked, answered = requests_of(rig, "s-refuse")
    assert refused.requests.total() == len(asked) == len(answered) == len(BLURRED)
    assert {row.end for row in answered} == {RequestEnd.REFUSED}
    asked, answered = requests_of(rig, "s-ignore")
    assert ignored.requests.total() == len(asked) == len(BLURRED)
    assert {row.end for row in answered} <= {RequestEnd.LAPSED}


def test_i8_what_was_obeyed_is_counted_and_the_verdict_can_be_made_again(
    rig: Rig, alone: Scan
) -> None:
    obeyed = scanned(rig, "obey")
    asked, answered = requests_of(rig, "s-obey")
    assert {row.field for row in asked} == BLURRED
    assert [row.end for row in answered] == [RequestEnd.DONE] * len(asked)
    assert obeyed.sent == FIELDS + len(asked)
    assert verify_slide(rig.place.settings, "s-obey").is_well
    assert lost(obeyed) < lost(alone)


def open_and_send(link: ScannerLink, source: SimulatedSlide, numbers: range) -> None:
    facts = source.facts
    link.open_slide(
        facts.slide, facts.purpose, facts.specimen, facts.preparation, facts.optics, facts.plan,
        registration_nm=facts.registration_nm,
    )  # fmt: skip
    for number in numbers:
        shot = source.capture(ImageKey(field=number, capture=1))
        link.send_field(
            number, shot.pixels, x_nm=shot.x_nm, y_nm=shot.y_nm, z_nm=shot.z_nm,
            width_px=shot.width_px, height_px=shot.height_px, format=shot.format,
            stride=shot.stride,
        )  # fmt: skip


def next_request(link: ScannerLink) -> Request:
    request = link.next_request(30)
    assert request is not None
    return request


def test_a_request_outlives_the_daemon_and_the_driver_and_is_the_same_one() -> None:
    source = blurred("obey")
    with running(within_ms=60_000) as rig:
        with ScannerLink(rig.drivers, "d", takes=ALL) as link:
            open_and_send(link, source, range(5))
            first = next_request(link)
            assert (first.kind, first.field, first.why) == ("refocus", 2, "out_of_focus")
            rig.kill()
            rig.start()
            link.drain()
            assert link.next_request(1) is None  # this driver knows it already
        with ScannerLink(rig.drivers, "d", takes=ALL) as again:
            open_and_send(again, source, range(0))
            assert next_request(again) == first
            assert not again.answer(first, "refused").late
        (answered,) = requests_of(rig, source.facts.slide)[1]
        assert answered == Answered(1, RequestEnd.REFUSED)


def test_what_is_not_done_in_time_lapses_and_nothing_comes_after_the_close(rig: Rig) -> None:
    source = slide(FIELDS, faults=Faults(unfocused=BLURRED), slide="late")
    with ScannerLink(rig.drivers, "d", takes=ALL) as link:
        open_and_send(link, source, range(5))
        request, until_s = next_request(link), time.monotonic() + 60
        while not (answered := requests_of(rig, "late")[1]):
            assert time.monotonic() < until_s
            link.pump(0.2)
        assert answered == [Answered(1, RequestEnd.LAPSED)]
        assert link.answer(request, "done").late
        assert link.close_slide().answer.state is SlideStatus.CLOSED
        assert link.next_request(1) is None
        assert link.answer(request, "refused").late
    assert rig.ask("status")["counts"]["late_answers"] == 2


def test_a_close_that_fails_says_what_to_do(rig: Rig) -> None:
    source = slide(4)
    with ScannerLink(rig.drivers, "d") as link:
        open_and_send(link, source, range(3))
        link.drain()
        wrong = link.manifest.model_copy(update={"skipped": [3]})
        closed = link.close_slide(manifest=wrong)
        assert closed.answer.state is SlideStatus.OPEN
        assert closed.to_do == [
            "Field 3: the driver says that it was skipped, and the daemon does not know. "
            "Skip it again, or send it"
        ]
        link.skip_field(3, "operator")
        assert link.close_slide().answer.state is SlideStatus.CLOSED
