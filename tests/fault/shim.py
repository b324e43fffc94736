"""`shim.c`, built and set between a process and its files; and what it noted."""

import errno
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).with_name("shim.c")
ERRORS = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC, "EROFS": errno.EROFS}


class Op(NamedTuple):
    """One operation, in the order in which they happened."""

    op: str
    path: str
    at: int
    """Offset of a write; new length of a truncate; 1 where an opening cut the file to nothing."""
    result: int
    data: bytes


def build(folder: Path) -> Path:
    """The shim as a library; skips where there is no compiler for it."""
    if shutil.which("gcc") is None:
        pytest.skip("no gcc to build tests/fault/shim.c with")
    library = folder / "shim.so"
    flags = ["-shared", "-fPIC", "-O1", "-ldl", "-lpthread"]
    command = ["gcc", str(SOURCE), "-o", str(library), *flags]
    subprocess.run(command, check=True)
    return library


def environment(
    library: Path, root: Path, log: Path, *, with_data: bool = False, fault: str = ""
) -> dict[str, str]:
    """What a process under the shim is started with."""
    found = {"LD_PRELOAD": str(library), "SHIM_ROOT": str(root), "SHIM_LOG": str(log)}
    if with_data:
        found["SHIM_DATA"] = "1"
    if fault:
        found["SHIM_FAULT"] = fault
    return found


def read(log: Path) -> list[Op]:
    """What was noted."""
    found: list[Op] = []
    with log.open("rb") as file:
        while line := file.readline():
            op, path, at, result, length = line.decode().split()
            found.append(Op(op, path, int(at), int(result), file.read(int(length))))
    return found
