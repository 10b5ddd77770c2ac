"""The form of a longer groove: which bars are alike, sections, fills, exact repeats, the loop that stands for it.

Bars are compared by their cells, a 16th of a drum each, timekeepers less: 1 for the same bar, 0 where none is shared.
Trees say how likely a section begins at each bar line, given where the one before began (`seams`); the sections are
those of at least SHORTEST_BARS that are together most probable, found exactly by dynamic programming. Two sections have
the same letter where their bars are nearly as like each other's as their own. Bars are counted from 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rhythmvae.analysis import seams
from rhythmvae.analysis.descriptors import GROUP_VOICES, IS_TIMEKEEPER, TIMEKEEPERS
from rhythmvae.analysis.seams import SHORTEST_BARS
from rhythmvae.groove import FloatArray, Groove, IntArray
from rhythmvae.kit import N_VOICES, VOICE_INDEX

SAME_SECTION = 0.85  # of their own likeness, which two sections have to have with each other for one letter
LONGEST_BARS = 2048  # of a groove whose bars are compared: more are one section
TOMS = GROUP_VOICES["toms"]
DRUMS = [*GROUP_VOICES["snare"], *TOMS]
WEIGHT = np.where(IS_TIMEKEEPER, 0.7, 1.0)
BLUR = 0.2  # what a hit counts in the cells beside its own
FILL_UNLIKE = 0.75  # at most so like the usual bar of its section is a fill
FILL_MORE = 1.5  # times as many strokes on snare and toms as the usual bar
LOOP_BARS = (1, 2, 4, 8)
LOOP_GAIN = 0.03  # likeness that a loop twice as long has to bring
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Form:
    """sections: (first bar, last bar, letter). patterns: for each bar a number, the same for the same cells.

    fills: bars that are one. loop: first and last bar of the loop that stands for the groove, None for silence.
    changes: `bar`, `seconds` and `tempo` or `meter`, in order, the first of each at the start.
    """

    sections: list[tuple[int, int, str]]
    patterns: list[int]
    fills: list[int]
    loop: tuple[int, int] | None
    changes: list[dict[str, Any]]


def form(groove: Groove) -> Form:
    """Sections, fills, repeats and the loop of a groove."""
    lines = groove.bar_lines
    changes = _changes(groove, lines)
    if len(lines) == 2:
        return Form([(1, 1, "A")], [1], [], (1, 1) if len(groove) else None, changes)
    cells, bar = hits_in_bars(groove, lines)
    patterns = _patterns(cells, bar, np.diff(lines))
    if not 1 < len(lines) - 1 <= LONGEST_BARS or not len(groove):
        whole = [(1, len(lines) - 1, "A")]
        return Form(whole, patterns, [], (1, 1) if len(groove) else None, changes)
    like = likeness(groove, lines, cells, bar)
    sections = [(0, len(like))]
    if len(like) >= 2 * SHORTEST_BARS:
        sections = _sections(seams.log_odds(seam_numbers(like, cells, bar)))
    return Form(_lettered(like, sections), patterns, _fills(groove, bar, like, sections), _loop(like), changes)


# -- bars ----------------------------------------------------------------------


def hits_in_bars(groove: Groove, lines: FloatArray) -> tuple[IntArray, IntArray]:
    """For each hit its cell within its bar, and the bar."""
    step = groove.step
    bar = np.searchsorted(lines[:-1] - 0.5, step, side="right") - 1
    within = np.clip(np.rint(step - lines[bar]), 0, None).astype(np.int64)
    return within * N_VOICES + groove.voice, bar


def _patterns(cells: IntArray, bar: IntArray, lengths: FloatArray) -> list[int]:
    """A number for each bar, from 1 in order of appearance, the same for bars of one length with the same cells."""
    known: dict[tuple[float, bytes], int] = {}
    order = np.lexsort((cells, bar))
    cells, bar = cells[order], bar[order]
    is_new = (np.diff(cells, prepend=-1) != 0) | (np.diff(bar, prepend=-1) != 0)
    cells, bar = cells[is_new], bar[is_new]
    edges = np.searchsorted(bar, np.arange(len(lengths) + 1)).tolist()
    return [
        known.setdefault((length, cells[start:stop].tobytes()), len(known) + 1)
        for length, start, stop in zip(lengths.tolist(), edges[:-1], edges[1:], strict=True)
    ]


def likeness(groove: Groove, lines: FloatArray, cells: IntArray, bar: IntArray) -> FloatArray:
    """(B, B) cosine of the bars' cells, 0 to 1; a hit counts a little in the steps beside its own.

    Bars are laid over each other from their start on, however long they are. Silent bars are like each other.
    """
    n_steps = int(np.ceil(np.diff(lines).max())) + 1
    table = np.zeros((len(lines) - 1, n_steps, N_VOICES), np.float32)
    # Ghost notes weigh less than strokes: the root of velocity.
    np.maximum.at(table, (bar, cells // N_VOICES, cells % N_VOICES), np.sqrt(groove.velocity / 127).astype(np.float32))
    blurred = table.copy()
    blurred[:, 1:] += BLUR * table[:, :-1]
    blurred[:, :-1] += BLUR * table[:, 1:]
    flat = (blurred * WEIGHT.astype(np.float32)).reshape(len(table), -1)
    size = np.sqrt((flat**2).sum(1))
    like = (flat @ flat.T) / np.maximum(size[:, None] * size, 1e-9)
    silent = size == 0
    like[np.ix_(silent, silent)] = 1.0
    return np.asarray(np.clip(like, 0.0, 1.0), dtype=np.float64)


# -- sections ------------------------------------------------------------------


def seam_numbers(like: FloatArray, cells: IntArray, bar: IntArray) -> FloatArray:
    """(B - 1, F) what the trees of `seams` are shown of a groove's bar lines; from `likeness` and `hits_in_bars`."""
    return seams.numbers(like, np.isin(np.arange(len(like)), bar[cells == VOICE_INDEX["crash"]]))


def _sections(odds: FloatArray) -> list[tuple[int, int]]:
    """Segments (start, stop) of bars, from 0, the stop excluded: together the most probable ones.

    Args:
        odds: (B - 1, AGES) log-odds of `seams.log_odds`.
    """
    n = len(odds) + 1
    none = -np.logaddexp(0.0, odds)  # log-probability that no part begins at a line
    # The best way to a line by the age of the part there, 0 where it begins: its log-probability, and where that began.
    value, began = np.full(seams.AGES + 1, -np.inf), np.zeros(seams.AGES + 1, np.int64)
    before = np.zeros(n, np.int64)  # where the part began that ends at a line
    again = int(seams.age_class(np.array(seams.AGES + 1)))
    value[0] = 0.0
    for line in range(1, n + 1):
        oldest, own = value[-1], began[-1]
        value[1:], began[1:] = value[:-1].copy(), began[:-1].copy()
        if oldest > value[again]:
            value[again], began[again] = oldest, own
        value[0] = -np.inf
        if line < n:
            ends = value[1:] + odds[line - 1] + none[line - 1]
            age = int(ends.argmax())
            value[1:] += none[line - 1]
            value[0], began[0], before[line] = ends[age], line, began[age + 1]
    stop, start = n, int(began[value.argmax()])
    sections = [(start, stop)]
    while start:
        stop, start = start, int(before[start])
        sections.append((start, stop))
    return sections[::-1]


def _lettered(like: FloatArray, sections: list[tuple[int, int]]) -> list[tuple[int, int, str]]:
    """Sections with letters: that of the earlier one that they are most like, if they are as like as SAME_SECTION."""
    starts = np.array([a for a, _ in sections])
    length = np.diff([*starts, len(like)])
    means = np.add.reduceat(np.add.reduceat(like, starts, 0), starts, 1) / np.outer(length, length)
    own = np.array([_among(like[a:b, a:b]) for a, b in sections])
    ratios = means / np.maximum(np.sqrt(np.outer(own, own)), 0.1)
    letters: list[int] = []
    for i in range(len(sections)):
        near = int(ratios[i, :i].argmax()) if i else -1
        is_same = near >= 0 and ratios[i, near] >= SAME_SECTION
        letters.append(letters[near] if is_same else max(letters, default=-1) + 1)
    return [(a + 1, b, _letter(n)) for (a, b), n in zip(sections, letters, strict=True)]


def _among(like: FloatArray) -> float:
    """Mean likeness of bars with the others."""
    n = len(like)
    return float((like.sum() - np.trace(like)) / (n * (n - 1))) if n > 1 else 1.0


def _letter(index: int) -> str:
    """A to Z, then AA, AB, ..."""
    return (_letter(index // 26 - 1) if index >= 26 else "") + LETTERS[index % 26]


# -- fills and loop ------------------------------------------------------------


def _fills(groove: Groove, bar: IntArray, like: FloatArray, sections: list[tuple[int, int]]) -> list[int]:
    """Bars at the end of a section, or at every fourth bar of one, that leave its usual bar.

    A fill is at most FILL_UNLIKE like the section's usual bar (the one most like the others), and has FILL_MORE times
    its strokes on snare and toms, or toms where that has none, or leaves out half of its timekeeping.
    """
    counts = np.zeros((len(like), N_VOICES))
    np.add.at(counts, (bar, groove.voice), 1)
    drums, toms, keeping = counts[:, DRUMS].sum(1), counts[:, TOMS].sum(1), counts[:, TIMEKEEPERS].sum(1)
    fills: list[int] = []
    for start, stop in sections:
        if stop - start < 2:
            continue
        usual = start + int(like[start:stop, start:stop].mean(1).argmax())
        seams = np.unique([*range(start + 3, stop, 4), stop - 1])
        more = (drums[seams] >= FILL_MORE * max(drums[usual], 1)) | (toms[seams] >= max(2.0, 2 * toms[usual]))
        less = (keeping[usual] > 0) & (keeping[seams] <= keeping[usual] / 2) & (drums[seams] > drums[usual])
        is_fill = (like[seams, usual] <= FILL_UNLIKE) & (more | less)
        fills += [int(each) + 1 for each in seams[is_fill]]
    return fills


def _loop(like: FloatArray) -> tuple[int, int]:
    """First and last bar of the loop that stands for the groove: the one most like all others of its length.

    It has as few bars as do: twice as many have to make bars LOOP_GAIN more like those a loop later.
    """
    n = len(like)
    length, best = 1, _regularity(like, 1)
    for n_bars in LOOP_BARS[1:]:
        if 2 * n_bars <= n and _regularity(like, n_bars) > best + LOOP_GAIN:
            length, best = n_bars, _regularity(like, n_bars)
    starts = range(0, n - length + 1, length)
    alike = [float(np.mean([like[start + k, k::length].mean() for k in range(length)])) for start in starts]
    first = length * int(np.argmax(np.round(alike, 5)))
    return first + 1, first + length


def _regularity(like: FloatArray, n_bars: int) -> float:
    return float(np.diagonal(like, n_bars).mean()) if len(like) > n_bars else 0.0


def _changes(groove: Groove, lines: FloatArray) -> list[dict[str, Any]]:
    """Where tempo and meter change, on one time line."""
    rows: list[tuple[float, str, Any]] = [(t.step, "tempo", round(t.bpm, 3)) for t in groove.tempos]
    rows += [(m.step, "meter", str(m)) for m in groove.meters]
    rows.sort(key=lambda row: row[0])
    steps = np.array([step for step, _, _ in rows])
    bars = np.searchsorted(lines[:-1], steps + 1e-6, side="right").tolist()
    return [
        {"bar": bar, "seconds": round(seconds, 4), kind: value}
        for bar, seconds, (_, kind, value) in zip(bars, groove.seconds(steps).tolist(), rows, strict=True)
    ]
