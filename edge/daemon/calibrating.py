"""Which calibration a new slide is read with: the bundle in force, or what its source declares."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path

from drivers.scanner.messages import OpenSlide
from drivers.scanner.words import Purpose
from edge.settings import Settings
from edge.slide.bundle import InForce, NoCalibration, against, days_left, in_force
from edge.slide.calibration import Calibration, declared_by_source, measured
from edge.slide.record import Incident, IncidentKind

log = logging.getLogger(__name__)

BUNDLES, ACTIVATIONS = "bundles", "activations"


def folder(state_dir: Path) -> Path:
    """Where bundles and activations lie."""
    return state_dir / "calibration"


def read(state_dir: Path) -> tuple[dict[str, bytes], list[bytes]]:
    """Bundles by the SHA-256 in their name, and activations in their order."""
    root = folder(state_dir)
    bundles = {path.stem: path.read_bytes() for path in (root / BUNDLES).glob("*.json")}
    chain = sorted((root / ACTIVATIONS).glob("*.json"))
    return bundles, [path.read_bytes() for path in chain]


def in_force_at(settings: Settings) -> InForce | None:
    """What is in force; None where nothing ever was.

    Raises:
        NoCalibration: A file was edited, lost or exchanged, or cannot be read.
    """
    try:
        return in_force(*read(settings.state_dir), settings.signers)
    except OSError as error:
        raise NoCalibration(f"its files cannot be read: {error}") from None


def calibration_of(
    message: OpenSlide, settings: Settings
) -> tuple[Calibration, Sequence[Incident]]:
    """A new slide's calibration, and what its verdict must know of it.

    Only a clinical slide is read with a bundle; without one that counts, what the source declares
    serves to look at it, and no verdict of it is negative.
    """
    declared = declared_by_source(message.optics.pm_per_px, message.registration_nm)
    if message.purpose is not Purpose.CLINICAL:
        return declared, ()
    now_us = time.time_ns() // 1000
    try:
        found = in_force_at(settings)
        if found is None:
            raise NoCalibration("a clinical slide needs a signed calibration; there is none")
    except NoCalibration as why:
        return declared, (Incident(IncidentKind.CALIBRATION_MISSING, str(why)),)
    optics = message.optics
    verdict, why_not = against(
        found.bundle, optics.camera_serial, optics.objective, optics.pm_per_px, now_us
    )
    if verdict == "foreign":
        return declared, (Incident(IncidentKind.CALIBRATION_MISSING, why_not),)
    if verdict == "expired":
        return measured(found.bundle), (Incident(IncidentKind.CALIBRATION_EXPIRED, why_not),)
    days = days_left(found.bundle, now_us)
    if days is not None:
        log.warning("%s ends within %d days: calibrate again", found.bundle.identity, days)
    return measured(found.bundle), ()
