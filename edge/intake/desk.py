"""What the intake knows: who is connected, what each slide holds, who waits for which answer."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from drivers.problem import Problem
from drivers.scanner import codec
from drivers.scanner.codec import Part
from drivers.scanner.messages import FromClient, FromDaemon, InSession
from drivers.scanner.words import Code, Window
from edge.intake.book import Book, Waiting
from edge.intake.effects import Reply, Write
from edge.intake.floods import Floods
from edge.intake.refusals import problem
from edge.intake.sessions import Session, Sessions
from edge.slide.record import Row


@dataclass(slots=True)
class Readiness:
    """What the daemon can do now. The rim keeps it up to date."""

    is_judging: bool = False
    """The engine was tried: captures can be taken through the stages."""
    disk_problem: Problem | None = None
    """Nothing can be committed until a restart."""
    is_ending: bool = False
    """The daemon is being stopped: what is in hand is finished."""
    model: str = ""
    """The proved model's identity."""
    engine: str = ""
    """The engine's, proved or not."""
    cpu_because: str = ""
    """Why a CPU serves; empty where a GPU does."""
    fields_per_1000_s: int = 0

    def problem(self) -> tuple[Code, Problem] | None:
        """Why nothing new can be taken."""
        if self.disk_problem is not None:
            return Code.DISK, self.disk_problem
        if not self.is_judging or self.is_ending:
            value = "stopping" if self.is_ending else "starting"
            return Code.NOT_READY, problem(Code.NOT_READY, "daemon", value)
        return None


@dataclass(slots=True)
class Desk:
    """The state of the intake. One thread owns it."""

    boot: str
    limit: Window
    """What all drivers together may have unanswered."""
    sessions: Sessions
    new_id: Callable[[], str]
    find_ended: Callable[[str], Book | None]
    """Looks up a slide that is not open."""
    readiness: Readiness = field(default_factory=Readiness)
    books: dict[str, Book] = field(default_factory=dict)
    """Open and ending slides."""
    opening: set[str] = field(default_factory=set)
    """New slides on their way to the disk: asked for again, they would be made twice."""
    in_hand: int = 0
    in_hand_bytes: int = 0
    in_hand_of: Counter[str] = field(default_factory=Counter)
    """Images, by driver."""
    bytes_of: Counter[str] = field(default_factory=Counter)
    floods: Floods = field(default_factory=Floods)
    tickets: dict[int, tuple[Waiting, FromDaemon]] = field(default_factory=dict)
    """Answers that wait until a row is durable."""
    last_ticket: int = 0
    within_ms: int = 30_000
    """How long a request may take. The rim sets it."""
    late_answers: int = 0
    """To requests that had ended."""

    def book(self, slide: str) -> Book | None:
        """A slide's book, open or ended."""
        return self.books.get(slide) or self.find_ended(slide)

    def window(self) -> Window:
        """What one driver may have unanswered now: its share, or nothing."""
        if self.readiness.problem() is not None:
            return Window(fields=0, bytes=0)
        sharing = max(1, len({book.driver for book in self.books.values()}))
        fields = max(1, self.limit.fields // sharing)
        return Window(fields=fields, bytes=self.limit.bytes // sharing)

    def refuse(self, session: Session, message: FromClient, code: Code, why: Problem) -> Reply:
        """A refusal: no effect, no trace."""
        return Reply(session.peer, codec.refusal_of(message, code, why, self.window()))

    def refuse_slide(self, session: Session, message: FromClient, code: Code, slide: str) -> Reply:
        """A refusal for what the slide is."""
        return self.refuse(session, message, code, problem(code, "slide", slide))

    def write(
        self, session: Session, message: InSession, slide: str, row: Row, answer: FromDaemon
    ) -> Write:
        """Make a row durable, then answer."""
        self.last_ticket += 1
        self.tickets[self.last_ticket] = Waiting(session.id, message.id), answer
        return Write(slide, row, self.last_ticket)

    def answer(
        self, waiting: Waiting, message: FromDaemon, part: Part | None = None
    ) -> list[Reply]:
        """An answer, where its session still lives."""
        session = self.sessions.get(waiting.session)
        return [] if session is None else [Reply(session.peer, message, part)]
