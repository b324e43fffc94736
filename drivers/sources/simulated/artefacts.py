"""What is wrong with the mount itself: air bubbles under the cover slip of a liquid-based slide."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drivers.sources.simulated.ground import Ground
from drivers.sources.simulated.stock import DENSITY_STEPS

BUBBLES_PER_MM2 = 0.01
BUBBLE_DEFOCUS_UM = 5.0
"""What lies under a bubble is so far out of focus: the air bends the light otherwise."""
_RADIUS_UM = (50.0, 180.0)
_RIM_DENSITY = 1.1
"""The curved edge of a bubble throws the light out of the objective's cone."""


@dataclass(frozen=True, slots=True)
class Bubble:
    """A round bubble."""

    x_nm: float
    y_nm: float
    radius_nm: float

    def holds(self, x_nm: float, y_nm: float) -> bool:
        """Whether a place lies under it."""
        return (x_nm - self.x_nm) ** 2 + (y_nm - self.y_nm) ** 2 < self.radius_nm**2

    def draw(
        self, canvas: npt.NDArray[np.int16], left_nm: int, top_nm: int, nm_per_px: int
    ) -> None:
        """Add its dark rim to a canvas of densities whose corner lies there."""
        reach_nm = 1.15 * self.radius_nm
        height, width = canvas.shape[:2]
        x0, x1 = _inside(self.x_nm - left_nm, reach_nm, nm_per_px, width)
        y0, y1 = _inside(self.y_nm - top_nm, reach_nm, nm_per_px, height)
        x = (np.arange(x0, x1, dtype=np.float32) + 0.5) * nm_per_px + (left_nm - self.x_nm)
        y = (np.arange(y0, y1, dtype=np.float32) + 0.5) * nm_per_px + (top_nm - self.y_nm)
        inwards = 1 - np.hypot(x[None, :], y[:, None]) / self.radius_nm
        rim = np.exp(-((inwards / 0.03) ** 2)) + 0.35 * np.exp(-((inwards / 0.09) ** 2))
        canvas[y0:y1, x0:x1] += np.rint(_RIM_DENSITY * DENSITY_STEPS * rim[:, :, None]).astype(
            np.int16
        )


def _inside(middle_nm: float, reach_nm: float, nm_per_px: int, size: int) -> tuple[int, int]:
    first, last = (middle_nm - reach_nm) / nm_per_px, (middle_nm + reach_nm) / nm_per_px
    return max(0, int(first)), max(0, min(size, int(last) + 1))


def bubbles(rng: np.random.Generator, ground: Ground) -> tuple[Bubble, ...]:
    """The bubbles of a slide, by chance: most have none."""
    many = int(rng.poisson(BUBBLES_PER_MM2 * ground.w_nm * ground.h_nm / 1e12))
    places = rng.uniform(size=(many, 2)) * (ground.w_nm, ground.h_nm)
    radii = 1_000 * rng.uniform(*_RADIUS_UM, many)
    return tuple(
        Bubble(ground.left_nm + x, ground.top_nm + y, radius)
        for (x, y), radius in zip(places.tolist(), radii.tolist(), strict=True)
    )
