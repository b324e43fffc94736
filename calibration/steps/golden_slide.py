"""Step `golden_slide`: the site's reference slide gives its reference verdict again."""

from collections.abc import Mapping
from typing import Any

from calibration.steps.outcome import Figure, Outcome, refused

STEP = "golden_slide"
MOST_DRIFT = 0.2
"""Share by which the count of findings may differ from the reference (proposal)."""


def measure(verdict: Mapping[str, Any], reference: Mapping[str, Any]) -> Outcome:
    """Today's verdict of the golden slide against its first.

    Args:
        verdict: A verdict's JSON: `outcome`, `category`, `counts` by category.
        reference: The one that the site filed.
    """
    for key in ("state", "outcome", "category"):
        if verdict.get(key) != reference.get(key):
            what = f"the reference says {reference.get(key)}"
            remedy = "Look at focus, light and stain steps; scan it again; then renew the bundle"
            return refused(STEP, key, str(verdict.get(key)), what, remedy)
    today, then = (sum(map(int, v["counts"].values())) for v in (verdict, reference))
    if then == 0:
        return Outcome(STEP, (Figure("findings", today, max(today, 1) ** 0.5, "cells", 0, 3),))
    drift, u = today / then - 1, (max(today, 1) / then**2) ** 0.5
    return Outcome(STEP, (Figure("drift of findings", drift, u, "share", -MOST_DRIFT, MOST_DRIFT),))
