"""What stands before or behind the music and is no part of it: offered as a cut, taken only when asked.

At the start a count-in, or nothing for some time; at the end a few notes long after the rest. Other
parts of the file must be silent there: a song's drums may wait for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from typing import Any

import numpy as np

from rhythmvae.groove import BoolArray, FloatArray, Groove, IntArray, Meter
from rhythmvae.midi.length import FileEnd, bar_end
from rhythmvae.midi.report import Cut
from rhythmvae.midi.score import Score
from rhythmvae.text import counted

SILENT_SECONDS = 0.8  # before the first hit, or before the last few: with less, it is music
PUSHED_STEPS = 0.5  # a hit so little before a bar line belongs to it
CLICK_STEPS = 0.35  # by which a click of a count-in may miss its beat
MAX_COUNTED_BARS = 2
MIN_CLICKS = 3
# Hits that are all as far behind the steps: length and angle (in steps) of their mean vector, see `_phase`, and how
# many they must be. By a machine; by hand, where the feel alone gives an angle of up to 0.26.
MACHINE, PLAYED = (0.9, 0.15, 8), (0.25, 0.3, 24)
EXACT_STEPS = 0.03  # by which a machine's hit misses a half or a third of a step
MAX_LATE_HITS = 3  # that are no part of the music before them
MUSIC_HITS = 8  # before each of them
LATE_RATIO = 2.0  # of the silence before them to the longest one of the music
_NO_CLICKS = frozenset([35, 36, 38, 40])  # kick and snare: a bar of them alone is music


def found_cuts(groove: Groove, score: Score, mask: BoolArray, meter: Meter, end: FileEnd | None) -> list[Cut]:
    """What may be cut from a groove that was read from the notes of `mask` (N,).

    meter: the file's first, which the groove has not where its length does not fit. end: the file's.
    """
    others = score.position[~mask]
    start = _count_in(groove, score.position[mask], score.pitch[mask], others)
    start = start or _silence(groove, others, meter, score.slack)
    late = _late_hits(groove, others, end)
    return [cut for cut in (start, late) if cut is not None]


def without(score: Score, cut: Cut) -> Score:
    """The score without what a cut takes away, which is said in its log."""
    is_start = cut.place == "start"
    keep = score.position >= cut.step - PUSHED_STEPS if is_start else score.position < cut.step
    n_cut = int((~keep).sum())
    score.log.change("cut", n_cut, f"Cut, as asked: the {cut.what}.")
    shift = cut.step if is_start else 0.0
    ends = {
        track: replace(end, step=end.step - shift) if is_start else FileEnd(cut.step, True, end.slack)
        for track, end in score.ends.items()
    }
    return replace(
        score,
        position=np.round(score.position[keep] - shift, 9),  # as Clock.steps has it
        **{name: getattr(score, name)[keep] for name in ("track", "channel", "pitch", "velocity")},
        tempos=_from(score.tempos, shift),
        meters=_from(score.meters, shift),
        ends=ends,
    )


def _from(events: Sequence[Any], step: float) -> list[Any]:
    """Tempos or meters from a step on, the one in force there at 0."""
    before = [e for e in events if e.step <= step]
    return [replace(e, step=max(0.0, e.step - step)) for e in (*before[-1:], *events[len(before) :])]


# -- at the start --------------------------------------------------------------


def _count_in(groove: Groove, position: FloatArray, pitch: IntArray, others: FloatArray) -> Cut | None:
    """A bar or two of clicks on the beats, of one or two notes, before a bar with more."""
    lines = groove.bar_lines
    for n_bars in range(min(MAX_COUNTED_BARS, len(lines) - 2), 0, -1):
        start, line, after = lines[n_bars - 1], lines[n_bars], lines[n_bars + 1]
        bar = (position >= start - PUSHED_STEPS) & (position < line - PUSHED_STEPS)
        before = position < line - PUSHED_STEPS
        following = pitch[(position >= line - PUSHED_STEPS) & (position < after - PUSHED_STEPS)]
        clicks = set(pitch[before].tolist())
        if (
            len(clicks) in (1, 2)
            and not clicks & _NO_CLICKS
            and _are_beats(position[bar] - start, groove.meter_at(start))
            and _are_on_beats(position[before], groove.meter_at(start))
            and set(following.tolist()) - clicks
            and len(following) > bar.sum()
            and not (others < line - PUSHED_STEPS).any()
            and before.sum() >= MIN_CLICKS
        ):
            n = int(before.sum())
            return Cut("start", float(line), f"begin at bar {n_bars + 1}", f"count-in of {counted(n, 'note')}")
    return None


def _are_beats(position: FloatArray, meter: Meter) -> bool:
    """Whether there is one hit on every beat of a bar, or on every eighth of one that has few beats."""
    units = (meter.beat_steps, meter.steps_per_bar / meter.numerator)
    return any(
        len(position) == round(meter.steps_per_bar / unit) > 1
        and bool((np.abs(position - unit * np.arange(len(position))) <= CLICK_STEPS).all())
        for unit in units
    )


def _are_on_beats(position: FloatArray, meter: Meter) -> bool:
    unit = meter.steps_per_bar / meter.numerator
    return bool((np.abs(position - unit * np.rint(position / unit)) <= CLICK_STEPS).all())


def _silence(groove: Groove, others: FloatArray, meter: Meter, slack: float) -> Cut | None:
    """Nothing before the music: whole bars of it, or a recording that began too early for any bar line."""
    first = float(groove.position[0])
    if first <= 0 or float(groove.seconds(first)) < SILENT_SECONDS or (others < first).any():
        return None
    line = float(groove.bar_lines[np.searchsorted(groove.bar_lines, first + PUSHED_STEPS, side="right") - 1])
    n_bars = int(np.searchsorted(groove.bar_lines, line))
    seconds = f"{float(groove.seconds(first)):.1f} seconds of nothing"
    if n_bars >= 2 or (n_bars == 1 and abs(first - line) <= slack):
        return Cut("start", line, f"begin at bar {n_bars + 1}", f"{counted(n_bars, 'silent bar')}")
    if len(groove.meters) == 1 and abs(first - line) > PUSHED_STEPS and _is_off(groove, first, meter.steps_per_bar):
        return Cut("start", first, "begin at the first hit", seconds)
    return None


def _is_off(groove: Groove, first: float, bar: float) -> bool:
    """Whether bars counted from the first hit fit the music better than those of the file."""
    length, angle = _phase(groove.position)
    if any(length >= least and abs(angle) > off and len(groove) >= n for least, off, n in (MACHINE, PLAYED)):
        return True
    n_own = ceil((float(groove.position[-1]) - first + PUSHED_STEPS) / bar)
    return n_own * bar < groove.n_steps and len(groove) >= MACHINE[2] and _is_exact(groove.position)


def _is_exact(position: FloatArray) -> bool:
    """Whether all hits stand whole halves or thirds of a step behind the first, as a machine places them."""
    after = position - position[0]
    miss = np.minimum(*(np.abs(after - np.rint(after * parts) / parts) for parts in (2, 3)))
    return bool((miss <= EXACT_STEPS).all())


def _phase(position: FloatArray) -> tuple[float, float]:
    """How far behind the steps all hits stand alike: length of their mean vector (0 to 1), angle in steps."""
    mean = complex(np.exp(2j * np.pi * position).mean())
    return abs(mean), float(np.angle(mean) / (2 * np.pi))


# -- at the end ----------------------------------------------------------------


def _late_hits(groove: Groove, others: FloatArray, end: FileEnd | None) -> Cut | None:
    """A few hits long after the music, which add bars to it.

    A last hit pushed before a bar line is music, and so is what follows it; so are hits from a bar line on where the
    file declares its end with their bar.
    """
    position = groove.position
    gaps = np.diff(groove.seconds(position[-MAX_LATE_HITS - 1 :]))
    n_late = len(gaps) - int(gaps.argmax()) if len(gaps) else 0
    if not n_late or gaps.max() < SILENT_SECONDS or len(position) - n_late < MUSIC_HITS * n_late:
        return None
    music = position[:-n_late]
    line = bar_end(groove.meters, float(music[-1]))
    longest = float(np.diff(groove.seconds(music)).max())
    is_bar = bool((np.abs(groove.bar_lines - position[len(music)]) <= CLICK_STEPS).any())
    is_declared = end is not None and end.is_declared and abs(end.step - groove.n_steps) <= end.slack
    n_bars = int(np.searchsorted(groove.bar_lines, line))
    if (
        gaps.max() < LATE_RATIO * longest
        or line - music[-1] <= PUSHED_STEPS
        or line >= groove.n_steps
        or (others > music[-1]).any()
        or (is_bar and is_declared)
        or (n_bars < 2 and not _is_exact(music))  # a fill played by hand may end with a foot on the hat
    ):
        return None
    return Cut(
        "end",
        float(line),
        f"end with bar {n_bars}",
        f"{counted(n_late, 'hit')} after {gaps.max():.1f} seconds of nothing",
    )
