"""Whether there is memory for workers, and for a training that begins later.

Without them the pages hold 140 MB more.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil

NEEDED_MB = 600  # the process that forks and two workers take 220, a training that begins later 350
CGROUP = Path("/sys/fs/cgroup")  # of a container, which may have less than its machine
_MB = 1 << 20


def is_there() -> bool:
    """Whether workers may be started."""
    return free_mb() >= NEEDED_MB


def free_mb(cgroup: Path = CGROUP) -> float:
    """Memory that this process and its children could still have, in MB of 2^20 bytes."""
    free = float(psutil.virtual_memory().available)
    with suppress(OSError, ValueError):  # no limit, or no such system
        limit, used = (int((cgroup / name).read_text()) for name in ("memory.max", "memory.current"))
        free = min(free, limit - used)
    return free / _MB
