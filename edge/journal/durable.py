"""Files that are on the disk when we say so, and SQLite files whose form has a number.

Durability: WAL and `synchronous=FULL`, asserted at every open. A write or fsync that fails is final
(`StoreFault`): nothing is retried and trusted. After a failed fsync Linux calls the lost pages
clean, so that the next fsync succeeds without writing them. A process that starts anew reads them
from the page cache and would believe them; hence `_rewrite_log`.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

BUSY_S = 5
"""A writer waits so long for another process's transaction, which takes milliseconds."""
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class StoreFault(Exception):
    """The disk failed: nothing more is committed, nothing is retried and trusted."""


class DamagedFile(StoreFault):
    """This file cannot be read, however often one tries: it is set aside, others go on."""


def fault_of(path: Path, error: Exception) -> StoreFault:
    """What an error of SQLite, of the system, or of a decoder says about a file."""
    if isinstance(error, StoreFault):
        return error
    code = getattr(error, "sqlite_errorcode", None)
    is_of_system = isinstance(error, OSError) or (isinstance(error, sqlite3.Error) and code)
    is_damaged = (code or 0) & 0xFF in _DAMAGE or not is_of_system
    return (DamagedFile if is_damaged else StoreFault)(f"{path}: {error}")


def open_durable(path: Path, steps: Sequence[str], *, read_only: bool) -> sqlite3.Connection:
    """A connection whose commits are on the disk when they return, to a file of the newest form.

    Args:
        path: The file.
        steps: How a file comes from form n to form n + 1, from an empty one on. `user_version` in
            the file counts those that are done.
        read_only: Whether to leave it as it is.

    Raises:
        StoreFault: The file cannot be opened, cannot promise that, or is of a newer software.
    """
    where = f"file:{quote(str(path))}" + ("?mode=ro" if read_only else "")
    try:
        sql = sqlite3.connect(where, uri=True, timeout=BUSY_S, check_same_thread=False)
        try:
            sql.execute("PRAGMA synchronous=FULL")
            if not read_only:
                _assert_durable(sql)
                _rewrite_log(sql, path)
            _bring_up(sql, path, steps, read_only=read_only)
        except BaseException:
            sql.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise fault_of(path, error) from error
    return sql


@contextmanager
def transaction(sql: sqlite3.Connection, path: Path) -> Iterator[None]:
    """All or nothing, and on the disk at the end; other writers wait from its beginning.

    Raises:
        StoreFault: What was written may be there or not: trust neither.
    """
    try:
        with sql:
            sql.execute("BEGIN IMMEDIATE")
            yield
    except sqlite3.Error as error:
        raise fault_of(path, error) from error


def copy(sql: sqlite3.Connection, path: Path) -> None:
    """Write a file's copy that holds together, also while it is written to by others.

    Raises:
        StoreFault: It could not be read or written.
    """
    try:
        with closing(sqlite3.connect(path)) as into:
            sql.backup(into)
            into.execute("PRAGMA journal_mode=DELETE")
        sync_file(path)
    except (sqlite3.Error, OSError) as error:
        raise fault_of(path, error) from error


def sync_file(path: Path) -> None:
    """Make a file's content durable.

    Raises:
        OSError: The disk failed.
    """
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def write_all(file: int, content: bytes, at: int | None = None) -> None:
    """Write all of it: the system may take less than it is given.

    Args:
        file: A descriptor.
        content: What to write.
        at: Where; by default where the file stands.
    """
    done = 0
    while done < len(content):
        rest = content[done:]
        done += os.write(file, rest) if at is None else os.pwrite(file, rest, at + done)


def write_file(path: Path, content: bytes, mode: int = 0o640) -> None:
    """Put a whole file in the place of an older one: after a power cut one of both is there.

    Raises:
        StoreFault: The disk failed.
    """
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        try:
            write_all(file, content)
            os.fsync(file)
        finally:
            os.close(file)
        beside.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        raise fault_of(path, error) from error


def make_folder(path: Path) -> None:
    """Make a folder, with those above it, that is there after a power cut.

    Raises:
        OSError: The disk failed.
    """
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(exist_ok=True)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable.

    Raises:
        OSError: The disk failed.
    """
    sync_file(path)


def _assert_durable(sql: sqlite3.Connection) -> None:
    (mode,) = sql.execute("PRAGMA journal_mode=WAL").fetchone()
    (level,) = sql.execute("PRAGMA synchronous").fetchone()
    if (mode, level) != ("wal", 2):
        raise sqlite3.OperationalError(f"not durable: journal {mode}, synchronous {level}")


def _rewrite_log(sql: sqlite3.Connection, path: Path) -> None:
    """Write the write-ahead log over itself, so that what it holds is truly on the disk.

    Before anything of it is believed, and while no other process can write. Readers may go on.
    """
    log = path.with_name(path.name + "-wal")
    sql.execute("BEGIN IMMEDIATE")
    try:
        if log.exists() and log.stat().st_size:
            with log.open("r+b", buffering=0) as file:
                write_all(file.fileno(), log.read_bytes(), 0)
                os.fsync(file.fileno())
    finally:
        sql.execute("ROLLBACK")


def _bring_up(
    sql: sqlite3.Connection, path: Path, steps: Sequence[str], *, read_only: bool
) -> None:
    (done,) = sql.execute("PRAGMA user_version").fetchone()
    if done > len(steps):
        raise StoreFault(f"{path}: of form {done}; this software knows {len(steps)}. Install newer")
    if done == len(steps):
        return
    if read_only:
        raise StoreFault(f"{path}: of form {done}, older than {len(steps)}. Start the daemon once")
    for number, step in enumerate(steps[done:], done + 1):
        sql.executescript(f"BEGIN IMMEDIATE; {step} PRAGMA user_version = {number}; COMMIT;")
