"""What is kept: the run of every owner, and the folders with their files."""

from __future__ import annotations

from pathlib import Path

from rhythmvae.jobs.homes import Homes
from rhythmvae.jobs.limits import Limits
from rhythmvae.jobs.run import Run, State


class Records:
    """The run of every owner, until it is forgotten or expires, and the folders that exist.

    Args:
        home: where runs have their files; None for a temporary folder.
        is_one_of_many: other servers live beside this one and take up the runs of those that die, as this one does
            later, so that it begins with none.
    """

    def __init__(self, limits: Limits, home: Path | None, is_one_of_many: bool = False) -> None:
        self._limits = limits
        self.is_temporary = home is None
        self.homes = Homes()
        self.taken_over = (
            self.homes.take_over() if home is None and not is_one_of_many else []
        )  # of servers that live no more
        self.home = self.homes.new() if home is None else home.resolve()
        self.runs: dict[str, Run] = {}  # by the key of the owner
        self.replaced: dict[str, Run] = {}  # the last runs of owners whose next one is being prepared
        self.folders: set[Path] = set()  # that exist
        self._trash: list[Path] = []  # of them, to be removed

    def discard_files(self, run: Run) -> None:
        """Have a run's folder removed, now or when nobody uses it any more."""
        run.is_unwanted = True
        if not run.is_in_use and run.folder in self.folders:
            self._trash.append(run.folder)

    def take_trash(self) -> list[Path]:
        """Folders to be removed, which the caller does."""
        trash, self._trash = self._trash, []
        return trash

    def leave_homes(self) -> None:
        """Leave homes that were taken over to the next server, as they are."""
        for home in self.taken_over:
            self.homes.release(home)
        self.taken_over = []

    def take_empty_homes(self) -> list[Path]:
        """Homes that were taken over and have no folder any more, to be removed by the caller."""
        used = {folder.parent for folder in self.folders}
        empty = [home for home in self.taken_over if home not in used]
        self.taken_over = [home for home in self.taken_over if home in used]
        return empty

    def expire(self, now: float) -> None:
        """Drop runs that ended too long ago, and the oldest where there are too many."""
        ended = sorted((run.ended_at, owner) for owner, run in self.runs.items() if run.is_over)
        n_kept = {True: 0, False: 0}
        for _, owner in reversed(ended):
            run = self.runs[owner]
            has_model = run.state is State.DONE
            n_kept[has_model] += 1
            if run.is_expired(now, self._limits) or n_kept[has_model] > self._limits.kept:
                del self.runs[owner]
                self.discard_files(run)

    def seconds_to_expiry(self, now: float) -> float | None:
        """Until the next run is dropped for its age; None where none has ended."""
        ends = [run.ended_at for run in self.runs.values() if run.is_over]
        return min(ends) + self._limits.keep_minutes * 60 - now if ends else None
