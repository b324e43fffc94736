"""Step `through_focus`: the best height on any slide: scores must rise once, and fall.

Score: mean squared gradient (Tenengrad: Krotkov, IJCV 1988) of a smoothed picture, so that noise
does not pass for detail.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from calibration.steps.outcome import Figure, Outcome, Picture, refused

STEP = "through_focus"
LEAST_PICTURES = 7
_SMOOTH_PX = 2.0


def measure(stack: Sequence[Picture], z_um: Sequence[float]) -> Outcome:
    """Best height, by the parabola through the three highest scores.

    Args:
        stack: One picture a height, uint8, shape (H, W) or (H, W, 3).
        z_um: Rising heights, evenly spaced.
    """
    z = np.asarray(z_um, np.float64)
    if len(stack) < LEAST_PICTURES or len(z) != len(stack) or not (np.diff(z) > 0).all():
        what = f"{LEAST_PICTURES} rising heights are needed, one a picture"
        return refused(STEP, "stack", str(len(stack)), what, "Take the stack again")
    scores = np.array([score(picture) for picture in stack])
    top = int(np.argmax(scores))
    steps = np.diff(scores)
    if top in (0, len(z) - 1) or not ((steps[:top] > 0).all() and (steps[top:] < 0).all()):
        what = (
            "sharpness does not rise once and fall: nothing there, a stuck drive, or out of reach"
        )
        return refused(
            STEP, "z", f"{z[0]:g} to {z[-1]:g} um", what, "Focus on cells; take it again"
        )
    before, peak, after = np.log(scores[top - 1 : top + 2])
    off = 0.5 * (before - after) / (before - 2 * peak + after)
    pace = float(z[top + 1] - z[top])
    # Evenly likely within a step: the peak of a thick specimen is no parabola's.
    best = Figure("best height", float(z[top] + off * pace), pace / 12**0.5, "um")
    return Outcome(STEP, (best,), curves={"score": np.stack([z, scores], axis=1)})


def score(picture: Picture) -> float:
    """Mean squared gradient, grey levels squared; 0 where nothing is."""
    smooth = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), _SMOOTH_PX)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0)
    along = cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    return float(np.mean(across**2 + along**2))
