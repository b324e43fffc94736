from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from engines.tiles import GRID_PX, HALO_PX, cuts


@given(st.integers(1, 9_000), st.integers(4, 80).map(lambda sixteens: 16 * sixteens))
def test_cores_fill_the_picture_and_each_tile_sees_round_its_core(size: int, tile: int) -> None:
    made = list(cuts(size, tile))
    assert made[0][:2] == (0, 0)
    assert made[-1][2] == size
    assert all(last == first for (_, _, last), (_, first, _) in pairwise(made))
    for start, first, last in made:
        assert start % GRID_PX == 0
        assert start <= first < last <= min(size, start + tile)
        around = min(HALO_PX, tile // 4 - 15)
        assert start == 0 or first - start >= around
        assert last == size or start + tile - last >= around


def test_what_a_tile_holds_is_one_tile() -> None:
    assert list(cuts(1_232, 1_232)) == [(0, 0, 1_232)]
    assert list(cuts(1_233, 1_232)) == [(0, 0, 1_104), (976, 1_104, 1_233)]
