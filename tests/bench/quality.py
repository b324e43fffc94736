"""What picture and quality cost, and how sharp their judgement is, as one JSON object.

`python tests/bench/quality.py` gives costs as multiples of one memory copy of the same field, in
CPU time of one thread, over fields that are not in the cache. `python tests/bench/quality.py DIR`
gives the shares of cells judged out of focus and empty on the public fields in DIR, sharp and
blurred.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import google_crc32c
import numpy as np
import numpy.typing as npt

from edge.picture import Picture, Rgb, decode
from edge.quality.assess import assess
from edge.quality.content import empty, white
from edge.quality.focus import out_of_focus
from edge.quality.grid import grid
from edge.quality.thumbnail import thumbnail
from edge.slide.capture import Capture
from edge.slide.place import Rectangle
from edge.slide.record import Image

WIDTH_PX, HEIGHT_PX, FIELDS, ROUNDS = 2448, 2048, 12, 80
BLURS_PX = (1, 2, 3, 4, 6, 10, 20)


def field(format_: str, seed: int) -> Capture:
    """A field with something on it: soft noise of many sizes."""
    rng = np.random.default_rng(seed)
    small = rng.integers(90, 230, (HEIGHT_PX // 16, WIDTH_PX // 16, 3), np.uint8)
    rgb = cv2.resize(small, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_CUBIC)
    pixels = (rgb if format_ == "RGB8" else rgb[..., 1]).tobytes()
    return Capture(
        slide="bench",
        image=Image(seed, 1, 0),
        place=Rectangle(0, 0, 612_000, 512_000),
        z_nm=0,
        width_px=WIDTH_PX,
        height_px=HEIGHT_PX,
        format=format_,
        stride=len(pixels) // HEIGHT_PX,
        checksum=f"{google_crc32c.value(pixels):08x}",
        identity="",
        pm_per_px=250_000,
        pixels=pixels,
    )


def _picture(capture: Capture) -> Picture:
    picture = decode(capture)
    assert isinstance(picture, Picture)
    return picture


def costs(format_: str) -> dict[str, float]:
    """Median costs of each part, in copies; the parts interleaved, so that neighbours hit all."""
    captures = [field(format_, seed) for seed in range(FIELDS)]
    copies = [np.frombuffer(capture.pixels, np.uint8).copy() for capture in captures]
    pictures = [_picture(capture) for capture in captures]
    places = cycle(range(FIELDS))

    def copy() -> None:
        at = next(places)
        np.copyto(copies[at - 5], np.frombuffer(captures[at].pixels, np.uint8))

    def everything() -> None:
        picture = _picture(captures[next(places)])
        assess(picture)
        thumbnail(picture)

    parts: dict[str, Callable[[], object]] = {
        "copy": copy,
        "checksum": lambda: google_crc32c.value(captures[next(places)].pixels),
        "decode": lambda: decode(captures[next(places)]),
        "assess": lambda: assess(pictures[next(places)]),
        "thumbnail": lambda: thumbnail(pictures[next(places)]),
        "all": everything,
    }
    spent: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(ROUNDS):
        for name, part in parts.items():
            start = time.thread_time()
            part()
            spent[name].append(time.thread_time() - start)
    unit = median(spent.pop("copy"))
    return {name: round(median(times) / unit, 2) for name, times in spent.items()}


def judged(fields: list[Rgb], blur_px: float, noise: float) -> tuple[Any, Any]:
    """Masks, shape (n, 8, 8): out of focus, and empty; camera noise comes after the blur."""
    chance = np.random.default_rng(1)
    blurred, bare = [], []
    for rgb in fields:
        soft = cv2.GaussianBlur(rgb, (0, 0), blur_px) if blur_px else rgb
        height, width = (side // 2 for side in rgb.shape[:2])
        soft = soft[: 2 * height, : 2 * width]
        half = cv2.resize(soft, (width, height), interpolation=cv2.INTER_AREA)
        grain = chance.normal(0, noise, half.shape) * np.array([1.41, 1, 1.41])
        measured = grid(np.clip(np.rint(half + grain), 0, 255).astype(np.uint8))
        is_empty = empty(measured.colour, white(measured.colour))
        out, _ = out_of_focus(measured, is_empty)
        blurred.append(out)
        bare.append(is_empty & ~out)
    return np.array(blurred), np.array(bare)


def _read(paths: list[Path]) -> Iterator[npt.NDArray[np.uint8]]:
    for path in paths:
        bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
        assert bgr is not None
        yield np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def _joined(fields: list[Rgb]) -> list[Rgb]:
    """Four fields as one of a scanner's size, cut to the smallest."""
    height, width = (min(side) for side in zip(*(f.shape[:2] for f in fields), strict=True))
    cut = [f[:height, :width] for f in fields]
    fours = zip(cut[::4], cut[1::4], cut[2::4], cut[3::4], strict=False)
    return [np.vstack([np.hstack([a, b]), np.hstack([c, d])]) for a, b, c, d in fours]


def detection(data: Path) -> dict[str, Any]:
    """Shares of cells, by set and blur. `cells with content` are those not empty when sharp."""
    smears = list(_read(sorted((data / "cric_cervix/images").glob("*.webp"))))
    liquid = list(_read(sorted((data / "lbc_mendeley/images").glob("NL_*.jpg"))))
    sets = {
        "smears": (smears, 1.2),
        "smears, four as one": (_joined(smears), 1.2),
        "smears, noisy": (smears, 2.5),
        "liquid-based, four as one": (_joined(liquid), 1.2),
    }
    found: dict[str, Any] = {}
    for name, (fields, noise) in sets.items():
        out, bare = judged(fields, 0, noise)
        content = ~bare
        rows = {"fields": len(fields), "empty": bare.mean(), "rejected": out[content].mean()}
        for blur in BLURS_PX:
            out, bare = judged(fields, blur, noise)
            rows[f"sigma {blur} px: rejected"] = out[content].mean()
            rows[f"sigma {blur} px: empty"] = bare[content].mean()
        found[name] = {key: round(float(value), 4) for key, value in rows.items()}
    return found


if __name__ == "__main__":
    cv2.setNumThreads(1)
    if len(sys.argv) > 1:
        print(json.dumps(detection(Path(sys.argv[1])), indent=1))
    else:
        print(json.dumps({name: costs(name) for name in ("RGB8", "BayerRG8")}, indent=1))
