"""What tests have workers do. A worker finds it by its name."""

from __future__ import annotations

import mmap
import os
import signal
from collections.abc import Callable
from typing import Any

import numpy as np


def told(model: Any, on_progress: Callable[[int, int], None]) -> np.ndarray[Any, Any]:
    on_progress(1, 2)
    return np.arange(3)


def refuses(model: Any, sentence: str) -> None:
    from rhythmvae.errors import UsageError

    raise UsageError(sentence)


def who(model: Any) -> int:
    return os.getpid()


def dies(model: Any, marks: list[str]) -> str:
    """A mark is a file: whoever finds one dies of it."""
    for mark in marks:
        if os.path.exists(mark):
            os.unlink(mark)
            os.kill(os.getpid(), signal.SIGKILL)
    return "alive"


def sleeps(model: Any, mark: str) -> None:
    import time

    open(mark, "w").close()
    time.sleep(600)


_held: list[bytes] = []
_mapped: list[mmap.mmap] = []


def grows(model: Any, megabytes: int) -> int:
    _held.append(bytes(range(256)) * (megabytes * 4096))
    return os.getpid()


def maps(model: Any, path: str) -> int:
    """Comes to every page of a file, as a first groove does to torch's."""
    with open(path, "rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    _mapped.append(mapped)
    assert not any(mapped[:: mmap.PAGESIZE])
    return os.getpid()
