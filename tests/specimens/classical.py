"""A classical detector: nuclei by a threshold on darkness, their grade by size and darkness.

Its thresholds are fitted on rendered fields with known truth. It is the baseline that says how much
of the planted grades anybody could read off with two measures.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
import numpy.typing as npt

from drivers.scanner.lists import ImageKey
from drivers.sources.simulated.render import SimulatedSlide
from drivers.sources.simulated.specimen import Contents
from engines.card import ModelCard
from engines.detector import Candidates, Crops, Grades, Located, Tile
from engines.evaluation.matching import Points, one_to_one
from tests.specimens.baselines import candidates, grades
from tests.specimens.tiers import HIGH, LOW, NEGATIVE, Graded, Ints, graded, tier_of

Floats = npt.NDArray[np.float64]
MIXED = Contents(lsil=60, asc_h=25, hsil=25, scc=10)
"""What lies on the fields that it is fitted on."""
AROUND_UM = 20
"""Side of the square that a pixel is compared with: a few nuclei wide."""
DARKER = (0.05, 0.08, 0.12, 0.16, 0.2, 0.3)
LEAST_AREAS_UM2 = (30, 40, 50, 60, 75, 90)
LEAST_DENSITIES = (0.0, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)
HIGH_DENSITIES = tuple(np.arange(0.5, 1.0, 0.05).tolist())
"""What is tried of each threshold."""
AREA_UM2, WITHIN_UM = (8, 1_500), 6


@dataclass(frozen=True, slots=True)
class Rule:
    """Its thresholds. Densities are of red light, which the nuclear stain takes."""

    darker: float
    """Density over that of the surroundings from which a pixel is a nucleus'."""
    area_um2: float
    """A nucleus is abnormal from this size on,"""
    density: float
    """if its mean density is this; else it is negative."""
    high_density: float
    """From this on it is of high grade; else of low."""

    def called(self, areas_um2: Floats, densities: Floats) -> Ints:
        """The tier of each nucleus."""
        is_abnormal = (areas_um2 >= self.area_um2) & (densities >= self.density)
        grade = np.where(densities >= self.high_density, HIGH, LOW)
        return np.where(is_abnormal, grade, NEGATIVE).astype(np.int64)


class Classical:
    """The detector with a rule."""

    identity = "darkness and size"

    def __init__(self, card: ModelCard, rule: Rule) -> None:
        self._card, self._rule = card, rule
        self._scores = np.zeros((3, len(card.classes)))
        self._scores[range(3), [card.classes.index(name) for name in ("NILM", "LSIL", "HSIL")]] = 1

    def locate(self, tile: Tile) -> Candidates:
        found, areas, densities = nuclei(tile, self._card.pm_per_px / 1e6, self._rule.darker)
        return candidates(found, self._rule.called(areas, densities))

    def grade(self, crops: Crops, located: Located) -> Grades:
        del crops
        return grades(self._scores[located[:, 0].astype(int)])


def nuclei(picture: Tile, um_per_px: float, darker: float) -> tuple[Points, Floats, Floats]:
    """Dark spots of a nucleus' size: middles in pixels, areas in um2, mean densities."""
    red = np.maximum(picture[:, :, 0], 1).astype(np.float32)
    blank = np.percentile(red, 98)
    density = cv2.GaussianBlur(np.log10(blank / red), (3, 3), 0)
    around = round(AROUND_UM / um_per_px)
    is_dark = density - cv2.blur(density, (around, around)) > darker
    many, spots, table, middles = cv2.connectedComponentsWithStats(is_dark.astype(np.uint8))
    px = table[:, cv2.CC_STAT_AREA]
    sums = np.bincount(spots.ravel(), density.ravel(), many)
    areas = px * um_per_px**2
    is_nucleus = (areas >= AREA_UM2[0]) & (areas <= AREA_UM2[1])
    is_nucleus[0] = False  # all that is not dark
    kept = np.flatnonzero(is_nucleus)
    return (middles[kept] + 0.5).astype(np.float32), areas[kept], sums[kept] / px[kept]


@dataclass(frozen=True, slots=True)
class Field:
    """A picture with known truth."""

    half: Tile
    um_per_px: float
    """Of the half picture."""
    planted: Points
    tiers: Ints
    """Of the planted cells."""
    negative: int
    """How many other cells there are."""


def fitted(slides: Sequence[SimulatedSlide]) -> Rule:
    """The rule that is right for most of low, high and negative on their first fields."""
    fields = [_first_field(slide) for slide in slides]
    tried = ((rule, sums.balanced) for darker in DARKER for rule, sums in _tried(fields, darker))
    return max(tried, key=lambda each: each[1])[0]


def _tried(fields: Sequence[Field], darker: float) -> Iterator[tuple[Rule, Graded]]:
    found = [nuclei(field.half, field.um_per_px, darker) for field in fields]
    matches = [
        one_to_one(field.planted, middles, WITHIN_UM / field.um_per_px)
        for field, (middles, _, _) in zip(fields, found, strict=True)
    ]
    for rest in product(LEAST_AREAS_UM2, LEAST_DENSITIES, HIGH_DENSITIES):
        rule, sums = Rule(darker, *rest), Graded()
        for field, match, (_, *measures) in zip(fields, matches, found, strict=True):
            sums += graded(field.tiers, match, rule.called(*measures), field.negative)
        yield rule, sums


def _first_field(slide: SimulatedSlide) -> Field:
    key = ImageKey(field=slide.facts.plan.fields[0].field, capture=1, plane=0)
    whole = slide.picture(key)
    size = whole.shape[1] // 2, whole.shape[0] // 2
    half = np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.uint8)
    marks = slide.marks(key)
    cells = np.array([(mark.x_px / 2, mark.y_px / 2) for mark in marks], np.float32)
    tiers = np.array([tier_of(mark.cell.kind.label) for mark in marks], np.int64)
    is_planted = tiers != NEGATIVE
    um_per_px = 2 * slide.facts.optics.pm_per_px / 1e6
    negative = int((~is_planted).sum())
    return Field(half, um_per_px, cells[is_planted], tiers[is_planted], negative)
