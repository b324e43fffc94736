"""`make test-slow PART=closed_loop`: lost ground comes back, and nothing else changes.

Slides of 1,080 fields as rows, through the real evidence and the real choice; then one slide of
rendered fields through a real daemon, a real link and the simulated scanner. Writes
`docs/closed-loop.md`.
"""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest.mock import patch

import pytest

from edge.requests import choose
from edge.requests.choose import MAX_OPEN, TRIES
from edge.slide.request import Asked, RequestKind
from edge.verdict.verdict import Outcome, to_json
from tests.edge.daemon.rig import Rig
from tests.edge.daemon.test_requests import lost, requests_of, scanned, without_notes
from tests.edge.requests.loop import Case, Loop, Told

SLIDES = 20
FIELDS = 1_080
BUDGET = FIELDS // 10
COMES_BACK = 0.85
RENDERED, SPOILT = 100, frozenset(range(4, 100, 10))
PAGE = Path(__file__).parents[3] / "docs" / "closed-loop.md"
LOOPS = {
    "obeys": "obey",
    "obeys, and what fails is worse than before": "worse",
    "obeys, each field asked for once": "obey",
    "refuses": "refuse",
    "ignores": "ignore",
}
ONCE = "obeys, each field asked for once"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(45 * 60)]


@dataclass
class Sums:
    """Over all slides of one manner."""

    back: list[float] = field(default_factory=list)
    lost: int = 0
    left: int = 0
    requests: int = 0
    fields: list[int] = field(default_factory=list)
    images: int = 0
    most_open: int = 0
    complete: int = 0

    def add(self, alone: Told, told: Told) -> None:
        asked_for = {row.field for row in told.asked if row.field is not None}
        self.back.append(1 - told.lost / alone.lost)
        self.lost, self.left = self.lost + alone.lost, self.left + told.lost
        self.requests += len(told.asked)
        self.fields.append(len(asked_for))
        self.images += told.images
        self.most_open = max(self.most_open, told.most_open)
        self.complete += told.verdict.outcome is not Outcome.INCOMPLETE

    @property
    def line(self) -> str:
        back, worst = 100 * (1 - self.left / self.lost), 100 * min(self.back)
        slides = len(self.back)
        return (
            f"{back:.1f} % | {worst:.1f} % | {self.requests / slides:.1f} | {max(self.fields)} | "
            f"{100 * self.images / slides / FIELDS:.1f} % | {self.most_open} | "
            f"{self.complete} of {slides}"
        )


def test_closed_loop_brings_back_what_was_lost_and_changes_nothing_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sums = {name: Sums() for name in LOOPS}
    with capsys.disabled():
        for seed in range(SLIDES):
            alone = Loop(Case(seed, takes=())).run()
            assert alone.verdict.outcome is Outcome.INCOMPLETE
            for name, manner in LOOPS.items():
                with patch.object(choose, "TRIES", 1 if name == ONCE else TRIES):
                    told = Loop(Case(seed, manner=manner)).run()
                sums[name].add(alone, told)
                check(told)
                if manner in ("refuse", "ignore"):
                    assert told.asked
                    same = replace(told.verdict, notes=alone.verdict.notes)
                    assert to_json(same) == to_json(alone.verdict)
            sys.stdout.write(f"slide {seed}: {sums['obeys'].line}\n")
        rendered = list(through_the_daemon())
    lines = [f"| {name} | {each.line} |" for name, each in sums.items()]
    PAGE.write_text(
        WRITTEN.format(
            slides=SLIDES,
            fields=FIELDS,
            tries=TRIES,
            n=RENDERED,
            head=" | ".join(HEAD),
            rows="\n".join(lines),
            rendered="\n".join(rendered),
        )
    )
    for name in ("obeys", "obeys, and what fails is worse than before"):
        assert 1 - sums[name].left / sums[name].lost >= COMES_BACK
        assert min(sums[name].back) >= COMES_BACK


def check(told: Told) -> None:
    """No storm, no budget overrun, no field asked for twice without a new image between."""
    assert told.most_open <= MAX_OPEN
    images: dict[int | None, list[int]] = {}
    for row in told.asked:
        images.setdefault(row.field, []).append(row.images)
    assert len(images) <= BUDGET
    assert all(many == sorted(set(many)) and len(many) <= TRIES for many in images.values())
    assert not any(isinstance(row, Asked) for row in told.rows[-1:])
    assert RequestKind.STOP_EARLY not in {row.kind for row in told.asked}


def through_the_daemon() -> Iterator[str]:
    """The same manners over the wire; lines of a table."""
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        rig = Rig(Path(name)).start()
        alone = scanned(rig, "none", RENDERED, SPOILT)
        for manner in ("obey", "worse", "ignore"):
            scan = scanned(rig, manner, RENDERED, SPOILT)
            asked, answered = requests_of(rig, f"s-{manner}")
            assert scan.requests.total() == len(asked)
            assert len({row.field for row in asked}) <= RENDERED // 10
            if manner == "ignore":
                assert without_notes(scan) == without_notes(alone)
            back = 100 * (1 - lost(scan) / lost(alone))
            extra = scan.sent - RENDERED
            yield f"| {manner} | {back:.1f} % | {len(asked)} | {len(answered)} | {extra} |"
        assert rig.end() == 0


HEAD = (
    "The scanner",
    "Lost ground that came back",
    "Worst slide",
    "Requests a slide",
    "Most fields asked for",
    "Images more",
    "Most unanswered",
    "Not `incomplete`",
)
WRITTEN = """# The closed loop: what asking the scanner again brings

Written by `make test-slow PART=closed_loop`. What is asked for, and why so:
[decision 0011](decisions/0011-what-the-scanner-is-asked-for.md).

## As rows

{slides} slides of {fields} fields each, of which one in ten is blurred: two in three of these
whole, the others in part. When a field is asked for again, its new image is sharp with probability
0.7; else it is blurred as before, or, where that is said, whole. Pictures are made up; evidence,
verdict and the choice of requests are the daemon's. The budget is 10 % of the fields, each asked
for at most {tries} times.

| {head} |
|---|---|---|---|---|---|---|---|
{rows}

The budget counts fields, not tries. Where each field is asked for once, no more can come back than
the 0.7 with which one image succeeds: the third line.

The verdict of a scanner that refuses or ignores is that of one that is never asked, byte for byte,
but for its notes.

## Through the daemon

One simulated slide of {n} fields (512 x 512 px), every tenth out of focus, over the wire. Ground
that lies out of focus for other reasons, which no new focus brings back, is counted too.

| The scanner | Lost ground that came back | Requests | Answered | Images more |
|---|---|---|---|---|
{rendered}
"""
