"""A driver's frames and the time go in, effects come out."""

from collections.abc import Iterator, Sequence

from drivers.problem import Problem, shown
from drivers.scanner import codec, states
from drivers.scanner.codec import Bytes, Undecodable
from drivers.scanner.lists import ManifestList, PlanList
from drivers.scanner.messages import (
    AbortSlide,
    Bye,
    CloseSlide,
    Farewell,
    FromClient,
    Hello,
    InSession,
    OpenSlide,
    OpenSlideBrief,
    Ping,
    Pong,
    RequestAnswer,
    SendField,
    SkipField,
    Welcome,
    Withdraw,
)
from drivers.scanner.words import MAX_PIXEL_BYTES, PROTOCOL_VERSION, Code, PixelFormat
from edge.intake import captures, requests, slides
from edge.intake.desk import Desk
from edge.intake.effects import Effect, Reply
from edge.intake.refusals import problem
from edge.intake.sessions import MAX_SESSIONS, Session


def receive(
    desk: Desk, peer: bytes, frames: Sequence[Bytes], now_s: float, name: str = ""
) -> Iterator[Effect]:
    """What a driver's message makes the daemon do.

    Args:
        desk: The intake's state.
        peer: The connection that it came on.
        frames: Header and second part.
        now_s: Monotonic time.
        name: The only driver that this connection's key lets say `hello`; empty: any.
    """
    session = desk.sessions.of_peer(peer)
    if session is not None:
        session.heard_s = now_s
    decoded = codec.decode_from_client(frames)
    if isinstance(decoded, Undecodable):
        yield Reply(peer, codec.error_of(decoded))
        return
    message, part = decoded.message, decoded.part
    if isinstance(message, Hello):
        yield _hello(desk, peer, message, now_s, name)
        return
    if not isinstance(message, InSession):
        yield _error(peer, message, Code.MESSAGE, problem(Code.MESSAGE, "type", message.type))
        return
    code = states.on_message(desk.sessions.state(message.session, peer))
    if code is not None or session is None:
        why = problem(Code.SESSION, "session", message.session)
        yield _error(peer, message, Code.SESSION, why)
        return
    match message, part:
        case SendField(), bytes() | memoryview():
            yield from captures.on_field(desk, session, message, part)
        case OpenSlide(), PlanList():
            yield from slides.on_open(desk, session, message, part, now_s)
        case SkipField(), None:
            yield from slides.on_skip(desk, session, message)
        case Withdraw(), None:
            yield from slides.on_withdraw(desk, session, message)
        case RequestAnswer(), None:
            yield from requests.on_answer(desk, session, message)
        case CloseSlide(), ManifestList():
            yield from slides.on_end(desk, session, message, part)
        case AbortSlide(), None:
            yield from slides.on_end(desk, session, message, None)
        case Ping(), None:
            yield Reply(peer, Pong(re=message.id, window=desk.window()))
        case Bye(), None:
            desk.sessions.close(session)
            yield Reply(peer, Farewell(re=message.id))


def written(desk: Desk, ticket: int) -> Iterator[Effect]:
    """A row is on the disk: whoever waited for it is answered."""
    waiting, answer = desk.tickets.pop(ticket)
    yield from desk.answer(waiting, answer)


def _hello(desk: Desk, peer: bytes, message: Hello, now_s: float, name: str) -> Reply:
    if name not in ("", message.driver):
        return _error(peer, message, Code.DRIVER, problem(Code.DRIVER, "driver", message.driver))
    if PROTOCOL_VERSION not in message.v:
        return _error(peer, message, Code.VERSION, problem(Code.VERSION, "v", shown(message.v)))
    if desk.floods.is_shut(message.driver, now_s):
        what = "it sent on though the window was full, and is shut out for a while"
        why = Problem("driver", message.driver, what, "Mend its count of unanswered images")
        return _error(peer, message, Code.BUSY, why)
    if not desk.sessions.has_room_for(message.driver, now_s):
        what = f"{MAX_SESSIONS} drivers are connected"
        why = Problem("driver", message.driver, what, "Wait until one says bye")
        return _error(peer, message, Code.BUSY, why)
    session = Session(desk.new_id(), peer, message.driver, now_s, frozenset(message.takes or ()))
    desk.sessions.open(session)
    welcome = Welcome(
        re=message.id,
        v=PROTOCOL_VERSION,
        session=session.id,
        boot=desk.boot,
        window=desk.window(),
        formats=list(PixelFormat),
        max_pixel_bytes=min(MAX_PIXEL_BYTES, desk.limit.bytes),
        fields_per_1000_s=desk.readiness.fields_per_1000_s,
        ready=desk.readiness.is_judging,
        model=desk.readiness.model,
        open_slides=[
            OpenSlideBrief(slide=book.slide, driver=book.driver) for book in desk.books.values()
        ],
    )
    return Reply(peer, welcome)


def _error(peer: bytes, message: FromClient, code: Code, why: Problem) -> Reply:
    wrong = Undecodable(message.id, message.type, code, why)
    return Reply(peer, codec.error_of(wrong))
