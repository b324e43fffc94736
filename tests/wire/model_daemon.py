"""A daemon as small as the protocol allows: the tables, a disk that is a dict, and no pixels read.

`ModelDaemon` does no I/O; a crash is a new one over the same `Disk`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from drivers.problem import Problem
from drivers.scanner import messages as m
from drivers.scanner import states
from drivers.scanner.codec import (
    Bytes,
    FromWire,
    Part,
    Undecodable,
    check_pixels,
    decode_from_client,
    encode,
    error_of,
    identity,
    refusal_of,
)
from drivers.scanner.crc import crc32c_hex
from drivers.scanner.lists import (
    CaptureKey,
    DifferenceList,
    ImageKey,
    ManifestList,
    PlanList,
    ResumeList,
)
from drivers.scanner.states import CaptureState, RequestState, SessionState, SlideState, Step
from drivers.scanner.words import Code, PixelFormat, SlideStatus, Window

Outbox = Iterator[tuple[bytes, list[Bytes]]]
BOOTS = count(1)
MOST_ASKED = 4
"""Requests a slide."""


@dataclass
class Slide:
    """What is on the disk of a slide, and its state while the daemon lives."""

    opening: str
    owner: str
    optics: Any
    is_free: bool = False
    """Its owner said `bye`."""
    state: SlideState = SlideState.OPEN
    committed: dict[ImageKey, str] = field(default_factory=dict)
    withdrawn: set[CaptureKey] = field(default_factory=set)
    skipped: set[int] = field(default_factory=set)
    requests: list[m.Request] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)
    """The driver's last word on each request."""
    manifest: ManifestList | None = None
    final: frozenset[ImageKey] | None = None
    """What the final verdict was made from."""
    in_hand_at_closing: frozenset[ImageKey] = frozenset()


@dataclass
class InHand:
    slide: str
    key: ImageKey
    identity: str
    session: str
    re: str


class ModelDaemon:
    def __init__(self, disk: dict[str, Slide], window: Window) -> None:
        self.disk = disk
        self.window = window
        self.boot = f"boot-{next(BOOTS)}"
        self.sessions: dict[str, tuple[str, bytes]] = {}
        """By driver: session and peer."""
        self.replaced: set[str] = set()
        self.in_hand: list[InHand] = []
        self.opened_in: dict[str, str] = {}
        """By slide: the session in which it was opened last."""
        self.closing: dict[str, tuple[str, str]] = {}
        """By slide: session and id of who waits for its end."""
        self.refuse_next: list[tuple[Code, str]] = []
        """Script: refuse the next message of this type with this code."""
        self.seen: list[str] = []
        """Types of the messages that were understood."""
        for slide in disk.values():
            if slide.state is SlideState.CLOSING:
                slide.state = SlideState.OPEN

    # Messages -------------------------------------------------------------------------------------

    def handle(self, peer: bytes, frames: list[Bytes]) -> Outbox:
        got = decode_from_client(frames)
        if isinstance(got, Undecodable):
            yield peer, encode(error_of(got))
            return
        message = got.message
        self.seen.append(message.type)
        for scripted in self.refuse_next:
            if scripted[1] == message.type:
                self.refuse_next.remove(scripted)
                yield peer, encode(self.refused(message, scripted[0]))
                return
        if isinstance(message, m.Hello):
            yield peer, encode(self.welcome(peer, message))
            return
        if isinstance(message, m.Ask):
            yield peer, encode(m.Told(re=message.id, what=message.what), {"what": message.what})
            return
        if isinstance(message, m.Revise):
            yield peer, encode(m.Revised(re=message.id, slide=message.slide, revision=2))
            return
        code = states.on_message(self.session_state(message.session, peer))
        if code is not None:
            what = Problem("session", message.session, "is not live", "Say hello")
            yield peer, encode(error_of(Undecodable(message.id, message.type, code, what)))
            return
        self.driver(message.session)
        for answer, part in self.in_session(message, got):
            yield peer, encode(answer, part)
        yield from self.finish()

    def session_state(self, session: str, peer: bytes) -> SessionState:
        if (session, peer) in self.sessions.values():
            return SessionState.LIVE
        return SessionState.REPLACED if session in self.replaced else SessionState.NONE

    def welcome(self, peer: bytes, hello: m.Hello) -> m.Welcome:
        if hello.driver in self.sessions:
            self.replaced.add(self.sessions[hello.driver][0])
        session = f"s-{next(BOOTS)}"
        self.sessions[hello.driver] = (session, peer)
        return m.Welcome(
            re=hello.id,
            v=1,
            session=session,
            boot=self.boot,
            window=self.window,
            formats=list(PixelFormat),
            max_pixel_bytes=1_000_000,
            fields_per_1000_s=0,
            ready=True,
            model="",
            open_slides=[
                m.OpenSlideBrief(slide=name, driver=slide.owner)
                for name, slide in self.disk.items()
                if slide.state is SlideState.OPEN
            ],
        )

    def in_session(
        self, message: m.FromClient, got: FromWire[m.FromClient]
    ) -> Iterator[tuple[m.FromDaemon, Part | None]]:
        match message:
            case m.Ping():
                yield m.Pong(re=message.id, window=self.window), None
            case m.Bye():
                driver = self.driver(message.session)
                self.replaced.add(self.sessions.pop(driver)[0])
                for slide in self.disk.values():
                    slide.is_free |= slide.owner == driver
                yield m.Farewell(re=message.id), None
            case m.OpenSlide():
                assert isinstance(got.part, PlanList)
                opened, part = self.on_open(message, got.part)
                yield opened, part
                if isinstance(opened, m.SlideOpened):
                    self.opened_in[message.slide] = message.session
                    slide = self.disk[message.slide]
                    unanswered = [r for r in slide.requests if r.id not in slide.said]
                    yield from ((r, None) for r in unanswered if states.may_ask(slide.state))
            case m.SendField():
                assert isinstance(got.part, bytes | memoryview)
                answer = self.on_field(message, got.part)
                if answer is not None:
                    yield answer, None
            case m.SkipField() | m.Withdraw():
                yield self.on_note(message), None
            case m.RequestAnswer():
                yield self.on_answer(message), None
            case m.CloseSlide():
                assert isinstance(got.part, ManifestList)
                yield from self.on_close(message, got.part)
            case m.AbortSlide():
                yield self.on_abort(message), None

    def driver(self, session: str) -> str:
        drivers = [driver for driver, (live, _) in self.sessions.items() if live == session]
        assert drivers, "a session that is not live had an effect"
        return drivers[0]

    def state(self, slide: str) -> SlideState:
        return self.disk[slide].state if slide in self.disk else SlideState.UNKNOWN

    def refused(self, message: m.FromClient, code: Code) -> m.Refused:
        what = Problem("slide", "it", f"is refused: {code}", "See the document")
        return refusal_of(message, code, what, self.window)

    def on_open(
        self, message: m.OpenSlide, plan: PlanList
    ) -> tuple[m.FromDaemon, ResumeList | None]:
        driver = self.driver(message.session)
        essentials = message.model_dump_json(exclude={"id", "session", "ext", "operator"})
        opening = essentials + plan.model_dump_json()
        slide = self.disk.get(message.slide)
        owner_matches = slide is None or slide.is_free or slide.owner == driver
        reply = states.on_open(
            self.state(message.slide), owner_matches, slide is None or slide.opening == opening
        )
        if isinstance(reply, Code):
            return self.refused(message, reply), None
        if slide is None:
            slide = self.disk[message.slide] = Slide(opening, driver, message.optics)
        slide.owner, slide.is_free = driver, False
        for held in self.in_hand:
            held.session = message.session if held.slide == message.slide else held.session
        resume = ResumeList(
            committed=list(slide.committed),
            in_hand=[held.key for held in self.in_hand if held.slide == message.slide],
            withdrawn=list(slide.withdrawn),
            skipped=list(slide.skipped),
        )
        answer = m.SlideOpened(
            re=message.id,
            slide=message.slide,
            state=SlideStatus(slide.state.value),
            window=self.window,
            flags=[],
        )
        return answer, resume

    def on_field(self, message: m.SendField, pixels: Bytes) -> m.FromDaemon | None:
        key = ImageKey(field=message.field, capture=message.capture, plane=message.plane)
        slide = self.disk.get(message.slide)
        held = next((h for h in self.in_hand if (h.slide, h.key) == (message.slide, key)), None)
        capture, known = CaptureState.UNSEEN, ""
        if slide is not None and key in slide.committed:
            capture, known = CaptureState.COMMITTED, slide.committed[key]
        elif held is not None:
            capture, known = CaptureState.IN_HAND, held.identity
        taken_back = CaptureKey(field=message.field, capture=message.capture)
        if slide is not None and taken_back in slide.withdrawn:
            capture = CaptureState.WITHDRAWN
        mine = "" if slide is None else identity(message, slide.optics)
        reply = states.on_field(self.state(message.slide), capture, mine == known)
        if isinstance(reply, Code):
            return self.refused(message, reply)
        assert slide is not None
        if reply is Step.AGAIN:
            return self.committed(message.id, message.slide, key, again=True)
        if reply is Step.WAIT and held is not None:
            held.session, held.re = message.session, message.id
            return None
        if check_pixels(message, memoryview(pixels).nbytes) is not None:
            return self.refused(message, Code.FORMAT)
        if crc32c_hex(pixels) != message.checksum:
            return self.refused(message, Code.CHECKSUM)
        self.in_hand.append(InHand(message.slide, key, mine, message.session, message.id))
        return None

    def on_note(self, message: m.SkipField | m.Withdraw) -> m.FromDaemon:
        slide = self.disk.get(message.slide)
        about: dict[str, Any] = {"re": message.id, "slide": message.slide, "field": message.field}
        if isinstance(message, m.SkipField):
            already = slide is not None and message.field in slide.skipped
            reply = states.on_skip(self.state(message.slide), already)
        else:
            key = CaptureKey(field=message.field, capture=message.capture)
            already = slide is not None and key in slide.withdrawn
            reply = states.on_withdraw(self.state(message.slide), already)
        if isinstance(reply, Code):
            return self.refused(message, reply)
        assert slide is not None
        if isinstance(message, m.SkipField):
            slide.skipped.add(message.field)
            return m.FieldSkipped(**about, window=self.window)
        slide.withdrawn.add(key)
        return m.Withdrawn(**about, capture=message.capture, window=self.window)

    def on_answer(self, message: m.RequestAnswer) -> m.FromDaemon:
        slide = self.disk.get(message.slide)
        request = RequestState.UNKNOWN
        if slide is not None and message.request in {r.id for r in slide.requests}:
            said = slide.said.get(message.request, "")
            has_ended = said in ("done", "refused")
            request = RequestState.ENDED if has_ended else RequestState.OPEN
            request = RequestState.SAID_SO if said == message.answer else request
        reply = states.on_answer(self.state(message.slide), request)
        if isinstance(reply, Code):
            return self.refused(message, reply)
        assert slide is not None
        if reply is Step.DO:
            assert slide.state is SlideState.OPEN, "an answer had an effect after the end"
            assert slide.said.get(message.request, "accepted") == "accepted", "answered twice"
            slide.said[message.request] = message.answer
        return m.Answered(
            re=message.id,
            slide=message.slide,
            request=message.request,
            late=reply is Step.LATE,
            window=self.window,
        )

    def on_close(
        self, message: m.CloseSlide, manifest: ManifestList
    ) -> Iterator[tuple[m.FromDaemon, Part | None]]:
        slide = self.disk.get(message.slide)
        same = slide is not None and slide.manifest == manifest
        reply = states.on_close(self.state(message.slide), same)
        if isinstance(reply, Code):
            yield self.refused(message, reply), None
            return
        assert slide is not None
        if reply is Step.AGAIN:
            yield self.closed(message.id, message.slide, SlideStatus.CLOSED), NO_DIFFERENCE
            return
        self.closing[message.slide] = (message.session, message.id)
        if reply is Step.DO:
            slide.state = states.AFTER[slide.state, m.CloseSlide]
            slide.manifest = manifest
            slide.in_hand_at_closing = frozenset(
                held.key for held in self.in_hand if held.slide == message.slide
            )

    def on_abort(self, message: m.AbortSlide) -> m.FromDaemon:
        reply = states.on_abort(self.state(message.slide))
        if isinstance(reply, Code):
            return self.refused(message, reply)
        self.in_hand = [held for held in self.in_hand if held.slide != message.slide]
        self.disk[message.slide].state = SlideState.ABORTED
        return m.SlideAborted(re=message.id, slide=message.slide, verdict={})

    # What happens by itself -----------------------------------------------------------------------

    def commit(self, *, answer: bool = True) -> Outbox:
        """The oldest image in hand is on the disk; then it is answered."""
        held = self.in_hand[0]
        slide = self.disk[held.slide]
        assert held.key not in slide.committed, "committed twice"
        assert slide.state in (SlideState.OPEN, SlideState.CLOSING), "committed after the end"
        assert slide.state is SlideState.OPEN or held.key in slide.in_hand_at_closing
        slide.committed[held.key] = held.identity
        if not answer:
            return
        self.in_hand.pop(0)
        message = self.committed(held.re, held.slide, held.key, again=False)
        yield from self.to(held.session, encode(message))
        yield from self.finish()

    def ask(self, name: str, field: int) -> Outbox:
        """Asks for a field once more, where it may."""
        slide = self.disk.get(name)
        if slide is None or not states.may_ask(slide.state) or len(slide.requests) == MOST_ASKED:
            return
        assert slide.state is SlideState.OPEN, "asked after the end"
        request = m.Request(
            id=f"r{len(slide.requests) + 1}",
            slide=name,
            kind="rescan",
            field=field,
            why="out_of_focus",
            words=f"Send field {field} again",
            within_ms=30_000,
            worth=1,
        )
        slide.requests.append(request)
        yield from self.to(self.opened_in.get(name, ""), encode(request))

    def finish(self) -> Outbox:
        """Slides whose close was asked for, and of which nothing is in hand any more."""
        for name, (session, re) in list(self.closing.items()):
            slide = self.disk[name]
            if any(held.slide == name for held in self.in_hand):
                continue
            del self.closing[name]
            difference = self.difference(slide)
            slide.state = states.CLOSED_AS[difference == NO_DIFFERENCE]
            if slide.state is SlideState.CLOSED:
                slide.final = frozenset(slide.committed)
            answer = self.closed(re, name, SlideStatus(slide.state.value))
            yield from self.to(session, encode(answer, difference))

    def difference(self, slide: Slide) -> DifferenceList:
        said = slide.manifest or NOTHING
        return DifferenceList(
            missing=ManifestList(
                committed=[key for key in said.committed if key not in slide.committed],
                withdrawn=[key for key in said.withdrawn if key not in slide.withdrawn],
                skipped=[number for number in said.skipped if number not in slide.skipped],
            ),
            unexpected=ManifestList(
                committed=[key for key in slide.committed if key not in said.committed],
                withdrawn=[key for key in slide.withdrawn if key not in said.withdrawn],
                skipped=[number for number in slide.skipped if number not in said.skipped],
            ),
        )

    def committed(self, re: str, slide: str, key: ImageKey, *, again: bool) -> m.Committed:
        return m.Committed(
            re=re,
            slide=slide,
            **key.model_dump(),
            disposition="used",
            reasons=[],
            quality={},
            again=again,
            window=self.window,
        )

    def closed(self, re: str, slide: str, state: SlideStatus) -> m.SlideClosed:
        verdict = {"outcome": "review"} if state is SlideStatus.CLOSED else None
        return m.SlideClosed(re=re, slide=slide, state=state, verdict=verdict, window=self.window)

    def to(self, session: str, frames: list[Bytes]) -> Outbox:
        for live, peer in self.sessions.values():
            if live == session:
                yield peer, frames


NOTHING = ManifestList(committed=[], withdrawn=[], skipped=[])
NO_DIFFERENCE = DifferenceList(missing=NOTHING, unexpected=NOTHING)
