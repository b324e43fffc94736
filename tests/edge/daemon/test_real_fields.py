"""Real fields, replayed as one slide into a running daemon."""

import csv
import math
import tempfile
from pathlib import Path

import pytest

from drivers.sources.replay import ImageFolder, ReplayOptions
from edge.commands.checking import verify_slide
from edge.commands.watching import words
from edge.journal import shelf
from edge.slide.record import Image
from tests.edge.daemon.rig import Rig

NEAR_PX = 23
"""A finding this near to an annotated nucleus is that nucleus."""


@pytest.mark.data
def test_real_fields_become_a_verdict_whose_gallery_shows_real_cells(data_dir: Path) -> None:
    folder = data_dir / "cric_cervix"
    source = ImageFolder(ReplayOptions(folder))
    slide = source.facts.slide
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        rig = Rig(Path(name)).start()
        scan = rig.scan(source)
        told = rig.ask("verdict", slide)
        shown = words(told)
        assert rig.end() == 0
        state = rig.place.settings.state_dir
        assert verify_slide(rig.place.settings, slide).is_well
        verdict = told["verdict"]
        store = shelf.read(state, slide)
        assert store is not None
        gallery = []
        for finding in verdict["gallery"]:
            field, capture, plane, index = (int(part[1:]) for part in finding.split("."))
            record = store.record(Image(field, capture, plane)).record
            assert index in {crop.finding for crop in record.crops if crop.jpeg}
            x = (int(record.findings[index, 0]) - record.place.left_nm) / (record.place.w_nm / 1280)
            y = (int(record.findings[index, 1]) - record.place.top_nm) / (record.place.w_nm / 1280)
            gallery.append((field, x, y))
        store.close()
    assert scan.dispositions["used"] == 74
    assert verdict == scan.verdict
    assert verdict["state"] == "final"
    assert verdict["purpose"] == "replay"
    assert verdict["use"] == "research use only"
    assert verdict["identities"]["calibration"].startswith("declared by the source")
    # By its own rules: cells of high grade are plenty, whatever else this "slide" lacks.
    assert (verdict["outcome"], verdict["category"]) == ("category", "HSIL")
    assert "HSIL" in shown
    assert verdict["reasons"][0]["text"] in shown

    points = _annotated(folder)
    is_cell = [_is_near(points[field], x, y, None) for field, x, y in gallery]
    is_abnormal = [_is_near(points[field], x, y, "NILM") for field, x, y in gallery[:30]]
    assert sum(is_cell) >= 0.8 * len(gallery) > 0
    assert sum(is_abnormal) >= 0.6 * 30


Points = list[tuple[float, float, str]]


def _annotated(folder: Path) -> dict[int, Points]:
    """Annotated nuclei by field number: fields are in the order of `images.csv`."""
    with (folder / "images.csv").open() as file:
        names = [row["image_filename"] for row in csv.DictReader(file)]
    points: dict[int, Points] = {number: [] for number in range(len(names))}
    with (folder / "points.csv").open() as file:
        for row in csv.DictReader(file):
            number = names.index(row["image_filename"])
            points[number].append((float(row["x"]), float(row["y"]), row["label"]))
    return points


def _is_near(points: Points, x: float, y: float, other_than: str | None) -> bool:
    return any(
        math.hypot(x - px, y - py) <= NEAR_PX and label != other_than for px, py, label in points
    )
