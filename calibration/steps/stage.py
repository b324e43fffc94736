"""Step `stage`: how the stage moves the picture, its backlash, and how well it comes back: t."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calibration.steps.outcome import Figure, Floats, Outcome, Picture, fit, refused, stated
from calibration.steps.registration import shift

STEP = "stage"
LEAST_MOVES = 12
MOST_BACKLASH_UM, MOST_REPEAT_UM, MOST_SCALE = 2.0, 1.0, 0.005
"""Proposals; the last is the share by which the stage's micrometre may differ from the camera's."""
_T_FACTOR = 3
"""t holds what is unknown of a place: three deviations, so that hardly a place lies outside."""


@dataclass(frozen=True, slots=True)
class Move:
    """Where the stage was sent, from which side, and what was seen."""

    x_um: float
    y_um: float
    side_x: int
    """+1: come to from below; -1: from above."""
    side_y: int
    picture: Picture


def measure(reference: Picture, moves: Sequence[Move], um_per_px: float) -> Outcome:
    """The stage from pictures of one textured place.

    Args:
        reference: The picture at 0, 0, uint8, shape (H, W).
        moves: At least `LEAST_MOVES`, within half a picture, each side as often.
        um_per_px: The measured scale.
    """
    if len(moves) < LEAST_MOVES:
        what = f"{LEAST_MOVES} moves are needed"
        return refused(STEP, "moves", str(len(moves)), what, "Run the step again")
    shifts = [shift(reference, move.picture) for move in moves]
    found = [s for s in shifts if s is not None]
    if len(found) < len(moves):
        what = f"{len(moves) - len(found)} of {len(moves)} pictures share nothing with the first"
        return refused(STEP, "target", "no texture", what, "Put a textured slide on, focus on it")
    seen = um_per_px * np.array(found)
    places = np.array([[m.x_um, m.y_um] for m in moves])
    if np.ptp(seen, axis=0).min() < 0.2 * np.ptp(places, axis=0).min():
        what = "the picture does not move with the stage"
        return refused(STEP, "stage", "stands still", what, "Free the stage; look at its cable")
    sides = np.array([[m.side_x, m.side_y] for m in moves], np.float64)
    figures: list[Figure] = []
    left = []
    for axis, name in enumerate("xy"):
        design = np.concatenate(
            [places, sides[:, axis : axis + 1] / 2, np.ones((len(moves), 1))], axis=1
        )
        values, covariance, freedom = fit(design, seen[:, axis])
        u = [stated(float(covariance[i, i] ** 0.5), freedom) for i in range(3)]
        left.append(seen[:, axis] - design @ values)
        figures += [
            Figure(
                f"scale {name}",
                float(values[axis]),
                u[axis],
                "um/um",
                1 - MOST_SCALE,
                1 + MOST_SCALE,
            ),
            Figure(
                f"turn {name}", 1000 * float(values[1 - axis]), 1000 * u[1 - axis], "mrad", -5, 5
            ),
            Figure(
                f"backlash {name}",
                float(values[2]),
                u[2],
                "um",
                -MOST_BACKLASH_UM,
                MOST_BACKLASH_UM,
            ),
        ]
    freedom = 2 * (len(moves) - 4)
    repeat = (float(np.sum(np.square(left))) / freedom) ** 0.5
    u_repeat = stated(repeat / (2 * freedom) ** 0.5, freedom)
    backlash = max(abs(figures[2].value), abs(figures[5].value))
    figures.append(Figure("repeatability", repeat, u_repeat, "um", 0, MOST_REPEAT_UM))
    t = _T_FACTOR * (repeat + 2 * u_repeat) + backlash / 2
    figures.append(Figure("t", t, _T_FACTOR * u_repeat, "um", 0, 5 * MOST_REPEAT_UM))
    return Outcome(STEP, tuple(figures), curves={"left over": np.stack(left, axis=1)})


def serpentine(reach_um: float, repeats: int) -> Sequence[tuple[float, float, int, int]]:
    """Places around the first, each come to from both sides: x, y, side x, side y."""
    places = [(x * reach_um, y * reach_um) for x in (-1, 1) for y in (-1, 1)] + [(0.0, 0.0)]
    return [
        (x, y, side_x, side_y)
        for i in range(repeats)
        for j, (x, y) in enumerate(places)
        for side_x, side_y in [((1, 1), (1, -1), (-1, 1), (-1, -1))[(i + j) % 4]]
    ]


def affine(outcome: Outcome) -> Floats:
    """Micrometres seen for micrometres sent, shape (2, 2)."""
    return np.array(
        [
            [outcome["scale x"].value, outcome["turn x"].value / 1000],
            [outcome["turn y"].value / 1000, outcome["scale y"].value],
        ]
    )
