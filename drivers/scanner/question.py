"""What a driver asks of the daemon and waits for: once a session, until it is answered."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from drivers.problem import Problem, Refusal
from drivers.scanner.codec import FromWire, Part
from drivers.scanner.connection import Connection
from drivers.scanner.messages import (
    AbortSlide,
    Answer,
    Bye,
    CloseSlide,
    Error,
    FromDaemon,
    OpenSlide,
    Refused,
    Request,
    RequestAnswer,
    SkipField,
    Withdraw,
)
from drivers.scanner.words import Code

A = TypeVar("A", bound=Answer)
Asked = OpenSlide | SkipField | Withdraw | RequestAnswer | CloseSlide | AbortSlide | Bye


class LinkRefused(Refusal):
    """The daemon refused what was asked, for good; `code` says why, `answer` is its own words."""

    def __init__(self, answer: Refused | Error) -> None:
        super().__init__(problem_in(answer))
        self.answer = answer
        self.code: Code = answer.code


class LinkTimeout(Refusal):
    """It took too long. Nothing is lost: what was begun goes on within the next call."""


@dataclass(slots=True)
class Question(Generic[A]):
    """A message, and its answer when it has come.

    It is sent in every new session again, as long as anybody waits for it, and after a refusal
    that allows it.
    """

    message: Asked
    part: Part | None
    wants: type[A]
    """The type of its answer."""
    answer: A | None = None
    answer_part: Any = None
    refusal: Refused | Error | None = None
    """The last one."""
    _id: str = ""
    """Of the last try."""
    _sent_in: int = 0
    """Session of the last try; 0: to be sent."""
    _answered_in: int = 0
    """Session of the last answer."""

    def asked(self, connection: Connection) -> bool:
        """Sends it, if it was not sent in this session. Whether it is answered in this session."""
        number = connection.session_number
        if self._sent_in != number:
            self._id = connection.send(self.message, self.part)
            self._sent_in = number
        return self._answered_in == number

    def take(self, received: FromWire[FromDaemon], session_number: int) -> bool:
        """Takes a message; whether it was about this."""
        message = received.message
        if isinstance(message, Request) or message.re != self._id:
            return False
        if isinstance(message, self.wants):
            self.answer, self.answer_part = message, received.part
            self._answered_in, self.refusal = session_number, None
        elif isinstance(message, Refused | Error):
            self.refusal, self._sent_in = message, 0
        return True

    def check(self) -> None:
        """Raises where it was refused for good.

        Raises:
            LinkRefused: It was.
        """
        if self.refusal is not None and not self.refusal.retry:
            raise LinkRefused(self.refusal)


def problem_in(answer: Refused | Error) -> Problem:
    """A refusal's four things."""
    return Problem(answer.key, answer.value, answer.problem, answer.remedy)
