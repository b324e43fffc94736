"""I1 to the end: the verdict's bytes, over evidence and over the journal, whatever happened."""

import json
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.evidence.fold import Evidence, fold
from edge.evidence.summary import Summary
from edge.journal.store import Kept, SlideStore
from edge.slide.record import Announcement, Record, Withdrawal
from edge.verdict.decide import decide
from edge.verdict.verdict import to_json
from tests.properties.slides import Slide, arrival, random_slide, seeded, slides


def verdict(summary: Summary) -> bytes:
    return to_json(decide(summary))


@settings(max_examples=80, deadline=None)
@given(slides, slides, st.integers(0, 2**32))
def test_i1_two_interleaved_slides_in_any_order_give_the_bytes_of_one_batch(
    one: Slide, other: Slide, seed: int
) -> None:
    chance = seeded(seed)
    both = (one, other)
    streamed = [Evidence(slide.opening) for slide in both]
    waiting = [arrival(chance, slide) for slide in both]
    while any(waiting):
        which = chance.choice([i for i in (0, 1) if waiting[i]])
        streamed[which].add(waiting[which].pop())
        if chance.random() < 0.1:
            verdict(streamed[which].summary())
    for slide, evidence in zip(both, streamed, strict=True):
        assert verdict(evidence.summary()) == verdict(fold(slide.rows))


@settings(max_examples=25, deadline=None)
@given(slides, st.integers(0, 2**32))
def test_i1_the_journal_gives_the_bytes_of_one_batch_however_often_it_was_opened(
    slide: Slide, seed: int
) -> None:
    chance = seeded(seed)
    rows = list(slide.rows)
    chance.shuffle(rows)
    with tempfile.TemporaryDirectory() as folder:
        store = SlideStore(Path(folder) / "slide.sqlite")
        while rows:
            batch = [rows.pop() for _ in range(min(len(rows), chance.randint(1, 4)))]
            records = [Kept(row, "") for row in batch if isinstance(row, Record)]
            store.commit(records, [r for r in batch if not isinstance(r, Record)], "boot", 1)
            if chance.random() < 0.3:
                store.close()
                store = SlideStore(Path(folder) / "slide.sqlite")
        kept = [*(one.record for one in store.records()), *store.others()]
        store.close()
    assert verdict(fold(kept)) == verdict(fold(slide.rows))


@settings(max_examples=60, deadline=None)
@given(slides)
def test_i5_no_outcome_depends_on_what_was_announced(slide: Slide) -> None:
    told = [json.loads(verdict(fold(each.rows))) for each in (slide, slide.without(Announcement))]
    for said in told:
        del said["announcement"]
        said["notes"] = [n for n in said["notes"] if n["code"] != "announcement_not_borne_out"]
    assert told[0] == told[1]


def test_i5_some_final_verdicts_bear_announcements_out_and_some_do_not() -> None:
    made = [each for slide in sample() for each in announced(slide)]
    assert {each["borne_out"] for each in made} == {None, True, False}
    assert len(made) >= 0.3 * len(sample())


def announced(slide: Slide) -> list[dict[str, object]]:
    said = json.loads(verdict(fold(slide.rows)))["announcement"]["announced"]
    assert len({each["category"] for each in said}) == len(said)
    return list(said)


@cache
def sample() -> list[Slide]:
    return [random_slide(seeded(seed)) for seed in range(150)]


def says(slide: Slide) -> dict[str, object]:
    """A verdict but for its notes, which tell of every withdrawal."""
    said: dict[str, object] = json.loads(verdict(fold(slide.rows)))
    del said["notes"]
    return said


def test_i1_in_three_of_ten_slides_a_withdrawal_changes_the_verdict() -> None:
    changed = [says(slide) != says(slide.without(Withdrawal)) for slide in sample()]
    assert sum(changed) / len(changed) >= 0.3


def test_i1_the_slides_give_many_different_verdicts() -> None:
    closed = [says(slide) for slide in sample()]
    assert {str(said["outcome"]) for said in closed} >= {"category", "incomplete"}
    assert len({json.dumps(said, sort_keys=True) for said in closed}) > 140


def test_i1_a_slides_name_changes_nothing() -> None:
    slide = sample()[0]
    renamed = replace(slide.opening, slide="another")
    assert verdict(fold([renamed, *slide.rows[1:]])) == verdict(fold(slide.rows))
