"""Windows cut from takes: what the model and its prior learn from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rhythmvae.data.corpus import Take
from rhythmvae.groove import (
    HIT,
    N_FEATURES,
    N_LAYERS,
    STEPS_PER_QUARTER,
    WINDOW_STEPS,
    FloatArray,
    Groove,
    IntArray,
    to_grid,
    window_spans,
)
from rhythmvae.kit import N_VOICES
from rhythmvae.text import clean_text


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of many takes over one long array of their grids.

    grids: (sum of T + padding, V, L, F) float32; start, n_steps, take: (N,) each window's
    first row, length and index into the takes; seconds_per_step: (N,).
    """

    grids: FloatArray
    start: IntArray
    n_steps: IntArray
    take: IntArray
    seconds_per_step: FloatArray

    def __len__(self) -> int:
        return len(self.start)

    def __iter__(self) -> Iterator[FloatArray]:
        """The windows as they are, (T, V, L, F) each."""
        for start, n_steps in zip(self.start.tolist(), self.n_steps.tolist(), strict=True):
            yield self.grids[start : start + n_steps]

    def gather(self, index: IntArray) -> tuple[FloatArray, IntArray]:
        """Windows by index: x (B, T, V, L, F) padded with silence, n_steps (B,)."""
        rows = self.start[index][:, None] + np.arange(WINDOW_STEPS)
        n_steps = self.n_steps[index]
        inside = np.arange(WINDOW_STEPS) < n_steps[:, None]
        return self.grids[rows] * inside[:, :, None, None, None], n_steps


def windows_of(grooves: Iterable[Groove], every_beat: bool = False) -> Windows:
    """Windows of grooves: the ones reconstruction uses, or, with `every_beat`, one from each quarter note on.

    The latter is eight times the data for training: the same drumming met at every
    place in the window. Empty windows are left out of it.
    """
    grids: list[FloatArray] = []
    rows: list[tuple[int, int, int, float]] = []
    base = 0
    for index, groove in enumerate(grooves):
        grid = to_grid(groove).tensor
        spans = [(s.start, s.n_steps) for s in window_spans(groove)]
        if every_beat:
            last = max(1, groove.n_steps - WINDOW_STEPS + 1)
            starts = range(0, last, STEPS_PER_QUARTER)
            longest = WINDOW_STEPS if groove.n_steps >= WINDOW_STEPS else groove.n_steps
            shorter = [s for s in spans if s[1] < WINDOW_STEPS]
            spans = list(dict.fromkeys([(s, longest) for s in starts] + shorter))  # a short groove is both
            spans = [(s, n) for s, n in spans if grid[s : s + n, ..., HIT].any()]
        for start, n_steps in spans:
            rows.append((base + start, n_steps, index, groove.tempo_at(start).seconds_per_step))
        grids.append(grid)
        base += len(grid)
    grids.append(np.zeros((WINDOW_STEPS, N_VOICES, N_LAYERS, N_FEATURES), dtype=np.float32))
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    start, n_steps, take = table[:, :3].astype(np.int64).T
    return Windows(np.concatenate(grids), start, n_steps, take, table[:, 3])


MAX_PER_TAKE = 4  # prior windows that a take counts for at most
MAX_STYLE_LETTERS = 64


@dataclass(frozen=True, eq=False)
class PriorWindows:
    """M training windows: grooves; before (M,), the row of the window before or -1; style of each, ""
    where unknown; weight (M,), by which a take counts for MAX_PER_TAKE of them at most."""

    grooves: list[Groove]
    before: IntArray
    style: list[str]
    weight: FloatArray


def prior_windows(takes: Sequence[Take]) -> PriorWindows:
    """Full windows from each bar line on. Takes too short for one are looped, if most are."""
    n_short = sum(take.groove.n_steps < WINDOW_STEPS for take in takes)
    grooves: list[Groove] = []
    before: list[int] = []
    style: list[str] = []
    weight: list[float] = []
    for take in takes:
        groove = take.groove
        if groove.n_steps < WINDOW_STEPS and 2 * n_short > len(takes):
            groove = groove.looped(math.ceil(WINDOW_STEPS / groove.n_steps))
        rows: dict[int, int] = {}
        for line in np.unique(np.rint(groove.bar_lines).astype(int)).tolist():
            if line + WINDOW_STEPS > groove.n_steps:
                break
            window = groove.slice(line, line + WINDOW_STEPS)
            if len(window):
                rows[line] = len(grooves)
                grooves.append(window)
                before.append(rows.get(line - WINDOW_STEPS, -1))
        style += [clean_text(take.labels.get("style", "").split("/")[0], MAX_STYLE_LETTERS)] * len(rows)
        weight += [min(1.0, MAX_PER_TAKE / max(len(rows), 1))] * len(rows)
    return PriorWindows(grooves, np.array(before, dtype=np.int64), style, np.array(weight))
