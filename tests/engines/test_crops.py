import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.crops import Source, crops, of_array

NOISE = np.random.default_rng(3).integers(0, 255, (70, 90, 3), dtype=np.uint8)
"""Without a white pixel."""


def at(*centres: tuple[float, float]) -> np.ndarray:
    return np.array(centres, np.float32).reshape(-1, 2)


def test_a_crop_is_the_square_around_its_centre() -> None:
    (crop,) = crops(of_array(NOISE, 250_000), at((40, 30)), 16, 250_000)
    assert (crop == NOISE[22:38, 32:48]).all()


def test_scales_within_one_per_cent_are_taken_as_they_are() -> None:
    (crop,) = crops(of_array(NOISE, 252_400), at((40, 30)), 16, 250_000)
    assert (crop == NOISE[22:38, 32:48]).all()


@given(st.floats(-30, 120), st.floats(-30, 100))
def test_beyond_the_edge_a_crop_is_white_and_inside_it_is_the_picture(x: float, y: float) -> None:
    (crop,) = crops(of_array(NOISE, 250_000), at((x, y)), 16, 250_000)
    left, top = (round(float(np.float32(middle))) - 8 for middle in (x, y))
    canvas = np.full((70 + 400, 90 + 400, 3), 255, np.uint8)
    canvas[200:270, 200:290] = NOISE
    assert (crop == canvas[200 + top :, 200 + left :][:16, :16]).all()


def test_only_rectangles_inside_the_picture_are_read() -> None:
    asked = []

    def read(left: int, top: int, width: int, height: int) -> np.ndarray:
        asked.append((left, top, width, height))
        return NOISE[top : top + height, left : left + width]

    crops(Source((70, 90), 250_000, read), at((2, 3), (88, 69), (40, 30), (-50, 0)), 16, 250_000)
    assert asked == [(0, 0, 10, 11), (80, 61, 10, 9), (32, 22, 16, 16)]


@pytest.mark.parametrize("pm_per_px", [125_000, 200_000, 330_000, 500_000])
def test_another_scale_shows_the_same_ground(pm_per_px: int) -> None:
    rows, columns = np.mgrid[0:400, 0:400] * (pm_per_px / 250_000)
    slope = np.stack([rows, columns, rows + columns], axis=2) / 8
    source = of_array(slope.clip(0, 255).astype(np.uint8), pm_per_px)
    middle = 48 * 250_000 / pm_per_px  # of a crop that begins in the upper left
    (crop,) = crops(source, at((middle, middle)), 96, 250_000)
    rows, columns = np.mgrid[0:96, 0:96]
    expected = np.stack([rows, columns, rows + columns], axis=2) / 8
    assert np.abs(crop - expected).max() < 2


def test_no_centre_is_no_crop() -> None:
    assert crops(of_array(NOISE, 250_000), at(), 96, 250_000).shape == (0, 96, 96, 3)
