"""Tempo and meter events, put right: a tick off, repeated by other tracks, or too many.

Steps are sixteenths. Only what programs are known to write is mended, and said: an event a
tick or two late belongs to the start or the bar line that it misses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from math import floor
from typing import TypeVar

from rhythmvae.groove import FASTEST_US, MAX_CHANGES, SLOWEST_US, STEPS_PER_QUARTER, US_PER_MINUTE, Meter, Tempo
from rhythmvae.midi.report import Log
from rhythmvae.midi.write import SECONDS_PER_MINUTE, microseconds
from rhythmvae.text import counted

THINNED_SECONDS = 0.001  # a thinned tempo map is off by at most so much

_Event = TypeVar("_Event", Tempo, Meter)


def of_tracks(events: Sequence[tuple[int, _Event]], what: str, slack: float, log: Log) -> list[_Event]:
    """Events of several tracks, (track, event) in order of tracks, as one list in order of steps.

    Of several at most `slack` steps apart those of the first track count, as the standard has it (the tempo map stands
    in the first track). Of one track's at one step the last counts.
    """
    chosen: dict[float, _Event] = {}
    earlier: dict[int, tuple[float, float, _Event]] = {}  # by spans of `slack`: first and last step, an event
    n_overruled = 0
    for _, own in groupby(events, key=lambda row: row[0]):
        kept: dict[float, _Event] = {}
        for _, event in own:
            span = floor(event.step / slack)
            near = (earlier[i] for i in (span - 1, span, span + 1) if i in earlier)
            other = next((e for low, high, e in near if low - slack <= event.step <= high + slack), None)
            if other is None:
                kept[event.step] = event
            elif replace(other, step=event.step) != event:
                n_overruled += 1
        for event in kept.values():
            span = floor(event.step / slack)
            low, high, _ = earlier.get(span, (event.step, event.step, event))
            earlier[span] = min(low, event.step), max(high, event.step), event
        chosen |= kept
    if n_overruled:
        log.change(
            f"{what}_overruled",
            n_overruled,
            f"{counted(n_overruled, f'{what} event')} of later tracks, against the first track's: ignored.",
        )
    return sorted(chosen.values(), key=lambda e: e.step)


def without_repeats(events: list[_Event]) -> list[_Event]:
    """Events but for those that repeat the one before."""
    return events[:1] + [e for before, e in pairwise(events) if replace(before, step=e.step) != e]


def tempo_from_start(tempos: list[Tempo], slack: float, log: Log) -> list[Tempo]:
    """The first tempo moved to step 0 where it comes at most `slack` steps late."""
    if tempos and 0 < tempos[0].step <= slack:
        log.change("tempo_moved", 1, "The first tempo comes a tick late: it was moved to the start.")
        tempos = [replace(tempos[0], step=0.0), *tempos[1:]]
    return tempos


def meters_on_bar_lines(meters: list[Meter], slack: float, log: Log) -> list[Meter]:
    """Meters moved to the bar line that they miss by at most `slack` steps."""
    moved: list[Meter] = []
    n_moved = 0
    for meter in meters:
        before = moved[-1] if moved else Meter(0.0, 4, 4)
        n_bars = round((meter.step - before.step) / before.steps_per_bar)
        line = before.step + n_bars * before.steps_per_bar
        if 0 < abs(meter.step - line) <= slack:
            meter = replace(meter, step=line)
            n_moved += 1
        if moved and moved[-1].step == meter.step:
            moved.pop()
        moved.append(meter)
    if n_moved:
        log.change("meter_moved", n_moved, f"{counted(n_moved, 'meter event')} a tick off the bar line: moved to it.")
    return moved


def thinned(tempos: list[Tempo], log: Log) -> list[Tempo]:
    """At most MAX_CHANGES tempos where fewer are within THINNED_SECONDS of the truth at every event.

    A kept tempo is a whole number of microseconds a quarter, as files have it. It goes on as long as one such
    number stays within reach of every event's true time; the next begins where the last really arrived.
    """
    if len(tempos) <= MAX_CHANGES:
        return tempos
    kept: list[Tempo] = []
    time = 0.0  # seconds of the truth
    start = 0  # of the tempo being made
    start_time = late = 0.0  # the truth there, and how much later the thinned map is
    low, high = float(FASTEST_US), float(SLOWEST_US)  # microseconds a quarter within reach of every event so far
    fits, fits_time, fits_late = 0, 0.0, 0.0  # the last event within reach
    us = microseconds(tempos[0].bpm)
    for index in range(1, len(tempos)):
        quarters = (tempos[index].step - tempos[index - 1].step) / STEPS_PER_QUARTER
        time += quarters * SECONDS_PER_MINUTE / tempos[index - 1].bpm
        for _ in range(2):
            span = (tempos[index].step - tempos[start].step) / STEPS_PER_QUARTER / 1e6
            lasts = time - start_time - late
            lowest = max(low, (lasts - THINNED_SECONDS) / span)
            highest = min(high, (lasts + THINNED_SECONDS) / span)
            best = round(min(max(lasts / span, lowest), highest))
            if lowest <= best <= highest or fits == start:
                break
            kept.append(Tempo(tempos[start].step, US_PER_MINUTE / us))
            start, start_time, late = fits, fits_time, fits_late
            low, high = float(FASTEST_US), float(SLOWEST_US)
        low, high, us = lowest, highest, best
        fits, fits_time, fits_late = index, time, best * span - lasts
    kept.append(Tempo(tempos[start].step, US_PER_MINUTE / us))
    if kept[-1].step < tempos[-1].step:
        kept.append(tempos[-1])
    log.change(
        "tempo_thinned",
        len(tempos) - len(kept),
        f"{len(tempos):,} tempo changes were thinned to {len(kept):,}, within 1 ms of the file's time.",
    )
    return kept
