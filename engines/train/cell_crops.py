"""What the grader learns from: crops of nuclei, and of what the locator mistook for one."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.detector import Tile
from engines.fields import AnnotatedField, at_scale
from engines.train.augment import cropped, placement, restained
from engines.train.mixing import RENDERED, mixed

UM_PER_PX = 0.25
CROP_PX = 96
"""Side of a crop: 24 um."""
OFF_UM = 0.9
"""Standard deviation, in x and in y, of how far a crop lies off the nucleus: as far
as the locator's places do."""


@dataclass(frozen=True, slots=True)
class Graded:
    """A field at the grader's scale, and all places in it that a crop can be taken of."""

    folder: str
    picture: Tile
    points_px: npt.NDArray[np.float64]
    """float64, shape (n, 2)."""
    classes: npt.NDArray[np.int64]
    """int64, shape (n,): index into `CLASSES` of `networks`."""


def graded(field: AnnotatedField, mistaken_px: npt.NDArray[np.floating]) -> Graded:
    """A field's nuclei and the places where there is none, both in the file's pixels."""
    factor = field.um_per_px / UM_PER_PX
    points = np.concatenate([field.points_px, mistaken_px.reshape(-1, 2)]).astype(np.float64)
    classes = np.concatenate([field.labels + 1, np.zeros(len(mistaken_px), np.int64)])
    picture = at_scale(field.picture, field.um_per_px, UM_PER_PX)
    return Graded(field.folder, picture, points * factor, classes)


def example(field: Graded, place: int, chance: np.random.Generator) -> Tile:
    """A crop around one place, at random changes that leave its class true."""
    middle = field.points_px[place] + chance.normal(0, OFF_UM / UM_PER_PX, 2)
    by = placement(middle, np.exp(chance.uniform(-0.1, 0.1)), CROP_PX, chance)
    return restained(cropped(field.picture, by, CROP_PX, chance), UM_PER_PX, chance)


def sampling_shares(
    classes: npt.NDArray[np.int64], folders: npt.NDArray[np.str_]
) -> npt.NDArray[np.float64]:
    """How often each place is drawn, float64, sum 1.

    Every class and every folder by the root of its size: rare ones more often than they are. Real
    and rendered places by fixed shares, their classes counted apart.
    """
    worth = np.ones(len(classes))
    for groups in (2 * classes + (folders == RENDERED), folders):
        _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
        worth /= np.sqrt(counts[inverse])
    return mixed(worth, folders)
