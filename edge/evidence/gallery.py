"""The best counted findings that have a crop: a function of the set, whatever was withdrawn."""

from collections.abc import Callable, Iterable
from heapq import nsmallest
from typing import Final, NamedTuple

from edge.evidence.look import Look
from edge.evidence.summary import GalleryEntry
from edge.slide.finding import Column
from edge.slide.record import Image

GALLERY_SIZE: Final = 100


class Place(NamedTuple):
    """A finding's place among all: the lowest is the best."""

    severity: int
    """Negated, as `score`: more of them is better."""
    score: int
    image: Image
    finding: int


def places(look: Look) -> list[Place]:
    """An image's counted findings that have a crop."""
    cropped = look.cropped[look.counted[look.cropped]]
    chosen = look.findings[cropped]
    return [
        Place(-severity, -score, look.image, finding)
        for severity, score, finding in zip(
            chosen[:, Column.SEVERITY].tolist(),
            chosen[:, Column.SCORE].tolist(),
            cropped.tolist(),
            strict=True,
        )
    ]


class Gallery:
    """The best `GALLERY_SIZE`, kept while fields change."""

    def __init__(self) -> None:
        self._best: list[Place] = []
        self._entries: tuple[GalleryEntry, ...] | None = ()

    def update(
        self,
        changed: set[int],
        fresh: Iterable[Place],
        everything: Callable[[], Iterable[Place]],
    ) -> None:
        """Take the places of changed fields anew.

        Args:
            changed: Their numbers.
            fresh: Their places now.
            everything: All fields' places: asked for only where better ones went, so that others
                may move up.
        """
        was_full = len(self._best) == GALLERY_SIZE
        kept = [place for place in self._best if place.image.field not in changed]
        best = sorted([*kept, *fresh])[:GALLERY_SIZE]
        if was_full and (len(best) < GALLERY_SIZE or best[-1] > self._best[-1]):
            best = nsmallest(GALLERY_SIZE, everything())
        if best != self._best:
            self._best, self._entries = best, None

    def entries(self) -> tuple[GalleryEntry, ...]:
        """Best first."""
        if self._entries is None:
            self._entries = tuple(
                GalleryEntry(place.image, place.finding, -place.severity, -place.score)
                for place in self._best
            )
        return self._entries
