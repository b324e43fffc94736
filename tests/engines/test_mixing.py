import numpy as np
import pytest

from engines.train.cell_crops import sampling_shares
from engines.train.mixing import RENDERED, RENDERED_SHARE, mixed


def test_rendered_examples_are_drawn_by_a_fixed_share_however_many_there_are() -> None:
    folders = np.array(["smears"] * 4 + [RENDERED] * 400)
    shares = mixed(np.ones(len(folders)), folders)
    assert shares[4:].sum() == pytest.approx(RENDERED_SHARE)
    assert shares[:4] == pytest.approx((1 - RENDERED_SHARE) / 4)


@pytest.mark.parametrize("folder", ["smears", RENDERED])
def test_one_sort_alone_is_all_that_is_drawn(folder: str) -> None:
    shares = mixed(np.array([1.0, 3.0]), np.array([folder, folder]))
    assert shares == pytest.approx([0.25, 0.75])


def test_rare_classes_are_drawn_more_often_than_they_are_each_among_its_own_sort() -> None:
    classes = np.array([1] * 16 + [5] + [1] * 9 + [5] * 9)
    folders = np.array(["smears"] * 17 + [RENDERED] * 18)
    shares = sampling_shares(classes, folders)
    assert shares[16] / shares[:16].sum() == pytest.approx(1 / 4)
    assert shares[26:].sum() == pytest.approx(shares[17:26].sum())
