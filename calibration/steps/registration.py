"""How far a picture's content moved, to a hundredth of a pixel."""

import cv2
import numpy as np

from calibration.steps.outcome import Floats, Picture

LEAST_RESPONSE = 0.05
"""Peak of the phase correlation under which two pictures share nothing."""
_STEPS = 8
_SHRINK = 4
_SMOOTH_PX = 1.5


def shift(before: Picture, after: Picture) -> Floats | None:
    """Shift of content from one picture to the next, pixels, x and y; None where none is found.

    Phase correlation finds the whole pixels, least squares on the gradient the rest (Lucas and
    Kanade, IJCAI 1981), each over what both show.
    """
    a, b = (cv2.GaussianBlur(p.astype(np.float32), (0, 0), _SMOOTH_PX) for p in (before, after))
    # Shrunk, so that what is compared is texture and not the pixels' noise.
    small = [
        cv2.resize(p, None, fx=1 / _SHRINK, fy=1 / _SHRINK, interpolation=cv2.INTER_AREA)
        for p in (a, b)
    ]
    window = cv2.createHanningWindow(small[0].shape[::-1], cv2.CV_32F)
    (x, y), response = cv2.phaseCorrelate(small[0], small[1], window)
    if response < LEAST_RESPONSE:
        return None
    found = _SHRINK * np.array([x, y])
    for _ in range(_STEPS):
        moved = cv2.warpAffine(
            b,
            np.array([[1, 0, found[0]], [0, 1, found[1]]]),
            (b.shape[1], b.shape[0]),
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        )
        left, top = (int(abs(v)) + 8 for v in found)
        inner = (slice(top, a.shape[0] - top), slice(left, a.shape[1] - left))
        if a[inner].size < a.size // 8:
            return None
        gy, gx = np.gradient((a[inner] + moved[inner]) / 2)
        off = moved[inner] - a[inner]
        off = off - off.mean()
        normal = np.array([[np.sum(gx * gx), np.sum(gx * gy)], [np.sum(gx * gy), np.sum(gy * gy)]])
        step = np.linalg.solve(normal, np.array([np.sum(gx * off), np.sum(gy * off)]))
        found = found - step
        if np.abs(step).max() < 1e-4:
            break
    return found
