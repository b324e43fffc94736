"""How a refusal is worded, everywhere: which key, which value, what is wrong, what to do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, for whoever can mend it."""

    key: str
    """The name of what is wrong, as the sender knows it: `fields[3].x_nm`."""
    value: str
    """What was given, shortened."""
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.key}={self.value}: {self.problem}. {self.remedy}."


class Refusal(Exception):
    """Raised where a caller's input is refused; says the same four things."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def shown(value: object, limit: int = 80) -> str:
    """A value as a refusal shows it: on one line, at most `limit` characters."""
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
