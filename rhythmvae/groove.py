"""The groove: what everything passes around.

Conventions. Time is musical: a *step* is a 16th note, four to the quarter, counted
from the start of the groove; seconds appear only through the tempo map. A hit has a
position in steps, which is the nearest step plus an *offset* (microtiming) in
[-0.5, 0.5) of a step. Velocity is MIDI velocity, 1 to 127. A hit pushed before the
first step has a negative position; a file cannot hold it and clips it to 0.

A hit at most half a step before the end is *pushed*: its nearest step is the first step
of the next round of the loop. The groove and every file keep its own time (15.9 of 16
steps). The tensor holds it at step 0 with a negative offset (-0.1), and `from_grid` puts
it back at the end.

Tensor axes, in this order: T steps, V voices (kit.VOICES), L layers, F features.
A cell, which is a step of a voice, has a layer for each of its strokes: how many,
and in which order, says `Layers`. Features are hit (0 or 1), velocity (0 to 1, of
127) and offset (steps), zero where hit is 0.

Any meter: bars are derived from the meter events, and the grid of steps runs through
them unbroken. An empty groove (no hits) is valid and is silence.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from operator import attrgetter
from typing import Any

import numpy as np

from rhythmvae import svg
from rhythmvae.kit import N_VOICES

STEPS_PER_QUARTER = 4
HIT, VELOCITY, OFFSET = 0, 1, 2  # features, the last tensor axis
N_FEATURES = 3
WINDOW_STEPS = 32  # a window holds at most eight quarter notes: two bars of 4/4
MAX_VELOCITY = 127
DEFAULT_TEMPO_BPM = 120.0
MAX_STEPS = 50_000  # of a groove: about an hour and three quarters of 4/4 at 120 BPM
MAX_CHANGES = 10_000  # of meter in a file, and of tempo unless more are needed to be in time
MAX_BARS_DRAWN = 32  # in a notebook: more are too fine to read and take megabytes
# A model puts a hit that is on step 0 a little before it: 113 of 340 GMD takes, by 0.114 steps at most.
PUSHED_STEPS = 1 / 8
MAX_DENOMINATOR = 64
MIN_BAR_STEPS = 1.0  # a bar is at least a 16th
US_PER_MINUTE = 60_000_000
SLOWEST_US, FASTEST_US = 0xFFFFFF, 1  # microseconds a quarter that a file can hold: 3.6 BPM and up

_STEP = attrgetter("step")

FloatArray = np.ndarray[Any, np.dtype[np.floating[Any]]]
IntArray = np.ndarray[Any, np.dtype[np.integer[Any]]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Tempo:
    """From `step` on, quarter notes pass at `bpm` a minute."""

    step: float
    bpm: float

    @property
    def seconds_per_step(self) -> float:
        return 60.0 / self.bpm / STEPS_PER_QUARTER


@dataclass(frozen=True)
class Meter:
    """From `step` on, bars are `numerator` notes of 1/`denominator` long. Starts a bar."""

    step: float
    numerator: int
    denominator: int

    @property
    def steps_per_bar(self) -> float:
        """Not an integer where bars end between 16ths, as in 7/32."""
        return self.numerator * 4 * STEPS_PER_QUARTER / self.denominator

    @property
    def is_compound(self) -> bool:
        """Counted in dotted notes: 6/8, 9/8, 12/8."""
        return self.denominator >= 8 and self.numerator > 3 and self.numerator % 3 == 0

    @property
    def beat_steps(self) -> float:
        """Length of a felt beat in steps: three eighths in 6/8, 9/8 and 12/8, else the meter's own note.

        >>> [Meter(0.0, *meter).beat_steps for meter in ((12, 8), (7, 8), (3, 4))]
        [6.0, 2.0, 4.0]
        """
        note = STEPS_PER_QUARTER * 4 / self.denominator
        return note * 3 if self.is_compound else note

    @property
    def pulse_steps(self) -> float:
        """A quarter note in steps, whatever the meter's own note is, or the dotted quarter of a compound meter.

        >>> [Meter(0.0, *meter).pulse_steps for meter in ((12, 8), (7, 8), (2, 2))]
        [6.0, 4.0, 4.0]
        """
        return 1.5 * STEPS_PER_QUARTER if self.is_compound else float(STEPS_PER_QUARTER)

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"


def is_meter(numerator: int, denominator: int) -> bool:
    """True for a time signature that a file can hold and a bar can have."""
    return (
        1 <= numerator <= 255
        and 1 <= denominator <= MAX_DENOMINATOR
        and denominator & (denominator - 1) == 0  # files hold powers of two alone
        and Meter(0.0, numerator, denominator).steps_per_bar >= MIN_BAR_STEPS
    )


@dataclass(frozen=True, eq=False)
class Groove:
    """Drum hits in musical time. Immutable; hits are kept sorted by position, then voice.

    Args:
        position: (N,) onsets in steps, each at least -0.5.
        voice: (N,) indices into kit.VOICES.
        velocity: (N,) integers 1 to 127.
        n_steps: length in steps; every hit lies below it.
        tempos: first at step 0, in order.
        meters: first at step 0, in order.
        title, source: what it is and where it came from, for people.

    Raises:
        ValueError: arrays that break the above. Readers check their input before; this
            guards against bugs, not against users.

    >>> from rhythmvae import example
    >>> example("funk").bars(1, 1)
    Groove('Funk', 1 bar of 4/4, 98 BPM, 18 hits)
    """

    position: FloatArray
    voice: IntArray
    velocity: IntArray
    n_steps: int
    tempos: tuple[Tempo, ...] = (Tempo(0.0, DEFAULT_TEMPO_BPM),)
    meters: tuple[Meter, ...] = (Meter(0.0, 4, 4),)
    title: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        position = np.asarray(self.position, dtype=np.float64)
        voice = np.asarray(self.voice, dtype=np.int64)
        velocity = np.asarray(self.velocity, dtype=np.int64)
        if not (position.ndim == 1 and position.shape == voice.shape == velocity.shape):
            raise ValueError(f"hits differ in shape: {position.shape}, {voice.shape}, {velocity.shape}")
        if self.n_steps < 1:
            raise ValueError(f"n_steps must be at least 1, got {self.n_steps}")
        order = np.lexsort((velocity, voice, position))
        position, voice, velocity = position[order], voice[order], velocity[order]
        if len(position):
            if not (position[0] >= -0.5 and position[-1] < self.n_steps):  # sorted, and nan would be last
                raise ValueError(f"positions {position[0]} to {position[-1]} do not fit {self.n_steps} steps")
            if not (voice.min() >= 0 and voice.max() < N_VOICES):
                raise ValueError(f"voices {voice.min()} to {voice.max()} are not in the kit")
            if not (velocity.min() >= 1 and velocity.max() <= MAX_VELOCITY):
                raise ValueError(f"velocities {velocity.min()} to {velocity.max()} are not 1 to 127")
        for name, events in (("tempos", self.tempos), ("meters", self.meters)):
            steps = [e.step for e in events]
            if not steps or steps[0] != 0 or any(b <= a for a, b in pairwise(steps)):
                raise ValueError(f"{name} must start at step 0 and ascend, got steps {steps[:8]}")
        for name, array in (("position", position), ("voice", voice), ("velocity", velocity)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @classmethod
    def silent(cls, n_steps: int, tempos: tuple[Tempo, ...], meters: tuple[Meter, ...]) -> Groove:
        """A groove without hits: a frame to put some in."""
        return cls(np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64), n_steps, tempos, meters)

    def __repr__(self) -> str:
        """One line for people: title, length, meter, tempo and hits."""
        title = f"{self.title!r}, " if self.title else ""
        bars = f"{self.n_bars} bar{'s' if self.n_bars != 1 else ''}"
        meters = ", ".join(dict.fromkeys(str(meter) for meter in self.meters))
        return f"Groove({title}{bars} of {meters}, {self.tempos[0].bpm:g} BPM, {len(self)} hits)"

    def _repr_html_(self) -> str:
        """The grid as SVG, which notebooks show; of a long groove its first bars, and the title says so."""
        if self.n_bars > MAX_BARS_DRAWN:
            return self.bars(1, MAX_BARS_DRAWN)._drawn(f"{self!r}, bars 1 to {MAX_BARS_DRAWN} shown")
        return self._drawn(repr(self))

    def _drawn(self, title: str) -> str:
        hits = list(zip(self.position.tolist(), self.voice.tolist(), self.velocity.tolist(), strict=True))
        return svg.grid(hits, self.n_steps, self.bar_lines[:-1].tolist(), self.beat_lines.tolist(), title)

    def __len__(self) -> int:
        """Number of hits."""
        return len(self.position)

    def __eq__(self, other: object) -> bool:
        """Same music: hits, length, tempos and meters; title and source do not count."""
        if not isinstance(other, Groove):
            return NotImplemented
        return (
            self.n_steps == other.n_steps
            and self.tempos == other.tempos
            and self.meters == other.meters
            and np.array_equal(self.position, other.position)
            and np.array_equal(self.voice, other.voice)
            and np.array_equal(self.velocity, other.velocity)
        )

    __hash__ = None  # type: ignore[assignment]

    def to_bytes(self) -> bytes:
        """All that `==` compares, to make a digest of: the same bytes for the same music."""
        arrays = (self.position, self.voice, self.velocity)
        head = f"{len(self)} {self.n_steps} {self.tempos!r} {self.meters!r}"
        return head.encode() + b"".join(array.tobytes() for array in arrays)

    # -- grid -----------------------------------------------------------------

    @property
    def step(self) -> IntArray:
        """(N,) nearest step of each hit, 0 to n_steps - 1; of a pushed hit 0."""
        step: IntArray = nearest_step(self.position) % self.n_steps
        return step

    @property
    def offset(self) -> FloatArray:
        """(N,) microtiming of each hit, in [-0.5, 0.5) of a step."""
        return np.asarray(self.position - nearest_step(self.position))

    @property
    def is_pushed(self) -> BoolArray:
        """(N,) True for hits at most half a step before the end."""
        return np.asarray(nearest_step(self.position) == self.n_steps)

    @property
    def loop_position(self) -> FloatArray:
        """(N,) positions in steps, those of pushed hits before step 0: they belong to the loop's first beat."""
        return np.asarray(np.where(self.is_pushed, self.position - self.n_steps, self.position))

    @cached_property
    def bar_lines(self) -> FloatArray:
        """(n_bars + 1,) where bars begin, in steps; the last entry closes the last bar. Read-only.

        A meter change inside a bar cuts it short and starts the next.
        """
        lines: list[FloatArray] = []
        last = self.n_steps - 0.5  # what remains of a bar that ends between two steps is no bar
        for meter, end in zip(self.meters, [m.step for m in self.meters[1:]] + [last], strict=True):
            # 1e-9: bars of a fraction of a step do not add up exactly
            lines.append(np.arange(meter.step, min(end, last) - 1e-9, meter.steps_per_bar))
        lines.append(np.array([float(self.n_steps)]))
        found = np.concatenate(lines)
        found.setflags(write=False)
        return found

    @property
    def n_bars(self) -> int:
        return len(self.bar_lines) - 1

    @property
    def beat_lines(self) -> FloatArray:
        """(B,) where felt beats begin, in steps; every bar begins with one."""
        bars = pairwise(self.bar_lines)
        return np.concatenate([np.arange(a, b - 1e-9, self.meter_at(a).beat_steps) for a, b in bars])

    def meter_at(self, step: float) -> Meter:
        return self.meters[bisect_right(self.meters, max(step, 0.0), key=_STEP) - 1]

    def tempo_at(self, step: float) -> Tempo:
        return self.tempos[bisect_right(self.tempos, max(step, 0.0), key=_STEP) - 1]

    # -- seconds --------------------------------------------------------------

    def seconds(self, position: FloatArray | float) -> FloatArray:
        """Time of positions (in steps) from step 0, in seconds, through the tempo map.

        Positions before step 0 are extrapolated and come out negative.
        """
        if len(self.tempos) == 1:
            return np.asarray(np.asarray(position, dtype=np.float64) * self.tempos[0].seconds_per_step)
        starts = np.array([t.step for t in self.tempos])
        rates = np.array([t.seconds_per_step for t in self.tempos])
        at_start = np.concatenate(([0.0], np.cumsum(np.diff(starts) * rates[:-1])))
        position = np.asarray(position, dtype=np.float64)
        part = np.maximum(np.searchsorted(starts, position, side="right") - 1, 0)
        return np.asarray(at_start[part] + (position - starts[part]) * rates[part])

    @property
    def onset_seconds(self) -> FloatArray:
        """(N,) onset of each hit in seconds from step 0."""
        return self.seconds(self.position)

    @property
    def duration_seconds(self) -> float:
        return float(self.seconds(float(self.n_steps)))

    # -- parts ----------------------------------------------------------------

    def slice(self, start: int, stop: int) -> Groove:
        """Steps `start` to `stop` as a groove of its own, with the tempo and meter in force there.

        Hits belong to their nearest step, so one pushed ahead of `start` comes along.
        A slice to the groove's end keeps the hits that are pushed there.
        A slice that begins inside a bar begins with a bar of that meter.
        """
        inside = self._is_within(start, stop)
        return replace(
            self,
            position=self.position[inside] - start,
            voice=self.voice[inside],
            velocity=self.velocity[inside],
            n_steps=stop - start,
            tempos=_shift(self.tempos, start, stop),
            meters=_shift(self.meters, start, stop),
        )

    def bars(self, first: int, last: int) -> Groove:
        """Bars `first` to `last`, counted from 1 and both included."""
        return self.slice(*self._bar_span(first, last))

    def with_bars(self, first: int, last: int, part: Groove) -> Groove:
        """The groove with the hits of `part` in place of those of `bars(first, last)`."""
        start, stop = self._bar_span(first, last)
        stays = ~self._is_within(start, stop)
        return self.some(stays).with_more(part.position + start, part.voice, part.velocity)

    def _is_within(self, start: int, stop: int) -> BoolArray:
        step = np.minimum(nearest_step(self.position), self.n_steps - 1)
        return np.asarray((step >= start) & (step < stop))

    def _bar_span(self, first: int, last: int) -> tuple[int, int]:
        lines = np.rint(self.bar_lines).astype(int).tolist()
        return lines[first - 1], max(lines[last], lines[first - 1] + 1)

    def looped(self, times: int) -> Groove:
        """The groove played `times` times over; its changes of tempo and meter come round with it.

        A meter that fills whole bars needs no second event, so windows reach across the repetitions.
        """
        starts = np.arange(times) * self.n_steps
        is_even = len(self.meters) == 1 and self.n_steps % self.meters[0].steps_per_bar == 0

        def around(events: tuple[Any, ...], is_steady: bool) -> tuple[Any, ...]:
            rounds = [0.0] if is_steady else starts.tolist()
            return tuple(replace(event, step=event.step + start) for start in rounds for event in events)

        return replace(
            self,
            position=(starts[:, None] + self.position).ravel(),
            voice=np.tile(self.voice, times),
            velocity=np.tile(self.velocity, times),
            n_steps=times * self.n_steps,
            tempos=around(self.tempos, len(self.tempos) == 1),
            meters=around(self.meters, is_even),
        )

    def at_rate(self, rate: float) -> Groove:
        """The same hits `rate` times as fast."""
        return replace(self, tempos=tuple(replace(t, bpm=t.bpm * rate) for t in self.tempos))

    def with_hits(self, position: FloatArray, voice: IntArray, velocity: IntArray) -> Groove:
        """The same length, tempos and meters with other hits."""
        return replace(self, position=position, voice=voice, velocity=velocity)

    def some(self, hits: BoolArray | IntArray) -> Groove:
        """The same with some of its hits, by a mask (N,) or by their numbers."""
        return self.with_hits(self.position[hits], self.voice[hits], self.velocity[hits])

    def with_more(self, position: FloatArray, voice: IntArray, velocity: IntArray) -> Groove:
        """The same with more hits beside its own."""
        return self.with_hits(
            np.concatenate([self.position, position]),
            np.concatenate([self.voice, voice]),
            np.concatenate([self.velocity, velocity]),
        )


def changes_to_lists(groove: Groove) -> dict[str, list[list[float]]]:
    """A groove's tempos and meters as latents, links and caches hold them in JSON, in keys of these names.

    >>> from rhythmvae import example
    >>> changes_to_lists(example("funk"))
    {'tempos': [[0.0, 98.0]], 'meters': [[0.0, 4, 4]]}
    """
    return {
        "tempos": [[tempo.step, tempo.bpm] for tempo in groove.tempos],
        "meters": [[meter.step, meter.numerator, meter.denominator] for meter in groove.meters],
    }


def changes_from_lists(
    tempos: Iterable[Sequence[float]], meters: Iterable[Sequence[float]]
) -> tuple[tuple[Tempo, ...], tuple[Meter, ...]]:
    """Tempos and meters from such lists. What range they are in is for the caller to check.

    Raises:
        TypeError, ValueError, OverflowError: rows of another shape, or of something else than numbers.

    >>> changes_from_lists([[0, 98]], [[0, 4, 4]])
    ((Tempo(step=0.0, bpm=98.0),), (Meter(step=0.0, numerator=4, denominator=4),))
    """
    return (
        tuple(Tempo(float(step), float(bpm)) for step, bpm in tempos),
        tuple(Meter(float(step), int(n), int(d)) for step, n, d in meters),
    )


def _shift(events: tuple[Any, ...], start: int, stop: int) -> tuple[Any, ...]:
    in_force = [e for e in events if e.step <= start][-1]
    later = (replace(e, step=e.step - start) for e in events if start < e.step < stop)
    return (replace(in_force, step=0.0), *later)


def nearest_step(position: FloatArray | float) -> Any:
    """Nearest step of a position; halves go up, so offsets lie in [-0.5, 0.5)."""
    return np.floor(np.asarray(position) + 0.5).astype(np.int64)


# -- tensor --------------------------------------------------------------------


@dataclass(frozen=True)
class Layers:
    """The strokes that a cell of the tensor holds. Of more than `n` strokes the loudest stay.

    n: L. in_time: whether strokes are in the order in which they sound, else the loudest is first.

    In time, a roll of even strokes has one tensor; by loudness, which of them is first is chance. Four
    strokes are a roll in 64ths.
    """

    n: int
    in_time: bool

    @property
    def shape(self) -> tuple[int, int, int]:
        """(V, L, F), of a step."""
        return N_VOICES, self.n, N_FEATURES


TWO_LOUDEST = Layers(2, in_time=False)  # of models of the first edition, and of what is compared cell by cell
FOUR_IN_TIME = Layers(4, in_time=True)


@dataclass(frozen=True, eq=False)
class Grid:
    """A groove as the model sees it.

    tensor: (T, V, L, F) float32, as the module says. n_lost: hits that found their cell full.
    """

    tensor: FloatArray
    n_lost: int = field(default=0)


def to_grid(groove: Groove, layers: Layers = TWO_LOUDEST) -> Grid:
    """Groove to tensor; `n_lost` counts the hits that find no layer.

    A pushed hit stands at step 0, with a negative offset.
    """
    tensor = np.zeros((groove.n_steps, *layers.shape), dtype=np.float32)
    kept, index = cells_of(groove, layers)
    tensor[(*index, HIT)] = 1.0
    tensor[(*index, VELOCITY)] = groove.velocity[kept] / MAX_VELOCITY
    tensor[(*index, OFFSET)] = groove.offset[kept]
    return Grid(tensor, n_lost=len(groove) - len(kept))


def cells_of(groove: Groove, layers: Layers) -> tuple[IntArray, tuple[IntArray, IntArray, IntArray]]:
    """Which hits (K,) find a layer of the grid, and the step, voice and layer (K,) of each."""
    offset, velocity = groove.offset, groove.velocity
    cell = groove.step * N_VOICES + groove.voice
    loudest_first = np.lexsort((groove.position, -velocity, cell))
    kept = loudest_first[_rank_in_cell(cell[loudest_first]) < layers.n]
    if layers.in_time:
        kept = kept[np.lexsort((velocity[kept], offset[kept], cell[kept]))]
    step, voice = np.divmod(cell[kept], N_VOICES)
    return kept, (step, voice, _rank_in_cell(cell[kept]))


def _rank_in_cell(cell: IntArray) -> IntArray:
    """(N,) how many before each in its cell, for cells (N,) in order."""
    starts = np.flatnonzero(np.diff(cell, prepend=-1))
    return np.asarray(np.arange(len(cell)) - np.repeat(starts, np.diff(np.append(starts, len(cell)))))


def n_crowded(groove: Groove, layers: Layers = FOUR_IN_TIME) -> int:
    """Hits that `to_grid` would lose, counted without a tensor."""
    if not len(groove):
        return 0
    in_cell = np.bincount(groove.step * N_VOICES + groove.voice)
    return int(np.maximum(in_cell - layers.n, 0).sum())


def from_grid(tensor: FloatArray, like: Groove) -> Groove:
    """Tensor (T, V, L, F) back to a groove with the tempos and meters of `like`.

    A cell is a hit where its hit feature is at least 0.5. Offsets are clipped to
    [-0.5, 0.5), velocities rounded and clipped to 1 to 127. A hit more than
    PUSHED_STEPS before step 0 is a pushed one and stands at the groove's end.
    """
    step, voice, layer = np.nonzero(tensor[..., HIT] >= 0.5)
    values = tensor[step, voice, layer].astype(np.float64)
    just_below_half = np.nextafter(np.float32(0.5), np.float32(0.0))
    position = np.asarray(step + np.clip(values[:, OFFSET], -0.5, just_below_half), dtype=np.float64)
    position = position + len(tensor) * (position < -PUSHED_STEPS)
    velocity = np.clip(np.rint(values[:, VELOCITY] * MAX_VELOCITY), 1, MAX_VELOCITY).astype(np.int64)
    return replace(like, position=position, voice=voice, velocity=velocity, n_steps=len(tensor))


# -- windows -------------------------------------------------------------------


@dataclass(frozen=True)
class Span:
    """Steps `start` to `stop` of a groove."""

    start: int
    stop: int

    @property
    def n_steps(self) -> int:
        return self.stop - self.start


def frame_from_numbers(n_steps: Any, tempos: Any, meters: Any) -> Groove:
    """A groove without hits out of a stranger's numbers.

    Args:
        n_steps: 1 to MAX_STEPS.
        tempos: [step, BPM] each, at most MAX_STEPS.
        meters: [step, numerator, denominator] each, at most MAX_CHANGES.

    Raises:
        TypeError, ValueError, OverflowError: what no groove of a file has.
    """
    if type(n_steps) is not int or not 1 <= n_steps <= MAX_STEPS:
        raise ValueError(f"a length of {n_steps!r} steps")
    if len(tempos) > MAX_STEPS or len(meters) > MAX_CHANGES:
        raise ValueError(f"more than {MAX_STEPS:,} tempos or {MAX_CHANGES:,} meters")
    own_tempos, own_meters = changes_from_lists(tempos, meters)
    if not all(0 <= t.step < n_steps and 1.0 <= t.bpm <= 1e8 for t in own_tempos):
        raise ValueError("a tempo out of range")
    if not all(0 <= m.step < n_steps and is_meter(m.numerator, m.denominator) for m in own_meters):
        raise ValueError("a meter out of range")
    return Groove.silent(n_steps, own_tempos, own_meters)


def window_spans(groove: Groove) -> list[Span]:
    """Cut a groove at its bar lines into windows the model can hold, nothing left out.

    A window is as many whole bars as fit in WINDOW_STEPS (two of 4/4, 3/4, 6/8 or
    7/8, one of 12/8 or 5/4, four of 2/4), all of one meter; a bar that is longer by
    itself is cut every WINDOW_STEPS. So every meter keeps its own length.
    """
    lines = np.rint(groove.bar_lines).astype(int).tolist()
    meter_starts = {round(m.step) for m in groove.meters}
    spans: list[Span] = []
    start = lines[0]
    for line, following in zip(lines[1:], [*lines[2:], None], strict=True):
        while line - start > WINDOW_STEPS:
            spans.append(Span(start, start + WINDOW_STEPS))
            start += WINDOW_STEPS
        if line > start and (following is None or following - start > WINDOW_STEPS or line in meter_starts):
            spans.append(Span(start, line))
            start = line
    return spans


def join(parts: Sequence[FloatArray]) -> FloatArray:
    """Window tensors back into one along time."""
    return np.concatenate(parts, axis=0)
