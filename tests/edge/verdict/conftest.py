"""One slide that is negative by every rule; each test changes what it is about."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from edge.evidence.summary import Area, GalleryEntry, Summary, Sums
from edge.slide.basis import AdequacyNumbers, Basis, CategoryNumbers
from edge.slide.place import Rectangle
from edge.slide.plan import Plan, PlannedField
from edge.slide.record import End, Image, Opening
from edge.verdict.system import load

BASIS = Basis(
    system="bethesda",
    classes=("negative", "low", "high"),
    categories_of_classes=("NILM", "LSIL", "HSIL"),
    categories=(CategoryNumbers("LSIL", 5_000, 8, 4), CategoryNumbers("HSIL", 5_000, 6, 2)),
    adequacy=(AdequacyNumbers("thinprep", 5_000, 1_000, 20, 900),),
    reference_area_um2=4_000_000,
    largest_box_nm=40_000,
    specimens=("cervical",),
    table="rendered",
    negative_slides=40,
    identities=(("categories", load("bethesda").identity), ("engine", "e1"), ("model", "m1")),
)
OPENING = Opening(
    slide="S1",
    purpose="simulation",
    specimen="cervical",
    preparation="thinprep",
    plan=Plan(
        spot=Rectangle(0, 0, 2_000_000, 2_000_000),
        w_nm=612_000,
        h_nm=512_000,
        overlap_nm=60_000,
        placement_nm=15_000,
        fields=(PlannedField(0, 0, 0),),
    ),
    registration_nm=6_000,
    basis=BASIS,
)
NEGATIVE = Summary(
    opening=OPENING,
    area=Area(
        planned=10_000, usable=9_000, empty=1_000, pending=0, lost=(), largest_lost_patch=0,
        field=621,
    ),
    sums=Sums(
        n=40, cells=6_000, points=9_000, cells_cells=40 * 150**2, cells_points=40 * 150 * 225,
        points_points=40 * 225**2,
    ),
    reached=(6_000, 0, 0, 0, 0, 0, 0, 0, 0),
    capped=(120, 0, 0, 0, 0, 0, 0, 0, 0),
    unsettled_fields=0,
    missing_fields=0,
    skipped_fields=0,
    unprocessed_images=0,
    truncated_images=0,
    withdrawn_captures=0,
    incidents=(),
    announcements=(),
    end=End.CLOSED,
    end_why="",
    gallery=(GalleryEntry(Image(12, 1, 0), 7, 0, 9_000),),
)  # fmt: skip


def changed(
    basis: Mapping[str, Any] | None = None,
    opening: Mapping[str, Any] | None = None,
    area: Mapping[str, Any] | None = None,
    reached: Mapping[int, int] | None = None,
    **summary: Any,
) -> Summary:
    """The negative slide with some values changed; `reached` by severity."""
    found = [(reached or {}).get(s, n) for s, n in enumerate(NEGATIVE.reached)]
    rests_on = replace(BASIS, **(basis or {}))
    return replace(
        NEGATIVE,
        opening=replace(OPENING, basis=rests_on, **(opening or {})),
        area=replace(NEGATIVE.area, **(area or {})),
        reached=tuple(found),
        **summary,
    )


@pytest.fixture(scope="session")
def slide() -> Callable[..., Summary]:
    """Makes a summary: the negative one, with the given changes."""
    return changed
