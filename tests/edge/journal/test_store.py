import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.evidence.fold import fold
from edge.journal import rows, shelf
from edge.journal.durable import DamagedFile, StoreFault
from edge.journal.store import Kept, Owner, SlideStore
from edge.slide.record import Closing, Crop, End, Image, Opening, Record, Row
from edge.slide.request import Answered, Asked, RequestEnd, RequestKind, Requests
from tests.properties.slides import random_slide, seeded


def kept(slide_rows: list[Row]) -> list[Kept]:
    return [Kept(row, f"identity of {row.image}") for row in slide_rows if isinstance(row, Record)]


def others(slide_rows: list[Row]) -> list[Row]:
    return [row for row in slide_rows if not isinstance(row, Record)]


@pytest.fixture
def store(tmp_path: Path) -> SlideStore:
    return SlideStore(tmp_path / "slide.sqlite")


@pytest.mark.parametrize("seed", range(20))
def test_what_was_committed_is_read_back_and_gives_the_same_evidence(
    store: SlideStore, tmp_path: Path, seed: int
) -> None:
    slide = random_slide(seeded(seed))
    everything = list(slide.rows)
    random.Random(seed).shuffle(everything)  # noqa: S311
    for start in range(0, len(everything), 3):
        batch = everything[start : start + 3]
        store.commit(kept(batch), others(batch), "boot", 1)
    store.close()
    again = SlideStore(tmp_path / "slide.sqlite", read_only=True)
    read: list[Row] = [*(one.record for one in again.records()), *again.others()]
    assert fold(read) == fold(slide.rows)
    assert {one.identity for one in again.records()} == {one.identity for one in kept(everything)}
    again.close()


def test_i2_what_was_asked_and_answered_is_known_again_after_a_death(
    store: SlideStore, tmp_path: Path
) -> None:
    slide = random_slide(seeded(3))
    asked = [
        Asked(1, RequestKind.REFOCUS, 3, None, 1, "out_of_focus", 90),
        Asked(2, RequestKind.ADD_PLANE, 4, 1, 1, "out_of_focus", 40),
        Asked(3, RequestKind.STOP_EARLY, None, None, 0, "HSIL", 9),
    ]
    answered = [Answered(1, RequestEnd.LAPSED), Answered(3, RequestEnd.REFUSED)]
    everything: list[Row] = [*answered, slide.opening, *asked]
    store.belong_to(Owner("d", "o", 250_000))
    store.commit([], everything, "boot", 1)
    store.commit([], everything, "boot", 2)
    store.close()
    again = SlideStore(tmp_path / "slide.sqlite")
    assert fold(again.others()).requests == Requests(tuple(asked), tuple(answered))
    book = shelf.book(again, ())
    assert book is not None
    told = {name: (each.said, each.has_ended) for name, each in book.requests.items()}
    assert told == {"r1": ("lapsed", True), "r2": ("", False), "r3": ("refused", True)}
    again.close()


def test_a_records_pictures_are_read_only_when_asked_for(store: SlideStore) -> None:
    slide = random_slide(seeded(3))
    record = next(row for row in slide.records if len(row.findings))
    crop = Crop(0, b"\xff\xd8 a picture", b"numbers")
    full = Record(**{**_fields(record), "crops": (crop,), "thumbnail": b"small"})
    store.commit([Kept(full, "i")], [], "boot", 1)
    assert store.record(full.image).record.crops == (crop,)
    assert store.record(full.image).record.thumbnail == b"small"
    bare = next(store.records()).record
    assert bare.crops == (Crop(0, b"", b"numbers"),)
    assert bare.thumbnail == b""
    assert np.array_equal(bare.findings, full.findings)


def test_a_curve_has_one_point_a_step_and_is_there_when_the_file_is_opened_again(
    store: SlideStore, tmp_path: Path
) -> None:
    for step, body in ((0, b"a"), (7, b"b"), (200, b"c"), (7, b"d")):
        store.mark(step, body)
    store.close()
    again = SlideStore(tmp_path / "slide.sqlite", read_only=True)
    assert again.curve() == [b"a", b"d", b"c"]
    again.close()


def test_the_same_record_twice_is_a_fault_and_a_repeated_row_is_none(store: SlideStore) -> None:
    slide = random_slide(seeded(5))
    first = kept(list(slide.rows))[:1]
    store.commit(first, others(list(slide.rows)), "boot", 1)
    store.commit([], others(list(slide.rows)), "boot", 2)
    with pytest.raises(StoreFault):
        store.commit(first, [], "boot", 3)


def test_a_failed_commit_leaves_nothing_of_its_transaction(store: SlideStore) -> None:
    slide = random_slide(seeded(8))
    records = kept(list(slide.rows))
    store.commit(records[:1], [], "boot", 1)
    with pytest.raises(StoreFault):
        store.commit([*records[1:], records[0]], others(list(slide.rows)), "boot", 2)
    assert [one.record.image for one in store.records()] == [records[0].record.image]
    assert store.others() == []


def test_every_connection_is_durable(store: SlideStore) -> None:
    assert store._sql.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._sql.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_same_verdict_is_one_revision_and_another_the_next(store: SlideStore) -> None:
    assert store.issue(b"one", 10).revision == 1
    assert store.issue(b"one", 20).issued_at_us == 10
    assert store.issue(b"two", 30).revision == 2
    last = store.last_verdict()
    assert last is not None
    assert last.body == b"two"


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "slide.sqlite"
    path.write_bytes(b"no database" * 1_000)
    with pytest.raises(DamagedFile, match=r"slide\.sqlite"):
        SlideStore(path)


def test_a_row_has_one_form_in_bytes() -> None:
    for seed in range(10):
        for row in others(list(random_slide(seeded(seed)).rows)):
            kind, body = rows.row_bytes(row)
            assert rows.row(kind, body) == row
            assert rows.row_bytes(rows.row(kind, body)) == (kind, body)


def test_a_book_is_what_the_file_holds(tmp_path: Path) -> None:
    slide = random_slide(seeded(13))
    path = shelf.path(tmp_path, "S-1")
    path.parent.mkdir(parents=True)
    store = SlideStore(path)
    store.belong_to(Owner("driver", "opening", 250_000))
    store.commit(kept(list(slide.rows)), others(list(slide.rows)), "boot", 1)
    book = shelf.book(store, ("cut_cells",))
    assert book is not None
    assert set(book.images) == {record.image for record in slide.records}
    assert (book.driver, book.opening, book.optics.pm_per_px) == ("driver", "opening", 250_000)
    assert list(shelf.slides(tmp_path)) == ["S-1"]
    assert shelf.ended_book(store) is None
    store.commit([], [Closing(End.CLOSED, "", "digest")], "boot", 2)
    store.issue(b'{"outcome":"review"}', 3)
    ended = shelf.ended_book(store)
    assert ended is not None
    assert ended.verdict == {"outcome": "review"}
    store.close()


def _fields(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in Record.__dataclass_fields__}


def test_an_image_is_known_only_once_it_is_kept(store: SlideStore) -> None:
    slide = random_slide(seeded(5))
    record = slide.records[0]
    assert not store.has(record.image)
    store.commit([Kept(record, "i")], [], "boot", 1)
    assert store.has(record.image)
    assert not store.has(Image(99, 1, 0))
    assert isinstance(slide.opening, Opening)


def test_a_damaged_page_is_found_though_the_file_opens(store: SlideStore, tmp_path: Path) -> None:
    slide = random_slide(seeded(5))
    store.commit(kept(list(slide.rows)), others(list(slide.rows)), "boot", 1)
    store.check_pages()
    store.close()
    path = tmp_path / "slide.sqlite"
    content = bytearray(path.read_bytes())
    for page in range(2, len(content) // 4_096):
        content[page * 4_096 : page * 4_096 + 64] = b"\xff" * 64
    path.write_bytes(content)
    again = SlideStore(path)
    with pytest.raises(DamagedFile):
        again.check_pages()
    again.abandon()
