"""Where things lie on a simulated slide."""

import numpy as np
import pytest

from drivers.scanner.lists import PlanList
from drivers.scanner.words import Preparation
from drivers.sources import layout
from drivers.sources.simulated import ground as grounds
from drivers.sources.simulated.ground import MARGIN_NM, group_sizes, grouped, planned_ground
from drivers.sources.simulated.preparation import PREPARATIONS, manner

TILING = layout.Tiling(612_000, 512_000, 51_200)
PLAN = layout.rectangle(TILING, 60)
SPOT = layout.round_spot(TILING, 6_000_000)


def chance(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def patchiness(plan: PlanList, preparation: Preparation, seed: int) -> float:
    """How much more uneven than chance counts in squares of half a millimetre are."""
    terrain = grounds.terrain(chance(seed), plan, manner(preparation))
    places = terrain.places(chance(seed), 20_000)
    ground = planned_ground(plan)
    x, y = (places - (ground.left_nm, ground.top_nm)).T
    edges = [np.arange(0, side_nm, 500_000) for side_nm in (ground.w_nm, ground.h_nm)]
    squares = np.histogram2d(x, y, edges)[0]
    return float(squares.std() / squares.mean())


@pytest.mark.parametrize("preparation", PREPARATIONS)
def test_as_much_is_strewn_as_asked_for_on_the_ground_and_its_margin(
    preparation: Preparation,
) -> None:
    terrain = grounds.terrain(chance(), PLAN, manner(preparation))
    places = terrain.strewn(chance(), 500)
    ground = planned_ground(PLAN).wider(MARGIN_NM)
    assert len(places) == pytest.approx(500 * ground.w_nm * ground.h_nm / 1e12, rel=0.08)
    low, high = places.min(axis=0), places.max(axis=0)
    assert (low >= (ground.left_nm, ground.top_nm)).all()
    assert (low < (ground.left_nm + MARGIN_NM, ground.top_nm + MARGIN_NM)).all()
    assert (high > (ground.left_nm + ground.w_nm - MARGIN_NM, 0)).all()


def test_a_smear_is_far_more_uneven_than_a_liquid_based_slide() -> None:
    even, uneven = (
        np.mean([patchiness(PLAN, preparation, seed) for seed in range(5)])
        for preparation in (Preparation.THINPREP, Preparation.CONVENTIONAL)
    )
    assert uneven > 2 * even
    assert even > 0.1


def test_nothing_lies_outside_a_round_spot_and_its_edge_is_crowded() -> None:
    places = grounds.terrain(chance(), SPOT, manner(Preparation.THINPREP)).places(chance(), 30_000)
    away_nm = np.hypot(*(places - (layout.SPOT_X_NM, layout.SPOT_Y_NM)).T)
    assert away_nm.max() < 3_000_000 + 100_000
    inner = (away_nm < 1_500_000).sum() / 1.5**2
    edge = ((away_nm > 2_700_000) & (away_nm < 2_900_000)).sum() / (2.9**2 - 2.7**2)
    assert edge > 1.3 * inner


def test_groups_hold_all_members_and_none_is_too_large() -> None:
    sizes = group_sizes(chance(), 500, 8, 20)
    assert sizes.sum() == 500
    assert sizes.max() <= 20
    assert 5 < np.median(sizes) < 11
    assert len(group_sizes(chance(), 0, 8, 20)) == 0


def test_members_of_a_group_lie_packed_about_its_middle() -> None:
    middles = np.array([[0.0, 0.0], [5_000_000.0, 0.0]])
    groups = grouped(chance(), middles, np.array([30, 2]), 12.0)
    assert groups.group.tolist() == [0] * 30 + [1] * 2
    assert groups.size.tolist() == [30] * 30 + [2] * 2
    first = groups.places[:30]
    between = np.hypot(*(first[:, None] - first[None]).transpose(2, 0, 1)) + np.eye(30) * 1e9
    assert np.median(between.min(axis=0)) == pytest.approx(9_000, rel=0.4)
    assert np.hypot(*first.T).max() < 80_000
    assert np.hypot(*(groups.places[30:] - middles[1]).T).max() < 30_000


def test_groups_of_a_smear_are_drawn_out_along_it() -> None:
    middles, sizes = np.zeros((200, 2)), np.full(200, 20)
    x, y = grouped(chance(), middles, sizes, 12.0, streak=2.6).places.T
    assert x.std() > 1.5 * y.std()
