"""Random small slides, full of what is hard: seams, rescans, planes, holes, withdrawals, ties."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

from edge.slide.basis import AdequacyNumbers, Basis, CategoryNumbers
from edge.slide.finding import Findings, no_findings
from edge.slide.place import Rectangle
from edge.slide.plan import Plan, PlannedField
from edge.slide.record import (
    Announcement,
    Cell,
    Closing,
    Crop,
    Disposition,
    End,
    Image,
    Incident,
    IncidentKind,
    Opening,
    Record,
    Row,
    Skip,
    Withdrawal,
)

UM = 1_000
SIDE_NM = 12_000

BASIS = Basis(
    system="bethesda",
    classes=("negative", "low", "high"),
    categories_of_classes=("NILM", "LSIL", "HSIL"),
    categories=(CategoryNumbers("LSIL", 5_000, 8, 3), CategoryNumbers("HSIL", 5_000, 4, 1)),
    adequacy=(AdequacyNumbers("thinprep", 5_000, 950, 40, 800),),
    reference_area_um2=1_000_000,
    largest_box_nm=SIDE_NM,
    specimens=("cervical",),
    table="rendered",
    negative_slides=20,
    identities=(("model", "test"),),
)


def opening(plan: Plan, registration_nm: int = 0, slide: str = "S-1") -> Opening:
    """A simulated slide."""
    return Opening(slide, "simulation", "cervical", "thinprep", plan, registration_nm, BASIS)


def packed(*findings: tuple[int, int, int, int, int]) -> Findings:
    """Findings given as (x, y, side, severity, score); severity s reaches all up to s, but NILM."""
    rows = [
        (x, y, side, side + 1_000, severity % 3, score, severity, 2 ** (severity + 1) - 2, 0)
        for x, y, side, severity, score in findings
    ]
    if not rows:
        return no_findings(3)
    return np.array([(*row, 10_000 - row[5], row[5], 0) for row in rows], np.int32)


def record(
    image: Image,
    place: Rectangle,
    findings: Findings,
    cells: tuple[int, ...] = (0,) * 64,
    sharpness: tuple[int, ...] = (1,) * 64,
    disposition: Disposition = Disposition.USED,
    cropped: tuple[int, ...] | None = None,
    checksum: str = "",
) -> Record:
    """An image's record; every finding has a crop, unless `cropped` says which.

    Its pixels are like no other's, unless `checksum` says so.
    """
    indices = range(len(findings)) if cropped is None else cropped
    return Record(
        image=image,
        place=place,
        z_nm=0,
        checksum=checksum or str(image),
        disposition=disposition,
        cells=cells,
        sharpness=sharpness,
        quality=(),
        findings=findings,
        truncated=image.capture == 2,
        crops=tuple(Crop(index, b"") for index in indices),
        thumbnail=b"",
        engine="test",
        calibration="test",
    )


def grid(
    columns: int, rows: int, w_nm: int, h_nm: int, overlap_nm: int, x_nm: int = 0, y_nm: int = 0
) -> Plan:
    """A plan of columns x rows fields, numbered row by row; the first one's middle is (x, y)."""
    fields = tuple(
        PlannedField(
            row * columns + column,
            x_nm + column * (w_nm - overlap_nm),
            y_nm + row * (h_nm - overlap_nm),
        )
        for row in range(rows)
        for column in range(columns)
    )
    spot = Rectangle(x_nm, y_nm, columns * w_nm, rows * h_nm)
    return Plan(spot, w_nm, h_nm, overlap_nm, overlap_nm // 4, fields)


@dataclass(frozen=True)
class Slide:
    """One slide's rows, in the order in which a scanner might bring them; the opening is first."""

    opening: Opening
    rows: tuple[Row, ...]

    @property
    def records(self) -> list[Record]:
        return [row for row in self.rows if isinstance(row, Record)]

    def without(self, *kinds: type) -> "Slide":
        """The same without the rows of some kinds."""
        return replace(self, rows=tuple(row for row in self.rows if not isinstance(row, kinds)))


def random_slide(chance: random.Random, name: str = "S-1", most: int = 3, planes: int = 2) -> Slide:
    """Any slide of 4 to `most` x `most` fields; one in four has fields of 2 to `planes` planes."""
    plan = _plan(chance, most, chance.choice([1, 1, 1, planes]))
    start = opening(plan, chance.choice([0, 0, 3_000, 6_000]), name)
    return _filled(chance, start, _planted(chance, plan))


def _filled(chance: random.Random, start: Opening, cells: list[tuple[int, int, int]]) -> Slide:
    """A slide with all its rows."""
    rows: list[Row] = [start]
    for planned in start.plan.fields:
        rows += _field_rows(chance, start, planned, cells)
    if chance.random() < 0.3:
        rows.append(Incident(chance.choice(list(IncidentKind)), chance.choice(["", "again"])))
    if chance.random() < 0.5:
        rows.append(Closing(chance.choice(list(End)), "", ""))
    if chance.random() < 0.3:
        for _ in range(2):
            category = chance.choice(["LSIL", "HSIL"])
            rows.append(Announcement(category, 2_000, chance.randint(1, 3), chance.randint(1, 2)))
    return Slide(start, tuple(rows))


def seam_slide(chance: random.Random, most: int, planes: int) -> Slide:
    """As `random_slide`, with few cells, all of them at seams: the worst may hang on one.

    Of several planes, all fields have two at least.
    """
    plan = _plan(chance, most, planes)
    stacked = [replace(p, planes=chance.randint(min(2, planes), planes)) for p in plan.fields]
    plan = replace(plan, fields=tuple(stacked))
    start = opening(plan, chance.choice([0, 3_000, 6_000]))
    cells = [_at_a_seam(chance, plan) for _ in range(chance.randint(1, 6))]
    return _filled(chance, start, cells)


def first_captures(chance: random.Random, slide: Slide) -> Slide:
    """Without rescan, withdrawal, skip or fault of the camera: what I5 speaks of.

    Fields come in any order.
    """
    slide = slide.without(Withdrawal, Skip, Incident, Closing)
    planes = {planned.field: planned.planes for planned in slide.opening.plan.fields}
    first = [
        replace(row, checksum=str(row.image))
        for row in slide.records
        if row.image.capture == 1 and row.image.plane < planes[row.image.field]
    ]
    chance.shuffle(first)
    return replace(slide, rows=(slide.opening, *first))


def arrival(chance: random.Random, slide: Slide) -> list[Row]:
    """A slide's rows in any order, some of them several times."""
    rows = list(slide.rows)
    rows += chance.choices(rows, k=chance.randint(0, len(rows)))
    if chance.random() < 0.8:
        chance.shuffle(rows)
    return rows


def seeded(seed: int) -> random.Random:
    """Chance that can be repeated."""
    return random.Random(seed)  # noqa: S311


slides = st.integers(0, 2**63).map(lambda seed: random_slide(seeded(seed)))
"""Any slide. Seeds, because the slides are too large to be drawn piece by piece."""

scans = st.integers(0, 2**63).map(
    lambda seed: first_captures(seeded(seed), random_slide(seeded(seed)))
)
"""Scans of first captures."""


def _plan(chance: random.Random, most: int, planes: int) -> Plan:
    columns, rows = chance.randint(2, most), chance.randint(2, most)
    w_nm, h_nm = chance.choice([(200_000, 160_000), (170_001, 150_000), (120_000, 240_000)])
    overlap_nm = min(w_nm, h_nm) * chance.randint(0, 30) // 100
    x_nm, y_nm = chance.randrange(0, 500_000, 500), chance.randrange(-50_000, 500_000, 500)
    plan = grid(columns, rows, w_nm, h_nm, overlap_nm, x_nm, y_nm)
    jitter_nm = chance.choice([0, 0, 10_000, 40_000])
    numbers = sorted(chance.sample(range(40), len(plan.fields)))
    fields = list(plan.fields)
    chance.shuffle(fields)
    moved = tuple(
        PlannedField(
            number,
            planned.x_nm + chance.randint(-jitter_nm, jitter_nm),
            planned.y_nm + chance.randint(-jitter_nm, jitter_nm),
            chance.randint(1, planes),
        )
        for number, planned in zip(numbers, fields, strict=True)
    )
    return replace(plan, fields=moved, placement_nm=chance.choice([0, overlap_nm // 4]))


def _planted(chance: random.Random, plan: Plan) -> list[tuple[int, int, int]]:
    """True cells (x, y, severity), most of them near seams; few slides are empty or crowded."""
    cells = []
    for _ in range(chance.choice([0, 1, 2, 4, 4, 4, 6, 8, 20]) * len(plan.fields)):
        planned, other = chance.choice(plan.fields), chance.choice(plan.fields)
        x, y = planned.x_nm, planned.y_nm
        if chance.random() < 0.7:
            x, y = (x + other.x_nm) // 2, (y + other.y_nm) // 2
        x += chance.randint(-plan.w_nm, plan.w_nm) // chance.choice([2, 20, 200])
        y += chance.randint(-plan.h_nm, plan.h_nm) // chance.choice([2, 20, 200])
        cells.append((x, y, chance.choice([0, 0, 1, 2, 3])))
    return cells


def _at_a_seam(chance: random.Random, plan: Plan) -> tuple[int, int, int]:
    """A cell half-way between the middles of two fields next to each other, or near that."""
    one = chance.choice(plan.fields)
    others = sorted(
        (p for p in plan.fields if p is not one),
        key=lambda p: (p.x_nm - one.x_nm) ** 2 + (p.y_nm - one.y_nm) ** 2,
    )
    other = chance.choice(others[:3])
    x, y = (one.x_nm + other.x_nm) // 2, (one.y_nm + other.y_nm) // 2
    by_nm = chance.choice([1_000, 5_000, 20_000])
    x, y = x + chance.randint(-by_nm, by_nm), y + chance.randint(-by_nm, by_nm)
    return x, y, chance.randint(0, 3)


def _field_rows(
    chance: random.Random, start: Opening, planned: PlannedField, cells: list[tuple[int, int, int]]
) -> Iterator[Row]:
    if chance.random() < 0.1:
        yield Skip(planned.field, chance.choice(["lamp", "stage"]))
    if chance.random() < 0.1:
        return
    captures = chance.choice([1, 1, 1, 2, 3])
    for capture in range(1, captures + 1):
        planes = planned.planes if chance.random() < 0.9 else planned.planes + 1
        place = _place(chance, start.plan, planned)
        for plane in range(planes):
            if plane == 0 or chance.random() < 0.9:
                yield _record(chance, start, Image(planned.field, capture, plane), place, cells)
    if chance.random() < 0.2:
        yield Withdrawal(planned.field, chance.randint(1, captures + 1))


def _place(chance: random.Random, plan: Plan, planned: PlannedField) -> Rectangle:
    p = plan.placement_nm
    x, y = (middle + chance.randint(-p, p) for middle in (planned.x_nm, planned.y_nm))
    return Rectangle(x, y, plan.w_nm, plan.h_nm)


def _record(
    chance: random.Random,
    start: Opening,
    image: Image,
    place: Rectangle,
    cells: list[tuple[int, int, int]],
) -> Record:
    blur_nm = 1_500 + start.registration_nm // 2
    findings = []
    for x, y, severity in cells:
        x, y = x + chance.randint(-blur_nm, blur_nm), y + chance.randint(-blur_nm, blur_nm)
        if place.grown(2_000).holds(x, y) and chance.random() < 0.9:
            severity = severity if chance.random() < 0.8 else chance.randint(0, 3)
            side = chance.choice([SIDE_NM, SIDE_NM, 9_000, 16_000])
            findings.append((x, y, side, severity, chance.choice([9_000, 8_000, 5_000, 4_999])))
    findings.sort(key=lambda finding: -finding[4])
    grades = _grades(chance)
    is_unprocessed = chance.random() < 0.03
    if is_unprocessed:
        findings, grades = [], (int(Cell.UNPROCESSED),) * 64
    return record(
        image,
        place,
        packed(*findings),
        grades,
        tuple(chance.randint(1, 3) for _ in range(64)),
        Disposition.UNPROCESSED if is_unprocessed else Disposition.USED,
        tuple(index for index in range(len(findings)) if chance.random() < 0.7),
        "frozen" if chance.random() < 0.03 else "",
    )


def _grades(chance: random.Random) -> tuple[int, ...]:
    """64 cells: all usable, a usable half, spots of trouble, nothing there, nothing sharp."""
    usable, empty = int(Cell.USABLE), int(Cell.EMPTY)
    bad = int(chance.choice([Cell.OUT_OF_FOCUS, Cell.FROZEN | Cell.EMPTY, Cell.OVEREXPOSED | 16]))
    kind = chance.random()
    if kind < 0.45:
        return (usable,) * 64
    if kind < 0.6:
        column = chance.randint(1, 7)
        half = [usable if i % 8 < column else bad for i in range(64)]
        return tuple(half if chance.random() < 0.5 else reversed(half))
    if kind < 0.9:
        return tuple(chance.choice([usable, usable, usable, empty, bad]) for _ in range(64))
    return (chance.choice([empty, bad]),) * 64
