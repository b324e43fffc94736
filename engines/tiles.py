"""How a picture larger than a tile is cut into tiles that overlap."""

from collections.abc import Iterator

GRID_PX = 16
"""Tiles begin at multiples of this, the coarsest stride of a network: a cell of the map then lies
at the same place whichever tile it is of."""
HALO_PX = 128
"""What each side of a tile only helps to see: over the locator's reach, so that two tiles say the
same of a place."""


def cuts(size_px: int, tile_px: int) -> Iterator[tuple[int, int, int]]:
    """How one side is cut.

    Args:
        size_px: The picture's.
        tile_px: The tile's, a multiple of 16; the last tile may reach beyond the picture.

    Yields:
        Where a tile begins, and the first and the last but one pixel of its core, the part that it
        answers for. Cores lie side by side and fill the picture.
    """
    halo_px = min(HALO_PX, tile_px // 4 // GRID_PX * GRID_PX)
    start, first = 0, 0
    while start + tile_px < size_px:
        last = start + tile_px - halo_px
        yield start, first, last
        start, first = last - halo_px, last
    yield start, first, size_px
