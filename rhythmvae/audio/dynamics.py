"""Dynamics: how hard each stroke of a recording was struck, judged within its take.

One drum in one layer has no loudness but that of the recording, so what a network hears of a kick says little of its
velocity. The rest of the take says more: how loud the stroke is beside the drum's others, how hard the other drums are
struck, how dense the playing is, what falls on the same moment. For each group of drums a linear function of such
numbers gives the velocity; it is fitted to takes of people (`training.hearing.dynamics`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from rhythmvae.audio.frames import N_BANDS
from rhythmvae.audio.moments import N_PATCH, POOLED, SPANS
from rhythmvae.groove import BoolArray, FloatArray, IntArray
from rhythmvae.kit import GROUPS, N_VOICES, VOICE_INDEX

GROUP_OF = np.zeros(N_VOICES, dtype=np.int64)
for _number, _keys in enumerate(GROUPS.values()):
    GROUP_OF[[VOICE_INDEX[key] for key in _keys]] = _number
# Pooled bands that a group sounds in: to 230 Hz, 0.5 to 2 kHz, above 2.4 kHz; of SPANS the three from a moment on.
BANDS = (slice(0, 6), slice(10, 24), slice(26, None), slice(2, 16), slice(26, None))
STRIKING = slice(1, 4)
TOP = 0.9  # quantile of a group's velocities that stands for its hardest strokes
GAP_SECONDS = (0.03, 2.0)  # between which the time to a drum's strokes before and after counts
UNKNOWN = 0.5  # velocity of what is not played in a take
N_NUMBERS = 20 + 6 * len(GROUPS) + 1
FARTHEST = 4.0  # spreads from the mean: what is beyond says no more
SOFTEST = 1 / 127


@dataclass(frozen=True, eq=False)
class Dynamics:
    """A linear function for each group. weight: (G, N_NUMBERS + 1), the last of them constant; mean and spread of the
    numbers: (G, N_NUMBERS) each."""

    weight: FloatArray
    mean: FloatArray
    spread: FloatArray

    def velocities(self, numbers: FloatArray, voice: IntArray) -> FloatArray:
        """(N,), 0 to 1, of the strokes of these voices (N,) with these numbers (N, N_NUMBERS)."""
        group = GROUP_OF[voice]
        scaled = np.clip((numbers - self.mean[group]) / self.spread[group], -FARTHEST, FARTHEST)
        found = (scaled * self.weight[group, :-1]).sum(1) + self.weight[group, -1]
        return np.asarray(np.clip(found, SOFTEST, 1.0))


def numbers_of(features: FloatArray, logits: FloatArray, played: BoolArray, at: IntArray) -> FloatArray:
    """What is known of strokes (N, 2), each a moment and a voice: (N, N_NUMBERS).

    Args:
        features: (M, F) of a recording's moments. logits: (M, 2 V), what the second look says of them.
        played: (M, V), the strokes that make the take.
    """
    out = np.zeros((len(at), N_NUMBERS))
    if not len(at):
        return out
    heard, looked = features[:, N_VOICES : 2 * N_VOICES].astype(np.float64), logits[:, N_VOICES:].astype(np.float64)
    first, second, likely = expit(heard), expit(looked), expit(logits[:, :N_VOICES].astype(np.float64))
    patch = features[:, 2 * N_VOICES : 2 * N_VOICES + N_PATCH].reshape(len(features), len(SPANS), N_BANDS // POOLED)
    levels = np.stack([patch[:, STRIKING, bands].mean((1, 2), dtype=np.float64) for bands in BANDS], 1)
    gaps = features[:, -2:].astype(np.float64)
    time = np.concatenate([[0.0], np.cumsum(np.exp(gaps[1:, 0]))])
    take = _take(second, played, max(float(time[-1]), GAP_SECONDS[1]))
    together = _together(second, played)
    for voice in np.unique(at[:, 1]).tolist():
        which = np.flatnonzero(at[:, 1] == voice)
        own = at[which, 0]
        drum = np.flatnonzero(played[:, voice])
        drum = drum if len(drum) else own
        level = levels[:, GROUP_OF[voice]]
        place = np.searchsorted(drum, own)
        before = np.where(place > 0, time[own] - time[drum[np.maximum(place - 1, 0)]], GAP_SECONDS[1])
        after = np.searchsorted(drum, own, "right")
        later = np.where(after < len(drum), time[drum[np.minimum(after, len(drum) - 1)]] - time[own], GAP_SECONDS[1])
        ones = np.ones(len(own))
        columns = [
            *(first[own, voice], second[own, voice], heard[own, voice], looked[own, voice]),
            *(first[drum, voice].mean() * ones, second[drum, voice].mean() * ones, second[drum, voice].std() * ones),
            _rank(second[drum, voice], second[own, voice]),
            *(level[own] - level[drum].mean(), level[drum].std() * ones, _rank(level[drum], level[own])),
            *(level[own] - level[drum].max(), level[own], level[drum].max() * ones),
            *(likely[own, voice], likely[drum, voice].mean() * ones),
            *(np.log(np.clip(each, *GAP_SECONDS)) for each in (before, later)),
            *gaps[own].T,
        ]
        out[which] = np.concatenate([np.stack(columns, 1), np.repeat(take[None], len(own), 0), together[own]], 1)
    return out


def _rank(among: FloatArray, own: FloatArray) -> FloatArray:
    """Which share of some values lies below each of others."""
    return np.asarray(np.searchsorted(np.sort(among), own) / len(among))


def _take(velocity: FloatArray, played: BoolArray, seconds: float) -> FloatArray:
    """Each of all groups: mean velocity, hardest ones, whether and how often it is played; last, how often any is."""
    rows = []
    for group in range(len(GROUPS)):
        own = velocity[played & (group == GROUP_OF)]
        rows.append(
            (own.mean(), float(np.quantile(own, TOP)), 1.0, np.log1p(len(own) / seconds))
            if len(own)
            else (UNKNOWN, UNKNOWN, 0.0, 0.0)
        )
    return np.array([*np.array(rows).T.ravel(), np.log1p(played.sum() / seconds)])


def _together(velocity: FloatArray, played: BoolArray) -> FloatArray:
    """(M, 2 G): how hard each group is struck at a moment, 0 if it is not, and whether it is."""
    struck = np.where(played, velocity, 0.0)
    hardest = np.stack([struck[:, group == GROUP_OF].max(1) for group in range(len(GROUPS))], 1)
    return np.concatenate([hardest, hardest > 0], 1)
