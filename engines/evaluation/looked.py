"""What a model made of one annotated field: all that the figures are computed from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engines.fields import LABELS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CLASSES = ("none", *LABELS)
"""What class scores are of; `none` is no epithelial cell."""


@dataclass(frozen=True, slots=True)
class Looked:
    """One field: n annotated nuclei, m candidates in the annotated ground. All in file pixels.

    Candidates beyond the annotated limits are left out: what lies there is unlabelled. A field
    carries its own thresholds, so that fields judged by different networks, each with thresholds
    chosen on other fields, can be measured together.
    """

    folder: str
    name: str
    number: int
    """Its `image_id`: neighbours are of one slide."""
    um_per_px: float
    annotated_px: tuple[float, float]
    """Width and height of the annotated ground."""
    labels: Ints
    """int64, (n,): index into `LABELS`."""
    points_px: npt.NDArray[np.float32]
    """float32, (n, 2): x, y."""
    at_points: Floats
    """float64, (n, 7): what the grader says of a crop cut at the annotated point; sums to 1."""
    colours: Floats
    """float64, (n, 12): of that crop, as `colours_of` gives them; for a control."""
    areas_um2: Floats
    """float64, (n,): the dark spot in the middle of that crop; for a control."""
    centres_px: npt.NDArray[np.float32]
    """float32, (m, 2)."""
    scores: Floats
    """float64, (m,), 0 to 1: that an epithelial cell is there. Down to the lowest threshold that is
    to be measured."""
    class_scores: Floats
    """float64, (m, 7)."""
    threshold: float
    """A candidate of at least this score is a finding."""
    high_grade_bar: float
    """A finding whose scores from ASC-H up sum to this is called high grade on a slide."""

    @property
    def annotated_mm2(self) -> float:
        """Area of the annotated ground."""
        width, height = self.annotated_px
        return width * height * self.um_per_px**2 / 1e6


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a cell: to which of a few groups of labels it belongs."""

    group_of_label: tuple[int, ...]
    """By index into `LABELS`."""

    def groups(self, labels: Ints) -> Ints:
        """The group of each label, (n,)."""
        groups: Ints = np.array(self.group_of_label, np.int64)[labels]
        return groups

    def scores(self, class_scores: Floats) -> Floats:
        """Class scores, (n, 7), summed by group, (n, groups); `none` is in no group."""
        is_group = np.array(self.group_of_label)[:, None] == np.arange(max(self.group_of_label) + 1)
        scores: Floats = class_scores[:, 1:] @ is_group
        return scores


ABNORMAL = Question((0, 1, 1, 1, 1, 1))
HIGH_GRADE = Question((0, 0, 0, 1, 1, 1))
TIER = Question((0, 1, 1, 2, 2, 2))
CLASS = Question((0, 1, 2, 3, 4, 5))


def high_grade_score(class_scores: Floats) -> Floats:
    """The sum of the scores from ASC-H up, (n,)."""
    return HIGH_GRADE.scores(class_scores)[:, 1]
