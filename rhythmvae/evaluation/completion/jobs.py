"""What jobs are judged by: folds of takes, stretches of them, cells, and figures beside their floors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from rhythmvae.evaluation import two_sample
from rhythmvae.groove import WINDOW_STEPS, BoolArray, FloatArray, Groove, IntArray, to_grid
from rhythmvae.kit import N_VOICES
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.completing import Completer, complete_each
from rhythmvae.model.given import Given

STEPS_PER_BAR = 16
MAX_PER_TAKE = 6  # stretches of a take, evenly from all over it
MAX_KNOWN = 1_000  # windows of a take that floors are fitted on
DRAWS = 2  # sets that a two-sample test is made of
MIN_TAKES = 20  # fewer than this say nothing in folds of a fifth


@dataclass(frozen=True)
class Figure:
    """A figure of a job beside its floors.

    value: None where there is nothing to judge by. floors: by name, what anybody gets, or what drummers do.
    n: hits, bars or windows that it is over. classifier: of a two-sample test, the strongest.
    """

    job: str
    figure: str
    value: float | None
    floors: Mapping[str, float | None]
    n: int
    classifier: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "floors": dict(self.floors)}


class Fold(NamedTuple):
    """Grooves that floors are fitted on, and grooves that are judged; no groove is in both."""

    seen: Sequence[Groove]
    judged: Sequence[Groove]


@dataclass(frozen=True, eq=False)
class Material:
    """What jobs are done with: a model that completes, and takes by folds."""

    checkpoint: Checkpoint
    folds: Sequence[Fold]
    seed: int = 0
    takes: Sequence[Groove] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "takes", [groove for fold in self.folds for groove in fold.judged])

    @property
    def completer(self) -> Completer:
        return Completer.of(self.checkpoint)

    def completed(self, given: Sequence[Given], temperature: float, draw: int = 0) -> list[Groove]:
        """Of parts: the one answer for each, or a draw."""
        wanted = self.completer.wanted()
        return complete_each(self.completer, given, wanted, temperature, self.seed * DRAWS + draw)

    def drawn(self, given: Sequence[Given]) -> list[list[Groove]]:
        """DRAWS draws."""
        return [self.completed(given, 1.0, draw) for draw in range(DRAWS)]


# -- stretches -----------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Stretch:
    """Bars of 4/4 of a take, and its number among the takes."""

    take: int
    groove: Groove


def stretches(
    takes: Sequence[Groove], n_bars: int, *, step: int | None = None, most: int = MAX_PER_TAKE, least: int = 1
) -> Iterator[Stretch]:
    """N bars of 4/4 in a row, evenly from all over each take.

    Args:
        step: bars from one to the next at least; None for stretches that do not overlap.
        most: of each take.
        least: hits in each two bars from the last backwards, or in the last bar where n_bars is odd.
    """
    for number, groove in enumerate(takes):
        if {str(meter) for meter in groove.meters} != {"4/4"}:
            continue
        first = range(1, groove.n_bars - n_bars + 2, step or n_bars)
        for index in np.unique(np.linspace(0, len(first) - 1, min(len(first), most)).astype(int)).tolist():
            own = groove.bars(first[index], first[index] + n_bars - 1)
            if own.n_steps == n_bars * STEPS_PER_BAR and _is_played(own, least):
                yield Stretch(number, own)


def _is_played(groove: Groove, least: int) -> bool:
    bars = np.bincount(groove.step // STEPS_PER_BAR, minlength=groove.n_bars)[::-1]
    if len(bars) % 2:
        return bool(bars[0] >= least)
    return bool((bars.reshape(-1, 2).sum(1) >= least).all())


def by_folds(material: Material, of: Callable[[Fold], Sequence[Any]]) -> list[Any]:
    """What is made of each fold, in the order of the takes."""
    return [one for fold in material.folds for one in of(fold)]


# -- cells ---------------------------------------------------------------------


def cells(groove: Groove) -> BoolArray:
    """(T, V), where there are hits."""
    table = np.zeros((groove.n_steps, N_VOICES), dtype=bool)
    table[groove.step, groove.voice] = True
    return table


def bars_of(grooves: Sequence[Groove], first: int, last: int) -> list[BoolArray]:
    """The cells of some bars of each, (T, V)."""
    return [cells(groove.bars(first, last)) for groove in grooves]


def known_windows(grooves: Sequence[Groove]) -> BoolArray:
    """Cells of two bars of 4/4 from each bar of grooves on, with hits in them: (N, T, V)."""
    found = [cells(one.groove) for one in stretches(grooves, 2, step=1, most=MAX_KNOWN)]
    return np.stack(found) if found else np.zeros((0, WINDOW_STEPS, N_VOICES), dtype=bool)


def f1(true: Sequence[BoolArray], found: Sequence[BoolArray]) -> float:
    """F1 over all cells of all tables together."""
    right = sum(int((a & b).sum()) for a, b in zip(true, found, strict=True))
    return 2 * right / max(sum(int(table.sum()) for table in (*true, *found)), 1)


def nearest(known: BoolArray, asked: BoolArray) -> IntArray:
    """(N,) the row of `known` (M, ...) that differs from each of `asked` (N, ...) in the fewest cells."""
    a, b = (table.reshape(len(table), -1).astype(np.float32) for table in (known, asked))
    return np.asarray((a.sum(1)[None] - 2 * b @ a.T).argmin(1))


# -- two-sample tests ----------------------------------------------------------


def windows(groove: Groove, first_bars: Sequence[int]) -> FloatArray:
    """Two bars of a groove from each of some bars on, as a file would hold them: (N, T, V, L, F)."""
    grids = [to_grid(groove.bars(bar, bar + 1)).tensor for bar in first_bars]
    return two_sample.as_file(np.stack(grids))


class Sides(NamedTuple):
    """Stretches by turns: those that are left as played, and those to be made anew."""

    left: Sequence[Stretch]
    made: Sequence[Stretch]

    @classmethod
    def of(cls, found: Sequence[Stretch]) -> Sides:
        return cls(found[::2], found[1::2])

    @property
    def once(self) -> list[int]:
        """The first stretch of each take among `made`: a sample from the prior takes long."""
        return sorted({one.take: number for number, one in reversed(list(enumerate(self.made)))}.values())

    @property
    def is_enough(self) -> bool:
        return min(len({one.take for one in side}) for side in self) >= MIN_TAKES


def two_sample_figure(
    job: str,
    sides: Sides,
    bars: Sequence[int],
    made: Sequence[Sequence[Groove]],
    others: Mapping[str, Sequence[Stretch]],
) -> Figure:
    """Two-sample accuracy of made grooves against what was played elsewhere in the same takes.

    Args:
        bars: from which on windows are judged.
        made: draws of grooves, each in the order of `sides.made`, and as long.
        others: what is judged beside them, of some of the same takes.
    """

    def table(found: Sequence[Stretch]) -> tuple[FloatArray, IntArray]:
        x = np.concatenate([windows(one.groove, bars) for one in found])
        return x, np.repeat([one.take for one in found], len(bars))

    if not sides.is_enough:
        return Figure(job, "two-sample accuracy", None, {"as played": None, **dict.fromkeys(others)}, 0)
    played, takes = table(sides.made)
    draws = [np.concatenate([windows(groove, bars) for groove in draw]) for draw in made]
    beside = {name: table(own) for name, own in others.items()}
    found = two_sample.beside_played(table(sides.left), played, draws, beside, takes)
    floors = {"as played": found.played, **found.others}
    return Figure(job, "two-sample accuracy", found.made, floors, len(played), found.classifier)
