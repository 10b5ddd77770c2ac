"""Where a groove ends, by its hits, its bars and the end that its file declares.

Bars are those of the last meter. A *declared* end is an end of track that stands behind
the track's last event; an end of track right behind the last note-off says little, since
many programs put it there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

import numpy as np

from rhythmvae.groove import STEPS_PER_QUARTER, FloatArray, IntArray, Meter
from rhythmvae.kit import VOICE_INDEX
from rhythmvae.midi.report import Log
from rhythmvae.text import counted

_HALF_STEP = 0.5
_ROUNDING = 1e-9  # bars of a fraction of a step do not add up exactly
# A loop that is not whole bars is believed up to so many quarters where the file has a meter, and
# where it has none: a song whose track ends on a beat of its last bar is no loop of that length.
MAX_ODD_QUARTERS = {True: 12, False: 16}
MIN_ODD_STEPS = 8
FEW_STEPS_IN, MANY_STEPS_LEFT = 6, 8  # of a bar that ends on an eighth which no meter and no declared end makes likely
MAX_LOOP_BARS = 16  # what is longer is a song, whose drums may end long before it
# Meters tried for a loop that is not whole bars, the most usual first.
_FITTING = ((3, 4), (5, 4), (7, 4), (2, 4), (7, 8), (5, 8))


@dataclass(frozen=True)
class FileEnd:
    """The end of a file's drum tracks.

    step: in steps. is_declared: behind the last event. slack: steps of the tick or two by which programs miss.
    """

    step: float
    is_declared: bool
    slack: float


def bar_end(meters: Sequence[Meter], position: float) -> int:
    """First step behind the bar that holds a position (steps)."""
    index = max((i for i, m in enumerate(meters) if m.step <= position), default=0)
    meter = meters[index]
    n_bars = floor((position - meter.step) / meter.steps_per_bar + _ROUNDING) + 1
    end = meter.step + n_bars * meter.steps_per_bar
    if index + 1 < len(meters):
        end = min(end, meters[index + 1].step)
    return max(ceil(end - _ROUNDING), floor(position) + 1)


def n_bars_until(meters: Sequence[Meter], step: float) -> int:
    """Bars up to a bar line."""
    ends = [m.step for m in meters[1:]] + [step]
    return sum(
        ceil((min(end, step) - m.step) / m.steps_per_bar - _ROUNDING)
        for m, end in zip(meters, ends, strict=True)
        if m.step < step
    )


def end_of(
    position: FloatArray,
    voice: IntArray,
    meters: Sequence[Meter],
    end: FileEnd | None,
    has_meter: bool,
    log: Log,
) -> tuple[int, Meter | None]:
    """Length in steps, and the meter of a loop that its own does not divide.

    A hit at most half a step before a bar line belongs to the bar that ends there, but for a crash
    where the file does not end on the line. Silence of whole bars that the file declares is kept where it makes the
    loop whole (see `_is_whole`). A loop that ends on a beat within its bar ends there.
    """
    last = float(position.max())
    line = bar_end(meters, last)
    n_pushed = int((position >= line - _HALF_STEP).sum()) if line - last <= _HALF_STEP else 0
    if n_pushed:
        is_crash = bool((voice[position >= line - _HALF_STEP] == VOICE_INDEX["crash"]).any())
        if is_crash and not (end is not None and abs(end.step - line) < end.slack / 4):
            log.change(
                "pushed",
                n_pushed,
                f"{counted(n_pushed, 'hit')} just before bar {n_bars_until(meters, line) + 1}: "
                "with a crash, and the file does not end there: that bar counts.",
            )
            return bar_end(meters, line), None
        log.change(
            "pushed",
            n_pushed,
            f"{counted(n_pushed, 'hit')} in the last half step of the last bar: kept there, and no bar was added.",
        )
    if end is None:
        return line, None
    if abs(last - end.step) <= end.slack and abs(last - (line - meters[-1].steps_per_bar)) <= end.slack:
        log.change("note_at_end", 1, "The last hit stands at the very end of the file: the bar that it begins counts.")
    odd = _odd_end(position, line, meters[-1], end, has_meter)
    if odd is not None:
        return odd, _fitting_meter(odd, meters, log)
    silent = _silent_end(line, meters, end)
    n_music = n_bars_until(meters, line)
    if silent is not None:
        n_declared = n_bars_until(meters, silent)
        if _is_whole(n_music, n_declared):
            log.change(
                "silence_kept",
                n_declared - n_music,
                f"{counted(n_declared - n_music, 'silent bar')} at the end, as the file declares.",
            )
            return silent, None
        log.change(
            "silence_cut",
            n_declared - n_music,
            f"The file ends {counted(n_declared - n_music, 'bar')} behind its last hit: that silence was cut.",
        )
    return line, None


def _is_whole(n_music: int, n_declared: int) -> bool:
    """Whether declared silence belongs to the loop: one bar of it, or what fills 3, 5, 6, 7... bars up to 4, 8, 16.

    Behind 1, 2, 4, 8... bars of music more silence is what an export left: 502 loops of one pack end four
    bars behind their music, and a project's tracks may end a hundred bars behind.
    """
    is_power = n_declared & (n_declared - 1) == 0
    is_open = n_music & (n_music - 1) != 0
    return n_declared == n_music + 1 or (is_open and is_power and n_declared <= min(MAX_LOOP_BARS, 4 * n_music))


def _silent_end(line: int, meters: Sequence[Meter], end: FileEnd) -> int | None:
    """The bar line at which the file ends, behind the last bar with hits."""
    if end.step < line + meters[-1].steps_per_bar - end.slack:
        return None
    nearest = bar_end(meters, end.step - meters[-1].steps_per_bar / 2)
    return nearest if abs(nearest - end.step) <= end.slack else None


def _odd_end(position: FloatArray, line: int, meter: Meter, end: FileEnd, has_meter: bool) -> int | None:
    """The beat within the last bar on which the file ends, if it says so."""
    steps, last = round(end.step), float(position.max())
    unit = meter.beat_steps if has_meter else STEPS_PER_QUARTER
    # Without a meter an eighth will do, if declared, or amid the bar: a bar may well lack its last hits.
    is_amid = steps - (line - meter.steps_per_bar) >= FEW_STEPS_IN and line - steps >= MANY_STEPS_LEFT
    if not has_meter and (end.is_declared or is_amid):
        unit = STEPS_PER_QUARTER / 2
    is_beat = abs(end.step - steps) <= end.slack and steps % unit == 0
    if not (is_beat and MIN_ODD_STEPS <= steps < line and steps > last):
        return None
    if steps > MAX_ODD_QUARTERS[has_meter] * STEPS_PER_QUARTER:
        return None
    if end.is_declared:
        return steps
    # Not declared: a meter's bars are believed, and without a meter machine notes that fill the file.
    is_filled = steps - last < STEPS_PER_QUARTER and bool((np.abs(position * 12 - np.rint(position * 12)) < 0.01).all())
    return steps if is_filled and not has_meter else None


def _fitting_meter(n_steps: int, meters: Sequence[Meter], log: Log) -> Meter | None:
    quarters = n_steps / STEPS_PER_QUARTER
    meter = None
    if len(meters) == 1 and n_steps % meters[0].steps_per_bar:
        fitting = (Meter(0.0, *m) for m in _FITTING)
        meter = next((m for m in fitting if n_steps % m.steps_per_bar == 0), None)
    said = f"read in {meter}" if meter else f"{meters[-1]} with a short last bar"
    log.change("not_whole_bars", 1, f"The file ends after {quarters:g} quarter notes, which is no whole bar: {said}.")
    return meter
