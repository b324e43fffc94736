"""Sound simulated slides pass quality clearly, faulty ones do not, in every preparation."""

import google_crc32c
import pytest

from drivers.scanner.lists import ImageKey
from drivers.scanner.words import Preparation
from drivers.sources.camera import Camera
from drivers.sources.faults import Faults
from drivers.sources.simulated.preparation import PREPARATIONS
from drivers.sources.simulated.render import Options, SimulatedSlide
from edge.picture import Picture, decode
from edge.quality.assess import Quality, assess
from edge.quality.focus import IMAGE_MILLI
from edge.slide.capture import Capture
from edge.slide.place import Rectangle
from edge.slide.record import Cell, Image


def judged(preparation: Preparation, **faults: float) -> Quality:
    camera = Camera()
    slide = SimulatedSlide(
        Options(
            seed=5,
            fields=1,
            preparation=preparation,
            camera=camera,
            faults=Faults(**faults),  # type: ignore[arg-type]
        )
    )
    shot = slide.capture(ImageKey(field=0, capture=1))
    picture = decode(
        Capture(
            slide="one",
            image=Image(0, 1, 0),
            place=Rectangle(shot.x_nm, shot.y_nm, camera.w_nm, camera.h_nm),
            z_nm=shot.z_nm,
            width_px=shot.width_px,
            height_px=shot.height_px,
            format=shot.format.value,
            stride=shot.stride,
            checksum=f"{google_crc32c.value(shot.pixels):08x}",
            identity="one",
            pm_per_px=camera.pm_per_px,
            pixels=shot.pixels,
        )
    )
    assert isinstance(picture, Picture)
    return assess(picture)


@pytest.mark.parametrize("preparation", PREPARATIONS)
def test_sound_slides_are_far_sharper_than_the_limit(preparation: Preparation) -> None:
    quality = judged(preparation)
    assert dict(quality.measures)["focus_milli"] > 1.3 * IMAGE_MILLI
    assert sum(cell not in (Cell.USABLE, Cell.EMPTY) for cell in quality.cells) <= 4


@pytest.mark.parametrize("preparation", PREPARATIONS)
def test_slides_out_of_focus_are_rejected_as_that(preparation: Preparation) -> None:
    assert all(cell & Cell.OUT_OF_FOCUS for cell in judged(preparation, defocus_um=6).cells)


def test_too_little_light_is_rejected_as_that() -> None:
    dark = judged(Preparation.THINPREP, light=0.25)
    assert all(cell & Cell.UNDEREXPOSED for cell in dark.cells)
