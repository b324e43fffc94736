"""Twins: mutual nearest, near enough; in crowds and at the slide's far ends, too."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.evidence import twins
from edge.evidence.twins import find_twins
from edge.slide.finding import Findings
from tests.properties.slides import packed, seeded


def _row(*xs: int, side: int = 12_000) -> Findings:
    return packed(*((x, 0, side, 1, 9_000) for x in xs))


def _pairs(lower: Findings, higher: Findings, registration_nm: int = 0) -> list[list[int]]:
    pairs: list[list[int]] = find_twins(lower, higher, registration_nm).tolist()
    return pairs


def test_no_findings_have_no_twins() -> None:
    assert _pairs(_row(), _row(5)) == _pairs(_row(5), _row()) == _pairs(_row(), _row()) == []


@pytest.mark.parametrize(("registration_nm", "reach_nm"), [(0, 6_000), (6_000, 12_000), (1, 6_001)])
def test_twins_are_nearer_than_half_a_side_and_t(registration_nm: int, reach_nm: int) -> None:
    assert _pairs(_row(0), _row(reach_nm - 1), registration_nm) == [[0, 0, 1]]
    assert _pairs(_row(0), _row(reach_nm), registration_nm) == []


def test_the_shorter_side_of_the_smaller_box_decides() -> None:
    small = packed((0, 0, 8_000, 1, 9_000))
    assert _pairs(small, _row(3_999)) == [[0, 0, 1]]
    assert _pairs(_row(0), packed((4_000, 0, 8_000, 1, 9_000))) == []


def test_of_two_equally_near_findings_the_lower_index_is_the_nearest() -> None:
    assert _pairs(_row(0), _row(3_000, -3_000)) == [[0, 0, 1]]
    assert _pairs(_row(3_000, -3_000), _row(0)) == [[0, 0, 1]]


def test_twins_need_each_other() -> None:
    assert _pairs(_row(0, 4_000), _row(5_000)) == [[1, 0, 1]]


def test_the_rank_is_severity_then_score_then_the_lower_image() -> None:
    def above(lower: tuple[int, int], higher: tuple[int, int]) -> bool:
        ((_, _, is_above),) = _pairs(packed((0, 0, 9, *lower)), packed((0, 0, 9, *higher)))
        return is_above == 1

    assert above((2, 100), (1, 9_000))
    assert not above((1, 9_000), (2, 100))
    assert above((1, 9_000), (1, 8_000))
    assert not above((1, 8_000), (1, 9_000))
    assert above((1, 9_000), (1, 9_000))


def test_places_and_boxes_may_be_as_large_as_the_protocol_allows() -> None:
    far = 1_000_000_000
    lower = packed((far, far, far, 1, 5), (-far, -far, far, 1, 5))
    higher = packed((-far + 5, -far, far, 1, 5), (far - 5, far, far, 1, 5))
    assert _pairs(lower, higher, 100_000) == [[0, 1, 1], [1, 0, 1]]


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 40), st.sampled_from([0, 700]))
def test_crowds_have_the_twins_that_the_rule_gives(seed: int, n: int, m: int, t: int) -> None:
    chance = seeded(seed)
    one, other = (
        packed(
            *(
                (chance.randint(-9, 9) * 1_000 + shift, chance.randint(-9, 9) * 1_000, side, 1, 5)
                for side in chance.choices([1_000, 3_000, 5_000], k=size)
            )
        )
        for size, shift in ((n, 0), (m, chance.choice([0, 9_000, 40_000])))
    )
    expected = []
    for i, a in enumerate(one.tolist()):
        distances = [(a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 for b in other.tolist()]
        j = distances.index(min(distances))
        b = other[j].tolist()
        back = [(a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 for a in one.tolist()]
        if back.index(min(back)) == i and 4 * min(distances) < (min(a[2], b[2]) + 2 * t) ** 2:
            expected.append([i, j, 1])
    assert _pairs(one, other, t) == expected


def test_a_crowd_is_compared_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = seeded(7)
    one, other = (_row(*(chance.randint(0, 400_000) for _ in range(300))) for _ in range(2))
    whole = _pairs(one, other)
    monkeypatch.setattr(twins, "_PAIRS_AT_ONCE", 1_000)
    assert _pairs(one, other) == whole != []
