"""Our own formulas against those of others: colour-science, emva1288, a real focus stack."""

from pathlib import Path

import colour
import cv2
import numpy as np
import pytest

from calibration.steps.delta_e import delta_e_2000, lab

pytest.importorskip("emva1288")


def test_colour_agrees_with_colour_science() -> None:
    chance = np.random.default_rng(5)
    first, second = chance.uniform(0, 1, (2, 2_000, 3))
    second[:100] = first[:100]
    white = colour.CCS_ILLUMINANTS["CIE 1931 2 Degree Standard Observer"]["D65"]
    xyz = colour.RGB_to_XYZ(first, "sRGB")

    assert np.abs(lab(first) - colour.XYZ_to_Lab(xyz, white)).max() < 0.05
    ours = delta_e_2000(lab(first), lab(second))
    theirs = colour.delta_E(lab(first), lab(second), method="CIE 2000")
    assert np.abs(ours - theirs).max() < 1e-6


@pytest.mark.data
def test_focus_falls_on_both_sides_of_the_real_stack(data_dir: Path) -> None:
    from edge.quality.focus import score_of  # noqa: PLC0415
