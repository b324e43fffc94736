"""Small pictures of the best findings of each class, for people, and what the grader saw there."""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from edge.slide.finding import Column, Findings
from edge.slide.place import Rectangle
from edge.slide.record import Crop

CROPS_A_CLASS = 8
CROP_NM = 24_000
"""Side of a crop: a nucleus with the cytoplasm around it."""
_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 90]


def crops(
    findings: Findings,
    embeddings: npt.NDArray[np.int16],
    place: Rectangle,
    size_px: tuple[int, int],
    cut: Callable[[int, int, int, int], npt.NDArray[np.uint8]],
) -> tuple[Crop, ...]:
    """The best findings of each class, as pictures.

    Args:
        findings: Of one image.
        embeddings: Theirs: int16, shape (n, 64), in 1/1,000.
        place: Its ground.
        size_px: Its height and width.
        cut: Gives uint8 (h, w, 3) RGB of (left, top, width, height) in its pixels.
    """
    kept = []
    for class_ in np.unique(findings[:, Column.CLASS]):
        of_class = np.flatnonzero(findings[:, Column.CLASS] == class_)
        severities = findings[of_class, Column.SEVERITY]
        best = of_class[np.lexsort((of_class, -severities))][:CROPS_A_CLASS]
        kept += [int(index) for index in best]
    height, width = size_px
    side = min(height, width, CROP_NM * width // place.w_nm)
    return tuple(
        Crop(
            index,
            _picture(findings, index, place, (height, width), side, cut),
            embeddings[index].astype("<i2").tobytes(),
        )
        for index in sorted(kept)
    )


def _picture(
    findings: Findings,
    index: int,
    place: Rectangle,
    size_px: tuple[int, int],
    side: int,
    cut: Callable[[int, int, int, int], npt.NDArray[np.uint8]],
) -> bytes:
    height, width = size_px
    x, y = (int(value) for value in findings[index, : Column.W_NM])
    left = (x - place.left_nm) * width // place.w_nm - side // 2
    top = (y - place.top_nm) * height // place.h_nm - side // 2
    left, top = min(max(left, 0), width - side), min(max(top, 0), height - side)
    picture = cv2.cvtColor(cut(left, top, side, side), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", picture, _JPEG)[1].tobytes()
