"""A slide replayed in this process gives what a running daemon gives; what is kept suffices."""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from drivers.problem import Refusal
from drivers.sources.simulated.render import SimulatedSlide
from edge.daemon.engine import start
from edge.daemon.live import bars_of
from edge.evidence.fold import Evidence
from edge.evidence.summary import Summary
from edge.settings import Settings
from edge.slide.finding import Column
from edge.slide.place import Rectangle
from edge.slide.record import Cell
from edge.validation.course import Course
from edge.validation.replay import Shown, replayed
from edge.validation.sample import Sample, Truth, counts, load, load_all, sample, save
from edge.validation.slides import seen_points
from edge.verdict.decide import decide
from edge.verdict.verdict import to_json
from engines.card import ModelCard
from tests.edge.daemon.rig import Rig, slide
from tests.engines import tiny_model


@dataclass(frozen=True)
class Replay:
    card: ModelCard
    source: SimulatedSlide
    evidence: Evidence
    shown: Shown
    course: Course
    steps: list[Summary]
    """After each row."""

    @property
    def sample(self) -> Sample:
        return sample(
            Truth("rendered", "negative", 3, "NILM", 7), self.evidence, self.course, self.card
        )


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        card = tiny_model.make(Path(name) / "model")
        settings = Settings(state_dir=Path(name), model=card.folder)
        source = slide(fields=6)
        told: list[None] = []
        course, steps = Course(), list[Summary]()

        def note(evidence: Evidence) -> None:
            course.note(evidence)
            steps.append(evidence.summary())

        evidence, shown = replayed(
            source, start(settings), settings, lambda: told.append(None), note
        )
        assert len(told) == 6
        yield Replay(card, source, evidence, shown, course, steps)


def test_it_is_the_verdict_of_a_running_daemon_bit_for_bit(replay: Replay) -> None:
    with tempfile.TemporaryDirectory(prefix="ce") as name:
        rig = Rig(Path(name), {"model": str(replay.card.folder)}).start()
        rig.scan(replay.source)
        theirs = rig.ask("verdict", replay.source.facts.slide)["verdict"]
        assert rig.end() == 0
    ours = decide(replay.evidence.summary())
    assert json.loads(to_json(ours)) == theirs
    assert theirs["counts"]["HSIL"] + theirs["counts"]["LSIL"] > 0
    assert theirs["rests_on"] == {"table": "rendered", "negative_slides": 0}


def test_what_is_kept_gives_the_same_verdict_again(replay: Replay, tmp_path: Path) -> None:
    path = tmp_path / "a" / "slide.npz"
    save(replay.sample, path)
    kept = load(path)
    assert kept.truth == replay.sample.truth
    assert kept.summary == replay.sample.summary
    assert np.array_equal(kept.scores, replay.sample.scores)
    whole = replay.evidence.summary()
    assert counts(kept.scores, whole.opening.basis) == whole.reached
    again = json.loads(to_json(kept.at(replay.card, replay.card.tables[0])))
    assert again == json.loads(to_json(decide(whole))) | {"gallery": []}


def test_what_is_kept_counts_again_what_the_evidence_counted_after_each_row(
    replay: Replay, tmp_path: Path
) -> None:
    save(replay.sample, tmp_path / "slide.npz")
    course, steps = load(tmp_path / "slide.npz").course, replay.steps
    bars = bars_of(steps[0].opening.basis)
    assert course.points == [step.area.usable for step in steps]
    for bar in bars:
        counted = [step.capped[bar.severity] for step in steps]
        assert course.found(bar).tolist() == counted
        assert course.found(bar, most=10**6)[-1] == steps[-1].reached[bar.severity]
        assert len(set(counted)) > 1
    assert len(bars) == 2


def test_another_table_gives_another_verdict_without_another_look(replay: Replay) -> None:
    kept, table = replay.sample, replay.card.tables[0]
    most = len(kept.scores) + 1
    strict = table.model_copy(
        update={
            "categories": tuple(
                each.model_copy(update={"category_from": most}) for each in table.categories
            ),
            "reference_area_um2": 400 * kept.summary.area.planned,
            "negative_slides": 20,
        }
    )
    assert kept.at(replay.card, table).outcome == "category"
    verdict = kept.at(replay.card, strict)
    assert (verdict.outcome, verdict.negative_slides) == ("review", 20)


def test_only_what_this_model_saw_is_taken_up(replay: Replay, tmp_path: Path) -> None:
    save(replay.sample, tmp_path / "slide.npz")
    card = replay.card
    assert [each.name for each in load_all(tmp_path, card)] == ["negative thinprep sim-3"]
    for part in ({"min_score": 1}, {"hashes": card.hashes.model_copy(update={"grader": "0"})}):
        assert load_all(tmp_path, card.model_copy(update=part)) == []
    assert load_all(tmp_path, card.model_copy(update={"tables": ()}))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY"])
def test_a_file_that_is_no_sample_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "slide.npz"
    path.write_bytes(content)
    with pytest.raises(Refusal) as refused:
        load(path)
    assert refused.value.problem.value == str(path)
    assert refused.value.problem.remedy == "Remove the file"


def test_cells_are_seen_where_an_image_is_usable_or_empty() -> None:
    um = 1_000
    cells = [int(Cell.USABLE)] * 64
    cells[0], cells[63] = int(Cell.OUT_OF_FOCUS), int(Cell.EMPTY)
    images = [(Rectangle(40 * um, 40 * um, 80 * um, 80 * um), tuple(cells))]
    points = np.array([(5, 5), (15, 5), (79, 79), (80, 5), (-1, 5), (5, 15)], np.int64) * um
    assert seen_points(points, images) == 3
    beside = (Rectangle(80 * um, 40 * um, 80 * um, 80 * um), (0,) * 64)
    assert seen_points(points, [*images, beside]) == 4
    assert seen_points(points[:0], images) == 0


def test_the_findings_that_count_are_those_that_the_verdict_counts(replay: Replay) -> None:
    summary, found = replay.evidence.summary(), replay.evidence.counted()
    assert len(found) == summary.sums.cells > 0
    assert int((found[:, Column.REACHED] == 0).sum()) == summary.reached[0]
