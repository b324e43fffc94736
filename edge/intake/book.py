"""What one slide holds, as its driver is told: images in hand and committed, skips, withdrawals."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from drivers.scanner.lists import (
    CaptureKey,
    DifferenceList,
    ImageKey,
    ManifestList,
    PlanList,
    ResumeList,
)
from drivers.scanner.messages import OpenSlide, SendField
from drivers.scanner.states import CaptureState, SlideState
from drivers.scanner.words import Disposition, Optics
from edge.slide.canonical import canonical
from edge.slide.plan import Plan
from edge.slide.record import Image
from edge.slide.request import Asked


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an image, as `committed` says it."""

    disposition: Disposition
    reasons: tuple[str, ...]
    quality: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Who waits for an answer: a session, and the id of its message."""

    session: str
    re: str


@dataclass(slots=True)
class Held:
    """One image: in hand until it has an outcome."""

    identity: str
    size: int
    """Bytes that it counts in the window."""
    message: SendField | None
    """Its header, while it is in hand."""
    outcome: Outcome | None = None
    waiting: Waiting | None = None
    driver: str = ""
    """Who sent it, while it is in hand: in whose share of the window it counts."""

    @property
    def state(self) -> CaptureState:
        """In hand or committed."""
        return CaptureState.IN_HAND if self.outcome is None else CaptureState.COMMITTED


@dataclass(slots=True)
class Ending:
    """A close or an abort that waits for what is in hand."""

    waiting: Waiting
    manifest: ManifestList | None
    """None where the slide is aborted."""
    why: str
    is_written: bool = False


@dataclass(slots=True)
class Pending:
    """A request, and what came of it so far."""

    row: Asked
    said: str = ""
    """The driver's last word on it, or `lapsed`."""
    has_ended: bool = False
    due_s: float | None = None
    """When it lapses; None until time has begun to run."""

    @property
    def id(self) -> str:
        """What it is called on the wire: the same after a restart."""
        return self.name(self.row.number)

    @staticmethod
    def name(number: int) -> str:
        """The id of a request with this number."""
        return f"r{number}"


@dataclass(slots=True)
class Book:
    """One slide's book. Memory: about 400 bytes an image."""

    slide: str
    driver: str
    opening: str
    """Identity of its `open_slide` and plan."""
    optics: Optics
    plan: Plan
    flags: tuple[str, ...]
    state: SlideState = SlideState.OPEN
    images: dict[Image, Held] = field(default_factory=dict)
    withdrawn: set[tuple[int, int]] = field(default_factory=set)
    skipped: set[int] = field(default_factory=set)
    ending: Ending | None = None
    digest: str = ""
    """Of the manifest that is being, or was, agreed."""
    verdict: dict[str, Any] | None = None
    """The final one."""
    session: str = ""
    """The one in which it was opened last."""
    requests: dict[str, Pending] = field(default_factory=dict)
    """All that was asked for, by id."""

    def capture_state(self, image: Image) -> CaptureState:
        """What is known of an image."""
        if (image.field, image.capture) in self.withdrawn:
            return CaptureState.WITHDRAWN
        held = self.images.get(image)
        return CaptureState.UNSEEN if held is None else held.state

    def plans(self, image: Image) -> bool:
        """Whether the plan has this field and plane, or the plane was asked for."""
        planned = self.plan.by_number.get(image.field)
        if planned is None or image.plane < planned.planes:
            return planned is not None
        asked = (pending.row for pending in self.requests.values())
        return any((row.field, row.plane) == (image.field, image.plane) for row in asked)

    @property
    def has_in_hand(self) -> bool:
        """Whether an image is not committed yet."""
        return any(held.outcome is None for held in self.images.values())

    def resume(self) -> ResumeList:
        """All that a driver needs to know to go on."""
        in_hand = {image for image, held in self.images.items() if held.outcome is None}
        return ResumeList(
            committed=_image_keys(self.images.keys() - in_hand),
            in_hand=_image_keys(in_hand),
            withdrawn=_capture_keys(self.withdrawn),
            skipped=sorted(self.skipped),
        )

    def difference(self, manifest: ManifestList) -> DifferenceList | None:
        """Where a manifest and this book differ; None where they agree."""
        images, captures, fields = _sets(manifest)
        committed = {image for image, held in self.images.items() if held.outcome is not None}
        missing = (images - committed, captures - self.withdrawn, fields - self.skipped)
        unexpected = (committed - images, self.withdrawn - captures, self.skipped - fields)
        if not any(missing) and not any(unexpected):
            return None
        return DifferenceList(missing=_manifest(*missing), unexpected=_manifest(*unexpected))


def opening_identity(message: OpenSlide, plan: PlanList) -> str:
    """SHA-256 over what makes an opening: the same slide with another one is a conflict."""
    essentials = message.model_dump(mode="json", exclude={"id", "session", "ext", "operator"})
    return _digest({"slide": essentials, "plan": plan.model_dump(mode="json")})


def manifest_digest(manifest: ManifestList) -> str:
    """SHA-256 of a manifest, whatever the order of its entries."""
    return _digest(_manifest(*_sets(manifest)).model_dump(mode="json"))


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(canonical(body)).hexdigest()


_Sets = tuple[set[Image], set[tuple[int, int]], set[int]]


def _sets(manifest: ManifestList) -> _Sets:
    return (
        {Image(key.field, key.capture, key.plane) for key in manifest.committed},
        {(key.field, key.capture) for key in manifest.withdrawn},
        set(manifest.skipped),
    )


def _manifest(
    committed: set[Image], withdrawn: set[tuple[int, int]], skipped: set[int]
) -> ManifestList:
    return ManifestList(
        committed=_image_keys(committed),
        withdrawn=_capture_keys(withdrawn),
        skipped=sorted(skipped),
    )


def _image_keys(images: set[Image]) -> list[ImageKey]:
    return [ImageKey(field=f, capture=c, plane=p) for f, c, p in sorted(images)]


def _capture_keys(captures: set[tuple[int, int]]) -> list[CaptureKey]:
    return [CaptureKey(field=f, capture=c) for f, c in sorted(captures)]
