"""Whether what lies on the glass has the colours of a Papanicolaou stain, if only roughly.

Told are: no colour at all (unstained, or a grey camera), a colour that no mixture of the dyes has
(a channel dead or alone), and a density that lets no light through. Red and blue swapped cannot be
told: haematoxylin then has the colours of eosin. How the numbers were measured:
`docs/decisions/0004-quality-thresholds.md`.
"""

import numpy as np

from edge.quality.grid import BLOCKS, CellMask, Floats
from edge.slide.record import GRID

LEAST_COLOUR_MILLI = 40
"""Largest less smallest of a block's three densities, over their sum, weighted by density. Public
fields have 73 to 577; grey has 0."""
SHARES_MILLI = ((50, 600), (180, 600), (120, 750))
"""What red, green and blue may take of the density. Public fields: 103 to 489, 256 to 497, 185 to
641."""
MOST_DENSITY_MILLI = 500
"""Mean density over what has content. Public fields: up to 292 over all the image."""


def badly_stained(density: Floats, is_empty: CellMask) -> tuple[bool, int]:
    """Whether the stain is grossly wrong, and the colour in 1/1000 (0 where nothing is shown).

    Args:
        density: Of blocks, shape (3, 8, 64).
        is_empty: These are left out.
    """
    shown = density * ~np.repeat(is_empty, BLOCKS // GRID, axis=1)
    sums = shown.sum(axis=(1, 2))
    total = float(sums.sum())
    if total == 0:
        return False, 0
    red, green, blue = shown
    largest = np.maximum(np.maximum(red, green), blue)
    smallest = np.minimum(np.minimum(red, green), blue)
    colour = 1000.0 * float((largest - smallest).sum()) / total
    shares = 1000.0 * sums / total
    is_odd = any(
        not low <= share <= high for share, (low, high) in zip(shares, SHARES_MILLI, strict=True)
    )
    mean = 1000.0 * total / (3 * BLOCKS // GRID * int((~is_empty).sum()))
    return colour < LEAST_COLOUR_MILLI or is_odd or mean > MOST_DENSITY_MILLI, round(colour)
