"""The words and numbers that the protocol's messages are made of, and its limits.

Lengths are integer nanometres (`_nm`), a pixel's size integer picometres (`pm_per_px`), instants
integer microseconds UTC (`_us`), durations integer milliseconds (`_ms`).
"""

from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

PROTOCOL_VERSION = 1
MAX_HEADER_BYTES = 16 * 1024
MAX_LIST_BYTES = 4 * 1024 * 1024
MAX_PIXEL_BYTES = 256 * 1024 * 1024
MAX_DEPTH = 8
MAX_KEYS = 10_000
MAX_PLANNED_FIELDS = 20_000
MAX_SIDE_PX = 16_384

Id: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Text: TypeAlias = Annotated[str, StringConstraints(max_length=200)]
Nanometres: TypeAlias = Annotated[int, Field(ge=-1_000_000_000, le=1_000_000_000)]
Length: TypeAlias = Annotated[int, Field(ge=1, le=1_000_000_000)]
FieldNumber: TypeAlias = Annotated[int, Field(ge=0, le=2_147_483_647)]
CaptureNumber: TypeAlias = Annotated[int, Field(ge=1, le=65_535)]
PlaneNumber: TypeAlias = Annotated[int, Field(ge=0, le=39)]
Count: TypeAlias = Annotated[int, Field(ge=0)]
Side: TypeAlias = Annotated[int, Field(ge=16, le=MAX_SIDE_PX)]
Crc: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}$")]


class PixelFormat(StrEnum):
    """Pixel formats, by their GenICam PFNC names, and two file formats."""

    RGB8 = "RGB8"
    BGR8 = "BGR8"
    MONO8 = "Mono8"
    BAYER_RG8 = "BayerRG8"
    BAYER_GR8 = "BayerGR8"
    BAYER_GB8 = "BayerGB8"
    BAYER_BG8 = "BayerBG8"
    JPEG = "JPEG"
    PNG = "PNG"

    @property
    def bytes_per_px(self) -> int:
        """0 for the compressed ones."""
        if self in (PixelFormat.RGB8, PixelFormat.BGR8):
            return 3
        return 0 if self in (PixelFormat.JPEG, PixelFormat.PNG) else 1


class Purpose(StrEnum):
    """Why a slide is scanned."""

    CLINICAL = "clinical"
    SIMULATION = "simulation"
    REPLAY = "replay"
    CALIBRATION = "calibration"
    VALIDATION = "validation"


class Specimen(StrEnum):
    """What was sampled."""

    CERVICAL = "cervical"
    URINE = "urine"
    EFFUSION = "effusion"
    OTHER = "other"


class Preparation(StrEnum):
    """How the cells came onto the glass."""

    THINPREP = "thinprep"
    SUREPATH = "surepath"
    CONVENTIONAL = "conventional"
    CYTOSPIN = "cytospin"
    OTHER = "other"


class Code(StrEnum):
    """Why something was refused."""

    CHECKSUM = "checksum"
    WINDOW = "window"
    DISK = "disk"
    BUSY = "busy"
    NOT_READY = "not_ready"
    CONFLICT = "conflict"
    NOT_PLANNED = "not_planned"
    FORMAT = "format"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"
    ENGINE = "engine"
    PURPOSE = "purpose"
    MESSAGE = "message"
    """The message itself is wrong: not JSON, an unknown key, a value out of range."""
    SESSION = "session"
    """No live session: say `hello`."""
    VERSION = "version"
    DRIVER = "driver"
    """The key of the connection belongs to another driver than `hello` says."""
    BARCODE = "barcode"
    """The glass is not this site's."""
    UNKNOWN_SLIDE = "unknown_slide"
    NOT_ASKED = "not_asked"
    """An answer to a request that was never made."""
    REVISION = "revision"
    """What a person may not say of a slide, or not now."""
    STATE = "state"
    """Not now: the slide's state does not allow it."""


RETRY = frozenset({Code.CHECKSUM, Code.WINDOW, Code.DISK, Code.BUSY, Code.NOT_READY})
"""The codes after which the same message may be sent again."""


class SlideStatus(StrEnum):
    """A slide's state, as an answer tells it."""

    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"
    ABORTED = "aborted"


class EventKind(StrEnum):
    """What an event is about; an event's topic is `kind/slide`."""

    PROGRESS = "progress"
    FIELD_CHECKED = "field_checked"
    ANNOUNCEMENT = "announcement"
    VERDICT = "verdict"
    REQUEST = "request"
    TO_DO = "to_do"
    REVISION = "revision"
    HEALTH = "health"


SkipReason: TypeAlias = Literal["lamp", "stage", "camera", "operator", "other"]
"""Why a driver gave a field up."""
RequestKind: TypeAlias = Literal["refocus", "rescan", "add_plane", "revisit", "stop_early"]
"""What the daemon may ask a driver for."""
RequestReason: TypeAlias = Literal[
    "out_of_focus",
    "overexposed",
    "underexposed",
    "frozen",
    "misplaced",
    "not_covered",
    "missing",
    "category_stands",
]
"""Why it asks."""
RevisionAct: TypeAlias = Literal["judge", "sign"]
"""What a person does about a slide that has ended."""
RevisionReason: TypeAlias = Literal[
    "agrees",
    "blind",
    "undercalled",
    "overcalled",
    "artefact",
    "reactive",
    "cellularity",
    "clinical",
    "consensus",
    "correction",
    "other",
]
"""Why a person judges so."""
Role: TypeAlias = Literal["viewer", "operator", "technician", "cytologist", "administrator"]
"""What a person may do at the console."""
AnswerWord: TypeAlias = Literal["accepted", "refused", "done"]
"""What a driver says to a request. To ignore it is to say nothing."""
Disposition: TypeAlias = Literal["used", "unusable", "unprocessed"]
"""What became of an image."""


class Words(BaseModel):
    """A frozen, strict model: an unknown key or another type is refused."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", use_attribute_docstrings=True
    )


class Window(Words):
    """How much may be unanswered at any moment; absolute, not a grant."""

    fields: Count
    """Images; 0 means wait."""
    bytes: Count
    """Each image counts as the larger of its sent and its decoded size."""


class Optics(Words):
    """How the camera sees the glass."""

    pm_per_px: Annotated[int, Field(ge=10_000, le=5_000_000)]
    """Nominal picometres on the glass a pixel: 250000 at 0.25 um/px."""
    objective: Text = ""
    """Its name, for the record."""
    camera_serial: Text = ""
    """For the record."""
