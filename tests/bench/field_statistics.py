"""Colour, darkness and size of the nuclei of annotated fields: one JSON line a folder.

`python tests/bench/field_statistics.py DIR...` reads folders of fields with `images.csv` and
`points.csv`, real and rendered ones alike, so that their statistics can stand side by side. Every
figure in a list is the 10th, 50th and 90th percentile. Densities are decadic, against the field's
own blank, in red, green and blue. Diameters come of one simple rule for all (`diameter_um`): fair
to compare, not to quote.
"""

import csv
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

UM_PER_PX = 0.25
CROP_PX = 97
"""24 um: crops are resampled to one scale, the point in the middle pixel."""
BRIGHTEST = 0.03
"""Share of a field that is taken for its blank, by brightness."""

Density = npt.NDArray[np.float32]
"""float32, shape (97, 97, 3)."""
_Y, _X = (np.mgrid[:CROP_PX, :CROP_PX] - CROP_PX // 2) * UM_PER_PX
_AWAY_UM = np.hypot(_X, _Y)
_CENTRE, _AROUND = _AWAY_UM < 0.8, (_AWAY_UM > 7.5) & (_AWAY_UM < 11.5)
_INNER = _AWAY_UM < 1.5


def blank_colour(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The median colour of the brightest part of a field, 0 to 255; float32, shape (3,)."""
    small = cv2.resize(rgb, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA).reshape(-1, 3)
    light = small.astype(np.int32).sum(axis=1)
    chosen = small[light >= np.quantile(light, 1 - BRIGHTEST)]
    return np.asarray(np.maximum(np.median(chosen, axis=0), 1), np.float32)


def density_around(
    rgb: npt.NDArray[np.uint8],
    blank: npt.NDArray[np.float32],
    x_px: float,
    y_px: float,
    um_per_px: float,
) -> Density | None:
    """The density about a point; None where the crop would leave the field."""
    scale, reach = UM_PER_PX / um_per_px, CROP_PX // 2
    half_px = (reach + 1) * scale
    height, width = rgb.shape[:2]
    if not (half_px <= x_px < width - half_px and half_px <= y_px < height - half_px):
        return None
    lattice = np.array(
        [[scale, 0, x_px - 0.5 - reach * scale], [0, scale, y_px - 0.5 - reach * scale]]
    )
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop = cv2.warpAffine(rgb, lattice, (CROP_PX, CROP_PX), flags=how).astype(np.float32)
    return np.asarray(-np.log10(np.maximum(crop, 1) / blank), np.float32)


def diameter_um(density: Density) -> float | None:
    """That of the circle of the area, about the middle, that is nearer to it than to the around.

    None where the two differ little, or where that area reaches the crop's edge.
    """
    dark = cv2.GaussianBlur(density[:, :, :2].mean(axis=2), (0, 0), 1.0)
    centre, around = float(np.median(dark[_INNER])), float(np.median(dark[_AROUND]))
    if centre - around < 0.12:
        return None
    is_dark = (dark > (centre + around) / 2).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(is_dark, connectivity=4)
    label = int(np.bincount(labels[_CENTRE]).argmax())
    x, y, width, height, area = stats[label].tolist()
    if label == 0 or x == 0 or y == 0 or x + width == CROP_PX or y + height == CROP_PX:
        return None
    return float(2 * np.sqrt(area / np.pi) * UM_PER_PX)


def percentiles(values: list[Any]) -> Any:
    """The 10th, 50th and 90th, of each column."""
    return np.percentile(np.asarray(values), (10, 50, 90), axis=0).round(3).tolist()


def statistics(folder: Path) -> dict[str, Any]:
    """All figures of one folder."""
    points = defaultdict(list)
    with (folder / "points.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            points[row["image_filename"]].append(row)
    blanks: list[Any] = []
    area_mm2 = 0.0
    seen: defaultdict[str, defaultdict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    with (folder / "images.csv").open(newline="") as file:
        images = list(csv.DictReader(file))
    for image in images:
        bgr = cv2.imread(str(folder / "images" / image["image_filename"]), cv2.IMREAD_COLOR)
        assert bgr is not None, image
        rgb = np.ascontiguousarray(bgr[:, :, ::-1]).astype(np.uint8)
        um_per_px, blank = float(image["um_per_px"]), blank_colour(rgb)
        blanks.append(blank)
        annotated_px = int(image["annotated_x_max"]) * int(image["annotated_y_max"])
        area_mm2 += annotated_px * um_per_px**2 / 1e6
        for point in points[image["image_filename"]]:
            density = density_around(rgb, blank, float(point["x"]), float(point["y"]), um_per_px)
            if density is not None:
                measured(density, seen[point["label"]])
    return {
        "folder": str(folder),
        "fields": len(images),
        "blank_rgb": percentiles(blanks),
        "nuclei_per_mm2": round(sum(map(len, points.values())) / area_mm2, 1),
        "classes": {
            label: {"nuclei": len(of["nucleus"])}
            | {name: percentiles(values) for name, values in of.items() if values}
            for label, of in sorted(seen.items())
        },
    }


def measured(density: Density, into: dict[str, list[Any]]) -> None:
    """Adds one nucleus' figures to its class'."""
    into["nucleus"].append(np.median(density[_INNER], axis=0))
    into["around"].append(np.median(density[_AROUND], axis=0))
    into["texture"].append(float(density[_INNER].mean(axis=1).std()))
    diameter = diameter_um(density)
    if diameter is not None:
        into["diameter_um"].append(diameter)


if __name__ == "__main__":
    cv2.setNumThreads(1)
    for name in sys.argv[1:]:
        print(json.dumps(statistics(Path(name))), flush=True)
