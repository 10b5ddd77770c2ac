"""What a musician asks of a part of a groove: continue, predict, humanize, tap, infill, play it as another feels.

All of them give a completion a part (completing.py) and take the rest. Of what they make may be wanted `style` and
`asked`, as of `Completer.wanted`, which says what they raise for others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rhythmvae.groove import (
    HIT,
    MAX_VELOCITY,
    OFFSET,
    VELOCITY,
    WINDOW_STEPS,
    BoolArray,
    FloatArray,
    Groove,
    IntArray,
    nearest_step,
)
from rhythmvae.kit import N_VOICES
from rhythmvae.model.completing import Completer, complete, expected, feel, strokes
from rhythmvae.model.given import IN_CELL, Given, in_their_cells, lanes_of
from rhythmvae.model.limits import check_continuation, check_feel, check_transplant

DOUBLED_SECONDS = 0.06  # a finger that bounces
STIFF_VELOCITY = 100
LEAST_PROBABILITY = 1e-4  # of what was played, so that no surprise is endless


# -- continue ------------------------------------------------------------------


def continued(
    completer: Completer,
    groove: Groove,
    n_bars: int,
    *,
    at: int | None = None,
    only_new: bool = False,
    style: str | None = None,
    asked: Mapping[str, float] | None = None,
    temperature: float = 1.0,
    seed: int = 0,
) -> Groove:
    """A groove and N bars more, in its last meter and tempo; what is there stays note for note.

    Args:
        at: the bar, from 1, at whose line the new bars begin, and what lies behind it is dropped; None for the line
            behind the last bar.
        only_new: the new bars alone.

    Raises:
        UsageError: a number of bars, or a bar, that cannot be.
    """
    check_continuation(groove, n_bars, at)
    start = _whole(groove) if at is None or at > groove.n_bars else round(float(groove.bar_lines[at - 1]))
    kept = _before(groove, start)
    length = kept.meter_at(start - 1).steps_per_bar
    stop = start + max(1, round(n_bars * length))
    frame = replace(kept, n_steps=_filled(start, stop, length))
    given = np.zeros((frame.n_steps, N_VOICES), dtype=bool)
    given[:start] = True
    given[frame.step, frame.voice] = True  # hits that are pushed beyond the bar line
    made = complete(completer, Given.of(frame, given), completer.wanted(style, asked), temperature, seed)
    if only_new:
        made = made.some(~given[made.step, made.voice])
    return made.slice(start if only_new else 0, stop)


def _whole(groove: Groove) -> int:
    """The step of the bar line at or after a groove's end."""
    last = float(groove.bar_lines[-2])
    length = groove.meter_at(groove.n_steps - 1).steps_per_bar
    return max(groove.n_steps, round(last + length))


def _before(groove: Groove, step: int) -> Groove:
    """What sounds before a step, as a groove that is at least a step long."""
    sounds = groove.position < (step or -1)
    return replace(
        groove.some(sounds),
        n_steps=max(step, 1),
        tempos=tuple(tempo for tempo in groove.tempos if tempo.step < max(step, 1)),
        meters=tuple(meter for meter in groove.meters if meter.step < max(step, 1)),
    )


def _filled(start: int, stop: int, length: float) -> int:
    """An end at or after `stop` that lets the last window be whole: it is read best as windows are learned from."""
    bars = max(1, math.floor(WINDOW_STEPS / length))
    over = math.ceil(round((stop - start) / length, 6)) % bars
    return stop if not over else stop + round((bars - over) * length)


# -- predict -------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Bar:
    """A bar that was played, and how surprising: bits, in all; hits, rows of (step in the bar, voice, bits).

    >>> Bar(9.5, [(0, 0, 0.2), (6, 1, 7.1)]).most_surprising
    (6, 1, 7.1)
    """

    bits: float
    hits: list[tuple[int, int, float]]

    @property
    def most_surprising(self) -> tuple[int, int, float] | None:
        """The hit of most bits; None of a bar without hits."""
        return max(self.hits, key=lambda hit: hit[2], default=None)


@dataclass(frozen=True, eq=False)
class Prediction:
    """The bar after the last: hit (T, V), the probability of at least one; velocity (T, V), 1 to 127, if there is.

    bars: how surprising each bar was, given what came before it.

    >>> prediction = Prediction(np.full((16, 9), 0.25), np.full((16, 9), 80.0), [])
    >>> prediction.n_expected
    36.0
    """

    hit: FloatArray
    velocity: FloatArray
    bars: list[Bar]

    @property
    def n_expected(self) -> float:
        """Cells of the next bar that are expected to hold a hit, in the mean."""
        return float(self.hit.sum())

    @property
    def bits_a_bar(self) -> float:
        """Mean surprise of the bars that are there."""
        return sum(bar.bits for bar in self.bars) / max(len(self.bars), 1)

    def most_surprising(self, n: int) -> list[tuple[int, int, int, float]]:
        """Up to n hits, the least expected first: bar (from 1), step in the bar, voice, bits."""
        hits = [(bar, *hit) for bar, own in enumerate(self.bars, 1) for hit in own.hits]
        return sorted(hits, key=lambda hit: -hit[-1])[:n]


def predicted(completer: Completer, groove: Groove, style: str | None = None) -> Prediction:
    """What comes next, and how far each bar was expected; the first by what grooves, of the style if named, begin with.

    A hit that is pushed beyond the end is of the bar that comes next, and in none.

    Raises:
        UsageError: a style that the training data does not have.
    """
    start = _whole(groove)
    length = groove.meter_at(groove.n_steps - 1).steps_per_bar
    longer = replace(groove, n_steps=start + max(1, round(length)))
    lines = [*np.rint(groove.bar_lines[:-1]).astype(int).tolist(), start, longer.n_steps]
    given, places = zip(*(_up_to(longer, lines, bar) for bar in range(len(lines) - 1)), strict=True)
    found = expected(completer, given, completer.wanted(style))
    tables = [outlook.hit[place] for outlook, place in zip(found, places, strict=True)]
    bars = [_bar(groove, first, table) for first, table in zip(lines, tables[:-1], strict=False)]
    return Prediction(tables[-1], found[-1].velocity[places[-1]], bars)


def _up_to(groove: Groove, lines: Sequence[int], bar: int) -> tuple[Given, slice]:
    """All before a bar, as far back as is read, and where the bar lies in it."""
    length = groove.meter_at(lines[bar]).steps_per_bar
    per_window = max(1, math.floor(WINDOW_STEPS / length))
    first = bar
    while (
        first > 0
        and bar - first < 2 * per_window - 1
        and groove.meter_at(lines[first - 1]).step == groove.meter_at(lines[bar]).step
    ):
        first -= 1
    start, stop = lines[first], lines[bar + 1]
    behind = (bar - first + 1) % per_window
    end = stop + (round((per_window - behind) * length) if behind else 0)
    part = replace(groove.slice(start, min(end, groove.n_steps)), n_steps=end - start)
    given = np.zeros((part.n_steps, N_VOICES), dtype=bool)
    given[: lines[bar] - start] = True
    return Given.of(part, given), slice(lines[bar] - start, stop - start)


def _bar(groove: Groove, start: int, table: FloatArray) -> Bar:
    """How surprising what was played from a step on is, by the probabilities (T, V) of its cells."""
    table = np.clip(table[: groove.n_steps - start], LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    step = nearest_step(groove.position) - start
    inside = (step >= 0) & (step < len(table))
    cells = np.unique(step[inside] * N_VOICES + groove.voice[inside])
    played = np.zeros(table.size, dtype=bool)
    played[cells] = True
    bits = -np.log2(np.where(played.reshape(table.shape), table, 1 - table))
    hits = [(*divmod(int(cell), N_VOICES), float(bits.ravel()[cell])) for cell in cells]
    return Bar(float(bits.sum()), hits)


# -- humanize and transplant ---------------------------------------------------


def humanized(
    completer: Completer,
    groove: Groove,
    *,
    timing: float = 1.0,
    velocity: float = 1.0,
    keep: Sequence[str] = (),
    after: Groove | None = None,
    style: str | None = None,
    asked: Mapping[str, float] | None = None,
    temperature: float = 1.0,
    seed: int = 0,
) -> Groove:
    """The same hits in the same cells, with timing and velocity as if somebody played them.

    Each hit stays in its 16th, hits of a drum in a 16th in their order and apart, and none comes before time 0.

    Args:
        timing, velocity: how far to go from what is there, 0, to what is new, 1.
        keep: "timing" or "velocity", which is then looked at and stays; what does not is not looked at.
        after: another groove, whose feel it gets.

    Raises:
        UsageError: an amount or a name that cannot be.
    """
    check_feel(timing, velocity, keep)
    stiff, mine, theirs = _stiff(groove, keep)
    like = None if after is None else as_long_as(after, groove)
    given = replace(Given.strokes(stiff, velocities="velocity" in keep, offsets="timing" in keep), like=like)
    found = feel(completer, given, completer.wanted(style, asked), temperature, seed)
    position, loud = groove.position.copy(), groove.velocity.copy()
    position[mine], loud[mine] = (new[theirs] for new in found)
    moved = groove.position + timing * (position - groove.position)
    louder = np.rint(groove.velocity + velocity * (loud - groove.velocity)).astype(np.int64)
    return groove.with_hits(moved, groove.voice, louder)


def _stiff(groove: Groove, keep: Sequence[str]) -> tuple[Groove, IntArray, IntArray]:
    """A groove whose hits are as it says no more than their cells and their order there, but for what is kept.

    And the order of its hits, and of the groove's own, in which they are the same ones.
    """
    line = nearest_step(groove.position)
    mine = np.lexsort((groove.position, groove.voice, line))
    line, voice = line[mine], groove.voice[mine]
    _, first, count = np.unique(line * N_VOICES + voice, return_index=True, return_counts=True)
    rank = np.arange(len(line)) - np.repeat(first, count)
    position = line + IN_CELL * (rank / np.repeat(count, count) - (line == groove.n_steps))
    if "timing" in keep:
        position = groove.position[mine]
    velocity = groove.velocity[mine] if "velocity" in keep else np.full_like(mine, STIFF_VELOCITY)
    stiff = groove.with_hits(position, voice, velocity)
    return stiff, mine, np.lexsort((stiff.position, stiff.voice, nearest_step(stiff.position)))


def transplanted(
    completer: Completer,
    groove: Groove,
    other: Groove,
    what: str = "feel",
    *,
    style: str | None = None,
    asked: Mapping[str, float] | None = None,
    temperature: float = 1.0,
    seed: int = 0,
) -> Groove:
    """A groove with something of another; its length, tempos and meters stay.

    Args:
        what: "feel", timing and velocity as the other plays them; or "density", as many hits a quarter note: the
            least likely of its own leave, or the likeliest others join.

    Raises:
        UsageError: something else.
    """
    check_transplant(what)
    drawn = {"style": style, "asked": asked, "temperature": temperature, "seed": seed}
    if what == "feel":
        return humanized(completer, groove, after=other, **drawn)  # type: ignore[arg-type]
    n = round(len(other) * groove.n_steps / other.n_steps)
    if n == len(groove):
        return groove
    # What is as likely as it would be between two rounds of the groove itself.
    given = Given.nothing(_without_hits(groove), like=groove)
    found = strokes(completer, given, completer.wanted(style, asked), temperature, seed)
    return _thinned(groove, found, n) if n < len(groove) else _filled_up(groove, found, n - len(groove))


def _thinned(groove: Groove, likely: FloatArray, n: int) -> Groove:
    """The N likeliest hits by the logits of cells (T, V, F); of those of one cell the loudest first."""
    score = likely[groove.step, groove.voice, HIT] + groove.velocity / MAX_VELOCITY
    kept = np.zeros(len(groove), dtype=bool)
    kept[np.lexsort((groove.position, -score))[:n]] = True
    return groove.some(kept)


def _filled_up(groove: Groove, likely: FloatArray, n: int) -> Groove:
    """A groove and the N likeliest strokes (T, V, F) in cells that it leaves empty, or as many as there are."""
    score = likely[..., HIT].copy()
    score[groove.step, groove.voice] = -np.inf
    order = np.argsort(-score, axis=None, kind="stable")[: min(n, int(np.isfinite(score).sum()))]
    step, voice = np.divmod(order, N_VOICES)
    new = likely[step, voice]
    offset = np.clip(new[:, OFFSET], np.where(step == 0, 0.0, -IN_CELL), IN_CELL)
    velocity = np.clip(np.rint(new[:, VELOCITY] * MAX_VELOCITY), 1, MAX_VELOCITY).astype(np.int64)
    return groove.with_more(step + offset, voice, velocity)


def _without_hits(groove: Groove) -> Groove:
    return groove.with_hits(np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64))


def as_long_as(groove: Groove, like: Groove) -> Groove:
    """A groove repeated or cut at bar lines to the length of another, in that one's tempos and meters.

    Its bars are laid over the other's one after another; what a bar has too much is cut, what it lacks is silent.
    """
    lines = np.rint(groove.bar_lines).astype(int)
    positions, voices, velocities = [], [], []
    for number, (start, stop) in enumerate(zip(like.bar_lines[:-1], like.bar_lines[1:], strict=True)):
        bar = number % groove.n_bars
        first, last = lines[bar], lines[bar + 1]
        inside = (groove.step >= first) & (groove.step < min(last, first + round(stop - start))) & ~groove.is_pushed
        positions.append(groove.position[inside] - first + round(start))
        voices.append(groove.voice[inside])
        velocities.append(groove.velocity[inside])
    position = np.maximum(np.concatenate(positions), -0.5)
    fits = nearest_step(position) < like.n_steps
    return like.with_hits(position[fits], np.concatenate(voices)[fits], np.concatenate(velocities)[fits])


# -- tap and infill ------------------------------------------------------------


def tapped(
    completer: Completer,
    taps: Groove,
    *,
    hands: bool = False,
    style: str | None = None,
    asked: Mapping[str, float] | None = None,
    temperature: float = 1.0,
    seed: int = 0,
) -> Groove:
    """Drums in the rhythm of taps, whatever drum these are written for.

    Each tap has a hit at its very time, unless it is a double: less than DOUBLED_SECONDS behind the tap before.

    Args:
        hands: taps of the first voice and the others are played by different drums, HANDS.
    """
    made = complete(completer, tapping(taps, 1 + hands), completer.wanted(style, asked), temperature, seed)
    return in_time(made, taps, 1 + hands)


def tapping(taps: Groove, lanes: int = 1) -> Given:
    """Taps, and no hits."""
    return Given.nothing(_without_hits(taps), taps, lanes=lanes)


def in_time(made: Groove, taps: Groove, lanes: int = 1) -> Groove:
    """Hits in the steps of taps, moved to where these were tapped."""
    for own, drums in lanes_of(taps, lanes):
        made = _in_time(made, own, drums)
    return made


def _in_time(made: Groove, taps: Groove, drums: BoolArray) -> Groove:
    """Hits of some drums (V,) moved, within their steps, to where these were tapped.

    A tap that has no hit repeats the step's loudest.
    """
    position, voice, velocity = made.position.copy(), made.voice.tolist(), made.velocity.tolist()
    goes_along = np.zeros(len(made), dtype=bool)
    added: list[tuple[float, int, int]] = []
    own_step = np.where(drums[made.voice], made.step, -1)
    of_taps = taps.position[_is_single(taps)]
    tapped_step = nearest_step(of_taps) % taps.n_steps
    for step in np.unique(tapped_step).tolist():
        hits = np.flatnonzero(own_step == step).tolist()
        loudest = max(hits, key=lambda hit: velocity[hit])
        wanted = of_taps[tapped_step == step].tolist()
        # The loudest first, then whatever is next to each tap; what is left goes along with the first tap.
        line, move = nearest_step(wanted[0]), wanted[0] - position[loudest]
        position[hits] = np.clip(position[hits] + move, line - IN_CELL, line + IN_CELL)
        position[loudest] = wanted[0]
        goes_along[hits] = True
        goes_along[loudest] = False
        left = [hit for hit in hits if hit != loudest]
        for tap in wanted[1:]:
            nearest = min(left, key=lambda hit, tap=tap: abs(position[hit] - tap), default=None)  # type: ignore[misc]
            if nearest is None:
                added.append((tap, voice[loudest], velocity[loudest]))
            else:
                position[nearest] = tap
                goes_along[nearest] = False
                left.remove(nearest)
    more = np.array(added, dtype=np.float64).reshape(-1, 3)
    position = np.clip(position, -0.5, np.nextafter(made.n_steps, 0))
    # No two strokes of a drum at one time, and none before the beginning: a file would lose one.
    order = position + np.where(goes_along, 1e-9, 0.0)  # behind a stroke that is where it was tapped
    position = np.where(goes_along, in_their_cells(position, order, made.voice, made.n_steps), position)
    moved = made.with_hits(position, made.voice, made.velocity)
    return moved.with_more(more[:, 0], more[:, 1].astype(np.int64), more[:, 2].astype(np.int64))


def _is_single(taps: Groove) -> BoolArray:
    """(N,) False for taps that double the one before."""
    seconds, kept = taps.onset_seconds.tolist(), np.ones(len(taps), dtype=bool)
    last = -math.inf
    for number, at in enumerate(seconds):
        kept[number] = at - last >= DOUBLED_SECONDS
        last = at if kept[number] else last
    return kept


def infilled(
    completer: Completer,
    groove: Groove,
    wanted: BoolArray,
    *,
    style: str | None = None,
    asked: Mapping[str, float] | None = None,
    temperature: float = 1.0,
    seed: int = 0,
) -> Groove:
    """A groove whose wanted cells (T, V) are the model's, and every other hit as it is.

    A hit that is pushed beyond the end is of the last step.
    """
    last = np.minimum(nearest_step(groove.position), groove.n_steps - 1)
    stays = ~wanted[last, groove.voice]
    aside = stays & wanted[groove.step, groove.voice]  # pushed, and where the grid has it is wanted
    given = Given.of(groove.some(stays & ~aside), ~wanted)
    made = complete(completer, given, completer.wanted(style, asked), temperature, seed)
    position = made.position.copy()
    is_new = made.is_pushed & wanted[made.step, made.voice] & ~wanted[-1, made.voice]
    position[is_new] = 0.0  # the first step is wanted, the end is not
    made = made.with_hits(position, made.voice, made.velocity)
    return made.with_more(groove.position[aside], groove.voice[aside], groove.velocity[aside])


def cells(groove: Groove, voices: Sequence[int] | None, bars: Sequence[int] | None) -> BoolArray:
    """(T, V), True in some voices, from 0, of some bars, from 1; None for all."""
    within = np.zeros(groove.n_steps, dtype=bool)
    lines = np.rint(groove.bar_lines).astype(int)
    for bar in range(1, groove.n_bars + 1) if bars is None else bars:
        within[lines[bar - 1] : lines[bar]] = True
    of_voice = np.ones(N_VOICES, dtype=bool)
    if voices is not None:
        of_voice = np.isin(np.arange(N_VOICES), voices)
    return np.asarray(within[:, None] & of_voice)
