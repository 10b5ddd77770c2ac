"""The process of a run: how it is started, signalled and measured."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from rhythmvae.resources import ROOT

COMMAND = (sys.executable, "-m", "rhythmvae")
NICE = 13  # after the pages and their workers (10): one that is busy beside it has twice its share of a core

# Runs before the command, in the same process, and sets what `Popen` can set only by running Python between
# fork and exec, which threads make unsafe. PR_SET_PDEATHSIG = 1 has Linux kill the run with the server.
LAUNCH = f"""
import os, signal, sys
signal.pthread_sigmask(signal.SIG_SETMASK, [])
os.nice({NICE})
try:
    import ctypes
    ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))
except (ImportError, OSError, AttributeError):
    pass
if os.getppid() == int(sys.argv[1]):
    os.execvp(sys.argv[2], sys.argv[2:])
"""
END_SECONDS = 5.0
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONUNBUFFERED": "1",
}


def start(command: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    """A new process of a low priority, in a process group of its own, with pipes for what it writes.

    Args:
        folder: for its temporary files and caches.

    Raises:
        OSError: there is no memory or no descriptor for it.
        ValueError: an argument that no command line can have.
    """
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", LAUNCH, str(os.getpid()), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        # Its caches hold parts of the owner's files, so they lie in the folder that is removed with these files.
        env=os.environ | _ENVIRONMENT | {"XDG_CACHE_HOME": str(folder), "TMPDIR": str(folder)},
        # A group of its own: Ctrl-C in the server's terminal is not meant for it. In the same session:
        # the kernel ends stopped groups whose last parent there is gone, and nice counts within a session.
        process_group=0,
    )


def send_signal(process: subprocess.Popen[bytes], number: int) -> None:
    """Send a signal to a process and to those it started; nothing happens where none of them is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: the latter for a zombie
        os.killpg(process.pid, number)


def own_megabytes(pid: int) -> float:
    """Resident memory that a process and all others of its group hold for themselves, no file's; 0 where it cannot be
    told. What a fork has in common with the process that it was forked from counts as its own."""
    return sum(_own_megabytes(each) for each in {pid, *_group(pid)})


def _group(pid: int) -> list[int]:
    """The processes of the group that one leads."""
    found = []
    for each in psutil.pids():
        with contextlib.suppress(OSError):  # it has ended, or is another user's where that is kept secret
            if os.getpgid(each) == pid:
                found.append(each)
    return found


def _own_megabytes(pid: int) -> float:
    try:
        process = psutil.Process(pid)
        memory = process.memory_info()
        if hasattr(memory, "shared"):  # Linux: a figure that costs one small read, for it is asked for all the time
            return float(max(0, memory.rss - memory.shared)) / 2**20
        return float(process.memory_full_info().uss) / 2**20
    except psutil.Error:
        return 0.0


def end_all_in(home: Path) -> None:
    """End the processes that have their temporary files in or below a folder: of a dead server, and what they started.

    Linux has ended them with their server. They are waited for, so that nobody writes to the folder any more.
    """
    left = []
    for found in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            temporary = Path(found.environ().get("TMPDIR", ""))
            if home == temporary or home in temporary.parents:
                found.kill()
                left.append(found)
    deadline = time.monotonic() + END_SECONDS
    while any(_is_alive(found) for found in left) and time.monotonic() < deadline:
        time.sleep(0.01)


def _is_alive(found: psutil.Process) -> bool:
    """A zombie, which only waits to be reaped, is dead."""
    with contextlib.suppress(psutil.Error):
        return bool(found.is_running() and found.status() != psutil.STATUS_ZOMBIE)
    return False
