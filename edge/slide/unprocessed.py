"""The record of an image that could not be judged: it shows nothing, and says so."""

from edge.slide.capture import Capture
from edge.slide.finding import no_findings
from edge.slide.record import GRID, Cell, Disposition, Record


def unprocessed(capture: Capture, classes: int, engine: str, calibration: str) -> Record:
    """An image whose decoder died, or whose engine failed.

    Args:
        capture: What came.
        classes: How many class scores the slide's findings have.
        engine: The engine that failed; empty where none looked.
        calibration: Identity of the slide's calibration.
    """
    return Record(
        image=capture.image,
        place=capture.place,
        z_nm=capture.z_nm,
        checksum=capture.checksum,
        disposition=Disposition.UNPROCESSED,
        cells=(int(Cell.UNPROCESSED),) * GRID**2,
        sharpness=(0,) * GRID**2,
        quality=(),
        findings=no_findings(classes),
        truncated=False,
        crops=(),
        thumbnail=b"",
        engine=engine,
        calibration=calibration,
    )
