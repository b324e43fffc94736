"""All that one image showed, and the other rows of a slide: what a verdict is made from.

Rows hold no clock, no boot and no trace of what came before them, so that the same set of rows
gives the same verdict.
"""

from dataclasses import dataclass
from enum import IntFlag, StrEnum
from typing import NamedTuple, TypeAlias

from edge.slide.basis import Basis
from edge.slide.finding import Findings
from edge.slide.place import Rectangle
from edge.slide.plan import Plan
from edge.slide.request import Answered, Asked

GRID = 8
"""An image is judged in 8 x 8 cells."""


class Image(NamedTuple):
    """The key of one image: one plane of one capture of one field."""

    field: int
    capture: int
    plane: int

    def __str__(self) -> str:
        return f"f{self.field}.c{self.capture}.p{self.plane}"


class Cell(IntFlag):
    """What is wrong with a cell of the grid. `USABLE` is no flag at all; `EMPTY` sees, too."""

    USABLE = 0
    EMPTY = 1
    OUT_OF_FOCUS = 2
    OVEREXPOSED = 4
    UNDEREXPOSED = 8
    BADLY_STAINED = 16
    FROZEN = 32
    """The camera sent the same picture for another field, too. Only evidence can know."""
    MISPLACED = 64
    """Further from its planned place than the plan allows."""
    UNPROCESSED = 128
    """It could not be judged: its decoder died, or its engine failed."""


UNUSABLE = ~Cell.EMPTY
"""Any of these flags, and the cell does not see."""


class Disposition(StrEnum):
    """What became of a capture's image, as the driver is told."""

    USED = "used"
    UNUSABLE = "unusable"
    UNPROCESSED = "unprocessed"


@dataclass(frozen=True, slots=True)
class Crop:
    """A small picture of one finding, JPEG."""

    finding: int
    """Its index in the record's findings."""
    jpeg: bytes
    embedding: bytes = b""
    """The grader's 64 numbers in 1/1,000, little-endian int16; for research, never for a category.
    """


@dataclass(frozen=True, slots=True)
class Record:
    """All that one image showed."""

    image: Image
    place: Rectangle
    """Where it was taken."""
    z_nm: int
    checksum: str
    """CRC-32C of the pixels as sent: the same one at two fields tells a frozen camera."""
    disposition: Disposition
    cells: tuple[int, ...]
    """64 `Cell` values, row by row, from the upper left."""
    sharpness: tuple[int, ...]
    """64 values, in the order of `cells`; comparable between the planes of one capture only; larger
    is sharper."""
    quality: tuple[tuple[str, int], ...]
    """The image's measures, by name: integers with the unit in the name."""
    findings: Findings
    truncated: bool
    """More findings than `MAX_FINDINGS`; the best were kept."""
    crops: tuple[Crop, ...]
    thumbnail: bytes
    """JPEG, for people; empty where the pixels could not be read."""
    engine: str
    """Identity of the engine that looked, empty where none did."""
    calibration: str
    """Identity of the calibration that it was corrected by."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The slide's first row: what is planned, and what its verdict will rest on."""

    slide: str
    purpose: str
    specimen: str
    preparation: str
    plan: Plan
    registration_nm: int
    """t, the certified registration error of the stage."""
    basis: Basis


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A capture taken back for ever, with all its planes, also before it came."""

    field: int
    capture: int


@dataclass(frozen=True, slots=True)
class Skip:
    """The driver gave a field up."""

    field: int
    why: str


class IncidentKind(StrEnum):
    """What health forbids, or what a reader must know."""

    ENGINE_UNPROVED = "engine_unproved"
    ENGINE_CHANGED = "engine_changed"
    CALIBRATION_MISSING = "calibration_missing"
    CALIBRATION_EXPIRED = "calibration_expired"
    CARD_NOT_FOR_SPECIMEN = "card_not_for_specimen"
    MANIFEST_LOST = "manifest_lost"
    CLOCK_JUMP = "clock_jump"
    ON_CPU = "on_cpu"


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that happened to the slide, written when it happened."""

    kind: IncidentKind
    detail: str


@dataclass(frozen=True, slots=True)
class Announcement:
    """A category was announced in mid-scan: never twice, never taken back.

    It is history alone. No outcome is made of it.
    """

    category: str
    milli_log10_e: int
    """floor(1,000 log10 E)."""
    findings: int
    """A: those that spoke for it, three a field at most."""
    points: int
    """N: the settled usable lattice points that they were found on."""


class End(StrEnum):
    """How a slide was ended."""

    CLOSED = "closed"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True)
class Closing:
    """The manifest was agreed, or the scan was aborted: nothing more will come."""

    end: End
    why: str
    """Empty where it was closed."""
    manifest: str
    """SHA-256 of the manifest that was agreed; empty where it was aborted."""


Row: TypeAlias = (
    Opening | Record | Withdrawal | Skip | Incident | Announcement | Closing | Asked | Answered
)


_FLAGS = tuple((int(flag), str(flag.name).lower()) for flag in Cell if flag & UNUSABLE)
_BLIND = sum(flag for flag, _ in _FLAGS)


def sees(cell: int) -> bool:
    """Whether a cell is usable or empty."""
    return not cell & _BLIND


def reasons(cells: tuple[int, ...]) -> tuple[str, ...]:
    """Why cells are not usable: the flags' names in lower case, most frequent first."""
    if all(map(sees, cells)):
        return ()
    counts = [(sum(1 for cell in cells if cell & flag), flag, name) for flag, name in _FLAGS]
    return tuple(name for count, _, name in sorted(counts, key=lambda c: (-c[0], c[1])) if count)
