"""Descriptors of a groove: numbers that a musician would agree with.

Each is a plain function of the hits, stated with its formula. A descriptor that the groove
does not define (the swing of a groove without off-beats) is None, never a made-up zero.

Conventions: steps are 16ths; velocity is 1 to 127; microtiming is the offset from the
nearest step, in steps; a *beat* is a quarter note, or a dotted quarter in 6/8, 9/8 and 12/8.
"""

from __future__ import annotations

import numpy as np

from rhythmvae.groove import STEPS_PER_QUARTER, FloatArray, Groove, IntArray, Meter
from rhythmvae.kit import VOICE_INDEX, VOICE_KEYS

_TIMEKEEPERS = [VOICE_INDEX[key] for key in ("closed_hat", "open_hat", "ride")]
_BACKBONE = [VOICE_INDEX[key] for key in ("kick", "snare")]


def density(groove: Groove) -> float:
    """Hits per quarter note."""
    return len(groove) * STEPS_PER_QUARTER / groove.n_steps


def velocity_mean(groove: Groove) -> float | None:
    """Loudness: mean velocity, 1 to 127."""
    return float(groove.velocity.mean()) if len(groove) else None


def velocity_spread(groove: Groove) -> float | None:
    """Dynamics: standard deviation of velocity."""
    return float(groove.velocity.std()) if len(groove) else None


def offset_mean(groove: Groove) -> float | None:
    """Push or drag: mean offset in steps; negative plays ahead of the beat."""
    return float(groove.offset.mean()) if len(groove) else None


def offset_spread(groove: Groove) -> float | None:
    """Looseness: standard deviation of the offset in steps."""
    return float(groove.offset.std()) if len(groove) else None


def swing(groove: Groove) -> float | None:
    """How late the second eighth of a beat comes: 0 straight, 1 triplet shuffle.

    Over the hits of hats and ride that fall between 1.5 and 2.9 steps into a quarter note of
    their bar, the mean position p gives (p - 2) / (2/3): 2 steps is straight, 2 2/3 the third
    triplet. None where there is no such hit, or where the meter counts in dotted quarters.
    """
    if any(_is_compound(m) for m in groove.meters):
        return None
    position = groove.position[np.isin(groove.voice, _TIMEKEEPERS)]
    lines = groove.bar_lines
    bar = lines[np.maximum(np.searchsorted(lines, position, side="right") - 1, 0)]
    place = np.mod(position - bar, STEPS_PER_QUARTER)
    second = place[(place >= 1.5) & (place < 2.9)]
    return float((second.mean() - 2.0) / (2.0 / 3.0)) if len(second) else None


def _is_compound(meter: Meter) -> bool:
    return meter.denominator == 8 and meter.numerator % 3 == 0 and meter.numerator > 3


def metrical_weights(groove: Groove) -> IntArray:
    """(n_steps,) how strong each step is: 0 the downbeat, -1 a beat, -2 its half or third, -3 a 16th, -4 between.

    The tree of Longuet-Higgins and Lee (1984), with the beats of a bar on one level.
    """
    weights = np.full(groove.n_steps, -4, dtype=np.int64)
    for start, end in zip(groove.bar_lines[:-1], groove.bar_lines[1:], strict=True):
        meter = groove.meter_at(start)
        beat = 6 if _is_compound(meter) else 4
        for level, stride in ((-3, 1), (-2, 2), (-1, beat)):
            weights[np.arange(round(start), round(end), stride)] = level
        weights[round(start)] = 0
    return weights


def syncopation(groove: Groove) -> float | None:
    """Per quarter note, how much kick and snare contradict the meter.

    Longuet-Higgins and Lee (1984): a hit at step t followed, before the voice's next hit, by a
    silent stronger step r is a syncopation of strength w(r) - w(t); the sum over kick and snare
    is divided by the length in quarter notes. The groove is taken as a loop. None without hits
    of either voice.
    """
    chosen = np.isin(groove.voice, _BACKBONE)
    if not chosen.any():
        return None
    weights = metrical_weights(groove)
    total = 0
    for voice in _BACKBONE:
        steps = np.unique(np.maximum(groove.step[groove.voice == voice], 0))
        for step, following in zip(steps, np.append(steps[1:], steps[:1] + groove.n_steps), strict=True):
            between = np.arange(step + 1, following) % groove.n_steps
            if len(between):
                total += max(0, int(weights[between].max() - weights[step]))
    return total * STEPS_PER_QUARTER / groove.n_steps


def voice_shares(groove: Groove) -> dict[str, float]:
    """Share of the hits that each voice plays; all zero for silence."""
    counts: FloatArray = np.bincount(groove.voice, minlength=len(VOICE_KEYS)) / max(len(groove), 1)
    return {key: float(counts[v]) for v, key in enumerate(VOICE_KEYS)}


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
    }
