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
    pulse, in order. pulse_steps: its length.
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

    @cached_property
    def phase(self) -> FloatArray:
        """(N,) place of each hit's line in its pulse, 0 to 1."""
        return np.asarray(np.mod((self.line - self.bar_start) / self.pulse_steps + 1e-9, 1.0))

    @cached_property
    def nominal(self) -> FloatArray:
        """(N,) where each hit's line is written, in steps from its bar: as played, with the swing taken out."""
        pulse = np.floor((self.line - self.bar_start) / self.pulse_steps + 1e-9)
        phase = self.phase
        if self.is_swung and self.share is not None:
            turns = 1 if self.swing_steps == 2 else 2
            pair, within = np.floor(phase * turns + 1e-9), np.mod(phase * turns + 1e-9, 1.0) - 1e-9
            early = within / (2 * self.share)
            late = 0.5 + (within - self.share) / (2 * (1 - self.share))
            phase = (pair + np.where(within < self.share, early, late)) / turns
        return np.asarray(np.round((pulse + phase) * self.pulse_steps, 6))


# -- the grid ------------------------------------------------------------------


def timing(groove: Groove) -> Timing:
    """The grid that a groove plays, and its hits on it.

    Swing is looked for in the whole groove; then each pulse takes the coarsest of 16ths, triplets, sextuplets and
    32nds that its hits fit (in a pulse of a dotted quarter: 16ths or 32nds).
    """
    position = groove.loop_position
    lines = groove.bar_lines
    bar = np.clip(np.searchsorted(lines, position, side="right") - 1, 0, len(lines) - 2)
    if len(groove.meters) == 1:
        pulse_steps = np.full(len(bar), groove.meters[0].pulse_steps)
    else:
        pulse_steps = np.array([groove.meter_at(line).pulse_steps for line in lines[:-1]])[bar]
    is_compound = pulse_steps > STEPS_PER_QUARTER
    place = (position - lines[bar]) / pulse_steps
    index = np.floor(place)
    phase = place - index
    played = phase - _lateness(phase, groove.voice)[groove.voice]
    swing_steps, share = _swing(np.mod(played[~is_compound], 1.0), groove.voice[~is_compound])
    # A hit just before a pulse belongs to it; pulses are numbered over all bars, a bar having no more than 2 ** 20.
    pulse = bar * (1 << 20) + index.astype(np.int64)
    kind, nearest = _lines(played, pulse, is_compound, swing_steps, share)
    line = lines[bar] + (index + nearest) * pulse_steps
    own_bar, own_line, deviation = _into_bars(line, position, lines, bar)
    start = lines[own_bar]
    own_pulse = own_bar * (1 << 20) + np.floor((own_line - start) / pulse_steps + 1e-9).astype(np.int64)
    return Timing(groove, own_bar, start, own_pulse, pulse_steps, kind, own_line, deviation, swing_steps, share)


def _lateness(phase: FloatArray, voice: IntArray) -> FloatArray:
    """(V,) how late each drum is on the pulses, as a share of one; 0 for a drum that plays none."""
    from_pulse = phase - np.rint(phase)
    on = np.abs(from_pulse) < ON_PULSE
    n = np.bincount(voice[on], minlength=N_VOICES)
    return np.asarray(np.bincount(voice[on], from_pulse[on], N_VOICES) / np.maximum(n, 1))


def _into_bars(
    line: FloatArray, position: FloatArray, lines: FloatArray, bar: IntArray
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Bars and lines of hits, those whose line is the next bar's first (or the groove's end) with that bar."""
    deviation = position - line
    is_next = line >= lines[bar + 1] - 1e-6
    line = np.where(is_next & (bar < len(lines) - 2), lines[bar + 1], line)
    deviation = np.where(is_next, position - line, deviation)
    bar = np.where(is_next, bar + 1, bar)
    is_over = bar > len(lines) - 2
    return np.where(is_over, 0, bar), np.where(is_over, 0.0, line), deviation


def _lines(
    phase: FloatArray, pulse: IntArray, is_compound: BoolArray, swing_steps: int | None, share: float | None
) -> tuple[IntArray, FloatArray]:
    """For each hit the number of lines of its pulse, and the nearest of them as a phase, 0 to 1 included."""
    kind, nearest = np.zeros(len(phase), np.int64), np.zeros(len(phase))
    for chosen, kinds in ((~is_compound, SIMPLE), (is_compound, COMPOUND)):
        if chosen.any():
            swung = (swing_steps, share) if kinds is SIMPLE else (None, None)
            kind[chosen], nearest[chosen] = _fitting(phase[chosen], pulse[chosen], kinds, *swung)
    return kind, nearest


def _fitting(
    phase: FloatArray, pulse: IntArray, kinds: tuple[int, ...], swing_steps: int | None, share: float | None
) -> tuple[IntArray, FloatArray]:
    """`_lines` of hits whose pulses are of one length."""
    _, own = np.unique(pulse, return_inverse=True)
    grids: list[FloatArray] = [np.rint(phase * n) / n for n in kinds]
    if share is not None and share >= SWUNG_FROM:
        grids[0] = _nearest(phase, _swung_lines(swing_steps, share))
        if swing_steps == 2 and share >= TRIPLET_FROM:
            grids[1] = _nearest(phase, (0.0, 1 / 3, share, 1.0))
    nearest = np.stack(grids)
    miss = (phase - nearest) ** 2
    n_hits = np.bincount(own)
    # Misses in units of what chance would give on a grid of n lines, 1 / (n sqrt(12)).
    cost = [(np.sqrt(np.bincount(own, m) / n_hits) + NOISE) * n * 12**0.5 for m, n in zip(miss, kinds, strict=True)]
    best = np.argmin(np.array(cost) * IN_DOUBT[: len(kinds), None], axis=0)[own]
    return np.array(kinds)[best], nearest[best, np.arange(len(phase))]


def _swung_lines(swing_steps: int | None, share: float) -> tuple[float, ...]:
    """Lines of a quarter note whose eighths or 16ths swing; half-way between swung eighths there are lines too."""
    second = 0.5 if swing_steps == 1 else share
    return 0.0, share / 2, second, (second + 1) / 2 if swing_steps == 2 else 0.5 + share / 2, 1.0


def _nearest(phase: FloatArray, lines: tuple[float, ...]) -> FloatArray:
    grid = np.array(lines)
    return np.asarray(grid[np.searchsorted((grid[1:] + grid[:-1]) / 2, phase)])


# -- swing ---------------------------------------------------------------------


def _swing(phase: FloatArray, voice: IntArray) -> tuple[int | None, float | None]:
    """What swings (2 eighths, 1 16ths; in steps) and its share, from phases (N,) in quarter notes."""
    between = (phase > 0.17) & (phase < 0.42) | (phase >= 0.72) & (phase < 0.92)
    eighths = _share(phase, voice)
    sixteenths = _share(np.mod(phase * 2, 1.0), voice, between)
    n_seconds = int(((phase >= SECOND[0]) & (phase < SECOND[1])).sum())
    n_between = int(between.sum())
    is_triplet = n_between > 0 and bool((np.abs(phase[between] - 1 / 3) < SPREAD / 2).mean() > 0.5)
    if eighths is not None and eighths >= SWUNG_FROM and (n_between <= n_seconds / 2 or is_triplet):
        return 2, eighths
    if sixteenths is not None and (sixteenths >= SWUNG_FROM or eighths is None) and not (is_triplet and n_seconds):
        return 1, sixteenths
    return (2, eighths) if eighths is not None else (None, None)


def _share(phase: FloatArray, voice: IntArray, among: BoolArray | None = None) -> float | None:
    """Where the second of two comes, as a share of the pair; None where there is none or they do not agree.

    Each drum may be early or late by itself: the share is the difference between a drum's seconds and its firsts,
    all drums weighed by what they tell (the estimate of least squares with an offset for each drum).
    """
    is_second = (phase >= SECOND[0]) & (phase < SECOND[1])
    if among is not None:
        is_second &= among
    if not is_second.any():
        return None
    middle = np.sort(phase[is_second])[is_second.sum() // 2]
    is_off = is_second & (np.abs(phase - middle) < SPREAD)
    if is_off.sum() < COHERENT * is_second.sum():
        return None
    from_start = phase - (phase > 0.9)
    is_on = np.abs(from_start) < ON_PULSE
    used = is_on | is_off
    x, y, v = is_off[used].astype(float), np.where(is_off, phase, from_start)[used], voice[used]
    n = np.maximum(np.bincount(v, minlength=N_VOICES), 1)
    x_own = x - (np.bincount(v, x, N_VOICES) / n)[v]
    spread = float((x_own * x).sum())  # 0 where no drum plays firsts and seconds
    if spread > 0:
        return float((x_own * y).sum() / spread)
    return float(phase[is_off].mean() - (from_start[is_on].mean() if is_on.any() else 0.0))
