"""What the model counts on simulated slides whose truth is known: the card's numbers come from it.

    python tests/bench/model_on_simulated_slides.py --seed 7000 --slides 20 --fields 160

prints one JSON line a slide: true squamous cells on the planned ground, cells counted, findings
that reach each category, and the highest class sums, from which thresholds can be read. A field
counts what lies nearest to its own planned middle; quality is not judged.
"""

import argparse
import json
from pathlib import Path

import cv2
import google_crc32c
import numpy as np
import numpy.typing as npt

from drivers.scanner.lists import ImageKey
from drivers.sources.simulated.render import Options, SimulatedSlide
from drivers.sources.simulated.specimen import SQUAMOUS_PER_MM2, Contents
from drivers.sources.source import Shot
from edge.picture import Damaged, at_scale, decode
from edge.slide.capture import Capture
from edge.slide.place import Rectangle
from edge.slide.record import Image
from engines.card import MODELS, load
from engines.maps import one_tile
from engines.openvino_engine import OpenVinoEngine

TOP = 40


def main() -> None:
    """Measure, slide after slide."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("seed", 7000), ("slides", 20), ("fields", 160), ("low", 0), ("high", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--per-mm2", type=int, default=SQUAMOUS_PER_MM2)
    parser.add_argument("--model", type=Path, default=MODELS / "cervical-1")
    asked = parser.parse_args()
    engine = OpenVinoEngine(load(asked.model))
    contents = Contents(asked.per_mm2, asked.low, asked.high)
    for seed in range(asked.seed, asked.seed + asked.slides):
        slide = SimulatedSlide(Options(seed=seed, fields=asked.fields, contents=contents))
        print(json.dumps({"seed": seed, **measure(slide, engine)}), flush=True)


def measure(slide: SimulatedSlide, engine: OpenVinoEngine) -> dict[str, object]:
    """Count every field's cells and compare with the truth."""
    plan = slide.facts.plan
    middles = np.array([(planned.x_nm, planned.y_nm) for planned in plan.fields])
    rows: list[npt.NDArray[np.float64]] = []
    for index, planned in enumerate(plan.fields):
        key = ImageKey(field=planned.field, capture=1)
        shot = slide.capture(key)
        places, classes = findings(shot, engine)
        rows.append(np.hstack([places, classes])[nearest(places, middles) == index])
    counted = np.concatenate(rows)
    shown = [Rectangle(x_nm, y_nm, plan.w_nm, plan.h_nm) for x_nm, y_nm in middles.tolist()]
    truth = [c for c in slide.truth() if any(place.holds(c.x_nm, c.y_nm) for place in shown)]
    said: dict[str, object] = {
        "fields": len(plan.fields),
        "area_um2": planned_area_um2(shown),
        "true_cells": len(truth),
        "counted": len(counted),
        "true_low": sum(cell.class_ == "low" for cell in truth),
        "true_high": sum(cell.class_ == "high" for cell in truth),
    }
    for category, first in (("LSIL", 3), ("HSIL", 4)):
        sums = np.sort(counted[:, first:].sum(1))[::-1]
        bar = next(c.threshold for c in engine.card.categories if c.category == category) / 10_000
        said[category] = int((sums >= bar).sum())
        said[f"{category}_top"] = sums[:TOP].round(4).tolist()
    return said


def planned_area_um2(shown: list[Rectangle]) -> int:
    """Area of the union of some fields, by lattice points every 20 um."""
    points = {
        (x, y)
        for place in shown
        for x in range(-(-place.left_nm // 20_000), -(-(place.left_nm + place.w_nm) // 20_000))
        for y in range(-(-place.top_nm // 20_000), -(-(place.top_nm + place.h_nm) // 20_000))
    }
    return 400 * len(points)


def findings(
    shot: Shot, engine: OpenVinoEngine
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Places in nm, (n, 2), and class scores, (n, classes), of one image's cells."""
    pm = engine.card.pm_per_px // 2
    place = Rectangle(
        shot.x_nm, shot.y_nm, shot.width_px * pm // 1_000, shot.height_px * pm // 1_000
    )
    picture = decode(
        Capture(
            slide="bench",
            image=Image(0, 1, 0),
            place=place,
            z_nm=shot.z_nm,
            width_px=shot.width_px,
            height_px=shot.height_px,
            format=shot.format.value,
            stride=shot.stride,
            checksum=f"{google_crc32c.value(shot.pixels):08x}",
            identity="bench",
            pm_per_px=pm,
            pixels=shot.pixels,
        )
    )
    if isinstance(picture, Damaged):
        raise TypeError(str(picture.problem))
    seen = engine.detect(
        one_tile(at_scale(picture.half, 2 * pm, engine.card.pm_per_px), engine.card.tile_px)
    )
    corner = np.array([place.left_nm, place.top_nm])
    nm_per_px = engine.card.pm_per_px / 1_000
    return corner + seen.centres_px.astype(np.float64) * nm_per_px, seen.class_scores.astype(
        np.float64
    )


def nearest(
    places: npt.NDArray[np.float64], middles: npt.NDArray[np.int64]
) -> npt.NDArray[np.intp]:
    """For each place the index of the nearest middle."""
    index: npt.NDArray[np.intp] = np.square(places[:, None] - middles[None]).sum(2).argmin(1)
    return index


if __name__ == "__main__":
    cv2.setNumThreads(1)
    main()
