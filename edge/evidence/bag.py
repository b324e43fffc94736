"""The bag of a slide: its best cells of each class, for models of whole slides."""

from collections import defaultdict
from collections.abc import Iterable
from heapq import nsmallest
from typing import Final

from edge.evidence.gallery import Place, places
from edge.evidence.look import Look
from edge.evidence.summary import GalleryEntry
from edge.slide.finding import Column

BAG_A_CLASS: Final = 100
"""Bounds a bag, whatever the slide holds."""


def bag(looks: Iterable[Look]) -> tuple[GalleryEntry, ...]:
    """The best counted findings of each class that have a crop, ranked as the gallery is.

    By rising class, best first. A function of the set of looks alone: there is nothing to undo
    when one goes.
    """
    of_class: defaultdict[int, list[Place]] = defaultdict(list)
    for look in looks:
        for place in places(look):
            of_class[int(look.findings[place.finding, Column.CLASS])].append(place)
    return tuple(
        GalleryEntry(place.image, place.finding, -place.severity, -place.score)
        for _, all_places in sorted(of_class.items())
        for place in nsmallest(BAG_A_CLASS, all_places)
    )
