"""Bytes to messages and back. Rubbish is parsed or refused; it never raises.

What is refused comes back as `Undecodable`, a value: not UTF-8 or JSON, unknown or duplicate keys,
NaN and infinities, nesting over `MAX_DEPTH`, floats for integers, sizes over the limits, a wrong
number of parts.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from drivers.problem import Problem, Refusal, shown
from drivers.scanner.lists import DifferenceList, ManifestList, PlanList, ResumeList
from drivers.scanner.messages import Error, Event, FromClient, FromDaemon, Refused, SendField
from drivers.scanner.strict_json import LOOK, MAX_TEXT, Wrong, parse, problem_of
from drivers.scanner.words import (
    MAX_HEADER_BYTES,
    MAX_LIST_BYTES,
    MAX_PIXEL_BYTES,
    RETRY,
    Code,
    Optics,
    PixelFormat,
    Window,
    Words,
)

Bytes: TypeAlias = bytes | memoryview
"""One frame. A `zmq.Frame`'s `buffer` is one, and is not copied."""
Part: TypeAlias = Bytes | PlanList | ResumeList | ManifestList | DifferenceList | dict[str, Any]
"""A second part, decoded: a list, or JSON; pixels are left as they came."""

M = TypeVar("M", FromClient, FromDaemon)

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_CLIENT: TypeAdapter[FromClient] = TypeAdapter(Annotated[FromClient, Field(discriminator="type")])
_DAEMON: TypeAdapter[FromDaemon] = TypeAdapter(Annotated[FromDaemon, Field(discriminator="type")])
_LISTS: Mapping[str, type[PlanList | ResumeList | ManifestList | DifferenceList]] = {
    model.__name__: model for model in (PlanList, ResumeList, ManifestList, DifferenceList)
}


@dataclass(frozen=True, slots=True)
class FromWire(Generic[M]):
    """A message that was understood, and its second part, where its type has one."""

    message: M
    part: Part | None


@dataclass(frozen=True, slots=True)
class Undecodable:
    """Frames that are no message. They have no effect; the answer is `error_of` this."""

    re: str | None
    """The message's id, where it could be read."""
    message: str
    """The message's type, where it could be read; else empty."""
    code: Code
    problem: Problem


# Encoding -----------------------------------------------------------------------------------------


def encode(message: FromClient | FromDaemon, part: Part | None = None) -> list[Bytes]:
    """A message's frames. Pixels are passed through, not copied.

    Raises:
        Refusal: A part is missing or too much, or header or list are over their limits.
    """
    frames: list[Bytes] = [message.model_dump_json(exclude_none=True).encode()]
    if (part is None) != (message.part is None):
        what = Problem(
            message.type, "1 part" if part is None else "2 parts", *_wrong_parts(message)
        )
        raise Refusal(what)
    if isinstance(part, Words):
        frames.append(part.model_dump_json(exclude_none=True).encode())
    elif isinstance(part, dict):
        frames.append(json.dumps(part, allow_nan=False, ensure_ascii=False).encode())
    elif part is not None:
        frames.append(part)
    problem = _too_large(frames, message.part)
    if problem is not None:
        raise Refusal(problem)
    return frames


def encode_event(event: Event) -> list[bytes]:
    """An event's two frames: topic `kind/slide`, and the event."""
    topic = f"{event.kind}/{event.slide or ''}"
    return [topic.encode(), event.model_dump_json().encode()]


def error_of(wrong: Undecodable) -> Error:
    """The answer to what could not be understood."""
    return Error(
        re=wrong.re,
        message=wrong.message[:MAX_TEXT],
        **_told(wrong.code, wrong.problem),
    )


def refusal_of(
    message: FromClient, code: Code, problem: Problem, window: Window | None = None
) -> Refused:
    """The answer to a message that was understood and may not be done."""
    return Refused(
        re=message.id,
        slide=getattr(message, "slide", None),
        field=getattr(message, "field", None),
        capture=getattr(message, "capture", None),
        plane=getattr(message, "plane", None),
        window=window,
        **_told(code, problem),
    )


def anchor_of(code: Code) -> str:
    """The heading of `docs/protocol.md` that explains a refusal code."""
    return f"docs/protocol.md#code-{code}"


def _told(code: Code, problem: Problem) -> dict[str, Any]:
    return {
        "code": code,
        "retry": code in RETRY,
        "key": problem.key[:MAX_TEXT],
        "value": problem.value[:MAX_TEXT],
        "problem": problem.problem[:MAX_TEXT],
        "remedy": problem.remedy[:MAX_TEXT],
        "anchor": anchor_of(code),
    }


# Decoding -----------------------------------------------------------------------------------------


def decode_from_client(frames: Sequence[Bytes]) -> FromWire[FromClient] | Undecodable:
    """What a driver or a tool sent."""
    return _decode(frames, _CLIENT)


def decode_from_daemon(frames: Sequence[Bytes]) -> FromWire[FromDaemon] | Undecodable:
    """What the daemon sent."""
    return _decode(frames, _DAEMON)


def decode_event(frames: Sequence[Bytes]) -> Event | Undecodable:
    """An event, from its topic and its body."""
    if len(frames) != 2:
        return Undecodable(None, "", Code.MESSAGE, _PARTS_OF_EVENT)
    try:
        parse(frames[1])
        return Event.model_validate_json(bytes(frames[1]))
    except ValueError as error:
        return Undecodable(None, "event", Code.MESSAGE, problem_of(error))


def _decode(frames: Sequence[Bytes], types: TypeAdapter[M]) -> FromWire[M] | Undecodable:
    identity, name = None, ""
    problem = _too_large(frames[:1], None) if frames else _NO_PARTS
    if problem is not None:
        return Undecodable(None, "", Code.MESSAGE, problem)
    try:
        header = parse(frames[0])
        if isinstance(header, dict):
            identity, name = _read_id(header), _read_type(header)
        message = types.validate_json(bytes(frames[0]))
        return FromWire(message, _decode_part(frames, message))
    except ValueError as error:
        return Undecodable(identity, name, Code.MESSAGE, problem_of(error, tagged=True))


def _decode_part(frames: Sequence[Bytes], message: FromClient | FromDaemon) -> Part | None:
    """The second part as the message's type wants it.

    Raises:
        ValueError: It is missing, too much, too large, or not what it should be.
    """
    wanted = 1 if message.part is None else 2
    if len(frames) != wanted:
        count = f"{len(frames)} parts"
        raise Wrong(Problem(message.type, count, *_wrong_parts(message)))
    if message.part is None or message.part == "pixels":
        return frames[1] if message.part else None
    problem = _too_large(frames, message.part)
    if problem is not None:
        raise Wrong(problem)
    parsed = parse(frames[1])
    if message.part in _LISTS:
        try:
            return _LISTS[message.part].model_validate_json(bytes(frames[1]))
        except ValidationError as error:
            raise Wrong(problem_of(error)) from None
    if not isinstance(parsed, dict):
        raise Wrong(Problem("part 2", shown(parsed), "is no JSON object", "Send an object"))
    return parsed


def _read_id(header: dict[str, Any]) -> str | None:
    value = header.get("id", header.get("re"))
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _read_type(header: dict[str, Any]) -> str:
    value = header.get("type")
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""


def _wrong_parts(message: FromClient | FromDaemon) -> tuple[str, str]:
    if message.part is None:
        return "it has a header and nothing else", "Send one part"
    return f"it has a header and a second part, {message.part}", "Send two parts"


def _too_large(frames: Sequence[Bytes], part: str | None) -> Problem | None:
    limits = (("header", MAX_HEADER_BYTES), ("part 2", MAX_LIST_BYTES))
    if part == "pixels":
        limits = (("header", MAX_HEADER_BYTES), ("part 2", MAX_PIXEL_BYTES))
    for frame, (key, limit) in zip(frames, limits, strict=False):
        nbytes = memoryview(frame).nbytes
        if nbytes > limit:
            return Problem(key, f"{nbytes} bytes", f"is over {limit} bytes", "Send less")
    return None


_NO_PARTS = Problem("message", "0 parts", "has no header", "Send a header")
_PARTS_OF_EVENT = Problem("event", "parts", "an event has a topic and a body", LOOK)

# Images -------------------------------------------------------------------------------------------


def decoded_size(field: SendField) -> int:
    """Bytes of the decoded image, without padding: 3 a pixel where it is compressed."""
    return field.width_px * field.height_px * (field.format.bytes_per_px or 3)


def window_size(field: SendField, nbytes: int) -> int:
    """What an image takes of the window: the larger of its sent and its decoded size."""
    return max(nbytes, decoded_size(field))


def check_pixels(field: SendField, nbytes: int) -> Problem | None:
    """Whether a pixel part's size can be right for its header: the problem, or None."""
    per_px = field.format.bytes_per_px
    largest = window_size(field, nbytes)
    if largest > MAX_PIXEL_BYTES:
        what = f"the image is over {MAX_PIXEL_BYTES} bytes"
        return Problem("width_px", f"{field.width_px} x {field.height_px}", what, "Send less")
    if per_px == 0:
        if field.stride != 0:
            return Problem("stride", str(field.stride), f"{field.format} has no rows", "Send 0")
        if nbytes == 0:
            return Problem("pixels", "0 bytes", "there is no image", "Send the file's bytes")
        return None
    least = field.width_px * per_px
    if field.stride < least:
        what = f"a row of {field.width_px} px of {field.format} is {least} bytes"
        return Problem("stride", str(field.stride), what, f"Send {least} or more")
    for key, side in (("width_px", field.width_px), ("height_px", field.height_px)):
        if side % 2 and field.format in _BAYER:
            return Problem(key, str(side), "a Bayer image has even sides", "Send an even side")
    wanted = field.stride * field.height_px
    if nbytes != wanted:
        what = f"stride x height_px is {wanted} bytes"
        return Problem("pixels", f"{nbytes} bytes", what, "Send whole rows, the last one too")
    return None


_BAYER = frozenset(
    {PixelFormat.BAYER_RG8, PixelFormat.BAYER_GR8, PixelFormat.BAYER_GB8, PixelFormat.BAYER_BG8}
)


def identity(field: SendField, optics: Optics) -> str:
    """What makes an image itself: the same key with another identity is a conflict.

    SHA-256, 64 lower-case hex digits, over the canonical JSON (keys in rising order, no blanks,
    ASCII) of the twelve values below.
    """
    essentials = {
        "capture": field.capture,
        "checksum": field.checksum,
        "field": field.field,
        "format": field.format.value,
        "height_px": field.height_px,
        "plane": field.plane,
        "pm_per_px": optics.pm_per_px,
        "stride": field.stride,
        "width_px": field.width_px,
        "x_nm": field.x_nm,
        "y_nm": field.y_nm,
        "z_nm": field.z_nm,
    }
    canonical = json.dumps(essentials, sort_keys=True, separators=(",", ":"))
    return sha256(canonical.encode("ascii")).hexdigest()
