"""What a detection engine is, for those who use one: where cells may be, and what they are."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Tile: TypeAlias = npt.NDArray[np.uint8]
"""uint8, shape (h, w, 3), RGB, at the card's `pm_per_px`; at most the card's `tile_px`."""

Crops: TypeAlias = npt.NDArray[np.uint8]
"""uint8, shape (n, crop_px, crop_px, 3), RGB, at the card's `crop_pm_per_px`."""

Located: TypeAlias = npt.NDArray[np.float32]
"""float32, shape (n, 4): the logit of the peak, then the logits of negative, low and high."""

EMBEDDING = 64
"""Numbers by which cells are likened; for research, never for a category."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Where n cells may be, best peak first."""

    centres_px: npt.NDArray[np.float32]
    """float32, shape (n, 2): x to the right, y down; the first pixel's middle is (0.5, 0.5)."""
    located: Located
    truncated: bool
    """There were more than are kept."""


@dataclass(frozen=True, slots=True)
class Grades:
    """What n crops show."""

    class_scores: npt.NDArray[np.float32]
    """float32, shape (n, classes), calibrated, each row sums to 1; the first: no cell is there."""
    embeddings: npt.NDArray[np.float32]
    """float32, shape (n, `EMBEDDING`)."""


@dataclass(frozen=True, slots=True)
class Detections:
    """n cells, best score first; equal scores from the upper left."""

    centres_px: npt.NDArray[np.float32]
    """float32, shape (n, 2), as the candidates'."""
    scores: npt.NDArray[np.float32]
    """float32, shape (n,), 0 to 1: that a cell is there. None is under the card's `min_score`."""
    class_scores: npt.NDArray[np.float32]
    """float32, shape (n, classes), calibrated, each row sums to 1."""
    embeddings: npt.NDArray[np.float32]
    """float32, shape (n, `EMBEDDING`)."""


class Detector(Protocol):
    """A loaded engine. One thread owns it."""

    @property
    def identity(self) -> str:
        """Networks, runtime and version, threads, shapes: whatever could change a number."""
        ...

    def locate(self, tile: Tile) -> Candidates:
        """Where cells may be. The engine pads the picture to its own fixed shape.

        Raises:
            EngineFault: The engine failed; nothing that it said since the last proof counts.
        """
        ...

    def grade(self, crops: Crops, located: Located) -> Grades:
        """What the crops around candidates show. The engine pads the last batch.

        Raises:
            EngineFault: As for `locate`.
        """
        ...


class EngineFault(Exception):
    """The engine failed or contradicts its card. Says key, value, problem and remedy."""

    def __init__(self, key: str, value: str, problem: str, remedy: str) -> None:
        super().__init__(f"{key}={value}: {problem}. {remedy}.")
        self.key, self.value, self.problem, self.remedy = key, value, problem, remedy


class BadModel(EngineFault):
    """A model folder that cannot be used: absent, changed, or with a card that does not fit."""
