"""Simulated fields as files, in the layout of annotated public data: pictures and where cells lie.

For training and for eyes. It is the only way that a simulated slide's truth leaves its source.
"""

import csv
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from drivers.problem import Problem, Refusal
from drivers.scanner.lists import ImageKey
from drivers.scanner.words import PixelFormat
from drivers.sources.simulated.render import Options, SimulatedSlide

LABELS = {"negative": "NILM", "low": "LSIL", "high": "HSIL"}
"""What public data calls a cell of each class."""
IMAGE_COLUMNS = ("image_filename", "image_id", "width", "height", "um_per_px")
POINT_COLUMNS = ("image_filename", "cell_id", "label", "x", "y")


def write_fields(
    to: Path, slides: Iterable[Options], progress: Callable[[str], None]
) -> dict[str, int]:
    """Writes every field of some simulated slides, one PNG each, `images.csv` and `points.csv`.

    Args:
        to: A folder that is made, or is there and holds no `images.csv`.
        slides: What to render. Fields of one slide have consecutive image ids.
        progress: Told each file's name when it is written.

    Returns:
        How many images were written, and how many cells of each label.

    Raises:
        Refusal: The folder holds images already.
    """
    if (to / "images.csv").exists():
        problem = "holds images already"
        raise Refusal(Problem("to", str(to), problem, "Name a folder that is new or empty"))
    to.mkdir(parents=True, exist_ok=True)
    totals = dict.fromkeys(("images", *LABELS.values()), 0)
    with (
        (to / "images.csv").open("w", newline="") as image_file,
        (to / "points.csv").open("w", newline="") as point_file,
    ):
        images, points = csv.writer(image_file), csv.writer(point_file)
        images.writerow(IMAGE_COLUMNS)
        points.writerow(POINT_COLUMNS)
        for options in slides:
            camera = replace(options.camera, format=PixelFormat.PNG)
            slide = SimulatedSlide(replace(options, camera=camera))
            for planned in slide.facts.plan.fields:
                key = ImageKey(field=planned.field, capture=1)
                name = f"{slide.facts.slide}_f{planned.field}.png"
                (to / name).write_bytes(slide.capture(key).pixels)
                um_per_px = f"{camera.pm_per_px / 1_000_000:.4f}"
                images.writerow(
                    (name, totals["images"], camera.width_px, camera.height_px, um_per_px)
                )
                for mark in slide.marks(key):
                    label = LABELS[mark.cell.class_]
                    cell_id = sum(totals.values()) - totals["images"]
                    points.writerow((name, cell_id, label, f"{mark.x_px:.1f}", f"{mark.y_px:.1f}"))
                    totals[label] += 1
                totals["images"] += 1
                progress(name)
    return totals
