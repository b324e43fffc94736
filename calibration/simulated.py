"""Simulated targets as folders of pictures: to try each step without a scanner."""

from collections.abc import Callable, Mapping

import numpy as np

from calibration.shown import Shown
from calibration.steps import stage, z_step
from drivers.sources.targets.blank import Blank, blank_light, blank_pictures
from drivers.sources.targets.colour import COLUMNS, ROWS, Colours, certified_patches, colour_picture
from drivers.sources.targets.edge import Edges, edge_picture, edge_pictures, true_mtf50
from drivers.sources.targets.grid import (
    CERTIFIED,
    PITCH_UM,
    Grid,
    colour_grid_picture,
    grid_picture,
)
from drivers.sources.targets.sensor import HEIGHT_PX, WIDTH_PX, Camera, Chance, Picture, Sensor
from drivers.sources.targets.stained import Stained, stained_pictures
from drivers.sources.targets.texture import (
    Stage,
    Wedge,
    shifted_picture,
    texture,
    true_shift,
    wedge_pictures,
)

UM_PER_PX, DEPTH_UM, BLUR_PX = 0.25, 3.0, 0.8


def target(step: str, seed: int) -> Shown:
    """A healthy target for a step."""
    return TARGETS[step](np.random.default_rng(seed))


def _as(role: str, pictures: list[Picture]) -> list[tuple[dict[str, object], Picture]]:
    return [({"role": role}, picture) for picture in pictures]


def _scale(chance: Chance) -> Shown:
    settings = {
        "pitch_um": PITCH_UM,
        "pitch_uncertainty": CERTIFIED,
        "nominal_um_per_px": UM_PER_PX,
    }
    return Shown(settings, _as("grid", [grid_picture(Grid(), chance)]))


def _stage(chance: Chance) -> Shown:
    true, wood, camera = Stage(repeat_um=0.08), texture(chance), Camera(Sensor(), chance)
    pictures = _as("reference", [shifted_picture(wood, np.zeros(2), camera)])
    for x, y, side_x, side_y in stage.serpentine(24, 4):
        shift = true_shift(true, np.array([x, y]), np.array([side_x, side_y]), chance)
        known = {"role": "move", "x_um": x, "y_um": y, "side_x": side_x, "side_y": side_y}
        pictures.append((known, shifted_picture(wood, shift, camera)))
    return Shown({"um_per_px": UM_PER_PX}, pictures)


def _flat_field(chance: Chance) -> Shown:
    camera = Camera(Sensor(), chance)
    blanks = list(blank_pictures(Blank(vignetting=0.02, debris=1), camera, chance, 20))
    return Shown({}, _as("dark", [camera.expose(0.0)]) + _as("blank", blanks))


def _blank_density(chance: Chance) -> Shown:
    camera = Camera(Sensor(), chance, (HEIGHT_PX, WIDTH_PX, 3))
    opens = [camera.expose(0.8) for _ in range(6)]
    blanks = [camera.expose(0.8 * 10**-0.02) for _ in range(6)]
    dark = _as("dark", [camera.expose(0.0)])
    return Shown({}, dark + _as("open", opens) + _as("blank", blanks))


def _colour(chance: Chance) -> Shown:
    settings = {
        "patches": certified_patches().tolist(),
        "grid": [ROWS, COLUMNS],
        "dark": Sensor().black_dn,
    }
    return Shown(settings, _as("patches", [colour_picture(Colours(), chance)]))


def _focus(chance: Chance) -> Shown:
    pictures = list(edge_pictures(Edges(BLUR_PX), Camera(Sensor(), chance), 8))
    return Shown({"baseline_mtf50": true_mtf50(BLUR_PX)}, _as("edges", pictures))


def _tilt(chance: Chance) -> Shown:
    camera, edges = Camera(Sensor(), chance), Edges(BLUR_PX, DEPTH_UM, 0.3, (0.3, -0.2))
    heights = np.linspace(-6, 6, 9).tolist()
    pictures = [({"role": "edges", "z_um": z}, edge_picture(edges, camera, z)) for z in heights]
    return Shown({"depth_um": DEPTH_UM}, pictures)


def _z_step(chance: Chance) -> Shown:
    wedge = Wedge()
    heights, rising = z_step.heights(4, 9)
    pictures = wedge_pictures(wedge, heights.tolist(), rising, chance)
    rows = [
        ({"role": "wedge", "z_um": z, "rising": up}, picture)
        for z, up, picture in zip(heights.tolist(), rising, pictures, strict=True)
    ]
    return Shown({"um_of_height_per_px": wedge.slope * wedge.um_per_px}, rows)


def _chromatic(chance: Chance) -> Shown:
    grids = (Grid(shift_px=(0.1, 0)), Grid(), Grid(shift_px=(0, -0.1)))
    return Shown({}, _as("grid", [colour_grid_picture(grids, chance)]))


def _sensor(chance: Chance) -> Shown:
    true = Sensor()
    camera, field = Camera(true, chance), blank_light(Blank(light=1, vignetting=0.02))
    pairs = [
        ({"role": "pair", "exposure": level}, camera.expose(field * np.float32(level)))
        for level in np.linspace(0.1, 0.9, 8).tolist()
        for _ in range(2)
    ]
    darks = _as("dark", [camera.expose(0.0) for _ in range(8)])
    brights = _as("bright", [camera.expose(field * np.float32(0.5)) for _ in range(8)])
    limits = [0.9 * true.gain, 1.1 * true.gain]
    return Shown({"gain_limits": limits}, pairs + darks + brights)


def _stain_reference(chance: Chance) -> Shown:
    pictures, white = stained_pictures(Stained(), 8, chance)
    settings = {"white": white.tolist(), "dark": Sensor().black_dn}
    return Shown(settings, _as("slide", pictures))


def _through_focus(chance: Chance) -> Shown:
    camera, edges = Camera(Sensor(), chance), Edges(BLUR_PX, DEPTH_UM, 0.4)
    heights = np.linspace(-4, 4, 9).tolist()
    pictures = [({"role": "slide", "z_um": z}, edge_picture(edges, camera, z)) for z in heights]
    return Shown({}, pictures)


TARGETS: Mapping[str, Callable[[Chance], Shown]] = {
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
