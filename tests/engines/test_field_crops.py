import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.train.field_crops import CROP_PX, NO_TIER, STRIDE, Seen, example, targets


def a_field() -> Seen:
    """A dark dot at each nucleus; nothing is annotated right of x = 400."""
    picture = np.full((480, 640, 3), 255, np.uint8)
    points = np.array([[100, 100], [300, 200], [200, 400]], np.float32)
    for x, y in points.astype(int):
        picture[y - 3 : y + 4, x - 3 : x + 4] = 0
    return Seen("a", picture, points, np.array([0, 1, 2]), (400.0, 480.0))


def test_a_nucleus_middle_is_one_in_its_cell_and_falls_off() -> None:
    heat, tiers = targets(np.array([[50.0, 30.0]]), np.array([2]), 20, 20)
    assert heat[7, 12] == heat.max() == 1
    assert 0 < heat[7, 14] < heat[7, 13] < 1
    assert heat[0, 0] == 0
    assert (tiers[6:9, 11:14] == 2).all()
    assert (tiers != NO_TIER).sum() == 9


def test_a_nucleus_outside_the_crop_leaves_no_trace() -> None:
    heat, tiers = targets(np.array([[-1.0, 5.0], [5.0, 80.0]]), np.array([1, 2]), 20, 20)
    assert heat.max() == 0
    assert (tiers == NO_TIER).all()


def test_where_two_nuclei_meet_the_worse_tier_is_taught() -> None:
    _, tiers = targets(np.array([[40.0, 40.0], [44.0, 40.0]]), np.array([2, 0]), 20, 20)
    assert tiers[10, 10] == tiers[10, 11] == 2


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32))
def test_labels_stay_on_their_nuclei_whatever_is_done_to_a_crop(seed: int) -> None:
    made = example(a_field(), np.random.default_rng(seed))
    assert made.crop.shape == (CROP_PX, CROP_PX, 3)
    assert made.crop.dtype == np.uint8
    cells = CROP_PX // STRIDE
    assert made.heat.shape == made.is_known.shape == made.tiers.shape == (cells, cells)
    for row, column in zip(*np.nonzero(made.heat == 1), strict=True):
        if 3 <= row < cells - 3 and 3 <= column < cells - 3:
            y, x = row * STRIDE + 2, column * STRIDE + 2
            near = made.crop[y - 10 : y + 10, x - 10 : x + 10].astype(int)
            middle = made.crop[y - 2 : y + 2, x - 2 : x + 2]
            assert middle.mean() < np.median(near) - 20


def test_the_unlabelled_strip_is_masked_and_beyond_the_field_is_known() -> None:
    field = a_field()
    shares = [example(field, np.random.default_rng(seed)).is_known.mean() for seed in range(40)]
    assert min(shares) < 0.8
    assert max(shares) == 1


def test_the_same_seed_makes_the_same_crop() -> None:
    one, other = (example(a_field(), np.random.default_rng(7)) for _ in range(2))
    assert (one.crop == other.crop).all()
    assert (one.heat == other.heat).all()
