"""The simulated slide: a virtual specimen seen field by field through a virtual microscope.

A picture is drawn at half the camera's resolution (0.5 um/px by default), where the optics' blur
leaves nothing finer to draw, and enlarged. What an image shows depends on the seed and its key
alone; overlapping images show the same cells at the same places.
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
from drivers.sources.camera import Camera, Picture, encoded, noise_table, seen, vignette
from drivers.sources.faults import REGION_DEFOCUS_UM, Faults
from drivers.sources.simulated.specimen import Contents, Ground, TrueCell, populate
from drivers.sources.simulated.sprites import DENSITY_STEPS, Kind, Sprite, draw_stock, turned
from drivers.sources.simulated.stain import appearance
from drivers.sources.source import Shot, SlideFacts

LARGEST_BOX_NM = 12_000
"""The smallest overlap that shows a normal nucleus whole in one of two fields."""
BLUR_UM_PER_UM = 0.38
"""Standard deviation of the blur for each um out of focus. Source: geometry, at NA 0.5: the cone's
radius is 0.58 um a um, and a disc's standard deviation is 0.65 of a Gaussian of equal reach."""
PLANE_STEP_UM = 2.0
_CORNER_LOSS = 0.05
_LIGHT_PASSED = np.power(10.0, -np.arange(2**15) / DENSITY_STEPS).astype(np.float32)
_STOCK, _SPECIMEN, _NOISE_TABLE, _REPORTED, _ERROR, _FOCUS, _NOISE = range(7)
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
    x_px: int
    """Middle of its nucleus; 0 is the image's left edge, not the first pixel's middle."""
    y_px: int


class SimulatedSlide:
    """A source of fields that knows the truth. Thread-safe: everything is made when it is built."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._camera = options.camera
        self._nm_per_px = 2 * options.camera.pm_per_px // 1_000
        plan = _plan(options)
        self.facts = SlideFacts(
            slide=options.slide or f"sim-{options.seed}",
            purpose=Purpose.SIMULATION,
            specimen=SpecimenType.CERVICAL,
            preparation=Preparation.THINPREP,
            optics=Optics(
                pm_per_px=options.camera.pm_per_px, objective="simulated", camera_serial="simulated"
            ),
            plan=plan,
            registration_nm=options.registration_nm,
        )
        self._by_number = {planned.field: planned for planned in plan.fields}
        rng = self._chance(_STOCK)
        self._look = appearance(rng)
        self._focus_um = float(rng.uniform(0.2, 0.9))
        self._stock = draw_stock(rng, self._look, self._nm_per_px / 1_000)
        self._ground = _ground(plan, self._nm_per_px)
        self._population = populate(
            self._chance(_SPECIMEN), options.contents, self._ground, self._stock
        )
        self._noise = noise_table(self._chance(_NOISE_TABLE), options.camera)
        half = (options.camera.width_px // 2, options.camera.height_px // 2)
        self._light = vignette(*half, _CORNER_LOSS) * (self._look.blank * options.faults.light)

    def truth(self) -> list[TrueCell]:
        """Every squamous cell on the planned ground. Stays here: no message has a place for it."""
        ground = self._ground
        inside = self._population.within(ground.left, ground.top, ground.width, ground.height)
        return self._population.truth(self._stock, inside)

    def marks(self, key: ImageKey) -> list[Mark]:
        """The squamous cells whose nuclei's middles lie in an image, and where in it."""
        left, top = self._corner(key)
        width, height = self._camera.width_px // 2, self._camera.height_px // 2
        inside = self._population.within(left, top, width, height)
        cells = self._population.truth(self._stock, inside)
        return [
            Mark(
                cell,
                2 * (cell.x_nm // self._nm_per_px - left) + 1,
                2 * (cell.y_nm // self._nm_per_px - top) + 1,
            )
            for cell in cells
        ]

    def capture(self, key: ImageKey) -> Shot:
        """One image of the slide.

        Raises:
            Refusal: The field is not planned.
        """
        camera = self._camera
        x_nm, y_nm = self._reported(key)
        shown = self._frozen_from(key)
        pixels, stride = encoded(
            seen(
                self.picture(shown), camera.format, self._noise, self._image_chance(_NOISE, shown)
            ),
            camera.format,
        )
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
        width, height = self._camera.width_px // 2, self._camera.height_px // 2
        density = self._densities(left, top, width, height)
        light = cv2.multiply(np.take(_LIGHT_PASSED, density), self._light)
        sharp = np.asarray(cv2.convertScaleAbs(light), np.uint8)
        focused = self._blurred(sharp, self._defocus_um(key))
        if self._options.faults.blurred:
            inside = self._inside(self._options.faults.blurred, left, top, width, height)
            far = self._blurred(sharp, REGION_DEFOCUS_UM)
            focused = np.where(inside[:, :, None], far, focused)
        size = (self._camera.width_px, self._camera.height_px)
        return np.asarray(cv2.resize(focused, size, interpolation=cv2.INTER_CUBIC), np.uint8)

    def _densities(self, left: int, top: int, width: int, height: int) -> npt.NDArray[np.int16]:
        """The sum of all that lies in a rectangle of the lattice; int16, shape (H, W, 3)."""
        canvas = np.zeros((height, width, 3), np.int16)
        reach, things = self._stock.largest_px // 2 + 1, self._population
        near = things.within(left - reach, top - reach, width + 2 * reach, height + 2 * reach)
        blank = self._options.faults.blank
        for index in near.tolist():
            x, y = int(things.column[index]), int(things.row[index])
            if blank and self._inside(blank, x, y, 1, 1).any():
                continue
            kind, way = Kind(int(things.kind[index])), int(things.way[index])
            if kind in self._stock.cytoplasm:
                cytoplasm = self._stock.cytoplasm[kind][int(things.cytoplasm[index])]
                _add(canvas, turned(cytoplasm, way % 8), x - left, y - top)
            nucleus = self._stock.nuclei[kind][int(things.nucleus[index])]
            _add(canvas, turned(nucleus, way // 8), x - left, y - top)
        return canvas

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

    def _defocus_um(self, key: ImageKey) -> float:
        """The focus drive's error, the plane's distance, and the fault if there is one."""
        error = float(self._image_chance(_FOCUS, key).normal())
        error = max(-1.5, min(1.5, self._focus_um * error))
        return abs(error + self._plane_um(key)) + self._options.faults.defocus_um

    def _blurred(self, picture: Picture, defocus_um: float) -> Picture:
        sigma_px = BLUR_UM_PER_UM * defocus_um * 1_000 / self._nm_per_px
        if sigma_px < 0.25:
            return picture
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma_px), np.uint8)

    def _inside(
        self, share: float, left: int, top: int, width: int, height: int
    ) -> npt.NDArray[np.bool_]:
        """Which lattice pixels of a rectangle lie in the middle disc; bool, shape (H, W)."""
        ground = self._ground
        x = np.arange(left, left + width) - (ground.left + ground.width / 2)
        y = np.arange(top, top + height) - (ground.top + ground.height / 2)
        radius = share * min(ground.width, ground.height)
        return np.asarray(x[None, :] ** 2 + y[:, None] ** 2 < radius**2)


def _add(canvas: npt.NDArray[np.int16], sprite: Sprite, x: int, y: int) -> None:
    """Lays a sprite's middle on a pixel of the canvas; what sticks out is cut."""
    reach = len(sprite) // 2
    x0, x1 = max(0, x - reach), min(canvas.shape[1], x + reach + 1)
    y0, y1 = max(0, y - reach), min(canvas.shape[0], y + reach + 1)
    if x0 < x1 and y0 < y1:
        canvas[y0:y1, x0:x1] += sprite[
            y0 - y + reach : y1 - y + reach, x0 - x + reach : x1 - x + reach
        ]


def _ground(plan: PlanList, nm_per_px: int) -> Ground:
    """The smallest rectangle of lattice pixels that holds all planned fields."""
    left_nm = min(planned.x_nm for planned in plan.fields) - plan.w_nm // 2
    top_nm = min(planned.y_nm for planned in plan.fields) - plan.h_nm // 2
    right_nm = max(planned.x_nm for planned in plan.fields) + plan.w_nm // 2
    bottom_nm = max(planned.y_nm for planned in plan.fields) + plan.h_nm // 2
    return Ground(
        left_nm // nm_per_px,
        top_nm // nm_per_px,
        -(-(right_nm - left_nm) // nm_per_px),
        -(-(bottom_nm - top_nm) // nm_per_px),
        nm_per_px,
    )


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
