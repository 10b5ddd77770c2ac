"""A training run as the database keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RunRecord:
    """What is needed to take a training run up again; the columns of the table `runs`.

    Args:
        id: of the run, also the name of its folder; at most 32 characters.
        owner: SHA-256 of the owner's text, in hexadecimal. The text itself is not kept.
        home: the folder of the server that has the run; the run's own folder lies in it.
        place: 0 for a run that is under way or has ended, else its place in the line.
        name, about: as it was submitted; `about` is what JSON can hold.
        work: how much it has to do, the fields of `Work`.
        arguments: of its command; None while its files are being taken in.
        parts: options of each process that has not ended, the one under way among them.
        state: a value of `State`.
        is_ready: its model can be used.
        is_model_enough: its owner wants no figures.
        seconds, paused_seconds: that its processes have worked, and stood still.
        restarts: of the server, while the run was under way.
        saved_at, ended_at: seconds since 1970; `ended_at` is None for a run that has not ended.
        error, warning: what its owner is told.
    """

    id: str
    owner: str
    home: str
    place: int
    name: str
    about: Mapping[str, Any]
    work: Mapping[str, Any]
    arguments: list[str] | None
    parts: list[list[str]]
    state: str
    is_ready: bool
    is_model_enough: bool
    seconds: float
    paused_seconds: float
    restarts: int
    saved_at: float
    ended_at: float | None
    error: str | None
    warning: str | None
