"""What workers do with a library, as `tasks` has it for a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rhythmvae.data.corpus import OnProgress
    from rhythmvae.groove import BoolArray, Groove
    from rhythmvae.library.answers import About, Answer, Query
    from rhythmvae.library.asking import Filters
    from rhythmvae.library.drawn import Drawn, Place
    from rhythmvae.library.duplicates import Group
    from rhythmvae.library.index import Indexed
    from rhythmvae.library.search import Result
    from rhythmvae.model.checkpoint import Checkpoint


def answer(checkpoint: Checkpoint | None, folder: Path, query: Query) -> Answer:
    """`library.answers.answer`."""
    from rhythmvae.library import answers

    return answers.answer(folder, checkpoint, query)


def files(
    _: Checkpoint | None, folder: Path, filters: Filters, most_files: int, most_bytes: int
) -> tuple[list[tuple[str, bytes]], int]:
    """`library.answers.files`."""
    from rhythmvae.library import answers

    return answers.files(folder, filters, most_files, most_bytes)


def files_of(
    _: Checkpoint | None, folder: Path, contents: Sequence[int], most_files: int, most_bytes: int
) -> tuple[list[tuple[str, bytes]], int]:
    """`library.answers.files_of`."""
    from rhythmvae.library import answers

    return answers.files_of(folder, contents, most_files, most_bytes)


def draw(checkpoint: Checkpoint | None, folder: Path, on_progress: OnProgress | None = None) -> Drawn:
    """`library.drawn.draw`."""
    from rhythmvae.library import drawn

    return drawn.draw(folder, checkpoint, on_progress)


def passing(_: Checkpoint | None, folder: Path, filters: Filters) -> tuple[str, BoolArray]:
    """`library.drawn.passing`."""
    from rhythmvae.library import drawn

    return drawn.passing(folder, filters)


def at(_: Checkpoint | None, folder: Path, places: Sequence[Place]) -> list[tuple[Result, Groove | str]]:
    """`library.drawn.at`."""
    from rhythmvae.library import drawn

    return drawn.at(folder, places)


def ahead(
    _: Checkpoint | None, folder: Path, places: Sequence[Place], seconds: float
) -> list[tuple[int, Groove] | None]:
    """`library.drawn.ahead`."""
    from rhythmvae.library import drawn

    return drawn.ahead(folder, places, seconds)


def duplicates(_: Checkpoint | None, folder: Path) -> Sequence[Group]:
    """`library.answers.twice`."""
    from rhythmvae.library import answers

    return answers.twice(folder)


def about(_: Checkpoint | None, folder: Path) -> About:
    """`library.answers.about`."""
    from rhythmvae.library import answers

    return answers.about(folder)


def made(checkpoint: Checkpoint, folder: Path, library: Path) -> Indexed:
    """Index a folder by the shipped model, in this process."""
    from rhythmvae.library.index import index
    from rhythmvae.model.card import SHIPPED

    return index([folder], library, SHIPPED, checkpoint.digest)
