"""What verdicts on the five specimens must be: the claims that a detector has to earn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edge.verdict import system

SPECIMENS = {"negative": 12, "lsil": 5, "hsil": 5, "scant": 5, "blurred": 5}
"""Slides of each that the whole proof shows."""
PLANTED = {"lsil": "LSIL", "hsil": "HSIL"}


@dataclass(frozen=True, slots=True)
class Said:
    """A specimen, and what its verdict says."""

    specimen: str
    seed: int
    outcome: str
    category: str | None
    reasons: tuple[str, ...]
    """Codes."""

    @property
    def words(self) -> str:
        """The outcome by one name."""
        return self.category or self.outcome


def broken(all_said: Sequence[Said]) -> list[str]:
    """Each claim that these verdicts break, in words; none where they are earned."""
    return [*_of_negatives(all_said), *_of_each(all_said)]


def _of_negatives(all_said: Sequence[Said]) -> Iterator[str]:
    """Of three negative slides two are called so, and none of them is called abnormal."""
    words = [said.words for said in all_said if said.specimen == "negative"]
    if 3 * words.count("NILM") < 2 * len(words):
        yield f"{words.count('NILM')} of {len(words)} negative slides are NILM"


def _of_each(all_said: Sequence[Said]) -> Iterator[str]:
    for said in all_said:
        if not _is_earned(said):
            yield f"{said.specimen} slide, seed {said.seed}, is {said.words}"


def _is_earned(said: Said) -> bool:
    if said.specimen == "negative":
        return said.words in ("NILM", "review")
    if said.specimen == "scant":
        return said.outcome == "unsatisfactory"
    if said.specimen == "blurred":
        return said.outcome == "incomplete" and "out_of_focus" in said.reasons
    planted = PLANTED[said.specimen]
    worse = {category.name for category in system.load("bethesda").and_worse(planted)}
    return said.category in worse
