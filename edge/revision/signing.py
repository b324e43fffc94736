"""Who may judge and sign, when a second reader is needed, and how far a case is."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from drivers.problem import Problem
from drivers.scanner.messages import Revise
from edge.revision.revision import UNSATISFACTORY, Revision, machine_says
from edge.verdict import system
from edge.verdict.system import CategorySystem

READER = "cytologist"
_NO_REASON = frozenset({"agrees", "blind"})


class Stage(StrEnum):
    """How far a case is."""

    UNREAD = "unread"
    SECOND = "second"
    """A second person must read it."""
    DISCORDANT = "discordant"
    """Its readers differ: one changes their judgement, or a third reads."""
    READY = "ready"
    """Whoever judged so may sign."""
    SIGNED = "signed"


class Because(StrEnum):
    """Why a second person must read."""

    HIGH_GRADE = "high_grade"
    DISCORDANCE = "discordance"
    SHARE = "share"
    """Drawn from the negative ones."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Which negative slides are read twice."""

    percent: int
    seed: str

    def holds(self, slide: str) -> bool:
        """Whether a slide is one of them: always the same, and nobody knows without the seed."""
        digest = hashlib.sha256(f"{self.seed}|{slide}".encode()).digest()
        return int.from_bytes(digest[:8], "big") * 100 < self.percent << 64


@dataclass(frozen=True, slots=True)
class Case:
    """A slide that has ended, with all that was said of it."""

    slide: str
    verdict: dict[str, Any]
    """The machine's, as `edge.verdict.verdict.to_json` writes it."""
    revisions: Sequence[Revision]
    newest: int
    """The number of the newest revision, or of the verdict."""
    drawing: Drawing

    @property
    def system(self) -> CategorySystem:
        """Its categories."""
        return system.load(self.verdict["system"])

    @property
    def choices(self) -> tuple[str, ...]:
        """What a reader may say."""
        return (*(c.name for c in self.system.categories), UNSATISFACTORY)

    @property
    def signed(self) -> Revision | None:
        """The last signature: the slide's result."""
        return next((r for r in reversed(self.revisions) if r.act == "sign"), None)

    @property
    def open_judgements(self) -> dict[str, Revision]:
        """Each person's latest since the last signature, the newest last."""
        signed = self.signed
        found: dict[str, Revision] = {}
        for each in self.revisions:
            if each.act == "judge" and (signed is None or each.revision > signed.revision):
                found.pop(each.person, None)
                found[each.person] = each
        return found

    @property
    def second_because(self) -> Because | None:
        """Why one reader is not enough; None where one is, or nobody has read it yet."""
        judged = {each.says for each in self.open_judgements.values()}
        if not judged:
            return None
        machine = machine_says(self.verdict)
        high = {c.name for c in self.system.categories if c.is_high_grade}
        if high & {*judged, machine, *self.verdict["not_excluded"]}:
            return Because.HIGH_GRADE
        if len(judged) > 1 or (machine is not None and machine not in judged):
            return Because.DISCORDANCE
        is_negative = judged == {self.system.negative.name}
        return Because.SHARE if is_negative and self.drawing.holds(self.slide) else None

    @property
    def stage(self) -> Stage:
        """How far it is."""
        judged = list(self.open_judgements.values())
        if not judged:
            return Stage.UNREAD if self.signed is None else Stage.SIGNED
        if self.second_because is None:
            return Stage.READY
        if len(judged) == 1:
            return Stage.SECOND
        agree = sum(each.says == judged[-1].says for each in judged)
        return Stage.READY if agree > 1 else Stage.DISCORDANT


def refusal(case: Case, wish: Revise) -> Problem | None:
    """Why a revision may not be made; None where it may."""
    if wish.role != READER:
        return Problem("role", wish.role, "does not judge slides", "Log in as a cytologist")
    if wish.follows != case.newest:
        what = f"revision {case.newest} has come since"
        return Problem("follows", str(wish.follows), what, "Read it, then decide again")
    if wish.says not in case.choices:
        there = ", ".join(case.choices)
        return Problem("says", wish.says, "no such category", f"Choose one of {there}")
    return _of_reason(case, wish) or (_of_signing(case, wish) if wish.act == "sign" else None)


def _of_reason(case: Case, wish: Revise) -> Problem | None:
    """A difference from the machine, and a change of what was signed, have a reason and words."""
    machine = machine_says(case.verdict)
    differs = machine is not None and wish.says != machine
    amends = wish.act == "judge" and case.signed is not None
    is_blind = wish.act == "judge" and wish.blind
    if (differs and not is_blind) or amends:
        if wish.reason in _NO_REASON:
            why = "what was signed is changed" if amends else f"the machine said {machine}"
            return Problem("reason", wish.reason, why, "Choose why you judge otherwise")
        if not wish.text.strip():
            return Problem("text", "", "is empty", "Say in words why you judge otherwise")
    return None


def _of_signing(case: Case, wish: Revise) -> Problem | None:
    own = case.open_judgements.get(wish.person)
    if own is None or own.says != wish.says:
        what = "you have not judged so"
        return Problem("says", wish.says, what, "Judge the slide first, then sign")
    if case.stage is not Stage.READY:
        remedy = {
            Stage.SECOND: f"A second person must read it ({case.second_because})",
            Stage.DISCORDANT: "Agree with the other reader, or let a third person read",
        }[case.stage]
        return Problem("act", "sign", f"the case is {case.stage}", remedy)
    if list(case.open_judgements.values())[-1].says != wish.says:
        return Problem("says", wish.says, "the newest judgement differs", "Read it again")
    return None
