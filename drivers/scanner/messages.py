"""The headers of the scanner's wire protocol, one model a message.

`docs/protocol.md` and `docs/schemas/` are generated from here: a docstring is a line there.
"""

from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field, StringConstraints

from drivers.scanner.lists import ImageKey
from drivers.scanner.words import (
    AnswerWord,
    CaptureNumber,
    Code,
    Count,
    Crc,
    Disposition,
    EventKind,
    FieldNumber,
    Id,
    Nanometres,
    Optics,
    PixelFormat,
    PlaneNumber,
    Preparation,
    Purpose,
    RequestKind,
    RequestReason,
    RevisionAct,
    RevisionReason,
    Role,
    Side,
    SkipReason,
    SlideStatus,
    Specimen,
    Text,
    Window,
    Words,
)


class Message(Words):
    """A message's header. Its `type` tells which."""

    part: ClassVar[str | None] = None
    """What the second part holds, where there is one."""
    ext: dict[str, Any] | None = None
    """For vendors; ignored and never stored."""


class ClientMessage(Message):
    """A message from a driver or a tool; `id` comes back as `re`."""

    id: Id


class InSession(ClientMessage):
    """A message that needs a live session."""

    session: Id
    """From `welcome`."""


class Answer(Message):
    """An answer to the message whose `id` was `re`."""

    re: Id


# Sessions -----------------------------------------------------------------------------------------


class Hello(ClientMessage):
    """Opens a session. The first message on every connection."""

    type: Literal["hello"] = "hello"
    v: list[int]
    """The protocol versions that the driver speaks."""
    driver: Id
    """Who it is; the same after a restart."""
    boot: Id
    """New at every start of the driver."""
    software: Text = ""
    """Its name and version, for people."""
    takes: Annotated[list[RequestKind], Field(max_length=8)] | None = None
    """What it can be asked for by `request`: nothing else, and nothing where this is left out."""


class OpenSlideBrief(Words):
    """An open slide, in `welcome`."""

    slide: Id
    driver: Id
    """Whose it is, or was last."""


class Welcome(Answer):
    """The session is open."""

    type: Literal["welcome"] = "welcome"
    v: int
    """The version chosen."""
    session: Id
    """Goes into every later message of this connection."""
    boot: Id
    """New at every start of the daemon."""
    window: Window
    formats: list[PixelFormat]
    """What it takes."""
    max_pixel_bytes: Count
    """The largest image that it takes, sent or decoded."""
    fields_per_1000_s: Count
    """Fields that it can judge in 1,000 s; 0 while unknown."""
    ready: bool
    """Whether the engine was tried; until then the window is 0. Proved where `model` is said."""
    model: Text
    """The model's identity; empty while none is proved."""
    open_slides: list[OpenSlideBrief]
    """All that are open, of any driver."""


class Bye(InSession):
    """Ends the session. Its slides stay open, for anybody to take over."""

    type: Literal["bye"] = "bye"


class Farewell(Answer):
    """The answer to `bye`."""

    type: Literal["farewell"] = "farewell"


class Ping(InSession):
    """Liveness, where there is nothing else to say."""

    type: Literal["ping"] = "ping"


class Pong(Answer):
    """The answer to `ping`."""

    type: Literal["pong"] = "pong"
    window: Window


# A slide ------------------------------------------------------------------------------------------


class OpenSlide(InSession):
    """Opens a slide, or takes it up again."""

    part: ClassVar[str | None] = "PlanList"
    type: Literal["open_slide"] = "open_slide"
    slide: Id
    """One scan of one glass; a second scan of it has another id."""
    barcode: Text = ""
    """As on the glass's label."""
    purpose: Annotated[Purpose, Field(strict=False)]
    """Why it is scanned. A `clinical` slide needs a calibrated scanner."""
    specimen: Annotated[Specimen, Field(strict=False)]
    """What was sampled."""
    preparation: Annotated[Preparation, Field(strict=False)]
    """How the cells came onto the glass."""
    optics: Optics
    """How the camera sees the glass; the same for the whole slide."""
    registration_nm: Annotated[int, Field(ge=0, le=100_000)] = 0
    """How far a reported place may be off unknown to anybody, as declared by a simulated or
    replayed source."""
    smear_mm2: Annotated[int, Field(ge=1, le=2_000)] | None = None
    """The smear's declared area, for preparations without a spot of known size."""
    operator: Text = ""
    """Who scans, for the record."""


class SlideOpened(Answer):
    """The slide is yours. Where `state` is `closed` or `aborted`, `verdict` is its final one."""

    part: ClassVar[str | None] = "ResumeList"
    type: Literal["slide_opened"] = "slide_opened"
    slide: Id
    state: SlideStatus
    """Only an `open` slide takes images."""
    window: Window
    verdict: dict[str, Any] | None = None
    """The final one, where the slide has ended."""
    flags: list[Text]
    """What the plan's author should know: `cut_cells`, `plan_does_not_cover`; and the operator:
    `barcode_unreadable`, `barcode_repeated`."""


class SendField(InSession):
    """One image of one field. Its pixels are the next part."""

    part: ClassVar[str | None] = "pixels"
    type: Literal["field"] = "field"
    slide: Id
    field: FieldNumber
    capture: CaptureNumber = 1
    """1, and one more for every rescan."""
    plane: PlaneNumber = 0
    x_nm: Nanometres
    """Place of the image's middle, as the stage reports it."""
    y_nm: Nanometres
    """Likewise."""
    z_nm: Nanometres
    """Height of the stage's focus axis."""
    width_px: Side
    """Columns."""
    height_px: Side
    """Rows."""
    format: Annotated[PixelFormat, Field(strict=False)]
    """How the second part is to be read."""
    stride: Count
    """Bytes from one row to the next; 0 for JPEG and PNG."""
    exposure_us: Count
    """How long it was exposed; 0 where that is not known."""
    captured_at_us: Count
    """When it was taken, UTC; 0 where that is not known."""
    checksum: Crc
    """CRC-32C over the pixel part as sent, 8 lower-case hex digits."""


class Committed(Answer):
    """The image's record is on disk: the driver may drop its copy."""

    type: Literal["committed"] = "committed"
    slide: Id
    field: FieldNumber
    capture: CaptureNumber
    plane: PlaneNumber
    disposition: Disposition
    """`used`: parts of it count. `unusable`: nothing of it does, take it again if you can.
    `unprocessed`: it could not be judged."""
    reasons: list[Text]
    """Why parts of it are not usable, most frequent first."""
    quality: dict[str, int]
    """Measures by name, with the unit in the name; may grow."""
    again: bool
    """A repeat: the disposition is that of the first time."""
    window: Window


class SkipField(InSession):
    """The driver gives a field up."""

    type: Literal["skip_field"] = "skip_field"
    slide: Id
    field: FieldNumber
    why: SkipReason
    """What kept it from being captured."""


class FieldSkipped(Answer):
    """The field is given up."""

    type: Literal["field_skipped"] = "field_skipped"
    slide: Id
    field: FieldNumber
    window: Window


class Withdraw(InSession):
    """Takes a capture back for ever, with all its planes, also before it came."""

    type: Literal["withdraw"] = "withdraw"
    slide: Id
    field: FieldNumber
    capture: CaptureNumber


class Withdrawn(Answer):
    """The capture does not count."""

    type: Literal["withdrawn"] = "withdrawn"
    slide: Id
    field: FieldNumber
    capture: CaptureNumber
    window: Window


class Request(Message):
    """The daemon asks for something while the glass is on the stage. The driver decides."""

    type: Literal["request"] = "request"
    id: Id
    """The same whenever it is sent again; one of the slide's."""
    slide: Id
    kind: RequestKind
    """`refocus`: the field once more, focused anew. `rescan`: the field once more. `add_plane`:
    plane `plane`, at another height, of the field's last capture. `revisit`: as `rescan`, of a
    field that holds suspicious findings. `stop_early`: no more fields, close the slide."""
    field: FieldNumber | None = None
    """Which field; none for `stop_early`."""
    plane: PlaneNumber | None = None
    """For `add_plane`."""
    why: RequestReason
    """For programs: why most of the field's lost ground is lost."""
    words: Text
    """For people: what is asked for, and why."""
    within_ms: Count
    """From when it came: what is not done by then is not waited for."""
    worth: Count
    """Lattice points of 400 um2 that it may bring: twice where the verdict hangs on ground, and a
    field's more where findings in it put a category in question."""


class RequestAnswer(InSession):
    """What the driver says to a `request`. What it never answers, it ignores."""

    type: Literal["answer"] = "answer"
    slide: Id
    request: Id
    """The request's `id`."""
    answer: AnswerWord
    """`accepted`: it will be done in time; say `done` when it is. `refused`: it will not be; it is
    not asked for again. `done`: its images were sent, and need not be committed yet."""


class Answered(Answer):
    """The answer was heard."""

    type: Literal["answered"] = "answered"
    slide: Id
    request: Id
    """Which."""
    late: bool
    """The request had ended before: the answer has no effect."""
    window: Window


class CloseSlide(InSession):
    """Nothing more will come. The answer waits for what is in hand."""

    part: ClassVar[str | None] = "ManifestList"
    type: Literal["close_slide"] = "close_slide"
    slide: Id


class SlideClosed(Answer):
    """With state `closed` the final verdict; with `open` the differences, and the slide goes on."""

    part: ClassVar[str | None] = "DifferenceList"
    type: Literal["slide_closed"] = "slide_closed"
    slide: Id
    state: SlideStatus
    """`closed` or `open`."""
    verdict: dict[str, Any] | None = None
    """The final one, where it is closed."""
    window: Window


class AbortSlide(InSession):
    """Ends a slide as it is: its verdict will be `incomplete` at best."""

    type: Literal["abort_slide"] = "abort_slide"
    slide: Id
    why: Text
    """In words; becomes part of the verdict's reasons."""


class SlideAborted(Answer):
    """The slide has ended."""

    type: Literal["slide_aborted"] = "slide_aborted"
    slide: Id
    verdict: dict[str, Any]
    """The final one."""


class Denial(Message):
    """What refusals have in common."""

    code: Code
    """Why, for programs."""
    retry: bool
    """Whether the same message may be sent again, later."""
    key: Text
    """What is wrong, as the sender knows it."""
    value: Text
    """What was given, shortened."""
    problem: Text
    """What is wrong with it."""
    remedy: Text
    """What to do."""
    anchor: Text
    """The section of `docs/protocol.md` that explains it."""


class Refused(Denial, Answer):
    """A message about a slide had no effect, and left no trace."""

    type: Literal["refused"] = "refused"
    slide: Id | None = None
    field: FieldNumber | None = None
    capture: CaptureNumber | None = None
    plane: PlaneNumber | None = None
    window: Window | None = None


class Error(Denial):
    """A message could not be understood, or came without a session. It had no effect."""

    type: Literal["error"] = "error"
    re: Id | None = None
    message: Text = ""
    """The type of the message, where it could be read."""


# Tools and events ---------------------------------------------------------------------------------


class Ask(ClientMessage):
    """A question of a tool; changes nothing and needs no session."""

    type: Literal["ask"] = "ask"
    what: Literal["status", "slides", "slide", "verdict", "gallery", "records", "record", "health"]
    """Which question."""
    slide: Id | None = None
    """For all but `status`, `slides` and `health`."""
    image: ImageKey | None = None
    """For `record`."""


class Told(Answer):
    """The answer to `ask`; its second part is as the document says for each question."""

    part: ClassVar[str | None] = "JSON"
    type: Literal["told"] = "told"
    what: str
    """Which question was asked."""


class Revise(ClientMessage):
    """A person's judgement of a slide that has ended. The machine's verdict stands beside it."""

    type: Literal["revise"] = "revise"
    slide: Id
    follows: Count
    """The newest revision that its author saw: where there is a newer one, it is refused."""
    act: RevisionAct
    """`judge`: a category and why. `sign`: that judgement becomes the slide's result."""
    says: Text
    """A category of the slide's system, or `unsatisfactory`. Of `sign`, what is signed."""
    reason: RevisionReason
    """`agrees` where it says what the machine said; else why it does not."""
    text: Annotated[str, StringConstraints(max_length=1_000)] = ""
    """In the person's words; must not be empty where the reason is not `agrees`."""
    person: Id
    """Who; the tool has seen to it that it is they."""
    role: Role
    """As what: only a `cytologist` judges and signs."""
    blind: bool = False
    """Whether the machine's verdict was hidden until they judged."""
    seconds: Count | None = None
    """Spent on the case; null where that is not counted."""


class Revised(Answer):
    """The revision is on the disk, and in the chain."""

    type: Literal["revised"] = "revised"
    slide: Id
    revision: Count
    """Its number."""


class Event(Words):
    """The second frame of an event; the first is its topic."""

    kind: EventKind
    """What it is about."""
    slide: Id | None
    """null for `health`."""
    boot: Id
    """Of the daemon, as in `welcome`."""
    seq: Count
    """One more than the event before it. A gap is closed by `ask`."""
    body: dict[str, Any]
    """By kind; may grow."""


AboutSlide: TypeAlias = (
    OpenSlide | SendField | SkipField | Withdraw | RequestAnswer | CloseSlide | AbortSlide
)
FromClient: TypeAlias = Hello | Bye | Ping | AboutSlide | Ask | Revise
Done: TypeAlias = (
    SlideOpened | Committed | FieldSkipped | Withdrawn | Answered | SlideClosed | SlideAborted
)
FromDaemon: TypeAlias = (
    Welcome | Farewell | Pong | Done | Refused | Error | Told | Revised | Request
)
