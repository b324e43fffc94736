"""Stage 2: every format gives the same picture, and damage is told, not raised."""

import tracemalloc
import zlib
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.picture import Damaged, Rgb, at_scale, decode
from edge.slide.capture import Capture
from tests.edge.picture.captures import (
    PATTERNS,
    capture,
    captured,
    damaged,
    file_of,
    mosaic,
    picture,
    pixels_of,
    texture,
)


def means(rgb: Rgb) -> npt.NDArray[np.float64]:
    """2 x 2 means, unrounded: the definition."""
    height, width = (side // 2 * 2 for side in rgb.shape[:2])
    even = rgb[:height, :width].astype(float)
    return np.asarray(even.reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3)))


@pytest.mark.parametrize("format_", ["RGB8", "BGR8", "PNG"])
@pytest.mark.parametrize("size", [(96, 80), (95, 81), (600, 64)])
def test_a_half_picture_is_the_mean_of_four_in_rgb(format_: str, size: tuple[int, int]) -> None:
    rgb = texture(*size)
    half = picture(captured(rgb, format_)).half
    assert np.abs(half - means(rgb)).max() <= 0.5
    assert half.flags.c_contiguous


@pytest.mark.parametrize("format_", PATTERNS)
@pytest.mark.parametrize("size", [(96, 80), (600, 64), (95, 81)])
def test_a_superpixel_is_its_red_the_mean_of_its_greens_and_its_blue(
    format_: str, size: tuple[int, int]
) -> None:
    rgb = texture(*size)
    half = picture(captured(rgb, format_)).half
    height, width = (side // 2 * 2 for side in size)
    corners: dict[str, list[npt.NDArray[np.float64]]] = {}
    for place, colour in enumerate(PATTERNS[format_]):
        y, x = divmod(place, 2)
        values = rgb[y:height:2, x:width:2, "RGB".index(colour)].astype(float)
        corners.setdefault(colour, []).append(values)
    for channel, colour in enumerate("RGB"):
        assert np.abs(half[..., channel] - np.mean(corners[colour], axis=0)).max() <= 0.5


def test_every_format_shows_the_same_picture() -> None:
    rgb = cv2.GaussianBlur(texture(128, 96), (0, 0), 6).astype(np.uint8)
    expected = means(rgb)
    for format_ in ("RGB8", "BGR8", "PNG", "JPEG", *PATTERNS):
        half = picture(captured(rgb, format_)).half
        assert np.abs(half - expected).mean() < 2.5, format_


def test_mono_is_grey_in_all_three_colours() -> None:
    grey = texture(64, 64)[..., 0]
    half = picture(capture(grey.tobytes(), "Mono8", 64, 64)).half
    assert (half[..., 0] == half[..., 1]).all()
    assert (half[..., 1] == half[..., 2]).all()


@pytest.mark.parametrize("format_", ["RGB8", "BGR8", "Mono8", *PATTERNS])
def test_padded_rows_change_nothing(format_: str) -> None:
    rgb = texture(300, 64)
    pixels = rgb[..., 0] if format_ == "Mono8" else pixels_of(rgb, format_)
    rows = pixels.reshape(300, -1)
    padded = np.full((300, rows.shape[1] + 13), 99, np.uint8)
    padded[:, : rows.shape[1]] = rows
    plain = picture(capture(rows.tobytes(), format_, 64, 300))
    other = picture(capture(padded.tobytes(), format_, 64, 300, padded.shape[1]))
    assert (plain.half == other.half).all()
    assert (plain.crop(4, 6, 20, 30) == other.crop(4, 6, 20, 30)).all()


def test_a_field_is_not_copied_whether_it_comes_as_bytes_or_as_a_view() -> None:
    sent = bytearray(texture(512, 512).tobytes())
    whole = capture(memoryview(sent), "RGB8", 512, 512)
    tracemalloc.start()
    found = picture(whole)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < len(sent)
    before = found.crop(0, 0, 2, 2).copy()
    sent[0] ^= 255
    assert found.crop(0, 0, 2, 2)[0, 0, 0] == before[0, 0, 0] ^ 255


@given(
    format_=st.sampled_from(["RGB8", "BGR8", "JPEG", "PNG", *PATTERNS]),
    place=st.tuples(st.integers(0, 60), st.integers(0, 60)),
    size=st.tuples(st.integers(1, 36), st.integers(1, 36)),
)
@settings(deadline=None, max_examples=60)
def test_a_crop_shows_the_field_at_full_size(
    format_: str, place: tuple[int, int], size: tuple[int, int]
) -> None:
    rgb = np.asarray(cv2.GaussianBlur(texture(96, 96), (0, 0), 4), np.uint8)
    found = picture(captured(rgb, format_))
    assert found.size_px == (96, 96)
    (left, top), (width, height) = place, size
    crop = found.crop(left, top, width, height)
    expected = rgb[top : top + height, left : left + width]
    assert crop.shape == expected.shape
    assert np.abs(crop.astype(int) - expected).mean() < 6


@pytest.mark.parametrize("format_", PATTERNS)
def test_a_crop_of_a_mosaic_is_that_of_the_whole_field(format_: str) -> None:
    sensor = mosaic(texture(64, 64), format_)
    whole = picture(capture(sensor.tobytes(), format_, 64, 64)).crop(0, 0, 64, 64)
    part = picture(capture(sensor.tobytes(), format_, 64, 64)).crop(11, 14, 21, 9)
    assert (part == whole[14:23, 11:32]).all()


def test_a_picture_at_its_scale_is_left_as_it_is() -> None:
    half = texture(64, 64)
    assert at_scale(half, 500_000, 500_000) is half
    assert at_scale(half, 500_000, 504_000) is half
    assert at_scale(half, 494_000, 500_000).shape == (63, 63, 3)


def test_a_picture_is_resampled_by_means() -> None:
    half = texture(64, 96)
    coarse = at_scale(half, 250_000, 500_000)
    assert np.abs(coarse - means(half)).max() <= 0.5
    assert at_scale(half, 500_000, 250_000).shape == (128, 192, 3)


# Damage -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_", ["RGB8", "BayerGB8", "JPEG", "PNG"])
@given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(deadline=None, max_examples=20)
def test_any_bit_turned_over_fails_the_checksum(format_: str, at: float, bit: int) -> None:
    good = captured(texture(65, 64), format_)
    pixels = bytearray(good.pixels)
    pixels[int(at * len(pixels))] ^= 1 << bit
    found = damaged(replace(good, pixels=bytes(pixels)))
    assert found.code == "checksum"
    assert good.checksum in str(found.problem)


def cut(sent: Capture, to: int) -> Capture:
    return capture(bytes(sent.pixels[:to]), sent.format, sent.width_px, sent.height_px, sent.stride)


@pytest.mark.parametrize("format_", ["RGB8", "Mono8", "BayerRG8", "JPEG", "PNG"])
@pytest.mark.parametrize("keeps", [0, 1, 3, 30, 0.5, -1])
def test_a_truncated_field_is_damaged(format_: str, keeps: float) -> None:
    good = captured(texture(64, 64), format_ if format_ != "Mono8" else "BayerRG8")
    good = replace(good, format=format_)
    length = len(good.pixels)
    to = int(keeps * length) if 0 < keeps < 1 else length - 1 if keeps < 0 else int(keeps)
    assert damaged(cut(good, to)).code == "format"


def bomb(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        crc = zlib.crc32(name + body).to_bytes(4, "big")
        return len(body).to_bytes(4, "big") + name + body + crc

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    body = zlib.compress(bytes(1_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(name, part) for name, part in ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    )


def test_a_png_bomb_is_refused_by_its_header_before_anything_is_allocated() -> None:
    sent = capture(bomb(60_000, 60_000), "PNG", 2448, 2048)
    tracemalloc.start()
    found = damaged(sent)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.code == "format"
    assert "60000 x 60000" in str(found.problem)
    assert peak < 100_000


@pytest.mark.parametrize("format_", ["JPEG", "PNG"])
def test_a_file_of_another_size_than_the_message_says_is_damaged(format_: str) -> None:
    sent = capture(file_of(texture(64, 48), format_), format_, 64, 48)
    found = damaged(sent)
    assert found.code == "format"
    assert "48 x 64 px" in str(found.problem)


def test_a_png_with_a_broken_body_is_damaged(capfd: pytest.CaptureFixture[str]) -> None:
    assert damaged(capture(bomb(4_000, 4_000), "PNG", 4_000, 4_000)).code == "format"
    capfd.readouterr()


def test_a_turned_jpeg_keeps_the_size_that_its_header_says() -> None:
    whole = file_of(texture(64, 48), "JPEG")
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    turned = whole[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + whole[2:]
    plain = picture(capture(whole, "JPEG", 48, 64))
    assert (picture(capture(turned, "JPEG", 48, 64)).half == plain.half).all()


@given(pixels=st.binary(max_size=300), format_=st.sampled_from(["JPEG", "PNG", "RGB8", "BayerBG8"]))
@settings(deadline=None)
def test_rubbish_is_damaged_never_raised(pixels: bytes, format_: str) -> None:
    starts = {"JPEG": b"\xff\xd8\xff\xe0", "PNG": b"\x89PNG\r\n\x1a\n"}
    for sent in (pixels, starts.get(format_, b"") + pixels + b"\xff\xd9"):
        assert isinstance(decode(capture(sent, format_, 64, 48)), Damaged)


def test_a_stride_shorter_than_a_row_is_damaged() -> None:
    rgb = texture(64, 64)
    assert damaged(capture(rgb.tobytes(), "RGB8", 64, 64, 64)).code == "format"
