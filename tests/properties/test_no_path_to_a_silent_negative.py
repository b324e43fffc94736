"""I3 over whole histories: whatever happens to a slide, and in whatever order, NILM is said only
where nothing at all stands against it.

A machine makes up slides row by row. Beside it stands a model of what is known of each field, in
other words than the evidence: fields do not overlap, an image sees all of its field or nothing.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from edge.evidence.fold import Evidence
from edge.slide.basis import AdequacyNumbers, CategoryNumbers
from edge.slide.place import Rectangle, area_um2
from edge.slide.plan import PlannedField
from edge.slide.record import (
    Cell,
    Closing,
    Disposition,
    End,
    Image,
    Incident,
    IncidentKind,
    Opening,
    Row,
    Skip,
    Withdrawal,
)
from edge.verdict.decide import decide
from edge.verdict.system import load
from edge.verdict.verdict import Outcome, State
from tests.properties.slides import BASIS, grid, opening, packed, record

SIDE_NM, COLUMNS = 100_000, 6
FIELDS, FIELD_UM2 = COLUMNS**2, 10_000
CELLS, MINIMUM = 12, 280
TOLERATED = [IncidentKind.ON_CPU, IncidentKind.CLOCK_JUMP]
BLIND = [Cell.OUT_OF_FOCUS, Cell.OVEREXPOSED, Cell.UNDEREXPOSED, Cell.BADLY_STAINED, Cell.MISPLACED]


@dataclass(frozen=True)
class Shot:
    """What one image is given to show."""

    grade: Cell = Cell.USABLE
    cells: int = CELLS
    low: int = 0
    high: int = 0
    sharpness: int = 1
    checksum: str = ""
    """The same one in two fields is a camera that repeats itself."""


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """The harmless value, nine times in ten: else no path ends in a negative verdict."""
    return st.integers(0, 9).flatmap(
        lambda n: st.sampled_from(others) if n == 9 else st.just(usual)
    )


shots = st.builds(
    Shot,
    grade=mostly(Cell.USABLE, Cell.EMPTY, *3 * [Cell.UNPROCESSED], *BLIND),
    cells=mostly(CELLS, CELLS - 1, CELLS + 2, 0),
    low=mostly(0, 1, 3),
    high=mostly(0, 1, 2),
    sharpness=st.integers(1, 3),
    checksum=mostly("", "same"),
)
fields = st.integers(0, FIELDS - 1)


def slide(odd: str, two_planes: set[int], scale: int) -> Opening:
    """A slide and a card that fit each other, but for one thing at most."""
    plan = grid(COLUMNS, COLUMNS, SIDE_NM, SIDE_NM, 0, SIDE_NM // 2, SIDE_NM // 2)
    planned = tuple(
        PlannedField(p.field, p.x_nm, p.y_nm, 1 + (p.field in two_planes)) for p in plan.fields
    )
    spot_nm = SIDE_NM * (COLUMNS + (odd == "large smear"))
    plan = replace(plan, fields=planned, spot=Rectangle(0, 0, spot_nm, spot_nm))
    known = [CategoryNumbers("LSIL", 5_000, 6, 3), CategoryNumbers("HSIL", 5_000, 4, 2)]
    basis = replace(
        BASIS,
        categories=tuple(known if odd != "no category" else [CategoryNumbers("NILM", 1, 1, 1)]),
        adequacy=tuple(
            AdequacyNumbers(name, MINIMUM, 1_000, 20, 900) for name in ("thinprep", "conventional")
        ),
        reference_area_um2=scale * FIELDS * FIELD_UM2 // 2,
        negative_slides=0 if odd == "no negatives" else 20,
        identities=(("categories", "another" if odd == "system" else load("bethesda").identity),),
    )
    is_spot = odd in ("large smear", "small scan", "clinical")
    return replace(
        opening(plan),
        basis=basis,
        purpose="clinical" if is_spot else ["simulation", "replay", "validation"][scale - 1],
        specimen=odd if odd in ("urine", "effusion", "other") else "cervical",
        preparation={"small scan": "thinprep", "cytospin": "cytospin"}.get(odd, "conventional"),
    )


FAULTS = [
    "unprocessed", "LSIL", "HSIL", "cells", "few fields", "lost", "missing", "aborted",
    *(kind.value for kind in IncidentKind if kind not in TOLERATED),
]  # fmt: skip
ALONE = {"NILM", "running", "specimen", "system", "no category", "plan", "preparation", *FAULTS}
ODD = [
    "urine", "effusion", "other", "system", "no category", "no negatives", "large smear",
    "small scan", "clinical", "cytospin", "few cells", "empty ground",
    "low", "high",
]  # fmt: skip


class Scan(RuleBasedStateMachine):
    """A slide, as rows come to it; and what is known of it."""

    said: ClassVar[Counter[str]] = Counter()
    """How often each thing was all that stood against a negative verdict; `NILM`: nothing did."""

    @initialize(
        odd=st.sampled_from([*ODD, *4 * [""]]),
        two_planes=st.sets(fields, max_size=3),
        scale=st.integers(1, 3),
        few=st.integers(1, 6),
    )
    def open(self, odd: str, two_planes: set[int], scale: int, few: int) -> None:
        self.opening = slide(odd, two_planes, scale)
        self.evidence = Evidence(self.opening)
        many, shown = {
            "few cells": (FIELDS, Shot(cells=8)),
            "empty ground": (10, Shot(Cell.EMPTY, 0)),
            "low": (few, Shot(low=1)),
            "high": (few, Shot(high=1)),
        }.get(odd, (0, Shot()))
        self.usual = [shown] * many + [Shot()] * (FIELDS - many)
        self.rows: list[Row] = []
        self.images: dict[Image, Shot] = {}
        self.captures: Counter[int] = Counter()
        self.withdrawn: set[tuple[int, int]] = set()
        self.skipped: set[int] = set()
        self.incidents: set[Incident] = set()
        self.ends: set[End] = set()

    # What may happen ------------------------------------------------------------------------------

    @rule(field=fields, shot=shots, planes=mostly(2, 1))
    def capture(self, field: int, shot: Shot, planes: int) -> None:
        self.captures[field] += 1
        while (field, self.captures[field]) in self.withdrawn:
            self.captures[field] += 1
        for plane in range(min(planes, self.opening.plan.by_number[field].planes)):
            self._take(Image(field, self.captures[field], plane), shot)

    @rule()
    def capture_the_rest(self) -> None:
        for field in range(FIELDS):
            if field not in self.skipped and not any(self._of(field)):
                self.capture(field, self.usual[field], 2)

    @rule(field=fields, capture=st.integers(1, 3))
    def withdraw(self, field: int, capture: int) -> None:
        self._add(Withdrawal(field, capture))
        self.withdrawn.add((field, capture))

    @rule(field=fields)
    def skip(self, field: int) -> None:
        self._add(Skip(field, "stage"))
        self.skipped.add(field)

    @rule(kind=st.sampled_from(list(IncidentKind)), detail=st.sampled_from(["", "x"]))
    def incident(self, kind: IncidentKind, detail: str) -> None:
        self._add(Incident(kind, detail))
        self.incidents.add(Incident(kind, detail))

    @rule(chance=st.randoms(use_true_random=False))
    def repeat(self, chance: Any) -> None:
        if self.rows:
            self.evidence.add(chance.choice(self.rows))

    @rule(end=mostly(End.CLOSED, End.ABORTED), is_whole=mostly(True, False))
    def end(self, end: End, is_whole: bool) -> None:
        if is_whole:
            self.capture_the_rest()
        self._end(end)

    def teardown(self) -> None:
        if hasattr(self, "opening"):
            if not self.ends:
                self.end(End.CLOSED, True)
            self.negative_is_said_only_where_nothing_stands_against_it()
            if not set(self._against()):
                self._a_withdrawn_image_comes_late()
                self.negative_is_said_only_where_nothing_stands_against_it()
                self._one_fault_more(FAULTS[self.said["NILM"] % len(FAULTS)])
                assert set(self._against())
                self.negative_is_said_only_where_nothing_stands_against_it()

    def _a_withdrawn_image_comes_late(self) -> None:
        field, capture = 0, self.captures[0] + 1
        self.withdraw(field, capture)
        self._take(Image(field, capture, 0), Shot(Cell.UNPROCESSED))

    def _one_fault_more(self, fault: str) -> None:
        """What alone must turn a negative slide into another one."""
        times = self._times()
        many, shot = {
            "unprocessed": (1, Shot(Cell.UNPROCESSED)),
            "LSIL": (max(1, int(3 * times)), Shot(low=1)),
            "HSIL": (2, Shot(high=1)),
            "cells": (16, Shot(cells=1)),
            "few fields": (10, Shot(Cell.EMPTY, 0)),
            "lost": (3, Shot(Cell.OUT_OF_FOCUS)),
        }.get(fault, (0, Shot()))
        fields = sorted(set(range(FIELDS)) - self.skipped)
        for field in fields[: many or (fault == "missing")]:
            if fault in ("lost", "missing"):
                for image in [*self._of(field)]:
                    self.withdraw(*image[:2])
            if many:
                self.capture(field, shot, 2)
        if fault == "aborted":
            self._end(End.ABORTED)
        elif fault in list(IncidentKind):
            self.incident(IncidentKind(fault), "at last")

    # What must hold -------------------------------------------------------------------------------

    @invariant()
    def negative_is_said_only_where_nothing_stands_against_it(self) -> None:
        if not hasattr(self, "opening"):
            return
        verdict = decide(self.evidence.summary())
        against = sorted(set(self._against()))
        if len(against) < 2:
            self.said[(against or ["NILM"])[0]] += 1
        assert (verdict.category == "NILM") == (not against), (against, verdict.reasons)
        assert (verdict.category is None) == (verdict.outcome is not Outcome.CATEGORY)
        assert (verdict.state is State.FINAL) == bool(self.ends)
        assert verdict.reasons
        assert not (verdict.category == "NILM" and verdict.not_excluded)

    def _against(self) -> Iterator[str]:
        """Everything that stands against a negative verdict, by the model."""
        start, basis = self.opening, self.opening.basis
        if not self.ends:
            yield "running"
        if End.ABORTED in self.ends:
            yield "aborted"
        yield from (i.kind.value for i in self.incidents if i.kind not in TOLERATED)
        if start.specimen != "cervical":
            yield "specimen"
        if dict(basis.identities)["categories"] == "another":
            yield "system"
        if [c.category for c in basis.categories] == ["NILM"]:
            yield "no category"
        is_round = start.preparation == "thinprep"  # a spot of 20 mm
        if start.purpose == "clinical" and (
            is_round or area_um2(start.plan.spot) > FIELDS * FIELD_UM2
        ):
            yield "plan"
        yield from self._ground()
        yield from self._findings()

    def _ground(self) -> Iterator[str]:
        live = [image for image in self.images if image[:2] not in self.withdrawn]
        if any(self.images[image].grade is Cell.UNPROCESSED for image in live):
            yield "unprocessed"
        owners = [self._owner(field) for field in range(FIELDS)]
        for field in range(FIELDS):
            if field not in self.skipped and not any(self._of(field)):
                yield "missing"
        if owners.count(None) > FIELDS // 20:  # 5 %
            yield "lost"
        usable = [shot for shot in owners if shot is not None and shot.grade is Cell.USABLE]
        if self.opening.preparation == "cytospin":
            yield "preparation"
        elif len(usable) < 30:
            yield "few fields"
        elif self._least_cells(usable, owners) < MINIMUM:
            yield "cells"

    def _findings(self) -> Iterator[str]:
        basis = self.opening.basis
        owners = [shot for field in range(FIELDS) if (shot := self._owner(field)) is not None]
        usable = [shot for shot in owners if shot.grade is Cell.USABLE]
        found = {
            "LSIL": sum(shot.low + shot.high for shot in usable),
            "HSIL": sum(shot.high for shot in usable),
        }
        for numbers in basis.categories:
            category = max(1, int(numbers.category_from * self._times()))
            review = max(1, int(numbers.review_from * self._times()))
            review = numbers.review_from if numbers.category == "HSIL" else review
            bar = min(category, review if basis.negative_slides else 1)
            if found.get(numbers.category, 0) >= bar:
                yield numbers.category

    def _times(self) -> float:
        return FIELDS * FIELD_UM2 / self.opening.basis.reference_area_um2

    def _least_cells(self, usable: list[Shot], owners: list[Shot | None]) -> float:
        """The lower limit of the spot's cells, in floats; ground that is empty has none."""
        n, counts = len(usable), [shot.cells + shot.low + shot.high for shot in usable]
        of, seen = FIELDS - (sum(shot is not None for shot in owners) - n), n
        if self.opening.purpose == "clinical":
            of += area_um2(self.opening.plan.spot) // FIELD_UM2 - FIELDS
        mean = sum(counts) / n
        scatter = sum((count - mean) ** 2 for count in counts)
        variance = (of / seen) ** 2 * (1 - seen / of) * n / (n - 1) * scatter
        total = mean * of
        return total - 1.96 * sqrt(variance + (0.02 * total) ** 2)

    def _of(self, field: int) -> Iterator[Image]:
        """The images of a field that were not taken back."""
        return (i for i in self.images if i.field == field and i[:2] not in self.withdrawn)

    def _owner(self, field: int) -> Shot | None:
        """What the field is seen by: its latest image that sees, of its planes the sharpest."""
        seeing = [
            image
            for image in self._of(field)
            if self.images[image].grade in (Cell.USABLE, Cell.EMPTY)
            and not (self.images[image].checksum and self._is_repeated(field))
        ]
        best = max(
            seeing, key=lambda i: (i.capture, self.images[i].sharpness, -i.plane), default=None
        )
        return None if best is None else self.images[best]

    def _is_repeated(self, field: int) -> bool:
        return any(self.images[i].checksum for f in range(field) for i in self._of(f))

    # Rows -----------------------------------------------------------------------------------------

    def _take(self, image: Image, shot: Shot) -> None:
        if image[:2] not in self.withdrawn:
            self.images[image] = shot
        planned = self.opening.plan.by_number[image.field]
        severities = [4] * shot.high + [2] * shot.low + [0] * shot.cells
        if shot.grade is not Cell.USABLE:
            severities = []
        left, top = planned.x_nm - 30_000, planned.y_nm - 30_000
        findings = [
            (left + 15_000 * (n % 5), top + 15_000 * (n // 5), 12_000, severity, 9_000)
            for n, severity in enumerate(severities)
        ]
        is_lost = shot.grade is Cell.UNPROCESSED
        self._add(
            record(
                image,
                Rectangle(planned.x_nm, planned.y_nm, SIDE_NM, SIDE_NM),
                packed(*findings),
                (int(shot.grade),) * 64,
                (shot.sharpness,) * 64,
                Disposition.UNPROCESSED if is_lost else Disposition.USED,
                checksum=shot.checksum,
            )
        )

    def _end(self, end: End) -> None:
        self._add(Closing(end, "", ""))
        self.ends.add(end)

    def _add(self, row: Row) -> None:
        self.rows.append(row)
        self.evidence.add(row)


def test_i3_no_path_ends_negative_with_anything_missing_unproved_undecided_or_in_question() -> None:
    Scan.said = Counter()
    run_state_machine_as_test(
        Scan,
        settings=settings(
            max_examples=250,
            stateful_step_count=8,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert set(Scan.said) == ALONE, "not everything was once all that stood against it"
    assert Scan.said["NILM"] >= 100, "too few negative paths to prove anything"
