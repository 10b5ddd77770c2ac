"""The tempo and the "one" of hits that were heard: every reading of them is scored, and the best is taken.

A *reading* is the length of a beat and the time of the first downbeat, the first beat of a bar of four. Beats come from
the length of the sound, which in a loop is whole bars; from how often drums come again (`analysis.pulse`); and from
what the file, its name or the user claims. For each, a bar has N_TICKS lines, the 16ths and the triplets among them,
and each line may be the one.

A reading is scored by a linear function of what the drums play on the lines of the bar, of where the first hit falls,
of whether the sound is whole bars, how many, and in whole BPM, and of the tempo's likelihood by the rules of
`analysis.pulse`. Its weights are `tempo.json`, fitted (softmax over the readings of a loop) to loops cut from the
training takes of the Groove MIDI Dataset by `python -m benchmarks.beats --fit`; nothing in it is set by hand. Which
octave of the likeliest reading is taken is said by this score and the trees of `analysis.octaves`, which say it of a
file's tempo too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from rhythmvae.analysis import octaves
from rhythmvae.analysis.lines import BEATS, GROUP_OF_VOICE, N_GROUPS, N_TICKS, TICKS, nearest_line
from rhythmvae.analysis.pulse import FASTEST_BPM, OF_ANY, OF_OCTAVES, SLOWEST_BPM, likelihood, refined
from rhythmvae.audio.hits import Heard
from rhythmvae.groove import MAX_VELOCITY, BoolArray, FloatArray, IntArray

TABLE = Path(__file__).with_name("tempo.json")

LOOP_SECONDS = 40.0  # a longer sound is a take, whatever its length
HEARD_SECONDS, HEARD_HITS = 16.0, 400  # of a take, from the first hit on: enough to tell, and no player drifts far
CANDIDATE_BPM = (40.0, 300.0)
MAX_BARS = 32  # of a loop by its length
N_PEAKS = 6  # tempos by how often drums come again, each with its halves, doubles and dotted ones
RATIOS = (1.0, 0.5, 2.0, 2 / 3, 1.5)
SAME = 0.012  # tempos closer than this (of one) are one to whoever claims one
NO_TWINS = 0.004  # tempos closer than this are one: a beat of whole bars and one that comes again may be near
WHOLE_SECONDS = 0.03  # by which a loop may miss whole bars
AT_START = 0.03  # seconds from the sound's first sample that are its start
REACHES = (6.0, 16.0, 32.0)  # beats from the one within which hits tell of the beat, the nearest first
NEAR_BEATS, REFITS = 0.1, 0.03  # beats from a line within which a hit tells; of one, how far a beat may be moved
START_BEATS = 0.06  # beats by which a downbeat may miss the sound's start and be there
OF_TREES, FEW_VOTES = 2.0, 0.02  # weight of the trees' log odds for an octave, and what an octave has without a vote
BAR_KINDS = (1, 2, 3, 4, 5, 6, 7, 8)  # numbers of bars with a weight of their own; more have one together
# BPM by which a loop's tempo may miss whole BPM and be there, but for what its length may be cut short or long.
NEAR_WHOLE_BPM, CUT_SECONDS = 0.01, 0.0002


@dataclass(frozen=True)
class Reading:
    """beat: its length in seconds. downbeat: of the first bar that begins in the sound, in seconds. score: log odds."""

    beat: float
    downbeat: float
    score: float

    @property
    def bpm(self) -> float:
        return 60.0 / self.beat


@dataclass(frozen=True, eq=False)
class Hits:
    """Hits that tell: (N,) each; loudness is the root of the velocity."""

    seconds: FloatArray
    voice: IntArray
    velocity: IntArray
    duration: float

    @property
    def loudness(self) -> FloatArray:
        return np.asarray(np.sqrt(self.velocity / MAX_VELOCITY))


def telling(heard: Heard) -> Hits:
    """The hits of what may be a loop, or of a take's first HEARD_SECONDS; at most HEARD_HITS."""
    end = LOOP_SECONDS if heard.duration_seconds <= LOOP_SECONDS else heard.seconds[0] + HEARD_SECONDS
    n = min(HEARD_HITS, int(np.searchsorted(heard.seconds, end, side="right")))
    return Hits(heard.seconds[:n], heard.voice[:n], heard.velocity[:n], heard.duration_seconds)


def readings(heard: Heard, claims: Mapping[float, float] | None = None, only: float | None = None) -> list[Reading]:
    """Readings of at least one hit, the best of each length of a beat, the likeliest first.

    Args:
        claims: tempos that are claimed, in BPM, and the log odds that this gives them.
        only: the one length of a beat, in seconds, that is asked for.
    """
    hits = telling(heard)
    claims = claims or {}
    if only is not None:
        return [_scored(hits, np.array([only]), claims)[0][0]]
    found, _ = _scored(hits, candidates(hits, list(claims)), claims)
    return _by_octave(hits, sorted(found, key=lambda reading: -reading.score), claims)


def _scored(hits: Hits, beats: FloatArray, claims: Mapping[float, float]) -> tuple[list[Reading], Lines]:
    """The best reading of each length of a beat (C,), and the lines of each."""
    lines, own = of_lines(hits, beats), weights()
    score = (of_tempos(hits, beats) @ own.tempo)[:, None] + lines.score(own)
    for bpm, odds in claims.items():
        score[np.abs(beats * bpm / 60.0 - 1) < SAME] += odds
    best = score.argmax(1)
    rows = np.arange(len(beats))
    found = zip(beats.tolist(), lines.downbeat[rows, best].tolist(), score[rows, best].tolist(), strict=True)
    return [Reading(*each) for each in found], lines


def _by_octave(hits: Hits, found: list[Reading], claims: Mapping[float, float]) -> list[Reading]:
    """Readings, the likeliest first, with the trees heard on the octaves of the one that was the likeliest."""
    usual = octaves.usual(np.array([found[0].beat]))
    own, lines = _scored(hits, usual * octaves.LENGTHS, claims)
    middle = len(own) // 2
    sounding = max(float(np.ptp(hits.seconds)), octaves.SHORTEST_SPAN)
    span = hits.duration if lines.is_whole[middle] else sounding
    whose = np.zeros(len(hits.seconds), dtype=np.int64)
    one = np.array([own[middle].downbeat])
    played = octaves.Played(whose, hits.seconds, hits.voice, hits.loudness, usual, one, np.array([span]))
    odds = OF_TREES * np.log(octaves.votes(played)[0] + FEW_VOTES)
    score = odds + np.array([reading.score for reading in own])
    beats = np.array([reading.beat for reading in own])
    score[(60 / beats < CANDIDATE_BPM[0]) | (60 / beats > CANDIDATE_BPM[1])] = -np.inf
    score += found[0].score - score.max()
    rest = [reading for reading in found if (np.abs(reading.beat / beats - 1) > NO_TWINS).all()]
    mine = [replace(reading, score=float(value)) for reading, value in zip(own, score, strict=True) if value > -np.inf]
    return sorted([*mine, *rest], key=lambda reading: -reading.score)


# -- beats ---------------------------------------------------------------------


def candidates(hits: Hits, claims: Sequence[float] = ()) -> FloatArray:
    """(C,) lengths of a beat in seconds, none twice: of claims, of whole bars, and of what comes again."""
    slow, fast = 60.0 / CANDIDATE_BPM[0], 60.0 / CANDIDATE_BPM[1]
    whole = hits.duration / (BEATS * np.arange(1, MAX_BARS + 1))
    found: list[float] = []
    for beat in [*(60.0 / np.array(claims)), *whole, *_recurring(hits)]:
        if fast <= beat <= slow and all(abs(beat / other - 1) > NO_TWINS for other in found):
            found.append(float(beat))
    return np.array(found or [0.5])


def _recurring(hits: Hits) -> list[float]:
    """Lengths of a beat after which drums come again, and their simple multiples."""
    if len(hits.seconds) < 2 or hits.seconds[-1] - hits.seconds[0] < 0.1:
        return []
    bpm = SLOWEST_BPM * 1.015 ** np.arange(int(np.log(FASTEST_BPM / SLOWEST_BPM) / np.log(1.015)))
    score = likelihood(bpm, hits.seconds, hits.voice, hits.velocity, OF_ANY)
    inner = np.concatenate(([-np.inf], score, [-np.inf]))
    peaks = np.flatnonzero((inner[1:-1] >= inner[:-2]) & (inner[1:-1] > inner[2:]))
    peaks = peaks[np.argsort(-score[peaks])[:N_PEAKS]]
    tempos = [refined(float(own), hits.seconds) for own in bpm[peaks]]
    return [60.0 / own * ratio for own in tempos for ratio in RATIOS]


# -- what tells ----------------------------------------------------------------


def of_tempos(hits: Hits, beats: FloatArray) -> FloatArray:
    """(C, F) what tells of each length of a beat, wherever the one is."""
    bpm = 60.0 / beats
    n_bars = hits.duration / (BEATS * beats)
    near = np.rint(n_bars)
    is_whole = (near >= 1) & (np.abs(n_bars - near) * BEATS * beats < WHOLE_SECONDS)
    kinds = [is_whole & (near == kind) for kind in BAR_KINDS] + [is_whole & (near > BAR_KINDS[-1])]
    around = _looped(hits)
    rules = [
        np.where(is_whole, likelihood(bpm, *around, weights), likelihood(bpm, *_plain(hits), weights))
        for weights in (OF_OCTAVES, OF_ANY)
    ]
    turns = np.exp(2j * np.pi * hits.seconds[:, None, None] / (beats[:, None] / np.array([1, 2, 3, 4])))
    fit = np.abs((turns * hits.loudness[:, None, None]).sum(0)) / hits.loudness.sum()
    octave = np.log2(bpm / octaves.USUAL_BPM)
    density = np.log2(np.maximum(len(hits.seconds) * beats / hits.duration, 1e-3))
    many = min(len(hits.seconds), 64) ** 0.5 / 8
    return np.stack(
        [
            *kinds,
            *rules,
            *fit.T,
            *(fit.T * many),
            fit[:, 2:].max(1),
            octave,
            octave**2,
            np.abs(octave) ** 3,
            density,
            density**2,
            octave * density,
            is_whole * octave,
            is_whole & _is_round(bpm, hits.duration),
        ],
        1,
    ).astype(np.float64)


def _is_round(bpm: FloatArray, duration: float) -> BoolArray:
    """Whether tempos are whole BPM, as nearly all are that somebody has set: a wrong one of whole bars seldom is."""
    within = NEAR_WHOLE_BPM + bpm * CUT_SECONDS / max(duration, CUT_SECONDS)
    return np.asarray(np.abs(bpm - np.rint(bpm)) < within)


def _plain(hits: Hits) -> tuple[FloatArray, IntArray, IntArray]:
    return hits.seconds, hits.voice, hits.velocity


def _looped(hits: Hits) -> tuple[FloatArray, IntArray, IntArray]:
    """The hits, and once more behind the sound's end where a loop goes round."""
    if hits.duration > LOOP_SECONDS / 2:
        return _plain(hits)
    seconds = np.concatenate((hits.seconds, hits.seconds + hits.duration))
    return seconds, np.tile(hits.voice, 2), np.tile(hits.velocity, 2)


@dataclass(frozen=True, eq=False)
class Lines:
    """Each line of the bar as the one, for C lengths of a beat.

    played: (C, G, K) loudness of each group on each line, counted from the line that is nearest to the sound's start.
    downbeat: (C, K) seconds of the first of each line. first: (C,) the line of the first hit. at_start: (C, K) whether
    the one is where the sound begins. is_whole: (C,).
    """

    played: FloatArray
    downbeat: FloatArray
    first: IntArray
    at_start: FloatArray
    is_whole: FloatArray

    def score(self, weights: Weights) -> FloatArray:
        """(C, K) log odds of each line as the one."""
        # With line k as the one, a hit on line j is on line j - k of the bar.
        index = (np.arange(N_TICKS)[None, :] - np.arange(N_TICKS)[:, None]) % N_TICKS  # (K ones, J lines)
        turned = weights.played[:, index]  # (G, K, J)
        score = np.einsum("cgj,gkj->ck", self.played, turned)
        place = (self.first[:, None] - np.arange(N_TICKS)) % N_TICKS
        score = score + weights.first[place]
        whole = self.is_whole[:, None]
        return np.asarray(score + self.at_start * (weights.start[0] * whole + weights.start[1] * (1 - whole)))


def of_lines(hits: Hits, beats: FloatArray) -> Lines:
    """What is played on the lines of a bar of each length."""
    played = np.zeros((len(beats), N_GROUPS, N_TICKS))
    downbeat = np.zeros((len(beats), N_TICKS))
    first = np.zeros(len(beats), dtype=np.int64)
    whole = np.zeros(len(beats))
    group = GROUP_OF_VOICE[hits.voice]
    size = np.sqrt(hits.loudness.sum())
    for row, beat in enumerate(beats):
        n_bars = hits.duration / (BEATS * beat)
        whole[row] = round(n_bars) >= 1 and abs(n_bars - round(n_bars)) * BEATS * beat < WHOLE_SECONDS
        start = 0.0 if whole[row] else _grid_start(hits, beat)
        place = (hits.seconds - start) / (beat / TICKS)
        line = nearest_line(place) % N_TICKS
        np.add.at(played[row], (group, line), hits.loudness / size)
        first[row] = line[0]
        own = start + np.arange(N_TICKS) * (beat / TICKS)
        downbeat[row] = np.where(own < -AT_START, own + BEATS * beat, own)
    at_start = (np.abs(downbeat) <= AT_START).astype(np.float64)
    return Lines(played, downbeat, first, at_start, whole)


def _grid_start(hits: Hits, beat: float) -> float:
    """Seconds round 0 where the 16ths, or triplets, that hits gather round begin to be counted."""
    turns = [(n, (np.exp(2j * np.pi * hits.seconds * n / beat) * hits.loudness).sum()) for n in (4, 3)]
    n, turn = max(turns, key=lambda found: float(abs(found[1])))
    return float(np.angle(turn) / (2 * np.pi) * beat / n)


def likeliest_one(place: FloatArray, heard: Heard, zero: float) -> int:
    """Which of BEATS beats is the one of bars, from hits (N,) at places in beats; `zero`: where the sound begins."""
    line = nearest_line(place * TICKS)
    ones = TICKS * np.arange(BEATS)
    table, loudness = weights(), np.sqrt(heard.velocity / MAX_VELOCITY)
    own = table.played[GROUP_OF_VOICE[heard.voice][None], (line[None] - ones[:, None]) % N_TICKS] @ loudness
    # A whole take says no more of its bars than its first seconds do, of which the weights were fitted.
    score = own / loudness.sum() * np.sqrt(telling(heard).loudness.sum())
    is_start = np.abs((zero - np.arange(BEATS) + BEATS / 2) % BEATS - BEATS / 2) < START_BEATS
    return int((score + table.first[(line[0] - ones) % N_TICKS] + table.start[1] * is_start).argmax())


def refitted(heard: Heard, reading: Reading, reaches: Sequence[float] = REACHES) -> Reading:
    """A reading whose beats lie where the hits are: least squares over hits near a line, more of them each time."""
    beat, one = reading.beat, reading.downbeat
    for reach in reaches:
        place = (heard.seconds - one) / beat
        line = nearest_line(place * TICKS) / TICKS
        near = (np.abs(place) < reach) & (np.abs(place - line) < NEAR_BEATS)
        if not near.any() or np.ptp(line[near]) < 1:
            break
        weight = np.sqrt(heard.velocity[near] / MAX_VELOCITY)
        beat, one = (float(own) for own in np.polyfit(line[near], heard.seconds[near], 1, w=weight))
    is_near = abs(beat / reading.beat - 1) < REFITS and abs(one - reading.downbeat) < NEAR_BEATS * beat
    return Reading(beat, one, reading.score) if is_near else reading


# -- weights -------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Weights:
    """tempo: (F,). played: (G, K). first: (K,). start: (2,), of whole bars and others.

    placed: (G, K) how many hits fall on each line of a bar.
    """

    tempo: FloatArray
    played: FloatArray
    first: FloatArray
    start: FloatArray
    placed: FloatArray


@cache
def weights() -> Weights:
    table = json.loads(TABLE.read_text("utf-8"))
    return Weights(**{name: np.array(values) for name, values in table.items()})
