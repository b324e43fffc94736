"""How a field becomes a verdict: every stage, in order. START HERE.

Stage 1, `edge/intake`, made the capture of a driver's message; stage 8, `edge/report`, writes what
stage 7 decides. The daemon calls `look` on several threads, `judge` on the engine's, `keep` and
`verdict` on the writer's; they share nothing but what is handed on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge.detection.crops import crops
from edge.detection.detect import detect
from edge.detection.grade import Bar
from edge.evidence.fold import Evidence
from edge.picture import Damaged, Picture, decode
from edge.quality.assess import Quality, assess
from edge.quality.thumbnail import thumbnail
from edge.slide.capture import Capture
from edge.slide.plan import Plan
from edge.slide.record import Record, Row
from edge.verdict.decide import decide
from edge.verdict.verdict import Verdict
from engines.card import ModelCard
from engines.detector import Detector


@dataclass(frozen=True, slots=True)
class Looked:
    """A picture, judged."""

    capture: Capture
    picture: Picture
    quality: Quality
    thumbnail: bytes


def look(capture: Capture, plan: Plan) -> Looked | Damaged:
    """Stages 2 and 3: the picture, and what of it can be used."""
    picture = decode(capture)
    if isinstance(picture, Damaged):
        return picture
    place, field = capture.place, capture.image.field
    quality = assess(picture, is_misplaced=plan.misplaces(field, place.x_nm, place.y_nm))
    return Looked(capture, picture, quality, thumbnail(picture))


def judge(
    looked: Looked, detector: Detector, card: ModelCard, bars: tuple[Bar, ...], calibration: str
) -> Record:
    """Stage 4: the cells, and all that the image showed as one record."""
    capture, picture, quality = looked.capture, looked.picture, looked.quality
    seen = detect(picture, capture.pm_per_px, capture.place, detector, card, bars)
    return Record(
        image=capture.image,
        place=capture.place,
        z_nm=capture.z_nm,
        checksum=capture.checksum,
        disposition=quality.disposition,
        cells=quality.cells,
        sharpness=quality.sharpness,
        quality=quality.measures,
        findings=seen.findings,
        truncated=seen.truncated,
        crops=crops(seen.findings, seen.embeddings, capture.place, picture.size_px, picture.crop),
        thumbnail=looked.thumbnail,
        engine=detector.identity,
        calibration=calibration,
    )


def keep(
    rows: Sequence[Row],
    on_disk: Callable[[Sequence[Row]], None],
    evidence: Evidence,
    look: Callable[[], None],
) -> None:
    """Stages 5 and 6: first the disk, then the evidence, which is looked at after each row."""
    on_disk(rows)
    for row in rows:
        evidence.add(row)
        look()


def verdict(evidence: Evidence) -> Verdict:
    """Stage 7: what the evidence so far amounts to."""
    return decide(evidence.summary())
