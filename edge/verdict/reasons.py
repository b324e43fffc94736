"""Every reason that a verdict can give, and its wording: the one table.

`docs/operating.md` tells the operator what to do about each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class ReasonCode(StrEnum):
    """Why a verdict is what it is, in the order of the steps; then what its reader must know."""

    ENGINE_UNPROVED = "engine_unproved"
    ENGINE_CHANGED = "engine_changed"
    CALIBRATION_MISSING = "calibration_missing"
    CALIBRATION_EXPIRED = "calibration_expired"
    CARD_NOT_FOR_SPECIMEN = "card_not_for_specimen"
    CARD_WITHOUT_CATEGORIES = "card_without_categories"
    CATEGORIES_CHANGED = "categories_changed"

    CATEGORY_COUNT_REACHED = "category_count_reached"

    SCAN_RUNNING = "scan_running"
    ABORTED = "aborted"
    MANIFEST_LOST = "manifest_lost"
    PLAN_DOES_NOT_COVER = "plan_does_not_cover"
    MISSING = "missing"
    UNPROCESSED = "unprocessed"
    COVERAGE_INCOMPLETE = "coverage_incomplete"

    REVIEW_COUNT_REACHED = "review_count_reached"

    CELLULARITY_LOW = "cellularity_low"
    CELLULARITY_UNDECIDED = "cellularity_undecided"
    TOO_FEW_FIELDS = "too_few_fields"
    PREPARATION_NOT_ON_CARD = "preparation_not_on_card"
    NILM = "nilm"

    OUT_OF_FOCUS = "out_of_focus"
    OVEREXPOSED = "overexposed"
    UNDEREXPOSED = "underexposed"
    BADLY_STAINED = "badly_stained"
    FROZEN = "frozen"
    MISPLACED = "misplaced"
    NOT_COVERED = "not_covered"
    SKIPPED = "skipped"

    ON_CPU = "on_cpu"
    CLOCK_JUMP = "clock_jump"
    CUT_CELLS = "cut_cells"
    TRUNCATED = "truncated"
    WITHDRAWN = "withdrawn"
    REQUESTS = "requests"
    NO_NEGATIVE_SLIDES = "no_negative_slides"
    ANNOUNCEMENT_NOT_BORNE_OUT = "announcement_not_borne_out"


_LOST = "{points} of {planned} planned lattice points ({share}) are lost: "

WORDING: Final[Mapping[ReasonCode, str]] = MappingProxyType(
    {
        ReasonCode.ENGINE_UNPROVED: "The engine was not proved on its golden field: {detail}",
        ReasonCode.ENGINE_CHANGED: "The engine changed in mid-slide without a proof: {detail}",
        ReasonCode.CALIBRATION_MISSING: "There is no calibration that this slide needs: {detail}",
        ReasonCode.CALIBRATION_EXPIRED: "The calibration has expired: {detail}",
        ReasonCode.CARD_NOT_FOR_SPECIMEN: (
            "The model card was not made for this specimen: {detail}"
        ),
        ReasonCode.CARD_WITHOUT_CATEGORIES: "The model card knows no category above {negative}",
        ReasonCode.CATEGORIES_CHANGED: (
            "The category system {system} is not the one that the slide was opened with"
        ),
        ReasonCode.CATEGORY_COUNT_REACHED: (
            "{found} counted findings reach {category}; on this planned area {bar} make it"
        ),
        ReasonCode.SCAN_RUNNING: (
            "The scan is running: {fields} fields are not settled, "
            "{points} of {planned} planned lattice points are pending"
        ),
        ReasonCode.ABORTED: "The scan was aborted: {detail}",
        ReasonCode.MANIFEST_LOST: "The scan ended without an agreed manifest: {detail}",
        ReasonCode.PLAN_DOES_NOT_COVER: (
            "The plan covers {planned} of the {spot} lattice points of the spot; "
            "at least {limit} are needed"
        ),
        ReasonCode.MISSING: (
            "{fields} planned fields have no image and were not skipped; "
            "{points} lattice points are lost by it"
        ),
        ReasonCode.UNPROCESSED: (
            "{images} images could not be judged; {points} lattice points are lost by it"
        ),
        ReasonCode.COVERAGE_INCOMPLETE: (
            "{seen} of {planned} planned lattice points ({share}) are usable or empty, at least "
            "{limit} are needed; the largest lost patch has {patch}, one field at most is allowed "
            "({field})"
        ),
        ReasonCode.REVIEW_COUNT_REACHED: (
            "{category} is not excluded: {found} counted findings reach it; "
            "on this planned area {bar} ask for a review"
        ),
        ReasonCode.CELLULARITY_LOW: (
            "Too few {cells}: {low} to {high} (95 %), at least {minimum} are needed"
        ),
        ReasonCode.CELLULARITY_UNDECIDED: (
            "Whether there are enough {cells} is undecided: {low} to {high} (95 %), "
            "at least {minimum} are needed"
        ),
        ReasonCode.TOO_FEW_FIELDS: (
            "Cellularity has no interval: {fields} fields own usable ground, {limit} are needed"
        ),
        ReasonCode.PREPARATION_NOT_ON_CARD: (
            "The model card has no cellularity numbers for this preparation: {preparation}"
        ),
        ReasonCode.NILM: (
            "Coverage is complete, there are enough {cells}, and no category that the "
            "model knows reaches the count for a review"
        ),
        ReasonCode.OUT_OF_FOCUS: _LOST + "out of focus",
        ReasonCode.OVEREXPOSED: _LOST + "overexposed",
        ReasonCode.UNDEREXPOSED: _LOST + "underexposed",
        ReasonCode.BADLY_STAINED: _LOST + "stained outside the range",
        ReasonCode.FROZEN: _LOST + "the camera repeated an earlier picture",
        ReasonCode.MISPLACED: _LOST + "taken too far from the planned place",
        ReasonCode.NOT_COVERED: _LOST + "no image shows them",
        ReasonCode.SKIPPED: (
            "{fields} planned fields were skipped by the driver; "
            "{points} lattice points are lost by it"
        ),
        ReasonCode.ON_CPU: "The engine ran on the CPU: {detail}",
        ReasonCode.CLOCK_JUMP: "The clock jumped: {detail}",
        ReasonCode.CUT_CELLS: (
            "Cells may be cut at the seams: fields overlap by {overlap_nm} nm, "
            "over {needed_nm} nm is needed"
        ),
        ReasonCode.TRUNCATED: (
            "{images} images had more findings than are kept; the best were kept"
        ),
        ReasonCode.WITHDRAWN: "{captures} captures were withdrawn",
        ReasonCode.REQUESTS: (
            "The scanner was asked for more {asked} times: {done} were done, {refused} refused, "
            "{silent} not done in time"
        ),
        ReasonCode.NO_NEGATIVE_SLIDES: (
            "The thresholds (table {table}) rest on no negative slides: "
            "one finding asks for a review"
        ),
        ReasonCode.ANNOUNCEMENT_NOT_BORNE_OUT: (
            "{category} was announced in mid-scan, and this verdict does not bear it out"
        ),
    }
)
"""A sentence for each code, without its full stop."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason, for programs and for people."""

    code: ReasonCode
    text: str
    """A sentence with its numbers."""


def reason(code: ReasonCode, **values: int | str) -> Reason:
    """A reason in words.

    Raises:
        KeyError: The wording names a value that is not given.
    """
    shown = {k: f"{v:,}" if isinstance(v, int) else v for k, v in values.items()}
    return Reason(code, WORDING[code].format_map(shown).removesuffix(".") + ".")


def share(part: int, whole: int) -> str:
    """A part in per cent with one digit, rounded down: `92.3 %`; of nothing, it is none."""
    permille = 1_000 * part // whole if whole else 0
    return f"{permille // 10}.{permille % 10} %"
