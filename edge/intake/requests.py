"""Requests: sent to the driver of the slide's live session, answered, or lapsed.

What is worth asking for is chosen elsewhere (`edge/requests`): here a request has its row on the
disk. It is sent again in each session that takes the slide up, until it is answered.
"""

from collections.abc import Iterator

from drivers.scanner import messages as m
from drivers.scanner import states
from drivers.scanner.states import RequestState, SlideState, Step
from drivers.scanner.words import Code, EventKind
from edge.intake.book import Book, Pending
from edge.intake.desk import Desk
from edge.intake.effects import Effect, Reply, Takes, Tell, Write
from edge.intake.refusals import problem
from edge.intake.sessions import Session
from edge.slide.request import Answered, Asked, RequestEnd, RequestKind

_ENDS = {"done": RequestEnd.DONE, "refused": RequestEnd.REFUSED}
_WORDS = {
    RequestKind.REFOCUS: "Focus field {field} anew and send it again",
    RequestKind.RESCAN: "Send field {field} again",
    RequestKind.ADD_PLANE: "Add plane {plane} to field {field}, at another height",
    RequestKind.REVISIT: "Send field {field} again: it holds suspicious findings",
    RequestKind.STOP_EARLY: "Close the slide: more fields would not change what is done next",
}
_STANDS = "category_stands"


def asked(desk: Desk, slide: str, row: Asked) -> Iterator[Effect]:
    """A request is on the disk: send it, if the slide still takes what it would bring."""
    book = desk.books.get(slide)
    if book is None:
        return
    pending = Pending(row)
    book.requests[pending.id] = pending
    session = desk.sessions.get(book.session)
    if session is not None and states.may_ask(book.state):
        yield Reply(session.peer, _request(desk, slide, row))
        yield _told(slide, pending)


def taken_up(desk: Desk, session: Session, book: Book) -> Iterator[Effect]:
    """The slide was opened in a session: send there what is not answered, and note what it takes.

    The time for each begins anew: nobody could do anything meanwhile.
    """
    book.session = session.id
    if not states.may_ask(book.state):
        return
    for pending in book.requests.values():
        if not pending.has_ended:
            pending.due_s = None
            if not pending.said:
                yield Reply(session.peer, _request(desk, book.slide, pending.row))
    yield Takes(book.slide, session.takes)


def on_answer(desk: Desk, session: Session, message: m.RequestAnswer) -> Iterator[Effect]:
    """The driver says what becomes of a request."""
    book = desk.book(message.slide)
    pending = None if book is None else book.requests.get(message.request)
    slide = SlideState.UNKNOWN if book is None else book.state
    step = states.on_answer(slide, _state(pending, message.answer))
    if isinstance(step, Code) or pending is None:
        code = step if isinstance(step, Code) else Code.NOT_ASKED
        key, value = ("slide", message.slide) if book is None else ("request", message.request)
        yield desk.refuse(session, message, code, problem(code, key, value))
        return
    is_late = step is Step.LATE
    desk.late_answers += is_late
    answer = m.Answered(
        re=message.id,
        slide=message.slide,
        request=message.request,
        late=is_late,
        window=desk.window(),
    )
    if step is not Step.DO:
        yield Reply(session.peer, answer)
        return
    pending.said = message.answer
    yield _told(message.slide, pending)
    if message.answer in _ENDS:
        pending.has_ended = True
        row = Answered(pending.row.number, _ENDS[message.answer])
        yield desk.write(session, message, message.slide, row, answer)
    else:
        yield Reply(session.peer, answer)


def lapse(desk: Desk, now_s: float) -> Iterator[Effect]:
    """End what was not done in time. Time runs while the slide is open and its driver is heard."""
    for book in desk.books.values():
        if not states.may_ask(book.state) or not desk.sessions.is_heard(book.driver, now_s):
            continue
        for pending in book.requests.values():
            if pending.has_ended:
                continue
            if pending.due_s is None:
                pending.due_s = now_s + desk.within_ms / 1000
            elif now_s >= pending.due_s:
                pending.has_ended, pending.said = True, RequestEnd.LAPSED
                yield Write(book.slide, Answered(pending.row.number, RequestEnd.LAPSED), None)
                yield _told(book.slide, pending)


def _state(pending: Pending | None, said: str) -> RequestState:
    if pending is None:
        return RequestState.UNKNOWN
    if pending.said == said:
        return RequestState.SAID_SO
    return RequestState.ENDED if pending.has_ended else RequestState.OPEN


def _request(desk: Desk, slide: str, row: Asked) -> m.Request:
    is_stop = row.kind is RequestKind.STOP_EARLY
    return m.Request.model_validate(
        {
            "id": Pending(row).id,
            "slide": slide,
            "kind": row.kind.value,
            "field": row.field,
            "plane": row.plane,
            "why": _STANDS if is_stop else row.why,
            "words": words(row),
            "within_ms": desk.within_ms,
            "worth": row.worth,
        }
    )


def words(row: Asked) -> str:
    """A request, for people."""
    told = _WORDS[row.kind].format(field=row.field, plane=row.plane)
    return f"{told} ({row.why.replace('_', ' ')})"


def _told(slide: str, pending: Pending) -> Tell:
    row = pending.row
    body = {
        "request": pending.id,
        "kind": row.kind.value,
        "field": row.field,
        "words": words(row),
        "worth": row.worth,
        "answer": str(pending.said),
    }
    return Tell(EventKind.REQUEST, slide, body)
