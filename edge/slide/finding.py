"""One cell, placed on the slide; and how many of them are kept: as one packed integer array."""

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Findings: TypeAlias = npt.NDArray[np.int32]
"""int32, shape (n, 9 + classes), one finding a row in `Column` order, best score first."""

MAX_FINDINGS = 4_096
"""Findings an image keeps, best first. Bounds the memory of evidence."""


LIKELY_CELL = 5_000
"""`Column.SCORE` from which a finding is a cell more likely than not. Findings are sought much
further down, where an abnormal cell may be missed by none but a cell is rarely there."""


class Column(IntEnum):
    """Columns of `Findings`; the calibrated score of class k stands in column `CLASSES + k`."""

    X_NM = 0
    Y_NM = 1
    W_NM = 2
    H_NM = 3
    CLASS = 4
    """Index of the most likely class of the model card."""
    SCORE = 5
    """How sure the detector is that a cell is there, in 1/10,000."""
    SEVERITY = 6
    """Severity of the worst category reached; 0 is NILM."""
    REACHED = 7
    """Bit s is set where the category of severity s is reached."""
    AREA_UM2 = 8
    """Of the nucleus; 0 where it was not measured."""
    CLASSES = 9


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of `Findings`, for readers."""

    x_nm: int
    """Middle of its box."""
    y_nm: int
    w_nm: int
    h_nm: int
    class_: int
    score: int
    severity: int
    reached: int
    area_um2: int
    class_scores: tuple[int, ...]
    """In 1/10,000, in the order of the model card's classes."""


def no_findings(classes: int) -> Findings:
    """An image's findings where there are none."""
    return np.zeros((0, Column.CLASSES + classes), np.int32)


def finding(row: npt.NDArray[np.int32]) -> Finding:
    """One packed row, as a `Finding`."""
    x, y, w, h, class_, score, severity, reached, area, *scores = (int(value) for value in row)
    return Finding(x, y, w, h, class_, score, severity, reached, area, tuple(scores))
