"""Annotated fields, as folders hold them: `images.csv`, `points.csv`, and the images.

`images.csv` names each image with its `um_per_px`, width and height, and may give `image_id`,
`annotated_x_max` and `annotated_y_max`; `points.csv` has a row a nucleus: image, label, x, y in
pixels of the file. Images lie beside them or in `images/`.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from engines.detector import BadModel, Tile

TIERS = ("negative", "low", "high")
"""The model's classes, least severe first."""

TIER_OF_LABEL = {
    "NILM": 0,
    "ASC-US": 1,
    "LSIL": 1,
    "ASC-H": 2,
    "HSIL": 2,
    "SCC": 2,
}
"""Bethesda names to tiers."""

RUN = 20
"""Neighbouring `image_id`s are one smear; so many go to one fold together."""


@dataclass(frozen=True, slots=True)
class AnnotatedField:
    """One field at the model's scale, and where its cells are."""

    folder: str
    """Name of the folder it came from."""
    name: str
    number: int
    """Its `image_id`: neighbours are of one slide."""
    picture: Tile
    points_px: npt.NDArray[np.float32]
    """float32, shape (n, 2): x, y of each nucleus in `picture`."""
    tiers: npt.NDArray[np.int64]
    """int64, shape (n,): index into `TIERS`."""
    annotated_px: tuple[float, float]
    """Cells further right or further down than this may be there, unlabelled."""


def fold_of(number: int, folds: int) -> int:
    """The fold of a field: runs of 20 `image_id`s (19 to 38, 39 to 58, ...) stay together.

    The one run of high-grade fields that CRIC has, 79 to 94, lies in one fold.
    """
    return (number + 1) // RUN % folds


def read_folder(folder: Path, um_per_px: float) -> Iterator[AnnotatedField]:
    """All fields of a folder, resampled to the model's scale.

    Raises:
        BadModel: A file is absent, or a label has no tier.
    """
    points: dict[str, list[tuple[float, float, int]]] = {}
    for row in _rows(folder / "points.csv"):
        tier = TIER_OF_LABEL.get(row["label"])
        if tier is None:
            raise BadModel(
                f"{folder / 'points.csv'} label",
                row["label"],
                "no tier is known for it",
                f"Use one of {', '.join(TIER_OF_LABEL)}",
            )
        cell = (float(row["x"]), float(row["y"]), tier)
        points.setdefault(row["image_filename"], []).append(cell)
    for index, row in enumerate(_rows(folder / "images.csv")):
        name = row["image_filename"]
        scale = float(row["um_per_px"]) / um_per_px
        inner = folder / "images"
        picture = _picture((inner if inner.is_dir() else folder) / name, scale)
        cells = np.array(points.get(name, []), np.float64).reshape(-1, 3)
        yield AnnotatedField(
            folder=folder.name,
            name=name,
            number=int(row.get("image_id") or index),
            picture=picture,
            points_px=(cells[:, :2] * scale).astype(np.float32),
            tiers=cells[:, 2].astype(np.int64),
            annotated_px=(
                float(row.get("annotated_x_max") or row["width"]) * scale,
                float(row.get("annotated_y_max") or row["height"]) * scale,
            ),
        )


def read_folders(folders: Sequence[Path], um_per_px: float) -> list[AnnotatedField]:
    """All fields of all folders. Memory: 3 bytes a pixel at the model's scale."""
    return [field for folder in folders for field in read_folder(folder, um_per_px)]


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="") as lines:
            return list(csv.DictReader(lines))
    except OSError as error:
        raise BadModel(
            str(path), "absent", str(error), "Name a folder of annotated fields"
        ) from None


def _picture(path: Path, scale: float) -> Tile:
    stored = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if stored is None:
        raise BadModel(str(path), "unreadable", "no image could be read", "Mend or remove its row")
    resampled = cv2.resize(stored, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return resampled.astype(np.uint8, copy=False)
