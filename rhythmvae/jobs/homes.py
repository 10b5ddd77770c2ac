"""Where servers have the folders of their runs: each server a home of its own, locked as long as the server lives."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from filelock import FileLock, Timeout

FOLDER_VARIABLE = "RHYTHMVAE_RUNS"  # in the environment; replicas on several machines share that folder
_PREFIX = "rhythmvae-jobs-"


def runs_folder() -> Path:
    """Where homes are made and looked for."""
    return Path(os.environ.get(FOLDER_VARIABLE, "").strip() or tempfile.gettempdir()).resolve()


def shared_home() -> Path:
    """The one home of the runs of a site, whose machines all reach it by this path.

    Raises:
        OSError: it cannot be made, or is another user's.
    """
    home = runs_folder() / "rhythmvae-site"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if home.is_symlink() or home.stat().st_uid != os.getuid():
        raise PermissionError(f"{home} is another user's")
    return home


class Homes:
    """The homes that this server has: its own, and those that it took over from servers that were killed.

    The processes that a server starts do not get its locks.
    """

    def __init__(self) -> None:
        self._locks: dict[Path, FileLock] = {}

    def all(self) -> list[Path]:
        return list(self._locks)

    def take_over(self) -> list[Path]:
        """Take the homes of servers that live no more, and return them. No two servers take the same.

        Those that this server already has are not among them: a second lock of its own does not get through either.
        """
        taken = []
        for file in runs_folder().glob(f"{_PREFIX}*/lock"):
            lock = FileLock(file, timeout=0, thread_local=False)
            with contextlib.suppress(OSError, Timeout):  # Timeout: its server lives
                lock.acquire()
                self._locks[file.parent] = lock
                taken.append(file.parent)
        return taken

    def new(self) -> Path:
        """A new one, which nobody else may look into."""
        home = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=runs_folder())).resolve()
        lock = FileLock(home / "new", timeout=0, thread_local=False)
        lock.acquire()
        (home / "new").rename(home / "lock")  # under that name it has been locked from the first
        self._locks[home] = lock
        return home

    def remove(self, home: Path) -> None:
        """Remove a home with all that is in it, while it is still locked."""
        shutil.rmtree(home, ignore_errors=True)
        self.release(home)

    def release(self, home: Path) -> None:
        """Leave a home to the next server."""
        lock = self._locks.pop(home, None)
        if lock is not None:
            with contextlib.suppress(OSError):
                lock.release(force=True)
