"""What reading an input takes: processor time, memory at its peak above the process before, and what is raised."""

from __future__ import annotations

import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

from rhythmvae.errors import RhythmVAEError

MAX_SECONDS, MAX_MB = 2.0, 300.0  # that an input may take
GIVE_UP_SECONDS = 20.0  # of processor time
_RESET = Path("/proc/self/clear_refs")  # Linux: "5" makes the peak what is held now


class TooLong(BaseException):
    """An input that takes more than GIVE_UP_SECONDS; no reader catches it."""


@dataclass
class Tally:
    """What a run of inputs took. Each worst case with the index of its input."""

    n: int = 0
    n_read: int = 0  # the others were refused
    seconds: float = 0.0
    slowest: tuple[float, int] = (0.0, -1)
    largest_mb: tuple[float, int] = (0.0, -1)
    over: list[tuple[int, float, float]] = field(default_factory=list)  # index, seconds, MB
    wrong: list[tuple[int, str]] = field(default_factory=list)  # index, what was raised

    def count(self, index: int, seconds: float, mb: float, problem: str | None) -> None:
        """Take in one input; `problem` is None where it was read, "" where it was refused as it should be."""
        self.n += 1
        self.n_read += problem is None
        self.seconds += seconds
        self.slowest = max(self.slowest, (round(seconds, 3), index))
        self.largest_mb = max(self.largest_mb, (round(mb, 1), index))
        if seconds > MAX_SECONDS or mb > MAX_MB:
            self.over.append((index, round(seconds, 3), round(mb, 1)))
        if problem:
            self.wrong.append((index, problem))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def take(read: Callable[[Any], object], data: Any) -> tuple[float, float, str | None]:
    """Read one input: seconds of processor time, MB above the process before, and the problem (see `Tally.count`)."""
    signal.signal(signal.SIGVTALRM, _give_up)
    before = _begin_peak()
    began = time.process_time()
    signal.setitimer(signal.ITIMER_VIRTUAL, GIVE_UP_SECONDS)
    try:
        problem = problem_of(read, data)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return time.process_time() - began, max(_peak() - before, 0) / 2**20, problem


def problem_of(read: Callable[[Any], object], data: Any) -> str | None:
    """What reading an input leads to (see `Tally.count`)."""
    try:
        read(data)
    except RhythmVAEError as error:
        return "" if str(error).isprintable() and len(str(error)) < 2_000 else f"a message not to show: {error!r:.200}"
    except (Exception, TooLong) as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {str(error)[:200]} ({Path(last.filename).name}, line {last.lineno})"
    return None


def _give_up(signum: int, frame: FrameType | None) -> None:
    raise TooLong(f"more than {GIVE_UP_SECONDS:g} s")


def _begin_peak() -> int:
    """Bytes held now; the peak is counted from here where the system can."""
    with suppress(OSError):
        _RESET.write_text("5")
    return int(psutil.Process().memory_info().rss)


def _peak() -> int:
    """The most bytes held: since `_begin_peak` on Linux, elsewhere since the process began."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most << 10
