"""A backup: a state folder's journal in another folder, which `verify` reads like the first.

Copied through SQLite beside a running daemon: the slides after the central file, so that the chain
names nothing that the copy lacks. What it does not hold: the device's key, and anybody else's.
"""

import hashlib
import json
import shutil
import time
from pathlib import Path

from edge.journal import chain, shelf, signing
from edge.journal.central import FILE, HEAD, SOFTWARE, Central
from edge.journal.durable import StoreFault, fault_of, make_folder, sync_file, write_file
from edge.slide.canonical import canonical

MANIFEST = "backup.json"
BESIDE = ("models", "calibration")
"""Folders of the state folder that go with the journal, as they are."""
TRIES = 3


class NoBackup(Exception):
    """A folder holds no backup, or one that was changed."""


def back_up(state_dir: Path, to: Path) -> int:
    """Copy the journal into a new folder, which is there whole or not at all.

    Returns:
        How many slides it holds.

    Raises:
        FileExistsError: There is something already.
        StoreFault: It could not be read or written.
    """
    if to.exists():
        raise FileExistsError(to)
    making = to.with_name(to.name + ".part")
    for _ in range(TRIES):
        shutil.rmtree(making, ignore_errors=True)
        make_folder(making)
        try:
            slides = _copy(state_dir, making)
        except FileNotFoundError:
            continue  # a slide was deleted meanwhile
        files = {str(path.relative_to(making)): _sha256(path) for path in _files(making)}
        manifest = {"made_by": SOFTWARE, "made_at_us": time.time_ns() // 1000, "files": files}
        write_file(making / MANIFEST, canonical(manifest))
        for folder in (making, *filter(Path.is_dir, making.rglob("*"))):
            sync_file(folder)
        making.rename(to)
        sync_file(to.parent)
        return len(slides)
    raise StoreFault(f"{state_dir}: slides are deleted faster than they are copied. Try again")


def restore(backup: Path, state_dir: Path) -> int:
    """Put a backup in the place of an empty state folder. A new device signs with its own key.

    Returns:
        How many slides there are.

    Raises:
        NoBackup: The folder is none, or a file of it is not as it was written.
        FileExistsError: The state folder holds a journal.
        StoreFault: It could not be written.
    """
    files = _checked(backup)
    if (state_dir / FILE).exists() or (state_dir / "slides").exists():
        raise FileExistsError(state_dir)
    try:
        for name in sorted(files, key=lambda name: name == FILE):  # the central file last
            make_folder((state_dir / name).parent)
            shutil.copyfile(backup / name, state_dir / name)
            sync_file(state_dir / name)
            sync_file((state_dir / name).parent)
    except OSError as error:
        raise fault_of(state_dir, error) from error
    central = Central(state_dir)
    noted = central.head()
    central.audit(chain.RESTORED, SOFTWARE, {"head": str(noted)})
    central.close()
    return len(list(shelf.slides(state_dir)))


def _copy(state_dir: Path, to: Path) -> list[str]:
    slides = list(shelf.slides(state_dir))
    central = Central(state_dir, read_only=True)
    try:
        central.copy_to(to / FILE)
    finally:
        central.close()
    copied = Central(to, read_only=True)
    try:
        last = list(copied.entries())[-1]
    finally:
        copied.close()
    write_file(to / HEAD, f"{chain.Head(last.seq, last.hash)}\n".encode())
    for slide in slides:
        path = shelf.path(to, slide)
        make_folder(path.parent)
        store = shelf.read(state_dir, slide)
        if store is None:
            raise FileNotFoundError(slide)
        try:
            store.copy_to(path)
        finally:
            store.close()
    for name in BESIDE:
        if (state_dir / name).is_dir():
            shutil.copytree(state_dir / name, to / name)
    for path in _files(to):
        sync_file(path)
    return slides


def _checked(backup: Path) -> dict[str, str]:
    try:
        manifest = json.loads((backup / MANIFEST).read_bytes())
        files: dict[str, str] = manifest["files"]
        for name, digest in files.items():
            path = (backup / name).resolve()
            if not path.is_relative_to(backup.resolve()) or _sha256(path) != digest:
                raise NoBackup(f"{name} is not as it was written")
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise NoBackup(f"{backup / MANIFEST}: {error}") from error
    if FILE not in files or signing.FILE in files:
        raise NoBackup(f"it lacks {FILE}")
    return files


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
