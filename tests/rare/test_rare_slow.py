"""`make test-slow PART=rare`: what becomes of slides with few planted cells.

Writes its figures into `docs/rare-positives.md`. The bank of scored fields and what became of each
slide are kept in `build/rare`, by the card's identity: after a break the same command goes on.
Sizes may be made smaller to try it: `RARE_NEGATIVE`, `RARE_PLANTED`, `RARE_SLIDES`, `RARE_FIELDS`,
`RARE_STREAMED`; then the page is written beside the outcomes and not into `docs`.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from edge.evidence.fold import fold
from edge.evidence.summary import Summary
from edge.settings import Settings
from edge.slide.record import Closing, End, Record
from edge.validation.proportion import SCALE, Proportion
from edge.validation.replay import rows
from edge.verdict.decide import decide
from edge.verdict.verdict import to_json
from tests.properties.page import table
from tests.rare import bank
from tests.rare.bank import BankField, Before, Scored, composed, facts, opened, proved

CELLS = (0, 1, 2, 5, 10, 50)
SIZES = {"negative": 1_500, "planted": 300, "slides": 400, "fields": 1_072, "streamed": 10}
STREAMED_FIELDS, STREAMED_FROM = 150, 180
"""Their pictures are of few slides of the bank: a slide takes seconds to be drawn."""
AT_ONCE = 20
"""Slides between two times that outcomes are kept."""
CLOSED = Closing(End.CLOSED, "", "")
REPOSITORY = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(10 * 60 * 60)]


@dataclass(frozen=True, slots=True)
class Run:
    """How large this one is, and where it keeps what is done."""

    negative: int
    planted: int
    slides: int
    fields: int
    streamed: int
    work: Path

    @property
    def is_whole(self) -> bool:
        return all(getattr(self, name) == size for name, size in SIZES.items())

    @property
    def cells(self) -> list[int]:
        """How many are planted: as many as the bank has, at most."""
        return [cells for cells in CELLS if cells <= self.planted]

    @property
    def fields_of_bank(self) -> list[BankField]:
        return [
            *(BankField(False, number) for number in range(self.negative)),
            *(BankField(True, number) for number in range(self.planted)),
        ]


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one slide."""

    cells: int
    clear: int
    words: str


@pytest.fixture(scope="module")
def run() -> Run:
    card = proved().card
    assert card is not None
    sizes = {
        name: int(os.environ.get(f"RARE_{name.upper()}", size)) for name, size in SIZES.items()
    }
    work = REPOSITORY / "build" / "rare" / card.identity.rpartition(" ")[2]
    work.mkdir(parents=True, exist_ok=True)
    done = Run(**sizes, work=work)
    pool = ProcessPoolExecutor(int(os.environ.get("RARE_PROCESSES", "2")), get_context("spawn"))
    try:
        for _ in pool.map(partial(bank.score, folder=work), done.fields_of_bank, chunksize=20):
            pass
    finally:
        pool.shutdown(cancel_futures=True)
    return done


@cache
def _field(one: BankField, work: Path) -> Scored:
    return bank.scored(one, work)


def _drawn(run: Run, seed: int, fields: int, cells: int, negative: int) -> list[BankField]:
    """So many fields, none of them twice; in `cells` of them a cell is planted.

    The others are drawn from the first `negative` ones of the bank.
    """
    chance = np.random.default_rng((seed, cells))
    chosen = [
        *(BankField(True, n) for n in chance.choice(run.planted, cells, replace=False).tolist()),
        *(
            BankField(False, n)
            for n in chance.choice(negative, fields - cells, replace=False).tolist()
        ),
    ]
    return [chosen[i] for i in chance.permutation(fields).tolist()]


def test_rare_composed_slides_are_what_the_stages_make_of_their_pictures(run: Run) -> None:
    for seed in range(run.streamed):
        fields = min(STREAMED_FIELDS, run.fields)
        few = min(run.negative, STREAMED_FROM)
        chosen = _drawn(run, 1_000 + seed, fields, min(seed, run.planted), few)
        of = facts(fields, f"mosaic-{seed}")
        streamed = list(rows(bank.Mosaic(of, chosen), proved(), Settings(state_dir=run.work)))
        before = opened(of, run.work)
        records = composed(before[0], [_field(one, run.work) for one in chosen])
        seen = [row for row in streamed if isinstance(row, Record)]
        for row, record in zip(seen, records, strict=True):
            assert np.array_equal(row.findings, record.findings)
        assert _told(fold(streamed)) == _told(fold([*before, *records, CLOSED]))
        sys.stdout.write(f"{of.slide}: as composed\n")


def _told(summary: Summary) -> tuple[Summary, bytes]:
    return summary, to_json(decide(summary))


def test_rare_slides_with_a_clear_cell_are_never_nilm(run: Run) -> None:
    before = opened(facts(run.fields, "composed"), run.work)
    told = [each for cells in run.cells for each in _outcomes(run, cells, before)]
    clear = sum(_field(BankField(True, n), run.work).is_clear for n in range(run.planted))
    page = REPOSITORY / "docs" / "rare-positives.md" if run.is_whole else run.work / "page.md"
    page.write_text(_page(run, told, clear))
    negative = [each for each in told if not each.cells]
    silent = [each for each in told if each.clear and each.words == "NILM"]
    assert silent == []
    assert 4 * sum(each.words == "NILM" for each in negative) >= 3 * len(negative)


def _outcomes(run: Run, cells: int, before: Before) -> list[Told]:
    kept = run.work / f"outcomes-{run.negative}-{run.planted}-{run.fields}-{cells}.json"
    done: list[Told] = []
    if kept.exists():
        done = [Told(**each) for each in json.loads(kept.read_text())][: run.slides]
    while len(done) < run.slides:
        for seed in range(len(done), min(len(done) + AT_ONCE, run.slides)):
            chosen = [
                _field(one, run.work) for one in _drawn(run, seed, run.fields, cells, run.negative)
            ]
            found = decide(fold([*before, *composed(before[0], chosen), CLOSED]))
            clear = sum(one.is_clear for one in chosen)
            done.append(Told(cells, clear, found.category or found.outcome.value))
        new = kept.with_suffix(".new")
        new.write_text(json.dumps([asdict(each) for each in done]))
        new.replace(kept)
    return done


def _page(run: Run, told: Sequence[Told], clear: int) -> str:
    card = proved().card
    assert card is not None
    words = sorted({each.words for each in told})
    low, high = _limits(clear, run.planted)
    return f"""# Few abnormal cells on a slide

Written by `make test-slow PART=rare`, which takes hours the first time. Model:
{card.identity}. A bank of {run.negative:,} rendered negative fields, of slides of 60, and of
{run.planted} fields with one planted HSIL cell each, on slides of their own, was scored by the
daemon's stages; a record depends on its capture only. Slides of {run.fields:,} fields are put
together from the bank by chance, none twice on a slide, on a plan without overlap: no cell is
shown twice. {run.streamed} of {min(STREAMED_FIELDS, run.fields)} fields were also taken through the
stages whole, and gave the same findings, summary and verdict bit for bit. **All is rendered**: this
shows what the rules make of few cells, not how well the model sees them in patients.

Of the planted cells {clear} of {run.planted} ({clear / run.planted:.0%}; {low:.0%} to {high:.0%})
are clear: shown alone, they are called high grade. Limits are exact 95 % ones.

{
        table(
            (
                "Planted cells",
                "slides",
                *words,
                "NILM, 95 % limits",
                "with a clear cell",
                "of these NILM",
            ),
            (
                _row(cells, [each for each in told if each.cells == cells], words)
                for cells in run.cells
            ),
        )
    }
"""


def _limits(part: int, whole: int) -> tuple[float, float]:
    """Exact 95 % limits of a share."""
    found = Proportion.of(part, whole)
    return found.low / SCALE, found.high / SCALE


def _row(cells: int, all_told: Sequence[Told], words: Sequence[str]) -> list[object]:
    told = [each for each in all_told if each.cells == cells]
    count = Counter(each.words for each in told)
    low, high = _limits(count["NILM"], len(told))
    with_clear = [each for each in told if each.clear]
    return [
        cells,
        len(told),
        *(count[word] for word in words),
        f"{low:.1%} to {high:.1%}",
        len(with_clear),
        sum(each.words == "NILM" for each in with_clear),
    ]
