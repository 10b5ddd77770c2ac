"""How well drums are heard: hits found within a tolerance, velocities, ghost notes.

A *truth* is what was played. Onsets are matched class by class within a sound (analysis.metrics.match_onsets) and
counted over all sounds together (micro F1). Before that strokes of one class within TOGETHER_SECONDS are one: an open
and a closed hat are one stroke of the hats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rhythmvae.analysis.metrics import match_onsets
from rhythmvae.audio.hits import Heard
from rhythmvae.groove import FloatArray, IntArray
from rhythmvae.kit import GROUPS, N_VOICES, VOICE_INDEX, VOICE_KEYS

TOLERANCES_SECONDS = (0.05, 0.02)
TOGETHER_SECONDS = 0.03
OWN_SHARE = 0.25  # of the way from one threshold for all to a voice's own
GHOST = 40  # strokes softer than this
NINE = dict(zip(VOICE_KEYS, ((i,) for i in range(N_VOICES)), strict=True))
FIVE = {key: tuple(VOICE_INDEX[voice] for voice in voices) for key, voices in GROUPS.items()}


@dataclass(frozen=True, eq=False)
class Truth:
    """What was played: seconds (N,), sorted; voice (N,); velocity (N,), 1 to 127, or 0 where nobody knows."""

    seconds: FloatArray
    voice: IntArray
    velocity: IntArray


Pair = tuple[Truth, Heard]


@dataclass(frozen=True)
class Count:
    """Hits of one class: found both ways, played, and heard."""

    matched: int
    played: int
    heard: int

    @property
    def f1(self) -> float | None:
        """None where there was nothing, and nothing was heard."""
        return None if not self.played + self.heard else 2 * self.matched / (self.played + self.heard)

    @property
    def precision(self) -> float | None:
        return self.matched / self.heard if self.heard else None

    @property
    def recall(self) -> float | None:
        return self.matched / self.played if self.played else None

    def __add__(self, other: Count) -> Count:
        return Count(self.matched + other.matched, self.played + other.played, self.heard + other.heard)


def counts(pairs: Sequence[Pair], classes: Mapping[str, Sequence[int]], tolerance: float) -> dict[str, Count]:
    """By class, over all sounds."""
    return {
        key: sum((_count(truth, heard, voices, tolerance) for truth, heard in pairs), Count(0, 0, 0))
        for key, voices in classes.items()
    }


def _count(truth: Truth, heard: Heard, voices: Sequence[int], tolerance: float) -> Count:
    played = _together(truth.seconds[np.isin(truth.voice, voices)])
    found = _together(heard.seconds[np.isin(heard.voice, voices)])
    return Count(len(match_onsets(played, found, tolerance)), len(played), len(found))


def _together(seconds: FloatArray) -> FloatArray:
    """Strokes without those that follow one within TOGETHER_SECONDS.

    >>> _together(np.array([0.0, 0.02, 0.5]))
    array([0. , 0.5])
    """
    kept: list[float] = []
    for each in seconds.tolist():
        if not kept or each - kept[-1] > TOGETHER_SECONDS:
            kept.append(each)
    return np.array(kept)


def micro(by_class: Mapping[str, Count]) -> Count:
    """All classes as one."""
    return sum(by_class.values(), Count(0, 0, 0))


def confusion(pairs: Sequence[Pair], tolerance: float = TOLERANCES_SECONDS[0]) -> IntArray:
    """(V + 1, V + 1): how often each voice was played, and as which it was heard; last nothing played, nothing heard.

    What is found as itself is matched first, then what is left of all voices.
    """
    table = np.zeros((N_VOICES + 1, N_VOICES + 1), dtype=np.int64)
    for truth, heard in pairs:
        played, found = np.ones(len(truth.seconds), dtype=bool), np.ones(len(heard), dtype=bool)
        for voice in range(N_VOICES):
            own, other = np.flatnonzero(truth.voice == voice), np.flatnonzero(heard.voice == voice)
            matched = match_onsets(truth.seconds[own], heard.seconds[other], tolerance)
            table[voice, voice] += len(matched)
            for i, j in matched:
                played[own[i]] = found[other[j]] = False
        own, other = np.flatnonzero(played), np.flatnonzero(found)
        for i, j in match_onsets(truth.seconds[own], heard.seconds[other], tolerance):
            table[truth.voice[own[i]], heard.voice[other[j]]] += 1
            played[own[i]] = found[other[j]] = False
        table[:N_VOICES, -1] += np.bincount(truth.voice[played], minlength=N_VOICES)
        table[-1, :N_VOICES] += np.bincount(heard.voice[found], minlength=N_VOICES)
    return table


def velocities(pairs: Sequence[Pair], voices: Sequence[int]) -> float | None:
    """Correlation of played and heard velocity over the matched hits of some voices; None for fewer than three."""
    rows: list[tuple[int, int]] = []
    for truth, heard in pairs:
        for voice in voices:
            own, found = np.flatnonzero(truth.voice == voice), np.flatnonzero(heard.voice == voice)
            for i, j in match_onsets(truth.seconds[own], heard.seconds[found], TOLERANCES_SECONDS[0]):
                rows.append((int(truth.velocity[own[i]]), int(heard.velocity[found[j]])))
    played, heard_as = np.array(rows or [(0, 0)]).T
    if len(rows) < 3 or not (played.std() and heard_as.std()):
        return None
    return float(np.corrcoef(played, heard_as)[0, 1])


@dataclass(frozen=True)
class Ghosts:
    """Strokes softer than GHOST: played; of these found; heard as such; of these played at all."""

    played: int = 0
    found: int = 0
    heard: int = 0
    right: int = 0

    def __add__(self, other: Ghosts) -> Ghosts:
        return Ghosts(
            self.played + other.played, self.found + other.found, self.heard + other.heard, self.right + other.right
        )


def ghosts(pairs: Sequence[Pair], voice: int) -> Ghosts:
    """The ghost notes of a voice, over all sounds."""
    total = Ghosts()
    for truth, heard in pairs:
        played, found = truth.voice == voice, heard.voice == voice
        matched = match_onsets(truth.seconds[played], heard.seconds[found], TOLERANCES_SECONDS[0])
        is_soft, sounds_soft = truth.velocity[played] < GHOST, heard.velocity[found] < GHOST
        n_found, n_right = sum(bool(is_soft[i]) for i, _ in matched), sum(bool(sounds_soft[j]) for _, j in matched)
        total = total + Ghosts(int(is_soft.sum()), n_found, int(sounds_soft.sum()), n_right)
    return total


def figures(pairs: Sequence[Pair]) -> dict[str, Any]:
    """All that is said of a set of sounds, by name; shares of 1."""
    out: dict[str, Any] = {"sounds": len(pairs), "hits": sum(len(truth.seconds) for truth, _ in pairs)}
    for name, classes in (("nine", NINE), ("five", FIVE)):
        for tolerance in TOLERANCES_SECONDS:
            by_class = counts(pairs, classes, tolerance)
            out[f"{name}_{round(1000 * tolerance)}_ms"] = _rounded(micro(by_class).f1)
            if tolerance == TOLERANCES_SECONDS[0]:
                out[f"{name}_by_class"] = {key: _rounded(count.f1) for key, count in by_class.items()}
    if all((truth.velocity > 0).all() for truth, _ in pairs):
        out["velocity"] = {key: _rounded(velocities(pairs, FIVE[key])) for key in ("kick", "snare", "hats")}
        soft = ghosts(pairs, VOICE_INDEX["snare"])
        out["ghosts"] = {
            "played": soft.played,
            "recall": _rounded(soft.found / soft.played) if soft.played else None,
            "precision": _rounded(soft.right / soft.heard) if soft.heard else None,
        }
    return out


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


Output = tuple[Truth, FloatArray, IntArray, FloatArray]  # and seconds, voice and confidence of all that may be a hit


def thresholds(outputs: Sequence[Output], candidates: Sequence[float]) -> FloatArray:
    """(V,): the best threshold for all voices together, and for each voice OWN_SHARE of the way to its own best.

    Best is F1 at 50 ms. A voice's own best is that of a few kits: on other sounds it did worse than one for all.
    """
    found = [[_at(outputs, voice, threshold) for voice in range(N_VOICES)] for threshold in candidates]
    common = _top([sum(row, Count(0, 0, 0)) for row in found], candidates)
    own = [_top([row[voice] for row in found], candidates, otherwise=common) for voice in range(N_VOICES)]
    return common + OWN_SHARE * (np.array(own) - common)


def _at(outputs: Sequence[Output], voice: int, threshold: float) -> Count:
    total = Count(0, 0, 0)
    for truth, seconds, voices, confidence in outputs:
        played = _together(truth.seconds[truth.voice == voice])
        found = _together(seconds[(voices == voice) & (confidence > threshold)])
        total = total + Count(len(match_onsets(played, found, TOLERANCES_SECONDS[0])), len(played), len(found))
    return total


def _top(counts: Sequence[Count], candidates: Sequence[float], otherwise: float = 0.5) -> float:
    """The middle of the candidates that are about the best: a hill is flat on top, and its middle bears other kits."""
    scores = np.array([count.f1 or 0.0 for count in counts])
    near = np.flatnonzero(scores >= scores.max() - 0.004)
    return candidates[int(near[len(near) // 2])] if scores.max() > 0 else otherwise
