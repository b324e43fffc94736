"""Step `z_step`: the focus drive's true micrometre and its hysteresis, by a wedge of lines."""

from collections.abc import Sequence

import numpy as np

from calibration.steps.outcome import Figure, Floats, Outcome, Picture, fit, refused, stated

STEP = "z_step"
LEAST_PICTURES = 8
LIMIT = 0.02
MOST_HYSTERESIS_UM = 1.0
_BLOCK_PX = 16
_LEAST_CONTRAST = 0.05


def measure(
    pictures: Sequence[Picture],
    z_um: Sequence[float],
    rising: Sequence[bool],
    um_of_height_per_px: float,
) -> Outcome:
    """The focus drive from pictures of a wedge.

    Args:
        pictures: One a height, uint8, shape (H, W), lines along x, height rising with x.
        z_um: Where the drive was sent.
        rising: Whether it came from below.
        um_of_height_per_px: The wedge's certified slope at the measured scale.
    """
    if len(pictures) < LEAST_PICTURES or len(set(rising)) < 2:
        what = f"{LEAST_PICTURES} heights, come to from below and from above"
        return refused(STEP, "pictures", str(len(pictures)), what, "Run the step again")
    seen = [_sharpest(picture) for picture in pictures]
    places = np.array([np.nan if s is None else s for s in seen])
    if np.isnan(places).any():
        what = f"{int(np.isnan(places).sum())} of {len(seen)} pictures show no line that is sharp"
        return refused(
            STEP, "target", "no wedge", what, "Put the wedge on; bring its lines to focus"
        )
    z = np.asarray(z_um, np.float64)
    heights = places * um_of_height_per_px
    if np.ptp(heights) < 0.2 * np.ptp(z):
        what = "the sharp place does not move with the drive"
        return refused(STEP, "z", "stuck", what, "Free the focus drive; look at its cable")
    side = np.where(np.asarray(rising), 0.5, -0.5)
    found, errors, freedom = fit(np.stack([z, side, np.ones_like(z)], axis=1), heights)
    u = [stated(float(errors[i, i] ** 0.5), freedom) for i in range(2)]
    most = MOST_HYSTERESIS_UM
    return Outcome(
        STEP,
        (
            Figure("gain", float(found[0]), u[0], "um/um", 1 - LIMIT, 1 + LIMIT),
            Figure("hysteresis", float(found[1]), u[1], "um", -most, most),
        ),
        curves={"height": np.stack([z, heights], axis=1)},
    )


def _sharpest(picture: Picture) -> float | None:
    """Column, from the middle, at which the lines' contrast is highest; None where none is."""
    values = picture.astype(np.float64)
    height, width = values.shape
    mean = values.mean(axis=1) - values.mean()
    wave = np.abs(np.fft.rfft(mean * np.hanning(height)))
    wave[:4] = 0
    frequency = int(np.argmax(wave)) / height
    turn = np.exp(-2j * np.pi * frequency * np.arange(height)) * np.hanning(height)
    # As complex numbers, so that noise averages out before its size is taken.
    seen = turn @ (values - values.mean())
    columns = width // _BLOCK_PX
    size = np.abs(seen[: columns * _BLOCK_PX].reshape(columns, _BLOCK_PX).mean(axis=1))
    size = size / (np.hanning(height).sum() * values.mean())
    if 2 * size.max() < _LEAST_CONTRAST:
        return None
    x = (np.arange(columns) + 0.5) * _BLOCK_PX - width / 2
    # Contrast falls as a Gaussian of defocus: its logarithm is a parabola, weighted by its size.
    used = size > 0.15 * size.max()
    design = np.stack([x[used] ** 2, x[used], np.ones(int(used.sum()))], axis=1)
    a, b, _ = fit(design * size[used, None], np.log(size[used]) * size[used])[0]
    return None if a >= 0 else float(-b / (2 * a))


def heights(reach_um: float, count: int) -> tuple[Floats, Sequence[bool]]:
    """Up and down again: where to send the drive, and whether from below."""
    up = np.linspace(-reach_um, reach_um, count)
    return np.concatenate([up, up[::-1]]), [True] * count + [False] * count
