"""Takes made by rule: what people program and drummers do not play.

A model that learns from drummers alone rebuilds rolls, 32nds without a pause, even and extreme velocities and exact
timing badly. `takes` makes such material out of a seed: diverse rather than realistic, for whatever can be programmed
has to be rebuilt. A *family* is one way to make it, by rule on an empty groove (`RULES`) or out of a played take
(`CHANGES`); the number beside it is its share. Everything else is drawn, so that no two takes are alike.

Between drawing and a groove, hits are *strokes*: an array (N, 3) of position in steps, voice and velocity, in any
order. The *step* of a roll or a stream is the distance of its strokes, in steps of a 16th: 0.5 are 32nds.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any, TypeVar

import numpy as np

from rhythmvae.data.corpus import Take
from rhythmvae.groove import MAX_VELOCITY, STEPS_PER_QUARTER, FloatArray, Groove, Meter, Tempo
from rhythmvae.kit import N_VOICES, VOICE_INDEX

T = TypeVar("T")
Rng = np.random.Generator
Strokes = FloatArray
Rule = Callable[[Rng, Groove], Strokes]  # strokes for a groove without hits
Change = Callable[[Rng, Groove], Groove]  # of a played groove

KICK, SNARE, CLOSED, OPEN = (VOICE_INDEX[key] for key in ("kick", "snare", "closed_hat", "open_hat"))
TOMS = [VOICE_INDEX[key] for key in ("high_tom", "mid_tom", "low_tom")]
CRASH, RIDE = VOICE_INDEX["crash"], VOICE_INDEX["ride"]
TIMEKEEPERS = [CLOSED, CLOSED, CLOSED, OPEN, RIDE, CRASH]

METERS = {(4, 4): 0.72, (3, 4): 0.06, (2, 4): 0.04, (6, 8): 0.05, (12, 8): 0.04, (7, 8): 0.04, (5, 4): 0.05}
N_BARS = {1: 0.2, 2: 0.6, 4: 0.2}
# Shares of the strokes' distances in a roll: 16ths, their triplets, 32nds, quintuplets, 32nd triplets, septuplets,
# 64ths, 64th triplets.
ROLL_STEPS = {1.0: 0.05, 2 / 3: 0.12, 1 / 2: 0.27, 2 / 5: 0.03, 1 / 3: 0.2, 2 / 7: 0.03, 1 / 4: 0.22, 1 / 6: 0.08}
ROLL_LENGTHS = {0.5: 0.1, 1.0: 0.25, 1.5: 0.07, 2.0: 0.25, 3.0: 0.08, 4.0: 0.2, 8.0: 0.05}
STREAM_STEPS = {4.0: 0.06, 2.0: 0.14, 4 / 3: 0.08, 1.0: 0.24, 2 / 3: 0.1, 1 / 2: 0.26, 1 / 3: 0.06, 1 / 4: 0.06}
ROLLED = {CLOSED: 0.45, SNARE: 0.16, KICK: 0.09, OPEN: 0.08, RIDE: 0.07, CRASH: 0.03} | dict.fromkeys(TOMS, 0.04)
CLOSEST = 1 / 12  # two strokes of a drum are further apart, in steps


# -- drawing -------------------------------------------------------------------


def _draw(rng: Rng, shares: Mapping[T, float]) -> T:
    """One of the keys, as likely as its share of the sum."""
    edges = list(accumulate(shares.values()))
    return list(shares)[min(bisect(edges, rng.random() * edges[-1]), len(edges) - 1)]


def _one_of(rng: Rng, items: Sequence[T]) -> T:
    return items[int(rng.integers(len(items)))]


def _chance(rng: Rng, share: float) -> bool:
    return bool(rng.random() < share)


def _level(rng: Rng) -> int:
    """A velocity: any, or one that programs write by default."""
    return int(rng.integers(1, MAX_VELOCITY + 1)) if _chance(rng, 0.75) else _one_of(rng, (64, 80, 90, 100, 110, 127))


def _frame(rng: Rng) -> Groove:
    numerator, denominator = _draw(rng, METERS)
    meter = Meter(0.0, numerator, denominator)
    n_bars = _draw(rng, N_BARS)
    bpm = float(np.round(50 * 5 ** rng.random()))  # 50 to 250, every octave as likely
    return Groove.silent(round(n_bars * meter.steps_per_bar), (Tempo(0.0, bpm),), (meter,))


# -- strokes -------------------------------------------------------------------


def _strokes(position: Any, voice: Any, velocity: Any) -> Strokes:
    """Strokes out of arrays or numbers; numbers count for all."""
    return np.column_stack([part.ravel() for part in np.broadcast_arrays(position, voice, velocity)]).astype(float)


def _together(*parts: Strokes) -> Strokes:
    return np.concatenate([np.zeros((0, 3)), *parts])


def _every(start: float, stop: float, step: float) -> FloatArray:
    return np.arange(start, stop - 1e-9, step)


def _over(under: Strokes, above: Strokes, start: float, stop: float) -> Strokes:
    """`above` in place of what its voices play from `start` to `stop`."""
    hidden = np.isin(under[:, 1], above[:, 1]) & (under[:, 0] > start - CLOSEST) & (under[:, 0] < stop - CLOSEST)
    return _together(under[~hidden], above)


def _apart(strokes: Strokes) -> Strokes:
    """Without those that come right after another of their drum."""
    strokes = strokes[np.lexsort((-strokes[:, 2], strokes[:, 0], strokes[:, 1]))]
    far = (np.diff(strokes[:, 0]) >= CLOSEST) | (np.diff(strokes[:, 1]) != 0)
    return strokes[np.concatenate(([True], far))[: len(strokes)]]


def _rise(rng: Rng, n: int) -> FloatArray:
    return np.linspace(_level(rng), _level(rng), n)


def _arch(rng: Rng, n: int) -> FloatArray:
    low, high = _level(rng), _level(rng)
    return low + (high - low) * np.sin(np.linspace(0, np.pi, n))


def _accents(rng: Rng, n: int) -> FloatArray:
    every, low, high = int(rng.integers(2, 7)), _level(rng), _level(rng)
    return np.where((np.arange(n) + rng.integers(every)) % every == 0, high, low)


def _saw(rng: Rng, n: int) -> FloatArray:
    every, low, high = int(rng.integers(2, 9)), _level(rng), _level(rng)
    return low + (high - low) * (np.arange(n) % every) / every


def _flat(rng: Rng, n: int) -> FloatArray:
    return np.full(n, float(_level(rng)))


def _uneven(rng: Rng, n: int) -> FloatArray:
    return _level(rng) + rng.normal(0, rng.uniform(1, 20), n)


SHAPES = {_flat: 0.34, _rise: 0.26, _accents: 0.16, _saw: 0.08, _arch: 0.06, _uneven: 0.1}


def _shape(rng: Rng, n: int) -> FloatArray:
    """Velocities of n strokes in a row."""
    return _draw(rng, SHAPES)(rng, n)


def _stream(rng: Rng, start: float, stop: float, step: float, voice: int) -> Strokes:
    position = _every(start, stop, step)
    return _strokes(position, voice, _shape(rng, len(position)))


def _with_rolls(rng: Rng, strokes: Strokes, n_steps: int, n_rolls: int) -> Strokes:
    """With rolls in place of what their drums play there: mostly on a beat or an eighth, some at odd places."""
    for _ in range(n_rolls):
        voice, step, length = _draw(rng, ROLLED), _draw(rng, ROLL_STEPS), _draw(rng, ROLL_LENGTHS)
        start = float(rng.integers(n_steps)) if _chance(rng, 0.4) else 2.0 * rng.integers(n_steps // 2)
        start += 0.5 * _chance(rng, 0.1)
        stop = min(start + length, n_steps)
        strokes = _over(strokes, _stream(rng, start, stop, step, voice), start, stop)
    return strokes


def _some_rolls(rng: Rng, strokes: Strokes, n_steps: int) -> Strokes:
    """Up to one roll for every other beat."""
    return _with_rolls(rng, strokes, n_steps, int(rng.integers(max(2, n_steps // 8 + 1))))


# -- by rule -------------------------------------------------------------------


def _sixteenths(rng: Rng, n_steps: int, share: float) -> FloatArray:
    return np.flatnonzero(rng.random(n_steps) < share).astype(float)


def _beats(frame: Groove, first: int, every: int = 2) -> FloatArray:
    """Every other beat of each bar, say, counted from 0."""
    place = np.searchsorted(frame.bar_lines, frame.beat_lines, side="right") - 1
    in_bar = np.arange(len(frame.beat_lines)) - np.searchsorted(frame.beat_lines, frame.bar_lines[place])
    return np.asarray(frame.beat_lines[in_bar % every == first])


def _timekeeping(rng: Rng, n_steps: int) -> Strokes:
    """A hat or cymbal without a pause, now and then one stroke left out or opened."""
    step = _one_of(rng, (4.0, 2.0, 2.0, 1.0, 1.0, 4 / 3, 2 / 3))
    strokes = _stream(rng, _one_of(rng, (0.0, 0.0, 0.0, step / 2)), n_steps, step, _one_of(rng, TIMEKEEPERS))
    strokes = strokes[rng.random(len(strokes)) >= _one_of(rng, (0.0, 0.0, 0.1, 0.4))]
    opened = rng.random(len(strokes)) < _one_of(rng, (0.0, 0.0, 0.08))
    strokes[opened, 1] = OPEN
    return strokes


def rolls(rng: Rng, frame: Groove) -> Strokes:
    """A plain beat, full of rolls."""
    beat = _together(
        _strokes(_beats(frame, 0), KICK, _level(rng)),
        _strokes(_beats(frame, 1), SNARE, _level(rng)),
        _timekeeping(rng, frame.n_steps),
    )
    keeps = np.isin(beat[:, 1], rng.permutation(N_VOICES)[: rng.integers(1, N_VOICES + 1)])
    return _with_rolls(rng, beat[keeps], frame.n_steps, int(rng.integers(1, 2 + frame.n_steps // 5)))


def trap(rng: Rng, frame: Groove) -> Strokes:
    """Snare in half time, sparse kicks, hats in eighths or 16ths that roll."""
    bars = frame.bar_lines[:-1]
    half = float(np.rint(frame.meters[0].steps_per_bar / 2))
    kicks = np.union1d(bars, _sixteenths(rng, frame.n_steps, rng.uniform(0.03, 0.2)))
    hats = _stream(rng, 0.0, frame.n_steps, _one_of(rng, (2.0, 2.0, 1.0, 4 / 3)), CLOSED)
    for _ in range(rng.integers(1, 3 + frame.n_steps // 6)):
        start = float(rng.integers(2 * frame.n_steps)) / _one_of(rng, (1, 2)) % frame.n_steps
        stop = min(start + _draw(rng, ROLL_LENGTHS), frame.n_steps)
        hats = _over(hats, _stream(rng, start, stop, _draw(rng, ROLL_STEPS), CLOSED), start, stop)
    opened = _sixteenths(rng, frame.n_steps, _one_of(rng, (0.0, 0.03, 0.06)))
    beat = _together(_strokes(kicks, KICK, _shape(rng, len(kicks))), _strokes(bars + half, SNARE, _level(rng)), hats)
    beat = _together(beat, _strokes(opened, OPEN, _level(rng)))
    return _with_rolls(rng, beat, frame.n_steps, int(rng.integers(3)))


def drum_and_bass(rng: Rng, frame: Groove) -> Strokes:
    """Two-step: backbeats, kicks before them, soft snares between, hats without a pause."""
    ghosts = _sixteenths(rng, frame.n_steps, rng.uniform(0.0, 0.35))
    kicks = np.union1d(frame.bar_lines[:-1], _sixteenths(rng, frame.n_steps, rng.uniform(0.05, 0.25)))
    beat = _together(
        _strokes(kicks, KICK, _shape(rng, len(kicks))),
        _strokes(ghosts, SNARE, rng.integers(1, 60, len(ghosts))),
        _strokes(_beats(frame, 1), SNARE, _level(rng)),
        _timekeeping(rng, frame.n_steps),
    )
    return _some_rolls(rng, beat, frame.n_steps)


def blast(rng: Rng, frame: Groove) -> Strokes:
    """Feet, snare and a cymbal without a pause: in turns, in unison or at rates of their own."""
    step = _draw(rng, {0.5: 0.6, 1.0: 0.2, 1 / 3: 0.08, 2 / 3: 0.12})
    other = _one_of(rng, [KICK, KICK, KICK, *TOMS])
    late = _one_of(rng, (step, step / 2, 0.0))  # in turns; in turns at twice the rate; in unison
    twice = 2 * step if late == step else step
    beat = _together(
        _stream(rng, 0.0, frame.n_steps, twice, other),
        _stream(rng, late, frame.n_steps, _one_of(rng, (twice, twice, 2 * twice)), SNARE),
        _stream(rng, 0.0, frame.n_steps, step * _one_of(rng, (1, 1, 2, 4)), _one_of(rng, TIMEKEEPERS)),
    )
    if _chance(rng, 0.3):
        beat = beat[beat[:, 1] != _one_of(rng, (SNARE, other))]
    return _with_break(rng, beat, frame) if _chance(rng, 0.3) else beat


def _with_break(rng: Rng, strokes: Strokes, frame: Groove) -> Strokes:
    """Silent for some beats."""
    start = float(rng.integers(frame.n_steps))
    stop = start + rng.integers(1, 9)
    return strokes[(strokes[:, 0] < start) | (strokes[:, 0] >= stop)]


def four_on_the_floor(rng: Rng, frame: Groove) -> Strokes:
    """A kick on each beat, hats between, claps, and drums that come round every few 16ths."""
    off = frame.beat_lines + STEPS_PER_QUARTER / 2
    beat = _together(
        _strokes(frame.beat_lines, KICK, _shape(rng, len(frame.beat_lines))),
        _strokes(off[off < frame.n_steps], _one_of(rng, (OPEN, CLOSED, RIDE)), _level(rng)),
        _strokes(_beats(frame, 1), SNARE, _level(rng)),
        *(euclidean_lane(rng, frame) for _ in range(rng.integers(3))),
    )
    return _some_rolls(rng, beat, frame.n_steps) if _chance(rng, 0.5) else beat


def hip_hop(rng: Rng, frame: Groove) -> Strokes:
    """Backbeats, a bar of kicks that comes again, hats."""
    bar = round(frame.meters[0].steps_per_bar)
    pattern = np.union1d([0.0], _sixteenths(rng, bar, rng.uniform(0.1, 0.35)))
    kicks = (frame.bar_lines[:-1, None] + pattern).ravel()
    beat = _together(
        _strokes(kicks, KICK, _shape(rng, len(kicks))),
        _strokes(_beats(frame, 1), SNARE, _level(rng)),
        _timekeeping(rng, frame.n_steps),
    )
    return _some_rolls(rng, beat, frame.n_steps) if _chance(rng, 0.3) else beat


def euclidean_lane(rng: Rng, frame: Groove) -> Strokes:
    """Strokes spread as evenly as places allow (Toussaint 2005), round and round, on any drum."""
    step = _one_of(rng, (1.0, 1.0, 1.0, 0.5, 2 / 3, 2.0))
    n_places = int(rng.integers(3, 17))
    n_played = int(rng.integers(1, n_places + 1))
    place = np.arange(len(_every(0.0, frame.n_steps, step)))
    is_played = ((place + rng.integers(n_places)) * n_played) % n_places < n_played
    return _strokes(step * place[is_played], rng.integers(N_VOICES), _shape(rng, int(is_played.sum())))


def euclidean(rng: Rng, frame: Groove) -> Strokes:
    """Lanes of lengths of their own."""
    return _together(*(euclidean_lane(rng, frame) for _ in range(rng.integers(1, 6))))


def streams(rng: Rng, frame: Groove) -> Strokes:
    """One to three drums without a pause, each at a rate of its own."""
    voices = rng.permutation(N_VOICES)[: rng.integers(1, 4)]
    parts = [_stream(rng, 0.0, frame.n_steps, _draw(rng, STREAM_STEPS), int(voice)) for voice in voices]
    return _some_rolls(rng, _together(*parts), frame.n_steps) if _chance(rng, 0.3) else _together(*parts)


def fills(rng: Rng, frame: Groove) -> Strokes:
    """Groups of strokes that walk from drum to drum, cymbals and kicks under them."""
    around = _one_of(rng, ([SNARE, *TOMS], TOMS, [*TOMS[::-1], SNARE], [KICK, SNARE], [KICK, *TOMS], [CLOSED, SNARE]))
    parts: list[Strokes] = []
    start, turn = 0.0, int(rng.integers(len(around)))
    while start < frame.n_steps:
        length = _one_of(rng, (1.0, 2.0, 2.0, 4.0, 4.0))
        stop = min(start + length, frame.n_steps)
        parts.append(_stream(rng, start, stop, _one_of(rng, (1.0, 0.5, 0.5, 2 / 3, 1 / 3, 0.25)), around[turn]))
        start, turn = stop + _one_of(rng, (0, 0, 0, 1)), (turn + 1) % len(around)
    kicks = _strokes(frame.beat_lines, _one_of(rng, (KICK, CRASH, CLOSED)), _level(rng))
    return _together(kicks, *parts) if _chance(rng, 0.5) else _together(*parts)


def anything(rng: Rng, frame: Groove) -> Strokes:
    """Places of a grid drawn by chance, few or many."""
    step = _one_of(rng, (1.0, 1.0, 0.5, 2 / 3, 2.0))
    place = _every(0.0, frame.n_steps, step)
    share = rng.uniform(0.02, 0.5) * rng.random(N_VOICES) ** 2
    index, voice = np.nonzero(rng.random((len(place), N_VOICES)) < share)
    velocity = rng.integers(1, MAX_VELOCITY + 1, len(index)) if _chance(rng, 0.5) else _shape(rng, len(index))
    return _strokes(place[index], voice, velocity)


def sparse(rng: Rng, frame: Groove) -> Strokes:
    """A few strokes and a roll or two."""
    n_strokes = int(rng.integers(1, 8))
    few = _strokes(rng.integers(frame.n_steps, size=n_strokes), rng.integers(0, N_VOICES, n_strokes), _level(rng))
    return _with_rolls(rng, few, frame.n_steps, int(rng.integers(3)))


RULES: dict[Rule, float] = {
    rolls: 0.17,
    trap: 0.2,
    blast: 0.17,
    streams: 0.11,
    drum_and_bass: 0.06,
    four_on_the_floor: 0.06,
    hip_hop: 0.05,
    fills: 0.06,
    euclidean: 0.05,
    anything: 0.04,
    sparse: 0.03,
}


# -- of velocities and timing --------------------------------------------------


def _as_it_is(rng: Rng, strokes: Strokes) -> FloatArray:
    return np.asarray(strokes[:, 2])


def _one_level(rng: Rng, strokes: Strokes) -> FloatArray:
    return np.full(len(strokes), float(_level(rng)))


def _very_soft(rng: Rng, strokes: Strokes) -> FloatArray:
    """All the same, or scaled into what a drummer hardly plays."""
    top = rng.integers(1, 21)
    return np.full(len(strokes), float(top)) if _chance(rng, 0.5) else strokes[:, 2] * top / MAX_VELOCITY


def _full(rng: Rng, strokes: Strokes) -> FloatArray:
    return np.full(len(strokes), float(MAX_VELOCITY))


def _two_levels(rng: Rng, strokes: Strokes) -> FloatArray:
    """Loud on the quarters, or for what was loud."""
    is_loud = strokes[:, 0] % STEPS_PER_QUARTER == 0 if _chance(rng, 0.5) else strokes[:, 2] > np.median(strokes[:, 2])
    return np.where(is_loud, _level(rng), _level(rng))


def _level_of_voice(rng: Rng, strokes: Strokes) -> FloatArray:
    levels = np.array([float(_level(rng)) for _ in range(N_VOICES)])
    return np.asarray(levels[strokes[:, 1].astype(int)])


def _few_levels(rng: Rng, strokes: Strokes) -> FloatArray:
    step = rng.integers(8, 50)
    return np.asarray(np.rint(strokes[:, 2] / step) * step)


def _scaled(rng: Rng, strokes: Strokes) -> FloatArray:
    return np.asarray(strokes[:, 2] * rng.uniform(0.1, 1.6))


# How velocities can be other than they were drawn or played.
OTHER_VELOCITIES = {
    _one_level: 0.18,
    _level_of_voice: 0.12,
    _two_levels: 0.08,
    _very_soft: 0.09,
    _full: 0.03,
    _few_levels: 0.04,
    _scaled: 0.06,
}
VELOCITIES = {_as_it_is: 0.4} | OTHER_VELOCITIES


def _swung(rng: Rng, position: FloatArray) -> FloatArray:
    """The second of two 16ths, or of two eighths, at 50 to 75 % of the pair; what lies between goes along."""
    pair, share = _one_of(rng, (2.0, 2.0, 4.0)), rng.uniform(0.5, 0.75)
    within = np.interp(position % pair / pair, [0, 0.5, 1], [0, share, 1])
    return np.asarray(pair * (position // pair + within))


def _timed(rng: Rng, strokes: Strokes) -> FloatArray:
    """Exact, as most programs are; or swung; a voice early or late; all of it early or late; a little loose."""
    position = _swung(rng, strokes[:, 0]) if _chance(rng, 0.2) else strokes[:, 0]
    if _chance(rng, 0.12):
        position = position + rng.uniform(-0.3, 0.3) * (strokes[:, 1] == _one_of(rng, strokes[:, 1].tolist()))
    if _chance(rng, 0.06):
        position = position + rng.uniform(-0.3, 0.3)
    if _chance(rng, 0.06):
        position = position + rng.normal(0, rng.uniform(0.01, 0.08), len(position))
    return np.asarray(position)


def _groove(frame: Groove, strokes: Strokes) -> Groove:
    """What was pushed over the end or the start comes round; velocities become whole."""
    position = strokes[:, 0] % frame.n_steps
    position = np.where(position >= frame.n_steps - CLOSEST / 2, position - frame.n_steps, position)
    strokes = _apart(np.column_stack([position, strokes[:, 1:]]))
    velocity = np.clip(np.rint(strokes[:, 2]), 1, MAX_VELOCITY)
    return frame.with_hits(strokes[:, 0], strokes[:, 1].astype(np.int64), velocity.astype(np.int64))


def _dressed(rng: Rng, strokes: Strokes, frame: Groove) -> Groove:
    strokes = _apart(strokes)
    if len(strokes):
        strokes = np.column_stack([_timed(rng, strokes), strokes[:, 1], _draw(rng, VELOCITIES)(rng, strokes)])
    return _groove(frame, strokes)


# -- of played takes -----------------------------------------------------------


def _strokes_of(groove: Groove) -> Strokes:
    return _strokes(groove.position, groove.voice, groove.velocity)


def _bars_of(rng: Rng, groove: Groove, n_bars: int) -> Groove:
    """So many bars of it, or all, of one meter and tempo."""
    n_bars = min(n_bars, groove.n_bars)
    first = int(rng.integers(1, groove.n_bars - n_bars + 2))
    part = groove.bars(first, first + n_bars - 1)
    return Groove(part.position, part.voice, part.velocity, part.n_steps, part.tempos[:1], part.meters[:1])


def double_time(rng: Rng, groove: Groove) -> Groove:
    """Twice as fast, so that its 16ths are 32nds."""
    return _at_rate(_bars_of(rng, groove, 4), 0.5)


def half_time(rng: Rng, groove: Groove) -> Groove:
    return _at_rate(_bars_of(rng, groove, 1), 2.0)


def _at_rate(groove: Groove, factor: float) -> Groove:
    strokes = _strokes_of(groove) * (factor, 1, 1)
    n_steps = max(1, round(groove.n_steps * factor))
    return _groove(Groove.silent(n_steps, groove.tempos, groove.meters), strokes)


def quantized(rng: Rng, groove: Groove) -> Groove:
    """Moved to the nearest 16th, 32nd, triplet or 64th; sometimes with a machine's velocities."""
    part = _bars_of(rng, groove, 2)
    strokes, step = _strokes_of(part), _one_of(rng, (1.0, 1.0, 1.0, 0.5, 2 / 3, 1 / 3, 0.25))
    exact = np.column_stack([np.rint(strokes[:, 0] / step) * step, strokes[:, 1:]])
    return _groove(part, _again(rng, exact) if _chance(rng, 0.5) else exact)


def _again(rng: Rng, strokes: Strokes) -> Strokes:
    """With other velocities."""
    return np.column_stack([strokes[:, :2], _draw(rng, OTHER_VELOCITIES)(rng, strokes)]) if len(strokes) else strokes


def levelled(rng: Rng, groove: Groove) -> Groove:
    """As played, with flat, few, soft or extreme velocities."""
    part = _bars_of(rng, groove, 2)
    return _groove(part, _again(rng, _strokes_of(part)))


def rolled(rng: Rng, groove: Groove) -> Groove:
    """As played, a drum of it now in rolls, or without a pause."""
    part = _bars_of(rng, groove, 2)
    strokes, n_steps = _strokes_of(part), part.n_steps
    if _chance(rng, 0.4):
        lane = _stream(rng, 0.0, n_steps, _draw(rng, STREAM_STEPS), _draw(rng, ROLLED))
        return _groove(part, _over(strokes, lane, -1.0, n_steps))
    return _groove(part, _with_rolls(rng, strokes, n_steps, int(rng.integers(1, 2 + n_steps // 8))))


CHANGES: dict[Change, float] = {double_time: 0.3, half_time: 0.1, quantized: 0.2, levelled: 0.2, rolled: 0.2}
PLAYED = 0.3  # share of takes that are made out of played ones


# -- takes ---------------------------------------------------------------------


def takes(n: int, seed: int, played: Sequence[Take] = ()) -> list[Take]:
    """So many takes with hits, named after their family; the same for the same arguments.

    Args:
        n: how many.
        seed: of everything that is drawn, 0 or more. Each take has a stream of its own: more of them begin alike.
        played: takes that some of the families change; without any, all are made by rule.
    """
    played = [take for take in played if len(take.groove)]
    return [_take(np.random.default_rng([seed, index]), index, played) for index in range(n)]


def _take(rng: Rng, index: int, played: Sequence[Take]) -> Take:
    while True:
        family, groove = _made(rng, played)
        if len(groove):
            return Take(f"programmed/{family}/{index}", groove, "train")


def _made(rng: Rng, played: Sequence[Take]) -> tuple[str, Groove]:
    if played and _chance(rng, PLAYED):
        change = _draw(rng, CHANGES)
        return change.__name__, change(rng, _one_of(rng, played).groove)
    rule, frame = _draw(rng, RULES), _frame(rng)
    return rule.__name__, _dressed(rng, rule(rng, frame), frame)
