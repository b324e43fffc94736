"""What a specimen holds, and specimens by name."""

from dataclasses import dataclass, field, replace

from drivers.problem import Problem, Refusal, shown
from drivers.sources.faults import Faults

SQUAMOUS_PER_MM2 = 430
"""Twice a middling ThinPrep slide (a spot of 314 mm2 holds 40,000 to 70,000 cells where it is
adequate), so that a slide of 60 fields, 16 mm2, still holds well over 5,000."""
SCANT_PER_MM2 = 40


@dataclass(frozen=True, slots=True)
class Contents:
    """How much of what a specimen holds, as a ThinPrep slide shows it.

    Amounts per mm2 and shares are what slides vary about; planted cells are exact.
    """

    squamous_per_mm2: int = SQUAMOUS_PER_MM2
    """Superficial, intermediate and parabasal ones."""
    metaplastic_per_mm2: int = 9
    endocervical_per_mm2: int = 9
    neutrophils_per_mm2: int = 260
    red_cells_per_mm2: int = 25
    mucus_per_mm2: int = 4
    debris_per_mm2: int = 240
    clumps_per_mm2: int = 2
    lsil: int = 0
    """Planted cells, on the whole slide."""
    asc_h: int = 0
    hsil: int = 0
    scc: int = 0
    atrophy: float = 0.0
    """Share of squamous cells that are parabasal, bland, with a large nucleus; 0 to 1."""
    inflammation: float = 0.0
    """0: none; 1: many neutrophils, and a fifth of the squamous cells reactive."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A specimen by name, and what goes wrong while it is scanned."""

    contents: Contents
    faults: Faults = field(default_factory=Faults)


PLANTED = ("lsil", "asc_h", "hsil", "scc")
PLANTED_ON = 60
"""Fields of a slide on which there are as many planted cells as its specimen says."""
PRESETS = {
    "negative": Preset(Contents()),
    "lsil": Preset(Contents(lsil=60)),
    "asc-h": Preset(Contents(asc_h=40)),
    "hsil": Preset(Contents(lsil=25, asc_h=15, hsil=60)),
    "scc": Preset(Contents(hsil=30, scc=60, red_cells_per_mm2=200, debris_per_mm2=500)),
    "scant": Preset(Contents(squamous_per_mm2=SCANT_PER_MM2)),
    "atrophic": Preset(Contents(atrophy=0.85, inflammation=0.15)),
    "endocervical": Preset(Contents(endocervical_per_mm2=50, metaplastic_per_mm2=25)),
    "clotted": Preset(Contents(clumps_per_mm2=30, red_cells_per_mm2=150, mucus_per_mm2=12)),
    "inflamed": Preset(Contents(inflammation=1.0)),
    "blurred": Preset(Contents(), Faults(blurred=0.45)),
}
"""Specimens by name."""


def preset(name: str, fields: int = PLANTED_ON) -> Preset:
    """A specimen by its name, for a slide of so many fields.

    A larger slide than most has more planted cells in like measure: a lesion goes on.

    Raises:
        Refusal: There is none of that name.
    """
    if name not in PRESETS:
        remedy = f"Choose one of {', '.join(PRESETS)}"
        raise Refusal(Problem("specimen", shown(name), "is no specimen that we know", remedy))
    known, times = PRESETS[name], max(1.0, fields / PLANTED_ON)
    planted = {kind: round(getattr(known.contents, kind) * times) for kind in PLANTED}
    return replace(known, contents=replace(known.contents, **planted))
