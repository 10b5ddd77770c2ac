"""Tempo as it is felt, and meter, from onsets alone: what the file says of either is not looked at.

Tempo. The grid of a file is mostly right and its octave mostly is, so the candidates are the written tempo and its
halves and doubles; where the hits lie anywhere on that grid, the likeliest of all tempos from SLOWEST_BPM to
FASTEST_BPM takes the written one's place. A candidate is judged by how often drums come again after one, two or four
of its beats (autocorrelation of onsets, loud ones more), by how many hits a beat has, and by how usual it is. The
weights were fitted (softmax over the candidates) to the training takes of the Groove MIDI Dataset; the octave of its
tempos is what their drummers heard.

Meter. A bar of some length is likelier the more the hits are like those one bar later (cosine of the cells, kick and
snare more than cymbals); 4/4, which nearly everything is in, needs COMMON less. Bars of twelve 16ths are in 6/8 where
its half is stressed more than the quarters of 3/4.
"""

from __future__ import annotations

import numpy as np

from rhythmvae.analysis.descriptors import GROUP_VOICES
from rhythmvae.groove import MAX_VELOCITY, FloatArray, Groove, IntArray, Meter
from rhythmvae.kit import N_VOICES, VOICE_INDEX

SLOWEST_BPM, FASTEST_BPM = 40.0, 280.0
OCTAVES = np.array([0.25, 0.5, 1.0, 2.0, 4.0])
USUAL_BPM = 105.0
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
    seconds = groove.onset_seconds
    if len(groove) < 2 or seconds[-1] - seconds[0] < 2 * BIN_SECONDS:
        return None
    written = groove.tempos[0].bpm * 4 / groove.meters[0].pulse_steps
    n = min(HEARD_HITS, int(np.searchsorted(seconds, seconds[0] + HEARD_SECONDS)))
    heard = seconds[:n], groove.voice[:n], groove.velocity[:n]
    if not fits_grid(groove):
        n_candidates = int(np.log(FASTEST_BPM / SLOWEST_BPM) / np.log(1.015))
        written = _refined(_likeliest(SLOWEST_BPM * 1.015 ** np.arange(n_candidates), *heard, OF_ANY), heard[0])
    candidates = written * OCTAVES
    likely = candidates[(candidates >= SLOWEST_BPM * 0.9) & (candidates <= FASTEST_BPM * 1.1)]
    return _likeliest(likely, *heard, OF_OCTAVES) if len(likely) else float(written)


def fits_grid(groove: Groove) -> bool:
    """Whether hits gather round the beats, eighths, triplets or 16ths of the written tempo, and do not lie anywhere."""
    position = groove.position[:HEARD_HITS]
    fit = np.abs(np.exp(2j * np.pi * position / FIT_STEPS).mean(1)).max()
    return bool(fit >= min(SURE_FIT, max(LEAST_FIT, CHANCE_FIT / len(position) ** 0.5)))


def _likeliest(bpm: FloatArray, seconds: FloatArray, voice: IntArray, velocity: IntArray, weights: Weights) -> float:
    loudness = np.sqrt(velocity / MAX_VELOCITY)
    score = np.zeros(len(bpm))
    for own, of_lags in zip((voice >= 0, voice == KICK, IS_DRUM[voice]), weights[:3], strict=True):
        if of_lags and own.sum() > 1:
            again = np.tanh(_autocorrelation(seconds[own], loudness[own]))
            lags = np.rint(60 / bpm[:, None] * np.array(list(of_lags)) / BIN_SECONDS).astype(int)
            found = np.where(lags < N_BINS, again[np.minimum(lags, N_BINS - 1)], 0.0)
            score += found @ np.array(list(of_lags.values()))
    octave = np.log2(bpm / USUAL_BPM)
    hits = np.log2(len(seconds) / max(seconds[-1] - seconds[0], 0.5) * 60 / bpm)
    score += np.stack([octave, octave**2, np.abs(octave) ** 3, hits, hits**2], 1) @ np.array(weights[3])
    return float(bpm[score.argmax()])


def _autocorrelation(seconds: FloatArray, loudness: FloatArray) -> FloatArray:
    """(N_BINS,) how often onsets follow each other after a lag, per onset, both weighed by their loudness."""
    first, second = _pairs(seconds, N_BINS * BIN_SECONDS)
    lag = seconds[second] - seconds[first]
    near = lag < (N_BINS - 1) * BIN_SECONDS
    first, second = first[near], second[near]
    bins = np.rint(lag[near] / BIN_SECONDS).astype(int)
    found = np.bincount(bins, loudness[first] * loudness[second], N_BINS)[:N_BINS]
    return np.asarray(np.convolve(found, BLUR, "same") / (loudness**2).sum())


def _pairs(seconds: FloatArray, within: float) -> tuple[IntArray, IntArray]:
    """Indices of the onsets, which ascend, that follow each other within so many seconds, by the first of the two."""
    index = np.arange(len(seconds))
    n_following = np.searchsorted(seconds, seconds + within, side="right") - index - 1
    first = np.repeat(index, n_following)
    return first, np.arange(len(first)) - (np.cumsum(n_following) - n_following - index - 1)[first]


def _refined(bpm: float, seconds: FloatArray) -> float:
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
