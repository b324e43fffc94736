"""What the scanner's optics and stage are known to do.

In this first form it is declared by the source: right for simulation and replay, never enough for
a clinical slide.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Calibration:
    """The scale and the registration error that a slide is read with."""

    identity: str
    """Named in every record and verdict."""
    pm_per_px: int
    """Picometres a pixel, at full size."""
    registration_nm: int
    """t: how far a place may be off without anybody knowing."""


def declared_by_source(pm_per_px: int, registration_nm: int) -> Calibration:
    """The calibration of a simulated or replayed slide."""
    return Calibration(
        f"declared by the source: {pm_per_px} pm/px, t {registration_nm} nm",
        pm_per_px,
        registration_nm,
    )
