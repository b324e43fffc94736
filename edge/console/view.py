"""One slide as the live page shows it: a fold over what the daemon told. No socket, no clock."""

from collections import Counter, deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from edge.verdict import system

TREND: Final = 200
"""Images of which quality is drawn over time."""
MEASURES: Final = ("focus_milli", "density_milli", "blank_level")
MANY: Final = 3
"""Fields with one fault that make a warning: one or two happen on any slide."""
SHARE: Final = 0.02
"""And at least so much of what came: on a large slide a few do not tell of a cause."""
EARLY: Final = 0.25
"""Before so much of the ground is settled, nothing is said of how many cells there will be."""


class State(StrEnum):
    """What became of a field."""

    PLANNED = "planned"
    USED = "used"
    EMPTY = "empty"
    UNUSABLE = "unusable"
    MISSING = "missing"


@dataclass(slots=True)
class FieldView:
    """One field of the map."""

    number: int
    x_nm: int
    y_nm: int
    state: State = State.PLANNED
    captures: int = 0
    image: str = ""
    """The newest: field, capture and plane."""
    reasons: tuple[str, ...] = ()
    findings: int = 0
    severity: int = 0
    is_asked: bool = False
    """The scanner was asked for it again, and has not answered."""

    def classes(self, suspicious_from: int) -> str:
        """As the style sheet knows it."""
        is_suspicious = self.severity >= suspicious_from
        asked = " asked" if self.is_asked else ""
        return f"{self.state}{asked}{' suspicious' if is_suspicious else ''}"


@dataclass(frozen=True, slots=True)
class Warned:
    """Something about a slide while its glass is on the stage."""

    id: str
    severity: str
    count: int


@dataclass(slots=True)
class SlideView:
    """Memory: about 0.5 MB for 1,320 fields."""

    facts: dict[str, Any]
    """The answer to `ask` `slide`."""
    fields: dict[int, FieldView]
    progress: dict[str, Any] = field(default_factory=dict)
    verdict: dict[str, Any] | None = None
    announcements: list[dict[str, Any]] = field(default_factory=list)
    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    to_do: list[str] = field(default_factory=list)
    trend: deque[tuple[int, ...]] = field(default_factory=lambda: deque(maxlen=TREND))
    log: list[int] = field(default_factory=list)
    """Every change of a field, in order: readers keep their place in it."""
    version: int = 0
    """Rises with every change that is no field's."""
    has_ended: bool = False
    images: set[tuple[int, int, int]] = field(default_factory=set)

    @property
    def slide(self) -> str:
        """Its id."""
        return str(self.facts["slide"])

    @property
    def suspicious_from(self) -> int:
        """The least severity that is shown as suspicious: of the mildest high-grade category.

        Single cells that reach a milder category are on most negative slides.
        """
        categories = system.load(self.facts["system"]).categories
        return min((c.severity for c in categories if c.is_high_grade), default=1)

    def take(self, kind: str, body: dict[str, Any]) -> None:
        """Take an event in. The same event again changes nothing."""
        if kind == "field_checked":
            self._check(body)
            return
        self.version += 1
        match kind:
            case "progress":
                self.progress = body
            case "verdict":
                self.verdict = body
                self.has_ended = body["state"] == "final"
            case "announcement":
                if body not in self.announcements:
                    self.announcements.append(body)
            case "to_do":
                self.to_do = list(body["to_do"])
                for number in _numbers(body):
                    self.miss(number)
            case "request":
                self._ask(body)

    def _check(self, body: dict[str, Any]) -> None:
        shown = self.fields.get(body["field"])
        image = (body["field"], body["capture"], body["plane"])
        if shown is None or image in self.images:
            return
        self.images.add(image)
        self.trend.append(tuple(body["quality"].get(name, 0) for name in MEASURES))
        is_used = body["disposition"] == "used"
        state = State.UNUSABLE if not is_used else State.USED if body["filled"] else State.EMPTY
        shown.captures = max(shown.captures, body["capture"])
        shown.image = "{}.{}.{}".format(*image)
        shown.findings = max(shown.findings, body["findings"])
        shown.severity = max(shown.severity, body["severity"])
        if is_used or shown.state in (State.PLANNED, State.MISSING):
            shown.state, shown.reasons = state, tuple(body["reasons"])
        shown.is_asked = False
        self.log.append(shown.number)

    def _ask(self, body: dict[str, Any]) -> None:
        self.requests[body["request"]] = body
        shown = self.fields.get(body["field"]) if body["field"] is not None else None
        if shown is not None:
            shown.is_asked = body["answer"] in ("", "accepted")
            self.log.append(shown.number)

    def miss(self, number: int) -> None:
        """Note that a field did not come."""
        shown = self.fields.get(number)
        if shown is not None and shown.state is State.PLANNED:
            shown.state = State.MISSING
            self.log.append(number)

    @property
    def counts(self) -> dict[str, int]:
        """Fields by what became of them; and those that are suspicious or were asked for again."""
        found = Counter(str(each.state) for each in self.fields.values())
        found["suspicious"] = sum(f.severity >= self.suspicious_from for f in self.fields.values())
        found["asked"] = sum(f.is_asked for f in self.fields.values())
        return {name: found[name] for name in (*State, "suspicious", "asked")}

    def to_rescan(self) -> list[FieldView]:
        """What should be captured again before the glass leaves the stage."""
        bad = (State.UNUSABLE, State.MISSING)
        return [each for each in self.fields.values() if each.state in bad]

    def warnings(self) -> list[Warned]:
        """What is wrong with this slide, while something can still be done about it."""
        came = sum(each.captures > 0 for each in self.fields.values())
        why = Counter(
            reason
            for each in self.fields.values()
            if each.state is State.UNUSABLE or (each.state is State.USED and each.reasons)
            for reason in set(each.reasons)
        )
        least = max(MANY, SHARE * came)
        found = [Warned(reason, "warning", n) for reason, n in sorted(why.items()) if n >= least]
        missing = sum(each.state is State.MISSING for each in self.fields.values())
        if missing or self.to_do:
            found.append(Warned("missing", "fault", max(missing, len(self.to_do))))
        if self._is_scant():
            found.append(Warned("scant", "warning", 1))
        if suspicious := self.counts["suspicious"]:
            found.append(Warned("suspicious", "notice", suspicious))
        return found

    def _is_scant(self) -> bool:
        """Whether, going on so, there will be too few cells."""
        if self.verdict is None:
            return False
        area, cells = self.verdict["coverage"], self.verdict["adequacy"]
        settled = area["planned"] - area["pending"]
        if cells["minimum"] is None or settled < EARLY * area["planned"]:
            return False
        whole = (
            (cells["cells"] or 0)
            if self.has_ended
            else ((cells["cells"] or 0) * area["planned"] / max(settled, 1))
        )
        return bool(whole < cells["minimum"])


def view_of(
    facts: dict[str, Any], records: list[dict[str, Any]], verdict: dict[str, Any] | None
) -> SlideView:
    """A slide from the daemon's answers to `slide`, `records` and `verdict`."""
    planned = facts["plan"]["fields"]
    view = SlideView(facts, {n: FieldView(n, x, y) for n, x, y, _ in planned})
    for record in records:
        view.take("field_checked", record)
    view.announcements = list(facts["announcements"])
    if verdict is not None:
        view.take("verdict", verdict)
    for number in map(int, facts["skipped"]):
        view.miss(number)
    view.has_ended = facts["has_ended"]
    if view.has_ended:
        for each in view.fields.values():
            view.miss(each.number)
    return view


def _numbers(body: dict[str, Any]) -> set[int]:
    """The fields that a driver's manifest holds and the daemon does not, or gave up."""
    missing = body["missing"]
    return {each["field"] for each in missing["committed"]} | set(missing["skipped"])
