"""Draws the pictures of `docs/specimens.md`: `python tests/bench/specimen_pictures.py DIR`."""

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from drivers.scanner.lists import ImageKey
from drivers.scanner.words import Preparation
from drivers.sources.camera import Picture
from drivers.sources.simulated.population import TrueCell
from drivers.sources.simulated.render import Options, SimulatedSlide
from drivers.sources.simulated.specimen import preset

FIELDS = 4
OVERVIEW_PX = (816, 683)
CLOSE_PX = (480, 384)
"""Of the picture's own pixels: 120 x 96 um."""
CLOSE = (
    ("thinprep", "lsil", "LSIL", 23),
    ("conventional", "lsil", "LSIL", 29),
    ("surepath", "asc-h", "ASC-H", 24),
    ("thinprep", "hsil", "HSIL", 25),
    ("conventional", "hsil", "HSIL", 26),
    ("conventional", "scc", "SCC", 27),
)
"""Preparation, specimen, the label that is shown in the middle, and the slide's seed."""
BENIGN = (
    ("thinprep", "negative", 31),
    ("conventional", "atrophic", 32),
    ("surepath", "inflamed", 33),
)


def slide(preparation: str, specimen: str, seed: int, planes: int = 1) -> SimulatedSlide:
    """A small slide."""
    return SimulatedSlide(
        Options(
            seed=seed,
            fields=FIELDS,
            contents=preset(specimen).contents,
            preparation=Preparation(preparation),
            planes=planes,
        )
    )


def crowd(source: SimulatedSlide, label: str | None) -> tuple[int, int, int]:
    """Field, left and top of the close-up that shows most cells of a label."""
    best = (-1, 0, 0, 0)
    for field in range(FIELDS):
        marks = source.marks(ImageKey(field=field, capture=1))
        places = np.array([(m.x_px, m.y_px) for m in marks if _is_shown(m.cell, label)])
        for x, y in places:
            left = int(np.clip(x - CLOSE_PX[0] / 2, 0, 2448 - CLOSE_PX[0]))
            top = int(np.clip(y - CLOSE_PX[1] / 2, 0, 2048 - CLOSE_PX[1]))
            inside = ((places - (left, top)) > 30) & (
                (places - (left, top)) < np.subtract(CLOSE_PX, 30)
            )
            best = max(best, (min(int(inside.all(axis=1).sum()), 6), field, left, top))
    return best[1:]


def _is_shown(cell: TrueCell, label: str | None) -> bool:
    return label is None or cell.kind.label == label


def close_up(source: SimulatedSlide, place: tuple[int, int, int], plane: int = 0) -> Picture:
    """A part of a field at its own scale."""
    field, left, top = place
    picture = source.picture(ImageKey(field=field, capture=1, plane=plane))
    return picture[top : top + CLOSE_PX[1], left : left + CLOSE_PX[0]]


def pictures() -> Iterator[tuple[str, Picture]]:
    """Names and pictures."""
    for preparation, seed in (("thinprep", 21), ("surepath", 22), ("conventional", 28)):
        whole = slide(preparation, "hsil", seed).picture(ImageKey(field=1, capture=1))
        small = cv2.resize(whole, OVERVIEW_PX, interpolation=cv2.INTER_AREA)
        yield preparation, np.asarray(small, np.uint8)
    for preparation, specimen, label, seed in CLOSE:
        source = slide(preparation, specimen, seed)
        yield f"{specimen}-{preparation}", close_up(source, crowd(source, label))
    for preparation, specimen, seed in BENIGN:
        source = slide(preparation, specimen, seed)
        yield f"{specimen}-{preparation}", close_up(source, crowd(source, None))
    deep = slide("surepath", "negative", 34, planes=3)
    place = crowd(deep, None)
    yield "depth", np.concatenate([close_up(deep, place, plane) for plane in range(3)], axis=1)


def main() -> None:
    """Write them."""
    cv2.setNumThreads(1)
    to = Path(sys.argv[1])
    to.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures():
        bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(to / f"{name}.jpg"), bgr, [cv2.IMWRITE_JPEG_QUALITY, 85])


if __name__ == "__main__":
    main()
