"""Beats of a take that does not keep an even tempo: where the player puts them, and where bars begin.

A take is a chain of beats, each the first to the fourth of a bar, and each of a length near to that of the beat before.
The chain is found under which the hits are the likeliest (dynamic programming over a "bar pointer", after Whiteley,
Cemgil and Godsill 2006 and Krebs, Böck and Widmer 2015, but over whole beats at once, since hits are few). How often a
drum falls on each place of a bar is counted in the training takes of the Groove MIDI Dataset (`placed` in tempo.json,
`python -m benchmarks.beats --fit`). The beats are then moved to their onsets and smoothed, so that what moves slowly is
tempo, and what moves fast, as swing and pushes do, stays microtiming.
"""

from __future__ import annotations

from functools import cache
from math import ceil, floor

import numpy as np

from rhythmvae.analysis.lines import BEATS, GROUP_OF_VOICE, N_GROUPS, N_TICKS
from rhythmvae.audio.hits import Heard
from rhythmvae.audio.tempo import weights
from rhythmvae.groove import MAX_VELOCITY, FloatArray, IntArray
from rhythmvae.kit import N_VOICES, VOICE_INDEX

FRAMES_PER_SECOND = 100
SPREAD = 0.12  # of its length by which a beat may leave that of the reading
CHANGE_FRAMES = 1.0  # standard deviation of the difference of two beats that follow each other
FINE = 16  # places of a template between two ticks
NEAR_TICKS = 0.8  # standard deviation of where a hit that is meant for a tick falls
ANYWHERE = 0.15  # share of hits that are meant for no tick
NEAR_SECONDS = 0.04  # of a beat, within which onsets are its own
STRENGTH = np.full(N_VOICES, 0.5)  # of a voice's onsets in that
STRENGTH[[VOICE_INDEX["kick"], VOICE_INDEX["snare"]]] = 1.0
STRENGTH[[VOICE_INDEX["closed_hat"], VOICE_INDEX["ride"]]] = 0.35
SMOOTH_BEATS = 6.0  # standard deviation of the window by which beats are smoothed
IMPOSSIBLE = -1e18


def tracked(heard: Heard, beat: float) -> FloatArray:
    """(B,) seconds of the beats that are played, near a length of `beat` seconds, smoothed; at least one hit."""
    lengths = np.arange(
        max(2, floor(beat * FRAMES_PER_SECOND * (1 - SPREAD))), ceil(beat * FRAMES_PER_SECOND * (1 + SPREAD)) + 1
    )
    pad = int(lengths[-1])
    starts = _chain(_segments(heard, lengths, pad), lengths, 2 * pad) - pad
    return _smoothed(_to_onsets(starts / FRAMES_PER_SECOND, heard))


@cache
def _template() -> FloatArray:
    """(G, N_TICKS * FINE) log of how much likelier a hit of a group is at a place of the bar than anywhere."""
    placed = weights().placed
    spread = np.zeros((N_GROUPS, N_TICKS * FINE))
    spread[:, ::FINE] = placed / placed.sum(1, keepdims=True)
    away = np.arange(N_TICKS * FINE)
    bell = np.exp(-0.5 * (np.minimum(away, len(away) - away) / FINE / NEAR_TICKS) ** 2)
    smooth = np.fft.irfft(np.fft.rfft(spread) * np.fft.rfft(bell / bell.sum()), len(away))
    return np.asarray(np.log((1 - ANYWHERE) * smooth * len(away) + ANYWHERE))


def _segments(heard: Heard, lengths: IntArray, pad: int) -> FloatArray:
    """(F, BEATS, L) how likely the hits of a beat are that begins at a frame, by its place in the bar and its length.

    The sound begins at frame `pad`; frames go on to `pad` behind its end.
    """
    n_frames = int(heard.duration_seconds * FRAMES_PER_SECOND) + 2 + 2 * pad
    frame = np.minimum(np.rint(heard.seconds * FRAMES_PER_SECOND).astype(int) + pad, n_frames - 1)
    struck, own = np.unique(frame, return_inverse=True)
    loudness = np.zeros((N_GROUPS, len(struck)))
    np.add.at(loudness, (GROUP_OF_VOICE[heard.voice], own), np.sqrt(heard.velocity / MAX_VELOCITY))
    template, per_beat = _template(), N_TICKS * FINE // BEATS
    out = np.zeros((n_frames, BEATS, len(lengths)), dtype=np.float32)  # ten minutes are 13 MB
    for column, length in enumerate(lengths.tolist()):
        place = np.arange(length) * per_beat // length
        for number in range(BEATS):
            score = template[:, number * per_beat + place].T @ loudness  # (length, hits): of each hit, by its place
            into = np.zeros(n_frames + length)
            for back in range(length):
                into[struck - back + length] += score[back]
            out[:, number, column] = into[length:]
    return out


def _chain(segments: FloatArray, lengths: IntArray, first: int) -> IntArray:
    """Frames at which the beats of the likeliest chain begin; it begins within the first `first` frames."""
    n_frames, _, n_lengths = segments.shape
    change = -((lengths[:, None] - lengths[None]) ** 2) / (2 * CHANGE_FRAMES**2)
    # Of the best chain whose last beat ends at a frame: by that beat's place in the bar and its length.
    best = np.full((n_frames + int(lengths[-1]) + 1, BEATS, n_lengths), IMPOSSIBLE, dtype=np.float32)
    before = np.full(best.shape, -1, dtype=np.int16)  # the length of the beat before its last, -1 for none
    column, number = np.arange(n_lengths), np.arange(BEATS)[:, None]
    for frame in range(n_frames):
        ways = best[frame, np.arange(BEATS) - 1][:, None] + change[None]  # (BEATS, L, L of the beat before)
        chosen = ways.argmax(2)
        value = np.take_along_axis(ways, chosen[..., None], 2)[..., 0]
        if frame <= first:
            chosen, value = np.where(value < 0, -1, chosen), np.maximum(value, 0.0)
        best[frame + lengths[None], number, column] = segments[frame] + value
        before[frame + lengths[None], number, column] = chosen
    end = n_frames - int(lengths[-1])
    frame, beat, length = (int(i) for i in np.unravel_index(best[end:].argmax(), best[end:].shape))
    frame += end
    found = []
    while True:
        previous = int(before[frame, beat, length])
        frame -= int(lengths[length])
        found.append(frame)
        if previous < 0:
            return np.array(found[::-1])
        beat, length = (beat - 1) % BEATS, previous


def _to_onsets(beats: FloatArray, heard: Heard) -> FloatArray:
    """Beats where their onsets are: the mean of those near them, as strong as they are."""
    moved = beats.copy()
    weight = STRENGTH[heard.voice] * np.sqrt(heard.velocity / MAX_VELOCITY)
    for index, beat in enumerate(beats):
        low, high = np.searchsorted(heard.seconds, [beat - NEAR_SECONDS, beat + NEAR_SECONDS])
        if high > low:
            moved[index] = np.average(heard.seconds[low:high], weights=weight[low:high])
    return moved


def _smoothed(beats: FloatArray) -> FloatArray:
    """Each beat on the line through those around it (least squares in a bell-shaped window)."""
    index = np.arange(len(beats), dtype=np.float64)
    reach = ceil(3 * SMOOTH_BEATS)
    out = np.empty(len(beats))
    for row in range(len(beats)):
        part = slice(max(0, row - reach), row + reach + 1)
        x = index[part] - row
        weight = np.exp(-0.5 * (x / SMOOTH_BEATS) ** 2)
        mean = np.average(x, weights=weight)
        spread = np.average((x - mean) ** 2, weights=weight)
        slope = np.average((x - mean) * beats[part], weights=weight) / max(spread, 1e-9)
        out[row] = np.average(beats[part], weights=weight) - slope * mean
    return out
