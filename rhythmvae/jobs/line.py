"""Who waits: runs without a model in the order they came, behind them those that wait for their figures."""

from __future__ import annotations

from collections.abc import Iterator

from rhythmvae.jobs.run import Run


class Line:
    """Runs that wait for a process."""

    def __init__(self) -> None:
        self._runs: list[Run] = []

    def __contains__(self, run: Run) -> bool:
        return run in self._runs

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[Run]:
        return iter(self._runs)

    @property
    def n_without_model(self) -> int:
        return sum(not run.is_ready for run in self._runs)

    @property
    def n_wanting(self) -> int:
        """How many are prepared and have no model."""
        return sum(not run.is_ready and run.arguments is not None for run in self._runs)

    def join(self, run: Run, was_put_off: bool = False) -> None:
        """Whoever has no model yet goes before those that wait for figures, of whom those come first that had begun."""
        is_last = run.is_ready and not was_put_off
        self._runs.insert(len(self) if is_last else self.n_without_model, run)

    def leave(self, run: Run) -> None:
        if run in self._runs:
            self._runs.remove(run)

    def clear(self) -> None:
        self._runs.clear()

    def place(self, run: Run) -> int | None:
        """1 for the next; None for a run that does not wait."""
        return self._runs.index(run) + 1 if run in self._runs else None

    def call(self, n: int) -> list[Run]:
        """The next n that are prepared, which leave the line."""
        called = [run for run in self._runs if run.arguments is not None][: max(0, n)]
        for run in called:
            self.leave(run)
        return called
