"""What is said of a groove's time: subdivision, swing, drums before or behind, intervals and drift."""

from __future__ import annotations

from typing import Any

import numpy as np

from rhythmvae.analysis.timing import Timing
from rhythmvae.groove import STEPS_PER_QUARTER, BoolArray, FloatArray, Groove, IntArray
from rhythmvae.kit import N_VOICES, VOICE_KEYS

MIXED = 0.15  # share of the divided pulses that have to be in three, and in two, for a groove to be mixed
FEW_MIDDLES = 0.3  # share of a swung groove's pulses with the middle triplet, up to which it is swung and not triplets
IS_MIDDLE = 0.035  # by which the phase of a middle triplet may miss 1/3
IS_DIVIDED = 0.02  # phase from which a line is not on the pulse
# Note lengths, in steps, that intervals are counted as: from a 64th to a whole note, dotted and in triplets.
NOTE_STEPS = np.array([1 / 4, 1 / 3, 1 / 2, 2 / 3, 1, 4 / 3, 3 / 2, 2, 8 / 3, 3, 4, 6, 8, 12, 16])
TOGETHER_SECONDS = 0.02  # hits that follow each other no later sound as one
_BEFORE = 1 << 20
DRIFT_BEATS = 8  # fewer beats with a hit on them say nothing of drift


def subdivision(timing: Timing) -> str | None:
    """`straight`, `swung`, `triplet` or `mixed`; None where nothing falls between the pulses.

    Swung: the second of two eighths (or 16ths) comes at SWUNG_FROM of the pair or later, and few pulses have the
    middle triplet. Triplet: the divided pulses are in three, as all are in 6/8, 9/8 and 12/8. Mixed: some are.
    """
    is_divided = timing.phase > IS_DIVIDED
    if not is_divided.any():
        return None
    n_divided = len(np.unique(timing.pulse[is_divided]))
    in_three = len(np.unique(timing.pulse[is_divided & _in_three(timing)])) / n_divided
    if timing.is_swung and in_three <= FEW_MIDDLES:
        return "swung"
    if in_three > 1 - MIXED or (timing.is_swung and timing.swing_steps == 2):
        return "triplet"
    return "mixed" if in_three >= MIXED else "straight"


def _in_three(timing: Timing) -> BoolArray:
    """(N,) whether hits tell that their pulse is in three. Where eighths swing, the middle triplet alone does."""
    if timing.is_swung and timing.swing_steps == 2:
        return np.asarray(np.abs(timing.phase - 1 / 3) < IS_MIDDLE)
    is_compound = timing.pulse_steps > STEPS_PER_QUARTER
    return np.asarray(is_compound | (timing.kind % 3 == 0))


def swing_ratio(timing: Timing) -> float | None:
    """Long to short: 1 is straight, 2 a triplet shuffle. None where no second eighth or 16th tells."""
    return None if timing.share is None else timing.share / (1 - timing.share)


def swing_percent(timing: Timing) -> float | None:
    """Linn's percent: where the second of two comes, of the pair; 50 is straight, 66.7 a triplet shuffle."""
    return None if timing.share is None else 100 * timing.share


def drum_timing(timing: Timing) -> dict[str, dict[str, Any]]:
    """For each drum that plays, how late it is against the groove's own grid: mean and spread in ms, and by position.

    `positions` has rows of position in the bar (in steps, of the line), mean offset in ms and number of hits.
    """
    offset, voice = timing.offset_ms, timing.groove.voice
    n = np.maximum(np.bincount(voice, minlength=N_VOICES), 1)
    mean = np.bincount(voice, offset, N_VOICES) / n
    spread = np.sqrt(np.bincount(voice, (offset - mean[voice]) ** 2, N_VOICES) / n)
    place = np.rint((timing.line - timing.bar_start) * 1e3).astype(np.int64)
    # A position may be negative, where a drum is pushed before the first step.
    spots, which, counts = np.unique((voice << 40) + place + _BEFORE, return_inverse=True, return_counts=True)
    late = np.round(np.bincount(which, offset) / counts, 3) if len(spots) else offset
    found: dict[str, dict[str, Any]] = {
        VOICE_KEYS[v]: {"offset_ms": float(mean[v]), "spread_ms": float(spread[v]), "positions": []}
        for v in np.flatnonzero(np.bincount(voice, minlength=N_VOICES)).tolist()
    }
    for spot, ms, count in zip(spots.tolist(), late.tolist(), counts.tolist(), strict=True):
        found[VOICE_KEYS[spot >> 40]]["positions"].append([((spot & (1 << 40) - 1) - _BEFORE) / 1e3, ms, count])
    return found


def onsets(seconds: FloatArray) -> IntArray:
    """(M,) indices of the hits that begin something new: those that follow in TOGETHER_SECONDS sound with them."""
    return np.flatnonzero(np.diff(seconds, prepend=-np.inf) > TOGETHER_SECONDS)


def intervals(groove: Groove) -> list[list[float]]:
    """How often each note length (in steps, the nearest of NOTE_STEPS) lies between one onset and the next."""
    steps = np.diff(groove.position[onsets(groove.onset_seconds)])
    edges = np.sqrt(NOTE_STEPS[1:] * NOTE_STEPS[:-1])
    counts = np.bincount(np.searchsorted(edges, steps), minlength=len(NOTE_STEPS)).tolist()
    return [[round(float(note), 3), n] for note, n in zip(NOTE_STEPS, counts, strict=True) if n]


def drift_percent(timing: Timing) -> float | None:
    """How much faster the last half is than the first, in percent of tempo, by the hits on its pulses.

    Each half's tempo is the slope of a line through them. None with fewer than DRIFT_BEATS pulses hit in a half, and
    across a change of meter.
    """
    groove = timing.groove
    on = timing.phase <= IS_DIVIDED
    beat, seconds = timing.line[on], groove.onset_seconds[on]
    if len(beat) < 2 * DRIFT_BEATS:
        return None
    half = beat < groove.n_steps / 2
    slopes = []
    for part in (half, ~half):
        if len(np.unique(beat[part])) < DRIFT_BEATS:
            return None
        x = beat[part] - beat[part].mean()
        slopes.append(float((x * seconds[part]).sum() / (x * x).sum()))
    return 100 * (slopes[0] / slopes[1] - 1)
