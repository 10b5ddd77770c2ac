"""Patches of DrumSynth (.ds, text) to sound: what LMMS comes with, hundreds of kicks, snares, hats and toms.

A patch has a falling tone, noise, two overtones that are added, modulated or multiplied, and two bands of noise, each
with an envelope of lines. What is made here is near to what DrumSynth plays, not the same: its filter is left out.
"""

from __future__ import annotations

import re

import numpy as np
from scipy.signal import lfilter

from rhythmvae.audio.hits import RATE
from rhythmvae.groove import FloatArray

PATCH_RATE = 44_100  # of the times in a patch
LONGEST_SECONDS = 3.0
FULL = 128.0  # a level
METAL = (1.0, 1.34, 1.69, 2.12, 2.54, 3.19)  # squares of a drum machine's cymbal, over the lowest

Section = dict[str, str]


def render(text: str, rng: np.random.Generator) -> FloatArray:
    """The sound of a patch, (S,) float32 at RATE; silence where nothing of it is on.

    Raises:
        ValueError: numbers that are none.
    """
    parts = {name.lower(): _section(body) for name, body in re.findall(r"\[(\w+)\]([^\[]*)", text)}
    stretch = _number(parts.get("general", {}), "stretch", 100.0) / 100
    on = [name for name, part in parts.items() if part.get("on") == "1"]
    ends = [_points(parts[name][key])[0][-1] for name in on for key in parts[name] if key.startswith("envelope")]
    if not ends or max(ends) * stretch * RATE < 1:
        return np.zeros(0, dtype=np.float32)
    t = np.arange(round(min(max(ends) * stretch, LONGEST_SECONDS) * RATE)) / RATE
    sound = np.zeros(len(t))
    for name in on:
        if name in _PARTS:
            part = parts[name]
            sound += (_number(part, "level", FULL) / FULL) ** 2 * _PARTS[name](part, t / stretch, t, rng)
    return np.asarray(sound, dtype=np.float32)


def _section(body: str) -> Section:
    lines = (line.partition("=") for line in body.splitlines() if "=" in line)
    return {key.strip().lower(): value.strip() for key, _, value in lines}


def _number(part: Section, key: str, otherwise: float) -> float:
    return float(part.get(key) or otherwise)


def _points(text: str) -> tuple[FloatArray, FloatArray]:
    """Seconds and levels (1 is full) of an envelope.

    >>> _points("0,100 44100,0")[0].tolist()
    [0.0, 1.0]
    """
    rows = np.array([[float(n) for n in each.split(",")] for each in text.split()])
    return rows[:, 0] / PATCH_RATE, rows[:, 1] / 100


def _envelope(part: Section, key: str, at: FloatArray) -> FloatArray:
    seconds, levels = _points(part[key])
    return np.asarray(np.interp(at, seconds, levels) * (at <= seconds[-1]))


def _tone(part: Section, at: FloatArray, t: FloatArray, rng: np.random.Generator) -> FloatArray:
    first, last, droop = (_number(part, key, 0.0) for key in ("f1", "f2", "droop"))
    length = max(float(_points(part["envelope"])[0][-1]), 1e-3)
    if droop > 0:
        fall = 10 ** ((droop - 20) / 30) * 4 / length
        hz = last + (first - last) * np.exp(-at * fall)
    else:
        hz = first + (last - first) * np.minimum(at / length, 1.0)
    phase = np.deg2rad(_number(part, "phase", 0.0))
    return np.asarray(np.sin(phase + 2 * np.pi * np.cumsum(hz) / RATE) * _envelope(part, "envelope", at))


def _noise(part: Section, at: FloatArray, t: FloatArray, rng: np.random.Generator) -> FloatArray:
    noise, slope = rng.uniform(-1, 1, len(at)), _number(part, "slope", 0.0) / 100
    if slope > 0:
        noise = lfilter([1, -min(slope, 1.0)], [1], noise)
    elif slope < 0:
        pole = min(-slope, 0.98)
        noise = lfilter([np.sqrt(1 - pole**2)], [1, -pole], noise)
    return np.asarray(noise * _envelope(part, "envelope", at))


def _overtones(part: Section, at: FloatArray, t: FloatArray, rng: np.random.Generator) -> FloatArray:
    method, share = int(_number(part, "method", 0.0)), _number(part, "param", 50.0) / 100
    hz = [_number(part, key, 200.0) for key in ("f1", "f2")]
    waves = [int(_number(part, key, 0.0)) for key in ("wave1", "wave2")]
    one, other = (_envelope(part, key, at) for key in ("envelope1", "envelope2"))
    if method == 3:
        metal = sum((_wave(waves[0], hz[0] * ratio * t) for ratio in METAL), np.zeros(len(t))) / len(METAL)
        return np.asarray(one * metal + share * other * _wave(waves[1], hz[1] * t))
    second = other * _wave(waves[1], hz[1] * t)
    if method == 1:
        return np.asarray(one * _wave(waves[0], hz[0] * t + share * 2 * second))
    first = one * _wave(waves[0], hz[0] * t)
    return np.asarray((1 - share) * first + share * first * second if method == 2 else (first + second) / 2)


def _wave(kind: int, cycles: FloatArray) -> FloatArray:
    sine = np.sin(2 * np.pi * cycles)
    if kind == 1:
        return np.asarray(sine * np.abs(sine))
    if kind == 2:
        return np.asarray(2 / np.pi * np.arcsin(sine))
    if kind == 3:
        return np.asarray(2 * (cycles % 1.0) - 1)
    return np.asarray(np.sign(sine)) if kind == 4 else sine


def _band(part: Section, at: FloatArray, t: FloatArray, rng: np.random.Generator) -> FloatArray:
    hz, width = _number(part, "f", 1000.0), _number(part, "df", 50.0) / 100
    pole = float(np.exp(-2 * np.pi * min(hz * width / 2 + 5, 0.4 * RATE) / RATE))
    slow = lfilter([np.sqrt(1 - pole**2)], [1, -pole], rng.uniform(-1, 1, (2, len(t))))
    turn = 2 * np.pi * hz * t
    return np.asarray((slow[0] * np.cos(turn) + slow[1] * np.sin(turn)) * _envelope(part, "envelope", at))


_PARTS = {"tone": _tone, "noise": _noise, "overtones": _overtones, "noiseband": _band, "noiseband2": _band}
