"""What a detection engine is, for those who use one: pictures in, detections out."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Tile: TypeAlias = npt.NDArray[np.uint8]
"""uint8, shape (h, w, 3), RGB, at the card's um/px; at most the card's `tile_px`."""


@dataclass(frozen=True, slots=True)
class Detections:
    """What an engine saw on one tile: n cells, best score first."""

    centres_px: npt.NDArray[np.float32]
    """float32, shape (n, 2): x to the right, y down; the first pixel's middle is (0.5, 0.5)."""
    scores: npt.NDArray[np.float32]
    """float32, shape (n,), 0 to 1: that a cell is there. None is under the card's `min_score`."""
    class_scores: npt.NDArray[np.float32]
    """float32, shape (n, classes), calibrated, each row sums to 1."""


class Detector(Protocol):
    """A loaded engine. One thread owns it."""

    @property
    def identity(self) -> str:
        """Model, runtime and version, threads, tile shape: whatever could change a number."""
        ...

    def detect(self, picture: Tile) -> Detections:
        """The cells of one picture. The engine pads it to its own fixed shape.

        Raises:
            EngineFault: The engine failed; nothing that it said since the last proof counts.
        """
        ...


class EngineFault(Exception):
    """The engine failed or contradicts its card. Says key, value, problem and remedy."""

    def __init__(self, key: str, value: str, problem: str, remedy: str) -> None:
        super().__init__(f"{key}={value}: {problem}. {remedy}.")
        self.key, self.value, self.problem, self.remedy = key, value, problem, remedy


class BadModel(EngineFault):
    """A model folder that cannot be used: absent, changed, or with a card that does not fit."""
