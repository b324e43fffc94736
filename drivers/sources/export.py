"""Simulated fields as files, in the layout of annotated public data: pictures and where cells lie.

For training and for eyes. It is the only way that a simulated slide's truth leaves its source.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from drivers.problem import Problem, Refusal
from drivers.scanner.lists import ImageKey
from drivers.scanner.words import PixelFormat
from drivers.sources.simulated.render import Options, SimulatedSlide

LABELS = ("NILM", "ASC-US", "LSIL", "ASC-H", "HSIL", "SCC")
"""What public data calls cells; no simulated cell is ASC-US, which is a reader's doubt."""
IMAGE_COLUMNS = (
    "image_filename",
    "image_id",
    "width",
    "height",
    "annotated_x_max",
    "annotated_y_max",
    *LABELS,
    "um_per_px",
    "slide",
)
POINT_COLUMNS = ("image_filename", "cell_id", "label", "x", "y")


def write_fields(
    to: Path, slides: Iterable[Options], progress: Callable[[str], None]
) -> dict[str, int]:
    """Writes every field of some simulated slides: PNGs in `images/`, `images.csv`, `points.csv`.

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
    (to / "images").mkdir(parents=True, exist_ok=True)
    totals: Counter[str] = Counter(dict.fromkeys(("images", *LABELS), 0))
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
            size = (camera.width_px, camera.height_px)
            for planned in slide.facts.plan.fields:
                key = ImageKey(field=planned.field, capture=1)
                name = f"{slide.facts.slide}_f{planned.field}.png"
                (to / "images" / name).write_bytes(slide.capture(key).pixels)
                marks = slide.marks(key)
                labels = [mark.cell.kind.label for mark in marks]
                counts = [labels.count(label) for label in LABELS]
                um_per_px = f"{camera.pm_per_px / 1_000_000:.4f}"
                images.writerow(
                    (name, totals["images"], *size, *size, *counts, um_per_px, slide.facts.slide)
                )
                cell_id = totals.total() - totals["images"]
                for number, (mark, label) in enumerate(zip(marks, labels, strict=True)):
                    place = (f"{mark.x_px:.1f}", f"{mark.y_px:.1f}")
                    points.writerow((name, cell_id + number, label, *place))
                totals.update(dict(zip(LABELS, counts, strict=True)), images=1)
                progress(name)
    return dict(totals)
