"""Step `flat_field`: the light's evenness, and the gain map that makes it even."""

from collections.abc import Sequence

import numpy as np

from calibration.steps.outcome import Figure, Floats, Outcome, Picture, refused, stated

STEP = "flat_field"
LEAST_PICTURES = 16
MOST_VIGNETTING = 3.5
"""Percent that a corner's 64 px may lack (proposal): more is a lamp or a condenser out of place."""
MOST_RESIDUAL = 1.0
"""Percent that any block of a corrected blank may be off (proposal)."""
MOST_DUST = 1.0
"""Percent of blocks with a step that light alone does not make."""
BLOCK_PX = 16
_CORNER = 4
_OWN = 0.02
"""Share by which a block may differ from what a smooth fall of light makes of it."""


def measure(blanks: Sequence[Picture], dark: Picture) -> Outcome:
    """Flat field from pictures of different clean places.

    Args:
        blanks: At least `LEAST_PICTURES`, uint8, shape (H, W) each. The second half judges the map
            that the first makes.
        dark: A picture without light, same shape.
    """
    if len(blanks) < LEAST_PICTURES:
        what = f"{LEAST_PICTURES} are needed: a speck must be the odd one out"
        return refused(STEP, "blanks", str(len(blanks)), what, "Show more clean places")
    held = len(blanks) // 2
    black = _blocks(dark)
    seen = np.stack([_blocks(blank) - black for blank in blanks])
    level = np.median(seen, axis=(1, 2))
    if level.min() < 20 or max(int(np.percentile(b, 99)) for b in blanks) >= 255:
        what = "too dark or at its top"
        return refused(STEP, "light", f"{level.min():.0f} grey levels", what, "Set the exposure")
    even = seen / level[:, None, None]
    if np.mean(np.abs(even - np.median(even, axis=0)) > 0.05) > 0.1:
        what = "the places differ: they are not clean, or no blank"
        return refused(STEP, "target", "no blank", what, "Show the blank slide, clean places")
    made = np.median(even[:-held], axis=0)
    smooth = _smooth(made)
    gain = smooth.max() / made
    left = np.median(even[-held:], axis=0) * gain
    left = left / np.median(left) - 1
    dust = 100 * float(np.mean(np.abs(made / smooth - 1) > _OWN))
    fall, u_fall = _vignetting(even)
    residual = 100 * float(np.abs(left).max())
    u_left = 100 * float(left.std()) / (2 * np.log(left.size)) ** 0.5
    return Outcome(
        STEP,
        (
            Figure("vignetting", fall, u_fall, "%", high=MOST_VIGNETTING),
            Figure("residual", residual, stated(u_left), "%", high=MOST_RESIDUAL),
            Figure("dust", dust, 100 / made.size, "% of blocks", high=MOST_DUST),
        ),
        curves={"before": made, "after": left + 1},
        corrections={"gain": gain.astype(np.float32)},
    )


def _vignetting(even: Floats) -> tuple[float, float]:
    """Percent that the corners lack against the middle, and its uncertainty."""
    made = np.median(even, axis=0)
    rows, columns = made.shape
    near = (slice(rows // 2 - _CORNER // 2, rows // 2 + _CORNER // 2),)
    middle = made[(*near, slice(columns // 2 - _CORNER // 2, columns // 2 + _CORNER // 2))]
    ends = (slice(0, _CORNER), slice(-_CORNER, None))
    corner = np.concatenate([made[a, b].ravel() for a in ends for b in ends])
    # What light's smooth fall does not explain is noise and the pixels' own pattern.
    scatter = float((made / _smooth(made)).std(ddof=9))
    share = float(corner.mean() / middle.mean())
    u = share * scatter * (1 / corner.size + 1 / middle.size) ** 0.5
    return 100 * (1 - share), stated(100 * u)


def _smooth(even: Floats) -> Floats:
    """The fourth-order surface nearest to a map, specks left out; shape (rows, columns)."""
    rows, columns = even.shape
    y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    terms = [x**i * y**j for i in range(5) for j in range(5 - i)]
    design = np.stack([term.ravel() for term in terms], axis=1)
    values, kept = even.ravel(), np.ones(even.size, bool)
    surface = values
    for _ in range(3):
        surface = design @ np.linalg.lstsq(design[kept], values[kept], rcond=None)[0]
        kept = np.abs(values / surface - 1) < _OWN
    return np.asarray(surface.reshape(rows, columns))


def _blocks(picture: Picture) -> Floats:
    """Means of whole blocks, shape (H // 16, W // 16)."""
    height, width = (side // BLOCK_PX for side in picture.shape)
    whole = picture[: height * BLOCK_PX, : width * BLOCK_PX]
    return np.asarray(
        whole.reshape(height, BLOCK_PX, width, BLOCK_PX).mean(axis=(1, 3), dtype=np.float64)
    )
