"""What is hidden of training windows, and what is left: the ways in which people give a part of a groove.

Shapes: B windows, 3 places (the window before, this one, the one after), T steps, V voices, L layers, F features.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from rhythmvae.analysis.descriptors import GROUP_VOICES
from rhythmvae.groove import HIT, OFFSET, STEPS_PER_QUARTER, VELOCITY, FloatArray, IntArray
from rhythmvae.kit import N_VOICES
from rhythmvae.model.completion import AFTER, BEFORE, THIS

# nothing is left; some beats; some drums; some of both; all strokes without how they are played; a rhythm without drums
KINDS = ("nothing", "beats", "voices", "both", "stiff", "taps")
SHARES = (0.12, 0.18, 0.2, 0.1, 0.25, 0.15)
# Of taps: share of strokes that are missed, of strokes that are doubled, and jitter in steps at most.
MISSED, DOUBLED, JITTER = 0.04, 0.02, 0.12
DOUBLED_AFTER = 0.3  # steps
NO_FEEL = 0.15  # share of given drums and beats whose velocities and offsets are not given


@dataclass(frozen=True, eq=False)
class Left:
    """What is left of windows: hits, velocities and offsets (B, 3, T, V), 1 for cells of which these are given; taps
    (B, T, L, F) and tapped (B, T), as in `completion.Part`."""

    hits: FloatArray
    velocities: FloatArray
    offsets: FloatArray
    taps: FloatArray
    tapped: FloatArray


def leave(x: FloatArray, rng: np.random.Generator, shares: tuple[float, ...] = SHARES) -> Left:
    """A part of each window (B, 3, T, V, L, F), each in one of the ways."""
    kinds = rng.choice(len(KINDS), len(x), p=shares)
    parts = {kind: np.flatnonzero(kinds == number) for number, kind in enumerate(KINDS)}
    made = [(rows, left_of(x[rows], kind, rng)) for kind, rows in parts.items() if len(rows)]
    order = np.argsort(np.concatenate([rows for rows, _ in made]))
    joined = (np.concatenate([getattr(part, each.name) for _, part in made])[order] for each in fields(Left))
    return Left(*joined)


def left_of(x: FloatArray, kind: str, rng: np.random.Generator) -> Left:
    """What is left of windows (B, 3, T, V, L, F) in one of the ways, KINDS."""
    batch, _, n_steps = x.shape[:3]
    cells = np.zeros((batch, 3, n_steps, N_VOICES), dtype=np.float32)
    felt = np.ones((2, batch, 3, 1, N_VOICES), dtype=np.float32)
    taps, tapped = np.zeros((batch, n_steps, *x.shape[4:]), dtype=np.float32), np.zeros((batch, n_steps), np.float32)
    is_before, is_after = _share(rng, batch, 0.8), _share(rng, batch, 0.15)
    if kind in ("beats", "both"):
        cells[:, THIS] = _beats(batch, n_steps, rng)[:, :, None]
        is_after = _share(rng, batch, 0.4)
    if kind in ("voices", "both"):
        voices = _voices(batch, rng)[:, None]
        how = 1.0 if kind == "voices" else _share(rng, batch, 0.5)
        cells[:, THIS] = np.maximum(cells[:, THIS], voices * how)
        cells[:, AFTER] = voices * _share(rng, batch, 0.7)  # people mark drums of a whole groove
        cells[:, BEFORE] = voices
    if kind == "stiff":
        cells[:, THIS] = 1.0
        cells[:, AFTER] = _share(rng, batch, 0.8)
        cells[:, BEFORE] = _share(rng, batch, 0.9)
        felt[:] = _feel_of_stiff(batch, rng)
    elif kind != "taps":
        felt[:, :, THIS:] = 1.0 - (rng.random((batch, 1, 1, 1)) < NO_FEEL)
    if kind == "taps":
        taps, tapped = tapped_by(x[:, THIS], rng), np.ones_like(tapped)
        is_before = _share(rng, batch, 0.4)
    if kind == "stiff":
        is_before = is_before * _share(rng, batch, 0.45)
    # What was made already is whole: the window before for the most part, that after where a gap is filled.
    whole = {BEFORE: is_before, AFTER: is_after} if kind in ("nothing", "beats", "both") else {BEFORE: is_before}
    for place, is_whole in whole.items():
        cells[:, place] = np.maximum(cells[:, place], is_whole)
        felt[:, :, place] = np.maximum(felt[:, :, place], is_whole)
    return Left(cells, cells * felt[0], cells * felt[1], taps, tapped)


def _share(rng: np.random.Generator, batch: int, share: float) -> FloatArray:
    """(B, 1, 1), 1 for a share of windows."""
    return (rng.random((batch, 1, 1)) < share).astype(np.float32)


def _feel_of_stiff(batch: int, rng: np.random.Generator) -> FloatArray:
    """(2, B, 1, 1, V): whether velocities, offsets are given after all: of none, one of the two, some drums' both."""
    given = rng.choice(4, batch, p=(0.7, 0.1, 0.1, 0.1))
    one = np.stack([given == 1, given == 2]).astype(np.float32)[:, :, None, None, None]
    some = (_voices(batch, rng) * (given == 3)[:, None]).astype(np.float32)[None, :, None, None]
    return np.asarray(np.maximum(one, some))


def _beats(batch: int, n_steps: int, rng: np.random.Generator) -> FloatArray:
    """(B, T), 1 where beats are left: a beginning, an end, or all but a stretch."""
    n_beats = n_steps // STEPS_PER_QUARTER
    first = rng.integers(0, n_beats, batch)
    after = first + rng.integers(1, n_beats + 1, batch)
    how = rng.choice(3, batch, p=(0.5, 0.2, 0.3))
    first, after = np.where(how == 0, 0, first), np.where(how == 1, n_beats, after)
    half = (how == 0) & (rng.random(batch) < 0.4)  # a bar is given, the next one asked for
    after = np.where(half, n_beats // 2, after)
    beat = np.arange(n_steps) // STEPS_PER_QUARTER
    within = (beat >= first[:, None]) & (beat < after[:, None])
    return np.where((how == 2)[:, None], ~within, within).astype(np.float32)


def _voices(batch: int, rng: np.random.Generator) -> FloatArray:
    """(B, V), 1 for voices that are left: some groups, or all but one."""
    left = np.zeros((batch, N_VOICES), dtype=np.float32)
    share = rng.choice((0.3, 0.5, 0.8), batch)
    for group in GROUP_VOICES.values():
        left[:, group] = (rng.random(batch) < share)[:, None]
    but_one = np.flatnonzero(rng.random(batch) < 0.4)
    groups = list(GROUP_VOICES.values())
    left[but_one] = 1.0
    for row, group in zip(but_one, rng.integers(0, len(groups), len(but_one)), strict=True):
        left[row, groups[group]] = 0.0
    return left


def tapped_by(x: FloatArray, rng: np.random.Generator) -> FloatArray:
    """(B, T, L, F): the strokes of windows (B, T, V, L, F) as somebody taps them, in the first layers."""
    batch, n_steps = x.shape[:2]
    strokes = x.reshape(batch, n_steps, -1, x.shape[-1])
    loudest = np.where(strokes[..., HIT] > 0, strokes[..., VELOCITY], -1.0).argmax(-1)
    own = np.take_along_axis(strokes, loudest[..., None, None], axis=2)[:, :, 0]
    is_human = rng.random((batch, 1)) < 0.7  # others are drums flattened to one lane
    is_there = own[..., HIT] * ~((rng.random((batch, n_steps)) < MISSED) & is_human)
    # Few tap all that hands and feet play: a threshold of loudness for each window.
    threshold = rng.choice((0.0, 0.0, 0.3, 0.5), batch)[:, None] * is_human
    is_there = is_there * (own[..., VELOCITY] >= threshold)
    jitter = JITTER * is_human * rng.random((batch, 1)) * rng.standard_normal((batch, n_steps))
    taps = np.zeros((batch, n_steps, *x.shape[3:]), dtype=np.float32)
    taps[:, :, 0, HIT] = is_there
    loudness = np.where(is_human & (rng.random((batch, 1)) < 0.5), 0.8, own[..., VELOCITY])
    taps[:, :, 0, VELOCITY] = loudness * is_there
    taps[:, :, 0, OFFSET] = np.clip(own[..., OFFSET] + jitter, -0.5, 0.499) * is_there
    if x.shape[3] > 1:
        again = is_there * (rng.random((batch, n_steps)) < DOUBLED) * is_human
        taps[:, :, 1] = taps[:, :, 0] * again[..., None]
        taps[:, :, 1, OFFSET] = np.clip(taps[:, :, 0, OFFSET] + DOUBLED_AFTER, -0.5, 0.499) * again
    return taps


def without_a_voice(x: FloatArray, share: float, rng: np.random.Generator) -> FloatArray:
    """Windows (B, 3, T, V, L, F) of which a share loses a group of drums: so many more grooves to learn from."""
    kept = np.ones((len(x), N_VOICES), dtype=np.float32)
    groups = list(GROUP_VOICES.values())
    rows = np.flatnonzero(rng.random(len(x)) < share)
    for row, group in zip(rows, rng.integers(0, len(groups), len(rows)), strict=True):
        kept[row, groups[group]] = 0.0
    return np.asarray(x * kept[:, None, None, :, None, None])


def places(n_steps: IntArray, length: int) -> FloatArray:
    """(B, T), 1 for the steps that windows have."""
    return (np.arange(length) < n_steps[:, None]).astype(np.float32)
