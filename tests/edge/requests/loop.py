"""A scanner and its requests as rows alone: real evidence, real choice, pictures made up.

Time is the number of planned fields that have come.
"""

import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace

from edge.evidence.fold import Evidence
from edge.requests.choose import choose
from edge.slide.place import Rectangle
from edge.slide.record import Cell, Closing, End, Image, Opening, Record, Row
from edge.slide.request import Answered, Asked, RequestEnd, RequestKind
from edge.verdict.decide import decide
from edge.verdict.system import load
from edge.verdict.verdict import Verdict
from tests.properties.slides import grid, opening, packed, record, seeded

W_NM, H_NM, OVERLAP_NM = 612_000, 512_000, 62_000
SUCCEEDS = 0.7
LAPSES_AFTER = 12
LATEST = 8
ALL = frozenset(RequestKind)
SEVERE = load("bethesda").category("HSIL").severity
BLURRED, USABLE = int(Cell.OUT_OF_FOCUS), int(Cell.USABLE)


@dataclass(frozen=True)
class Case:
    """One slide, and how its scanner takes requests: obey, worse, refuse, ignore."""

    seed: int
    columns: int = 36
    rows: int = 30
    manner: str = "obey"
    takes: Collection[str] = ALL
    percent: int = 10
    blurred: float = 0.1
    abnormal: int = 0
    """Severe findings, all in the first fields."""


@dataclass
class Told:
    """What became of it."""

    verdict: Verdict
    rows: list[Row]
    asked: list[Asked]
    images: int
    """Beyond the planned ones."""
    most_open: int

    @property
    def lost(self) -> int:
        return sum(points for _, points in self.verdict.area.lost)


@dataclass
class Loop:
    case: Case
    chance: random.Random = field(init=False)
    images: dict[int, list[tuple[int, ...]]] = field(default_factory=dict)
    """Of each field the cells of each image."""
    due: dict[int, list[Asked]] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    most_open: int = 0

    def __post_init__(self) -> None:
        self.chance = seeded(self.case.seed)
        plan = grid(self.case.columns, self.case.rows, W_NM, H_NM, OVERLAP_NM)
        self.opening: Opening = opening(plan)
        self.evidence = Evidence(self.opening)
        many = round(len(plan.fields) * self.case.blurred)
        self.spoilt = set(self.chance.sample(range(len(plan.fields)), many))

    def run(self) -> Told:
        plan = self.opening.plan
        now = 0
        for now, planned in enumerate(plan.fields):
            self.take(planned.field, self.first(planned.field))
            self.obey(now)
            if now % 4 == 3:
                self.ask(now)
        while self.ask(now) or self.due:
            now += 1
            self.obey(now)
        self.put(Closing(End.CLOSED, "", ""))
        extra = sum(len(cells) - 1 for cells in self.images.values())
        asked = [row for row in self.rows if isinstance(row, Asked)]
        return Told(decide(self.evidence.summary()), self.rows, asked, extra, self.most_open)

    def put(self, row: Row) -> None:
        self.rows.append(row)
        self.evidence.add(row)

    def ask(self, now: int) -> bool:
        case, evidence = self.case, self.evidence
        chosen = choose(
            decide(evidence.summary()),
            evidence.needs(),
            evidence.requests(),
            case.takes,
            len(self.opening.plan.fields),
            case.percent,
        )
        for row in chosen:
            self.put(row)
            late = LAPSES_AFTER if case.manner == "ignore" else self.chance.randrange(1, LATEST)
            self.due.setdefault(now + late, []).append(row)
        self.most_open = max(self.most_open, sum(map(len, self.due.values())))
        return bool(chosen)

    def obey(self, now: int) -> None:
        for row in self.due.pop(now, []):
            if self.case.manner in ("obey", "worse") and row.field is not None:
                self.take(row.field, self.again(row), plane=row.plane)
            ends = {"ignore": RequestEnd.LAPSED, "refuse": RequestEnd.REFUSED}
            self.put(Answered(row.number, ends.get(self.case.manner, RequestEnd.DONE)))

    def first(self, number: int) -> tuple[int, ...]:
        """Of the spoilt fields two in three are blurred whole, the others from a column on."""
        own = seeded(self.case.seed * 1_000_003 + number)
        sharp = 0 if own.random() < 2 / 3 else own.randint(1, 5)
        sharp = sharp if number in self.spoilt else 8
        return tuple(USABLE if i % 8 < sharp else BLURRED for i in range(64))

    def again(self, row: Asked) -> tuple[int, ...]:
        assert row.field is not None
        if self.chance.random() < SUCCEEDS:
            return (USABLE,) * 64
        return (BLURRED,) * 64 if self.case.manner == "worse" else self.first(row.field)

    def take(self, number: int, cells: tuple[int, ...], plane: int | None = None) -> None:
        images = self.images.setdefault(number, [])
        planned = self.opening.plan.by_number[number]
        place = Rectangle(planned.x_nm, planned.y_nm, W_NM, H_NM)
        image = Image(number, len(images) + 1, 0) if plane is None else Image(number, 1, plane)
        images.append(cells)
        self.put(_made(self.case, image, place, cells))


def _made(case: Case, image: Image, place: Rectangle, cells: tuple[int, ...]) -> Record:
    """An image of nine cells, the same at every capture, seen where it is sharp."""
    spots = [(place.x_nm + 180_000 * dx, place.y_nm + 150_000 * dy) for dx, dy in _NINE]
    is_abnormal = image.field < case.abnormal
    severity = SEVERE if is_abnormal else 0
    findings = [(x, y, 12_000, severity, 9_000) for x, y in spots]
    made = record(image, place, packed(*findings), cells, (image.capture,) * 64)
    return replace(made, crops=())


_NINE = [(dx, dy) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]


def cases(slides: int, **changed: object) -> Iterator[Case]:
    for seed in range(slides):
        yield Case(seed=seed, **changed)  # type: ignore[arg-type]
