"""`cytoedge verify` on real files: all equal, or which slide, what of it, and what to do."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from edge.cli import app
from edge.commands.own_daemon import place
from edge.evidence.fold import fold
from edge.journal import shelf, verifying
from edge.journal.central import Central
from edge.journal.store import Kept, SlideStore
from edge.slide.canonical import canonical
from edge.slide.record import Closing, End, Incident, Record, Row
from edge.verdict.decide import decide
from edge.verdict.verdict import to_json
from tests.properties.slides import random_slide, seeded

SLIDES = ("a", "b", "c")


def keep(
    state: Path,
    slide: str,
    rows: list[Row],
    *,
    is_linked: bool = True,
    body: bytes | None = None,
) -> None:
    """A slide as the writer leaves it: rows, its verdict, then the chain."""
    path = shelf.path(state, slide)
    path.parent.mkdir(parents=True)
    store = SlideStore(path)
    records = [Kept(row, "") for row in rows if isinstance(row, Record)]
    store.commit(records, [row for row in rows if not isinstance(row, Record)], "boot", 1)
    if any(isinstance(row, Closing) for row in rows):
        issued = store.issue(body or to_json(decide(fold(rows))), 2)
        if is_linked:
            central = Central(state)
            central.enter(slide, issued.revision, issued.body, issued.issued_at_us, store.seal())
            central.close()
    store.close()


def rows_of(slide: str, end: End | None = End.CLOSED) -> list[Row]:
    """Of a slide on which something counts."""
    closing = [Closing(end, "", "digest")] if end else []
    for seed in range(ord(slide), ord(slide) + 100):
        made = random_slide(seeded(seed), slide).without(Closing, Incident)
        rows = [*made.rows, *closing]
        if sum(fold(rows).reached) > 9:
            return rows
    raise AssertionError("no slide has findings that count")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three slides that have ended, and one that is open."""
    folder = tmp_path_factory.mktemp("sound")
    for slide in SLIDES:
        keep(folder / "state", slide, rows_of(slide))
    keep(folder / "state", "open", rows_of("d", None))
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "copy"))


def verify(folder: Path, *arguments: str) -> Result:
    file = str(place(folder).file)
    return CliRunner().invoke(app(), ["verify", *arguments, "--settings", file])


def wrong(folder: Path) -> dict[str, dict[str, Any]]:
    """What verify says is not well, by name."""
    done = verify(folder, "--json")
    assert done.exit_code == 1, done.output
    said = json.loads(done.stdout)
    assert said["is_well"] is False
    return {each["name"]: each for each in said["checks"] if not each["is_well"]}


@contextmanager
def changing(folder: Path, slide: str | None) -> Iterator[sqlite3.Connection]:
    """A slide's file, or the central one, by another hand."""
    state = folder / "state"
    path = state / "cytoedge.sqlite" if slide is None else shelf.path(state, slide)
    with closing(sqlite3.connect(path)) as sql, sql:
        yield sql


def test_sound_slides_are_equal_and_nothing_is_written(folder: Path) -> None:
    files = list((folder / "state").rglob("*.sqlite"))
    before = {path: path.read_bytes() for path in files}
    done = verify(folder)
    assert done.exit_code == 0, done.output
    assert "NO" not in done.stdout
    assert "open: " in done.stdout
    assert "chain: 3 verdicts, none missing" in done.stdout
    assert {path: path.read_bytes() for path in files} == before
    assert verify(folder, "b").exit_code == 0


def _a_findings_severity(sql: sqlite3.Connection) -> None:
    """A negative finding is made a high-grade one, or the other way round."""
    found = sql.execute("SELECT rowid, head, findings FROM records").fetchall()
    for row, head, findings in found:
        packed = np.frombuffer(findings, "<i4").reshape(json.loads(head)["findings_shape"]).copy()
        packed[:, 7] = np.where(packed[:, 7] > 0, 0, 0b10110)  # up to HSIL
        sql.execute("UPDATE records SET findings = ? WHERE rowid = ?", (packed.tobytes(), row))


def _a_record(sql: sqlite3.Connection) -> None:
    sql.execute("DELETE FROM records WHERE rowid = 1")


def _a_rows_number(sql: sqlite3.Connection) -> None:
    (body,) = sql.execute("SELECT body FROM rows WHERE kind = 'opening'").fetchone()
    said = json.loads(body)
    said["basis"]["negative_slides"] += 1
    sql.execute("UPDATE rows SET body = ? WHERE kind = 'opening'", (json.dumps(said).encode(),))


def _the_end(sql: sqlite3.Connection) -> None:
    sql.execute("DELETE FROM rows WHERE kind = 'closing'")


def _a_word(sql: sqlite3.Connection) -> None:
    (body,) = sql.execute("SELECT body FROM verdicts").fetchone()
    changed = body.replace(b'"use":"research', b'"use":"clinical')
    assert changed != body
    sql.execute("UPDATE verdicts SET body = ?", (changed,))


@pytest.mark.parametrize(
    "change", [_a_findings_severity, _a_record, _a_rows_number, _the_end, _a_word]
)
def test_i8_a_changed_row_or_verdict_is_named_with_its_slide(
    folder: Path, change: Callable[[sqlite3.Connection], None]
) -> None:
    with changing(folder, "b") as sql:
        change(sql)
    found = wrong(folder)
    assert "its rows give another verdict than was issued" in found["b"]["text"]
    assert found["b"]["remedy"].startswith("Keep the file, and put")
    assert set(found) - {"chain"} == {"b"}
    assert verify(folder, "a").exit_code == (1 if change is _a_word else 0)
    assert ("chain" in found) == (change is _a_word)


def test_a_verdict_of_other_software_is_said_to_be_that(folder: Path) -> None:
    said = json.loads(to_json(decide(fold(rows_of("e")))))
    said["identities"]["software"] = "cytoedge 9.9"
    keep(folder / "state", "old", rows_of("e"), body=canonical(said))
    found = wrong(folder)
    assert set(found) == {"old"}
    assert found["old"]["remedy"].startswith("Verify it with cytoedge 9.9, which issued it")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE chain SET what = '0' WHERE seq = 2", "entry 2 (verdict) was changed"),
        ("DELETE FROM chain WHERE seq = 1", "entry 1 is missing: entry 2 (verdict) stands in"),
        ("UPDATE chain SET who = 'x' WHERE seq = 3", "entry 3 (verdict) was changed"),
        ("DELETE FROM chain WHERE seq = 4", "entry 4 is missing: the chain was cut, it had 4"),
        ("DELETE FROM chain", "entry 1 is missing: the chain was cut, it had 4"),
    ],
)
def test_i8_a_chain_that_was_changed_or_cut_is_named(
    folder: Path, statement: str, words: str
) -> None:
    with changing(folder, None) as sql:
        sql.execute(statement)
    found = wrong(folder)
    assert set(found) == {"chain"}
    assert words in found["chain"]["text"]
    assert found["chain"]["remedy"]


def test_a_slide_that_was_taken_away_is_missed(folder: Path) -> None:
    shutil.rmtree(folder / "state" / "slides" / "b")
    text = wrong(folder)["chain"]["text"]
    assert text == "entry 3 names a verdict that slide b does not hold"


def test_a_whole_slide_that_was_exchanged_is_noticed_by_the_chain(folder: Path) -> None:
    shutil.rmtree(folder / "state" / "slides" / "b")
    keep(folder / "state", "b", rows_of("z"), is_linked=False)
    found = wrong(folder)
    assert set(found) == {"chain"}
    assert "entry 3 names a verdict that slide b does not hold" in found["chain"]["text"]


def test_a_slide_that_died_before_its_verdict_or_its_link_waits_for_the_daemon(
    folder: Path,
) -> None:
    keep(folder / "state", "unlinked", rows_of("e"), is_linked=False)
    keep(folder / "state", "ended", rows_of("f"), is_linked=False)
    with changing(folder, "ended") as sql:
        sql.execute("DELETE FROM verdicts")
        sql.execute("DELETE FROM sums WHERE what = 'verdict 1'")
    found = wrong(folder)
    assert "verdict 1 of slide unlinked is not in it" in found["chain"]["text"]
    assert found["ended"]["text"] == "it has ended, and no verdict was issued"
    assert found["ended"]["remedy"].startswith("Start the daemon once")


@pytest.mark.parametrize("body", [b"{}", b"[]", b"\xff", b'{"image":7}'])
def test_a_row_that_cannot_be_read_is_damage_and_never_a_traceback(
    folder: Path, body: bytes
) -> None:
    with changing(folder, "a") as sql:
        sql.execute("UPDATE records SET head = ? WHERE rowid = 1", (body,))
    with changing(folder, "b") as sql:
        sql.execute("UPDATE rows SET body = ? WHERE kind = 'opening'", (body,))
    with changing(folder, "c") as sql:
        sql.execute("UPDATE verdicts SET body = ?", (body,))
    found = wrong(folder)
    assert found["a"]["text"].startswith("record f")
    assert found["b"]["text"].startswith("opening")
    assert found["c"]["text"].startswith("verdict 1 was changed")


def test_a_file_of_rubbish_is_damage(folder: Path) -> None:
    shelf.path(folder / "state", "a").write_bytes(b"rubbish" * 1_000)
    found = wrong(folder)
    assert set(found) == {"a", "chain"}
    assert found["a"]["text"].startswith("its file is damaged: DamagedFile")
    assert found["chain"]["text"].startswith("the file of slide a is damaged")
    (folder / "state" / "cytoedge.sqlite").write_bytes(b"rubbish" * 1_000)
    assert wrong(folder)["chain"]["text"].startswith("its file is damaged")


def test_i1_rows_one_by_one_must_give_what_they_give_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "streamed", lambda *_: b"{}")
    found = wrong(folder)
    assert set(found) == {*SLIDES, "open"}
    assert found["a"]["text"] == "its rows give one verdict at once and another one by one"


def test_i1_rows_are_looked_at_one_by_one(sound: Path) -> None:
    store = shelf.read(sound / "state", "a")
    assert store is not None
    opening, records = store.opening(), [kept.record for kept in store.records()]
    assert opening is not None
    made = verifying.streamed(opening, records, store.others())
    issued = store.last_verdict()
    store.close()
    assert issued is not None
    assert made == issued.body
    assert verifying.streamed(opening, records[1:], [opening]) != made


def test_what_is_not_there_is_wrong_use(folder: Path, tmp_path: Path) -> None:
    done = verify(folder, "nobody")
    assert done.exit_code == 2
    assert "slide=nobody: no such slide is here" in done.stderr
    (tmp_path / "empty").mkdir()
    done = verify(tmp_path / "empty")
    assert done.exit_code == 2
    assert "state: there is no such folder" in done.stderr
