"""Step `sensor`: the camera's photon transfer: gain, noise, spatial pattern, linearity, hot pixels.

Source: EMVA 1288, release 4.0 linear: pairs (6.6), spatial variances (8.1), linearity (6.7).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calibration.steps.outcome import Figure, Floats, Outcome, Picture, refused, stated

STEP = "sensor"
ROUNDING = 1 / 12
"""Variance of rounding to whole grey levels."""
MOST_HOT, HOT_DN = 5, 40
"""Pixels (proposal), and how far above the dark median one is hot."""
MOST_BEND, MOST_PRNU, MOST_DSNU = 1.0, 2.0, 80.0
MOST_READ = 60.0
LEAST_LEVELS = 5


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures at one exposure."""

    exposure: float
    """Proportional to light: exposure time."""
    first: Picture
    second: Picture


def measure(
    pairs: Sequence[Pair],
    darks: Sequence[Picture],
    brights: Sequence[Picture],
    gain: tuple[float, float] = (0.0, np.inf),
) -> Outcome:
    """Photon transfer.

    Args:
        pairs: Rising exposures of a blank, at least `LEAST_LEVELS`, none at its top.
        darks: At least four pictures without light.
        brights: At least four near half of the top.
        gain: Limits in grey levels an electron: 10 % about the camera's baseline.
    """
    if len(pairs) < LEAST_LEVELS or min(len(darks), len(brights)) < 4:
        what = f"{LEAST_LEVELS} exposures, 4 dark and 4 bright pictures are needed"
        return refused(STEP, "pairs", str(len(pairs)), what, "Run the step again")
    means = np.array([_mean(p) for p in pairs])
    black = float(np.mean([d.mean() for d in darks]))
    rises = np.diff(means) > 0
    if not rises.all() or means[-1] - black < 50 or means[-1] > 245:
        what = "grey levels do not rise with the exposure, or are at their top"
        return refused(STEP, "exposure", f"{means[-1]:.0f}", what, "Open the light path; no slide")
    slope, u_slope, dark_variance, u_dark = _transfer(pairs, means - black, darks)
    read = max(dark_variance - ROUNDING, 1e-9) ** 0.5
    u_read = u_dark / (2 * read)
    prnu, dsnu, u_prnu, u_dsnu = _spatial(brights, darks, slope, black)
    u_dsnu = float(np.hypot(u_dsnu, dsnu * u_slope / slope))
    bend, u_bend = _bend(
        np.array([p.exposure for p in pairs]), means - black, pairs[0].first.size, slope
    )
    hot = int(np.count_nonzero(np.median(np.stack(darks), axis=0) > black + HOT_DN))
    return Outcome(
        STEP,
        (
            Figure("gain", slope, stated(u_slope), "DN/e", *gain),
            Figure(
                "read noise",
                read / slope,
                stated(float(np.hypot(u_read / slope, read * u_slope / slope**2))),
                "e",
                high=MOST_READ,
            ),
            Figure("prnu", 100 * prnu, stated(100 * u_prnu), "%", high=MOST_PRNU),
            Figure("dsnu", dsnu, stated(u_dsnu), "e", high=MOST_DSNU),
            Figure("bend", 100 * bend, stated(100 * u_bend), "%", -MOST_BEND, MOST_BEND),
            Figure("hot pixels", hot, 0, "px", high=MOST_HOT),
        ),
        curves={
            "photon transfer": np.stack([means - black, [_variance(p) for p in pairs]], axis=1),
            "linearity": np.stack([[p.exposure for p in pairs], means - black], axis=1),
        },
    )


def _mean(pair: Pair) -> float:
    return float(pair.first.mean() + pair.second.mean()) / 2


def _variance(pair: Pair) -> float:
    """Variance in time: half that of the difference (EMVA 1288, eq. 18)."""
    return float(np.var(pair.first.astype(np.int16) - pair.second.astype(np.int16))) / 2


def _transfer(
    pairs: Sequence[Pair], light: Floats, darks: Sequence[Picture]
) -> tuple[float, float, float, float]:
    """Slope and its error, dark variance and its error; weighted by what theory says of each."""
    dark_pairs = [Pair(0, a, b) for a, b in zip(darks[::2], darks[1::2], strict=False)]
    variance = np.array([_variance(p) for p in (*pairs, *dark_pairs)])
    x = np.concatenate([light, np.zeros(len(dark_pairs))])
    # The variance of a variance of n normal differences is 2 v^2 / (n - 1).
    error = variance * (2 / (pairs[0].first.size - 1)) ** 0.5
    design = np.stack([x, np.ones_like(x)], axis=1) / error[:, None]
    normal = np.linalg.inv(design.T @ design)
    slope, dark = normal @ design.T @ (variance / error)
    return float(slope), float(normal[0, 0] ** 0.5), float(dark), float(normal[1, 1] ** 0.5)


def _spatial(
    brights: Sequence[Picture], darks: Sequence[Picture], slope: float, black: float
) -> tuple[float, float, float, float]:
    """PRNU as a share and DSNU in electrons, with their errors."""
    bright, bright_level = _pattern(brights)
    dark, _ = _pattern(darks)
    pixels = brights[0].size
    light = bright_level - black
    own = max(bright - dark, 1e-12)
    u_bright, u_dark = (v * (2 / pixels) ** 0.5 for v in (_averaged(brights), _averaged(darks)))
    prnu, dsnu = own**0.5 / light, max(dark, 1e-12) ** 0.5 / slope
    u_prnu = float(np.hypot(u_bright, u_dark)) / (2 * own**0.5) / light
    return prnu, dsnu, u_prnu, u_dark / (2 * dsnu * slope) / slope


def _averaged(pictures: Sequence[Picture]) -> float:
    """Spatial variance of the average picture, a smooth fall of light taken off."""
    return _rough(np.mean(np.stack(pictures), axis=0, dtype=np.float32))


def _pattern(pictures: Sequence[Picture]) -> tuple[float, float]:
    """Spatial variance without what noise in time left of it, and the mean (EMVA 1288, 8.1)."""
    stack = np.stack(pictures).astype(np.float32)
    in_time = float(stack.var(axis=0, ddof=1).mean())
    return _rough(stack.mean(axis=0)) - in_time / len(pictures), float(stack.mean())


def _rough(average: Floats) -> float:
    """Variance of what is no smooth surface; outliers (hot pixels) left out."""
    height, width = average.shape
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    terms = [x**i * y**j for i in range(3) for j in range(3 - i)]
    design = np.stack([term[::8, ::8].ravel() for term in terms], axis=1)
    found = np.linalg.lstsq(design, average[::8, ::8].ravel(), rcond=None)[0]
    left = average - sum(a * term for a, term in zip(found, terms, strict=True))
    left = left - np.median(left)
    return float(np.var(left[np.abs(left) < HOT_DN]))


def _bend(exposure: Floats, light: Floats, pixels: int, slope: float) -> tuple[float, float]:
    """Share of light lost at the highest exposure, from light = a e (1 - b e / top)."""
    share = exposure / exposure.max()
    error = np.sqrt(slope * np.maximum(light, 1) / (2 * pixels))
    design = np.stack([share, -(share**2)], axis=1) / error[:, None]
    normal = np.linalg.inv(design.T @ design)
    a, ab = normal @ design.T @ (light / error)
    left = (light / error) - design @ np.array([a, ab])
    scatter = max(1.0, float(left @ left) / (len(light) - 2)) ** 0.5
    return float(ab / a), float(normal[1, 1] ** 0.5 / a) * scatter
