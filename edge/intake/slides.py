"""Slides: opened, skipped and withdrawn from, closed, aborted."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from drivers.problem import Problem
from drivers.scanner import states
from drivers.scanner.lists import DifferenceList, ManifestList, PlanList
from drivers.scanner.messages import (
    AbortSlide,
    CloseSlide,
    FieldSkipped,
    OpenSlide,
    SkipField,
    SlideAborted,
    SlideClosed,
    SlideOpened,
    Withdraw,
    Withdrawn,
)
from drivers.scanner.states import SlideState, Step
from drivers.scanner.words import Code, SlideStatus
from edge.intake import requests, to_do
from edge.intake.book import Book, Ending, Waiting, manifest_digest, opening_identity
from edge.intake.desk import Desk
from edge.intake.effects import Conclude, Effect, Open, Reply, TakeOver, Write
from edge.intake.refusals import problem
from edge.intake.sessions import Session
from edge.slide.record import Closing, End, Row, Skip, Withdrawal

_STATUS: Mapping[SlideState, SlideStatus] = {
    SlideState.OPEN: SlideStatus.OPEN,
    SlideState.CLOSING: SlideStatus.CLOSING,
    SlideState.CLOSED: SlideStatus.CLOSED,
    SlideState.ABORTED: SlideStatus.ABORTED,
}
_ENDED = (SlideState.CLOSED, SlideState.ABORTED)
MAX_PLANNED_UM2 = 6_000_000_000
"""Three glasses of 26 x 76 mm. With `MAX_CROWD` it bounds evidence, in memory and in time."""
MAX_CROWD = 64
_NOTHING = ManifestList(committed=[], withdrawn=[], skipped=[])
_AGREED = DifferenceList(missing=_NOTHING, unexpected=_NOTHING)


def on_open(
    desk: Desk, session: Session, message: OpenSlide, plan: PlanList, now_s: float
) -> Iterator[Effect]:
    """A driver opens a slide, or takes it up again."""
    book = desk.book(message.slide)
    opening = opening_identity(message, plan)
    if book is None:
        if (not_ready := desk.readiness.problem()) is not None:
            yield desk.refuse(session, message, *not_ready)
        elif message.slide in desk.opening:
            yield desk.refuse_slide(session, message, Code.BUSY, message.slide)
        elif (wrong := _wrong_plan(plan)) is not None:
            yield desk.refuse(session, message, Code.MESSAGE, wrong)
        else:
            desk.opening.add(message.slide)
            yield Open(message, plan, session.id, session.driver, opening)
        return
    is_owner = book.driver == session.driver or not desk.sessions.is_heard(book.driver, now_s)
    step = states.on_open(book.state, is_owner, book.opening == opening)
    if isinstance(step, Code):
        yield desk.refuse_slide(session, message, step, book.slide)
        return
    if book.state not in _ENDED:
        if book.driver != session.driver:
            book.driver = session.driver
            yield TakeOver(book.slide, session.driver, opening)
        for held in book.images.values():
            if held.outcome is None:
                held.waiting = Waiting(session.id, held.waiting.re if held.waiting else message.id)
    yield _opened(desk, session, message.id, book)
    yield from requests.taken_up(desk, session, book)


def opened(desk: Desk, open_: Open, book: Book) -> Iterator[Effect]:
    """A new slide is durable."""
    desk.opening.discard(book.slide)
    desk.books[book.slide] = book
    session = desk.sessions.get(open_.session)
    if session is not None:
        yield _opened(desk, session, open_.message.id, book)
        yield from requests.taken_up(desk, session, book)


def not_opened(desk: Desk, open_: Open, code: Code, why: Problem) -> Iterator[Effect]:
    """A new slide was refused."""
    desk.opening.discard(open_.message.slide)
    session = desk.sessions.get(open_.session)
    if session is not None:
        yield desk.refuse(session, open_.message, code, why)


def on_skip(desk: Desk, session: Session, message: SkipField) -> Iterator[Effect]:
    """The driver gives a field up."""
    book = desk.book(message.slide)
    answer = FieldSkipped(
        re=message.id, slide=message.slide, field=message.field, window=desk.window()
    )
    row = Skip(message.field, message.why)
    already = book is not None and message.field in book.skipped
    yield from _note(desk, session, message, book, already, row, answer)
    if book is not None and book.state is SlideState.OPEN and message.field in book.plan.by_number:
        book.skipped.add(message.field)


def on_withdraw(desk: Desk, session: Session, message: Withdraw) -> Iterator[Effect]:
    """The driver takes a capture back."""
    book = desk.book(message.slide)
    capture = (message.field, message.capture)
    answer = Withdrawn(
        re=message.id,
        slide=message.slide,
        field=message.field,
        capture=message.capture,
        window=desk.window(),
    )
    already = book is not None and capture in book.withdrawn
    yield from _note(desk, session, message, book, already, Withdrawal(*capture), answer)
    if book is not None and book.state is SlideState.OPEN and message.field in book.plan.by_number:
        book.withdrawn.add(capture)


def on_end(
    desk: Desk, session: Session, message: CloseSlide | AbortSlide, manifest: ManifestList | None
) -> Iterator[Effect]:
    """The driver closes or aborts a slide. What is in hand is finished first."""
    book = desk.book(message.slide)
    state = SlideState.UNKNOWN if book is None else book.state
    digest = "" if manifest is None else manifest_digest(manifest)
    step = (
        states.on_abort(state)
        if isinstance(message, AbortSlide)
        else states.on_close(state, book is not None and book.digest == digest)
    )
    if isinstance(step, Code) or book is None:
        code = step if isinstance(step, Code) else Code.UNKNOWN_SLIDE
        yield desk.refuse_slide(session, message, code, message.slide)
        return
    waiting = Waiting(session.id, message.id)
    if book.ending is not None:
        book.ending.waiting = waiting
    elif step is Step.AGAIN:
        yield _ended(desk, session, message.id, book)
    else:
        book.state = states.AFTER[book.state, type(message)]
        book.digest = digest
        why = message.why if isinstance(message, AbortSlide) else ""
        book.ending = Ending(waiting, manifest, why)
        yield from finish(desk, book)


def finish(desk: Desk, book: Book) -> Iterator[Effect]:
    """End a slide that is to be ended, where nothing of it is in hand any more."""
    ending = book.ending
    if ending is None or ending.is_written or book.has_in_hand:
        return
    difference = None if ending.manifest is None else book.difference(ending.manifest)
    if difference is None:
        ending.is_written = True
        end = End.ABORTED if ending.manifest is None else End.CLOSED
        yield Conclude(Write(book.slide, Closing(end, ending.why, book.digest), None))
        return
    book.state, book.ending, book.digest = SlideState.OPEN, None, ""
    answer = SlideClosed(
        re=ending.waiting.re, slide=book.slide, state=SlideStatus.OPEN, window=desk.window()
    )
    yield from desk.answer(ending.waiting, answer, difference)
    yield to_do.told(book, difference)


def ended(desk: Desk, slide: str, verdict: dict[str, Any]) -> Iterator[Effect]:
    """A slide's end and its final verdict are on the disk."""
    book = desk.books.pop(slide, None)
    if book is None:
        return  # it ended before a restart, which only issued its verdict
    ending, book.ending, book.verdict = book.ending, None, verdict
    if book.state is SlideState.CLOSING:
        book.state = SlideState.CLOSED
    session = None if ending is None else desk.sessions.get(ending.waiting.session)
    if ending is not None and session is not None:
        yield _ended(desk, session, ending.waiting.re, book)


def _note(
    desk: Desk,
    session: Session,
    message: SkipField | Withdraw,
    book: Book | None,
    already: bool,
    row: Row,
    answer: FieldSkipped | Withdrawn,
) -> Iterator[Effect]:
    """Make a row durable and answer, where the slide's state allows it."""
    if book is not None and message.field not in book.plan.by_number:
        why = problem(Code.NOT_PLANNED, "field", str(message.field))
        yield desk.refuse(session, message, Code.NOT_PLANNED, why)
        return
    step = states.on_skip(SlideState.UNKNOWN if book is None else book.state, already)
    if isinstance(step, Code):
        yield desk.refuse_slide(session, message, step, message.slide)
    elif book is not None and book.state is SlideState.OPEN:
        yield desk.write(session, message, book.slide, row, answer)
    else:
        yield Reply(session.peer, answer)


def _opened(desk: Desk, session: Session, re: str, book: Book) -> Reply:
    # An end that is not on the disk yet may still be undone by a restart.
    state = SlideState.CLOSING if book.ending is not None else book.state
    message = SlideOpened(
        re=re,
        slide=book.slide,
        state=_STATUS[state],
        window=desk.window(),
        verdict=book.verdict,
        flags=list(book.flags),
    )
    return Reply(session.peer, message, book.resume())


def _ended(desk: Desk, session: Session, re: str, book: Book) -> Reply:
    if book.state is SlideState.ABORTED:
        aborted = SlideAborted(re=re, slide=book.slide, verdict=book.verdict or {})
        return Reply(session.peer, aborted)
    closed = SlideClosed(
        re=re,
        slide=book.slide,
        state=SlideStatus.CLOSED,
        verdict=book.verdict,
        window=desk.window(),
    )
    return Reply(session.peer, closed, _AGREED)


def _wrong_plan(plan: PlanList) -> Problem | None:
    times = Counter(planned.field for planned in plan.fields)
    number, most = times.most_common(1)[0]
    if most > 1:
        return Problem("fields", f"field {number}", "it is planned twice", "Number each field once")
    area_um2 = len(plan.fields) * plan.w_nm * plan.h_nm // 1_000_000
    if area_um2 > MAX_PLANNED_UM2:
        what = f"all fields together have over {MAX_PLANNED_UM2} um2"
        return Problem("fields", f"{area_um2} um2", what, "Plan one glass")
    crowd = Counter((f.x_nm // plan.w_nm, f.y_nm // plan.h_nm) for f in plan.fields)
    if max(crowd.values()) > MAX_CROWD:
        what = f"over {MAX_CROWD} fields have their middles within one field"
        return Problem("fields", f"{max(crowd.values())} fields", what, "Spread them")
    return None
