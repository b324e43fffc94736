"""The simulated slide: a virtual specimen seen field by field through a virtual microscope.

A picture is drawn at the camera's own scale, every cell blurred by its distance from the focal
plane. What an image shows depends on the seed and its key alone; overlapping images show the same
cells at the same places.
"""

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from drivers.problem import Problem, Refusal
from drivers.scanner.lists import ImageKey, PlanList, PlannedField
from drivers.scanner.words import Optics, Preparation, Purpose
from drivers.scanner.words import Specimen as SpecimenType
from drivers.sources import layout
from drivers.sources.camera import Camera, Picture, encoded, noise_table, seen
from drivers.sources.faults import REGION_DEFOCUS_UM, SUCCEEDS, Faults
from drivers.sources.simulated import artefacts, optics
from drivers.sources.simulated.ground import planned_ground
from drivers.sources.simulated.kinds import Kind
from drivers.sources.simulated.population import TrueCell, populate
from drivers.sources.simulated.preparation import manner
from drivers.sources.simulated.specimen import Contents
from drivers.sources.simulated.stain import appearance
from drivers.sources.simulated.stock import Sprite, draw_stock, turned
from drivers.sources.source import Shot, SlideFacts

LARGEST_BOX_NM = 12_000
"""The smallest overlap that shows a normal nucleus whole in one of two fields."""
PLANE_STEP_UM = 2.0
_FOCUS_ERROR_UM = (0.05, 0.3)
"""Standard deviation of the focus drive's error, from slide to slide; cut at twice that."""
_CORNER_LOSS = 0.05
_STOCK, _SPECIMEN, _NOISE_TABLE, _REPORTED, _ERROR, _FOCUS, _NOISE, _BUBBLES, _AGAIN = range(9)
"""What chance is asked for: each has a stream of its own."""


@dataclass(frozen=True, slots=True)
class Options:
    """All that makes one simulated slide."""

    seed: int = 0
    fields: int = 160
    """Fields of a near-square grid; not used where `spot_nm` is given."""
    spot_nm: int | None = None
    """Diameter of a round spot to cover instead."""
    contents: Contents = field(default_factory=Contents)
    preparation: Preparation = Preparation.THINPREP
    camera: Camera = field(default_factory=Camera)
    overlap_nm: int | None = None
    """Default: a tenth of a field's shorter side, more where the rules of counting need it."""
    registration_nm: int = 1_000
    """t: how far the stage may be off."""
    planes: int = 1
    faults: Faults = field(default_factory=Faults)
    slide: str | None = None
    """Its id; by default one made of the seed."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A true cell in one image."""

    cell: TrueCell
    x_px: float
    """Middle of its nucleus; 0 is the image's left edge, not the first pixel's middle."""
    y_px: float


class SimulatedSlide:
    """A source of fields that knows the truth. Thread-safe: everything is made when it is built."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._camera = camera = options.camera
        self._nm_per_px = camera.pm_per_px // 1_000
        plan = _plan(options)
        self.facts = SlideFacts(
            slide=options.slide or f"sim-{options.seed}",
            purpose=Purpose.SIMULATION,
            specimen=SpecimenType.CERVICAL,
            preparation=options.preparation,
            optics=Optics(
                pm_per_px=camera.pm_per_px, objective="simulated", camera_serial="simulated"
            ),
            plan=plan,
            registration_nm=options.registration_nm,
        )
        self._by_number = {planned.field: planned for planned in plan.fields}
        self._ground = planned_ground(plan)
        how, rng = manner(options.preparation), self._chance(_STOCK)
        look = appearance(rng, options.preparation)
        self._focus_um = float(rng.uniform(*_FOCUS_ERROR_UM))
        self._stock = draw_stock(rng, look, self._nm_per_px / 1_000, options.preparation)
        self._things = populate(
            self._chance(_SPECIMEN), options.contents, how, plan, self._stock, self._nm_per_px
        )
        self._bubbles: tuple[artefacts.Bubble, ...] = ()
        if how.has_bubbles:
            self._bubbles = artefacts.bubbles(self._chance(_BUBBLES), self._ground)
        self._noise = noise_table(self._chance(_NOISE_TABLE), camera)
        self._falloff = optics.falloff(camera.width_px, camera.height_px, _CORNER_LOSS)
        self._light = optics.light_table(look.blank * options.faults.light)

    def truth(self) -> list[TrueCell]:
        """Every epithelial cell on the planned ground. No message has a place for it."""
        ground, nm_per_px = self._ground, self._nm_per_px
        inside = self._things.within(
            ground.left_nm // nm_per_px,
            ground.top_nm // nm_per_px,
            -(-ground.w_nm // nm_per_px),
            -(-ground.h_nm // nm_per_px),
        )
        return self._things.truth(self._stock, inside)

    def marks(self, key: ImageKey) -> list[Mark]:
        """The epithelial cells whose nuclei's middles lie in an image, and where in it."""
        left, top = self._corner(key)
        inside = self._things.within(left, top, self._camera.width_px, self._camera.height_px)
        return [
            Mark(cell, cell.x_nm / self._nm_per_px - left, cell.y_nm / self._nm_per_px - top)
            for cell in self._things.truth(self._stock, inside)
        ]

    def capture(self, key: ImageKey) -> Shot:
        """One image of the slide.

        Raises:
            Refusal: The field is not planned.
        """
        camera = self._camera
        x_nm, y_nm = self._reported(key)
        shown = self._frozen_from(key)
        chance = self._image_chance(_NOISE, shown)
        sensor = seen(self.picture(shown), camera.format, self._noise, chance)
        pixels, stride = encoded(sensor, camera.format)
        return Shot(
            x_nm=x_nm,
            y_nm=y_nm,
            z_nm=round((x_nm - layout.SPOT_X_NM) / 1_000 + 1_000 * self._plane_um(key)),
            width_px=camera.width_px,
            height_px=camera.height_px,
            format=camera.format,
            stride=stride,
            exposure_us=camera.exposure_us,
            pixels=pixels,
        )

    def picture(self, key: ImageKey) -> Picture:
        """What falls on the sensor, without noise or colour filter."""
        left, top = self._corner(key)
        shape = (self._camera.height_px, self._camera.width_px, 3)
        canvas = np.empty(shape, np.int16)
        canvas[:] = self._falloff
        reach, things = self._stock.largest_px // 2 + 1, self._things
        focus_steps = round(self._focused_um(key) / optics.STEP_UM)
        unfocused_steps = round(self._unfocused_um(key) / optics.STEP_UM)
        for index in things.within(
            left - reach, top - reach, shape[1] + 2 * reach, shape[0] + 2 * reach
        ).tolist():
            x, y = int(things.column[index]), int(things.row[index])
            if self._is_in_middle(self._options.faults.blank, x, y):
                continue
            steps = abs(int(things.steps[index]) - focus_steps) + unfocused_steps
            steps += self._fault_steps(x, y)
            for part, way in self._parts(index):
                reach = len(part) // 2 + optics.reach_px(steps, self._nm_per_px)
                if _touches(x - left, shape[1], reach) and _touches(y - top, shape[0], reach):
                    blurred = optics.blurred(part, steps, self._nm_per_px)
                    _add(canvas, turned(blurred, way), x - left, y - top)
        for bubble in self._bubbles:
            bubble.draw(canvas, left * self._nm_per_px, top * self._nm_per_px, self._nm_per_px)
        return np.asarray(cv2.LUT(canvas.view(np.uint16), self._light), np.uint8)

    def _parts(self, index: int) -> list[tuple[Sprite, int]]:
        """What one thing is made of, and the attitude of each part."""
        things = self._things
        kind, way = Kind(int(things.kind[index])), int(things.way[index])
        parts = [(self._stock.nuclei[kind][int(things.nucleus[index])], way // 8)]
        if kind in self._stock.cytoplasm:
            parts.append((self._stock.cytoplasm[kind][int(things.cytoplasm[index])], way % 8))
        return parts

    def _chance(self, *key: int) -> np.random.Generator:
        return np.random.Generator(
            np.random.Philox(np.random.SeedSequence([self._options.seed, *key]))
        )

    def _image_chance(self, what: int, key: ImageKey) -> np.random.Generator:
        plane = key.plane if what == _NOISE else 0  # a capture's planes share place and focus
        return self._chance(what, key.field, key.capture, plane)

    def _planned(self, key: ImageKey) -> PlannedField:
        if key.field not in self._by_number:
            problem = Problem("field", str(key.field), "is not planned", "Capture planned fields")
            raise Refusal(problem)
        return self._by_number[key.field]

    def _frozen_from(self, key: ImageKey) -> ImageKey:
        number = key.field
        while number in self._options.faults.frozen and number > 0:
            number -= 1
        return key.model_copy(update={"field": number})

    def _reported(self, key: ImageKey) -> tuple[int, int]:
        """Where the stage says it stands: near the planned place."""
        planned = self._planned(key)
        off = min(1_500, self.facts.plan.overlap_nm // 8)
        dx, dy = self._image_chance(_REPORTED, key).integers(-off, off + 1, 2).tolist()
        return planned.x_nm + dx, planned.y_nm + dy

    def _corner(self, key: ImageKey) -> tuple[int, int]:
        """Lattice pixel of the upper left corner, where the stage truly stands: within t."""
        x_nm, y_nm = self._reported(key)
        rng = self._image_chance(_ERROR, key)
        # The lattice moves a corner by up to 0.71 of a pixel: that is part of t.
        reach = max(0.0, self._options.registration_nm - 0.71 * self._nm_per_px)
        distance, angle = reach * math.sqrt(rng.uniform()), rng.uniform(0, 2 * math.pi)
        left_nm = x_nm - self._camera.w_nm // 2 + distance * math.cos(angle)
        top_nm = y_nm - self._camera.h_nm // 2 + distance * math.sin(angle)
        return round(left_nm / self._nm_per_px), round(top_nm / self._nm_per_px)

    def _plane_um(self, key: ImageKey) -> float:
        return (key.plane - (self._planned(key).planes - 1) / 2) * PLANE_STEP_UM

    def _focused_um(self, key: ImageKey) -> float:
        """Height of the focal plane over the slide's middle plane, with the drive's error."""
        error = float(np.clip(self._image_chance(_FOCUS, key).normal(), -2, 2))
        return self._focus_um * error + self._plane_um(key)

    def _unfocused_um(self, key: ImageKey) -> float:
        """How far a whole image lies out of focus: the focus was not found, or not found again."""
        faults, was_found = self._options.faults, key.field not in self._options.faults.unfocused
        if key.capture == 1 and key.plane < self._planned(key).planes:
            return 0.0 if was_found else REGION_DEFOCUS_UM
        makes_worse = faults.requests == "worse"
        if was_found and not makes_worse:
            return 0.0
        is_found = self._chance(_AGAIN, key.field, key.capture, key.plane).uniform() < SUCCEEDS
        return 0.0 if is_found else REGION_DEFOCUS_UM * (2 if makes_worse else 1)

    def _fault_steps(self, x: int, y: int) -> int:
        """How much further out of focus a thing lies by the slide's faults."""
        faults = self._options.faults
        out_um = faults.defocus_um
        if self._is_in_middle(faults.blurred, x, y):
            out_um = max(out_um, REGION_DEFOCUS_UM)
        nm_per_px = self._nm_per_px
        if any(bubble.holds(x * nm_per_px, y * nm_per_px) for bubble in self._bubbles):
            out_um = max(out_um, artefacts.BUBBLE_DEFOCUS_UM)
        return round(out_um / optics.STEP_UM)

    def _is_in_middle(self, share: float, x: int, y: int) -> bool:
        """Whether a lattice pixel lies in a disc of that share of the ground's shorter side."""
        middle_x_nm, middle_y_nm = self._ground.middle_nm
        distance_nm = math.hypot(
            x * self._nm_per_px - middle_x_nm, y * self._nm_per_px - middle_y_nm
        )
        return distance_nm < share * min(self._ground.w_nm, self._ground.h_nm)


def _touches(middle: int, size: int, reach: int) -> bool:
    return -reach <= middle < size + reach


def _add(canvas: npt.NDArray[np.int16], sprite: Sprite, x: int, y: int) -> None:
    """Lays a sprite's middle on a pixel of the canvas; what sticks out is cut."""
    reach = len(sprite) // 2
    x0, x1 = max(0, x - reach), min(canvas.shape[1], x + reach + 1)
    y0, y1 = max(0, y - reach), min(canvas.shape[0], y + reach + 1)
    if x0 < x1 and y0 < y1:
        # As rows of numbers: numpy adds long runs many times faster than threes.
        rows, width = canvas.reshape(len(canvas), -1), len(sprite)
        part = sprite.reshape(width, -1)[y0 - y + reach : y1 - y + reach]
        rows[y0:y1, 3 * x0 : 3 * x1] += part[:, 3 * (x0 - x + reach) : 3 * (x1 - x + reach)]


def _plan(options: Options) -> PlanList:
    camera = options.camera
    least_nm = LARGEST_BOX_NM + 2 * options.registration_nm
    overlap_nm = options.overlap_nm
    if overlap_nm is None:
        overlap_nm = max(min(camera.w_nm, camera.h_nm) // 10, least_nm + 4_000)
    if overlap_nm <= least_nm:
        problem = f"is not over {least_nm}: a nucleus would be cut in both of two fields"
        raise Refusal(Problem("overlap_nm", str(overlap_nm), problem, "Give a larger overlap"))
    tiling = layout.Tiling(camera.w_nm, camera.h_nm, overlap_nm, options.planes)
    if options.spot_nm is not None:
        return layout.round_spot(tiling, options.spot_nm)
    return layout.rectangle(tiling, options.fields)
