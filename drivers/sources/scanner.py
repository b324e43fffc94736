"""The scanner model: walks a source's plan as a stop-and-go stage does, and streams what it sees.

Images are made ahead on threads of their own, so that rendering or decoding does not stall the
stage. Whoever starts a scan again with the same source finishes it: what the daemon has is not made
again.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from drivers.problem import Problem, Refusal
from drivers.scanner import messages as m
from drivers.scanner.link import ScannerLink
from drivers.scanner.lists import ImageKey, ManifestList, ResumeList
from drivers.scanner.words import SlideStatus
from drivers.sources.faults import Faults
from drivers.sources.source import Shot, SlideFacts, Source

ENDPOINT = "ipc:///run/cytoedge/drivers/socket"
"""Where the daemon's settings put the drivers' socket unless told otherwise."""
WORKERS = 2
AHEAD = 4
"""Images made before their turn. Bounds memory."""
CLOSE_S = 600.0
"""How long the last images may take to be judged."""
PATIENCE_S = 2.0
"""How long the glass stays on the stage for requests, after the last image was judged."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the stage and the camera are.

    Source: stop-and-go stages settle in 160 ms in x and y and 20 ms in z.
    """

    settle_xy_ms: int = 160
    settle_z_ms: int = 20
    fields_per_s: float | None = None
    """A fixed rate instead; 0 is as fast as the daemon's window allows."""

    def __post_init__(self) -> None:
        if self.fields_per_s is not None and not 0 <= self.fields_per_s <= 1_000:
            problem = "is no rate from 0 to 1000"
            remedy = "Give 0 to go as fast as the window allows"
            raise Refusal(Problem("fields_per_s", str(self.fields_per_s), problem, remedy))

    def rest_s(self, *, is_same_field: bool, exposure_us: int) -> float:
        """From one image's exposure to the next one's."""
        if self.fields_per_s is not None:
            return 1 / self.fields_per_s if self.fields_per_s else 0.0
        settle_ms = self.settle_z_ms if is_same_field else self.settle_xy_ms + self.settle_z_ms
        return settle_ms / 1_000 + exposure_us / 1_000_000


@dataclass(slots=True)
class Scan:
    """What has come of a scan so far."""

    slide: str
    planned: int
    """Images in the plan."""
    sent: int = 0
    known_before: int = 0
    """Images that the daemon had before this scan."""
    dispositions: Counter[str] = field(default_factory=Counter)
    """What the daemon answered in this scan: used, unusable, unprocessed, refused."""
    refusals: list[str] = field(default_factory=list)
    """Images that were refused for good, and why."""
    requests: Counter[str] = field(default_factory=Counter)
    """What the daemon asked for, by kind."""
    to_do: list[str] = field(default_factory=list)
    """Why it could not be closed, and what to do about it."""
    state: SlideStatus = SlideStatus.OPEN
    why: str = ""
    """Why it was aborted."""
    verdict: dict[str, Any] | None = None
    last_field_to_verdict_s: float | None = None
    window_wait_s: float = 0.0
    """Time in which the stage waited for the daemon."""

    def hear(self, answer: m.Committed | m.Refused) -> None:
        """Takes the final answer about an image."""
        if isinstance(answer, m.Committed):
            self.dispositions[answer.disposition] += 1
        else:
            self.dispositions["refused"] += 1
            where = f"f{answer.field}.c{answer.capture}.p{answer.plane}"
            self.refusals.append(f"{where}: {answer.key}={answer.value}: {answer.problem}")


def start(facts: SlideFacts) -> Scan:
    """The account of a scan that is to begin. Give its `hear` to the link as `on_answer`."""
    return Scan(facts.slide, sum(planned.planes for planned in facts.plan.fields))


def scan_slide(
    link: ScannerLink,
    source: Source,
    scan: Scan,
    *,
    pace: Pace,
    faults: Faults,
    on_progress: Callable[[Scan], None],
) -> None:
    """Opens the slide, sends what the daemon lacks of it, and closes it. `scan` says how it went.

    Raises:
        LinkRefused: The daemon does not take the slide.
        LinkTimeout: There is no daemon, or it stays silent.
        Refusal: The source cannot give an image.
    """
    facts = source.facts
    opened = link.open_slide(
        facts.slide,
        facts.purpose,
        facts.specimen,
        facts.preparation,
        facts.optics,
        facts.plan,
        registration_nm=facts.registration_nm,
    )
    scan.known_before = len(opened.resume.committed) + len(opened.resume.in_hand)
    scan.state, scan.verdict = opened.answer.state, opened.answer.verdict
    on_progress(scan)
    if scan.state in (SlideStatus.CLOSED, SlideStatus.ABORTED):
        return
    last_sent_at = time.monotonic()
    if scan.state is SlideStatus.OPEN:
        goes_on = True
        for key, shot in _walk(link, source, _due(facts, opened.resume, faults), pace):
            _send(link, scan, key, shot)
            on_progress(scan)
            if not (goes_on := _obey(link, source, scan, faults, 0.0)):
                break
        link.drain(CLOSE_S)
        lost = sorted(set(opened.resume.in_hand) - set(link.manifest.committed), key=_order)
        for key, shot in _walk(link, source, lost, pace):
            _send(link, scan, key, shot)
            on_progress(scan)
        while faults.takes and goes_on:
            before = scan.sent
            goes_on = _obey(link, source, scan, faults, PATIENCE_S) and scan.sent > before
            link.drain(CLOSE_S)
        last_sent_at = time.monotonic()
        for number in sorted(faults.skipped - set(opened.resume.skipped)):
            link.skip_field(number, "stage")
    _close(link, facts, scan, faults)
    scan.last_field_to_verdict_s = time.monotonic() - last_sent_at
    on_progress(scan)


def _due(facts: SlideFacts, seen: ResumeList, faults: Faults) -> list[ImageKey]:
    """The images to send, in the order of the plan: planned, not seen, not to be left out."""
    left_out = faults.missing | faults.skipped | set(seen.skipped)
    if faults.manifest_is_wrong:
        left_out |= {facts.plan.fields[-1].field}
    captures: dict[int, int] = {}
    for withdrawn in seen.withdrawn:
        captures[withdrawn.field] = max(captures.get(withdrawn.field, 1), withdrawn.capture + 1)
    known = {*seen.committed, *seen.in_hand}
    keys = (
        ImageKey(field=planned.field, capture=captures.get(planned.field, 1), plane=plane)
        for planned in facts.plan.fields
        if planned.field not in left_out
        for plane in range(planned.planes)
    )
    return [key for key in keys if key not in known]


def _order(key: ImageKey) -> tuple[int, int, int]:
    return key.field, key.capture, key.plane


def _walk(
    link: ScannerLink, source: Source, keys: Sequence[ImageKey], pace: Pace
) -> Iterator[tuple[ImageKey, Shot]]:
    """Moves, settles, exposes; the stage moves on while the daemon works."""
    exposed_at, before = time.monotonic(), None
    for key, shot in made_ahead(source, keys):
        rest_s = pace.rest_s(is_same_field=key.field == before, exposure_us=shot.exposure_us)
        link.pump(max(0.0, exposed_at + rest_s - time.monotonic()))
        exposed_at, before = time.monotonic(), key.field
        yield key, shot


def _send(link: ScannerLink, scan: Scan, key: ImageKey, shot: Shot) -> None:
    link.send_field(
        key.field,
        shot.pixels,
        x_nm=shot.x_nm,
        y_nm=shot.y_nm,
        z_nm=shot.z_nm,
        width_px=shot.width_px,
        height_px=shot.height_px,
        format=shot.format,
        capture=key.capture,
        plane=key.plane,
        stride=shot.stride,
        exposure_us=shot.exposure_us,
    )
    scan.sent += 1
    scan.window_wait_s = link.counters.window_wait_s


def _obey(link: ScannerLink, source: Source, scan: Scan, faults: Faults, wait_s: float) -> bool:
    """Takes what the daemon asks for, in the scanner's manner; whether the scan goes on."""
    while (request := link.next_request(wait_s)) is not None:
        scan.requests[request.kind] += 1
        if faults.requests == "refuse":
            link.answer(request, "refused")
        elif faults.requests != "ignore":
            for key in _asked_for(link, source.facts, request):
                _send(link, scan, key, source.capture(key))
            link.answer(request, "done")
            if request.field is None:
                return False
    return True


def _asked_for(link: ScannerLink, facts: SlideFacts, request: m.Request) -> list[ImageKey]:
    """The images that do what is asked for; none where the scan is to be stopped."""
    number = request.field
    if number is None:
        return []
    capture = link.next_capture(number)
    if request.plane is not None:
        return [ImageKey(field=number, capture=max(1, capture - 1), plane=request.plane)]
    planes = next(f.planes for f in facts.plan.fields if f.field == number)
    return [ImageKey(field=number, capture=capture, plane=plane) for plane in range(planes)]


def made_ahead(source: Source, keys: Sequence[ImageKey]) -> Iterator[tuple[ImageKey, Shot]]:
    """Every image in its turn, a few of them made before: `AHEAD` at most are in memory."""
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="source") as workers:
        coming: deque[tuple[ImageKey, Future[Shot]]] = deque()
        try:
            for key in keys:
                coming.append((key, workers.submit(source.capture, key)))
                if len(coming) >= AHEAD:
                    first, shot = coming.popleft()
                    yield first, shot.result()
            for first, shot in coming:
                yield first, shot.result()
        finally:
            workers.shutdown(wait=False, cancel_futures=True)


def _close(link: ScannerLink, facts: SlideFacts, scan: Scan, faults: Faults) -> None:
    """Ends the slide; where the lists differ, there is nothing left to send: it is aborted."""
    link.drain(CLOSE_S)
    manifest = link.manifest
    if faults.manifest_is_wrong:
        manifest = _with_a_lie(manifest, facts)
    closed = link.close_slide(CLOSE_S, manifest=manifest)
    scan.state, scan.verdict = closed.answer.state, closed.answer.verdict
    if scan.state is SlideStatus.OPEN:
        scan.to_do = closed.to_do
        missing, unexpected = closed.differences.missing, closed.differences.unexpected
        scan.why = (
            f"manifest: {len(missing.committed)} images missing, "
            f"{len(unexpected.committed)} unexpected"
        )
        scan.verdict = link.abort_slide(scan.why).verdict
        scan.state = SlideStatus.ABORTED


def _with_a_lie(manifest: ManifestList, facts: SlideFacts) -> ManifestList:
    claimed = ImageKey(field=facts.plan.fields[-1].field, capture=1)
    return manifest.model_copy(update={"committed": [*manifest.committed, claimed]})
