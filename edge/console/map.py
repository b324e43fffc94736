"""The slide's map and the course of its quality, as numbers that templates draw."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edge.console.view import MEASURES, FieldView, SlideView

W_PX: Final = 600
H_PX: Final = 60
"""Of a line over time."""


@dataclass(frozen=True, slots=True)
class Box:
    """One field on the map, in um."""

    field: int
    classes: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class SlideMap:
    """A slide's fields where they lie. y grows downwards, as on the glass."""

    view: SlideView
    left: int
    top: int
    width: int
    height: int
    w: int
    """Of a field."""
    h: int

    @classmethod
    def of(cls, view: SlideView) -> "SlideMap":
        """The map of a slide."""
        w, h = (max(1, view.facts["plan"][side] // 1_000) for side in ("w_nm", "h_nm"))
        xs = [each.x_nm // 1_000 for each in view.fields.values()]
        ys = [each.y_nm // 1_000 for each in view.fields.values()]
        left, top = min(xs) - w, min(ys) - h
        return cls(view, left, top, max(xs) + w - left, max(ys) + h - top, w, h)

    @property
    def boxes(self) -> list[Box]:
        """All fields, by their number."""
        least = self.view.suspicious_from
        return [
            Box(
                each.number,
                each.classes(least),
                each.x_nm // 1_000 - self.w // 2,
                each.y_nm // 1_000 - self.h // 2,
            )
            for each in self.view.fields.values()
        ]

    def around(self, one: FieldView) -> list[FieldView]:
        """A field's neighbours and itself, row by row as they lie."""
        near = [
            each
            for each in self.view.fields.values()
            if abs(each.x_nm - one.x_nm) < 1_500 * self.w
            and abs(each.y_nm - one.y_nm) < 1_500 * self.h
        ]
        return sorted(near, key=lambda each: (round(each.y_nm / (500 * self.h)), each.x_nm))


@dataclass(frozen=True, slots=True)
class Trend:
    """One measure of the last images."""

    name: str
    points: str
    """Of a polyline, in a box of `W_PX` by `H_PX`."""
    last: int
    low: int
    high: int


def trends(view: SlideView) -> Sequence[Trend]:
    """Focus, stain and exposure over the last images; none before there are two."""
    if len(view.trend) < 2:
        return ()
    return [
        _trend(name, values)
        for name, values in zip(MEASURES, zip(*view.trend, strict=True), strict=True)
    ]


def _trend(name: str, values: Sequence[int]) -> Trend:
    low, high = min(values), max(values)
    scale = (H_PX - 8) / max(high - low, 1)
    step = W_PX / (len(values) - 1)
    points = " ".join(
        f"{place * step:.0f},{H_PX - 4 - (value - low) * scale:.0f}"
        for place, value in enumerate(values)
    )
    return Trend(name, points, values[-1], low, high)
