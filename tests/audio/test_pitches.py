"""Strokes as a line of notes, or not."""

from __future__ import annotations

import numpy as np
import pytest

from rhythmvae.audio.hits import RATE, Heard
from rhythmvae.audio.pitches import Pitches
from rhythmvae.groove import FloatArray
from rhythmvae.kit import VOICE_INDEX

TIME = np.arange(4 * RATE) / RATE
NOTES = (40.0, 60.0, 90.0, 50.0, 75.0, 110.0, 67.0, 82.0)


def notes(hertz: tuple[float, ...]) -> FloatArray:
    """Eight plucked tones, one every half a second."""
    hz = np.array(hertz)[(TIME / 0.5).astype(int)]
    return (0.5 * np.exp(-6 * (TIME % 0.5)) * np.sin(2 * np.pi * hz * (TIME % 0.5))).astype(np.float32)


def strokes(voice: str = "kick", metal: int = 0) -> Heard:
    """One on each tone, the first few of them on a hat."""
    voices = np.array([VOICE_INDEX["closed_hat"]] * metal + [VOICE_INDEX[voice]] * (8 - metal))
    return Heard(np.arange(8) / 2, voices, np.full(8, 90), np.full(8, 0.9), 0.9, 4.0)


def doubt(sound: FloatArray, own: Heard, sizes: int = len(TIME)) -> float:
    pitches = Pitches()
    assert sum(len(block) for block in pitches.of(sound[at : at + sizes] for at in range(0, len(sound), sizes)))
    return pitches.doubt(own)


def test_a_line_of_notes_is_doubted_by_how_many_there_are() -> None:
    assert doubt(notes(NOTES), strokes()) == pytest.approx(2.5 * 3, abs=0.05)  # eight pitches: three bits
    assert doubt(notes((50.0, 75.0) * 4), strokes()) == pytest.approx(2.5, abs=0.05)
    assert doubt(notes((50.0,) * 8), strokes()) == 0.0  # a kick


def test_what_is_bright_no_tone_or_struck_on_metal_is_not() -> None:
    noise = np.random.default_rng(0).standard_normal(len(TIME)) * np.exp(-6 * (TIME % 0.5))
    assert doubt(notes(NOTES) + (0.3 * noise).astype(np.float32), strokes()) == 0.0
    assert doubt(notes(NOTES), strokes(metal=1)) == 0.0
    dull = np.convolve(noise, np.ones(40) / 40, "same").astype(np.float32)
    assert doubt(dull, strokes("snare")) == 0.0


def test_blocks_of_any_length_say_the_same() -> None:
    whole = doubt(notes(NOTES), strokes())
    for sizes in (100, 5_000, 70_001):
        assert doubt(notes(NOTES), strokes(), sizes) == pytest.approx(whole, abs=1e-4)


def test_silence_and_no_strokes_say_nothing() -> None:
    none = Heard(np.zeros(0), np.zeros(0, int), np.zeros(0, int), np.zeros(0), 0.0, 4.0)
    assert doubt(notes(NOTES), none) == 0.0
    assert doubt(np.zeros(len(TIME), np.float32), strokes()) == 0.0
