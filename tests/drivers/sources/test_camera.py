"""From light to bytes."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from drivers.problem import Refusal
from drivers.scanner.words import PixelFormat
from drivers.sources.camera import Camera, encoded, mosaic, noise_table, seen

BAYER = {
    # What OpenCV calls a pattern is where the second pixel of the second row begins.
    PixelFormat.BAYER_RG8: cv2.COLOR_BayerBG2RGB,
    PixelFormat.BAYER_GR8: cv2.COLOR_BayerGB2RGB,
    PixelFormat.BAYER_GB8: cv2.COLOR_BayerGR2RGB,
    PixelFormat.BAYER_BG8: cv2.COLOR_BayerRG2RGB,
}


def smooth_picture() -> np.ndarray:
    """Three different ramps, so that a swapped channel or pattern shows."""
    y, x = np.mgrid[:48, :64]
    return np.stack([60 + 2 * x, 220 - 3 * y, 40 + x + y], axis=2).astype(np.uint8)


@pytest.mark.parametrize("pattern", list(BAYER))
def test_a_mosaic_demosaiced_by_its_own_pattern_is_the_picture(pattern: PixelFormat) -> None:
    picture = smooth_picture()
    raw = mosaic(picture, pattern)
    again = cv2.cvtColor(raw, BAYER[pattern])
    inner = (slice(2, -2), slice(2, -2))
    assert np.abs(again[inner].astype(int) - picture[inner]).max() <= 2
    for other, code in BAYER.items():
        if other is not pattern:
            wrong = cv2.cvtColor(raw, code)[inner].astype(int)
            assert np.abs(wrong - picture[inner]).max() > 20


def test_the_first_two_pixels_of_a_mosaic_have_the_colours_of_its_name() -> None:
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[:] = (10, 20, 30)
    level = {"R": 10, "G": 20, "B": 30}
    for pattern in BAYER:
        first, second = pattern.value[5], pattern.value[6]
        raw = mosaic(picture, pattern)
        assert raw[0, :2].tolist() == [level[first], level[second]]
        assert sorted(raw[:2, :2].ravel().tolist()) == [10, 20, 20, 30]


def test_noise_grows_with_light_keeps_the_mean_and_repeats_by_its_seed() -> None:
    camera = Camera(width_px=256, height_px=256)
    table = noise_table(np.random.default_rng(1), camera)
    spread = []
    for level in (20, 200):
        flat = np.full((256, 256, 3), level, np.uint8)
        raw = seen(flat, PixelFormat.BAYER_RG8, table, np.random.default_rng(5))
        assert abs(float(raw.mean()) - level) < 0.1
        spread.append(float(raw.std()))
        again = seen(flat, PixelFormat.BAYER_RG8, table, np.random.default_rng(5))
        assert (raw == again).all()
    assert 0.5 < spread[0] < spread[1] < 3


@pytest.mark.parametrize("format_", list(PixelFormat))
def test_each_format_has_the_stride_and_channel_order_of_its_name(format_: PixelFormat) -> None:
    picture = smooth_picture()
    table = np.zeros(2 * picture[:, :, 0].size, np.int8)
    pixels, stride = encoded(seen(picture, format_, table, np.random.default_rng(0)), format_)
    if format_ in (PixelFormat.JPEG, PixelFormat.PNG):
        assert stride == 0
        decoded = cv2.imdecode(np.frombuffer(pixels, np.uint8), cv2.IMREAD_COLOR)
        assert decoded is not None
        limit = 0 if format_ is PixelFormat.PNG else 12
        assert np.abs(decoded[:, :, ::-1].astype(int) - picture).max() <= limit
    else:
        assert stride == 64 * format_.bytes_per_px
        assert len(pixels) == 48 * stride
    if format_ is PixelFormat.RGB8:
        assert tuple(pixels[:3]) == tuple(picture[0, 0])
    if format_ is PixelFormat.BGR8:
        assert tuple(pixels[:3]) == tuple(picture[0, 0, ::-1])


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"width_px": 30}, "width_px"),
        ({"height_px": 70}, "height_px"),
        ({"pm_per_px": 250_500}, "pm_per_px"),
    ],
)
def test_a_camera_that_cannot_be_drawn_is_refused(wrong: dict[str, int], key: str) -> None:
    with pytest.raises(Refusal) as refused:
        replace(Camera(), **wrong)  # type: ignore[arg-type]
    assert refused.value.problem.key == key
