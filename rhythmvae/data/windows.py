"""Windows cut from grooves: the tensors that a model reads, and what the prior and the map are made of.

Where a groove is cut for reconstruction says groove.window_spans; the other cuts are described where they are made.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rhythmvae.data.corpus import Take
from rhythmvae.errors import CorpusError
from rhythmvae.groove import (
    HIT,
    STEPS_PER_QUARTER,
    TWO_LOUDEST,
    WINDOW_STEPS,
    FloatArray,
    Groove,
    IntArray,
    Layers,
    Span,
    nearest_step,
    to_grid,
    window_spans,
)
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


def grids_of(groove: Groove, layers: Layers) -> list[FloatArray]:
    """The windows that reconstruction uses, (T, V, L, F) each, one after another and nothing left out."""
    grid = to_grid(groove, layers).tensor
    return [grid[span.start : span.stop] for span in window_spans(groove)]


def grids_round(groove: Groove, layers: Layers) -> list[FloatArray]:
    """Full windows of a loop that is played round and round, (WINDOW_STEPS, V, L, F), one from each bar line on."""
    grid = to_grid(groove, layers).tensor
    starts = np.unique(np.rint(groove.bar_lines[:-1]).astype(np.int64))
    return [grid[(start + np.arange(WINDOW_STEPS)) % len(grid)] for start in starts.tolist()]


def windows_of(grooves: Iterable[Groove], every_beat: bool = False, layers: Layers = TWO_LOUDEST) -> Windows:
    """Windows of grooves: the ones reconstruction uses, or, with `every_beat`, one from each quarter note on.

    The latter is eight times the data for training: the same drumming met at every
    place in the window. Empty windows are left out of it.
    """
    grids: list[FloatArray] = []
    rows: list[tuple[int, int, int, float]] = []
    base = 0
    for index, groove in enumerate(grooves):
        grid = to_grid(groove, layers).tensor
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
    grids.append(np.zeros((WINDOW_STEPS, *layers.shape), dtype=np.float32))
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    start, n_steps, take = table[:, :3].astype(np.int64).T
    return Windows(np.concatenate(grids), start, n_steps, take, table[:, 3])


# -- of the prior --------------------------------------------------------------

MAX_PER_TAKE = 4  # prior windows that a take counts for at most
MAX_STYLE_LETTERS = 64


@dataclass(frozen=True, eq=False)
class PriorWindows:
    """M training windows: grooves; previous (M,), the row of the window before or -1; style of each, ""
    where unknown; weight (M,), by which a take counts for MAX_PER_TAKE of them at most."""

    grooves: list[Groove]
    previous: IntArray
    style: list[str]
    weight: FloatArray


def prior_windows(takes: Sequence[Take]) -> PriorWindows:
    """Full windows from each bar line on. Takes too short for one are looped, if most are."""
    n_short = sum(take.groove.n_steps < WINDOW_STEPS for take in takes)
    grooves: list[Groove] = []
    previous: list[int] = []
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
                previous.append(rows.get(line - WINDOW_STEPS, -1))
        style += [clean_text(take.labels.get("style", "").split("/")[0], MAX_STYLE_LETTERS)] * len(rows)
        weight += [min(1.0, MAX_PER_TAKE / max(len(rows), 1))] * len(rows)
    return PriorWindows(grooves, np.array(previous, dtype=np.int64), style, np.array(weight))


# -- of the map ----------------------------------------------------------------


def played_windows(groove: Groove) -> list[Groove]:
    """The windows of a groove that a map shows: with hits, and more than half full where there are such.

    A loop that goes into a window twice or more comes as often as it does: it is heard like that,
    and a window that is half empty would lie with others that are.
    """
    groove = _repeated(groove)
    return [groove.slice(span.start, span.stop) for span in _played_spans(groove)]


def _repeated(groove: Groove) -> Groove:
    times = WINDOW_STEPS // groove.n_steps
    return groove.looped(times) if times > 1 else groove


def _played_spans(groove: Groove) -> list[Span]:
    spans = window_spans(groove)
    edges = np.searchsorted(nearest_step(groove.position), [[span.start, span.stop] for span in spans])
    played = [span for span, (first, after) in zip(spans, edges, strict=True) if after > first]
    full = [span for span in played if 2 * span.n_steps > WINDOW_STEPS]
    return full or sorted(played, key=lambda span: -span.n_steps)[:1]


@dataclass(frozen=True, eq=False)
class TakeWindow:
    """A window of a take, an index, and its first and last bar there, from 1."""

    take: int
    groove: Groove
    bars: tuple[int, int]


def spread_windows(takes: Sequence[Take], most: int, seed: int = 0) -> list[TakeWindow]:
    """At most so many of the `played_windows` of takes, drawn in rounds of one window of each, so that a long take
    gives no more than others can.

    Raises:
        CorpusError: takes without a hit.
    """
    grooves = [_repeated(take.groove) for take in takes]
    spans = [(index, span) for index, groove in enumerate(grooves) for span in _played_spans(groove)]
    if not spans:
        raise CorpusError("Expected takes with hits to draw a map of, found none.")
    take = np.array([index for index, _ in spans])
    drawn = np.random.default_rng(seed).random(len(take))
    by_take = np.lexsort((drawn, take))
    turn = np.empty(len(take), dtype=np.int64)  # of the round in which a window is drawn
    turn[by_take] = np.arange(len(take)) - np.searchsorted(take, take[by_take])
    rows = np.sort(np.lexsort((drawn, turn))[:most])
    return [
        TakeWindow(index, grooves[index].slice(span.start, span.stop), _bars(takes[index].groove, span))
        for index, span in (spans[row] for row in rows)
    ]


def _bars(groove: Groove, span: Span) -> tuple[int, int]:
    """First and last bar of a groove, from 1, that a span of its repetitions reaches into."""
    lines = np.rint(groove.bar_lines)
    first = int(np.searchsorted(lines, span.start, side="right"))
    last = int(np.searchsorted(lines, min(span.stop, groove.n_steps), side="left"))
    return first, max(first, last)
