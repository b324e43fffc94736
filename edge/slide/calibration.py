"""What the scanner's optics and stage are known to do.

Declared by the source: right for simulation and replay, never enough for a clinical slide, which
needs a bundle.
"""

from dataclasses import dataclass

from edge.slide.bundle import Bundle


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


def measured(found: Bundle) -> Calibration:
    """The calibration that a bundle holds."""
    content = found.content
    return Calibration(found.identity, content.pm_per_px, content.registration_nm)
