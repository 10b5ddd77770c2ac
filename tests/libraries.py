"""Folders of loops to index, libraries of them by a toy model, and what is in these."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from grooves import random_groove
from helpers import is_near

from rhythmvae.library import index
from rhythmvae.library.index import Indexed
from rhythmvae.library.store import Store
from rhythmvae.midi.write import write_midi
from rhythmvae.model import outline


def fill(folder: Path, n: int, seed: int = 0) -> Path:
    """A folder of so many different loops, in folders of ten."""
    for i in range(n):
        path = folder / f"pack {i // 10}" / f"{i:03d}.mid"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(write_midi(random_groove(seed + i, 16 * (1 + i % 3), 12 + i % 9)))
    return folder


def run(folder: Path, library: Path, toy: Path, **more: object) -> Indexed:
    return index.index([folder], library, toy, outline.read(toy).digest, **more)  # type: ignore[arg-type]


NOBODY = 65_534  # a user without rights


@contextmanager
def a_place_for_all() -> Iterator[Path]:
    """A folder that every user can reach, unlike those of pytest."""
    with tempfile.TemporaryDirectory(prefix="rhythmvae-test-") as found:
        Path(found).chmod(0o755)
        yield Path(found)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """In the block nothing in a folder can be written, as on a disk that is read-only. Root, whom no file refuses, is
    nobody meanwhile, so what is imported in the block must be there before."""
    below = [folder, *folder.rglob("*")]
    for path in below:
        path.chmod(0o555 if path.is_dir() else 0o444)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        for path in below:
            path.chmod(0o755 if path.is_dir() else 0o644)


def what_is_in(library: Path) -> list[tuple[object, ...]]:
    """All that a library says of its files and windows, in an order of its own."""
    store = Store(library)
    sql = (
        "SELECT f.path, f.error, c.digest, c.loop, c.n_bars, c.meter, c.feel, w.first, w.last, w.bits, w.latent "
        "FROM files f LEFT JOIN contents c ON c.id = f.content LEFT JOIN windows w ON w.content = c.id "
        "ORDER BY f.path, w.first"
    )
    rows = list(store.rows(sql))
    store.close()
    return rows


def same(one: Path, other: Path) -> bool:
    """The same rows; latents but for rounding, as batches may differ."""
    a, b = what_is_in(one), what_is_in(other)
    latents = [np.frombuffer(b"".join(row[-1] or b"" for row in rows), np.float16) for rows in (a, b)]  # type: ignore[misc]
    return [row[:-1] for row in a] == [row[:-1] for row in b] and is_near(*latents, most=0.01, worst=0.05)
