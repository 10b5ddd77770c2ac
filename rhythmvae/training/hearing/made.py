"""Sounds made by rule: drum kits that are all different, and sounds that are no drums.

A made kit has for each voice a few strokes from soft and dark to hard and bright, of sines, modes and noise with drawn
frequencies and decays: more kinds of sound than there are free kits. What is no drums is music by a soundfont, speech
by rule, hum and beeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.signal import lfilter

from rhythmvae.audio.hits import RATE
from rhythmvae.groove import FloatArray
from rhythmvae.kit import VOICE_KEYS
from rhythmvae.training.hearing.samples import Shot, play

Rng = np.random.Generator
HARDNESS = (0.2, 0.45, 0.7, 1.0)
PHRASE_SECONDS = 8.0
MUSIC = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
HEAD = (1.0, 1.59, 2.14, 2.30, 2.65, 2.92)  # modes of a round membrane


def kit(rng: Rng, of_a_kind: bool = False) -> Iterator[Shot]:
    """The shots of a kit that nobody has heard yet.

    Args:
        of_a_kind: its toms are of one make, each higher than the one before, and its snare may have hardly any wires:
            what is what shows beside the others more than by itself.
    """
    own = _toms(rng) | {"snare": _snare(rng, (140, 380), _between(rng, 0.05, 2.5))} if of_a_kind else {}
    for voice, key in enumerate([*VOICE_KEYS, "clap"]):
        stroke = own[key] if key in own else _STROKES[key](rng)
        for hardness in HARDNESS:
            wave = stroke(hardness)
            darker = np.exp(-2 * np.pi * (1200 + 9000 * hardness**1.5) / RATE)
            wave = lfilter([1 - darker], [1, -darker], wave)
            level = hardness**1.4 * _LEVELS[key]
            yield Shot(voice, 0, round(127 * hardness), (wave / np.abs(wave).max() * level).astype(np.float32))


Stroke = Callable[[float], FloatArray]
_LEVELS = {
    "kick": 1.0,
    "snare": 0.8,
    "closed_hat": 0.3,
    "open_hat": 0.35,
    "low_tom": 0.8,
    "mid_tom": 0.8,
    "high_tom": 0.8,
    "crash": 0.5,
    "ride": 0.35,
    "clap": 0.5,
}


def level_of(voice: int) -> float:
    """The peak of a voice's hardest stroke beside those of others; one past the last voice is a clap."""
    return _LEVELS[[*VOICE_KEYS, "clap"][voice]]


def _between(rng: Rng, low: float, high: float) -> float:
    """Evenly drawn on a logarithmic scale."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _time(seconds: float) -> FloatArray:
    return np.arange(round(seconds * RATE)) / RATE


def _band(noise: FloatArray, low: float, high: float) -> FloatArray:
    """Noise between two frequencies, in one-pole slopes, so that its beginning stays its beginning."""
    a, b = np.exp(-2 * np.pi * low / RATE), np.exp(-2 * np.pi * min(high, 0.45 * RATE) / RATE)
    return np.asarray(lfilter([1, -1], [1, -a], lfilter([1, -1], [1, -a], lfilter([1 - b], [1, -b], noise))))


def _drum(rng: Rng, lowest: float, highest: float, seconds: tuple[float, float]) -> Stroke:
    """A head: a falling tone, its modes, and the knock of what strikes it."""
    hz, decay = _between(rng, lowest, highest), _between(rng, *seconds)
    fall, speed = rng.uniform(0.0, 1.2), _between(rng, 0.01, 0.06)
    modes = rng.uniform(0, 0.4) * rng.dirichlet(np.ones(len(HEAD)))
    knock, knock_hz = _between(rng, 0.02, 0.5), _between(rng, 1000, 6000)
    t = _time(4 * decay)
    noise = _band(rng.standard_normal(len(t)), knock_hz / 2, knock_hz * 2)

    def stroke(hardness: float) -> FloatArray:
        cycles = hz * (t + fall * hardness * speed * (1 - np.exp(-t / speed)))
        tone = np.sin(2 * np.pi * cycles) * np.exp(-t / decay)
        for ratio, gain in zip(HEAD[1:], modes[1:], strict=True):
            tone += gain * np.sin(2 * np.pi * ratio * cycles) * np.exp(-t * 2 * ratio / decay)
        return np.asarray(tone + knock * hardness * noise * np.exp(-t / 0.006))

    return stroke


def _toms(rng: Rng) -> dict[str, Stroke]:
    hz, decay, seed = _between(rng, 55, 160), _between(rng, 0.03, 0.4), int(rng.integers(1 << 30))
    found: dict[str, Stroke] = {}
    for key in ("low_tom", "mid_tom", "high_tom"):
        own = np.random.default_rng(seed)  # the same head and stick
        found[key] = _drum(own, hz, hz * 1.0001, (decay, decay * 1.0001))
        hz, decay = hz * 2 ** (rng.uniform(2.0, 7.0) / 12), decay * rng.uniform(0.65, 1.0)
    return found


def _snare(rng: Rng, hz: tuple[float, float] = (140, 280), wires: float | None = None) -> Stroke:
    body = _drum(rng, *hz, (0.03, 0.12))
    decay, tail = _between(rng, 0.03, 0.18), rng.uniform(0.5, 2.5) if wires is None else wires
    t = _time(4 * decay + 0.3)
    noise = _band(rng.standard_normal(len(t)), _between(rng, 400, 2500), _between(rng, 5000, 10000))
    noise *= np.exp(-t / decay) / np.std(noise)

    def stroke(hardness: float) -> FloatArray:
        tone = np.zeros(len(t))
        own = body(hardness)[: len(t)]
        tone[: len(own)] = own
        return np.asarray(tone + tail * 0.3 * noise)

    return stroke


def _metal(rng: Rng, seconds: tuple[float, float], lowest: tuple[float, float], ping: float) -> Stroke:
    """A plate: many modes or the squares of a drum machine, and noise, above a frequency."""
    decay, low = _between(rng, *seconds), _between(rng, *lowest)
    t = _time(min(4 * decay, 3.0))
    noise = _band(rng.standard_normal(len(t)), low, _between(rng, 7000, 11000))
    tone = np.zeros(len(t))
    for hz in np.exp(rng.uniform(np.log(low), np.log(10_000), rng.integers(6, 30))):
        tone += np.sin(2 * np.pi * hz * t + rng.uniform(0, 6.3)) * np.exp(-t / (decay * rng.uniform(0.3, 1.5)))
    share = rng.uniform(0.1, 0.9)
    bell = np.sin(2 * np.pi * _between(rng, 2500, 6000) * t) * np.exp(-t / _between(rng, 0.02, 0.3))
    rise = 1 - np.exp(-t / _between(rng, 0.0004, 0.002))
    wave = share * noise / np.std(noise) * np.exp(-t / decay) + (1 - share) * tone / np.std(tone[:2000])
    return lambda hardness: np.asarray(rise * (wave + ping * bell * (0.5 + hardness)))


def _clap(rng: Rng) -> Stroke:
    t = _time(0.4)
    noise = _band(rng.standard_normal(len(t)), _between(rng, 500, 1200), _between(rng, 2500, 8000))
    gaps = np.cumsum(rng.uniform(0.006, 0.014, rng.integers(1, 5)))
    envelope = np.exp(-np.abs(t - gaps[-1]) / 0.05) * (t >= gaps[-1])
    for gap in [0.0, *gaps[:-1]]:
        envelope += np.exp(-(t - gap) / 0.004) * (t >= gap)
    return lambda hardness: np.asarray(noise * envelope)


_STROKES: dict[str, Callable[[Rng], Stroke]] = {
    "kick": lambda rng: _drum(rng, 38, 85, (0.05, 0.35)),
    "snare": _snare,
    "closed_hat": lambda rng: _metal(rng, (0.012, 0.05), (2500, 7000), 0.0),
    "open_hat": lambda rng: _metal(rng, (0.15, 0.5), (2500, 7000), 0.0),
    "low_tom": lambda rng: _drum(rng, 60, 115, (0.06, 0.4)),
    "mid_tom": lambda rng: _drum(rng, 85, 190, (0.05, 0.35)),
    "high_tom": lambda rng: _drum(rng, 120, 330, (0.03, 0.3)),
    "crash": lambda rng: _metal(rng, (0.4, 1.0), (800, 3000), 0.0),
    "ride": lambda rng: _metal(rng, (0.25, 0.9), (1500, 5000), _between(rng, 0.3, 3.0)),
    "clap": _clap,
}


# -- no drums ------------------------------------------------------------------


def music(font: Path, program: int, rng: Rng) -> FloatArray:
    """A phrase of chords and a line by an instrument of a soundfont."""
    notes: list[tuple[float, int, int, int, float]] = []
    root, length = int(rng.integers(36, 60)), float(rng.choice([0.25, 0.5, 1.0, 2.0]))
    for start in np.arange(0, PHRASE_SECONDS - length, length):
        velocity = int(rng.integers(50, 120))
        if rng.random() < 0.3:
            root = int(np.clip(root + rng.integers(-5, 6), 28, 64))
        pitches = {root, *(root + rng.choice([0, 3, 4, 7, 10, 12, 14, 15], rng.integers(0, 4))).tolist()}
        notes += [(float(start), 0, int(p), velocity, length * float(rng.uniform(0.4, 1.0))) for p in pitches]
    return play(font, notes, {0: program}, PHRASE_SECONDS)


def speech(rng: Rng) -> FloatArray:
    """Something like a voice: pulses and noise through changing formants, in syllables with pauses."""
    parts: list[FloatArray] = []
    pitch = _between(rng, 80, 260)
    while sum(map(len, parts)) < PHRASE_SECONDS * RATE:
        t = _time(float(rng.uniform(0.06, 0.3)))
        if rng.random() < 0.2:
            parts.append(np.zeros(len(t)))
            continue
        if rng.random() < 0.25:
            sound = _band(rng.standard_normal(len(t)), _between(rng, 1000, 4000), 10_000) * 0.1
        else:
            sound = np.diff(np.floor(np.cumsum(pitch * (1 + rng.uniform(-0.2, 0.2) * t) / RATE)), prepend=0)
            for hz in (rng.uniform(250, 900), rng.uniform(800, 2400), rng.uniform(2200, 3200)):
                r = np.exp(-np.pi * 90 / RATE)
                sound = lfilter([1 - r], [1, -2 * r * np.cos(2 * np.pi * hz / RATE), r * r], sound)
        parts.append(sound * np.hanning(len(t)) * rng.uniform(0.4, 1.0))
    return _full(np.concatenate(parts))


def beeps(rng: Rng) -> FloatArray:
    """A metronome, a hum or a tone."""
    t = _time(PHRASE_SECONDS)
    hz = _between(rng, 40, 4000)
    if rng.random() < 0.3:
        return _full(sum((np.sin(2 * np.pi * hz * k * t) / k for k in range(1, 6)), np.zeros(len(t))))
    beat = 60 / rng.uniform(50, 200)
    accent = np.where(np.floor(t / beat) % rng.integers(2, 5) == 0, 1.5, 1.0)
    return _full(np.sin(2 * np.pi * hz * accent * t) * np.exp(-(t % beat) / _between(rng, 0.01, 0.06)))


def _full(wave: FloatArray) -> FloatArray:
    wave = wave[: round(PHRASE_SECONDS * RATE)]
    return np.asarray(0.5 * wave / max(float(np.abs(wave).max()), 1e-9), dtype=np.float32)


def others(rng: Rng) -> np.ndarray[Any, np.dtype[np.int16]]:
    """(N, S) int16: voices, beeps and music, PHRASE_SECONDS each."""
    waves = [speech(rng) for _ in range(24)] + [beeps(rng) for _ in range(16)]
    waves += [_full(music(MUSIC, program, rng)) for program in range(0, 112, 2)]
    return np.stack([(wave * 32767).astype(np.int16) for wave in waves])
