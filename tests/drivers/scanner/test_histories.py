"""Random histories: the real link and tables in a world that breaks, and what must hold."""

from typing import cast
from unittest.mock import patch

import pytest

from drivers.scanner import (
    Closed,
    ImageKey,
    Optics,
    PlanList,
    PlannedField,
    RectangleSpot,
    ScannerLink,
    SlideAborted,
    states,
)
from drivers.scanner.states import CaptureState, Held, News, RequestState, SlideState, Step
from drivers.scanner.words import AnswerWord, SlideStatus
from tests.wire.world import DriverKilled, World

FIELDS = range(6)
PLANES = range(2)
SIDE_PX = 16
PLAN = PlanList(
    spot=RectangleSpot(x_nm=0, y_nm=0, w_nm=1_000_000, h_nm=1_000_000),
    w_nm=4_000,
    h_nm=4_000,
    overlap_nm=500,
    fields=[PlannedField(field=f, x_nm=3_500 * f, y_nm=0, planes=2) for f in FIELDS],
)


def scan(world: World) -> Closed | SlideAborted | None:
    """One life of a driver: it takes up the slide and goes on to its end, or until it is killed."""
    chance = world.chance
    link = ScannerLink("inproc://nowhere", "driver-1")
    world.link, world.given = link, set()
    answer = link.open_slide(
        "S-1", "simulation", "cervical", "thinprep", Optics(pm_per_px=250_000), PLAN
    )
    seen = {key.field for key in (*answer.resume.committed, *answer.resume.in_hand)}
    seen |= set(answer.resume.skipped)
    heard: set[str] = set()
    for field in FIELDS if answer.answer.state is SlideStatus.OPEN else ():
        if field in seen:
            continue
        if chance.random() < 0.15:
            link.skip_field(field, "stage")
            continue
        capture = expose(world, field)
        while chance.random() < 0.25:
            link.withdraw(field, capture)
            capture = expose(world, field)
        if world.may_ask:
            heed_requests(world, heard)
    if chance.random() < 0.1 and answer.answer.state is SlideStatus.OPEN:
        return link.abort_slide("operator")
    if answer.answer.state is SlideStatus.ABORTED:
        return None
    return link.close_slide()


def heed_requests(world: World, heard: set[str]) -> None:
    """Each request comes once a life; what is heard in time is noted as it was said."""
    link, chance, slide = world.link, world.chance, world.disk["S-1"]
    assert link is not None
    while (request := link.next_request()) is not None:
        assert request.id not in heard, "handed out twice"
        heard.add(request.id)
        if chance.random() < 0.2:
            continue  # it is ignored
        if chance.random() < 0.3:
            link.answer(request, "accepted")
        is_done = chance.random() < 0.6
        if is_done and request.field is not None:
            expose(world, request.field)
        word: AnswerWord = "done" if is_done else "refused"
        answered = link.answer(request, word)
        assert answered.late == (slide.said[request.id] != word)


def expose(world: World, field: int) -> int:
    link = world.link
    assert link is not None
    capture = link.next_capture(field)
    for plane in PLANES:
        world.given.add(ImageKey(field=field, capture=capture, plane=plane))
        pixels = world.chance.randbytes(SIDE_PX * SIDE_PX)
        try:
            link.send_field(
                field,
                pixels,
                capture=capture,
                plane=plane,
                x_nm=3_500 * field,
                y_nm=0,
                width_px=SIDE_PX,
                height_px=SIDE_PX,
                format="Mono8",
            )
        except BaseException:
            if ImageKey(field=field, capture=capture, plane=plane) not in link._exchange.book.open:
                world.given.discard(ImageKey(field=field, capture=capture, plane=plane))
            raise
    return capture


def live_through(world: World) -> None:
    """Drivers are started again until the slide has ended; then what must hold is checked."""
    with world.lived_in():
        while True:
            try:
                result = scan(world)
                break
            except DriverKilled:
                for socket in list(world.sockets):
                    socket.close()
                world.link = None
    slide = world.disk["S-1"]
    if not isinstance(result, Closed):
        assert slide.state is SlideState.ABORTED
        return
    assert result.answer.state is SlideStatus.CLOSED
    assert slide.state is SlideState.CLOSED
    assert slide.final == frozenset(slide.committed)
    assert slide.manifest is not None
    assert set(slide.manifest.committed) == set(slide.committed)
    assert set(slide.manifest.withdrawn) == slide.withdrawn
    assert set(slide.manifest.skipped) == slide.skipped
    for field in FIELDS:
        assert field in slide.skipped or any(key.field == field for key in slide.committed)
    assert world.link is not None
    assert not world.link._exchange.book.kept


def live_through_many(count: int, **may: bool) -> list[World]:
    worlds = []
    for seed in range(count):
        worlds.append(World(seed, **may))
        try:
            live_through(worlds[-1])
        except AssertionError as error:
            raise AssertionError(f"history {seed}: {error}") from error
    return worlds


RESENDS_ALL = patch.dict(
    cast(dict[object, object], states.DRIVER),
    {(Held.UNANSWERED, News.RESUME_IN_HAND): Held.UNSENT},
)
"""A simpler driver: it resends what is in hand."""


def test_i2_no_history_loses_doubles_or_slips_in_an_image() -> None:
    worlds = live_through_many(300)
    assert sum(world.crashes for world in worlds) > 300
    assert sum(world.breaks for world in worlds) > 600
    assert sum(world.kills for world in worlds) > 30
    slides = [world.disk["S-1"] for world in worlds]
    assert sum(len(slide.requests) for slide in slides) > 300
    assert sum(word == "done" for slide in slides for word in slide.said.values()) > 100


def test_a_driver_that_resends_what_is_in_hand_doubles_nothing() -> None:
    with RESENDS_ALL:
        worlds = live_through_many(200, may_kill=False, may_ask=False)
    assert sum(world.crashes for world in worlds) > 100


def test_without_faults_each_image_is_sent_once() -> None:
    for world in live_through_many(20, may_break=False):
        assert world.link is not None
        assert world.link.counters.sent == len(world.given)


@pytest.mark.parametrize(
    ("table", "key", "wrong"),
    [
        (states.DRIVER, (Held.UNSENT, News.SENT), Held.COMMITTED),
        (states.DRIVER, (Held.UNANSWERED, News.RESUME_SILENT), Held.COMMITTED),
        (states.MESSAGE, states.SessionState.NONE, None),
        (states.ASK, SlideState.CLOSED, True),
        (states.ANSWER, (SlideState.OPEN, RequestState.SAID_SO), Step.DO),
    ],
)
def test_a_wrong_entry_is_found(table: dict[object, object], key: object, wrong: object) -> None:
    with patch.dict(table, {key: wrong}), pytest.raises(AssertionError):
        live_through_many(300)


@pytest.mark.parametrize(
    ("table", "key", "wrong"),
    [
        (states.FIELD, (SlideState.OPEN, CaptureState.COMMITTED, True), Step.DO),
        (states.FIELD, (SlideState.OPEN, CaptureState.IN_HAND, True), Step.DO),
        (states.DRIVER, (Held.REFUSED, News.COMMITTED), Held.REFUSED),
    ],
)
def test_a_wrong_entry_for_repeats_is_found(
    table: dict[object, object], key: object, wrong: object
) -> None:
    with RESENDS_ALL, patch.dict(table, {key: wrong}), pytest.raises(AssertionError):
        live_through_many(300, may_kill=False, may_ask=False)
