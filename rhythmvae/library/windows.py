"""Grooves as a library holds them: what is said of each, and its windows as patterns and latents.

A window is WINDOW_STEPS steps from a bar line on (bars shorter than two quarters are passed over). A loop of up to
MAX_LOOP_BARS bars is played round and round, so that one bar and the same bar four times over have the same windows;
in what is longer a window ends with it. Windows of one groove that are the same are kept once, silent ones not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rhythmvae.analysis import description
from rhythmvae.analysis.duplicates import pattern_key
from rhythmvae.groove import HIT, STEPS_PER_QUARTER, WINDOW_STEPS, FloatArray, Groove, Layers, to_grid
from rhythmvae.library.content import N_BYTES, Read

if TYPE_CHECKING:
    from rhythmvae.model.vae import RhythmVAE

MAX_LOOP_BARS = 8
MIN_START_STEPS = 2 * STEPS_PER_QUARTER  # between the starts of two windows
MAX_LOOP_STEPS = 512  # of a pattern that is kept to look for near-duplicates: 32 bars of 4/4
NO_STYLE = ""


@dataclass(frozen=True, eq=False)
class Cut:
    """Windows of a groove: their first steps, bars and grids (T, V, L, F)."""

    starts: list[int]
    bars: list[tuple[int, int]]
    grids: list[FloatArray]


def cut(groove: Groove, layers: Layers) -> Cut:
    """The windows of a groove."""
    grid = to_grid(groove, layers).tensor
    lines = np.unique(np.rint(groove.bar_lines[:-1]).astype(np.int64)).tolist()
    is_loop = groove.n_bars <= MAX_LOOP_BARS
    found, seen, last = Cut([], [], []), set[bytes](), -MIN_START_STEPS
    for start in lines:
        if start - last < MIN_START_STEPS or not (is_loop or start + WINDOW_STEPS <= groove.n_steps):
            continue
        last = start
        window = around(grid, start)
        key = window.tobytes()
        if key not in seen and window[..., HIT].any():
            seen.add(key)
            found.starts.append(start)
            found.bars.append(_bars(groove, start))
            found.grids.append(window)
    return found


def around(grid: FloatArray, start: int) -> FloatArray:
    """The window from a step on of a groove that is played round and round."""
    return grid[(start + np.arange(WINDOW_STEPS)) % len(grid)]


def _bars(groove: Groove, start: int) -> tuple[int, int]:
    lines = np.rint(groove.bar_lines)
    first = int(np.searchsorted(lines, start, side="right"))
    end = min(start + WINDOW_STEPS, groove.n_steps)
    return first, max(first, min(int(np.searchsorted(lines, end, side="left")), groove.n_bars))


def pattern(grid: FloatArray) -> np.ndarray[Any, Any]:
    """(N_BYTES,) uint8 of a window (T, V, L, F)."""
    return np.packbits((grid[..., HIT] > 0).any(-1).ravel())


def read_all(model: RhythmVAE, grooves: Sequence[tuple[Groove, bool]]) -> Iterator[Read]:
    """What is in each of several grooves, given with whether its meter is known; in order, worked out together."""
    from rhythmvae.model import labels, latent  # torch, which a page that searches does without

    described = list(description.each(grooves, with_lists=False))
    learned = labels.shipped().of([seen for seen, _ in described])
    cuts = [cut(seen.groove, model.config.layers) for seen, _ in described]
    windows = [grid for own in cuts for grid in own.grids]
    latents = np.zeros((len(windows), model.config.latent_size), np.float16)
    at = 0
    for posterior in latent.posteriors(model, windows):
        latents[at : at + len(posterior.mean)] = posterior.mean.numpy()
        at += len(posterior.mean)
    at = 0
    for (seen, said), own, known in zip(described, cuts, learned, strict=True):
        bits = np.array([pattern(grid) for grid in own.grids], np.uint8).reshape(-1, N_BYTES)
        n = len(own.grids)
        yield Read(_columns(said, known), loop_of(seen.groove), {**known, **said}, own.bars, bits, latents[at : at + n])
        at += n


def _columns(said: dict[str, Any], known: dict[str, Any]) -> tuple[int, int, float, str, str, str, str, float]:
    return (
        said["n_bars"],
        said["n_hits"],
        float(said["tempo"]["bpm"]),
        said["meter"],
        known["style"]["label"] or NO_STYLE,
        known["beat_or_fill"]["label"] or "",
        ",".join(said["feel"]),
        float(said["descriptors"]["density"] or 0.0),
    )


def loop_of(groove: Groove) -> bytes:
    """As `duplicates.pattern_key`, or a digest of it where the loop is long."""
    key = pattern_key(groove)
    return key if len(key) <= 2 * MAX_LOOP_STEPS else b"long " + hashlib.blake2b(key, digest_size=16).digest()
