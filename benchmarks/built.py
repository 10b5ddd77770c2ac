"""Grooves with known values, and grooves that have a property or narrowly lack it, drawn from a generator.

Tempo, length, looseness, dynamics and what is played around the property differ from one to the next.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rhythmvae.analysis.elements import DRAG, FLAM, ROLL, elements
from rhythmvae.analysis.feel import feels
from rhythmvae.analysis.timing import timing
from rhythmvae.groove import Groove, IntArray, Meter, Tempo
from rhythmvae.kit import VOICE_INDEX

Rng = np.random.Generator
Hits = list[tuple[float, str, float]]  # position in steps, voice, velocity
Make = Callable[[Rng], Groove]
Rule = Callable[[Groove], bool]


def groove_of(rng: Rng, hits: Hits, n_bars: int, bpm: float, loose_ms: float) -> Groove:
    """Hits as a groove, each moved and louder or softer by chance."""
    per_ms = bpm * 4 / 60_000
    position = np.array([h[0] for h in hits]) + rng.normal(size=len(hits)) * loose_ms * per_ms
    velocity = np.array([h[2] for h in hits]) + rng.normal(size=len(hits)) * 3
    return Groove(
        np.clip(position, 0, 16 * n_bars - 0.01),
        np.array([VOICE_INDEX[h[1]] for h in hits]),
        np.clip(np.rint(velocity), 1, 127).astype(np.int64),
        16 * n_bars,
        (Tempo(0.0, bpm),),
        (Meter(0.0, 4, 4),),
    )


def _frame(rng: Rng) -> tuple[int, float, float]:
    """Bars, BPM and looseness in ms."""
    return int(rng.choice([2, 4, 8])), float(np.round(rng.uniform(75, 165))), float(rng.uniform(0, 5))


def _in_bars(bar: Hits, n_bars: int) -> Hits:
    return [(16 * k + s, voice, v) for k in range(n_bars) for s, voice, v in bar]


def _hats(rng: Rng) -> Hits:
    voice, step = str(rng.choice(["closed_hat", "ride"])), int(rng.choice([1, 2, 4]))
    return [(s, voice, 90.0 if s % 4 == 0 else 70.0) for s in range(0, 16, step)]


def _kicks(rng: Rng) -> Hits:
    others = rng.choice([6, 7, 8, 10, 11, 14], 2, replace=False)
    return [(0, "kick", 105.0), *((float(s), "kick", 95.0) for s in others)]


# -- known values --------------------------------------------------------------


def known_timing(rng: Rng) -> tuple[Groove, float, dict[str, float]]:
    """A groove without chance, the share at which its eighths or 16ths swing, and how late each drum is in ms."""
    share, unit = float(rng.choice([0.5, 0.54, 0.58, 0.6, 0.62, 2 / 3, 0.7])), int(rng.choice([1, 2]))
    late = {voice: float(np.round(rng.uniform(-15, 15), 1)) for voice in ("kick", "snare", "closed_hat")}
    bpm, n_bars = float(np.round(rng.uniform(70, 170))), 4
    bar = [("closed_hat", s) for s in np.arange(0, 16, unit)] + [("kick", 0), ("kick", 6), ("kick", 10)]
    bar += [("snare", 4), ("snare", 12), *([("snare", 7)] if unit == 1 else [])]
    hits: Hits = []
    for k in range(n_bars):
        for voice, step in bar:
            pair, phase = divmod(step / (2 * unit), 1.0)
            position = 16 * (k + 1) + 2 * unit * (pair + (share if phase else 0.0)) + late[voice] * bpm * 4 / 60_000
            hits.append((position, voice, 90.0))
    return groove_of(rng, hits, n_bars + 1, bpm, 0.0), share, late


def known_levels(rng: Rng) -> tuple[Groove, IntArray]:
    """A groove whose drums each play at three levels, and the level of each hit."""
    ghost, normal, accent = float(rng.uniform(15, 38)), float(rng.uniform(68, 84)), float(rng.uniform(106, 124))
    hits = [(float(s), voice, 0.0) for voice in ("snare", "closed_hat") for s in range(32)]
    level = np.array([[2, 0, 1, 0, 1, 0][(i + int(rng.integers(2))) % 6] for i in range(64)])
    chosen = [(s, voice, (ghost, normal, accent)[own]) for (s, voice, _), own in zip(hits, level, strict=True)]
    groove = groove_of(rng, chosen, 2, 110.0, 0.0)
    order = np.lexsort(([VOICE_INDEX[h[1]] for h in chosen], [h[0] for h in chosen]))
    return groove, np.asarray(level[order])


# -- having and lacking --------------------------------------------------------


def _with_ornament(strokes: Callable[[Rng, float], list[tuple[float, float]]]) -> Make:
    """A rock bar in whose last beat the snare plays strokes (ms before or after its third 16th, velocity)."""

    def make(rng: Rng) -> Groove:
        n_bars, bpm, _ = _frame(rng)
        rock = [*_hats(rng), *_kicks(rng), (4.0, "snare", 105.0)]
        step_ms = 15_000 / bpm
        bar = rock + [(14 + ms / step_ms, "snare", v) for ms, v in strokes(rng, step_ms)]
        return groove_of(rng, _in_bars(bar, n_bars), n_bars, bpm, 0.5)

    return make


def _flam(rng: Rng, step_ms: float) -> list[tuple[float, float]]:
    return [(-rng.uniform(12, 42), rng.uniform(35, 75)), (0.0, 108.0)]


def _no_flam(rng: Rng, step_ms: float) -> list[tuple[float, float]]:
    early, equal, after = (-rng.uniform(60, 80), 55.0), (-rng.uniform(15, 40), 108.0), (rng.uniform(15, 40), 55.0)
    return [(early, equal, after)[int(rng.integers(3))], (0.0, 108.0)]


def _drag(rng: Rng, step_ms: float) -> list[tuple[float, float]]:
    gap = rng.uniform(25, min(80, 0.6 * step_ms))
    return [(-2 * gap, 45.0), (-gap, 42.0), (0.0, 108.0)]


def _no_drag(rng: Rng, step_ms: float) -> list[tuple[float, float]]:
    gap = rng.uniform(25, min(80, 0.6 * step_ms))
    slow, loud = [(-2 * step_ms, 45.0), (-step_ms, 42.0)], [(-2 * gap, 105.0), (-gap, 42.0)]
    return [*(slow, loud, [(-gap, 42.0)])[int(rng.integers(3))], (0.0, 108.0)]


def _roll(rng: Rng, step_ms: float) -> list[tuple[float, float]]:
    gap, n = step_ms * float(rng.choice([1 / 4, 1 / 3, 1 / 2])), int(rng.integers(5, 9))
    return [(k * gap - step_ms, rng.uniform(60, 90)) for k in range(n)]


def _no_roll(rng: Rng, step_ms: float) -> list[tuple[float, float]]:
    few = [(k * step_ms / 2, 80.0) for k in range(3)]
    sixteenths = [(k * step_ms - 4 * step_ms, 80.0) for k in range(5)]
    return (few, sixteenths)[int(rng.integers(2))]


def _ornament(kind: int) -> Rule:
    return lambda groove: bool((elements(groove).ornament == kind).any())


def _bars(bar: Callable[[Rng, int], Hits]) -> Make:
    """Bars by a function of the bar's index, over hats and kicks by chance."""

    def make(rng: Rng) -> Groove:
        n_bars, bpm, loose = _frame(rng)
        around = _hats(rng)
        hits = [(16 * k + s, voice, v) for k in range(n_bars) for s, voice, v in around + bar(rng, k)]
        return groove_of(rng, hits, n_bars, bpm, loose)

    return make


def _half_time(rng: Rng, k: int) -> Hits:
    return [*_kicks(rng), (8.0, "snare", 108.0), *((s, "snare", 28.0) for s in (5.0, 13.0) if rng.random() < 0.5)]


def _no_half_time(rng: Rng, k: int) -> Hits:
    places = ([4, 12], [4, 8], [8, 12], [8] if k % 2 else [4, 12])[int(rng.integers(4)) if k == 0 else 0]
    return [*_kicks(rng), *((float(s), "snare", 108.0) for s in places)]


def _floor(rng: Rng, k: int) -> Hits:
    extra = [(float(rng.choice([7, 11, 14, 15])), "kick", 90.0)] if rng.random() < 0.3 else []
    return [*((s, "kick", 108.0) for s in (0.0, 4.0, 8.0, 12.0)), *extra, (4.0, "snare", 100.0), (12.0, "snare", 100.0)]


def _no_floor(rng: Rng, k: int) -> Hits:
    beats = [0.0, 4.0, 8.0, 12.0]
    beats[int(rng.integers(4))] += float(rng.choice([-1.0, 1.0, 2.0]))  # one kick a bar beside its beat
    kicks = [(s if s >= 0 else 1.0, "kick", 108.0) for s in beats]
    return [*kicks, (4.0, "snare", 100.0), (12.0, "snare", 100.0)]


def _shuffled(second: Callable[[Rng], float], beats: tuple[int, ...] = (0, 4, 8, 12)) -> Make:
    """Eighths whose second comes at a share of the beat, on some of the beats."""

    def make(rng: Rng) -> Groove:
        n_bars, bpm, loose = _frame(rng)
        share = second(rng)
        hats = [(float(s), "closed_hat", 95.0) for s in range(0, 16, 4)]
        hats += [(s + 4 * share, "closed_hat", 75.0) for s in beats]
        bar: Hits = [*hats, (0.0, "kick", 105.0), (8.0, "kick", 100.0), (4.0, "snare", 108.0), (12.0, "snare", 108.0)]
        return groove_of(rng, _in_bars(bar, n_bars), n_bars, bpm, loose)

    return make


def _no_shuffle(rng: Rng) -> Groove:
    straight, light = _shuffled(lambda _: 0.5), _shuffled(lambda rng: float(rng.uniform(0.53, 0.57)))
    ride = _shuffled(lambda _: 2 / 3, (4, 12))
    return (straight, light, ride)[int(rng.integers(3))](rng)


def _feel(name: str) -> Rule:
    return lambda groove: name in feels(timing(groove), elements(groove))


# For each rule: grooves that have it, grooves that narrowly lack it, and whether it holds.
RULES: dict[str, tuple[Make, Make, Rule]] = {
    "flam": (_with_ornament(_flam), _with_ornament(_no_flam), _ornament(FLAM)),
    "drag": (_with_ornament(_drag), _with_ornament(_no_drag), _ornament(DRAG)),
    "roll": (_with_ornament(_roll), _with_ornament(_no_roll), _ornament(ROLL)),
    "half-time": (_bars(_half_time), _bars(_no_half_time), _feel("half-time")),
    "shuffle": (_shuffled(lambda rng: float(rng.uniform(0.62, 0.69))), _no_shuffle, _feel("shuffle")),
    "four on the floor": (_bars(_floor), _bars(_no_floor), _feel("four on the floor")),
}
