"""What each field lacks that a scanner could still bring."""

from edge.evidence.counts import PASSED
from edge.evidence.fold import Evidence
from edge.evidence.summary import Need
from edge.slide.place import Rectangle
from edge.slide.record import Cell, Image, Record, Skip
from tests.properties.slides import grid, opening, packed, record

PLAN = grid(8, 6, 200_000, 160_000, 40_000)


def image(number: int, *, blurred: bool = False, capture: int = 1, plane: int = 0) -> Record:
    planned = PLAN.by_number[number]
    place = Rectangle(planned.x_nm, planned.y_nm, PLAN.w_nm, PLAN.h_nm)
    cells = (int(Cell.OUT_OF_FOCUS if blurred else Cell.USABLE),) * 64
    found = packed((planned.x_nm, planned.y_nm, 12_000, 2, 9_000))
    return record(Image(number, capture, plane), place, found, cells)


def evidence(*rows: Record | Skip) -> Evidence:
    made = Evidence(opening(PLAN))
    for row in rows:
        made.add(row)
    return made


def needs(made: Evidence) -> dict[int, Need]:
    return {need.field: need for need in made.needs()}


def test_nothing_is_needed_before_anything_came_nor_where_all_is_seen() -> None:
    assert needs(evidence()) == {}
    assert needs(evidence(*map(image, range(48)))) == {}


def test_a_blurred_field_needs_its_own_ground_until_a_rescan_shows_it() -> None:
    made = evidence(*(image(n, blurred=n == 10) for n in range(48)))
    (need,) = needs(made).values()
    ((why, lost),) = need.lost
    assert (need.field, why, need.images, need.plane) == (10, "out_of_focus", 1, 1)
    assert 0 < lost <= need.points
    assert lost == sum(points for _, points in made.summary().area.lost)
    made.add(image(10, capture=2))
    assert needs(made) == {}


def test_a_field_that_was_passed_by_is_missing_and_one_to_come_is_not() -> None:
    made = evidence(*(image(n) for n in range(10 + PASSED) if n != 10))
    assert needs(made) == {}
    made.add(image(10 + PASSED))
    (need,) = needs(made).values()
    assert (need.field, need.images, need.plane) == (10, 0, 0)
    assert need.lost == (("missing", need.points),)
    made.add(Skip(10, "lamp"))
    assert needs(made) == {}


def test_a_skipped_field_is_not_needed() -> None:
    made = evidence(*(image(n, blurred=n == 10) for n in range(48)), Skip(10, "stage"))
    assert needs(made) == {}


def test_a_need_tells_what_its_field_holds() -> None:
    half = tuple(int(Cell.OUT_OF_FOCUS) if i % 8 > 4 else 0 for i in range(64))
    spoilt = image(10)
    rows = [image(n) for n in range(48) if n != 10]
    place = spoilt.place
    rows.append(record(spoilt.image, place, spoilt.findings, half))
    (need,) = needs(evidence(*rows)).values()
    assert (need.reached[1], need.reached[2], need.reached[3]) == (1, 1, 0)
