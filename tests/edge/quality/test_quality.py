"""Stage 3 on made pictures: each fault is told, by its own name, where it is."""

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.picture import Picture, Rgb
from edge.quality.assess import Quality, assess
from edge.quality.thumbnail import thumbnail
from edge.slide.record import Cell, Disposition, reasons
from tests.edge.picture.captures import capture, picture

BLANK = (214, 218, 222)


def smear(seed: int = 0, height: int = 1024, width: int = 1024, cells: int = 140) -> Rgb:
    """A field at full size: blue-green and pink cytoplasm with dark nuclei, and camera noise."""
    rng = np.random.default_rng(seed)
    light = np.ones((height, width, 3), np.float32)
    for _ in range(cells):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        tint = [(0.72, 0.80, 0.86), (0.94, 0.72, 0.82)][int(rng.integers(2))]
        angle = float(rng.uniform(0, 180))
        for axes, colour in (((70, 50), tint), ((15, 12), (0.30, 0.24, 0.48))):
            layer = np.ones_like(light)
            cv2.ellipse(layer, (x, y), axes, angle, 0, 360, colour, -1, cv2.LINE_AA)
            light *= layer
    grain = rng.normal(0, 1.5, light.shape)
    return np.asarray(np.clip(np.rint(light * BLANK + grain), 0, 255), np.uint8)


def taken(rgb: Rgb) -> Picture:
    height, width = rgb.shape[:2]
    return picture(capture(rgb.tobytes(), "RGB8", width, height))


def judged(rgb: Rgb, is_misplaced: bool = False) -> Quality:
    return assess(taken(rgb), is_misplaced)


def blurred(rgb: Rgb, sigma_px: float) -> Rgb:
    soft = cv2.GaussianBlur(rgb, (0, 0), sigma_px).astype(np.float32)
    grain = np.random.default_rng(9).normal(0, 1.5, soft.shape)
    return np.asarray(np.clip(np.rint(soft + grain), 0, 255), np.uint8)


def scaled(rgb: Rgb, light: float) -> Rgb:
    return np.asarray(cv2.convertScaleAbs(rgb, alpha=light), np.uint8)


def count(quality: Quality, flag: Cell) -> int:
    return sum(bool(cell & flag) for cell in quality.cells)


@pytest.fixture(scope="module")
def sharp() -> Rgb:
    return smear()


def test_a_sharp_field_is_usable(sharp: Rgb) -> None:
    quality = judged(sharp)
    assert sum(cell in (Cell.USABLE, Cell.EMPTY) for cell in quality.cells) >= 63
    assert quality.disposition is Disposition.USED
    assert len(quality.cells) == len(quality.sharpness) == 64


@pytest.mark.parametrize("sigma_px", [6, 10, 20])
def test_an_evenly_defocused_field_is_unusable_and_never_empty(sharp: Rgb, sigma_px: float) -> None:
    quality = judged(blurred(sharp, sigma_px))
    assert set(quality.cells) == {Cell.OUT_OF_FOCUS}
    assert quality.disposition is Disposition.UNUSABLE
    assert reasons(quality.cells) == ("out_of_focus",)


def test_a_blurred_region_is_told_where_it_is(sharp: Rgb) -> None:
    rgb = sharp.copy()
    rgb[256:768, 512:] = blurred(sharp, 8)[256:768, 512:]
    is_out = np.array(judged(rgb).cells).reshape(8, 8) & Cell.OUT_OF_FOCUS > 0
    assert is_out[2:6, 5:].all()
    assert not is_out[:, :3].any()


@pytest.mark.parametrize("level", [(214, 218, 222), (171, 196, 205), (235, 235, 235)])
def test_bare_glass_is_empty_under_any_lamp_with_vignetting(level: tuple[int, int, int]) -> None:
    y, x = np.mgrid[-1:1:1024j, -1:1:1024j]
    light = 1 - 0.05 * (x**2 + y**2)[..., np.newaxis] / 2
    rng = np.random.default_rng(2)
    bare = np.rint(light * level + rng.normal(0, 1.5, (1024, 1024, 3))).astype(np.uint8)
    quality = judged(bare)
    assert set(quality.cells) == {Cell.EMPTY}
    assert quality.disposition is Disposition.USED
    assert reasons(quality.cells) == ()


@pytest.mark.parametrize("sigma_px", [0.8, 5, 10])
def test_a_lone_nucleus_is_not_empty_sharp_or_blurred(sigma_px: float) -> None:
    rgb = smear(3, 2048, 2048, cells=0)
    cv2.circle(rgb, (1100, 1150), 20, (80, 70, 120), -1, cv2.LINE_AA)
    cell = judged(blurred(rgb, sigma_px)).cells[4 * 8 + 4]
    assert cell == (Cell.USABLE if sigma_px < 1 else Cell.OUT_OF_FOCUS)


def test_an_even_dense_field_is_not_empty() -> None:
    rng = np.random.default_rng(1)
    dense = (np.array([120, 90, 130]) + rng.normal(0, 1.5, (512, 512, 3))).astype(np.uint8)
    assert count(judged(dense), Cell.EMPTY) == 0


FAULTS: dict[str, tuple[Callable[[Rgb], Rgb], Cell]] = {
    "too much light": (lambda rgb: scaled(rgb, 2.2), Cell.OVEREXPOSED),
    "too little light": (lambda rgb: scaled(rgb, 0.2), Cell.UNDEREXPOSED),
    "no light": (lambda rgb: np.zeros_like(rgb), Cell.UNDEREXPOSED),
    "a grey camera": (lambda rgb: np.repeat(rgb[..., 1:2], 3, axis=2), Cell.BADLY_STAINED),
    "red alone": (lambda rgb: rgb * np.array([1, 0, 0], np.uint8), Cell.BADLY_STAINED),
    "red stuck": (lambda rgb: np.maximum(rgb, np.array([230, 0, 0], np.uint8)), Cell.BADLY_STAINED),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_light_or_stain_is_told(fault: str) -> None:
    spoil, flag = FAULTS[fault]
    quality = judged(np.ascontiguousarray(spoil(smear(cells=40)), np.uint8))
    assert count(quality, flag) + count(quality, Cell.EMPTY) >= 62
    assert count(quality, flag) > 50
    assert flag.name is not None
    assert flag.name.lower() in reasons(quality.cells)


def test_a_misplaced_field_is_misplaced_everywhere(sharp: Rgb) -> None:
    quality = judged(sharp, is_misplaced=True)
    assert count(quality, Cell.MISPLACED) == 64
    assert count(quality, Cell.EMPTY) == 0
    assert reasons(quality.cells)[0] == "misplaced"
    assert quality.disposition is Disposition.UNUSABLE


def test_a_picture_too_small_to_be_judged_is_unprocessed() -> None:
    quality = judged(smear(0, 126, 400))
    assert set(quality.cells) == {Cell.UNPROCESSED}
    assert quality.disposition is Disposition.UNPROCESSED
    assert reasons(quality.cells) == ("unprocessed",)


def test_reasons_come_most_frequent_first() -> None:
    both = int(Cell.OUT_OF_FOCUS | Cell.OVEREXPOSED)
    quality = Quality((both, int(Cell.OVEREXPOSED)) + (0,) * 62, (0,) * 64, ())
    assert reasons(quality.cells) == ("overexposed", "out_of_focus")
    assert quality.disposition is Disposition.USED


def test_planes_of_one_place_are_ranked_by_sharpness(sharp: Rgb) -> None:
    planes = [judged(blurred(sharp, sigma_px)).sharpness for sigma_px in (0.5, 2, 4)]
    for near, far in pairwise(planes):
        assert sum(a > b for a, b in zip(near, far, strict=True)) >= 62


def test_a_bayer_field_is_judged_as_its_rgb_field(sharp: Rgb) -> None:
    soft = np.asarray(cv2.GaussianBlur(sharp, (0, 0), 1), np.uint8)
    mosaic = np.where(np.indices((1024, 1024)).sum(axis=0) % 2, soft[..., 1], soft[..., 0])
    mosaic[1::2, 1::2] = soft[1::2, 1::2, 2]
    bayer = assess(picture(capture(mosaic.astype(np.uint8).tobytes(), "BayerRG8", 1024, 1024)))
    assert sum(a == b for a, b in zip(bayer.cells, judged(soft).cells, strict=True)) >= 62


@given(
    height=st.integers(16, 300),
    width=st.integers(16, 300),
    seed=st.integers(0, 9),
    spread=st.sampled_from([0, 1, 40, 127]),
)
@settings(deadline=None, max_examples=60)
def test_any_picture_is_judged_in_integers_and_always_alike(
    height: int, width: int, seed: int, spread: int
) -> None:
    rng = np.random.default_rng(seed)
    rgb = rng.integers(127 - spread, 128 + spread, (height, width, 3)).astype(np.uint8)
    quality = judged(rgb)
    assert quality == judged(rgb)
    values = (*quality.cells, *quality.sharpness, *(value for _, value in quality.measures))
    assert all(type(value) is int for value in values)
    names = [name for name, _ in quality.measures]
    assert names == sorted(names)
    assert all(cell == Cell.EMPTY or not cell & Cell.EMPTY for cell in quality.cells)


@pytest.mark.parametrize("size", [(1024, 1024), (126, 400), (16, 300)])
def test_a_thumbnail_shows_the_whole_field_in_colour(size: tuple[int, int]) -> None:
    rgb = np.full((*size, 3), (200, 60, 90), np.uint8)
    rgb[size[0] // 2 :] = (40, 90, 200)
    small = cv2.imdecode(np.frombuffer(thumbnail(taken(rgb)), np.uint8), cv2.IMREAD_COLOR)
    assert small is not None
    assert small.shape[1] == min(128, size[1] // 2)
    assert np.abs(small[0, 0].astype(int) - (90, 60, 200)).max() < 25
    assert np.abs(small[-1, -1].astype(int) - (200, 90, 40)).max() < 25
