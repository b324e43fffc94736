"""Annotated fields, as folders hold them: `images.csv`, `points.csv`, and the images.

`images.csv` names each image with its `um_per_px`, width and height, and may give `image_id`,
`annotated_x_max` and `annotated_y_max`; `points.csv` has a row a nucleus: image, label, x, y in
pixels of the file. Images lie beside them or in `images/`.
"""

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from engines.detector import BadModel, Tile

LABELS = ("NILM", "ASC-US", "LSIL", "ASC-H", "HSIL", "SCC")
"""What an epithelial cell can be called, by rising severity."""

TIER_OF_LABEL = np.array([0, 1, 1, 2, 2, 2])
"""By index into `LABELS`: negative, low or high."""

TIERS = ("negative", "low", "high")

RUN = 8
"""Neighbouring `image_id`s are one smear; so many go to one fold together. Longer runs would put
all high-grade fields of CRIC's largest smear (79 to 94) into one fold, and a network that never saw
high grade cannot be measured on it: that smear is cut in two, knowingly."""


@dataclass(frozen=True, slots=True)
class AnnotatedField:
    """One field as its file shows it, and where its cells are."""

    folder: str
    """Name of the folder it came from."""
    name: str
    number: int
    """Its `image_id`: neighbours are of one slide."""
    um_per_px: float
    picture: Tile
    """At the file's own scale."""
    points_px: npt.NDArray[np.float32]
    """float32, shape (n, 2): x, y of each nucleus in `picture`."""
    labels: npt.NDArray[np.int64]
    """int64, shape (n,): index into `LABELS`."""
    annotated_px: tuple[float, float]
    """Cells further right or further down than this may be there, unlabelled."""

    @property
    def tiers(self) -> npt.NDArray[np.int64]:
        """int64, shape (n,): index into `TIERS`."""
        tiers: npt.NDArray[np.int64] = TIER_OF_LABEL[self.labels].astype(np.int64)
        return tiers


def fold_of(number: int, folds: int) -> int:
    """The fold of a field: runs of 8 `image_id`s (0 to 7, 8 to 15, ...) stay together."""
    return number // RUN % folds


def read_folder(folder: Path) -> Iterator[AnnotatedField]:
    """All fields of a folder.

    Raises:
        BadModel: A file or a column is absent, a number is none, or a label is not known.
    """
    points: dict[str, list[tuple[float, float, int]]] = {}
    table = folder / "points.csv"
    for row in _rows(table, ("image_filename", "label", "x", "y")):
        if row["label"] not in LABELS:
            remedy = f"Use one of {', '.join(LABELS)}"
            raise BadModel(f"{table} label", row["label"], "is no label that we know", remedy)
        cell = (_number(table, row, "x"), _number(table, row, "y"), LABELS.index(row["label"]))
        points.setdefault(row["image_filename"], []).append(cell)
    table = folder / "images.csv"
    for index, row in enumerate(_rows(table, ("image_filename", "um_per_px"))):
        yield _field(folder, index, row, points.get(row["image_filename"], []))


def read_negative(folder: Path) -> Iterator[AnnotatedField]:
    """The fields that a folder's `images.csv` labels NILM as a whole; it needs no points.

    Raises:
        BadModel: As `read_folder`.
    """
    table = folder / "images.csv"
    for index, row in enumerate(_rows(table, ("image_filename", "um_per_px", "label"))):
        if row["label"] == LABELS[0]:
            yield _field(folder, index, row, [])


def read_folders(folders: Sequence[Path]) -> list[AnnotatedField]:
    """All fields of all folders. Memory: 3 bytes a pixel."""
    return [field for folder in folders for field in read_folder(folder)]


def at_scale(picture: Tile, um_per_px: float, wanted_um_per_px: float) -> Tile:
    """A picture resampled to another scale, by averages where it becomes smaller."""
    factor = um_per_px / wanted_um_per_px
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    resampled = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=way)
    return resampled.astype(np.uint8, copy=False)


def _field(
    folder: Path, index: int, row: dict[str, str], cells: list[tuple[float, float, int]]
) -> AnnotatedField:
    table, name = folder / "images.csv", row["image_filename"]
    inner = folder / "images"
    picture = _picture((inner if inner.is_dir() else folder) / name)
    height, width = picture.shape[:2]
    um_per_px = _number(table, row, "um_per_px")
    if not 0.02 <= um_per_px <= 2:
        raise BadModel(f"{table} um_per_px", str(um_per_px), "is no scale", "Give 0.02 to 2")
    said = np.array(cells, np.float64).reshape(-1, 3)
    return AnnotatedField(
        folder=folder.name,
        name=name,
        number=int(_number(table, row, "image_id")) if row.get("image_id") else index,
        um_per_px=um_per_px,
        picture=picture,
        points_px=said[:, :2].astype(np.float32),
        labels=said[:, 2].astype(np.int64),
        annotated_px=(
            _number(table, row, "annotated_x_max") if row.get("annotated_x_max") else width,
            _number(table, row, "annotated_y_max") if row.get("annotated_y_max") else height,
        ),
    )


def _rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    try:
        with path.open(newline="") as lines:
            reader = csv.DictReader(lines)
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        remedy = "Name a folder of annotated fields"
        raise BadModel(str(path), "unreadable", str(error), remedy) from None
    for column in columns:
        if column not in (reader.fieldnames or ()):
            problem = "has no such column"
            raise BadModel(f"{path}", column, problem, f"Give columns {', '.join(columns)}")
    return rows


def _number(path: Path, row: dict[str, str], column: str) -> float:
    try:
        value = float(row[column] or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        image = row["image_filename"]
        raise BadModel(
            f"{path} {column}", str(row[column]), f"is no number, for {image}", "Mend that row"
        )
    return value


def _picture(path: Path) -> Tile:
    stored = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if stored is None:
        raise BadModel(str(path), "unreadable", "no image could be read", "Mend or remove its row")
    return stored.astype(np.uint8, copy=False)
