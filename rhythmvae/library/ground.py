"""A map of a library's own, where its model has none or is not here: it needs the library's latents alone.

Up to MOST_DRAWN windows, spread over its contents, are drawn by t-SNE as a model's map is; all others are placed among
them. It is kept beside the library and stays while it is of this library: what a run of `index` adds is placed on it,
and it is drawn anew where most of the windows it was drawn of are gone, or the library has outgrown it.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rhythmvae.data.corpus import OnProgress
from rhythmvae.library.places import FOLDER, keys_of

if TYPE_CHECKING:
    from rhythmvae.model.latent_map import Ground

NAME = "own-1.npz"  # the number is of how it is drawn
MOST_DRAWN = 3_000  # windows: some seconds of a core
COSTS = 20  # windows are placed while one is drawn
LEAST_SHARE = 0.5  # of the windows it was drawn of that must be there
OUTGROWN = 2  # times as many windows as were drawn, while there is room for more
MAX_BYTES = 1 << 24  # of the file
_ARRAYS = ("latents", "mean", "components", "tsne")


def known(folder: Path, latents: np.ndarray[Any, Any]) -> Ground | None:
    """The map that is kept with a library of these windows (N, Z); None where it has to be drawn."""
    found = _read(folder / FOLDER / NAME, latents.shape[1])
    if found is None or OUTGROWN * len(found) <= min(len(latents), MOST_DRAWN):
        return None
    is_there = np.isin(keys_of(found.latents.astype(np.float16)), keys_of(latents))
    return found if is_there.mean() >= LEAST_SHARE else None


def drawn(folder: Path, latents: np.ndarray[Any, Any], on_progress: OnProgress | None = None) -> Ground:
    """A map of windows (up to MOST_DRAWN, Z), kept where the library may be written to.

    Args:
        on_progress: called with (parts done, parts); what it raises stops the work.
    """
    from rhythmvae.model import latent_map as latent_maps

    found = latent_maps.ground(np.asarray(latents, np.float32), on_progress=on_progress)
    _save(folder / FOLDER / NAME, found)
    return found


def _read(path: Path, latent_size: int) -> Ground | None:
    """What is kept; None where a file is no such map."""
    from rhythmvae.model.latent_map import Ground

    with suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        if path.stat().st_size > MAX_BYTES:
            return None
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: np.asarray(file[name], np.float32) for name in _ARRAYS}
        n = len(arrays["tsne"])
        shapes = {"latents": (n, latent_size), "mean": (latent_size,), "components": (2, latent_size), "tsne": (n, 2)}
        is_whole = all(array.shape == shapes[name] and np.isfinite(array).all() for name, array in arrays.items())
        if is_whole and 1 <= n <= MOST_DRAWN:
            return Ground(perplexity=0.0, seed=0, trustworthiness=None, **arrays)
    return None


def _save(path: Path, ground: Ground) -> None:
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        number, name = tempfile.mkstemp(dir=path.parent, suffix=".new")
        try:
            with os.fdopen(number, "wb") as file:
                np.savez(file, **{name: getattr(ground, name) for name in _ARRAYS})
            os.replace(name, path)
        except OSError:
            os.unlink(name)
