"""Seeded targets for each step: healthy ones with their truth, and faults that must be seen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import degrees, radians

import numpy as np

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
    z_step,
)
from calibration.steps.outcome import Floats, Outcome
from drivers.sources.targets.blank import Blank, blank_light, blank_pictures
from drivers.sources.targets.colour import (
    COLUMNS,
    ROWS,
    Colours,
    camera_matrix,
    certified_patches,
    colour_picture,
)
from drivers.sources.targets.edge import Edges, edge_picture, edge_pictures, true_mtf50
from drivers.sources.targets.grid import PITCH_UM, Grid, colour_grid_picture, grid_picture
from drivers.sources.targets.sensor import Camera, Chance, Picture, Sensor
from drivers.sources.targets.stained import Stained, stained_pictures
from drivers.sources.targets.texture import (
    Stage,
    Wedge,
    shifted_picture,
    texture,
    true_shift,
    wedge_pictures,
)

NOMINAL_UM, DEPTH_UM = 0.25, 3.0
HEIGHTS = np.linspace(-6, 6, 9)
BASELINE = true_mtf50(0.8)

Truth = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Trial:
    """One target measured, and what is true of it."""

    outcome: Outcome
    truth: Truth


def scale_of(chance: Chance, grid: Grid | None = None) -> Trial:
    x = NOMINAL_UM * (1 + chance.uniform(-1e-3, 1e-3))
    y = x * (1 + chance.uniform(-5e-4, 5e-4))
    turn = radians(chance.uniform(-0.2, 0.2))
    blur, place = chance.uniform(0.3, 0.6), chance.uniform(-20, 20, 2)
    grid = grid or Grid((x, y), turn, blur, (place[0], place[1]), chance.uniform(0, 0.04))
    outcome = scale.measure(grid_picture(grid, chance), PITCH_UM, NOMINAL_UM)
    truth = {"x": x, "y": y, "anisotropy": 1000 * (x / y - 1), "rotation": degrees(turn)}
    return Trial(outcome, truth)


def stage_of(chance: Chance, *, still: bool = False) -> Trial:
    a, b, c, d = chance.uniform(-1e-3, 1e-3, 4)
    per_um = 1 / NOMINAL_UM
    backlash = chance.uniform(0.1, 1.2, 2)
    true = Stage(
        ((per_um * (1 + a), per_um * b), (per_um * c, per_um * (1 + d))),
        (backlash[0], backlash[1]),
        chance.uniform(0.05, 0.1),
    )
    wood, camera = texture(chance), Camera(Sensor(), chance)
    moves = [
        stage.Move(
            x, y, i, j, shifted_picture(wood, _moved(true, (x, y), (i, j), chance, still), camera)
        )
        for x, y, i, j in stage.serpentine(24, 4)
    ]
    reference = shifted_picture(wood, np.zeros(2), camera)
    truth = {
        "scale x": 1 + a,
        "turn x": 1000 * b,
        "turn y": 1000 * c,
        "scale y": 1 + d,
        "backlash x": (1 + a) * backlash[0],
        "backlash y": (1 + d) * backlash[1],
        "repeatability": true.repeat_um,
    }
    return Trial(stage.measure(reference, moves, NOMINAL_UM), truth)


def flat_of(chance: Chance, vignetting: float | None = None, dust: int = 0) -> Trial:
    fall = chance.uniform(0, 0.025) if vignetting is None else vignetting
    blank = Blank(vignetting=fall, slope=chance.uniform(-0.015, 0.015), debris=1, dust=dust)
    camera = Camera(Sensor(), chance)
    outcome = flat_field.measure(blank_pictures(blank, camera, chance, 20), camera.expose(0.0))
    side = 4 * flat_field.BLOCK_PX
    light = blank_light(blank)
    corners = [light[a, b].mean() for a in _ends(side) for b in _ends(side)]
    top, left = (side_px // flat_field.BLOCK_PX // 2 - 2 for side_px in light.shape)
    middle = light[top * 16 : top * 16 + side, left * 16 : left * 16 + side].mean()
    return Trial(outcome, {"vignetting": 100 * (1 - float(np.mean(corners) / middle))})


def density_of(chance: Chance) -> Trial:
    true = chance.uniform(0.005, 0.04, 3)
    camera = Camera(Sensor(), chance, (512, 640, 3))

    def shown(density: Floats | float) -> list[Picture]:
        lamp = 0.8 * (1 + 0.002 * chance.standard_normal(6))
        light = [level * 10 ** -np.asarray(density) * np.ones((512, 640, 3)) for level in lamp]
        return [camera.expose(each.astype(np.float32)) for each in light]

    outcome = blank_density.measure(shown(0.0), shown(true), camera.expose(0.0))
    return Trial(outcome, dict(zip(blank_density.COLOURS, map(float, true), strict=True)))


def colour_of(chance: Chance, **faults: bool) -> Trial:
    gains = chance.uniform(0.6, 0.95, 3)
    colours = Colours(
        (gains[0], gains[1], gains[2]), metamerism=chance.uniform(0.003, 0.009), **faults
    )
    true_sensor = Sensor()
    picture = colour_picture(colours, chance)
    outcome = colour.measure(picture, true_sensor.black_dn, certified_patches(), (ROWS, COLUMNS))
    top = true_sensor.gain * true_sensor.full_e / (255 - true_sensor.black_dn)
    matrix = camera_matrix(colours) * top
    truth = {}
    for i, name in enumerate(colour.COLOURS):
        truth[f"white {name}"] = float(matrix[i].sum())
        truth[f"own {name}"] = float(matrix[i, i])
    return Trial(outcome, truth)


def sharpness_of(chance: Chance, share: float = 1.0, blur_px: float | None = None) -> Trial:
    blur = chance.uniform(0.6, 1.1)
    own = true_mtf50(blur)
    blur = blur_px or (blur if share == 1 else _blur_of(own * share))
    camera = Camera(Sensor(), chance)
    outcome = focus.sharpness(edge_pictures(Edges(blur_px=blur), camera, 16), own)
    true = true_mtf50(blur)
    return Trial(outcome, {figure.name: true for figure in outcome.figures})


def tilt_of(
    chance: Chance, tilt: tuple[float, float] | None = None, *, stuck: bool = False
) -> Trial:
    x, y = chance.uniform(-0.5, 0.5, 2) if tilt is None else tilt
    edges = Edges(chance.uniform(0.6, 1.1), DEPTH_UM, chance.uniform(-0.5, 0.5), (x, y))
    camera = Camera(Sensor(), chance)
    stack = [edge_picture(edges, camera, 0 if stuck else z) for z in HEIGHTS]
    outcome = focus.tilt(stack, list(HEIGHTS), DEPTH_UM)
    return Trial(outcome, {"best focus": edges.z_um, "tilt x": x, "tilt y": y})


def z_step_of(chance: Chance, *, stuck: bool = False) -> Trial:
    wedge = Wedge(
        gain=chance.uniform(0.995, 1.005),
        hysteresis_um=chance.uniform(0, 0.6),
        repeat_um=chance.uniform(0.01, 0.03),
        stuck=stuck,
    )
    heights, rising = z_step.heights(4, 9)
    pictures = wedge_pictures(wedge, list(heights), rising, chance)
    outcome = z_step.measure(pictures, list(heights), rising, wedge.slope * wedge.um_per_px)
    return Trial(outcome, {"gain": wedge.gain, "hysteresis": wedge.hysteresis_um})


def chromatic_of(chance: Chance, extra_px: float = 0) -> Trial:
    turn, place = radians(chance.uniform(-0.2, 0.2)), chance.uniform(-15, 15, 2)
    off = chance.uniform(-0.12, 0.12, (2, 2)) + extra_px
    stretch = chance.uniform(-3e-4, 3e-4, 2)
    green = Grid(rotation_rad=turn, shift_px=(place[0], place[1]))
    red, blue = (
        Grid(
            rotation_rad=turn,
            shift_px=(
                place[0] * (1 + stretch[i]) + off[i, 0],
                place[1] * (1 + stretch[i]) + off[i, 1],
            ),
            stretch=stretch[i],
            blur_um=chance.uniform(0.35, 0.5),
        )
        for i in range(2)
    )
    truth = {"red x": off[0, 0], "red y": off[0, 1], "blue x": off[1, 0], "blue y": off[1, 1]}
    truth |= {"red stretch": 1e6 * stretch[0], "blue stretch": 1e6 * stretch[1]}
    return Trial(chromatic.measure(colour_grid_picture((red, green, blue), chance)), truth)


def sensor_of(chance: Chance, hot_px: int = 0) -> Trial:
    true = Sensor(
        gain=0.0235 * chance.uniform(0.93, 1.05),
        read_e=chance.uniform(24, 40),
        prnu=chance.uniform(0.005, 0.015),
        dsnu_e=chance.uniform(25, 60),
        hot_px=hot_px,
        bend=chance.uniform(0, 0.008),
    )
    camera = Camera(true, chance)
    field = blank_light(Blank(light=1, vignetting=0.02))
    levels = np.linspace(0.1, 0.9, 8, dtype=np.float32)
    outcome = sensor.measure(
        [sensor.Pair(float(v), camera.expose(field * v), camera.expose(field * v)) for v in levels],
        [camera.expose(0.0) for _ in range(8)],
        [camera.expose(field * np.float32(0.5)) for _ in range(8)],
        (0.9 * 0.0235, 1.1 * 0.0235),
    )
    truth = {
        "gain": true.gain,
        "read noise": true.read_e,
        "prnu": 100 * true.prnu,
        "dsnu": true.dsnu_e,
        "bend": 90 * true.bend * float(field.mean()),
    }
    return Trial(outcome, truth)


def stain_of(chance: Chance) -> Trial:
    true = tuple(chance.uniform(0.3, 0.6, 3))
    stained = Stained((true[0], true[1], true[2]), chance.uniform(0.01, 0.03))
    pictures, white = stained_pictures(stained, 8, chance)
    outcome = stain_reference.measure(pictures, white, Sensor().black_dn)
    return Trial(outcome, dict(zip(stain_reference.COLOURS, true, strict=True)))


def _wrong_target(chance: Chance) -> list[Outcome]:
    """A blank shown to every step that needs something else."""
    camera = Camera(Sensor(), chance)
    blank = camera.expose(blank_light(Blank()))
    in_colour = np.repeat(blank[..., None], 3, axis=2)
    heights, rising = z_step.heights(4, 4)
    moves = [
        stage.Move(x, y, i, j, camera.expose(blank_light(Blank())))
        for x, y, i, j in stage.serpentine(24, 3)
    ]
    return [
        scale.measure(blank, PITCH_UM, NOMINAL_UM),
        stage.measure(blank, moves, NOMINAL_UM),
        colour.measure(in_colour, 6, certified_patches(), (ROWS, COLUMNS)),
        focus.sharpness([blank] * 4, BASELINE),
        z_step.measure([blank] * 8, list(heights), rising, 0.025),
        chromatic.measure(in_colour),
        flat_field.measure(
            [grid_picture(Grid(shift_px=(i, i)), chance) for i in range(16)], camera.expose(0.0)
        ),
    ]


STEPS: Mapping[str, Callable[[Chance], Trial]] = {
    "scale": scale_of,
    "stage": stage_of,
    "flat_field": flat_of,
    "blank_density": density_of,
    "colour": colour_of,
    "sharpness": sharpness_of,
    "tilt": tilt_of,
    "z_step": z_step_of,
    "chromatic": chromatic_of,
    "sensor": sensor_of,
    "stain_reference": stain_of,
}

FAULTS: Mapping[str, Callable[[Chance], list[Outcome]]] = {
    "magnification off by 2 %": lambda c: [scale_of(c, Grid((0.255, 0.255))).outcome],
    "rotation 0.5 degrees": lambda c: [scale_of(c, Grid(rotation_rad=radians(0.5))).outcome],
    "wrong objective": lambda c: [scale_of(c, Grid((0.5, 0.5))).outcome],
    "blurred grid": lambda c: [scale_of(c, Grid(blur_um=4.0)).outcome],
    "vignetting 5 %": lambda c: [flat_of(c, 0.05).outcome],
    "dirty flat field": lambda c: [flat_of(c, dust=8).outcome],
    "MTF down 20 %": lambda c: [sharpness_of(c, 0.8).outcome],
    "blurred edges": lambda c: [sharpness_of(c, blur_px=4.0).outcome],
    "tilted stage": lambda c: [tilt_of(c, (2.5, 0)).outcome],
    "stuck focus (edges)": lambda c: [tilt_of(c, stuck=True).outcome],
    "stuck focus (wedge)": lambda c: [z_step_of(c, stuck=True).outcome],
    "stage stands still": lambda c: [stage_of(c, still=True).outcome],
    "swapped channels": lambda c: [colour_of(c, swapped=True).outcome],
    "colour slide upside down": lambda c: [colour_of(c, upside_down=True).outcome],
    "chromatic shift 1 px": lambda c: [chromatic_of(c, 1.0).outcome],
    "50 hot pixels": lambda c: [sensor_of(c, 50).outcome],
    "wrong target": _wrong_target,
}
TOLD = frozenset(
    {
        "wrong objective",
        "blurred grid",
        "blurred edges",
        "stuck focus (edges)",
        "stuck focus (wedge)",
        "stage stands still",
        "swapped channels",
        "colour slide upside down",
        "wrong target",
    }
)
"""Faults that are told in words, with what to do, and not as a figure out of its limits."""


def _moved(
    true: Stage, place: tuple[float, float], side: tuple[int, int], chance: Chance, still: bool
) -> Floats:
    return np.zeros(2) if still else true_shift(true, np.array(place), np.array(side), chance)


def _ends(side: int) -> tuple[slice, slice]:
    return slice(0, side), slice(-side, None)


def _blur_of(mtf50: float) -> float:
    blurs = np.linspace(0.4, 3, 261)
    found = [true_mtf50(float(b)) for b in blurs]
    return float(np.interp(-mtf50, -np.array(found), blurs))
