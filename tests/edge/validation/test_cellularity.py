import pytest

from edge.validation.cellularity import _widening, adequacy


def test_k_its_error_and_p_have_the_slide_as_their_unit() -> None:
    """By hand: 0.9, 0.95, 1.0 a slide; deviation 0.05, times sqrt(4/3) for one more slide, and 4.17
    over 1.96 for so few."""
    found = adequacy("thinprep", [(900, 1_000), (1_900, 2_000), (8_000, 8_000)])
    assert found is not None
    assert (found.true_per_counted_milli, found.true_per_counted_error_milli) == (950, 123)
    assert found.certain_per_counted_milli == 704
    assert found.minimum == 5_000
    assert "3 rendered slides" in found.source


@pytest.mark.parametrize(
    ("freedom", "reach"), [(2, 4.303), (3, 3.182), (4, 2.776), (9, 2.262), (27, 2.052)]
)
def test_95_percent_of_few_slides_reach_as_far_as_students_t(freedom: int, reach: float) -> None:
    assert 1.96 * _widening(freedom) == pytest.approx(reach, rel=0.031 if freedom == 2 else 0.01)


def test_p_is_not_over_the_lowest_slide() -> None:
    even = [(950, 1_000)] * 40
    found = adequacy("surepath", [*even, (700, 1_000)])
    assert found is not None
    assert found.certain_per_counted_milli <= 700


@pytest.mark.parametrize(
    ("preparation", "slides"),
    [
        ("thinprep", [(900, 1_000)] * 2),
        ("thinprep", [(900, 1_000)] * 2 + [(400, 499)]),
        ("cytospin", [(900, 1_000)] * 5),
    ],
)
def test_too_little_tells_nothing(preparation: str, slides: list[tuple[int, int]]) -> None:
    assert adequacy(preparation, slides) is None
