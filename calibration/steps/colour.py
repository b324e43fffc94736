"""Step `colour`: white, the matrix from the camera's colours to sRGB, and the difference left."""

import numpy as np

from calibration.steps.delta_e import delta_e_2000, lab
from calibration.steps.outcome import Figure, Floats, Outcome, Picture, fit, refused, stated

STEP = "colour"
MOST_MEAN, MOST_WORST = 2.0, 5.0
"""CIEDE2000 over the patches (proposal)."""
MOST_GAIN = 3.0
"""A colour that lacks more light than this against green is a wrong filter or lamp."""
COLOURS = ("red", "green", "blue")
_INNER = 0.25
"""Share of a patch's side left out at each end."""


def measure(picture: Picture, dark: float, certified: Floats, grid: tuple[int, int]) -> Outcome:
    """Colour from one picture of a patch slide.

    Args:
        picture: uint8, shape (H, W, 3), linear in light.
        dark: Grey level without light.
        certified: Linear sRGB of the patches, row by row, shape (rows x columns, 3).
        grid: Rows and columns of patches, which fill the picture.
    """
    seen, mixed = _patches(picture, grid)
    seen = (seen - dark) / (255 - dark)
    if mixed > 0.1:
        what = f"{mixed:.0%} of the patches are not of one colour: blurred or misplaced"
        return refused(STEP, "target", "patches", what, "Focus, and centre the colour slide")
    if seen.max() > 0.99:
        return refused(
            STEP, "light", "white is at its top", "colours are cut off", "Expose shorter"
        )
    if np.ptp(seen) < 0.1 or _order(seen, certified) < 0.9:
        what = "the patches are not the certificate's: another slide, or upside down"
        swapped = np.ptp(seen) >= 0.1 and _order(seen[:, ::-1], certified) >= 0.9
        if swapped:
            what = "red and blue are exchanged"
        remedy = (
            "Set the driver's pixel format" if swapped else "Put the colour slide on, label left"
        )
        return refused(STEP, "channels" if swapped else "target", "patches", what, remedy)
    rows, columns = [], []
    freedom = 1.0
    # A patch's error grows with its light; the floor keeps dark ones from ruling.
    weight = 1 / (0.02 + certified.mean(axis=1))
    for i in range(3):
        found, covariance, freedom = fit(certified * weight[:, None], seen[:, i] * weight)
        rows.append(found)
        columns.append(covariance)
    camera = np.stack(rows)
    gains = camera.sum(axis=1)
    u_gains = [float(np.ones(3) @ c @ np.ones(3)) ** 0.5 for c in columns]
    matrix = _matrix(seen, certified, weight)
    differences = delta_e_2000(lab(seen @ matrix.T), lab(certified))
    before = delta_e_2000(lab(seen / gains), lab(certified))
    figures = [
        Figure(f"white {c}", float(g), stated(u, freedom), "of top", 1 / MOST_GAIN / 2, 1.0)
        for c, g, u in zip(COLOURS, gains, u_gains, strict=True)
    ]
    figures += [
        Figure(
            f"own {c}",
            float(camera[i, i]),
            stated(float(columns[i][i, i] ** 0.5), freedom),
            "of top",
            float(np.delete(camera[i], i).max()),
        )
        for i, c in enumerate(COLOURS)
    ]
    error = float(differences.std(ddof=1)) / len(differences) ** 0.5
    figures.append(Figure("deltaE mean", float(differences.mean()), error, "dE00", high=MOST_MEAN))
    figures.append(Figure("deltaE worst", float(differences.max()), error, "dE00", high=MOST_WORST))
    return Outcome(
        STEP,
        tuple(figures),
        curves={
            "before": np.stack([np.arange(len(before)), before], axis=1),
            "after": np.stack([np.arange(len(before)), differences], axis=1),
        },
        corrections={"matrix": matrix.astype(np.float32)},
    )


def _matrix(seen: Floats, certified: Floats, weight: Floats) -> Floats:
    """From the camera's light to linear sRGB, shape (3, 3)."""
    found = np.linalg.lstsq(seen * weight[:, None], certified * weight[:, None], rcond=None)[0]
    return np.asarray(found.T)


def _patches(picture: Picture, grid: tuple[int, int]) -> tuple[Floats, float]:
    """Mean colour of each patch's inside, shape (patches, 3); the share that is mixed."""
    tops = np.linspace(0, picture.shape[0], grid[0] + 1)
    lefts = np.linspace(0, picture.shape[1], grid[1] + 1)
    high, wide = _INNER * tops[1], _INNER * lefts[1]
    found, mixed = [], 0
    for row in range(grid[0]):
        for column in range(grid[1]):
            inner = picture[
                int(tops[row] + high) : int(tops[row + 1] - high),
                int(lefts[column] + wide) : int(lefts[column + 1] - wide),
            ].astype(np.float64)
            found.append(inner.mean(axis=(0, 1)))
            halves = (inner[: len(inner) // 2], inner[len(inner) // 2 :])
            mixed += bool(
                np.abs(halves[0].mean(axis=(0, 1)) - halves[1].mean(axis=(0, 1))).max() > 5
            )
    return np.array(found), mixed / len(found)


def _order(seen: Floats, certified: Floats) -> float:
    """The least correlation of a channel with its own certified values, light taken off."""
    own, true = (v / np.maximum(v.sum(axis=1, keepdims=True), 1e-6) for v in (seen, certified))
    coloured = true.std(axis=1) > 0.05
    return float(min(np.corrcoef(own[coloured, i], true[coloured, i])[0, 1] for i in range(3)))
