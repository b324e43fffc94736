"""What the simulated slide's cells are made of: kinds, stains and the stock of drawn parts."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from drivers.scanner.words import Preparation
from drivers.sources.simulated import cytoplasm, nuclei
from drivers.sources.simulated.kinds import Kind
from drivers.sources.simulated.stain import Appearance, appearance
from drivers.sources.simulated.stock import DENSITY_STEPS, Sprite, Stock, draw_stock, turned
from tests.bench.field_statistics import blank_colour, density_around, diameter_um

UM_PER_PX = 0.25
SMEAR, LIQUID, CROWDED = Preparation.CONVENTIONAL, Preparation.THINPREP, Preparation.SUREPATH
GRADES = {Kind.LSIL: "low", Kind.ASC_H: "high", Kind.HSIL: "high", Kind.SCC: "high"}


def stock_of(seed: int, preparation: Preparation, um_per_px: float = UM_PER_PX) -> Stock:
    rng = np.random.default_rng(seed)
    return draw_stock(rng, appearance(rng, preparation), um_per_px, preparation)


@pytest.fixture(scope="module")
def stock() -> Stock:
    return stock_of(1, LIQUID)


def all_of(stock: Stock) -> list[Sprite]:
    return [
        one for part in (stock.cytoplasm, stock.nuclei) for all_ in part.values() for one in all_
    ]


def thickness(
    kind: Kind, seed: int, many: int = 40
) -> tuple[list[npt.NDArray[np.float32]], list[float]]:
    """Dye of nuclei alone, and their diameters in um."""
    rng = np.random.default_rng(seed)
    look = appearance(rng, LIQUID)
    drawn = [nuclei.draw(rng, kind, look, UM_PER_PX, LIQUID) for _ in range(many)]
    return [layers[0][0] for layers, _ in drawn], [diameter for _, diameter in drawn]


def test_every_kind_is_drawn_and_epithelial_cells_have_a_cytoplasm_of_their_own(
    stock: Stock,
) -> None:
    assert set(stock.nuclei) == set(stock.diameters_nm) == set(Kind)
    with_label = {kind for kind in Kind if kind.label is not None}
    assert set(stock.cytoplasm) == with_label
    assert {kind for kind in Kind if kind.is_squamous} == with_label - {Kind.ENDOCERVICAL}


def test_labels_are_those_of_the_bethesda_system() -> None:
    lesions = {kind: kind.label for kind in Kind if kind.label not in (None, "NILM")}
    assert lesions == {
        Kind.LSIL: "LSIL", Kind.ASC_H: "ASC-H", Kind.HSIL: "HSIL", Kind.SCC: "SCC",
    }  # fmt: skip
    assert Kind.BARE_NUCLEUS.label is None
    assert Kind.NEUTROPHIL.label is None


def test_sprites_are_odd_squares_of_densities_that_can_be_summed(stock: Stock) -> None:
    for sprite in all_of(stock):
        assert sprite.dtype == np.int16
        assert sprite.shape[0] == sprite.shape[1] <= stock.largest_px
        assert sprite.shape[0] % 2 == 1
        assert sprite.min() >= 0
        assert 0.01 * DENSITY_STEPS < sprite.max() <= 3 * DENSITY_STEPS


@pytest.mark.parametrize("preparation", [SMEAR, CROWDED])
def test_a_stock_stays_within_its_bound(preparation: Preparation, stock: Stock) -> None:
    for one in (stock_of(2, preparation), stock):
        assert sum(sprite.nbytes for sprite in all_of(one)) < 60e6
        assert all(
            18 <= len(all_) <= 255 or kind >= Kind.NEUTROPHIL for kind, all_ in one.nuclei.items()
        )


def test_one_chance_gives_one_stock_and_another_chance_another() -> None:
    coarse = 0.5
    one, again, other = (stock_of(seed, SMEAR, coarse) for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(all_of(one), all_of(again), strict=True))
    assert one.diameters_nm == again.diameters_nm != other.diameters_nm


def test_a_sprite_has_eight_attitudes(stock: Stock) -> None:
    sprite = stock.nuclei[Kind.SCC][0]
    ways = [turned(sprite, way) for way in range(8)]
    assert len({way.tobytes() for way in ways}) == 8
    assert all(way.sum() == sprite.sum() for way in ways)


@pytest.mark.parametrize("kind", [Kind.SUPERFICIAL, Kind.LSIL, Kind.HSIL])
def test_the_diameter_told_is_that_of_the_nucleus_drawn(stock: Stock, kind: Kind) -> None:
    off = []
    for sprite, told_nm in zip(stock.nuclei[kind], stock.diameters_nm[kind], strict=True):
        is_dark = (sprite[:, :, 1] > 0.4 * np.percentile(sprite[:, :, 1], 95)).astype(np.uint8)
        closed = cv2.morphologyEx(is_dark, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
        drawn_nm = 2_000 * np.sqrt(closed.sum() / np.pi) * UM_PER_PX
        off.append(drawn_nm / told_nm - 1)
    assert abs(float(np.median(off))) < 0.05


def test_nuclei_grow_with_the_lesion_and_small_cells_are_mostly_nucleus() -> None:
    diameter = {kind: float(np.median(thickness(kind, 5, 60)[1])) for kind in Kind if kind.label}
    assert 2.2 < (diameter[Kind.LSIL] / diameter[Kind.INTERMEDIATE]) ** 2 < 3.6
    assert diameter[Kind.SUPERFICIAL] < diameter[Kind.INTERMEDIATE] < diameter[Kind.REACTIVE]
    assert diameter[Kind.HSIL] < diameter[Kind.LSIL]
    low, high = cytoplasm.RECIPES[Kind.HSIL].radius_um
    assert diameter[Kind.HSIL] / (low + high) > 0.55
    low, high = cytoplasm.RECIPES[Kind.LSIL].radius_um
    assert diameter[Kind.LSIL] / (low + high) < 0.35


def test_chromatin_is_smooth_in_superficial_and_coarse_in_high_grade_nuclei() -> None:
    def contrast(kind: Kind) -> float:
        """Of what is left of the chromatin at 0.3 um, well inside each nucleus."""
        shares = []
        for dyed in thickness(kind, 6)[0]:
            soft = cv2.GaussianBlur(dyed, (0, 0), 0.3 / UM_PER_PX)
            within = cv2.erode(
                (soft > 0.3 * soft.max()).astype(np.uint8), np.ones((7, 7), np.uint8)
            )
            shares.append(soft[within > 0].std() / soft[within > 0].mean())
        return float(np.median(shares))

    smooth, fine, coarse = map(contrast, (Kind.SUPERFICIAL, Kind.INTERMEDIATE, Kind.HSIL))
    assert smooth < 0.8 * fine
    assert fine < 0.8 * coarse


def test_about_half_of_the_koilocytes_have_a_clear_zone() -> None:
    rng = np.random.default_rng(7)
    look = appearance(rng, LIQUID)

    def clear(kind: Kind) -> float:
        hollow = []
        for _ in range(40):
            layers = cytoplasm.draw(rng, kind, look, UM_PER_PX, LIQUID)
            dyed = layers[0][0] if len(layers) < 3 else layers[0][0] + layers[1][0]
            y, x = np.mgrid[: len(dyed), : len(dyed)] - len(dyed) // 2
            away_um = np.hypot(x, y) * UM_PER_PX
            near, further = (
                dyed[(away_um > 3) & (away_um < 6)],
                dyed[(away_um > 9) & (away_um < 14)],
            )
            hollow.append(np.median(near) < 0.75 * np.percentile(further, 75))
        return float(np.mean(hollow))

    assert 0.25 < clear(Kind.LSIL) < 0.8
    assert clear(Kind.INTERMEDIATE) < 0.2


def test_slides_differ_in_stain_and_lamp_and_smears_are_warmer() -> None:
    def looks(preparation: Preparation) -> list[Appearance]:
        return [appearance(np.random.default_rng(seed), preparation) for seed in range(60)]

    liquid, smears = looks(LIQUID), looks(SMEAR)
    for many in (liquid, smears):
        hue = [look.nucleus[0] / look.nucleus[1] for look in many]
        assert np.percentile(hue, 90) > 1.2 * np.percentile(hue, 10)
        cast = [look.blank[0] - look.blank[2] for look in many]
        assert max(cast) > 3
        assert min(cast) < -3
        assert all(look.blank.max() <= 253 for look in many)
    assert np.median([look.warmth for look in smears]) > np.median([look.warmth for look in liquid])
    assert np.median([look.blank.mean() for look in smears]) > 240


def test_size_and_darkness_alone_name_at_most_six_in_ten_lesions() -> None:
    """The best that normal densities of both can do, told every class' own, tried on new slides."""
    measures, grades, is_new = [], [], []
    for seed in range(12):
        preparation = (LIQUID, CROWDED, SMEAR)[seed % 3]
        rng = np.random.default_rng(100 + seed)
        look = appearance(rng, preparation)
        for kind in (kind for kind in Kind if kind.label is not None):
            for _ in range(12):
                layers, diameter = nuclei.draw(rng, kind, look, UM_PER_PX, preparation)
                dye, colour = layers[0]
                dark = float(dye[dye > 0.2 * dye.max()].mean() * colour[:2].mean())
                measures.append((np.log(diameter), dark))
                grades.append(GRADES.get(kind, "none"))
                is_new.append(seed >= 6)
    points, of, new = np.array(measures), np.array(grades), np.array(is_new)
    names = np.array(("none", "low", "high"))
    fit = []
    for name in names:
        known = points[(of == name) & ~new]
        spread = np.cov(known.T)
        away = points - known.mean(axis=0)
        squared = np.einsum("ij,jk,ik->i", away, np.linalg.inv(spread), away)
        fit.append(-squared / 2 - np.log(np.linalg.det(spread)) / 2)
    told = names[np.argmax(fit, axis=0)]
    lesions = new & (of != "none")
    right = float((told == of)[lesions].mean())
    assert 1 / 3 < right <= 0.6, right


def test_statistics_of_a_field_measure_what_was_drawn() -> None:
    field = np.full((400, 400, 3), (250, 240, 230), np.uint8)
    dark = tuple(
        int(level * 10**-density)
        for level, density in zip((250, 240, 230), (0.5, 0.8, 0.4), strict=True)
    )
    cv2.circle(field, (200, 160), 14, dark, -1, cv2.LINE_AA)
    blank = blank_colour(field)
    assert blank.tolist() == [250, 240, 230]
    density = density_around(field, blank, 200.5, 160.5, 0.25)
    assert density is not None
    assert density[48, 48].tolist() == pytest.approx([0.5, 0.8, 0.4], abs=0.01)
    assert diameter_um(density) == pytest.approx(2 * 14.2 * 0.25, rel=0.04)
    assert density_around(field, blank, 20, 160, 0.25) is None
    halved = cv2.resize(field, (200, 200), interpolation=cv2.INTER_AREA)
    smaller = density_around(np.asarray(halved, np.uint8), blank, 100.25, 80.25, 0.5)
    assert smaller is not None
    assert diameter_um(smaller) == pytest.approx(2 * 14.2 * 0.25, rel=0.06)
