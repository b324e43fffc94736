"""What colour alone and size alone can tell: the controls beside a model's figures.

A model that is no better than these has learnt a stain or a size. They are fitted on the very cells
that are measured, each run of neighbouring fields judged by a fit to the others.
"""

import cv2
import numpy as np

from engines.detector import Tile
from engines.evaluation.looked import Floats, Ints
from engines.fields import fold_of

FOLDS = 5
STEPS, SMALL, RIDGE = 2_000, 1e-4, 1.0
"""Of a fit: most steps, the change at which it ends, and its pull to zero."""
UM_PER_PX = 0.25
"""Of the crops that the controls see, as the grader sees them."""
CROP_PX = 96
NUCLEUS_PX = 32
"""The middle 8 um of a crop: there colour tells abnormal cells best."""
COLOURS = 12
"""Numbers that are told of a crop's colours."""
MIDDLE_PX = 48
"""Where a nucleus is sought: 12 um."""
REACH_UM = 3.0
"""The dark spot nearest to a point is its nucleus, if it is so near."""


def colours_of(crop: Tile) -> Floats:
    """Mean and deviation of red, green and blue: of the middle 8 um, then of the crop; (12,)."""
    rim = (len(crop) - NUCLEUS_PX) // 2
    parts = [crop[rim:-rim, rim:-rim], crop]
    pixels = [part.reshape(-1, 3).astype(np.float64) for part in parts]
    return np.concatenate([of(part, axis=0) for part in pixels for of in (np.mean, np.std)])


def dark_area_um2(crop: Tile) -> float:
    """Area of the dark spot in the middle 12 um of a crop at 0.25 um/px; 0 if there is none.

    Dark is under Otsu's threshold of the red there, where haematoxylin shows best.
    """
    rim = (len(crop) - MIDDLE_PX) // 2
    red = cv2.GaussianBlur(crop[:, :, 0], (0, 0), 1.0)[rim:-rim, rim:-rim]
    _, dark = cv2.threshold(red, 0, 1, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    _, spots, statistics, _ = cv2.connectedComponentsWithStats(dark)
    rows, columns = np.nonzero(spots)
    if not len(rows):
        return 0.0
    apart = np.hypot(rows - MIDDLE_PX / 2 + 0.5, columns - MIDDLE_PX / 2 + 0.5)
    nearest = int(apart.argmin())
    spot = spots[rows[nearest], columns[nearest]]
    is_near = apart[nearest] * UM_PER_PX <= REACH_UM
    return float(statistics[spot, cv2.CC_STAT_AREA]) * UM_PER_PX**2 if is_near else 0.0


def cross_fitted(features: Floats, groups: Ints, numbers: Ints) -> Floats | None:
    """The chance of each group for each cell, by a fit to the cells of other fields.

    Args:
        features: float64, (n, d).
        groups: int64, (n,): what is to be told.
        numbers: int64, (n,): the `image_id` of each cell's field. Runs of them are left out
            together; single ones where one run holds all cells of a group.

    Returns:
        float64, (n, groups); None where the cells of a group all lie in one field, or there is one
        group.
    """
    runs = np.array([fold_of(int(number), FOLDS) for number in numbers], np.int64)
    singles = np.unique(numbers, return_inverse=True)[1] % FOLDS
    wanted = np.unique(groups)
    for folds in (runs, singles):
        outs = [folds == fold for fold in np.unique(folds)]
        if len(wanted) > 1 and all(np.isin(wanted, groups[~is_out]).all() for is_out in outs):
            chances = np.empty((len(groups), int(groups.max()) + 1))
            for is_out in outs:
                chances[is_out] = _regressed(features[~is_out], groups[~is_out], features[is_out])
            return chances
    return None


def _regressed(features: Floats, groups: Ints, asked: Floats) -> Floats:
    """Logistic regression in which every group weighs the same; the chance of each group.

    With equal weights the fits to different fields have one zero point, and can be ranked together.
    Source: Boehning, Multinomial logistic regression algorithm (1992): one bound of the curvature
    serves all steps, so that none goes too far.
    """
    middle, spread = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-9)
    known, unknown = (
        np.column_stack([(x - middle) / spread, np.ones(len(x))]) for x in (features, asked)
    )
    count = int(groups.max()) + 1
    is_group = groups[:, None] == np.arange(count)
    weights = (1 / np.maximum(is_group.sum(axis=0), 1))[groups, None]
    weights *= len(groups) / weights.sum()
    bound = np.kron(known.T @ (known * weights), np.eye(count) - 1 / count) / 2
    step = np.linalg.inv(bound + RIDGE * np.eye(len(bound)))
    fitted = np.zeros((known.shape[1], count))
    for _ in range(STEPS):
        slope = known.T @ (weights * (is_group - _shares(known @ fitted))) - RIDGE * fitted
        change = (step @ slope.ravel()).reshape(fitted.shape)
        fitted += change
        if np.abs(change).max() < SMALL:
            break
    return _shares(unknown @ fitted)


def _shares(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares


def controls(colours: Floats, areas_um2: Floats, groups: Ints, numbers: Ints) -> dict[str, Floats]:
    """The chance of each group for each cell, (n, groups), by each control that can be had.

    Args:
        colours: float64, (n, 12): as `colours_of` gives them.
        areas_um2: float64, (n,).
        groups: int64, (n,): what is to be told.
        numbers: int64, (n,): the `image_id` of each cell's field.
    """
    seen = {
        "colour": colours[:, :6],
        "colour_and_surroundings": colours,
        "size": np.log1p(areas_um2)[:, None],
    }
    fitted = {name: cross_fitted(features, groups, numbers) for name, features in seen.items()}
    return {name: chances for name, chances in fitted.items() if chances is not None}
