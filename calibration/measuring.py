"""Each step by its name: from what was shown to its outcome."""

from collections.abc import Callable, Mapping

import numpy as np

from calibration.shown import Shown
from calibration.steps import (
    blank_density,
    chromatic,
    colour,
    flat_field,
    focus,
    scale,
    sensor,
    stage,
    stain_reference,
    through_focus,
    z_step,
)
from calibration.steps.outcome import Outcome, Picture
from drivers.problem import Problem, Refusal


def measure(step: str, shown: Shown) -> Outcome:
    """A step's outcome.

    Raises:
        Refusal: A setting or a picture is missing, or pictures differ in size.
    """
    sizes = {picture.shape for _, picture in shown.pictures}
    if len(sizes) != 1:
        what = f"{len(sizes)} sizes of pictures; there must be one"
        raise Refusal(Problem("pictures", step, what, "Show the target again"))
    try:
        return STEPS[step](shown)
    except KeyError as key:
        what = f"pictures lack {key}"
        raise Refusal(Problem("pictures", step, what, "See docs/calibrating.md")) from None


def _one(shown: Shown, role: str) -> Picture:
    found = shown.of(role)
    if not found:
        raise Refusal(Problem("role", role, "no such picture", "Show the target again"))
    return found[0]


def _scale(shown: Shown) -> Outcome:
    pitch, nominal = shown.setting("pitch_um"), shown.setting("nominal_um_per_px")
    return scale.measure(_one(shown, "grid"), pitch, nominal, shown.setting("pitch_uncertainty"))


def _stage(shown: Shown) -> Outcome:
    moves = [
        stage.Move(known["x_um"], known["y_um"], known["side_x"], known["side_y"], picture)
        for known, picture in shown.pictures
        if known["role"] == "move"
    ]
    return stage.measure(_one(shown, "reference"), moves, shown.setting("um_per_px"))


def _flat_field(shown: Shown) -> Outcome:
    return flat_field.measure(shown.of("blank"), _one(shown, "dark"))


def _blank_density(shown: Shown) -> Outcome:
    return blank_density.measure(shown.of("open"), shown.of("blank"), _one(shown, "dark"))


def _colour(shown: Shown) -> Outcome:
    certified = np.array(shown.setting("patches"), np.float64)
    rows, columns = shown.setting("grid")
    if certified.shape != (rows * columns, 3):
        what = f"not {rows} x {columns} triples"
        remedy = "Copy them from the certificate"
        raise Refusal(Problem("settings.patches", str(certified.shape), what, remedy))
    return colour.measure(_one(shown, "patches"), shown.setting("dark"), certified, (rows, columns))


def _focus(shown: Shown) -> Outcome:
    return focus.sharpness(shown.of("edges"), shown.setting("baseline_mtf50"))


def _tilt(shown: Shown) -> Outcome:
    heights = [known["z_um"] for known in shown.known("edges")]
    return focus.tilt(shown.of("edges"), heights, shown.setting("depth_um"))


def _z_step(shown: Shown) -> Outcome:
    known = shown.known("wedge")
    heights, rising = [k["z_um"] for k in known], [k["rising"] for k in known]
    return z_step.measure(shown.of("wedge"), heights, rising, shown.setting("um_of_height_per_px"))


def _chromatic(shown: Shown) -> Outcome:
    return chromatic.measure(_one(shown, "grid"))


def _sensor(shown: Shown) -> Outcome:
    found: dict[float, list[Picture]] = {}
    for known, picture in shown.pictures:
        if known["role"] == "pair":
            found.setdefault(known["exposure"], []).append(picture)
    pairs = [
        sensor.Pair(exposure, *two) for exposure, two in sorted(found.items()) if len(two) == 2
    ]
    low, high = shown.setting("gain_limits")
    return sensor.measure(pairs, shown.of("dark"), shown.of("bright"), (low, high))


def _stain_reference(shown: Shown) -> Outcome:
    white = np.array(shown.setting("white"), np.float64)
    return stain_reference.measure(shown.of("slide"), white, shown.setting("dark"))


def _through_focus(shown: Shown) -> Outcome:
    heights = [known["z_um"] for known in shown.known("slide")]
    return through_focus.measure(shown.of("slide"), heights)


STEPS: Mapping[str, Callable[[Shown], Outcome]] = {
    "scale": _scale,
    "stage": _stage,
    "flat_field": _flat_field,
    "blank_density": _blank_density,
    "colour": _colour,
    "focus": _focus,
    "tilt": _tilt,
    "z_step": _z_step,
    "chromatic": _chromatic,
    "sensor": _sensor,
    "stain_reference": _stain_reference,
    "through_focus": _through_focus,
}
"""In the order in which `guide` takes them."""

NEEDED = ("scale", "stage", "flat_field", "colour", "focus", "tilt", "sensor")
"""A bundle is signed only if these were measured and pass."""
