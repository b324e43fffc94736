"""A slide through the daemon's own stages, in one thread, without a socket or a disk.

The functions are the daemon's, so the rows and the verdict are those that it would have made.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import google_crc32c

from drivers.problem import Refusal
from drivers.scanner.lists import ImageKey
from drivers.scanner.messages import OpenSlide
from drivers.sources.source import Shot, SlideFacts, Source
from edge.daemon.engine import Engine
from edge.daemon.live import reading
from edge.daemon.opening import NotOpened, open_slide
from edge.evidence.fold import Evidence
from edge.picture import Damaged
from edge.pipeline import keep, look
from edge.settings import Settings
from edge.slide.capture import Capture
from edge.slide.place import Rectangle
from edge.slide.record import Closing, End, Image, Opening, Record, Row

Shown = list[tuple[Rectangle, tuple[int, ...]]]
"""The ground of each image, and the cells of its grid."""


def replayed(
    source: Source,
    engine: Engine,
    settings: Settings,
    on_image: Callable[[], None],
    on_row: Callable[[Evidence], None] = lambda _: None,
) -> tuple[Evidence, Shown]:
    """A slide's evidence at its end, and what each image could see.

    Args:
        source: The slide.
        engine: What judges it.
        settings: The daemon's; its state folder must be there.
        on_image: Told after each image.
        on_row: Shown the evidence after each row.

    Raises:
        Refusal: The daemon would not open it, or an image cannot be read.
        EngineFault: The engine failed.
    """
    evidence: Evidence | None = None
    shown: Shown = []
    for row in rows(source, engine, settings):
        if isinstance(row, Opening):
            evidence = Evidence(row)
        assert evidence is not None  # noqa: S101  # the opening is the first row
        keep([row], _no_disk, evidence, partial(on_row, evidence))
        if isinstance(row, Record):
            shown.append((row.place, row.cells))
            on_image()
    assert evidence is not None  # noqa: S101  # it had an opening
    return evidence, shown


def rows(source: Source, engine: Engine, settings: Settings) -> Iterator[Row]:
    """All rows of a slide that is scanned without a fault: its opening, records and end.

    Raises:
        Refusal: The daemon would not open it, or an image cannot be read.
        EngineFault: The engine failed.
    """
    facts = source.facts
    opened = open_slide(message_of(facts), facts.plan, engine, settings)
    if isinstance(opened, NotOpened):
        raise Refusal(opened.problem)
    yield opened.opening
    yield from opened.incidents
    how = reading(opened.opening)
    for planned in facts.plan.fields:
        for plane in range(planned.planes):
            key = ImageKey(field=planned.field, capture=1, plane=plane)
            capture = capture_of(facts, key, source.capture(key))
            looked = look(capture, opened.opening.plan)
            if isinstance(looked, Damaged):
                raise Refusal(looked.problem)
            yield engine.judge(looked, how.bars, how.calibration)
    yield Closing(End.CLOSED, "", "")


def message_of(facts: SlideFacts) -> OpenSlide:
    """What would have opened it."""
    return OpenSlide(
        id="validate",
        session="validate",
        slide=facts.slide,
        purpose=facts.purpose,
        specimen=facts.specimen,
        preparation=facts.preparation,
        optics=facts.optics,
        registration_nm=facts.registration_nm,
    )


def capture_of(facts: SlideFacts, key: ImageKey, shot: Shot) -> Capture:
    """A shot as the daemon would have received it."""
    pm = facts.optics.pm_per_px
    place = Rectangle(
        shot.x_nm, shot.y_nm, shot.width_px * pm // 1_000, shot.height_px * pm // 1_000
    )
    return Capture(
        slide=facts.slide,
        image=Image(key.field, key.capture, key.plane),
        place=place,
        z_nm=shot.z_nm,
        width_px=shot.width_px,
        height_px=shot.height_px,
        format=shot.format.value,
        stride=shot.stride,
        checksum=f"{google_crc32c.value(shot.pixels):08x}",
        identity="",
        pm_per_px=pm,
        pixels=shot.pixels,
    )


def _no_disk(rows: Sequence[Row]) -> None:
    del rows
