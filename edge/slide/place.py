"""Where something lies on the glass: integer nanometres in the slide's frame.

The frame: the glass seen with its label at the right, origin at its upper left corner, x along the
long side, y down.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rectangle:
    """An axis-parallel, half-open rectangle around a middle, in nm.

    It holds x when `left_nm <= x < left_nm + w_nm`; likewise y.
    """

    x_nm: int
    """Its middle."""
    y_nm: int
    w_nm: int
    h_nm: int

    @property
    def left_nm(self) -> int:
        """The first x inside."""
        return self.x_nm - self.w_nm // 2

    @property
    def top_nm(self) -> int:
        """The first y inside."""
        return self.y_nm - self.h_nm // 2

    def holds(self, x_nm: int, y_nm: int) -> bool:
        """Whether a point lies inside."""
        return (
            self.left_nm <= x_nm < self.left_nm + self.w_nm
            and self.top_nm <= y_nm < self.top_nm + self.h_nm
        )

    def grown(self, by_nm: int) -> "Rectangle":
        """The same middle, larger by this much on every side."""
        return Rectangle(self.x_nm, self.y_nm, self.w_nm + 2 * by_nm, self.h_nm + 2 * by_nm)


@dataclass(frozen=True, slots=True)
class Circle:
    """A round spot, as liquid-based preparations leave it, in nm."""

    x_nm: int
    y_nm: int
    diameter_nm: int

    @property
    def area_um2(self) -> int:
        """Its area in whole um2."""
        return self.diameter_nm**2 * 355 // 452_000_000  # pi / 4 = 355 / 452 to 1e-7


Spot = Rectangle | Circle


def area_um2(spot: Spot) -> int:
    """A spot's area in whole um2."""
    if isinstance(spot, Circle):
        return spot.area_um2
    return spot.w_nm * spot.h_nm // 1_000_000
