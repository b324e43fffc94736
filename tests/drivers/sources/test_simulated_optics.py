"""What a microscope makes of depth."""

import numpy as np
import pytest

from drivers.sources.simulated.artefacts import Bubble
from drivers.sources.simulated.optics import (
    DISC_UM_PER_UM,
    STEP_UM,
    blurred,
    falloff,
    light_table,
    reach_px,
)
from drivers.sources.simulated.stock import DENSITY_STEPS, Sprite

NM_PER_PX = 250


def nucleus(density: int = 900) -> Sprite:
    y, x = np.mgrid[-12:13, -12:13]
    round_ = np.hypot(x, y) < 9
    return np.asarray(round_[:, :, None] * np.array([density, density // 2, 10]), np.int16)


def held_back(sprite: Sprite) -> float:
    """The light that a thing takes away, in pixels' worth."""
    return float((1 - 10.0 ** (-sprite[:, :, 0].astype(float) / DENSITY_STEPS)).sum())


@pytest.mark.parametrize("steps", [1, 3, 8, 32])
def test_a_thing_out_of_focus_takes_away_as_much_light_and_is_wider(steps: int) -> None:
    sharp = nucleus()
    soft = blurred(sharp, steps, NM_PER_PX)
    assert held_back(soft) == pytest.approx(held_back(sharp), rel=0.02)
    assert len(soft) == len(sharp) + 2 * reach_px(steps, NM_PER_PX)
    assert len(soft) % 2 == 1
    assert soft.max() <= sharp.max()
    assert soft.min() >= 0


def test_a_point_becomes_the_disc_that_the_cone_of_light_cuts() -> None:
    point = np.zeros((3, 3, 3), np.int16)
    point[1, 1] = 60
    steps = 20
    soft = blurred(np.pad(point, ((20, 20), (20, 20), (0, 0))) * 20, steps, NM_PER_PX)[:, :, 0]
    y, x = (np.mgrid[: len(soft), : len(soft)] - len(soft) // 2) * NM_PER_PX / 1_000
    seen = soft > soft.max() / 2
    assert np.hypot(x, y)[seen].max() == pytest.approx(DISC_UM_PER_UM * steps * STEP_UM, abs=0.25)
    assert seen.sum() == pytest.approx(np.pi * (DISC_UM_PER_UM * steps * STEP_UM / 0.25) ** 2, 0.1)
    assert soft[seen].max() <= 1.2 * soft[seen].min()


def test_what_lies_in_the_focal_plane_is_untouched() -> None:
    sharp = nucleus()
    assert blurred(sharp, 0, NM_PER_PX) is sharp
    assert reach_px(0, NM_PER_PX) == 0


def test_the_further_out_of_focus_the_flatter() -> None:
    tops = [int(blurred(nucleus(), steps, NM_PER_PX).max()) for steps in (0, 8, 16, 24, 32)]
    assert tops == sorted(tops, reverse=True)
    assert tops[-1] < 0.5 * tops[0]


def test_density_tells_the_camera_level_of_each_colour() -> None:
    blank = np.array([240, 200, 160], np.float32)
    table = light_table(blank)
    assert table.shape == (1, 65_536, 3)
    assert table[0, 0].tolist() == blank.tolist()
    assert table[0, DENSITY_STEPS] == pytest.approx(blank / 10, abs=4)
    assert (np.diff(table[0, :32_768].astype(int), axis=0) <= 0).all()
    assert (light_table(2 * blank)[0, 0] == 255).all()


def test_light_falls_off_towards_the_corners_only() -> None:
    loss = falloff(64, 48, 0.1)
    assert loss.shape == (48, 64, 1)
    passed = 10.0 ** (-loss / DENSITY_STEPS)
    assert passed.max() == pytest.approx(1, abs=2e-3)
    assert passed.min() == pytest.approx(0.9, abs=6e-3)
    assert passed[0, 0, 0] == passed.min()


def test_a_bubble_has_a_dark_rim_and_a_clear_middle_wherever_it_is_cut() -> None:
    bubble = Bubble(100_000, 50_000, 40_000)
    whole, part = (np.zeros((400, 800, 3), np.int16) for _ in range(2))
    bubble.draw(whole, 0, 0, NM_PER_PX)
    assert whole[200, 400, 0] == 0
    assert whole[200, 240, 0] > 0.9 * DENSITY_STEPS
    assert bubble.holds(100_000, 89_000)
    assert not bubble.holds(100_000, 91_000)
    bubble.draw(part, 100_000, 50_000, NM_PER_PX)
    assert (part[:200, :400] == whole[200:, 400:]).all()
    far = np.zeros((100, 100, 3), np.int16)
    for left_nm, top_nm in ((900_000, 0), (160_000, 0), (-900_000, 0), (0, 110_000)):
        bubble.draw(far, left_nm, top_nm, NM_PER_PX)
    assert not far.any()
