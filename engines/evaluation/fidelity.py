"""How far the engine that runs is from what the model means, on fields: the engine isn't the graph.

Rounding to 8 bits is part of what the model means; what a runtime makes of it is not.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from engines.detect import detect
from engines.fields import AnnotatedField
from engines.int8.calibration import shown
from engines.network_engine import NetworkEngine

PERCENTILE = 99.9
NEAR = np.ones((3, 3), np.uint8)
"""A peak that moves by one cell of the map is the same peak."""


@dataclass(frozen=True, slots=True)
class Fidelity:
    """An engine beside the unoptimised graphs."""

    fields: int
    heat_map_p99_9: float
    """Of the differences of all cells of the maps of peaks, as probabilities."""
    findings: int
    findings_meant: int

    @property
    def findings_ratio(self) -> float:
        """Findings of the engine, to those of the graphs."""
        return self.findings / max(1, self.findings_meant)


def fidelity(
    engine: NetworkEngine, graphs: NetworkEngine, fields: Iterable[AnnotatedField]
) -> Fidelity:
    """Show both the same fields.

    Args:
        engine: The engine that runs.
        graphs: The unoptimised graphs of the same card.
        fields: At most two tiles wide and high at the crops' scale; what is over is cut off.

    Raises:
        EngineFault: One of them failed.
    """
    card = engine.card
    apart, found, many = [], np.zeros(2, np.int64), 0
    for field in fields:
        one = shown(field, card)
        maps = [cv2.dilate(each.maps(one.tile)[0][0, 0], NEAR) for each in (engine, graphs)]
        apart.append(np.abs(maps[0] - maps[1]).ravel())
        found += [len(detect(each, card, one.tile, one.cut).scores) for each in (engine, graphs)]
        many += 1
    worst = float(np.percentile(np.concatenate(apart), PERCENTILE)) if apart else 0.0
    return Fidelity(many, worst, int(found[0]), int(found[1]))
