"""A desk whose effects a test carries out when it likes: no socket, no clock, no disk."""

import itertools
import json
from collections import deque
from collections.abc import Iterable
from typing import Any

from drivers.problem import Problem
from drivers.scanner import codec
from drivers.scanner.codec import Part
from drivers.scanner.crc import crc32c_hex
from drivers.scanner.lists import ManifestList, PlanList
from drivers.scanner.messages import FromDaemon, Welcome
from drivers.scanner.words import Code, Optics, Window
from edge.intake import captures, receive, slides
from edge.intake.book import Book, Outcome
from edge.intake.desk import Desk
from edge.intake.effects import (
    Conclude,
    Effect,
    Judge,
    LetGo,
    Open,
    Reply,
    TakeOver,
    Takes,
    Tell,
    Write,
)
from edge.intake.sessions import Sessions
from edge.slide.place import Rectangle
from edge.slide.plan import Plan, PlannedField
from edge.slide.record import Image, Row

SIDE = 16
PIXELS = bytes(range(256))
USED = Outcome("used", (), (("focus_milli", 1),))


def plan_list(fields: int = 3) -> dict[str, Any]:
    planned = [{"field": n, "x_nm": 4_000 * n, "y_nm": 0, "planes": 1} for n in range(fields)]
    spot = {"kind": "rectangle", "x_nm": 0, "y_nm": 0, "w_nm": 12_000, "h_nm": 4_000}
    return {"spot": spot, "w_nm": 4_000, "h_nm": 4_000, "overlap_nm": 0, "fields": planned}


class BenchDesk:
    """Peers by name; what the desk wants done waits in `jobs` until the test does it."""

    def __init__(self, window: int = 8) -> None:
        ids = (f"s{n}" for n in itertools.count(1))
        self.desk = Desk(
            boot="boot",
            limit=Window(fields=window, bytes=1 << 20),
            sessions=Sessions(30.0),
            new_id=lambda: next(ids),
            find_ended=lambda slide: self.ended.get(slide),
        )
        self.desk.readiness.is_judging = True
        self.ended: dict[str, Book] = {}
        self.jobs: deque[Judge | Write | Conclude | Open | TakeOver] = deque()
        self.sent: dict[str, list[FromDaemon]] = {}
        self.parts: dict[str, list[Part | None]] = {}
        self.rows: list[Row] = []
        self.in_hand: set[Image] = set()
        self.told: list[Tell] = []
        self.takes: dict[str, frozenset[str]] = {}
        self.now_s = 0.0
        self._numbers = itertools.count(1)

    def say(self, peer: str, part: bytes | None = None, **header: Any) -> FromDaemon | None:
        """Send a message; gives the answer, where one came at once."""
        header.setdefault("id", f"m{next(self._numbers)}")
        frames = [json.dumps(header).encode()]
        if part is not None:
            frames.append(part)
        before = len(self.sent.setdefault(peer, []))
        self._do(receive.receive(self.desk, peer.encode(), frames, self.now_s))
        return self.sent[peer][-1] if len(self.sent[peer]) > before else None

    def hello(self, peer: str, driver: str = "d") -> str:
        answer = self.say(peer, type="hello", v=[1], driver=driver, boot="b")
        assert isinstance(answer, Welcome)
        return answer.session

    def open(self, peer: str, session: str, slide: str = "s", fields: int = 3) -> None:
        self.say(
            peer,
            json.dumps(plan_list(fields)).encode(),
            type="open_slide",
            session=session,
            slide=slide,
            purpose="simulation",
            specimen="cervical",
            preparation="thinprep",
            optics={"pm_per_px": 250_000},
        )

    def field(
        self, peer: str, session: str, field: int, pixels: bytes = PIXELS, **changed: Any
    ) -> FromDaemon | None:
        header = {
            "type": "field", "session": session, "slide": "s", "field": field, "capture": 1,
            "plane": 0, "x_nm": 0, "y_nm": 0, "z_nm": 0, "width_px": SIDE, "height_px": SIDE,
            "format": "Mono8", "stride": SIDE, "exposure_us": 1, "captured_at_us": 1,
            "checksum": crc32c_hex(pixels),
        }  # fmt: skip
        return self.say(peer, pixels, **(header | changed))

    def manifest(self, committed: list[int], skipped: tuple[int, ...] = ()) -> bytes:
        keys = [{"field": f, "capture": 1, "plane": 0} for f in committed]
        return json.dumps({"committed": keys, "withdrawn": [], "skipped": list(skipped)}).encode()

    def work(self, *, count: int | None = None) -> None:
        """Do what waits, in order, as the daemon's other threads would."""
        while self.jobs and (count is None or count > 0):
            count = None if count is None else count - 1
            job = self.jobs.popleft()
            match job:
                case Judge():
                    image = job.capture.image
                    self._do(captures.committed(self.desk, job.capture.slide, image, USED))
                case Open():
                    self._do(slides.opened(self.desk, job, _book(job)))
                case Write():
                    self.rows.append(job.row)
                    if job.ticket is not None:
                        self._do(receive.written(self.desk, job.ticket))
                case Conclude():
                    slide = job.end.slide
                    self.rows.append(job.end.row)
                    self.ended[slide] = self.desk.books[slide]
                    self._do(slides.ended(self.desk, slide, {"outcome": "review"}))

    def damage(self) -> None:
        """The oldest image in hand turns out to have the wrong checksum."""
        job = next(job for job in self.jobs if isinstance(job, Judge))
        self.jobs.remove(job)
        why = Problem("checksum", "0", "differs", "Send it again")
        done = captures.damaged(self.desk, "s", job.capture.image, Code.CHECKSUM, why)
        self._do(done)

    def _do(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            self._take(effect)

    def _take(self, effect: Effect) -> None:
        match effect:
            case Reply():
                codec.encode(effect.message, effect.part)  # it can be sent
                self.sent.setdefault(effect.peer.decode(), []).append(effect.message)
                self.parts.setdefault(effect.peer.decode(), []).append(effect.part)
            case Tell():
                self.told.append(effect)
            case Takes():
                self.takes[effect.slide] = effect.kinds
            case LetGo():
                self.in_hand.discard(effect.image)
            case Judge():
                self.in_hand.add(effect.capture.image)
                self.jobs.append(effect)
            case _:
                self.jobs.append(effect)


def _book(open_: Open) -> Book:
    plan: PlanList = open_.plan
    fields = tuple(PlannedField(f.field, f.x_nm, f.y_nm, f.planes) for f in plan.fields)
    made = Plan(Rectangle(0, 0, 12_000, 4_000), plan.w_nm, plan.h_nm, 0, 0, fields)
    optics = Optics(pm_per_px=250_000)
    return Book(open_.message.slide, open_.driver, open_.opening, optics, made, ())


def manifest_of(book: Book) -> ManifestList:
    resume = book.resume()
    return ManifestList(
        committed=resume.committed, withdrawn=resume.withdrawn, skipped=resume.skipped
    )
