"""Why a message about a slide is refused, in words: (problem, remedy) by code."""

from collections.abc import Mapping

from drivers.problem import Problem
from drivers.scanner.words import Code

_WORDS: Mapping[Code, tuple[str, str]] = {
    Code.BUSY: ("another driver has it open", "Wait until it says bye or is silent for 30 s"),
    Code.CONFLICT: (
        "the same key came with other content",
        "Take the next capture number, or another slide id",
    ),
    Code.NOT_PLANNED: ("the plan has no such field or plane", "Send what open_slide planned"),
    Code.WITHDRAWN: ("this capture was withdrawn", "Take the next capture number"),
    Code.CLOSED: ("the slide takes nothing more", "Open a new slide"),
    Code.WINDOW: ("more is unanswered than the window allows", "Wait for answers, then send again"),
    Code.NOT_READY: ("the engine is not proved yet", "Wait until pong tells a window above 0"),
    Code.UNKNOWN_SLIDE: ("no such slide is known", "Send open_slide first"),
    Code.NOT_ASKED: ("no such request was made", "Answer with the id that the request had"),
    Code.STATE: ("the slide is being closed", "Wait for slide_closed"),
    Code.SESSION: ("this is no live session of this connection", "Say hello, then open_slide"),
    Code.VERSION: ("no protocol version in common", "Speak version 1"),
    Code.DRIVER: (
        "this connection's key is another driver's",
        "Say hello by the name that `cytoedge keys list` shows for the key",
    ),
    Code.MESSAGE: ("this socket takes messages of drivers only", "Ask at the tools socket"),
}


def problem(code: Code, key: str, value: str) -> Problem:
    """A refusal's words."""
    return Problem(key, value, *_WORDS[code])
