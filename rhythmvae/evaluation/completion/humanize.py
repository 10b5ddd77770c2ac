"""Humanize: of each take the loudest stroke of a drum in a 16th, at most MAX_BARS bars from its middle.

Velocities and timing are taken away; `humanize --temperature 0` answers. Errors are mean absolute ones over all hits:
timing in ms beside the grid's, velocity of 127 beside the median of the drum at its 16th of the bar in training takes,
and the correlation of velocities.

Drawn (`--temperature 1`): how far what is drawn is spread as what was played is, by the Kullback-Leibler divergence of
played from drawn in nats: of timing in 40 bins of 4 ms about the grid (the outermost hold what lies beyond), of
velocity in 32 bins of 4, one added to each bin. Floors: the grid and the median velocities; and training takes' own
timing and velocities.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from rhythmvae.evaluation.completion.jobs import STEPS_PER_BAR, Figure, Fold, Material, by_folds
from rhythmvae.groove import FloatArray, Groove, IntArray
from rhythmvae.kit import N_VOICES
from rhythmvae.model.completing import feel_each
from rhythmvae.model.given import Given

JOB = "humanize"
MAX_BARS = 48
TIMING_EDGES = 4.0 * np.arange(-20, 21)  # ms
VELOCITY_EDGES = 4.0 * np.arange(33)


def figures(material: Material) -> list[Figure]:
    """Timing, velocity and correlation of the one answer; divergences of a draw."""
    played = [one_a_cell(_middle(groove)) for groove in material.takes]
    known = [one_a_cell(groove) for fold in material.folds[:1] for groove in fold.seen]
    medians = np.concatenate(by_folds(material, _medians_of))
    best, drawn = (felt(material, played, temperature) for temperature in (0.0, 1.0))
    own, answer, draw = (Feel.of(grooves) for grooves in (played, best, drawn))
    on_grid = np.zeros_like(own.milliseconds)
    train = Feel.of(known)
    n = len(medians)

    def divergence(name: str, edges: FloatArray, floor: str, without: FloatArray) -> Figure:
        true, new, others = (getattr(feel, name) for feel in (own, draw, train))
        floors = {floor: divergence_of(true, without, edges)}
        if len(known):
            floors["training takes"] = divergence_of(true, others, edges)
        return Figure(JOB, f"drawn: KL of {NAMES[name]}, nats", divergence_of(true, new, edges), floors, n)

    return [
        Figure(
            JOB,
            "timing, ms",
            _error(own.milliseconds, answer.milliseconds),
            {"grid": _error(own.milliseconds, on_grid)},
            n,
        ),
        Figure(
            JOB, "velocity, of 127", _error(own.velocity, answer.velocity), {"median": _error(own.velocity, medians)}, n
        ),
        Figure(
            JOB,
            "velocity, correlation",
            _like(own.velocity, answer.velocity),
            {"median": _like(own.velocity, medians)},
            n,
        ),
        divergence("milliseconds", TIMING_EDGES, "grid", on_grid),
        divergence("velocity", VELOCITY_EDGES, "median", medians),
    ]


def felt(material: Material, grooves: Sequence[Groove], temperature: float) -> list[Groove]:
    """As `humanize` gives them back."""
    given, wanted = [Given.strokes(groove) for groove in grooves], material.completer.wanted()
    found = feel_each(material.completer, given, wanted, temperature, material.seed)
    return [groove.with_hits(at, groove.voice, loud) for groove, (at, loud) in zip(grooves, found, strict=True)]


NAMES = {"milliseconds": "timing", "velocity": "velocity"}


def one_a_cell(groove: Groove) -> Groove:
    """A groove with the loudest stroke of each drum in each 16th."""
    cell = groove.step * N_VOICES + groove.voice
    loudest_first = np.lexsort((groove.position, -groove.velocity, cell))
    kept = loudest_first[np.diff(cell[loudest_first], prepend=-1) != 0]
    return groove.some(kept)


def _middle(groove: Groove) -> Groove:
    over = max(groove.n_bars - MAX_BARS, 0)
    return groove.bars(1 + over // 2, groove.n_bars - (over - over // 2)) if over else groove


def by_cell(groove: Groove) -> IntArray:
    """The order of hits by step and voice."""
    return np.asarray(np.lexsort((groove.position, groove.step * N_VOICES + groove.voice)))


@dataclass(frozen=True, eq=False)
class Feel:
    """Of the hits of grooves, by cell: milliseconds behind the grid and velocities, (N,)."""

    milliseconds: FloatArray
    velocity: FloatArray

    @classmethod
    def of(cls, grooves: Sequence[Groove]) -> Feel:
        timing, velocity = [np.zeros(0)], [np.zeros(0)]
        for groove in grooves:
            order = by_cell(groove)
            seconds = np.array([groove.tempo_at(step).seconds_per_step for step in groove.step[order].tolist()])
            timing.append(1000 * groove.offset[order] * seconds)
            velocity.append(groove.velocity[order].astype(np.float64))
        return cls(np.concatenate(timing), np.concatenate(velocity))


def divergence_of(true: FloatArray, found: FloatArray, edges: FloatArray) -> float:
    """KL of `true` from `found`, nats, over bins; what lies outside counts to the outermost, and each has one more."""
    inside = edges[0], np.nextafter(edges[-1], edges[0])
    p, q = (np.histogram(np.clip(values, *inside), edges)[0] + 1.0 for values in (true, found))
    p, q = p / p.sum(), q / q.sum()
    return float((p * np.log(p / q)).sum())


def _error(a: FloatArray, b: FloatArray) -> float:
    return float(np.abs(a - b).mean())


def _like(a: FloatArray, b: FloatArray) -> float | None:
    """The correlation; None where one of the two is the same everywhere."""
    return float(np.corrcoef(a, b)[0, 1]) if len(a) and a.std() > 0 and b.std() > 0 else None


# -- median velocities ---------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Medians:
    """The median velocity of each drum at each 16th of a bar, (T, V)."""

    table: FloatArray

    @classmethod
    def of(cls, grooves: Iterable[Groove]) -> Medians:
        """Of grooves; what was never played has the median of its drum."""
        own = list(grooves)
        place = np.concatenate([_place(groove) for groove in own])
        voice, velocity = (np.concatenate([getattr(g, name) for g in own]) for name in ("voice", "velocity"))
        table = np.full((STEPS_PER_BAR, N_VOICES), float(np.median(velocity)) if len(velocity) else 64.0)
        for drum in range(N_VOICES):
            of_drum = voice == drum
            if of_drum.any():
                table[:, drum] = np.median(velocity[of_drum])
            for step in np.unique(place[of_drum]).tolist():
                table[step, drum] = np.median(velocity[of_drum & (place == step)])
        return cls(table)

    def velocity(self, groove: Groove) -> FloatArray:
        """(N,) of a groove's hits."""
        return np.asarray(self.table[_place(groove), groove.voice])


def _medians_of(fold: Fold) -> list[FloatArray]:
    """Of each judged groove, by cell."""
    medians = Medians.of(one_a_cell(groove) for groove in fold.seen)
    judged = [one_a_cell(_middle(groove)) for groove in fold.judged]
    return [medians.velocity(groove)[by_cell(groove)] for groove in judged]


def _place(groove: Groove) -> IntArray:
    """(N,) the 16th of each hit's bar, the first STEPS_PER_BAR over again where a bar is longer."""
    lines = np.rint(groove.bar_lines[:-1]).astype(np.int64)
    bar = np.searchsorted(lines, groove.step, side="right") - 1
    return np.asarray((groove.step - lines[bar]) % STEPS_PER_BAR)
