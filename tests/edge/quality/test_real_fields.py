"""Stage 3 on public fields: smears, liquid-based fields, and one site through focus."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.picture import Rgb
from edge.quality.assess import Quality, assess
from edge.slide.record import UNUSABLE, Cell
from tests.edge.picture.captures import capture, picture

pytestmark = pytest.mark.data


def read(path: Path) -> Rgb:
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    assert bgr is not None
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def blurred(rgb: Rgb, sigma_px: float) -> Rgb:
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma_px), np.uint8)


def judged(rgb: Rgb) -> Quality:
    height, width = rgb.shape[:2]
    return assess(picture(capture(rgb.tobytes(), "RGB8", width, height)))


def share(qualities: list[Quality], flags: Cell) -> float:
    return float(np.mean([bool(cell & flags) for q in qualities for cell in q.cells]))


def joined(paths: list[Path]) -> list[Rgb]:
    """Four fields of one size as one, of a scanner's size."""
    fields = [read(path) for path in paths]
    fours = zip(fields[::4], fields[1::4], fields[2::4], fields[3::4], strict=False)
    return [np.vstack([np.hstack([a, b]), np.hstack([c, d])]) for a, b, c, d in fours]


@pytest.fixture(scope="module")
def smears(data_dir: Path) -> list[Rgb]:
    return [read(path) for path in sorted((data_dir / "cric_cervix/images").glob("*.webp"))[::4]]


@pytest.fixture(scope="module")
def liquid(data_dir: Path) -> list[Rgb]:
    return joined(sorted((data_dir / "lbc_mendeley/images").glob("NL_*.jpg"))[:48])


def test_sharp_smears_are_usable(smears: list[Rgb]) -> None:
    qualities = [judged(rgb) for rgb in smears]
    assert share(qualities, Cell.OUT_OF_FOCUS) < 0.02
    assert share(qualities, UNUSABLE) < 0.05


@pytest.mark.parametrize("sigma_px", [4, 6, 10, 20])
def test_blurred_smears_are_caught(smears: list[Rgb], sigma_px: float) -> None:
    qualities = [judged(blurred(rgb, sigma_px)) for rgb in smears]
    assert share(qualities, Cell.OUT_OF_FOCUS) > 0.95
    assert share(qualities, Cell.EMPTY) < 0.01


def test_a_defocused_smear_is_never_empty(smears: list[Rgb]) -> None:
    for rgb in smears:
        quality = judged(blurred(rgb, 10))
        assert not any(cell & Cell.EMPTY for cell in quality.cells)


def test_liquid_based_fields_are_sharp_and_stained_and_caught_when_blurred(
    liquid: list[Rgb],
) -> None:
    qualities = [judged(rgb) for rgb in liquid]
    assert share(qualities, Cell.BADLY_STAINED) == 0
    assert share(qualities, Cell.OUT_OF_FOCUS) < 0.03
    soft = [judged(blurred(rgb, 6)) for rgb in liquid]
    assert share(soft, Cell.OUT_OF_FOCUS) > 0.98


def test_no_smear_is_badly_stained_until_its_colours_are_destroyed(smears: list[Rgb]) -> None:
    assert share([judged(rgb) for rgb in smears], Cell.BADLY_STAINED) == 0
    for spoil in (
        lambda rgb: np.repeat(rgb[..., 1:2], 3, axis=2),
        lambda rgb: rgb * np.array([1, 0, 0], np.uint8),
        lambda rgb: np.maximum(rgb, np.array([255, 0, 0], np.uint8)),
    ):
        spoiled = [judged(np.ascontiguousarray(spoil(rgb))) for rgb in smears]
        assert all(cell for quality in spoiled for cell in quality.cells)
        assert share(spoiled, Cell.BADLY_STAINED) > 0.85


def test_sharpness_falls_on_both_sides_of_best_focus(data_dir: Path) -> None:
    def total(plane: str) -> float:
        quality = judged(read(data_dir / f"smear_focus_stack/z_{plane}.bmp"))
        return float(np.mean(quality.sharpness))

    for side in ("minus", "plus"):
        planes = [total(name) for name in ("0", f"{side}2", f"{side}4", f"{side}6", f"{side}9")]
        assert planes == sorted(planes, reverse=True)
