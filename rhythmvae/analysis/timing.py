"""Where hits lie against the grid that a groove itself plays: subdivision, swing, and each drum before or behind.

Conventions. A *pulse* is a quarter note counted from the bar line, or a dotted quarter in 6/8, 9/8 and 12/8; the
*phase* of a hit is its place in its pulse, 0 to 1. The *line* of a hit is where the grid of the groove has it: on the
16ths, swung where the groove swings, or on triplets, sextuplets or 32nds in a pulse that plays those. What is left
is the hit's *deviation*, in steps of a 16th: positive is late.

Swing is stated as a share: the second of two eighths (or 16ths) comes at `share` of the pair. 0.5 is straight, 2/3 is
a triplet shuffle; Linn's percent is 100 times it, and the ratio of long to short is share / (1 - share).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rhythmvae.analysis.many import Many
from rhythmvae.groove import STEPS_PER_QUARTER, BoolArray, FloatArray, Groove, IntArray
from rhythmvae.kit import N_VOICES

# Kinds of subdivision of a pulse, the coarsest first: how many lines each has.
SIMPLE, COMPOUND = (4, 3, 6, 8), (6, 12)
NOISE = 0.012  # of a pulse (6 ms at 120 BPM): what lies closer together on two grids says nothing for the finer one
SECOND = (0.42, 0.72)  # phase of what counts as the second of two, in its pair
ON_PULSE = 0.1  # phase by which a hit may miss its pulse and be on it
SPREAD = 0.06  # by which seconds may differ from their median, as a share of the pair, and be one swing
SWUNG_FROM = 0.53  # share: less is straight as people play it
COHERENT = 0.75  # of the seconds have to lie within SPREAD for a groove to swing
IN_DOUBT = np.array([1.0, 1.4, 1.4, 1.4])  # by which the cost of another grid than the first has to be less
TRIPLET_FROM = 0.58  # share from which swung eighths are the first and last of a triplet


@dataclass(frozen=True, eq=False)
class Timing:
    """The grid of a groove and its hits on it. Arrays are (N,), in the groove's order.

    bar: index of the bar of each hit's line. bar_start: where that bar begins, in steps. line: in steps, from the
    groove's start. deviation: from the line, in steps. kind: number of lines of the hit's pulse. pulse: index of the
    pulse, in order. pulse_steps: its length. phase: place of the line in its pulse, 0 to 1. nominal: where the line is
    written, in steps from its bar: as played, with the swing taken out.
    swing_steps: length of what swings, in steps (2 an eighth, 1 a 16th); share: its swing; both None where nothing
    tells, share 0.5 or about where it is straight.
    """

    groove: Groove
    bar: IntArray
    bar_start: FloatArray
    pulse: IntArray
    pulse_steps: FloatArray
    kind: IntArray
    line: FloatArray
    deviation: FloatArray
    phase: FloatArray
    nominal: FloatArray
    swing_steps: int | None
    share: float | None

    @property
    def is_swung(self) -> bool:
        return self.share is not None and self.share >= SWUNG_FROM

    @cached_property
    def offset_ms(self) -> FloatArray:
        """(N,) how late each hit is against its line, in milliseconds."""
        seconds = self.groove.seconds
        return np.asarray((seconds(self.line + self.deviation) - seconds(self.line)) * 1e3)


@dataclass(frozen=True, eq=False)
class _Swings:
    """What swings in G grooves: steps (G,) of it, 0 where nothing tells, and share (G,), nan there."""

    steps: IntArray
    share: FloatArray

    @property
    def is_swung(self) -> BoolArray:
        return np.asarray(self.share >= SWUNG_FROM)

    @property
    def turns(self) -> IntArray:
        """(G,) pairs of a quarter note."""
        return np.where(self.steps == 2, 1, 2)

    def said(self) -> tuple[list[int | None], list[float | None]]:
        """Steps and shares of the grooves, None where nothing tells."""
        steps, shares = self.steps.tolist(), self.share.tolist()
        told = [share if own else None for share, own in zip(shares, steps, strict=True)]
        return [own or None for own in steps], told


# -- the grid ------------------------------------------------------------------


def timing(groove: Groove) -> Timing:
    """The grid that a groove plays, and its hits on it.

    Swing is looked for in the whole groove; then each pulse takes the coarsest of 16ths, triplets, sextuplets and
    32nds that its hits fit (in a pulse of a dotted quarter: 16ths or 32nds).
    """
    return timings(Many([groove]))[0]


def timings(many: Many) -> list[Timing]:
    """`timing` of each groove."""
    position, lines = many.loop_position, many.lines
    bar = many.bar_at(position)
    pulse_steps = _pulse_steps(many, bar)
    is_compound = pulse_steps > STEPS_PER_QUARTER
    at = many.first_line[many.groove] + bar
    place = (position - lines[at]) / pulse_steps
    index = np.floor(place)
    phase = place - index
    played = phase - _lateness(phase, many.drum, many.n)[many.drum]
    swings = _swing(np.mod(played, 1.0), ~is_compound, many)
    # A hit just before a pulse belongs to it; pulses are numbered over all bars, a bar having no more than 2 ** 20.
    pulse = bar * (1 << 20) + index.astype(np.int64)
    kind, nearest = _lines(played, (many.groove << 40) + pulse, is_compound, swings, many.groove)
    own_bar, line, deviation = _into_bars(lines[at] + (index + nearest) * pulse_steps, position, bar, many)
    start = lines[many.first_line[many.groove] + own_bar]
    place = (line - start) / pulse_steps
    own_pulse = np.floor(place + 1e-9)
    phase = np.mod(place + 1e-9, 1.0)
    columns = (own_bar, start, own_bar * (1 << 20) + own_pulse.astype(np.int64), pulse_steps, kind, line, deviation)
    nominal = _nominal(own_pulse, phase, pulse_steps, swings, many.groove)
    parts = (many.parts(column) for column in (*columns, phase, nominal))
    return [Timing(*row) for row in zip(many.grooves, *parts, *swings.said(), strict=True)]


def _pulse_steps(many: Many, bar: IntArray) -> FloatArray:
    """(H,) the length of each hit's pulse, in steps."""
    found = many.each(lambda groove: groove.meters[0].pulse_steps)
    for i, groove in enumerate(many.grooves):
        if len(groove.meters) > 1:
            own = slice(many.edges[i], many.edges[i + 1])
            found[own] = np.array([groove.meter_at(line).pulse_steps for line in groove.bar_lines[:-1]])[bar[own]]
    return np.asarray(found, np.float64)


def _lateness(phase: FloatArray, drum: IntArray, n: int) -> FloatArray:
    """(G V,) how late each drum is on the pulses, as a share of one; 0 for a drum that plays none."""
    from_pulse = phase - np.rint(phase)
    on = np.abs(from_pulse) < ON_PULSE
    n_on = np.bincount(drum[on], minlength=n * N_VOICES)
    return np.asarray(np.bincount(drum[on], from_pulse[on], n * N_VOICES) / np.maximum(n_on, 1))


def _into_bars(
    line: FloatArray, position: FloatArray, bar: IntArray, many: Many
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Bars and lines of hits, those whose line is the next bar's first (or the groove's end) with that bar."""
    deviation = position - line
    following = many.lines[many.first_line[many.groove] + bar + 1]
    last = many.each(lambda groove: groove.n_bars) - 1
    is_next = line >= following - 1e-6
    line = np.where(is_next & (bar < last), following, line)
    deviation = np.where(is_next, position - line, deviation)
    bar = np.where(is_next, bar + 1, bar)
    is_over = bar > last
    return np.where(is_over, 0, bar), np.where(is_over, 0.0, line), deviation


def _nominal(
    pulse: FloatArray, phase: FloatArray, pulse_steps: FloatArray, swings: _Swings, groove: IntArray
) -> FloatArray:
    """(H,) where lines are written, in steps from their bar."""
    swung = np.flatnonzero(swings.is_swung[groove])
    if len(swung):
        share, turns = swings.share[groove[swung]], swings.turns[groove[swung]]
        pair, within = np.floor(phase[swung] * turns + 1e-9), np.mod(phase[swung] * turns + 1e-9, 1.0) - 1e-9
        early, late = within / (2 * share), 0.5 + (within - share) / (2 * (1 - share))
        phase = phase.copy()
        phase[swung] = (pair + np.where(within < share, early, late)) / turns
    return np.asarray(np.round((pulse + phase) * pulse_steps, 6))


def _lines(
    phase: FloatArray, pulse: IntArray, is_compound: BoolArray, swings: _Swings, groove: IntArray
) -> tuple[IntArray, FloatArray]:
    """For each hit the number of lines of its pulse, and the nearest of them as a phase, 0 to 1 included."""
    kind, nearest = np.zeros(len(phase), np.int64), np.zeros(len(phase))
    for chosen, kinds in ((~is_compound, SIMPLE), (is_compound, COMPOUND)):
        if chosen.any():
            grids: list[FloatArray] = [np.rint(phase[chosen] * n) / n for n in kinds]
            if kinds is SIMPLE:
                _swing_lines(grids, phase[chosen], swings, groove[chosen])
            kind[chosen], nearest[chosen] = _fitting(phase[chosen], pulse[chosen], kinds, grids)
    return kind, nearest


def _swing_lines(grids: list[FloatArray], phase: FloatArray, swings: _Swings, groove: IntArray) -> None:
    """Puts the swung 16ths and triplets in place of the even ones, in grooves that swing."""
    swung = np.flatnonzero(swings.is_swung[groove])
    if not len(swung):
        return
    share, steps = swings.share[groove[swung]], swings.steps[groove[swung]]
    grids[0][swung] = _nearest(phase[swung], _swung_lines(steps, share))
    is_triplet = (steps == 2) & (share >= TRIPLET_FROM)
    swung, share = swung[is_triplet], share[is_triplet]
    ends = np.zeros(len(share)), np.full(len(share), 1 / 3), share, np.ones(len(share))
    grids[1][swung] = _nearest(phase[swung], np.stack(ends, 1))


def _fitting(
    phase: FloatArray, pulse: IntArray, kinds: tuple[int, ...], grids: list[FloatArray]
) -> tuple[IntArray, FloatArray]:
    """`_lines` of hits whose pulses are of one length, on the grid of each kind."""
    _, own = np.unique(pulse, return_inverse=True)
    nearest = np.stack(grids)
    miss = (phase - nearest) ** 2
    n_hits = np.bincount(own)
    # Misses in units of what chance would give on a grid of n lines, 1 / (n sqrt(12)).
    cost = [(np.sqrt(np.bincount(own, m) / n_hits) + NOISE) * n * 12**0.5 for m, n in zip(miss, kinds, strict=True)]
    best = np.argmin(np.array(cost) * IN_DOUBT[: len(kinds), None], axis=0)[own]
    return np.array(kinds)[best], nearest[best, np.arange(len(phase))]


def _swung_lines(steps: IntArray, share: FloatArray) -> FloatArray:
    """(N, 5) lines of a quarter note whose eighths or 16ths swing; between swung eighths there are lines half-way."""
    second = np.where(steps == 1, 0.5, share)
    last = np.where(steps == 2, (second + 1) / 2, 0.5 + share / 2)
    return np.stack([np.zeros(len(share)), share / 2, second, last, np.ones(len(share))], 1)


def _nearest(phase: FloatArray, lines: FloatArray) -> FloatArray:
    """(N,) the nearest to each phase of its lines (N, L)."""
    index = ((lines[:, 1:] + lines[:, :-1]) / 2 < phase[:, None]).sum(1)
    return np.asarray(lines[np.arange(len(phase)), index])


# -- swing ---------------------------------------------------------------------


def _swing(phase: FloatArray, is_simple: BoolArray, many: Many) -> _Swings:
    """What swings in each groove, from its phases (H,) in quarter notes; pulses of other lengths are left out."""
    is_between = is_simple & ((phase > 0.17) & (phase < 0.42) | (phase >= 0.72) & (phase < 0.92))
    is_second = is_simple & (phase >= SECOND[0]) & (phase < SECOND[1])
    eighths = _shares(phase, is_second, is_simple, many)
    half = np.mod(phase * 2, 1.0)
    sixteenths = _shares(half, is_between & (half >= SECOND[0]) & (half < SECOND[1]), is_simple, many)
    n_seconds, n_between = many.count(is_second), many.count(is_between)
    is_triplet = many.count(is_between & (np.abs(phase - 1 / 3) < SPREAD / 2)) > 0.5 * n_between
    has_eighths = ~np.isnan(eighths)
    of_eighths = (eighths >= SWUNG_FROM) & ((n_between <= n_seconds / 2) | is_triplet)
    of_16ths = ~np.isnan(sixteenths) & ((sixteenths >= SWUNG_FROM) | ~has_eighths) & ~(is_triplet & (n_seconds > 0))
    of_16ths &= ~of_eighths
    steps = np.where(of_16ths, 1, np.where(has_eighths, 2, 0))
    return _Swings(steps, np.where(of_16ths, sixteenths, eighths))


def _shares(phase: FloatArray, is_second: BoolArray, is_simple: BoolArray, many: Many) -> FloatArray:
    """(G,) where the second of two comes, as a share of the pair; nan where there is none or they do not agree.

    Each drum may be early or late by itself: the share is the difference between a drum's seconds and its firsts,
    all drums weighed by what they tell (the estimate of least squares with an offset for each drum).
    """
    n_second = many.count(is_second)
    ordered = phase[is_second][np.lexsort((phase[is_second], many.groove[is_second]))]
    middles = np.append(ordered, 0.0)[np.minimum(np.cumsum(n_second) - n_second + n_second // 2, len(ordered))]
    is_off = is_second & (np.abs(phase - middles[many.groove]) < SPREAD)
    n_off = many.count(is_off)
    from_start = phase - (phase > 0.9)
    is_on = is_simple & (np.abs(from_start) < ON_PULSE)
    used = is_on | is_off
    drum, groove = many.drum[used], many.groove[used]
    x, y = is_off[used].astype(float), np.where(is_off, phase, from_start)[used]
    n_own = np.maximum(np.bincount(drum, minlength=many.n * N_VOICES), 1)
    x_own = x - (np.bincount(drum, x, many.n * N_VOICES) / n_own)[drum]
    spread = np.bincount(groove, x_own * x, many.n)  # 0 where no drum plays firsts and seconds
    slope = np.bincount(groove, x_own * y, many.n) / np.where(spread > 0, spread, 1.0)
    means = [
        np.bincount(many.groove[own], values[own], many.n) / np.maximum(many.count(own), 1)
        for own, values in ((is_off, phase), (is_on, from_start))
    ]
    is_told = (n_second > 0) & (n_off >= COHERENT * n_second)
    return np.where(is_told, np.where(spread > 0, slope, means[0] - means[1]), np.nan)
