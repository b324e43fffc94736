"""A folder of images as one slide."""

import os
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers.problem import Refusal
from drivers.scanner.lists import ImageKey
from drivers.scanner.words import PixelFormat, Purpose
from drivers.sources.replay import GAP_NM, ImageFolder, ReplayOptions

SIZES = [(100, 80), (100, 79), (96, 80), (100, 80), (100, 77)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    chance = np.random.default_rng(1)
    for number, (width, height) in enumerate(SIZES):
        picture = chance.integers(0, 255, (height, width, 3)).astype(np.uint8)
        assert cv2.imwrite(str(tmp_path / f"{number}.png"), picture)
    return tmp_path


def table(folder: Path, lines: list[str], header: str = "image_filename,um_per_px") -> Path:
    (folder / "images.csv").write_text("\n".join([header, *lines]) + "\n")
    return folder


def refusal(options: ReplayOptions) -> str:
    with pytest.raises(Refusal) as refused:
        ImageFolder(options)
    return str(refused.value)


def test_pixels_stay_as_they_are(folder: Path) -> None:
    source = ImageFolder(ReplayOptions(folder, um_per_px=0.25))
    for number, (width, height) in enumerate(SIZES):
        shot = source.capture(ImageKey(field=number, capture=1))
        assert (shot.width_px, shot.height_px, shot.stride) == (width, height, 3 * width)
        original = cv2.imread(str(folder / f"{number}.png"))
        assert original is not None
        assert shot.pixels == original[:, :, ::-1].tobytes()


def test_fields_are_planned_as_the_largest_image_and_share_no_ground(folder: Path) -> None:
    facts = ImageFolder(ReplayOptions(folder, um_per_px=0.25)).facts
    plan = facts.plan
    assert (plan.w_nm, plan.h_nm, plan.overlap_nm) == (25_000, 20_000, 0)
    assert (facts.purpose, facts.registration_nm) == (Purpose.REPLAY, 0)
    for one, other in combinations(plan.fields, 2):
        apart_x = abs(one.x_nm - other.x_nm) >= plan.w_nm + GAP_NM
        apart_y = abs(one.y_nm - other.y_nm) >= plan.h_nm + GAP_NM
        assert apart_x or apart_y


@pytest.mark.parametrize("format_", list(PixelFormat))
def test_images_can_be_sent_in_every_format(folder: Path, format_: PixelFormat) -> None:
    source = ImageFolder(ReplayOptions(folder, um_per_px=0.25, format=format_))
    shot = source.capture(ImageKey(field=1, capture=1))
    assert shot.format is format_
    if format_.bytes_per_px:
        assert len(shot.pixels) == shot.stride * shot.height_px
    if format_.value.startswith("Bayer"):
        assert (shot.width_px % 2, shot.height_px) == (0, 78)


def test_the_list_gives_order_scale_and_a_folder_of_its_own(folder: Path) -> None:
    (folder / "images").mkdir()
    (folder / "4.png").rename(folder / "images" / "4.png")
    table(folder, ["4.png,0.250", "0.png,0.251", "1.png,0.249"])
    source = ImageFolder(ReplayOptions(folder))
    assert source.facts.optics.pm_per_px == 250_000
    heights = [source.capture(ImageKey(field=f, capture=1)).height_px for f in range(3)]
    assert heights == [77, 80, 79]


def test_the_option_outweighs_the_list(folder: Path) -> None:
    table(folder, ["0.png,0.250", "1.png,0.9"])
    facts = ImageFolder(ReplayOptions(folder, um_per_px=0.5)).facts
    assert facts.optics.pm_per_px == 500_000


def test_without_a_scale_it_refuses_and_names_the_option(folder: Path) -> None:
    assert "--um-per-px" in refusal(ReplayOptions(folder))
    table(folder, ["0.png"], header="image_filename")
    assert "--um-per-px" in refusal(ReplayOptions(folder))
    table(folder, ["0.png,small"])
    assert "--um-per-px" in refusal(ReplayOptions(folder))


def test_mixed_scales_are_refused_by_name(folder: Path) -> None:
    table(folder, ["0.png,0.25", "1.png,0.25", "2.png,0.29"])
    assert "2.png" in refusal(ReplayOptions(folder))


@pytest.mark.parametrize("um_per_px", [0.0, -1.0, float("nan"), 9.0])
def test_a_scale_that_no_microscope_has_is_refused(folder: Path, um_per_px: float) -> None:
    assert "um_per_px" in refusal(ReplayOptions(folder, um_per_px=um_per_px))


def test_a_list_cannot_name_files_elsewhere(folder: Path) -> None:
    table(folder, ["../secret.png,0.25"])
    assert "secret" in refusal(ReplayOptions(folder))


def test_what_is_no_image_is_refused_by_name(folder: Path) -> None:
    (folder / "5.png").write_bytes(b"no image")
    assert "5.png" in refusal(ReplayOptions(folder, um_per_px=0.25))
    (folder / "5.png").write_bytes(b"")
    assert "5.png" in refusal(ReplayOptions(folder, um_per_px=0.25))
    table(folder, ["gone.png,0.25"])
    assert "gone.png" in refusal(ReplayOptions(folder))


def test_an_empty_folder_and_one_that_is_not_there_are_refused(tmp_path: Path) -> None:
    assert "0 images" in refusal(ReplayOptions(tmp_path, um_per_px=0.25))
    assert "0 images" in refusal(ReplayOptions(tmp_path / "gone", um_per_px=0.25))


def test_a_field_that_is_not_planned_is_refused(folder: Path) -> None:
    source = ImageFolder(ReplayOptions(folder, um_per_px=0.25))
    with pytest.raises(Refusal, match="field=5"):
        source.capture(ImageKey(field=5, capture=1))


@pytest.mark.data
def test_the_public_fields_lie_on_one_slide() -> None:
    data = Path(os.environ.get("CYTOEDGE_DATA", "../shared/data")) / "cric_cervix"
    if not data.is_dir():
        pytest.skip(f"no public images at {data}: set CYTOEDGE_DATA")
    facts = ImageFolder(ReplayOptions(data)).facts
    assert len(facts.plan.fields) == 74
    assert 240_000 < facts.optics.pm_per_px < 255_000
    assert facts.slide == "replay-cric_cervix"
