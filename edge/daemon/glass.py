"""Which glass it is: a barcode that could not be read, was seen before, or is another site's."""

import re
import time
from collections.abc import Mapping

from drivers.problem import Problem
from drivers.scanner.words import Purpose
from edge.health import Alert, Severity
from edge.journal.central import Central

UNREADABLE, REPEATED = "barcode_unreadable", "barcode_repeated"
_WORDS: Mapping[str, tuple[str, str]] = {
    UNREADABLE: (
        "has no barcode",
        "Read the label, and note which glass it is before you take it off the stage",
    ),
    REPEATED: (
        "has the barcode of a glass that was scanned before",
        "If it is no second scan of that glass, look at both labels before you use either verdict",
    ),
}


def foreign(barcode: str, pattern: str) -> Problem | None:
    """Why a glass is not this site's; one without a barcode may be.

    Args:
        barcode: As it was read.
        pattern: What a site's barcodes match as a whole; empty: any.
    """
    if not pattern or not barcode or re.fullmatch(pattern, barcode):
        return None
    problem = "this site has no such barcodes: the settings' `barcodes`"
    return Problem("barcode", barcode, problem, "Read the label again; send the glass back")


def flags(central: Central, slide: str, purpose: str) -> tuple[str, ...]:
    """What is odd about a slide's barcode. Only a clinical slide must have one."""
    barcode = central.identifiers(slide)[0]
    if not barcode:
        return (UNREADABLE,) if purpose == Purpose.CLINICAL else ()
    others = (other for other in central.identified() if other != slide)
    is_repeated = any(central.identifiers(other)[0] == barcode for other in others)
    return (REPEATED,) if is_repeated else ()


def alert(slide: str, flag: str) -> Alert:
    """What the operator is told. The barcode itself stays in its table."""
    what, remedy = _WORDS[flag]
    text = f"Slide {slide} {what}"
    return Alert(f"{flag}-{slide}", Severity.WARNING, text, remedy, time.time_ns() // 1000)


def refused(slide: str) -> Alert:
    """What the operator is told of a glass that was not taken."""
    text = f"Slide {slide} was refused: its glass has another site's barcode"
    remedy = "Take it off the stage; read its label"
    return Alert(f"barcode-{slide}", Severity.WARNING, text, remedy, time.time_ns() // 1000)
