"""Stage 2: a capture's bytes become a picture: checked, decoded, halved.

Whole fields are kept as they were sent. All that judges and detects sees the half picture; full
colour at full size is made on demand, of crops only. Costs and choices:
`docs/decisions/0004-quality-thresholds.md`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

import cv2
import google_crc32c
import numpy as np
import numpy.typing as npt

from drivers.problem import Problem
from edge.slide.capture import Capture, Pixels

Bytes: TypeAlias = npt.NDArray[np.uint8]
Rgb: TypeAlias = npt.NDArray[np.uint8]
"""uint8, shape (H, W, 3), red, green, blue."""

SAME_SCALE = 0.01
"""Scales this close are taken as one: at 256 px, half a percent of a detector's tile moves by 1 px,
less than a nucleus's outline is known."""

_STRIP_ROWS = 128
"""Rows of the half picture made at once: with them the scratch stays in a core's second cache."""

# Which of a superpixel's four (upper left, upper right, lower left, lower right) are red, green,
# green and blue. Source: GenICam Pixel Format Naming Convention: a pattern's name is its first two.
_SUPERPIXEL: Mapping[str, tuple[int, int, int, int]] = MappingProxyType(
    {
        "BayerRG8": (0, 1, 2, 3),
        "BayerGR8": (1, 0, 3, 2),
        "BayerGB8": (2, 0, 3, 1),
        "BayerBG8": (3, 1, 2, 0),
    }
)
_DEMOSAIC: Mapping[str, int] = MappingProxyType(
    {
        "BayerRG8": cv2.COLOR_BayerRGGB2RGB,
        "BayerGR8": cv2.COLOR_BayerGRBG2RGB,
        "BayerGB8": cv2.COLOR_BayerGBRG2RGB,
        "BayerBG8": cv2.COLOR_BayerBGGR2RGB,
    }
)
_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND\xae\x42\x60\x82"
_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of a frame header (SOF), which holds the size. Source: ITU-T T.81, table B.1."""
_DECODED = "RGB8"


@dataclass(frozen=True, slots=True)
class Damaged:
    """Pixels that cannot be read. `code` is the protocol's: the first may be sent again."""

    code: Literal["checksum", "format"]
    problem: Problem


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A field that can be looked at."""

    half: Rgb
    """uint8, shape (H // 2, W // 2, 3), contiguous. Bayer: a superpixel a pixel, its greens
    averaged. RGB and BGR: averages of 2 x 2. Mono8: the same, three times. An odd last row or
    column is left out."""
    _full: Bytes
    """As sent, shape (H, W) or (H, W, 3); holds the capture's pixels, no copy."""
    _format: str

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width at full size."""
        return self._full.shape[0], self._full.shape[1]

    def crop(self, left: int, top: int, width: int, height: int) -> Rgb:
        """A piece at full size, in full colour; it must lie inside. Only it is demosaiced."""
        if self._format not in _DEMOSAIC:
            return _in_colour(self._full[top : top + height, left : left + width], self._format)
        # Bilinear demosaicing sees one pixel around; two keep the pattern's phase.
        x, y = max(left // 2 * 2 - 2, 0), max(top // 2 * 2 - 2, 0)
        mosaic = self._full[y : top + height + 2, x : left + width + 2]
        colour = _uint8(cv2.cvtColor(np.ascontiguousarray(mosaic), _DEMOSAIC[self._format]))
        return colour[top - y : top - y + height, left - x : left - x + width].copy()


def decode(capture: Capture) -> Picture | Damaged:
    """A capture's picture, or why it has none. Nothing is allocated on a header's word alone."""
    # As an array, since the checksum's library takes no memoryview.
    sent = np.frombuffer(capture.pixels, np.uint8)
    if capture.format in ("JPEG", "PNG"):
        return _wrong_checksum(capture, google_crc32c.value(sent)) or _unpacked(capture, sent)
    bytes_per_px = 3 if capture.format in ("RGB8", "BGR8") else 1
    row = capture.width_px * bytes_per_px
    if capture.stride < row or len(sent) != capture.stride * capture.height_px:
        what = f"{capture.height_px} rows of {row} bytes do not make {len(sent)} bytes"
        return Damaged("format", Problem("stride", str(capture.stride), what, "Send whole rows"))
    rows = sent.reshape(capture.height_px, capture.stride)[:, :row]
    full = rows if bytes_per_px == 1 else rows.reshape(capture.height_px, capture.width_px, 3)
    half, crc = _halved(full, capture.format, sent)
    return _wrong_checksum(capture, crc) or Picture(half, full, capture.format)


def at_scale(half: Rgb, pm_per_px: int, wanted_pm_per_px: int) -> Rgb:
    """A picture resampled once to the model's scale, by averages; the same one within 1 %.

    Args:
        half: The half picture.
        pm_per_px: Its picometres a pixel.
        wanted_pm_per_px: The model's.
    """
    factor = pm_per_px / wanted_pm_per_px
    if abs(factor - 1) <= SAME_SCALE:
        return half
    height, width = (max(1, round(side * factor)) for side in half.shape[:2])
    # INTER_AREA does not average where there is nothing to average.
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return _uint8(cv2.resize(half, (width, height), interpolation=way))


def _wrong_checksum(capture: Capture, crc: int) -> Damaged | None:
    if f"{crc:08x}" == capture.checksum:
        return None
    what = f"the pixels that came have {crc:08x}"
    remedy = "Send the field again, with CRC-32C over the pixel part as sent"
    return Damaged("checksum", Problem("checksum", capture.checksum, what, remedy))


def _halved(full: Bytes, format_: str, sent: Bytes) -> tuple[Rgb, int]:
    """The half picture, and CRC-32C of all that was sent.

    Strip by strip, so that memory is read once: by the checksum, which leaves a strip in the cache.
    """
    height, width = full.shape[0] // 2, full.shape[1] // 2
    stride = len(sent) // full.shape[0]
    half = np.empty((height, width, 3), np.uint8)
    # One byte apart: OpenCV's split writes past the cache, to memory and three times as slowly,
    # where its outputs are aligned alike.
    scratch = np.empty((5, _STRIP_ROWS * width + 1), np.uint8)
    crc = 0
    for top in range(0, height, _STRIP_ROWS):
        end = min(top + _STRIP_ROWS, height)
        crc = google_crc32c.extend(crc, sent[2 * top * stride : 2 * end * stride])
        strip = full[2 * top : 2 * end, : 2 * width]
        if format_ in _SUPERPIXEL:
            _superpixels(strip, _SUPERPIXEL[format_], scratch, half[top:end])
        else:
            _averages(strip, format_, half[top:end])
    return half, google_crc32c.extend(crc, sent[2 * height * stride :])


def _superpixels(
    mosaic: Bytes, phase: tuple[int, int, int, int], scratch: Bytes, half: Rgb
) -> None:
    """2 x 2 pixels of a mosaic as one: red, the mean of both greens, blue."""
    height, width = half.shape[:2]
    # By OpenCV's vectorised split and merge; numpy's strided copies are far slower.
    pairs = mosaic.reshape(height, 2, width, 2)
    *corners, green = (plane[: height * width].reshape(height, width) for plane in scratch)
    cv2.split(pairs[:, 0], corners[:2])
    cv2.split(pairs[:, 1], corners[2:])
    red, green_1, green_2, blue = (corners[place] for place in phase)
    cv2.addWeighted(green_1, 0.5, green_2, 0.5, 0, dst=green)
    cv2.merge((red, green, blue), dst=half)


def _averages(full: Bytes, format_: str, half: Rgb) -> None:
    """2 x 2 pixels as one, each colour the mean of four."""
    height, width = half.shape[:2]
    if format_ == "RGB8":
        cv2.resize(full, (width, height), dst=half, interpolation=cv2.INTER_AREA)
    else:
        small = _uint8(cv2.resize(full, (width, height), interpolation=cv2.INTER_AREA))
        half[...] = _in_colour(small, format_)


def _in_colour(piece: Bytes, format_: str) -> Rgb:
    """RGB of a piece of anything but a mosaic."""
    if format_ == "Mono8":
        return _uint8(cv2.cvtColor(piece, cv2.COLOR_GRAY2RGB))
    if format_ == "BGR8":
        return _uint8(cv2.cvtColor(piece, cv2.COLOR_BGR2RGB))
    return np.ascontiguousarray(piece)


def _unpacked(capture: Capture, sent: Bytes) -> Picture | Damaged:
    size = (capture.width_px, capture.height_px)
    found = (_jpeg_size if capture.format == "JPEG" else _png_size)(capture.pixels)
    if found != size:
        said = "no size that can be read" if found is None else f"{found[0]} x {found[1]} px"
        return _unreadable(capture, f"its header says {said}, the message {size[0]} x {size[1]}")
    # The size is checked for what it says, so a turned picture would be a wrong one.
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        bgr = cv2.imdecode(sent, flags)
    except cv2.error as error:
        return _unreadable(capture, f"the decoder says: {error.err}")
    if bgr is None or bgr.shape[1::-1] != size:
        return _unreadable(capture, "the decoder cannot read it")
    full = _uint8(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB, dst=bgr))
    half = np.empty((full.shape[0] // 2, full.shape[1] // 2, 3), np.uint8)
    _averages(full[: 2 * len(half), : 2 * half.shape[1]], _DECODED, half)
    return Picture(half, full, _DECODED)


def _unreadable(capture: Capture, what: str) -> Damaged:
    remedy = f"Send a whole {capture.format} of {capture.width_px} x {capture.height_px} px"
    return Damaged("format", Problem("format", capture.format, what, remedy))


def _png_size(pixels: Pixels) -> tuple[int, int] | None:
    """Width and height as a PNG's first chunk says; None where it is not whole."""
    start, end = bytes(pixels[:24]), bytes(pixels[-8:])
    if len(start) < 24 or start[:8] != _PNG_START or start[12:16] != b"IHDR" or end != _PNG_END:
        return None
    return int.from_bytes(start[16:20], "big"), int.from_bytes(start[20:24], "big")


def _jpeg_size(pixels: Pixels) -> tuple[int, int] | None:
    """Width and height as a JPEG's first frame header says; None where it is not whole."""
    if bytes(pixels[:2]) != _JPEG_START or bytes(pixels[-2:]) != _JPEG_END:
        return None
    at = 2
    while at + 9 <= len(pixels) and pixels[at] == 0xFF:
        marker = pixels[at + 1]
        if marker in _JPEG_SIZES:
            height, width = bytes(pixels[at + 5 : at + 7]), bytes(pixels[at + 7 : at + 9])
            return int.from_bytes(width, "big"), int.from_bytes(height, "big")
        is_filling = marker == 0xFF
        at += 1 if is_filling else 2 + int.from_bytes(bytes(pixels[at + 2 : at + 4]), "big")
    return None


def _uint8(array: npt.NDArray[np.generic]) -> Bytes:
    """The same array: OpenCV's stubs forget that a picture of bytes stays one."""
    return np.asarray(array, np.uint8)
