"""Memory that pages gave back goes back to the system.

The C library of most Linux systems keeps it, apart for each thread that pages run in, and keeps the more the larger
what was given back: after minutes of visits half of what the server holds is nobody's.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

N_POOLS = 1  # that threads take memory from: Python has them take turns anyway
LARGE_BYTES = 256 << 10  # what has its own place, and leaves it at once
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # malloc.h


def set_up() -> bool:
    """For this process, as early as can be: a thread keeps the pool that it has. Whether the C library knows how."""
    if not sys.platform.startswith("linux"):  # others have functions of that name that mean something else
        return False
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        return bool(mallopt(_M_ARENA_MAX, N_POOLS)) and bool(mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES))
    return False
