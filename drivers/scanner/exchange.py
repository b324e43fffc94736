"""What happens within the calls of `ScannerLink`: what is due is sent, what comes is taken."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from drivers.problem import Problem, Refusal
from drivers.scanner import messages as m
from drivers.scanner.book import Book
from drivers.scanner.codec import FromWire
from drivers.scanner.connection import PAUSE_S, Connection
from drivers.scanner.lists import ImageKey, ResumeList
from drivers.scanner.question import LinkRefused, LinkTimeout, Question, problem_in
from drivers.scanner.states import Held
from drivers.scanner.words import Window

A = TypeVar("A", bound=m.Answer)


@dataclass(slots=True)
class Counters:
    """What a link has done so far."""

    sent: int = 0
    """Images, each as often as it was sent."""
    answered: int = 0
    """Images that were committed or refused for good."""
    window_wait_s: float = 0.0
    """Time in `send_field` before the image could go: the scanner waited for the daemon."""


class Exchange:
    """A connection, the slide that is open on it, and the question that is being asked."""

    def __init__(
        self,
        connection: Connection,
        on_answer: Callable[[m.Committed | m.Refused], None] | None,
    ) -> None:
        self.connection = connection
        self._on_answer = on_answer
        self.book = Book()
        self.slide = ""
        self.open: Question[m.SlideOpened] | None = None
        """`open_slide`, asked again in each session for as long as the slide is open."""
        self._question: Question[Any] | None = None
        self._not_before = 0.0
        """Pause after a refusal for now."""
        self.requests: deque[m.Request] = deque()
        """What the daemon asked for and nobody has looked at yet."""
        self._heard: set[str] = set()
        """Requests of the slide, by id: one that is sent again is the same one."""
        self.window = Window(fields=0, bytes=0)
        self.counters = Counters()

    def open_slide(
        self, slide: str, question: Question[m.SlideOpened], timeout_s: float
    ) -> m.SlideOpened:
        """Opens a slide; from then on it is opened again in each session.

        Raises:
            LinkRefused: The daemon does not take it.
            LinkTimeout: There was no answer.
        """
        self.book, self.slide, self.open = Book(), slide, question
        self.requests.clear()
        self._heard.clear()
        try:
            self.until(lambda: question.answer is not None, timeout_s, question.message.type)
        except Refusal:
            self.open = None
            raise
        return cast(m.SlideOpened, question.answer)

    def send_image(self, key: ImageKey, timeout_s: float) -> None:
        """Waits until an image of the book has gone out, and counts that time.

        Raises:
            LinkRefused: The daemon no longer takes the slide.
            LinkTimeout: The window stayed full.
        """
        self.send_due()
        if self.book.open.get(key) is Held.UNSENT:
            began = time.monotonic()
            try:
                self.until(lambda: self.book.open.get(key) is not Held.UNSENT, timeout_s, "field")
            finally:
                self.counters.window_wait_s += time.monotonic() - began

    def ask(self, question: Question[A], timeout_s: float) -> A:
        """Asks once a session until there is an answer.

        Raises:
            LinkRefused: It was refused for good.
            LinkTimeout: There was no answer.
        """
        self._question = question
        try:
            self.until(lambda: question.answer is not None, timeout_s, question.message.type)
        finally:
            self._question = None
        return cast(A, question.answer)

    def until(self, done: Callable[[], bool], timeout_s: float, waits_for: str) -> None:
        """Steps until something is so.

        Raises:
            LinkRefused: Nothing will ever be so: the daemon refuses the driver or the slide.
            LinkTimeout: It took too long.
        """
        end = time.monotonic() + timeout_s
        self.send_due()
        while not done():
            left_s = end - time.monotonic()
            if left_s <= 0:
                raise LinkTimeout(self._late(waits_for, timeout_s))
            self.step(left_s)

    def _late(self, waits_for: str, timeout_s: float) -> Problem:
        last = next((q.refusal for q in (self._question, self.open) if q and q.refusal), None)
        if last is not None:
            return problem_in(last)
        if not self.connection.is_live:
            return Problem(waits_for, f"{timeout_s:g} s", "the daemon is silent", "Start it")
        held = f"window {self.window.fields}, unanswered {len(self.book.unanswered)}"
        return Problem(waits_for, f"{timeout_s:g} s", f"no answer yet: {held}", "Wait longer")

    def step(self, wait_s: float) -> bool:
        """Sends what is due and takes one message; whether one came.

        Raises:
            LinkRefused: The daemon refuses the driver, the slide, or what is being asked.
        """
        self.send_due()
        received = self.connection.receive(max(0.0, wait_s))
        if received is not None:
            self._take(received)
            self.send_due()
        if self.connection.failure is not None:
            raise LinkRefused(self.connection.failure)
        for question in (self.open, self._question):
            if question is not None:
                question.check()
        return received is not None

    def send_due(self) -> None:
        """In a session: first the slide, then the question, then the images that fit."""
        if not self.connection.is_live or time.monotonic() < self._not_before:
            return
        if self.open is not None and not self.open.asked(self.connection):
            return
        if self._question is not None:
            self._question.asked(self.connection)
        while self.open is not None and (kept := self.book.next_to_send(self.window)):
            self.book.sent(kept, self.connection.send(kept.message, kept.pixels))
            self.counters.sent += 1

    def _take(self, received: FromWire[m.FromDaemon]) -> None:
        message, part = received.message, received.part
        self.window = getattr(message, "window", None) or self.window
        if isinstance(message, m.Refused | m.Error) and message.retry:
            self._not_before = time.monotonic() + PAUSE_S
        for question in (self.open, self._question):
            if question is not None and question.take(received, self.connection.session_number):
                if isinstance(part, ResumeList):
                    self.counters.answered += self.book.resume(part)
                return
        if isinstance(message, m.Request):
            if message.slide == self.slide and message.id not in self._heard:
                self._heard.add(message.id)
                self.requests.append(message)
            return
        answer = self.book.refused_by(message) if isinstance(message, m.Error) else message
        if isinstance(answer, m.Committed | m.Refused) and answer.slide == self.slide:
            self._take_image(answer)

    def _take_image(self, answer: m.Committed | m.Refused) -> None:
        if self.book.answered(answer):
            self.counters.answered += 1
            if self._on_answer is not None:
                self._on_answer(answer)
