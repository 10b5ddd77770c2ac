"""Where windows of a library lie on its model's map (`model.latent_map`) or its own, remembered beside the library.

A place depends on the window's latent and the map alone, so a digest of the latent is its name: what a run of `index`
adds is placed, what was there before is not placed again. Places are whole numbers below EXTENT, from the left and from
the top, in the square around the map's own points.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rhythmvae.data.corpus import OnProgress
from rhythmvae.groove import FloatArray, IntArray

if TYPE_CHECKING:
    from rhythmvae.model.latent_map import Ground

FOLDER = "map"
VERSION = 1  # of how places are found
EXTENT = 1 << 16
SPREAD = 0.5  # of `latent_map.place`: of 12,000 windows 96 % have a place of their own, and without it 55 %
MARGIN = 0.02  # around the map's points, of their width
BATCH = 2_048  # placed between two reports
SAVED_EVERY = 10  # batches: whoever turns away loses no more than some seconds
MOST_KEPT = 1 << 20  # places in a file; when more come, those not asked for go
_PLACED = np.dtype([("key", "<u8"), ("x", "<u2"), ("y", "<u2")])
_MIX = np.uint64(0x9E3779B97F4A7C15)


def placed(
    folder: Path, latent_map: Ground, latents: np.ndarray[Any, Any], on_progress: OnProgress | None = None
) -> IntArray:
    """(N, 2) uint16, x and y of latents (N, Z) float16.

    Args:
        folder: of the library; where nothing can be written there, nothing is remembered.
        on_progress: called with (new places, new ones in all); what it raises stops the work, and what was placed by
            then is mostly remembered.
    """
    keys = keys_of(latents)
    path = folder / FOLDER / f"{latent_map.digest[:16]}-{VERSION}.npy"
    known = _known(path)
    new = np.flatnonzero(~_is_in(known["key"], keys))
    _, first = np.unique(keys[new], return_index=True)
    new = new[np.sort(first)]
    for i, start in enumerate(range(0, len(new), BATCH)):
        rows = new[start : start + BATCH]
        found = np.empty(len(rows), _PLACED)
        found["key"] = keys[rows]
        found["x"], found["y"] = _places(latent_map, np.asarray(latents[rows], np.float32)).T
        known = np.concatenate([known, found])
        is_last = start + BATCH >= len(new)
        if is_last or i % SAVED_EVERY == SAVED_EVERY - 1:
            _save(path, known if len(known) <= MOST_KEPT else known[_is_in(np.sort(keys), known["key"])])
        if on_progress:
            on_progress(min(start + BATCH, len(new)), len(new))
    known = np.sort(known, order="key")
    at = known[np.searchsorted(known["key"], keys)]
    return np.stack([at["x"], at["y"]], axis=1)


def keys_of(latents: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(N,) uint64, a digest of each latent (N, Z) float16. Equal digests of unlike latents are as likely as a guess of
    64 bits, and would misplace one point."""
    odd = np.random.default_rng(0).integers(0, 1 << 63, latents.shape[1], np.uint64) * 2 + 1
    found = np.empty(len(latents), np.uint64)
    for start in range(0, len(latents), EXTENT):
        words = np.ascontiguousarray(latents[start : start + EXTENT], np.float16).view(np.uint16)
        found[start : start + EXTENT] = ((words.astype(np.uint64) + 1) * odd).sum(1, dtype=np.uint64)
    return scattered(found)


def scattered(numbers: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """uint64 numbers, each as another one that says nothing of its size."""
    found = (numbers ^ (numbers >> np.uint64(31))) * _MIX
    return np.asarray(found ^ (found >> np.uint64(29)))


def _places(latent_map: Ground, latents: FloatArray) -> IntArray:
    from rhythmvae.model import latent_map as latent_maps

    low, high = latent_map.tsne.min(0), latent_map.tsne.max(0)
    width = float((high - low).max()) * (1 + 2 * MARGIN) or 1.0
    inside = (latent_maps.place(latent_map, latents, SPREAD) - (low + high - width) / 2) / width
    inside[:, 1] = 1.0 - inside[:, 1]
    return np.asarray(np.clip(inside * EXTENT, 0, EXTENT - 1).astype(np.uint16))


def _is_in(known: np.ndarray[Any, Any], keys: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.isin(keys, known)


def _known(path: Path) -> np.ndarray[Any, Any]:
    """What is remembered; nothing where a file is no such table."""
    with suppress(OSError, ValueError, EOFError):
        found = np.lib.format.open_memmap(path, "r")  # what is shorter than it says is refused
        if found.dtype == _PLACED and found.ndim == 1 and len(found) <= MOST_KEPT:
            return np.array(found)
    return np.zeros(0, _PLACED)


def _save(path: Path, known: np.ndarray[Any, Any]) -> None:
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        number, name = tempfile.mkstemp(dir=path.parent, suffix=".new")
        try:
            with os.fdopen(number, "wb") as file:
                np.save(file, known)
            os.replace(name, path)
        except OSError:
            os.unlink(name)
