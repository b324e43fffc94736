"""What lies on a simulated slide."""

from collections import Counter
from functools import cache

import numpy as np
import pytest

from drivers.scanner.lists import PlanList
from drivers.scanner.words import Preparation
from drivers.sources import layout
from drivers.sources.simulated.ground import planned_ground
from drivers.sources.simulated.kinds import Kind
from drivers.sources.simulated.population import Population, populate, varied
from drivers.sources.simulated.preparation import manner
from drivers.sources.simulated.specimen import Contents, preset
from drivers.sources.simulated.stock import Stock

PARTS = tuple(np.zeros((3, 3, 3), np.int16) for _ in range(5))
STOCK = Stock(
    cytoplasm={kind: PARTS for kind in Kind if kind.is_squamous},
    nuclei=dict.fromkeys(Kind, PARTS),
    diameters_nm=dict.fromkeys(Kind, (7_000,) * 5),
    largest_px=3,
)


def plan(fields: int) -> PlanList:
    return layout.rectangle(layout.Tiling(256_000, 256_000, 25_600), fields)


@cache
def drawn(
    contents: Contents,
    preparation: Preparation = Preparation.THINPREP,
    seed: int = 1,
    fields: int = 64,
) -> Population:
    rng = np.random.default_rng(seed)
    return populate(rng, contents, manner(preparation), plan(fields), STOCK, 250)


def counted(population: Population) -> Counter[Kind]:
    return Counter(Kind(kind) for kind in population.kind.tolist())


@pytest.mark.parametrize("preparation", [Preparation.SUREPATH, Preparation.CONVENTIONAL])
def test_planted_cells_are_exactly_those_asked_for_and_on_planned_ground(
    preparation: Preparation,
) -> None:
    contents = Contents(lsil=40, asc_h=30, hsil=50, scc=20)
    population = drawn(contents, preparation, fields=1)
    kinds = counted(population)
    assert [kinds[k] for k in (Kind.LSIL, Kind.ASC_H, Kind.HSIL, Kind.SCC)] == [40, 30, 50, 20]
    ground = planned_ground(plan(1))
    planted = np.isin(population.kind, (Kind.LSIL, Kind.ASC_H, Kind.HSIL, Kind.SCC))
    x_nm, y_nm = population.column[planted] * 250, population.row[planted] * 250
    assert ((x_nm >= ground.left_nm - 250) & (x_nm < ground.left_nm + ground.w_nm)).all()
    assert ((y_nm >= ground.top_nm - 250) & (y_nm < ground.top_nm + ground.h_nm)).all()


def test_high_grade_cells_lie_alone_and_in_tight_groups() -> None:
    population = drawn(Contents(hsil=120))
    chosen = population.kind == Kind.HSIL
    places = np.stack([population.column[chosen], population.row[chosen]], axis=1) * 0.25
    between = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1)) + np.eye(120) * 1e9
    nearest_um = between.min(axis=0)
    assert (nearest_um < 16).mean() > 0.4
    assert (nearest_um > 40).mean() > 0.15


def test_no_abnormal_cell_lies_on_a_negative_slide() -> None:
    for name in ("negative", "scant", "atrophic", "inflamed", "endocervical", "clotted", "blurred"):
        labels = {kind.label for kind in counted(drawn(preset(name).contents))}
        assert labels == {"NILM", None}


def test_slides_of_one_specimen_differ_and_keep_to_what_they_are() -> None:
    slides = [varied(np.random.default_rng(seed), Contents()) for seed in range(200)]
    cells = [slide.squamous_per_mm2 for slide in slides]
    assert min(cells) > 0.89 * Contents().squamous_per_mm2
    assert max(cells) > 1.3 * Contents().squamous_per_mm2
    assert np.ptp([slide.inflammation for slide in slides]) > 0.15
    assert np.ptp([slide.atrophy for slide in slides]) > 0.1
    assert np.median([slide.atrophy for slide in slides]) < 0.02


def test_one_chance_gives_one_population() -> None:
    once, again = (drawn.__wrapped__(Contents()) for _ in range(2))
    assert (once.column == again.column).all()
    assert (once.steps == again.steps).all()
    assert not np.array_equal(once.column, drawn(Contents(), seed=2).column)


def test_atrophy_and_inflammation_bring_their_cells() -> None:
    plain, atrophic, inflamed = (
        counted(drawn(preset(name).contents)) for name in ("negative", "atrophic", "inflamed")
    )
    assert atrophic[Kind.ATROPHIC] > 5 * atrophic[Kind.SUPERFICIAL]
    assert atrophic[Kind.BARE_NUCLEUS] > 3 * plain[Kind.BARE_NUCLEUS]
    assert inflamed[Kind.NEUTROPHIL] > 3 * plain[Kind.NEUTROPHIL]
    assert inflamed[Kind.REACTIVE] > 3 * plain[Kind.REACTIVE]


def test_hard_negatives_bring_their_groups() -> None:
    plain, columnar, clotted = (
        counted(drawn(preset(name).contents)) for name in ("negative", "endocervical", "clotted")
    )
    assert columnar[Kind.ENDOCERVICAL] > 3 * plain[Kind.ENDOCERVICAL]
    assert columnar[Kind.METAPLASTIC] > 2 * plain[Kind.METAPLASTIC]
    assert clotted[Kind.CLUMP] > 5 * plain[Kind.CLUMP]


def test_a_thicker_preparation_is_deeper_and_more_crowded() -> None:
    thin, deep = (
        drawn(Contents(), preparation)
        for preparation in (Preparation.THINPREP, Preparation.SUREPATH)
    )
    assert np.abs(deep.steps).mean() > 1.5 * np.abs(thin.steps).mean()
    squamous = [sum(n for kind, n in counted(p).items() if kind.is_squamous) for p in (thin, deep)]
    assert squamous[1] > 1.25 * squamous[0]


def test_the_truth_is_the_epithelial_cells_of_a_rectangle() -> None:
    population = drawn(Contents(lsil=5))
    inside = population.within(
        int(population.column.min()), int(population.row.min()), 10**6, 10**6
    )
    assert len(inside) == len(population.kind)
    truth = population.truth(STOCK, inside)
    kinds = counted(population)
    assert len(truth) == sum(n for kind, n in kinds.items() if kind.label is not None)
    assert {cell.diameter_nm for cell in truth} == {7_000}


def test_a_larger_slide_of_a_specimen_has_planted_cells_in_like_measure() -> None:
    small, usual, large = (preset("hsil", fields).contents for fields in (4, 60, 150))
    assert small == usual
    assert (large.lsil, large.asc_h, large.hsil) == (62, 38, 150)
