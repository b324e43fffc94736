"""The anytime curve: bounded, by rising ground, and there after a restart."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zmq

from edge.daemon.live import Live
from edge.daemon.outbox import BELL, Outbox
from edge.daemon.writer import Writer
from edge.daemon.writing import Keep
from edge.evidence.fold import Evidence
from edge.intake.effects import Write
from edge.journal import shelf
from edge.journal.store import Owner, SlideStore
from edge.report.curve import STEPS, point
from edge.settings import Settings
from edge.slide.record import Closing, End, Image, Withdrawal
from edge.verdict.decide import decide
from edge.verdict.verdict import to_json
from tests.properties.slides import grid, opening, packed, record

FIELDS = 20
PLAN = grid(FIELDS, FIELDS, 200_000, 200_000, 20_000)


def steps(curve: list[dict[str, Any]]) -> list[int]:
    return [each["settled"] * STEPS // each["planned"] for each in curve]


@pytest.fixture
def store(tmp_path: Path) -> SlideStore:
    return SlideStore(tmp_path / "slide.sqlite")


def said(live: Live) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(to_json(decide(live.evidence.summary())))
    return body


def test_i6_a_curve_is_bounded_however_often_something_is_said(store: SlideStore) -> None:
    live = Live(store, Evidence(opening(PLAN)))
    for planned in PLAN.fields:
        image = Image(planned.field, 1, 0)
        live.add([record(image, PLAN.rectangle(planned.field), packed())])
        live.mark(said(live))
        if planned.field == FIELDS * 10:  # a restart: it knows nothing of the points before
            live = Live(store, live.evidence)
        if planned.field % 50 == 49:
            live.add([Withdrawal(planned.field, 1)])
            live.mark(said(live))
    again = [Image(number, 2, 0) for number in range(49, FIELDS * FIELDS, 50)]
    live.add([record(image, PLAN.rectangle(image.field), packed()) for image in again])
    live.mark(said(live))
    assert live.step == STEPS
    live.add([Closing(End.CLOSED, "", "")])
    live.mark(said(live))
    curve = [json.loads(body) for body in store.curve()]
    assert steps(curve) == sorted(set(steps(curve)))
    assert STEPS * 0.7 < len(curve) <= STEPS + 1
    assert {each["state"] for each in curve[:-1]} == {"provisional"}
    assert curve[-1] == point(said(live)).model_dump(mode="json")
    assert curve[-1]["state"] == "final"


@contextmanager
def writing(state_dir: Path) -> Iterator[Writer]:
    """The writer of a daemon, with the slides that it finds."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    bell = context.socket(zmq.PULL)
    bell.bind(BELL)
    outbox = Outbox(context)
    writer = Writer(Settings(state_dir=state_dir), "boot", outbox, {})
    assert len(list(writer.restore())) == 1
    writer.start()
    yield writer
    writer.stop()
    outbox.close()  # the slides that were found may have told something from this thread
    bell.close(0)
    context.term()


def curve_of(state_dir: Path) -> list[dict[str, Any]]:
    store = shelf.read(state_dir, "S-1")
    assert store is not None
    curve = [json.loads(body) for body in store.curve()]
    store.close()
    return curve


def test_a_curve_goes_on_after_a_restart(tmp_path: Path) -> None:
    start = opening(PLAN)
    identities = (("calibration", "c"), ("model", "m"))
    start = replace(start, basis=replace(start.basis, identities=identities))
    shelf.path(tmp_path, "S-1").parent.mkdir(parents=True)
    store = SlideStore(shelf.path(tmp_path, "S-1"))
    store.belong_to(Owner("driver", "opening", 250_000))
    store.commit([], [start], "boot", 1)
    store.close()
    before: list[dict[str, Any]] = []
    for fields in (PLAN.fields[:200], PLAN.fields[200:]):
        with writing(tmp_path) as writer:
            for planned in fields:
                image = Image(planned.field, 1, 0)
                showing = record(image, PLAN.rectangle(planned.field), packed())
                writer.write(Keep("S-1", showing, ""))
            if fields[0].field == 0:
                while not (before := curve_of(tmp_path)) or not before[-1]["settled"]:
                    pass
            else:
                writer.write(Write("S-1", Closing(End.CLOSED, "", ""), None))
    after = curve_of(tmp_path)
    assert 0 < before[-1]["settled"] < before[-1]["planned"]
    assert after[: len(before) - 1] == before[:-1]
    assert steps(after)[len(before) - 1] == steps(before)[-1]
    assert (steps(after)[-1], after[-1]["state"]) == (STEPS, "final")
