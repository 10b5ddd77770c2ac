"""What training may take of the machine that serves the app."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from rhythmvae.errors import UsageError


@dataclass(frozen=True)
class Limits:
    """What training may take of the machine that serves the app.

    Args:
        running: runs at a time, at least 1.
        queued: runs that may wait, at least 0.
        minutes: what a visitor may ask one run to train for. `Jobs` ends a run only after `backstop_minutes`.
        max_windows: windows of data a run may have; for whoever prepares the data, as are the next two.
        max_megabytes: size of what is uploaded, unpacked.
        max_files: files in it.
        memory_megabytes: memory of one run, at least 1. Training the default model takes 450.
        pause_minutes: how long one run may be paused, all its pauses together.
        absent_minutes: how long a run goes on, or waits, while no page of its owner asks how it stands; pages do so
            while they are open. What it has learned by then is kept.
        absent_minutes_measuring: the same once its model is ready, which stays.
        keep_minutes: how long a run that has ended is kept for its owner.
        kept: how many such runs with a model are kept at once, at least 1; as many without one.

    Raises:
        UsageError: a number that is none of these.
    """

    running: int = 1
    queued: int = 4
    minutes: float = 10
    max_windows: int = 4000
    max_megabytes: float = 8
    max_files: int = 500
    memory_megabytes: int = 600
    pause_minutes: float = 10
    absent_minutes: float = 15
    absent_minutes_measuring: float = 3
    keep_minutes: float = 60
    kept: int = 8

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            is_whole = isinstance(field.default, int) and field.type == "int"
            may_be_0 = field.name in ("queued", "pause_minutes")
            is_number = isinstance(value, int if is_whole else int | float) and not isinstance(value, bool)
            if not (is_number and 0 <= value < 2**31 and (value or may_be_0)):
                raise UsageError(
                    f"Expected {'a whole number' if is_whole else 'a number'} {'from 0 up' if may_be_0 else 'above 0'} "
                    f"as the limit {field.name}, got {value!r}; its usual value is {field.default}."
                )

    @property
    def backstop_minutes(self) -> float:
        """After this time, pauses not counted, a run is ended whatever it does."""
        return self.minutes * 3 + 5

    @classmethod
    def load(cls, path: Path) -> Limits:
        """The limits in a TOML file; what it does not name is as usual.

        Raises:
            UsageError: it cannot be read, is no TOML, or has an unknown key or a bad value.
        """
        try:
            values = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise UsageError(f"Expected limits of training in {path.name}: {error.strerror}.") from error
        except ValueError as error:  # also of the decoder
            raise UsageError(f"Expected limits of training as TOML in {path.name}: {error}.") from error
        known = [field.name for field in fields(cls)]
        if unknown := sorted(set(values) - set(known)):
            raise UsageError(f"Unknown limit {unknown[0]!r} in {path.name}; there are {', '.join(known)}.")
        return cls(**values)
