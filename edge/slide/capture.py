"""One exposure of one field, as intake hands it on: still bytes, already believed to be whole."""

from dataclasses import dataclass

from edge.slide.place import Rectangle
from edge.slide.record import Image

Pixels = bytes | memoryview


@dataclass(frozen=True, slots=True)
class Capture:
    """One image on its way: its key, its place, and its pixels as they were sent."""

    slide: str
    image: Image
    place: Rectangle
    z_nm: int
    width_px: int
    height_px: int
    format: str
    """A pixel format's name as in `drivers.scanner.messages.PixelFormat`."""
    stride: int
    """Bytes from one row to the next; 0 for JPEG and PNG."""
    checksum: str
    """CRC-32C of `pixels`, 8 hex digits."""
    identity: str
    """SHA-256 over the essentials: the same key with another identity is a conflict."""
    pm_per_px: int
    pixels: Pixels
