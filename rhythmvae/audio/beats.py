"""Hits that were heard to a groove: tempo, meter, bars, and every onset where it was heard.

Time 0 of the groove is the sound's first sample. What sounds before the first downbeat is a lead-in: a short first bar
with a tempo of its own, so that the bars behind it begin where they are heard. A loop, whose length is whole bars, has
one tempo; so has a take that keeps time to STEADY_SECONDS. The tempo of any other follows the player bar by bar
(`audio/tracking.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import ceil

import numpy as np

from rhythmvae.analysis.lines import BEATS
from rhythmvae.analysis.pulse import heard_meter
from rhythmvae.analysis.rhythm import subdivision
from rhythmvae.analysis.timing import timing
from rhythmvae.audio import tempo
from rhythmvae.audio.formats import LOOP_BPM, Loop
from rhythmvae.audio.hits import Heard
from rhythmvae.audio.tempo import Reading
from rhythmvae.audio.tracking import tracked as beats_of
from rhythmvae.errors import AudioError
from rhythmvae.groove import (
    MAX_STEPS,
    STEPS_PER_QUARTER,
    US_PER_MINUTE,
    FloatArray,
    Groove,
    Meter,
    Tempo,
)

# Log odds of a tempo for being claimed: by "92bpm" in a name, by a chunk of the file, by a number alone in a name.
BY_NAME, BY_CHUNK, BY_NUMBER = 4.0, 4.0, 1.5
NAMED_BPM = (50.0, 220.0)  # numbers outside are no tempo, unless "bpm" is beside them
IN_DOUBT = 0.4  # log odds by which the best tempo is ahead, up to which another is asked about
OTHER_TEMPO = 0.03  # tempos closer than this (of one) are no other ones
AT_ZERO = 0.02  # seconds: a downbeat so early is where the sound begins
WHOLE_BEATS = 0.03  # seconds by which a loop may miss whole beats
SHORT_SECONDS = 6.0  # a sound that is shorter keeps time
EVEN_SECONDS = 20.0  # one that is shorter, and keeps time, has one tempo
# Mean cosine of the hits' places between two lines, in which time is kept; those that lie anywhere have 0.
IN_LOOP, IN_TAKE = 0.1, 0.3
ALL_BEATS = (16.0, 64.0, 256.0, 4096.0)  # from the first within which hits tell of a steady tempo, the nearest first
FEW_BEATS = 8  # fewer tell nothing of a tempo that moves
LATEST_START = 0.4  # of a bar: music that begins later is an upbeat to the next one
STEADY_SECONDS = 0.03  # by which beats may leave a steady tempo


@dataclass(frozen=True)
class Wish:
    """What the user says of the tempo, the meter and the one (seconds, of any bar); None leaves it to what is heard."""

    bpm: float | None = None
    meter: tuple[int, int] | None = None
    one: float | None = None


@dataclass(frozen=True, eq=False)
class Barred:
    """A groove from what was heard.

    downbeat_seconds: the first of a whole bar. other_bpm: tempos that are nearly as likely, or that the file claims.
    """

    groove: Groove
    downbeat_seconds: float
    other_bpm: tuple[float, ...] = field(default=())


def to_groove(heard: Heard, name: str, wish: Wish | None = None, loop: Loop | None = None) -> Barred:
    """The groove of what was heard.

    Args:
        name: of the file, which may say its tempo. loop: what the file says of itself.

    Raises:
        AudioError: nothing was heard.
    """
    wish = Wish() if wish is None else wish
    if not len(heard):
        raise AudioError("expected drums, heard none")
    claims = {} if wish.bpm else claimed(name, loop, heard.duration_seconds)
    found = _read(heard, wish, claims)
    beats = _beats(heard, found[0])
    if wish.one is not None:
        beats = beats.through(wish.one)
    beats, meter = _bars(heard, beats, wish, loop)
    others = () if wish.bpm else _others(found, claims)
    groove = _groove(heard, beats, meter)
    return Barred(replace(groove, title=_title(name), source=name), max(beats.downbeat, 0.0), others)


# -- tempo ---------------------------------------------------------------------


def claimed(name: str, loop: Loop | None, duration: float) -> dict[float, float]:
    """Tempos that a file claims, by its name or in itself, and the log odds that this gives them.

    >>> claimed("Funk_92bpm_v2", None, 8.0), claimed("break 174.wav", None, 8.0), claimed("take 7", None, 8.0)
    ({92.0: 4.0}, {174.0: 1.5}, {})
    """
    found: dict[float, float] = {}
    if loop is not None and loop.bpm:
        found[loop.bpm] = BY_CHUNK
    if loop is not None and loop.n_beats and duration > 0:
        found[60.0 * loop.n_beats / duration] = BY_CHUNK
    stem = re.sub(r"\.\w{2,4}$", "", name.replace("\\", "/").rpartition("/")[2])
    said = re.search(r"(?<![\d.])(\d{2,3}(?:\.\d{1,2})?)[ _-]?bpm|bpm[ _-]?(\d{2,3}(?:\.\d{1,2})?)(?!\d)", stem, re.I)
    if said:
        found.setdefault(float(said[1] or said[2]), BY_NAME)
    else:
        numbers = [float(each) for each in re.findall(r"(?<![^\s_\-()\[\]])(\d{2,3})(?![^\s_\-()\[\]])", stem)]
        for number in numbers:
            if NAMED_BPM[0] <= number <= NAMED_BPM[1]:
                found.setdefault(number, BY_NUMBER)
    return {bpm: odds for bpm, odds in found.items() if LOOP_BPM[0] <= bpm <= LOOP_BPM[1]}


def _read(heard: Heard, wish: Wish, claims: Mapping[float, float]) -> list[Reading]:
    if wish.bpm:
        return tempo.readings(heard, only=60.0 / wish.bpm)
    found = tempo.readings(heard, claims)
    # A claim that is an octave away is believed: of octaves a file knows more than its hits say.
    sure = [bpm for bpm, odds in claims.items() if odds > BY_NUMBER]
    ratios = np.abs(np.outer([found[0].bpm, 2 * found[0].bpm, found[0].bpm / 2], 1 / np.array(sure or [np.inf])) - 1)
    if sure and ratios.min() < tempo.SAME:
        found.sort(key=lambda own: min(abs(own.bpm / bpm - 1) for bpm in sure) > tempo.SAME)  # of equals the likeliest
    return found


def _at_music(reading: Reading, first: float) -> Reading:
    """The reading from the bar in which music begins: the bar of the first hit, or the next for an upbeat to it."""
    bar = BEATS * reading.beat
    place = (first + tempo.AT_START - reading.downbeat) / bar
    one = reading.downbeat + bar * (np.floor(place) + (place % 1 > LATEST_START))
    return replace(reading, downbeat=float(one if one > -tempo.AT_START else one + bar))


def _others(found: list[Reading], claims: Mapping[float, float]) -> tuple[float, ...]:
    """Tempos nearly as likely as the one taken, and those that are claimed and were not taken."""
    best = found[0]
    near = [
        other.bpm
        for other in found[1:]
        if best.score - other.score < IN_DOUBT and abs(other.bpm / best.bpm - 1) > OTHER_TEMPO
    ]
    refused = [bpm for bpm, odds in claims.items() if odds > BY_NUMBER and abs(bpm / best.bpm - 1) > tempo.SAME]
    return tuple(dict.fromkeys(round(bpm, 2) for bpm in [*refused, *near]))


# -- beats ---------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Beats:
    """Beats from before the sound to behind it.

    seconds: (B,) of each. first: index of the first downbeat. n_beats: from it to the end of a loop; None for a take.
    """

    seconds: FloatArray
    first: int
    n_beats: float | None = None

    @property
    def downbeat(self) -> float:
        return float(self.seconds[self.first])

    def through(self, one: float) -> Beats:
        """The same beats with a bar that begins at `one`; the first downbeat is the first such in the sound."""
        place = float(np.interp(one, self.seconds, np.arange(len(self.seconds), dtype=np.float64)))
        index = np.arange(place % 1, len(self.seconds) - 1 + 1e-9)
        moved = np.interp(index, np.arange(len(self.seconds)), self.seconds)
        ones = np.arange(int(np.abs(moved - one).argmin()) % BEATS, len(moved), BEATS)
        first = int(ones[int((moved[ones] > -AT_ZERO).argmax())])
        return Beats(moved, first, self.n_beats if abs(moved[first]) < AT_ZERO else None)


def _beats(heard: Heard, reading: Reading) -> Beats:
    """The beats of a reading: even ones where it is a loop or steady, else the player's."""
    duration = heard.duration_seconds
    n_beats = round(duration / reading.beat)
    is_short = duration <= tempo.LOOP_SECONDS
    is_whole = is_short and n_beats >= 1 and abs(duration - n_beats * reading.beat) < WHOLE_BEATS
    if is_whole and _keeps_time(heard, duration / n_beats, reading.downbeat, IN_LOOP):
        is_from_start = abs(reading.downbeat) < tempo.AT_START
        one = 0.0 if is_from_start else reading.downbeat
        return _even(duration / n_beats, one, duration, float(n_beats) if is_from_start else None)
    reading = _at_music(tempo.refitted(heard, reading), float(heard.seconds[0]))
    if duration <= EVEN_SECONDS and _keeps_time(heard, reading.beat, reading.downbeat, IN_TAKE):
        return _even(reading.beat, reading.downbeat, duration)
    return _played(heard, reading)


def _played(heard: Heard, reading: Reading) -> Beats:
    """The beats of a take as they are found in it, even where they are nearly so."""
    tracked = beats_of(heard, reading.beat)
    if len(tracked) < FEW_BEATS:
        return _even(reading.beat, reading.downbeat, heard.duration_seconds)
    slope, start = np.polyfit(np.arange(len(tracked)), tracked, 1)
    if _leaves(tracked, float(slope)) < STEADY_SECONDS:
        even = tempo.refitted(heard, Reading(float(slope), float(start), 0.0), ALL_BEATS)
        tracked = even.downbeat + even.beat * np.arange(len(tracked))
    return _from_one(_beyond(tracked, heard.duration_seconds), heard)


def _keeps_time(heard: Heard, beat: float, one: float, least: float) -> bool:
    """Whether the second half of a sound is still on the lines of even beats; one that is short is."""
    late = heard.seconds > heard.duration_seconds / 2
    if heard.duration_seconds < SHORT_SECONDS or not late.any():
        return True
    place = (heard.seconds[late] - one) / beat
    return max(float(np.cos(2 * np.pi * n * place).mean()) for n in (1, 2, 3, 4)) > least


def _leaves(beats: FloatArray, length: float) -> float:
    """By how many seconds beats leave even ones of a length."""
    return float(np.ptp(beats - length * np.arange(len(beats))) / 2)


def _beyond(beats: FloatArray, duration: float) -> FloatArray:
    """Beats, and more before and behind them, to two bars beyond the sound, as long as those next to them."""
    before, after = (float(np.diff(part).mean()) for part in (beats[:5], beats[-5:]))
    n_before = ceil(max(beats[0], 0.0) / before) + 2 * BEATS
    n_after = max(0, ceil((duration - beats[-1]) / after)) + 4 * BEATS
    first, last = beats[0] - before * np.arange(n_before, 0, -1), beats[-1] + after * np.arange(1, n_after + 1)
    return np.concatenate((first, beats, last))


def _from_one(seconds: FloatArray, heard: Heard) -> Beats:
    """Beats with the first downbeat of the music, by what is played on the beats of all bars."""
    index = np.arange(len(seconds), dtype=np.float64)
    place = np.interp(heard.seconds, seconds, index)
    one = tempo.likeliest_one(place, heard, float(np.interp(0.0, seconds, index)))
    first = place[0] + tempo.AT_START / (seconds[1] - seconds[0])
    bars, within = divmod(first - one, BEATS)
    beat = one + BEATS * int(bars) + BEATS * (within > LATEST_START * BEATS)
    while seconds[beat] <= -tempo.AT_START:
        beat += BEATS
    return Beats(seconds, int(beat))


def _even(beat: float, one: float, duration: float, n_beats: float | None = None) -> Beats:
    before = ceil(max(one, 0.0) / beat) + 1
    after = ceil((duration - one) / beat) + 8
    return Beats(one + beat * np.arange(-before, after + 1), before, n_beats)


# -- bars ----------------------------------------------------------------------


def _bars(heard: Heard, beats: Beats, wish: Wish, loop: Loop | None) -> tuple[Beats, Meter]:
    """The meter, and the beats as its quarters; what is all in triplets is in 12/8."""
    asked = wish.meter or (loop.meter if loop is not None else None)
    if asked is not None:
        meter = Meter(0.0, *asked)
        return (_dotted(beats) if meter.is_compound else beats), meter
    rough = _groove(heard, beats, Meter(0.0, 4, 4))
    if len(rough.meters) > 1:  # of what follows the lead-in, whose length says nothing
        rough = rough.slice(round(rough.meters[1].step), rough.n_steps)
    meter = heard_meter(rough) or Meter(0.0, 4, 4)
    if str(meter) == "4/4" and subdivision(timing(rough)) == "triplet":
        return _dotted(beats), Meter(0.0, 12, 8)
    return beats, meter


def _dotted(beats: Beats) -> Beats:
    """Beats that are dotted quarters, as quarters."""
    before, after = beats.first * 3 // 2, (len(beats.seconds) - 1 - beats.first) * 3 // 2
    index = beats.first + np.arange(-before, after + 1) * 2 / 3
    quarters = np.interp(index, np.arange(len(beats.seconds)), beats.seconds)
    return Beats(quarters, before, None if beats.n_beats is None else beats.n_beats * 1.5)


# -- the groove ----------------------------------------------------------------


def _groove(heard: Heard, beats: Beats, meter: Meter) -> Groove:
    """The groove on beats that are quarters, in bars of a meter."""
    one = beats.downbeat if beats.downbeat >= AT_ZERO else 0.0
    step = float(np.diff(beats.seconds[beats.first :][:2])[0]) / STEPS_PER_QUARTER
    lead = max(1, round(one / step)) if one else 0
    edges = _edges(heard, beats, meter, one, lead)
    tempos, starts = _tempos(edges)
    rate = tempos[-1].seconds_per_step
    steps, seconds = np.array([tempo.step for tempo in tempos]), np.array(starts)
    far = heard.duration_seconds + 1.0
    position = np.interp(
        heard.seconds,
        [*seconds, max(far, seconds[-1] + rate)],
        [*steps, steps[-1] + (max(far, seconds[-1] + rate) - seconds[-1]) / rate],
    )
    if beats.n_beats is not None and not lead:
        n_steps = round(beats.n_beats * STEPS_PER_QUARTER)
    else:
        last = np.floor(position.max() + 0.5)
        n_bars = max(1, ceil((last - lead + 1) / meter.steps_per_bar))
        n_steps = lead + ceil(n_bars * meter.steps_per_bar)
    n_steps = min(n_steps, MAX_STEPS)
    return Groove(
        np.minimum(position, np.nextafter(n_steps, 0.0)),  # what is heard as a loop ends is in it
        heard.voice,
        heard.velocity,
        n_steps,
        tuple(t for t in tempos if t.step < n_steps),
        _meters(lead, meter),
    )


def _edges(heard: Heard, beats: Beats, meter: Meter, one: float, lead: int) -> list[tuple[int, float]]:
    """Steps and seconds between which the tempo is one: the lead-in, and bar by bar where beats are not even."""
    found = [(0, 0.0)] if lead else []
    quarters = beats.seconds[beats.first :] - beats.downbeat + one
    is_even = np.ptp(np.diff(quarters)) < 1e-9
    stride = len(quarters) - 1 if is_even else max(1, ceil(meter.steps_per_bar / STEPS_PER_QUARTER))
    for index in range(0, len(quarters), stride):
        found.append((lead + index * STEPS_PER_QUARTER, float(quarters[index])))
        if quarters[index] > heard.duration_seconds:
            break
    return found


def _tempos(edges: list[tuple[int, float]]) -> tuple[list[Tempo], list[float]]:
    """Tempos as a file holds them, in whole microseconds a quarter, and the second at which each begins.

    What rounding leaves is made good by the next.
    """
    now, tempos, starts = edges[0][1], [], []
    for (step, _), (following, seconds) in pairwise(edges):
        quarters = (following - step) / STEPS_PER_QUARTER
        us = max(1, round((seconds - now) / quarters * 1e6))
        tempos.append(Tempo(float(step), US_PER_MINUTE / us))
        starts.append(now)
        now += us * quarters / 1e6
    return tempos, starts


def _meters(lead: int, meter: Meter) -> tuple[Meter, ...]:
    """A lead-in of so many steps is a short bar, and whole ones behind it."""
    short = lead % meter.steps_per_bar
    if not short:
        return (meter,)
    numerator, denominator = round(short), 16
    while numerator % 2 == 0 and denominator > 4:
        numerator, denominator = numerator // 2, denominator // 2
    return Meter(0.0, numerator, denominator), replace(meter, step=float(short))


def _title(name: str) -> str:
    stem = name.replace("\\", "/").rpartition("/")[2]
    return re.sub(r"(?<=.)\.(wave?|flac|og[ag]|mp3|aiff?|aifc)$", "", stem, flags=re.IGNORECASE) or stem
