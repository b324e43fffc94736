"""Captures made of a known picture, in every pixel format."""

import cv2
import google_crc32c
import numpy as np
import numpy.typing as npt

from edge.picture import Damaged, Picture, Rgb, decode
from edge.slide.capture import Capture
from edge.slide.place import Rectangle
from edge.slide.record import Image

PATTERNS = {"BayerRG8": "RGGB", "BayerGR8": "GRBG", "BayerGB8": "GBRG", "BayerBG8": "BGGR"}


def texture(height: int, width: int, seed: int = 0) -> Rgb:
    """Soft noise, uint8 RGB."""
    rng = np.random.default_rng(seed)
    small = rng.integers(30, 240, (height // 4, width // 4, 3), np.uint8)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def mosaic(rgb: Rgb, format_: str) -> npt.NDArray[np.uint8]:
    """What a sensor with this pattern sees of a picture."""
    sensor = np.empty(rgb.shape[:2], np.uint8)
    for place, colour in enumerate(PATTERNS[format_]):
        y, x = divmod(place, 2)
        sensor[y::2, x::2] = rgb[y::2, x::2, "RGB".index(colour)]
    return sensor


def pixels_of(rgb: Rgb, format_: str) -> npt.NDArray[np.uint8]:
    """A picture as a camera sends it, without padding."""
    if format_ in PATTERNS:
        return mosaic(rgb, format_)
    return np.ascontiguousarray(rgb[..., ::-1]) if format_ == "BGR8" else rgb


def file_of(rgb: Rgb, format_: str) -> bytes:
    """A picture as a JPEG or PNG file."""
    bgr = np.ascontiguousarray(rgb[..., ::-1])
    return cv2.imencode("." + format_.lower(), bgr)[1].tobytes()


def capture(
    pixels: bytes | memoryview, format_: str, width: int, height: int, stride: int | None = None
) -> Capture:
    """A capture of these bytes, with the right checksum."""
    per_px = {"RGB8": 3, "BGR8": 3, "JPEG": 0, "PNG": 0}.get(format_, 1)
    return Capture(
        slide="S1",
        image=Image(0, 1, 0),
        place=Rectangle(0, 0, 612_000, 512_000),
        z_nm=0,
        width_px=width,
        height_px=height,
        format=format_,
        stride=width * per_px if stride is None else stride,
        checksum=f"{google_crc32c.value(bytes(pixels)):08x}",
        identity="",
        pm_per_px=250_000,
        pixels=pixels,
    )


def captured(rgb: Rgb, format_: str) -> Capture:
    """A capture of a picture in any format."""
    height, width = rgb.shape[:2]
    if format_ in ("JPEG", "PNG"):
        return capture(file_of(rgb, format_), format_, width, height)
    return capture(pixels_of(rgb, format_).tobytes(), format_, width, height)


def picture(sent: Capture) -> Picture:
    """A capture's picture, which must have one."""
    found = decode(sent)
    assert isinstance(found, Picture), found
    return found


def damaged(sent: Capture) -> Damaged:
    """What is wrong with a capture, which must be damaged."""
    found = decode(sent)
    assert isinstance(found, Damaged)
    return found
