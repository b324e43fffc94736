"""A folder of images, laid out on a grid as one slide.

The pixels stay as they are. Fields are planned as large as the largest image, with a gap between
them, so that no two images share ground.
"""

import csv
import math
import re
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from drivers.problem import Problem, Refusal, shown
from drivers.scanner.lists import ImageKey, PlanList, PlannedField, RectangleSpot
from drivers.scanner.words import (
    MAX_PLANNED_FIELDS,
    Optics,
    PixelFormat,
    Preparation,
    Purpose,
    Specimen,
)
from drivers.sources.camera import Picture, encoded, mosaic
from drivers.sources.layout import SPOT_X_NM, SPOT_Y_NM, Tiling, serpentine
from drivers.sources.source import Shot, SlideFacts

GAP_NM = 20_000
"""Ground between two fields, planned by none."""
SCALE_TOLERANCE = 0.10
"""How far an image's scale may lie from the median."""
SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
_SCALE_REMEDY = "Give --um-per-px, or an images.csv with columns image_filename and um_per_px"


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """How a folder is shown."""

    folder: Path
    um_per_px: float | None = None
    """Scale of all images; by default what `images.csv` says."""
    format: PixelFormat = PixelFormat.RGB8
    """What is sent. Bayer formats keep one of three values a pixel, JPEG is lossy."""
    specimen: Specimen = Specimen.CERVICAL
    preparation: Preparation = Preparation.CONVENTIONAL
    slide: str | None = None
    """Its id; by default one made of the folder's name."""
    images: frozenset[str] | None = None
    """Only the images of these names."""


@dataclass(frozen=True, slots=True)
class _Listed:
    path: Path
    um_per_px: float


class ImageFolder:
    """A source of fields: the images of a folder, in the order of their list or names."""

    def __init__(self, options: ReplayOptions) -> None:
        """Reads every image once, to know its size.

        Raises:
            Refusal: No scale is known, scales differ, or there is no image, or one cannot be read.
        """
        listed = _listed(options)
        self._paths = [image.path for image in listed]
        self._format = options.format
        pm_per_px = _one_scale(listed)
        shapes = [self._picture(number).shape for number in range(len(listed))]
        w_nm = max(shape[1] for shape in shapes) * pm_per_px // 1_000
        h_nm = max(shape[0] for shape in shapes) * pm_per_px // 1_000
        self.facts = SlideFacts(
            slide=options.slide or _slide_id(options.folder),
            purpose=Purpose.REPLAY,
            specimen=options.specimen,
            preparation=options.preparation,
            optics=Optics(pm_per_px=pm_per_px, objective="replayed", camera_serial="replayed"),
            plan=_plan(len(listed), w_nm, h_nm),
            registration_nm=0,
        )

    def capture(self, key: ImageKey) -> Shot:
        """One image of the folder, whatever the capture's number.

        Raises:
            Refusal: It can no longer be read, or its field is not planned.
        """
        if key.field >= len(self._paths):
            problem = Problem("field", str(key.field), "is not planned", "Capture planned fields")
            raise Refusal(problem)
        planned = self.facts.plan.fields[key.field]
        picture = self._picture(key.field)
        if self._format in (PixelFormat.RGB8, PixelFormat.JPEG, PixelFormat.PNG):
            sensor = picture
        elif self._format is PixelFormat.BGR8:
            sensor = picture[:, :, ::-1]
        elif self._format is PixelFormat.MONO8:
            sensor = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
        else:
            sensor = mosaic(picture, self._format)
        pixels, stride = encoded(sensor, self._format)
        return Shot(
            x_nm=planned.x_nm,
            y_nm=planned.y_nm,
            z_nm=0,
            width_px=sensor.shape[1],
            height_px=sensor.shape[0],
            format=self._format,
            stride=stride,
            exposure_us=0,
            pixels=pixels,
        )

    def _picture(self, number: int) -> Picture:
        path = self._paths[number]
        try:
            data = np.frombuffer(path.read_bytes(), np.uint8)
            decoded = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
        except OSError as error:
            problem = Problem("image", str(path), str(error.strerror), "Give files that are there")
            raise Refusal(problem) from None
        if decoded is None:
            problem = Problem("image", str(path), "cannot be decoded", "Remove it from the folder")
            raise Refusal(problem)
        picture = np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)
        if self._format.value.startswith("Bayer"):  # its 2 x 2 pattern wants even sides
            picture = picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]
        return picture


def _listed(options: ReplayOptions) -> list[_Listed]:
    """The folder's images and their scales, by its list or by name."""
    folder, table = options.folder, options.folder / "images.csv"
    if table.exists():
        listed = _from_table(table, options.um_per_px)
    elif options.um_per_px is None:
        problem = "has no images.csv, and without a scale nothing can be measured"
        raise Refusal(Problem("--um-per-px", shown(str(folder)), problem, _SCALE_REMEDY))
    else:
        names = sorted(folder.iterdir()) if folder.is_dir() else []
        paths = [path for path in names if path.suffix.lower() in SUFFIXES]
        listed = [_Listed(path, options.um_per_px) for path in paths]
    if options.images is not None:
        listed = [image for image in listed if image.path.name in options.images]
    if not 1 <= len(listed) <= MAX_PLANNED_FIELDS:
        problem = f"has {len(listed)} images, not 1 to {MAX_PLANNED_FIELDS}"
        raise Refusal(Problem("folder", shown(str(folder)), problem, "Name a folder of images"))
    for image in listed:
        if not (math.isfinite(image.um_per_px) and 0.01 <= image.um_per_px <= 5):
            problem = f"is no scale from 0.01 to 5 um, for {image.path.name}"
            raise Refusal(Problem("um_per_px", str(image.um_per_px), problem, _SCALE_REMEDY))
    return listed


def _from_table(table: Path, um_per_px: float | None) -> list[_Listed]:
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    listed = []
    for row in rows:
        name = row.get("image_filename") or ""
        if not name or Path(name).name != name:
            problem = "is no file name in column image_filename"
            remedy = "Name files of this folder, or of images/ in it"
            raise Refusal(Problem("images.csv", shown(name), problem, remedy))
        nested = table.parent / "images" / name
        path = nested if nested.exists() else table.parent / name
        try:
            scale = um_per_px if um_per_px is not None else float(row.get("um_per_px") or "")
        except ValueError:
            value = shown(row.get("um_per_px"))
            problem = f"images.csv gives no scale for {name}"
            raise Refusal(Problem("--um-per-px", value, problem, _SCALE_REMEDY)) from None
        listed.append(_Listed(path, scale))
    return listed


def _one_scale(listed: list[_Listed]) -> int:
    """The median scale, in pm a pixel.

    Raises:
        Refusal: An image lies too far from it.
    """
    middle = median(image.um_per_px for image in listed)
    strange = [i for i in listed if abs(i.um_per_px / middle - 1) > SCALE_TOLERANCE]
    if strange:
        names = ", ".join(f"{i.path.name} ({i.um_per_px})" for i in strange[:3])
        problem = f"{len(strange)} of {len(listed)} images have another scale than the rest"
        remedy = f"One slide has one scale ({middle} here): put these into a folder of their own"
        raise Refusal(Problem("um_per_px", names, problem, remedy))
    return round(middle * 1_000_000)


def _plan(images: int, w_nm: int, h_nm: int) -> PlanList:
    tiling = Tiling(w_nm + GAP_NM, h_nm + GAP_NM, 0)
    columns, rows = tiling.columns_and_rows(images)
    spot = RectangleSpot(
        x_nm=SPOT_X_NM,
        y_nm=SPOT_Y_NM,
        w_nm=columns * tiling.w_nm - GAP_NM,
        h_nm=rows * tiling.h_nm - GAP_NM,
    )
    middles = serpentine(tiling, columns, rows)[:images]
    return PlanList(
        spot=spot,
        w_nm=w_nm,
        h_nm=h_nm,
        overlap_nm=0,
        fields=[
            PlannedField(field=number, x_nm=x_nm, y_nm=y_nm)
            for number, (x_nm, y_nm) in enumerate(middles)
        ],
    )


def _slide_id(folder: Path) -> str:
    return "replay-" + (re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name)[:57] or "folder")
