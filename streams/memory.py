"""How this process gives memory back, which the C library would rather keep.

A record's value is too large for Python's own allocator, and a block of rows has megabytes. glibc raises the
size from which it maps memory by itself with every such block that is freed, and then keeps them in heaps,
one for each few threads, which shrink only at their ends. Measured under full load, with fetches of 8 MB:
549 MB resident, and 341 MB with these settings.
"""

import ctypes
import platform
from typing import Final

_TRIM_THRESHOLD: Final = (-1, 4 * 1024 * 1024)
_MMAP_THRESHOLD: Final = (-3, 256 * 1024)
_ARENA_MAX: Final = (-8, 1)
"""Names of glibc's malloc.h, each with its value here: bytes, bytes, heaps."""


def give_back_memory() -> None:
    """Have freed memory returned to the system. Call it before threads start, for a heap once made stays."""
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    for name, value in (_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX):
        libc.mallopt(name, value)
