"""An engine that sees nothing: for measuring what everything else costs. It cannot be proved."""

import numpy as np

from engines.detector import Detections, Tile


class IdleEngine:
    """Finds no cell in any tile."""

    identity = "idle: sees nothing"

    def __init__(self, classes: int) -> None:
        """Args: classes: How many class scores a detection would have."""
        self._classes = classes

    def detect(self, picture: Tile) -> Detections:
        """No detections, whatever the picture."""
        del picture
        nothing = np.zeros(0, np.float32)
        return Detections(nothing.reshape(0, 2), nothing, nothing.reshape(0, self._classes))
