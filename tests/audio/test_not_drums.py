"""The shipped ear takes drums for drums, and nothing else: sounds made by rule, that no training has heard."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.signal import lfilter

from rhythmvae.audio.hits import RATE
from rhythmvae.audio.resampling import resampled
from rhythmvae.data import recording
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.groove import FloatArray
from rhythmvae.sound.synth import SAMPLE_RATE, render

SECONDS = 4.0
TIME = np.arange(round(SECONDS * RATE)) / RATE
BASS, WALK, RIFF = (33, 33, 36, 38, 40, 33, 31, 28), (36, 40, 43, 45, 46, 45, 43, 40), (52, 55, 59, 64, 57, 60, 62, 55)
CHORD, MELODY = (220.0, 277.2, 329.6), (262.0, 330.0, 392.0, 523.0, 392.0, 330.0, 262.0, 196.0, 220.0, 262.0)


def _noise(seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).normal(size=len(TIME))


def _sine(hz: float) -> FloatArray:
    return np.asarray(np.sin(2 * np.pi * hz * TIME))


def _saw(hz: float, n: int = 12) -> FloatArray:
    return np.asarray(sum(_sine(hz * k) / k for k in range(1, n)))


def _faded(wave: FloatArray, seconds: float) -> FloatArray:
    return np.asarray(wave * np.clip(np.minimum(TIME, SECONDS - TIME) / seconds, 0, 1))


def _notes(pitches: tuple[float, ...], every: float, decay: float, n: int) -> FloatArray:
    """Struck strings, one after another."""
    found = np.zeros(len(TIME))
    for i, hz in enumerate(pitches):
        since = TIME - i * every
        tone = sum(np.sin(2 * np.pi * hz * k * since) / k**2 for k in range(1, n))
        found += np.where(since >= 0, np.exp(-np.maximum(since, 0) * decay), 0) * tone
    return found


def _line(pitches: tuple[int, ...], every: float, tone: Callable[[float, FloatArray], FloatArray]) -> FloatArray:
    """MIDI notes one after another, each as `tone` of its hertz and the seconds since it was plucked."""
    found = np.zeros(len(TIME))
    for i in range(round(SECONDS / every)):
        since = TIME - i * every
        is_on = (since >= 0) & (since < every * 1.5)
        hz = 440.0 * 2 ** ((pitches[i % len(pitches)] - 69) / 12)
        found[is_on] += tone(hz, since[is_on]) * np.clip(since[is_on] / 0.002, 0, 1)
    return found


def _plucked_sine(hz: float, since: FloatArray) -> FloatArray:
    return np.asarray(np.exp(-6 * since) * np.sin(2 * np.pi * hz * since))


def _picked(hz: float, since: FloatArray) -> FloatArray:
    """A bass guitar: its upper partials are over sooner."""
    return np.asarray(sum(np.exp(-(3 + 2 * k) * since) * np.sin(2 * np.pi * hz * k * since) / k for k in range(1, 9)))


def _string(hz: float, since: FloatArray) -> FloatArray:
    """A plucked string: noise that goes round and dulls (Karplus and Strong 1983)."""
    period = max(2, round(RATE / hz))
    start = np.zeros(len(since))
    start[:period] = np.random.default_rng(period).uniform(-1, 1, period)[: len(since)]
    back = np.zeros(period + 2)
    back[0], back[period:] = 1.0, -0.498
    return np.asarray(lfilter([1.0], back, start))


def _electric_piano(hz: float, since: FloatArray) -> FloatArray:
    bell = np.exp(-8 * since) * np.sin(2 * np.pi * 3 * hz * since)
    return np.asarray(np.exp(-4 * since) * np.sin(2 * np.pi * hz * since + 2 * bell))


def _metronome(*pitches: float) -> FloatArray:
    found = np.zeros(len(TIME))
    for i in range(8):
        since = TIME - i * 0.5
        is_on = (since >= 0) & (since < 0.05)
        tone = np.sin(2 * np.pi * pitches[i % len(pitches)] * since)
        found += np.where(is_on, np.exp(-np.maximum(since, 0) * 60) * tone, 0)
    return found


def _speech(seed: int) -> FloatArray:
    """A buzz or a hiss through three formants that change as syllables do, with pauses."""
    rng = np.random.default_rng(seed)
    pitch = 110 * (1 + 0.1 * np.sin(2 * np.pi * 2.5 * TIME))
    buzz = np.sign(np.sin(2 * np.pi * np.cumsum(pitch) / RATE)) + 0.3 * rng.normal(size=len(TIME))
    found, at = np.zeros(len(TIME)), 0
    while at < len(TIME):
        n = min(round(rng.uniform(0.06, 0.2) * RATE), len(TIME) - at)
        source = buzz[at : at + n] if rng.random() < 0.75 else rng.normal(size=n)
        for hz, width in ((rng.uniform(300, 800), 80.0), (rng.uniform(900, 2300), 120.0), (2600.0, 160.0)):
            radius = np.exp(-np.pi * width / RATE)
            back = [1.0, -2 * radius * np.cos(2 * np.pi * hz / RATE), radius**2]
            found[at : at + n] += lfilter([1 - radius], back, source) * np.hanning(n) ** 0.3
        at += n + (round(0.15 * RATE) if rng.random() < 0.2 else 0)
    return found


MADE: dict[str, Callable[[], FloatArray]] = {
    "mains hum": lambda: _sine(50) + 0.3 * _sine(150),
    "hum that begins at once": lambda: _sine(220),
    "hum that fades in": lambda: _faded(_sine(220), 0.5),
    "beep": lambda: _sine(1000),
    "sweep": lambda: np.sin(2 * np.pi * (100 * TIME + 400 * TIME**2)),
    "siren": lambda: np.sin(2 * np.pi * np.cumsum(600 + 200 * _sine(0.7)) / RATE),
    "white noise": _noise,
    "brown noise": lambda: np.cumsum(_noise(1)),
    "noise that swells": lambda: _noise(2) * (1 + _sine(0.5)),
    "chord": lambda: np.asarray(sum(map(_saw, CHORD))),
    "chord that fades in": lambda: _faded(np.asarray(sum(map(_saw, CHORD))), 1.0),
    "chords": lambda: sum(np.where(i == TIME // 1, _saw(hz) + _saw(hz * 1.5), 0) for i, hz in enumerate(CHORD)),
    "square wave": lambda: np.sign(_sine(300)),
    "bell": lambda: np.sin(2 * np.pi * 440 * TIME + 5 * _sine(620) * np.exp(-TIME)) * np.exp(-TIME),
    "piano": lambda: _notes(MELODY, 0.4, 3.0, 6),
    "speech": lambda: _speech(1),
    "speech of another": lambda: _speech(2),
    "speech with noise": lambda: _speech(3) / 3 + 0.02 * _noise(3),
    "plucked bass line": lambda: _line(BASS, 0.25, _plucked_sine),
    "plucked bass line in 16ths": lambda: _line(BASS, 0.125, _plucked_sine),
    "slow bass line": lambda: _line(BASS, 0.5, _plucked_sine),
    "bass guitar": lambda: _line(BASS, 0.25, _picked),
    "walking bass": lambda: _line(WALK, 0.4, _string),
    "guitar": lambda: _line(RIFF, 0.2, _string),
    "guitar of sines": lambda: _line(RIFF, 0.3, _plucked_sine),
    "electric piano": lambda: _line(RIFF, 0.25, _electric_piano),
    "piano in 16ths": lambda: _notes(MELODY * 3, 0.13, 5.0, 8),
    "bass with noise": lambda: _line(WALK, 0.3, _picked) + 0.005 * _noise(4),
    "metronome": lambda: _metronome(1000.0),
    "metronome with an accent": lambda: _metronome(1600.0, 800.0, 800.0, 800.0),
    "silence": lambda: np.zeros(len(TIME)),
}


@pytest.mark.parametrize("name", MADE)
def test_what_is_no_drums_gives_no_groove(name: str) -> None:
    wave = MADE[name]()
    sound = (0.5 * wave / max(float(np.abs(wave).max()), 1e-9)).astype(np.float32)
    assert not recording.of_blocks([sound], name).is_drums


@pytest.mark.parametrize("kit", ["house", "acoustic", "808"])
def test_of_twenty_drum_loops_none_is_refused_and_none_loses_its_first_stroke(kit: str) -> None:
    rate = {"house": 1.0, "acoustic": 0.85, "808": 1.2}[kit]
    loops = [example(name).at_rate(rate) for name in EXAMPLES]
    sounds = [render(loop, loop=True, kit=kit) for loop in loops]
    found = [recording.of_blocks(resampled([sound], SAMPLE_RATE), "loop") for sound in sounds]
    refused = [loop.title for loop, each in zip(loops, found, strict=True) if not each.is_drums]
    assert refused == []
    # A loop begins with a stroke at its first sample, of whose quiet before nothing is heard.
    first = [float(each.strokes().seconds[0]) for each in found]
    assert np.abs(np.array(first) - [float(loop.onset_seconds[0]) for loop in loops]).max() < 0.02
