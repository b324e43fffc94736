"""How the cells came onto the glass: what a preparation does to a specimen."""

from dataclasses import dataclass

from drivers.problem import Problem, Refusal
from drivers.scanner.words import Preparation


@dataclass(frozen=True, slots=True)
class Manner:
    """How a preparation lays things down. Amounts are in multiples of what `Contents` says."""

    depth_um: float
    """Standard deviation of a single cell's distance from the slide's middle plane."""
    squamous: float
    neutrophils: float
    red_cells: float
    mucus: float
    debris: float
    uneven: float
    """Standard deviation of the logarithm of local cellularity."""
    streak: float
    """How much longer dense patches and clumps are along the slide than across it."""
    clumped: float
    """Share of squamous cells that lie in clumps."""
    clump: int
    """Cells of a middling clump."""
    packed_um: float
    """From one cell of a clump to the next."""
    has_bubbles: bool
    """Whether there is a wet mount that can hold bubbles, and a round spot with an edge."""


_MANNERS = {
    Preparation.THINPREP: Manner(
        depth_um=0.2,
        squamous=1.0,
        neutrophils=1.0,
        red_cells=1.0,
        mucus=1.0,
        debris=1.0,
        uneven=0.22,
        streak=1.0,
        clumped=0.28,
        clump=6,
        packed_um=34.0,
        has_bubbles=True,
    ),
    Preparation.SUREPATH: Manner(
        depth_um=0.45,
        squamous=1.5,
        neutrophils=1.6,
        red_cells=1.5,
        mucus=0.6,
        debris=1.1,
        uneven=0.35,
        streak=1.0,
        clumped=0.45,
        clump=10,
        packed_um=24.0,
        has_bubbles=True,
    ),
    Preparation.CONVENTIONAL: Manner(
        depth_um=0.3,
        squamous=1.1,
        neutrophils=2.2,
        red_cells=12.0,
        mucus=3.0,
        debris=1.0,
        uneven=0.85,
        streak=2.6,
        clumped=0.6,
        clump=16,
        packed_um=30.0,
        has_bubbles=False,
    ),
}
"""Source: by eye, from public liquid-based and conventional fields; a SurePath spot has a smaller
area than a ThinPrep one for as many cells, and keeps more of what lies between them."""
PREPARATIONS = tuple(_MANNERS)


def manner(preparation: Preparation) -> Manner:
    """What a preparation does.

    Raises:
        Refusal: It cannot be simulated.
    """
    if preparation not in _MANNERS:
        remedy = f"Choose one of {', '.join(PREPARATIONS)}"
        raise Refusal(Problem("preparation", preparation, "cannot be simulated", remedy))
    return _MANNERS[preparation]
