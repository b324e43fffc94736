"""The process's memory: freed fields are kept for the next ones, and how much is in use is told."""

import ctypes

import numpy as np

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
"""Source: malloc.h of glibc."""


class _Mallinfo2(ctypes.Structure):
    """Source: mallinfo(3): ten sizes; bytes in use are `uordblks`, of mappings `hblkhd`."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks",
            "fordblks", "keepcost",
        )
    ]  # fmt: skip


def keep(window_bytes: int) -> None:
    """Let the allocator keep freed fields for the next ones, and take the window's memory now.

    It would give each back to the system, and fetching it again costs as much as reading the field.
    What is taken now cannot be missing in the middle of a slide.
    Source: mallopt(3); 1 GB is over all that the window allows.
    """
    library = ctypes.CDLL(None)
    for option in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD):
        library.mallopt(option, 1 << 30)
    library.mallopt(_M_ARENA_MAX, 1)
    np.ones(window_bytes, np.uint8)  # Written, because memory is only given when it is.


def in_use_bytes() -> int:
    """What the process holds of its heap: the resident size hides what was freed and kept."""
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = _Mallinfo2
    found = mallinfo2()
    return int(found.uordblks + found.hblkhd)
