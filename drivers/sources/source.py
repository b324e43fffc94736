"""What a source of fields is: a slide's facts and plan, and its images, one by one."""

from dataclasses import dataclass
from typing import Protocol

from drivers.scanner.lists import ImageKey, PlanList
from drivers.scanner.words import Optics, PixelFormat, Preparation, Purpose, Specimen


@dataclass(frozen=True, slots=True)
class SlideFacts:
    """What `open_slide` says of a slide."""

    slide: str
    purpose: Purpose
    specimen: Specimen
    preparation: Preparation
    optics: Optics
    plan: PlanList
    registration_nm: int


@dataclass(frozen=True, slots=True)
class Shot:
    """One image as the camera gives it: what the `field` message says, and its pixels."""

    x_nm: int
    """Where the stage says the image's middle is."""
    y_nm: int
    z_nm: int
    width_px: int
    height_px: int
    format: PixelFormat
    stride: int
    exposure_us: int
    pixels: bytes


class Source(Protocol):
    """Where fields come from. A shot depends on its key alone, never on earlier shots."""

    @property
    def facts(self) -> SlideFacts:
        """The slide, as it will be opened."""
        ...

    def capture(self, key: ImageKey) -> Shot:
        """One image. May be called from several threads at once."""
        ...
