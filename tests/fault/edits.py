"""Edits by another hand: of a state folder's rows, verdicts, identifiers and chain."""

import hashlib
import random
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

from edge.evidence.fold import fold
from edge.journal import shelf, verifying
from edge.journal.central import Central
from edge.journal.store import Kept, Owner, SlideStore
from edge.slide.record import Closing, End, Incident, Record, Row
from edge.verdict.decide import decide
from edge.verdict.verdict import to_json
from tests.properties.slides import random_slide, seeded

Columns: TypeAlias = tuple[Any, ...]
SLIDES = ("a", "b", "c")
OF_SLIDE = ("records", "crops", "rows", "verdicts", "curve", "owner", "sums")
OF_CENTRAL = ("chain", "identifiers")


def make(state: Path) -> None:
    """Three small slides that have ended, as the writer leaves them."""
    central = Central(state)
    for number, slide in enumerate(SLIDES):
        central.identify(slide, f"B-{number}", "somebody")
        path = shelf.path(state, slide)
        path.parent.mkdir(parents=True)
        store = SlideStore(path)
        made = random_slide(seeded(number + 5), slide).without(Closing, Incident)
        rows: list[Row] = [*made.rows, Closing(End.CLOSED, "", "digest")]
        store.belong_to(Owner("driver", "opening", 250_000))
        store.commit([Kept(r, "identity") for r in rows if isinstance(r, Record)], [], "boot", 1)
        store.commit([], [r for r in rows if not isinstance(r, Record)], "boot", 1)
        for step in range(3):
            store.mark(step, b"{}")
        issued = store.issue(to_json(decide(fold(rows))), 2)
        central.enter(slide, issued.revision, issued.body, issued.issued_at_us, store.seal())
        store.close()
    central.audit("stranger_refused", "driver", {"key": "unknown"})
    central.close()


def edit(state: Path, chance: random.Random) -> tuple[str, str, set[str]]:
    """Change something.

    Returns:
        The slide whose file it is in, or nothing for the central one; what was done; and the names
        of the entries that it touched, of which `verify` must say one.
    """
    while True:
        slide = chance.choice((*SLIDES, ""))
        table = chance.choice(OF_SLIDE if slide else OF_CENTRAL)
        path = shelf.path(state, slide) if slide else state / "cytoedge.sqlite"
        how = chance.choice(_HOWS)
        with closing(sqlite3.connect(path)) as sql:
            before: list[Columns] = sql.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
            after = list(before)
            if after:
                how(after, chance)
            touched = {*before} ^ {*after}
            if not touched and len(before) == len(after):
                continue
            try:
                with sql:
                    _replace(sql, table, after)
                    if slide and table != "sums" and chance.random() < 0.2:
                        _sum_again(path, sql)
                        return (
                            slide,
                            f"{table}: {how.__name__}, sums made again",
                            {f"slide {slide}"},
                        )
            except sqlite3.IntegrityError:
                continue
        names = {_name(table, row) for row in touched or after}
        if table == "chain":
            names = {f"entry {min(row[0] for row in touched)} "}
        return slide, f"{table}: {how.__name__}", names


def found(state: Path, slide: str) -> str:
    """What `verify` says of the slide and of the chain, one thing a line."""
    texts: list[str] = []
    if slide:
        store = shelf.read(state, slide)
        assert store is not None
        try:
            texts += [each.what for each in verifying.slide_differences(store)[1]]
        except shelf.UNREADABLE as error:
            texts.append(f"{type(error).__name__}: {error}")
        finally:
            store.close()
    try:
        texts += [each.what for each in verifying.chain_differences(state)[1]]
    except shelf.UNREADABLE as error:
        texts.append(f"{type(error).__name__}: {error}")
    return "\n".join(texts)


def _change(rows: list[Columns], chance: random.Random) -> None:
    """One column of one row gets another value."""
    at = chance.randrange(len(rows))
    row = list(rows[at])
    column = chance.randrange(len(row))
    row[column] = _another(row[column], chance)
    rows[at] = tuple(row)


def _take_out(rows: list[Columns], chance: random.Random) -> None:
    """A row is gone."""
    rows.pop(chance.randrange(len(rows)))


def _cut(rows: list[Columns], chance: random.Random) -> None:
    """The last rows are gone."""
    del rows[chance.randrange(len(rows)) :]


def _put_in(rows: list[Columns], chance: random.Random) -> None:
    """A row like another one, under another key."""
    row = list(rows[chance.randrange(len(rows))])
    key = chance.randrange(min(3, len(row)))
    row[key] = _another(row[key], chance)
    rows.append(tuple(row))


def _swap(rows: list[Columns], chance: random.Random) -> None:
    """Two rows exchange a column."""
    one, other = chance.randrange(len(rows)), chance.randrange(len(rows))
    first, second = list(rows[one]), list(rows[other])
    column = chance.randrange(len(first))
    first[column], second[column] = second[column], first[column]
    if one != other:
        rows[one], rows[other] = tuple(first), tuple(second)


_HOWS: Sequence[Callable[[list[Columns], random.Random], None]] = (
    _change, _change, _take_out, _cut, _put_in, _swap,
)  # fmt: skip


def _another(value: Any, chance: random.Random) -> Any:
    if isinstance(value, int):
        return value + chance.choice((-1, 1, 1_000))
    if not value:
        return type(value)() + (b"?" if isinstance(value, bytes) else "?")
    at = chance.randrange(len(value))
    if isinstance(value, bytes):
        return value[:at] + bytes([value[at] ^ (1 << chance.randrange(8))]) + value[at + 1 :]
    letters = "0123456789abcdef"
    return value[:at] + chance.choice(letters.replace(value[at], "")) + value[at + 1 :]


def _replace(sql: sqlite3.Connection, table: str, rows: list[Columns]) -> None:
    sql.execute(f"DELETE FROM {table}")  # noqa: S608
    if rows:
        marks = ",".join("?" * len(rows[0]))
        sql.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608


def _sum_again(path: Path, sql: sqlite3.Connection) -> None:
    """A hand that knows how the sums are made."""
    sql.commit()
    store = SlideStore(path)
    sums = dict(store.sums_now())
    store.close()
    _replace(sql, "sums", list(sums.items()))


def _name(table: str, row: Columns) -> str:
    match table:
        case "records" | "crops":
            return f"record f{row[0]}.c{row[1]}.p{row[2]} "
        case "rows":
            return f"{row[0]} {hashlib.sha256(row[1]).hexdigest()[:16]} "
        case "verdicts":
            return f"verdict {row[0]} "
        case "curve":
            return f"curve {row[0]} "
        case "owner":
            return "owner "
        case "sums":
            return f"{row[0]} "
    return f"slide {row[0]} "
