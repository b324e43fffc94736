"""Simulated fields as files."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers.problem import Refusal
from drivers.sources.camera import Camera
from drivers.sources.export import IMAGE_COLUMNS, LABELS, POINT_COLUMNS, write_fields
from drivers.sources.replay import ImageFolder, ReplayOptions
from drivers.sources.simulated.render import Options
from drivers.sources.simulated.specimen import Contents

SLIDES = [
    Options(
        seed=seed,
        fields=2,
        contents=Contents(lsil=4, asc_h=3, hsil=4, scc=3),
        camera=Camera(width_px=512, height_px=384),
    )
    for seed in (1, 2)
]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_pictures_and_points_are_written_as_annotated_data_has_them(tmp_path: Path) -> None:
    names: list[str] = []
    totals = write_fields(tmp_path / "data", SLIDES, names.append)
    images, points = (rows(tmp_path / "data" / name) for name in ("images.csv", "points.csv"))
    assert tuple(images[0]) == IMAGE_COLUMNS
    assert tuple(points[0]) == POINT_COLUMNS
    assert [row["image_filename"] for row in images] == names
    assert [row["image_id"] for row in images] == ["0", "1", "2", "3"]
    assert totals == {
        "images": 4,
        **{label: sum(p["label"] == label for p in points) for label in LABELS},
    }
    assert totals["ASC-US"] == 0
    assert min(totals[label] for label in ("NILM", "LSIL", "ASC-H", "HSIL", "SCC")) > 0
    for row in images:
        of_image = [p["label"] for p in points if p["image_filename"] == row["image_filename"]]
        assert {label: row[label] for label in LABELS} == {
            label: str(of_image.count(label)) for label in LABELS
        }
        assert (row["annotated_x_max"], row["annotated_y_max"]) == (row["width"], row["height"])
    assert [row["slide"] for row in images] == ["sim-1", "sim-1", "sim-2", "sim-2"]
    assert len({row["cell_id"] for row in points}) == len(points)
    darker = []
    for row in points:
        picture = cv2.imread(str(tmp_path / "data" / "images" / row["image_filename"]))
        assert picture is not None
        assert picture.shape == (384, 512, 3)
        x, y = round(float(row["x"])), round(float(row["y"]))
        if 20 < x < 490 and 20 < y < 364:
            nucleus = picture[y - 3 : y + 3, x - 3 : x + 3, 2]
            darker.append(nucleus.mean() < np.median(picture[:, :, 2]) - 15)
    assert np.mean(darker) > 0.9


def test_what_is_written_can_be_replayed(tmp_path: Path) -> None:
    write_fields(tmp_path / "data", SLIDES[:1], lambda name: None)
    facts = ImageFolder(ReplayOptions(tmp_path / "data")).facts
    assert facts.optics.pm_per_px == 250_000
    assert len(facts.plan.fields) == 2


def test_a_folder_that_holds_images_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "images.csv").touch()
    with pytest.raises(Refusal, match="holds images already"):
        write_fields(tmp_path, SLIDES, lambda name: None)
