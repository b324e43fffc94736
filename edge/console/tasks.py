"""What needs somebody now: the daemon's alerts, and what is wrong with the slides on the stages."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from edge.console import words
from edge.console.view import SlideView

ORDER: Final = ("fault", "warning", "notice")
"""Now, soon, to be known."""


@dataclass(frozen=True, slots=True)
class Task:
    """One line of the list; it opens its remedy."""

    id: str
    severity: str
    text: str
    remedy: str
    """In a sentence."""
    steps: tuple[str, ...]
    """What to do, one after the other."""
    slide: str = ""
    since_us: int = 0


def tasks(
    alerts: Iterable[dict[str, Any]], views: Iterable[SlideView], is_connected: bool, language: str
) -> list[Task]:
    """All, the worst first.

    Args:
        alerts: The daemon's: the same objects that `doctor` and `status` show.
        views: The slides that are open.
        is_connected: Whether the daemon answers.
        language: Of the words.
    """
    found = [_of_alert(alert, language) for alert in alerts]
    if not is_connected:
        found.append(_made("daemon", "fault", language))
    for view in views:
        found += [
            _made(warned.id, warned.severity, language, view.slide, warned.count)
            for warned in view.warnings()
        ]
    return sorted(found, key=lambda task: (ORDER.index(task.severity), task.slide, task.id))


def _of_alert(alert: dict[str, Any], language: str) -> Task:
    kind = alert["id"].partition("-")[0]
    steps = _steps(kind, language) or (alert["remedy"],)
    return Task(
        alert["id"], alert["severity"], alert["text"], alert["remedy"], steps,
        since_us=alert["since_us"],
    )  # fmt: skip


def _made(kind: str, severity: str, language: str, slide: str = "", count: int = 0) -> Task:
    text = words.say(language, f"task_{kind}", count=count, slide=slide)
    steps = _steps(kind, language)
    return Task(f"{kind}-{slide}" if slide else kind, severity, text, steps[0], steps, slide)


def _steps(kind: str, language: str) -> tuple[str, ...]:
    key = f"steps_{kind}"
    return tuple(words.say(language, key).split(" | ")) if words.has(key) else ()
