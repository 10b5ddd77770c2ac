"""Taps on a table are found where they are, however loud the room is; nothing else is one."""

from __future__ import annotations

import numpy as np
import pytest
from tapping import table

from rhythmvae.audio.hits import RATE
from rhythmvae.audio.taps import taps_in, trimmed
from rhythmvae.groove import FloatArray

RHYTHM = np.array([0.0, 0.5, 0.75, 1.0, 1.5, 2.0, 2.25, 3.0])


@pytest.mark.parametrize("room", [0.0, 0.002, 0.01])
@pytest.mark.parametrize("level", [0.9, 0.1])
def test_taps_are_where_they_were(room: float, level: float) -> None:
    found = taps_in([table(0.4 + RHYTHM, 4.0, level, room * level)])
    assert len(found) == len(RHYTHM)
    assert np.abs(found.seconds - 0.4 - RHYTHM).max() < 0.003


def test_louder_taps_have_more_velocity() -> None:
    soft, loud = table(np.array([0.5]), 1.0, 0.05), table(np.array([0.5]), 1.0, 0.8)
    found = taps_in([soft, loud])
    assert found.velocity[0] < found.velocity[1] == 127


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(RATE, dtype=np.float32),
        np.zeros(0, dtype=np.float32),
        np.zeros(10, dtype=np.float32),
        np.random.default_rng(2).normal(0, 0.1, 3 * RATE).astype(np.float32),
        (0.3 * np.sin(np.arange(3 * RATE) * 0.05)).astype(np.float32),
    ],
    ids=["silence", "nothing", "next to nothing", "noise", "hum"],
)
def test_what_has_no_taps_has_none(sound: FloatArray) -> None:
    assert len(taps_in([sound])) == 0


def test_of_one_tap_the_rhythm_is_one_tap() -> None:
    assert len(trimmed(taps_in([table(np.array([0.2]), 1.0)]))) == 1
    assert len(trimmed(taps_in([]))) == 0
