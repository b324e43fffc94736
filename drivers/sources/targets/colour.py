"""A slide of colour patches seen by a camera with its own sensitivities."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from drivers.sources.targets.sensor import HEIGHT_PX, WIDTH_PX, Camera, Chance, Picture, Sensor

ROWS, COLUMNS = 4, 6
BORDER_PX = 12
"""Dark frame around a patch."""
Patches = npt.NDArray[np.float64]
"""Linear sRGB under D65, shape (24, 3), 0 to 1; the last six fall from white to dark grey."""

MATRIX = np.array([[0.86, 0.10, 0.04], [0.09, 0.82, 0.09], [0.03, 0.13, 0.84]])
"""What a camera makes of linear sRGB: its sensitivities overlap."""
CERTIFIED = 0.003
"""Standard uncertainty of a patch's certified values, a share."""


@dataclass(frozen=True, slots=True)
class Colours:
    """How the patches are seen."""

    gains: tuple[float, float, float] = (0.8, 0.9, 0.7)
    swapped: bool = False
    """Red and blue are exchanged."""
    metamerism: float = 0.006
    """Share by which a camera's colours are no mixture of the patches' own."""
    upside_down: bool = False


def certified_patches(seed: int = 24) -> Patches:
    """Stains' colours and others, as a certificate would list them."""
    chance = np.random.default_rng(seed)
    hues = chance.uniform(0.08, 0.9, (18, 3))
    greys = np.array([0.95, 0.7, 0.45, 0.25, 0.12, 0.05])[:, None] * np.ones(3)
    return np.concatenate([hues, greys])


def camera_matrix(colours: Colours) -> Patches:
    """From linear sRGB to the camera's light, shape (3, 3)."""
    matrix = np.diag(colours.gains) @ MATRIX
    return np.asarray(matrix[::-1] if colours.swapped else matrix)


def colour_picture(colours: Colours, chance: Chance, sensor: Sensor | None = None) -> Picture:
    """All patches in one field; shape (H, W, 3)."""
    certified = certified_patches()
    true = certified * (1 + CERTIFIED * chance.standard_normal(certified.shape))
    seen = true @ camera_matrix(colours).T
    seen = seen * (1 + colours.metamerism * chance.standard_normal(seen.shape))
    seen = np.clip(seen[::-1] if colours.upside_down else seen, 0, 1)
    light = np.full((HEIGHT_PX, WIDTH_PX, 3), 0.02, np.float32)
    tops = np.linspace(0, HEIGHT_PX, ROWS + 1).astype(int)
    lefts = np.linspace(0, WIDTH_PX, COLUMNS + 1).astype(int)
    for i in range(ROWS * COLUMNS):
        row, column = divmod(i, COLUMNS)
        light[
            tops[row] + BORDER_PX : tops[row + 1] - BORDER_PX,
            lefts[column] + BORDER_PX : lefts[column + 1] - BORDER_PX,
        ] = seen[i]
    return Camera(sensor or Sensor(), chance, light.shape).expose(light)
