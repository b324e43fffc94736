"""The scanner's wire protocol, and `ScannerLink`, the SDK of acquisition drivers."""

from drivers.scanner.curve import Curve
from drivers.scanner.link import Closed, Opened, ScannerLink
from drivers.scanner.lists import (
    CircleSpot,
    ImageKey,
    PlanList,
    PlannedField,
    RectangleSpot,
    ResumeList,
)
from drivers.scanner.messages import (
    Committed,
    Refused,
    Request,
    SlideAborted,
    SlideClosed,
    Welcome,
)
from drivers.scanner.question import LinkRefused, LinkTimeout
from drivers.scanner.words import Code, Optics, PixelFormat, Preparation, Purpose, Specimen

__all__ = [
    "CircleSpot",
    "Closed",
    "Code",
    "Committed",
    "Curve",
    "ImageKey",
    "LinkRefused",
    "LinkTimeout",
    "Opened",
    "Optics",
    "PixelFormat",
    "PlanList",
    "PlannedField",
    "Preparation",
    "Purpose",
    "RectangleSpot",
    "Refused",
    "Request",
    "ResumeList",
    "ScannerLink",
    "SlideAborted",
    "SlideClosed",
    "Specimen",
    "Welcome",
]
