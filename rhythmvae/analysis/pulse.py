"""Tempo as it is felt, and meter, from onsets alone: what the file says of either is not looked at.

Tempo. The grid of a file is mostly right, its octave need not be: that is said by the trees of `octaves`. Where the
hits lie anywhere on the grid, the likeliest of all tempos from SLOWEST_BPM to FASTEST_BPM takes the place of the one
that is written. It is judged by how often drums come again after some of its beats (autocorrelation of onsets, loud
ones more), by how many hits a beat has, and by how usual it is. The weights were fitted (softmax over the candidates)
to the training takes of the Groove MIDI Dataset. OF_OCTAVES is one of the numbers by which a sound's tempo is read.

Meter. A bar of some length is likelier the more the hits are like those one bar later (cosine of the cells, kick and
snare more than cymbals); 4/4, which nearly everything is in, needs COMMON less. Bars of twelve 16ths are in 6/8 where
its half is stressed more than the quarters of 3/4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rhythmvae.analysis import octaves
from rhythmvae.analysis.descriptors import GROUP_VOICES
from rhythmvae.analysis.many import Many
from rhythmvae.analysis.octaves import USUAL_BPM
from rhythmvae.groove import MAX_VELOCITY, BoolArray, FloatArray, Groove, IntArray, Meter
from rhythmvae.kit import N_VOICES, VOICE_INDEX

SLOWEST_BPM, FASTEST_BPM = 40.0, 280.0
HEARD_SECONDS, HEARD_HITS = 30.0, 400  # from the first hit on: enough to tell
BIN_SECONDS = 0.01
N_BINS = 450
BLUR = np.array([0.25, 0.6, 1.0, 0.6, 0.25])  # 40 ms of what counts as the same moment
KICK = VOICE_INDEX["kick"]
IS_DRUM = np.isin(np.arange(N_VOICES), [*GROUP_VOICES["snare"], *GROUP_VOICES["toms"]])
# A grid is believed where the mean vector of N hits round its lines is longer than LEAST_FIT and CHANCE_FIT / sqrt(N),
# or than SURE_FIT: hits that lie anywhere reach 0.89 / sqrt(N) in the mean.
FIT_STEPS = np.array([[1.0], [4 / 3], [2.0], [4.0]])
LEAST_FIT, CHANCE_FIT, SURE_FIT = 0.25, 1.6, 0.75
Weights = tuple[dict[float, float], dict[float, float], dict[float, float], tuple[float, ...]]
# Weights of the autocorrelation of (all, kick, snare and toms) at multiples of the beat, and of what follows them:
# octaves from USUAL_BPM (to the powers 1, 2, 3), and octaves of hits a beat (1, 2).
OF_OCTAVES: Weights = (
    {},
    {1.0: 0.37, 2.0: 1.05},
    {1.0: 0.2, 2.0: 0.56, 4.0: -0.4},
    (-0.09, -0.91, 0.0, 0.09, -0.06),
)
OF_ANY: Weights = (
    {1 / 4: 3.26, 1 / 3: 0.69, 1 / 2: 3.32, 2 / 3: 1.47, 1.0: 7.43, 3 / 2: -1.02, 2.0: 3.18, 4.0: 1.03},
    {1.0: 0.94, 2.0: 1.91},
    {1.0: -1.34, 2.0: 0.32, 4.0: 1.43},
    (-0.28, -2.6, -0.8, 0.22, -0.1),
)

COMMON = 0.2
BAR_STEPS = (16, 12, 20, 14)  # of 4/4, 3/4 or 6/8, 5/4, 7/8: the most usual first
METER_OF_STEPS = {16: (4, 4), 12: (3, 4), 20: (5, 4), 14: (7, 8)}
LEAST_OVERLAP = 6  # steps that have to be compared
MAX_COMPARED_STEPS = 1024
FITS_LENGTH = 0.35  # for a bar that divides a length which is not whole bars of 4/4 (as a file without meter is read)
IN_TWO = 1.0  # how much more stressed the half of a bar is than its quarters, in 6/8
STRESS = np.where(np.isin(np.arange(N_VOICES), [VOICE_INDEX[k] for k in ("closed_hat", "ride")]), 0.4, 1.0)


# -- tempo ---------------------------------------------------------------------


def felt_bpm(groove: Groove) -> float | None:
    """Beats a minute as they are felt, from onsets alone; a beat is a dotted quarter in 6/8, 9/8 and 12/8.

    None for fewer than two onsets.
    """
    return felt_bpms(Many([groove]))[0]


def felt_bpms(many: Many) -> list[float | None]:
    """`felt_bpm` of each groove."""
    heard = _Heard.of(many)
    written = np.array([groove.tempos[0].bpm * 4 / groove.meters[0].pulse_steps for groove in many.grooves])
    for i in np.flatnonzero(heard.is_enough & ~fits_grid(many)).tolist():
        written[i] = _tempo(_Heard.of(Many([many.grooves[i]])))
    bpm = written.copy()
    if (own := np.flatnonzero(heard.is_enough)).size:
        bpm[own] = _by_octave(many, heard, written, own)
    return [felt if enough else None for felt, enough in zip(bpm.tolist(), heard.is_enough.tolist(), strict=True)]


def _by_octave(many: Many, heard: _Heard, bpm: FloatArray, own: IntArray) -> FloatArray:
    """(O,) the tempos of some grooves in the octave that is felt."""
    beat = octaves.usual(60 / bpm[own])
    number = np.full(many.n, -1)
    number[own] = np.arange(len(own))
    is_own = number[heard.groove] >= 0
    n_heard = np.bincount(heard.groove, minlength=many.n)
    sounding = np.maximum(heard.last - heard.first, octaves.SHORTEST_SPAN)
    whole = np.array([groove.duration_seconds for groove in many.grooves])
    span = np.where(n_heard == many.n_hits, whole, sounding)[own]
    hits = heard.seconds[is_own], heard.voice[is_own], heard.loudness[is_own]
    votes = octaves.votes(octaves.Played(number[heard.groove[is_own]], *hits, beat, np.zeros(len(own)), span))
    return np.asarray(60 / (beat * octaves.LENGTHS[votes.argmax(1)]))


def fits_grid(many: Many) -> BoolArray:
    """(G,) whether hits gather round the beats, eighths, triplets or 16ths of the written tempo, and do not lie
    anywhere."""
    is_first = many.index < HEARD_HITS
    groove, position = many.groove[is_first], many.position[is_first]
    n_hits = np.maximum(np.minimum(many.n_hits, HEARD_HITS), 1)
    turn = 2 * np.pi * position / FIT_STEPS
    sums = [[np.bincount(groove, each, many.n) for each in of(turn)] for of in (np.cos, np.sin)]
    fit = (np.hypot(*np.array(sums)) / n_hits).max(0)
    return np.asarray(fit >= np.minimum(SURE_FIT, np.maximum(LEAST_FIT, CHANCE_FIT / n_hits**0.5)))


@dataclass(frozen=True, eq=False)
class _Heard:
    """The hits that a tempo is heard in: the first HEARD_SECONDS and HEARD_HITS of each groove. is_enough, first and
    last (seconds) are (G,)."""

    groove: IntArray
    seconds: FloatArray
    voice: IntArray
    loudness: FloatArray
    is_enough: BoolArray
    first: FloatArray
    last: FloatArray

    @classmethod
    def of(cls, many: Many) -> _Heard:
        has_hits = np.flatnonzero(many.n_hits)
        first, end = np.zeros(many.n), np.zeros(many.n)
        edges = np.array(many.edges)
        first[has_hits], end[has_hits] = many.seconds[edges[has_hits]], many.seconds[edges[has_hits + 1] - 1]
        is_enough = (many.n_hits > 1) & (end - first >= 2 * BIN_SECONDS)
        is_heard = (many.index < HEARD_HITS) & (many.seconds < first[many.groove] + HEARD_SECONDS)
        groove, seconds = many.groove[is_heard], many.seconds[is_heard]
        last = first.copy()
        np.maximum.at(last, groove, seconds)
        loudness = np.sqrt(many.velocity[is_heard] / MAX_VELOCITY)
        return cls(groove, seconds, many.voice[is_heard], loudness, is_enough, first, last)


def _tempo(heard: _Heard) -> float:
    """The likeliest of all tempos for one groove, whatever is written."""
    n_candidates = int(np.log(FASTEST_BPM / SLOWEST_BPM) / np.log(1.015))
    bpm = SLOWEST_BPM * 1.015 ** np.arange(n_candidates)
    return refined(float(bpm[_scores(bpm[None], heard, OF_ANY)[0].argmax()]), heard.seconds)


def likelihood(
    bpm: FloatArray, seconds: FloatArray, voice: IntArray, velocity: IntArray, weights: Weights
) -> FloatArray:
    """(C,) log odds of tempos (C,), but for a constant, by hits (N,) in the order of their onsets."""
    ends = seconds[:1], seconds[-1:]
    heard = _Heard(np.zeros_like(voice), seconds, voice, np.sqrt(velocity / MAX_VELOCITY), np.array([True]), *ends)
    return np.asarray(_scores(bpm[None], heard, weights)[0])


def _scores(bpm: FloatArray, heard: _Heard, weights: Weights) -> FloatArray:
    """(G, C) how likely each of the tempos (G, C) is for its groove."""
    score = np.zeros(bpm.shape)
    voice = heard.voice
    for own, of_lags in zip((voice >= 0, voice == KICK, IS_DRUM[voice]), weights[:3], strict=True):
        if of_lags and own.any():
            found = _again(heard, own)
            lags = np.rint(60 / bpm[..., None] * np.array(list(of_lags)) / BIN_SECONDS).astype(int)
            after = np.tanh(found[np.arange(len(bpm))[:, None, None], np.minimum(lags, N_BINS - 1)])
            score += np.where(lags < N_BINS, after, 0.0) @ np.array(list(of_lags.values()))
    octave = np.log2(bpm / USUAL_BPM)
    n_hits = np.bincount(heard.groove, minlength=len(bpm))
    rate = np.maximum(n_hits, 1) / np.maximum(heard.last - heard.first, 0.5)
    hits = np.log2(rate[:, None] * 60 / bpm)
    usual = np.stack([octave, octave**2, np.abs(octave) ** 3, hits, hits**2], -1)
    return np.asarray(score + usual @ np.array(weights[3]))


def _again(heard: _Heard, own: BoolArray) -> FloatArray:
    """(G, N_BINS) how often onsets of some hits follow each other after a lag, per onset, both weighed by loudness."""
    n = len(heard.first)
    groove, seconds, loudness = heard.groove[own], heard.seconds[own], heard.loudness[own]
    # Grooves that lie far apart in time have no pairs with each other.
    first, second = _pairs(seconds - heard.first[groove] + 10 * HEARD_SECONDS * groove, N_BINS * BIN_SECONDS)
    lag = seconds[second] - seconds[first]
    near = lag < (N_BINS - 1) * BIN_SECONDS
    first, second = first[near], second[near]
    bins = groove[first] * N_BINS + np.rint(lag[near] / BIN_SECONDS).astype(int)
    found = np.bincount(bins, loudness[first] * loudness[second], n * N_BINS).reshape(n, N_BINS)
    half = len(BLUR) // 2
    wide = np.pad(found, ((0, 0), (half, half)))
    blurred = sum(weight * wide[:, k : k + N_BINS] for k, weight in enumerate(BLUR))
    return np.asarray(blurred / np.maximum(np.bincount(groove, loudness**2, n), 1e-9)[:, None])


def _pairs(seconds: FloatArray, within: float) -> tuple[IntArray, IntArray]:
    """Indices of the onsets, which ascend, that follow each other within so many seconds, by the first of the two."""
    index = np.arange(len(seconds))
    n_following = np.searchsorted(seconds, seconds + within, side="right") - index - 1
    first = np.repeat(index, n_following)
    return first, np.arange(len(first)) - (np.cumsum(n_following) - n_following - index - 1)[first]


def refined(bpm: float, seconds: FloatArray) -> float:
    """A tempo near `bpm` that the onsets' distances fit: least squares over those near whole halves of a beat."""
    first, second = np.triu_indices(len(seconds), 1)
    lag = seconds[second] - seconds[first]
    half = 30 / bpm
    for reach in (4, 16, 64):
        turns = np.rint(lag / half)
        near = (turns >= 1) & (turns <= reach) & (np.abs(lag / half - turns) < 0.15)
        if near.any():
            half = float((lag[near] * turns[near]).sum() / (turns[near] ** 2).sum())
    return 30 / half


# -- meter ---------------------------------------------------------------------


def heard_meter(groove: Groove) -> Meter | None:
    """4/4, 3/4, 6/8, 5/4 or 7/8 from the hits' 16ths alone; None for silence.

    What is in 12/8 is heard as 6/8, two bars to one.
    """
    if not len(groove):
        return None
    if groove.n_steps == 16:  # nothing to compare with, but for what is too short
        return Meter(0.0, 4, 4)
    cells = _cells(groove)
    score = {n: _likeness(cells, n) for n in BAR_STEPS}
    if groove.n_steps % 16:
        for n in BAR_STEPS:
            score[n] += FITS_LENGTH * (groove.n_steps % n == 0)
    score[16] += COMMON
    if groove.n_steps in score:  # there is no other bar to compare with
        score[groove.n_steps] += 1.0
    best = max(BAR_STEPS, key=lambda n: score[n])
    if best == 12 and _is_in_two(cells):
        return Meter(0.0, 6, 8)
    return Meter(0.0, *METER_OF_STEPS[best])


def _cells(groove: Groove) -> FloatArray:
    """(T, V) how much each step of a drum is stressed."""
    cells = np.zeros((groove.n_steps, N_VOICES))
    np.maximum.at(cells, (groove.step, groove.voice), np.sqrt(groove.velocity / MAX_VELOCITY) * STRESS[groove.voice])
    return cells[:MAX_COMPARED_STEPS]


def _likeness(cells: FloatArray, lag: int) -> float:
    """Cosine of the cells and those `lag` steps later; 0 where too few are left."""
    if len(cells) - lag < LEAST_OVERLAP:
        return 0.0
    before, after = cells[:-lag], cells[lag:]
    size = np.sqrt((before**2).sum() * (after**2).sum())
    return float((before * after).sum() / size) if size else 0.0


def _is_in_two(cells: FloatArray) -> bool:
    """Whether bars of twelve 16ths are stressed at their half more than at their second and third quarter."""
    steps = np.arange(len(cells)) % 12
    stress = np.bincount(steps, cells.sum(1), 12)
    return bool(2 * stress[6] > IN_TWO * (stress[4] + stress[8]))
