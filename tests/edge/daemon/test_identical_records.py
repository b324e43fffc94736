"""I1: a capture gives the same record whatever came before it, and whatever it was judged with.

`python -m tests.edge.daemon.test_identical_records THREADS` prints the digests of a fresh process.
"""

import hashlib
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from drivers.scanner.lists import ImageKey
from drivers.sources.simulated.specimen import preset
from edge.daemon.engine import Engine, start
from edge.journal.rows import findings_bytes, record_head
from edge.pipeline import Looked, look
from edge.settings import Settings
from edge.slide.record import Opening
from edge.validation.replay import capture_of, rows
from engines.card import SHIPPED, ModelCard, load
from engines.detector import Candidates
from engines.golden import golden_field, halved
from engines.openvino_engine import OpenVinoEngine
from tests.edge.daemon.rig import slide

FIELDS = 4


def settings(threads: int = 1) -> Settings:
    return Settings(state_dir=Path.cwd(), engine="openvino", engine_threads=threads)


def shown() -> list[Looked]:
    """A few captures with cells of every grade, looked at."""
    source = slide(fields=FIELDS, contents=preset("hsil", FIELDS).contents)
    opening = next(rows(source, engine(), settings()))
    assert isinstance(opening, Opening)
    looked = []
    for planned in source.facts.plan.fields:
        key = ImageKey(field=planned.field, capture=1)
        seen = look(capture_of(source.facts, key, source.capture(key)), opening.plan)
        assert isinstance(seen, Looked)
        looked.append(seen)
    return looked


@cache
def engine(threads: int = 1) -> Engine:
    return start(settings(threads))


def digests(looked: list[Looked], judge: Engine) -> dict[str, str]:
    """Of each image's record, all that is kept of it."""
    said = {}
    for one in looked:
        record = judge.judge(one, (), "")
        kept = record_head(record), findings_bytes(record.findings), record.crops, record.thumbnail
        assert len(record.findings) > 5
        said[str(record.image)] = hashlib.sha256(repr(kept).encode()).hexdigest()
    return said


@pytest.fixture(scope="module")
def looked() -> list[Looked]:
    return shown()


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return load(SHIPPED)


def test_i1_in_any_order_and_again(looked: list[Looked]) -> None:
    first = digests(looked, engine())
    assert digests(looked[::-1], engine()) == first
    assert digests([looked[i] for i in (2, 0, 2, 3, 1, 2)], engine()) == first


@pytest.mark.parametrize("threads", [1, 2])
def test_i1_after_a_restart_and_with_other_threads_the_same_or_another_identity(
    looked: list[Looked], threads: int
) -> None:
    command = [sys.executable, "-m", "tests.edge.daemon.test_identical_records", str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    assert said["digests"] == digests(looked, engine(threads))
    identities = {engine(n).health.identity for n in (1, threads)}
    assert len(identities) == len({1, threads})


@pytest.mark.parametrize("mates", range(1, 9))
def test_i1_a_crop_is_graded_alike_with_any_mates_at_any_place_of_the_batch(
    card: ModelCard, mates: int
) -> None:
    detector = OpenVinoEngine(card)
    tile, cut = halved(golden_field(card), card)
    found: Candidates = detector.locate(tile)
    crops, told = cut(found.centres_px), found.located
    alone = detector.grade(crops[:1], told[:1])
    chance = np.random.default_rng(mates)
    for _ in range(4):
        others = chance.choice(np.arange(1, len(crops)), mates, replace=False)
        place = int(chance.integers(mates + 1))
        batch = np.insert(others, place, 0)
        grades = detector.grade(crops[batch], told[batch])
        assert np.array_equal(grades.class_scores[place], alone.class_scores[0])
        assert np.array_equal(grades.embeddings[place], alone.embeddings[0])


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"digests": digests(shown(), engine(int(sys.argv[1])))}))
