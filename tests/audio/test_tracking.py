"""Beats of takes that leave their tempo."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rhythmvae.audio.hits import Heard
from rhythmvae.audio.tracking import tracked
from rhythmvae.data.examples import example
from rhythmvae.groove import FloatArray, Tempo


def wandering(name: str, bpm: float, times: int, share: float) -> tuple[Heard, FloatArray]:
    """A loop again and again by a player who leaves the tempo by so much, to and fro; and where its beats are."""
    groove = replace(example(name).looped(times), tempos=(Tempo(0.0, bpm),))
    end = groove.duration_seconds

    def moved(seconds: FloatArray) -> FloatArray:
        return np.asarray(seconds + share * end / 9 * np.sin(9 * seconds / end) + 1.0)

    seconds = moved(groove.onset_seconds)
    beats = moved(np.arange(0, groove.n_steps, 4) * groove.tempos[0].seconds_per_step)
    n = len(seconds)
    return Heard(seconds, groove.voice, groove.velocity, np.full(n, 0.9), 1.0, end + 2.0), beats


@pytest.mark.parametrize(("name", "bpm"), [("rock", 104.0), ("funk", 88.0), ("motown", 141.0)])
@pytest.mark.parametrize("off", [0.96, 1.0, 1.05])
def test_beats_follow_the_player(name: str, bpm: float, off: float) -> None:
    own, beats = wandering(name, bpm, 12, 0.03)
    found = tracked(own, 60 / bpm * off)
    away = np.abs(beats[:, None] - found[None]).min(1)
    assert np.mean(away < 0.03) > 0.95
    assert abs(len(found) - len(beats)) <= 6  # silence before and behind has beats as well, or none
    assert (np.diff(found) > 0).all()


def test_one_hit_has_a_beat() -> None:
    own = Heard(np.array([0.7]), np.array([0]), np.array([100]), np.array([0.9]), 1.0, 1.5)
    found = tracked(own, 0.5)
    assert len(found) >= 1
    assert np.isfinite(found).all()
