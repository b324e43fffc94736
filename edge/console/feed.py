"""What the daemon does now, kept for all browsers alike: however many look, it is asked once."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from drivers.problem import Refusal
from drivers.scanner.messages import Event
from edge.console.link import DaemonLink
from edge.console.view import SlideView, view_of

log = logging.getLogger(__name__)

LOOK_S: Final = 2.0
"""How often the status is asked for: alerts fall without an event, and daemons die without one."""
SETTLE_S: Final = 0.05
"""Changes are gathered for so long before they go to browsers."""
RATE_S: Final = 60.0
"""What remains is judged by the pace of the last minute."""
KEPT: Final = 12
"""Slides that have ended are held so long as there are no more than this."""


@dataclass(slots=True)
class _Held:
    view: SlideView
    pace: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=240))
    """When how many images were committed."""


class Feed:
    """All that live pages show. One event loop owns it."""

    def __init__(self, link: DaemonLink) -> None:
        self._link = link
        self._held: dict[str, _Held] = {}
        self._boot, self._seq = "", -1
        self.status: dict[str, Any] = {}
        self.is_connected = False
        self.version = 0
        """Rises with every change of anything."""
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Follow the daemon for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._link.hear())
            tasks.create_task(self._look())
            tasks.create_task(self._follow())

    async def changes(self, timeout_s: float) -> bool:
        """Wait for a change; False where none came in time."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), timeout_s)
            await asyncio.sleep(SETTLE_S)
            return True
        return False

    async def ticks(self, heartbeat_s: float) -> AsyncIterator[None]:
        """One a change, at most one each `SETTLE_S`; and a beat where nothing happens."""
        while True:
            yield
            await self.changes(heartbeat_s)

    def views(self) -> Iterator[SlideView]:
        """Slides that are open, or ended while the console looked; the newest last."""
        for held in self._held.values():
            yield held.view

    def view(self, slide: str) -> SlideView | None:
        """One of them."""
        held = self._held.get(slide)
        return None if held is None else held.view

    def remaining_s(self, slide: str) -> int | None:
        """How long the scan takes yet at the pace of the last minute; None where nobody knows."""
        held = self._held.get(slide)
        if held is None or held.view.has_ended or len(held.pace) < 2:
            return None
        (began_s, first), (now_s, last) = held.pace[0], held.pace[-1]
        progress = held.view.progress
        left: int = progress["planned"] - progress["committed"] - progress["skipped"]
        if last <= first or now_s <= began_s:
            return None
        return max(0, round(left * (now_s - began_s) / (last - first)))

    async def open(self, slide: str) -> SlideView:
        """A slide's view, asked for where it is not held.

        Raises:
            Refusal: There is no such slide, or no daemon.
        """
        held = self._held.get(slide)
        return held.view if held is not None else await self._load(slide)

    async def _load(self, slide: str) -> SlideView:
        facts = await self._link.ask("slide", slide)
        records = (await self._link.ask("records", slide))["records"]
        verdict = (await self._link.ask("verdict", slide))["verdict"]
        view = view_of(facts, records, verdict)
        before = self._held.get(slide)
        if before is not None:  # readers' places in the log stay good, and they see all anew
            view.version = before.view.version + 1
            view.log = before.view.log + list(view.fields)
        self._held[slide] = _Held(view)
        ended = [name for name, held in self._held.items() if held.view.has_ended]
        for name in ended[:-KEPT]:
            del self._held[name]
        self._tell()
        return view

    async def _look(self) -> None:
        while True:
            try:
                status = await self._link.ask("status")
            except Refusal:
                status = None
            await self._take_status(status)
            await asyncio.sleep(LOOK_S)

    async def _take_status(self, status: dict[str, Any] | None) -> None:
        was = (self.is_connected, self.status.get("alerts"), self.status.get("ready"))
        self.is_connected = status is not None
        self.status = status or self.status
        if status is not None and status["boot"] != self._boot:
            self._boot, self._seq = status["boot"], -1
            await self._load_all()
        for progress in [] if status is None else status["open_slides"]:
            if progress["slide"] not in self._held:
                await self._try(progress["slide"])
            self._pace(progress["slide"], progress)
        if was != (self.is_connected, self.status.get("alerts"), self.status.get("ready")):
            self._tell()

    async def _load_all(self) -> None:
        open_ = [progress["slide"] for progress in self.status["open_slides"]]
        for slide in {*open_, *self._held}:
            await self._try(slide)

    async def _try(self, slide: str) -> None:
        try:
            await self._load(slide)
        except Refusal as refusal:
            log.warning("slide %s cannot be shown: %s", slide, refusal)

    async def _follow(self) -> None:
        async for event in self._link.events():
            has_gap = self._seq >= 0 and event.seq != self._seq + 1
            if event.boot == self._boot:
                self._seq = event.seq
            if has_gap and event.boot == self._boot:
                log.info("events were lost before %d: asking anew", event.seq)
                await self._load_all()
            await self._take(event)

    async def _take(self, event: Event) -> None:
        slide, kind = event.slide, str(event.kind)
        if slide is None:
            alerts = self.status.setdefault("alerts", [])
            if event.body["id"] not in {alert["id"] for alert in alerts}:
                alerts.append(event.body)
        elif kind != "revision":
            if slide not in self._held:
                await self._try(slide)
            held = self._held.get(slide)
            if held is None:
                return
            held.view.take(kind, event.body)
            if kind == "progress":
                self._pace(slide, event.body)
        self._tell()

    def _pace(self, slide: str, progress: dict[str, Any]) -> None:
        held = self._held.get(slide)
        if held is None:
            return
        now_s = time.monotonic()
        if not held.view.progress:
            held.view.take("progress", progress)
        held.pace.append((now_s, progress["committed"]))
        while now_s - held.pace[0][0] > RATE_S:
            held.pace.popleft()

    def _tell(self) -> None:
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()
