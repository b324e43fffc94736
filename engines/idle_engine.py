"""An engine that sees nothing: for measuring what everything else costs. It cannot be proved."""

import numpy as np

from engines.card import ModelCard
from engines.decode import located as as_located
from engines.detector import EMBEDDING, Candidates, Crops, Grades, Located, Tile


class IdleEngine:
    """Finds no cell in any tile, and takes every crop for none."""

    identity = "idle: sees nothing"

    def __init__(self, card: ModelCard) -> None:
        self._classes = len(card.classes)

    def locate(self, tile: Tile) -> Candidates:
        """No candidates, whatever the picture."""
        del tile
        nothing = np.zeros((0, 3), np.float32)
        return Candidates(nothing[:, :2], as_located(nothing[:, 0], nothing), truncated=False)

    def grade(self, crops: Crops, located: Located) -> Grades:
        """No cell in any crop."""
        del located
        class_scores = np.zeros((len(crops), self._classes), np.float32)
        class_scores[:, 0] = 1
        return Grades(class_scores, np.zeros((len(crops), EMBEDDING), np.float32))
