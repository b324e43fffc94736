"""A new slide: from `open_slide` to its first row, or why not."""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from drivers.problem import Problem
from drivers.scanner.lists import CircleSpot, PlanList
from drivers.scanner.messages import OpenSlide
from drivers.scanner.words import Code
from edge.daemon import glass
from edge.daemon.calibrating import calibration_of
from edge.daemon.engine import Engine
from edge.detection.basis import basis
from edge.health import incidents_at_opening
from edge.settings import Settings
from edge.slide.canonical import canonical
from edge.slide.place import Circle, Rectangle
from edge.slide.plan import Plan, PlannedField
from edge.slide.record import Incident, Opening
from edge.verdict import system
from edge.verdict.spot import plan_covers
from engines.card import ModelCard


@dataclass(frozen=True, slots=True)
class NotOpened:
    """Why a slide is refused."""

    code: Code
    problem: Problem


@dataclass(frozen=True, slots=True)
class Opened:
    """A slide's first rows."""

    opening: Opening
    incidents: Sequence[Incident]
    pm_per_px: int
    """By the calibration, whatever the driver declares."""


def open_slide(
    message: OpenSlide, plan: PlanList, engine: Engine, settings: Settings
) -> Opened | NotOpened:
    """What a new slide's verdict will rest on, fixed now; or why it is refused."""
    refused = _refused(message, engine, settings)
    if refused is not None:
        return refused
    assert engine.card is not None  # noqa: S101  # else it was refused
    calibration, uncalibrated = calibration_of(message, settings)
    opening = Opening(
        slide=message.slide,
        purpose=message.purpose.value,
        specimen=message.specimen.value,
        preparation=message.preparation.value,
        plan=_plan(plan),
        registration_nm=calibration.registration_nm,
        basis=basis(
            engine.card,
            message.purpose,
            made_by(engine.card, settings)
            | {"calibration": calibration.identity, "engine": engine.health.identity},
        ),
    )
    incidents = [*incidents_at_opening(message, engine.card, engine.health), *uncalibrated]
    return Opened(opening, incidents, calibration.pm_per_px)


def flags(opening: Opening, planned: int) -> tuple[str, ...]:
    """What the plan's author should know: `cut_cells`, `plan_does_not_cover`.

    Args:
        opening: The slide.
        planned: Its planned area, in lattice points.
    """
    plan, found = opening.plan, []
    if plan.overlap_nm <= opening.basis.largest_box_nm + 2 * opening.registration_nm:
        found.append("cut_cells")
    if not plan_covers(opening, planned):
        found.append("plan_does_not_cover")
    return tuple(found)


def _refused(message: OpenSlide, engine: Engine, settings: Settings) -> NotOpened | None:
    if message.purpose not in settings.purposes:
        taken = ", ".join(sorted(settings.purposes))
        problem = Problem(
            "purpose", message.purpose, f"this daemon takes {taken}", "Set `purposes`"
        )
        return NotOpened(Code.PURPOSE, problem)
    if (foreign := glass.foreign(message.barcode, settings.barcodes)) is not None:
        return NotOpened(Code.BARCODE, foreign)
    is_idle = settings.engine == "idle"
    if engine.card is None or not (engine.health.is_proved or is_idle):
        problem = Problem(
            "engine",
            engine.health.identity,
            engine.health.problem or "no engine is proved",
            "Run `cytoedge doctor`; mend the model, then restart the daemon",
        )
        return NotOpened(Code.ENGINE, problem)
    full = disk_is_low(settings)
    return None if full is None else NotOpened(Code.DISK, full)


def disk_is_low(settings: Settings) -> Problem | None:
    """Why no new slide is taken, where too little of the disk is free."""
    usage = shutil.disk_usage(settings.state_dir)
    if usage.free * 100 >= usage.total * settings.free_disk_percent:
        return None
    return Problem(
        "state_dir",
        str(settings.state_dir),
        f"under {settings.free_disk_percent} % of the disk is free",
        "Free some; the open slides are finished",
    )


def made_by(card: ModelCard, settings: Settings) -> dict[str, str]:
    """The identities that a slide has before it is known which engine proves and which scanner."""
    deciding = settings.model_dump(mode="json", include={"engine", "engine_threads"})
    return {
        "card": card.identity,
        "categories": system.load(card.system).identity,
        "model": card.networks,
        "settings": hashlib.sha256(canonical(deciding)).hexdigest(),
        "software": f"cytoedge {version('cytoedge')}",
    }


def _plan(plan: PlanList) -> Plan:
    spot = plan.spot
    placement = plan.overlap_nm // 4 if plan.placement_nm is None else plan.placement_nm
    planned = [PlannedField(f.field, f.x_nm, f.y_nm, f.planes) for f in plan.fields]
    return Plan(
        spot=Circle(spot.x_nm, spot.y_nm, spot.diameter_nm)
        if isinstance(spot, CircleSpot)
        else Rectangle(spot.x_nm, spot.y_nm, spot.w_nm, spot.h_nm),
        w_nm=plan.w_nm,
        h_nm=plan.h_nm,
        overlap_nm=plan.overlap_nm,
        placement_nm=placement,
        fields=tuple(sorted(planned, key=lambda f: f.field)),
    )
