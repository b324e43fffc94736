"""How often real and rendered examples are drawn."""

import numpy as np
import numpy.typing as npt

RENDERED = "rendered"
"""The folder that all rendered fields are taken for."""
RENDERED_SHARE = 0.4
"""Of all that is drawn: there are more rendered cells than real ones, and they differ less."""


def mixed(worth: npt.NDArray[np.float64], folders: npt.NDArray[np.str_]) -> npt.NDArray[np.float64]:
    """How often each example is drawn, float64, sum 1.

    Args:
        worth: float64, (n,): of each beside the others of its sort, real or rendered.
        folders: Of each.
    """
    is_rendered = folders == RENDERED
    sorts = [(is_rendered, RENDERED_SHARE), (~is_rendered, 1 - RENDERED_SHARE)]
    shares = np.zeros(len(worth))
    for is_of_sort, share in sorts:
        if is_of_sort.any():
            shares[is_of_sort] = share * worth[is_of_sort] / worth[is_of_sort].sum()
    whole: npt.NDArray[np.float64] = shares / shares.sum()
    return whole
