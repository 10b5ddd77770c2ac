"""Descriptors of a groove: numbers that a musician would agree with.

Each is a plain function of the hits, stated with its formula. A descriptor that the groove
does not define (the swing of a groove without off-beats) is None, never a made-up zero.

Conventions: steps are 16ths; velocity is 1 to 127; microtiming is the offset from the
nearest step, in steps; a *beat* is a quarter note, or a dotted quarter in 6/8, 9/8 and 12/8.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

import numpy as np

from rhythmvae.errors import check_each
from rhythmvae.groove import DEFAULT_TEMPO_BPM, STEPS_PER_QUARTER, FloatArray, Groove, IntArray, Meter, Tempo
from rhythmvae.kit import GROUPS, VOICE_INDEX, VOICE_KEYS

TIMEKEEPERS = [VOICE_INDEX[key] for key in ("closed_hat", "open_hat", "ride")]
IS_TIMEKEEPER = np.isin(np.arange(len(VOICE_KEYS)), TIMEKEEPERS)
BACKBONE = [VOICE_INDEX[key] for key in ("kick", "snare")]
IS_BACKBONE = np.isin(np.arange(len(VOICE_KEYS)), BACKBONE)
GROUP_VOICES = {group: [VOICE_INDEX[key] for key in keys] for group, keys in GROUPS.items()}
GHOST_BELOW = 40  # velocity under which a hit is a ghost note
# Where in a quarter note, in steps, a timekeeper's hit counts as its second eighth.
SECOND_EIGHTH = (1.5, 2.9)


def density(groove: Groove) -> float:
    """Hits per quarter note."""
    return len(groove) * STEPS_PER_QUARTER / groove.n_steps


def group_densities(groove: Groove) -> dict[str, float]:
    """Hits per quarter note of each group of voices (kit.GROUPS)."""
    quarters = groove.n_steps / STEPS_PER_QUARTER
    counts = np.bincount(groove.voice, minlength=len(VOICE_KEYS)).tolist()
    return {name: sum(counts[voice] for voice in own) / quarters for name, own in GROUP_VOICES.items()}


def velocity_mean(groove: Groove) -> float | None:
    """Loudness: mean velocity, 1 to 127."""
    return mean_of(groove.velocity)


def velocity_spread(groove: Groove) -> float | None:
    """Dynamics: standard deviation of velocity."""
    return spread_of(groove.velocity)


def mean_of(values: FloatArray | IntArray) -> float | None:
    """`values.mean()`, in a third of its time for the few hits of a loop; None of no values."""
    return float(np.add.reduce(values, dtype=np.float64) / len(values)) if len(values) else None


def spread_of(values: FloatArray | IntArray) -> float | None:
    """`values.std()`, as `mean_of`."""
    mean = mean_of(values)
    return None if mean is None else math.sqrt(np.add.reduce((values - mean) ** 2) / len(values))


def offset_mean(groove: Groove) -> float | None:
    """Push or drag: mean offset in steps; negative plays ahead of the beat."""
    return mean_of(groove.offset)


def offset_spread(groove: Groove) -> float | None:
    """Looseness: standard deviation of the offset in steps."""
    return spread_of(groove.offset)


def swing(groove: Groove) -> float | None:
    """How late the second eighth of a beat comes: 0 straight, 1 triplet shuffle.

    Over the hits of hats and ride that fall between 1.5 and 2.9 steps into a quarter note of
    their bar, the mean position p gives (p - 2) / (2/3): 2 steps is straight, 2 2/3 the third
    triplet. None where there is no such hit, or where the meter counts in dotted quarters.
    """
    if any(m.is_compound for m in groove.meters):
        return None
    # A hit that is pushed at the loop's end is no second eighth of the last beat.
    position = groove.loop_position[IS_TIMEKEEPER[groove.voice]]
    lines = groove.bar_lines
    bar = lines[np.maximum(np.searchsorted(lines, position, side="right") - 1, 0)]
    place = np.mod(position - bar, STEPS_PER_QUARTER)
    second = place[(place >= SECOND_EIGHTH[0]) & (place < SECOND_EIGHTH[1])]
    return float((second.mean() - 2.0) / (2.0 / 3.0)) if len(second) else None


def metrical_weights(groove: Groove) -> IntArray:
    """(n_steps,) how strong each step is: 0 the downbeat, -1 a beat, -2 its half or third, -3 a 16th, -4 between.

    The tree of Longuet-Higgins and Lee (1984), with the beats of a bar on one level.
    """
    return _metrical_weights(groove.n_steps, groove.meters)


@lru_cache(maxsize=64)  # grooves of a collection have few lengths
def _metrical_weights(n_steps: int, meters: tuple[Meter, ...]) -> IntArray:
    frame = Groove.silent(n_steps, (Tempo(0.0, DEFAULT_TEMPO_BPM),), meters)
    weights = np.full(n_steps, -4, dtype=np.int8)
    for start, end in pairwise(frame.bar_lines):
        meter = frame.meter_at(start)
        for level, stride in ((-3, 1), (-2, 2), (-1, round(meter.pulse_steps))):
            weights[round(start) : round(end) : stride] = level
        weights[round(start)] = 0
    weights.setflags(write=False)
    return weights


def syncopation(groove: Groove) -> float | None:
    """Per quarter note, how much kick and snare contradict the meter.

    Longuet-Higgins and Lee (1984): a hit at step t followed, before the voice's next hit, by a
    silent stronger step r is a syncopation of strength w(r) - w(t); the sum over kick and snare
    is divided by the length in quarter notes. The groove is taken as a loop. None without hits
    of either voice.
    """
    is_backbone = IS_BACKBONE[groove.voice]
    if not is_backbone.any():
        return None
    n = groove.n_steps
    weights = metrical_weights(groove)
    # Every step that either plays, the kick's before the snare's, and the next of the same voice or its first again.
    played = np.bincount(groove.voice[is_backbone] * n + groove.step[is_backbone])
    voice, steps = np.divmod(np.flatnonzero(played), n)
    is_other = voice[1:] != voice[:-1]
    following = np.append(steps[1:], 0)
    following[np.append(is_other, True)] = steps[np.append(True, is_other)] + n
    is_apart = following > steps + 1
    total = 0
    if is_apart.any():
        edges = np.stack([steps[is_apart] + 1, following[is_apart]], 1).ravel()
        strongest = np.maximum.reduceat(np.concatenate([weights, weights]), edges)[::2]
        total = int(np.maximum(strongest - weights[steps[is_apart]], 0).sum())
    return total * STEPS_PER_QUARTER / n


def voice_shares(groove: Groove) -> dict[str, float]:
    """Share of the hits that each voice plays; all zero for silence."""
    counts = np.bincount(groove.voice, minlength=len(VOICE_KEYS)) / max(len(groove), 1)
    return dict(zip(VOICE_KEYS, counts.tolist(), strict=True))


def describe(groove: Groove) -> dict[str, float | dict[str, float] | None]:
    """Every descriptor by name, JSON-able."""
    return {
        "density": density(groove),
        "syncopation": syncopation(groove),
        "swing": swing(groove),
        "velocity_mean": velocity_mean(groove),
        "velocity_spread": velocity_spread(groove),
        "offset_mean": offset_mean(groove),
        "offset_spread": offset_spread(groove),
        "voice_shares": voice_shares(groove),
        "group_densities": group_densities(groove),
    }


def table(grooves: Iterable[Groove]) -> dict[str, list[float | str | None]]:
    """Descriptors of many grooves as columns, which `pandas.DataFrame` takes as they are.

    The first column is the title; then come those of `describe`, one for each voice and group
    (`voice_shares_kick`, `group_densities_hats`), in its units. None where a groove does not define one.

    Raises:
        WrongTypeError: no list, or something in it that is no groove.

    >>> from rhythmvae import descriptors, example
    >>> columns = descriptors([example("funk"), example("rock")])
    >>> columns["title"], len(columns["density"])
    (['Funk', 'Rock'], 2)
    """
    columns: dict[str, list[float | str | None]] = {"title": []}
    for groove in check_each(grooves, Groove, "a groove"):
        columns["title"].append(groove.title)
        for name, value in describe(groove).items():
            parts = {f"{name}_{key}": part for key, part in value.items()} if isinstance(value, dict) else {name: value}
            for column, part in parts.items():
                columns.setdefault(column, []).append(part)
    return columns


# -- sliders -------------------------------------------------------------------

# What can be asked for by name, in the order that pages show it.
SLIDERS: tuple[str, ...] = (
    "density",
    "syncopation",
    "swing",
    "dynamics",
    "looseness",
    "loudness",
    *(f"density_{group}" for group in GROUPS),
)


def slider_values(groove: Groove) -> dict[str, float | None]:
    """The value of each of SLIDERS in its own unit; None where the groove does not define it."""
    return {
        "density": density(groove),
        "syncopation": syncopation(groove),
        "swing": swing(groove),
        "dynamics": velocity_spread(groove),
        "looseness": offset_spread(groove),
        "loudness": velocity_mean(groove),
        **{f"density_{group}": value for group, value in group_densities(groove).items()},
    }


# -- traits --------------------------------------------------------------------


TRAITS: tuple[str, ...] = (
    *SLIDERS[:6],
    "push",
    "ghosts",
    "doubles",
    "repetition",
    *(f"{trait}_{key}" for key in VOICE_KEYS for trait in ("hits", "loudness", "dynamics", "push", "looseness")),
)


def traits(groove: Groove) -> dict[str, float | None]:
    """What a window is like, in the numbers that the prior asks for (prior.py): finer than the sliders.

    The six whole-groove sliders; push, the mean offset; ghosts, hits under GHOST_BELOW per
    quarter note; doubles, second hits of a cell per quarter note; repetition, the share of
    cells that both halves have out of those that either has; and for each voice its hits per
    quarter note and the mean and spread of its velocity and offset.
    """
    n_voices = len(VOICE_KEYS)
    step, offset = groove.step, groove.offset
    cells = np.unique(step * n_voices + groove.voice)
    half = groove.n_steps // 2 * n_voices
    first, second = cells[cells < half], cells[cells >= half] - half
    either = len(np.union1d(first, second))
    quarters = groove.n_steps / STEPS_PER_QUARTER
    sliders = slider_values(groove)
    found: dict[str, float | None] = {
        **{name: sliders[name] for name in SLIDERS[:6]},
        "push": offset_mean(groove),
        "ghosts": int((groove.velocity < GHOST_BELOW).sum()) / quarters,
        "doubles": (len(groove) - len(cells)) / quarters,
        "repetition": len(np.intersect1d(first, second)) / either if either else None,
    }
    for voice, key in enumerate(VOICE_KEYS):
        own = groove.voice == voice
        found[f"hits_{key}"] = int(own.sum()) / quarters
        for level, spread, values in (("loudness", "dynamics", groove.velocity), ("push", "looseness", offset)):
            found[f"{level}_{key}"] = float(values[own].mean()) if own.any() else None
            found[f"{spread}_{key}"] = float(values[own].std()) if own.any() else None
    return found
