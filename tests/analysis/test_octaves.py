"""Which octave of a tempo is felt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rhythmvae.analysis import octaves
from rhythmvae.analysis.octaves import LENGTHS, N_NUMBERS, Played
from rhythmvae.analysis.pulse import felt_bpm
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.groove import Groove, Tempo


def played(*grooves: Groove) -> Played:
    beat = octaves.usual(np.array([60 / groove.tempos[0].bpm for groove in grooves]))
    return Played(
        np.repeat(np.arange(len(grooves)), [len(groove) for groove in grooves]),
        np.concatenate([groove.onset_seconds for groove in grooves]),
        np.concatenate([groove.voice for groove in grooves]),
        np.sqrt(np.concatenate([groove.velocity for groove in grooves]) / 127),
        beat,
        np.zeros(len(grooves)),
        np.array([groove.duration_seconds for groove in grooves]),
    )


def test_grooves_are_asked_together_as_one_by_one() -> None:
    grooves = [example(name) for name in EXAMPLES]
    together = octaves.votes(played(*grooves))
    assert together.shape == (len(grooves), len(LENGTHS))
    assert np.allclose(together.sum(1), 1)
    for groove, own in zip(grooves, together, strict=True):
        assert octaves.votes(played(groove))[0].tolist() == own.tolist()


def test_the_numbers_are_those_that_the_trees_were_shown() -> None:
    groove = example("funk")
    found = octaves.numbers(played(groove, groove.looped(3)))
    assert found.shape == (2, N_NUMBERS)
    assert np.allclose(found[0], found[1], atol=1e-5)  # however often it goes round


def test_numbers_know_what_falls_where() -> None:
    """Kick on one and three, snare on two and four, hats in eighths, at 120 BPM, twice."""
    position = np.concatenate([[0, 8], [4, 12], np.arange(0, 16, 2)]).astype(np.float64)
    voice = np.array([0, 0, 1, 1] + [2] * 8)
    bar = Groove(position, voice, np.full(12, 127), 16, (Tempo(0.0, 120.0),)).looped(2)
    [found] = octaves.numbers(played(bar))
    first_share = N_NUMBERS - 3 - len(octaves._SHARES)
    assert found[0] == pytest.approx(np.log2(120 / 105))
    assert found[1:4].tolist() == pytest.approx([2.0, 2.0, 8.0])  # strokes of kick, snare and hats a bar
    assert found[first_share] == pytest.approx(1.0, abs=1e-3)  # of the snare's, those on the backbeats
    assert found[first_share + 5] == pytest.approx(0.5, abs=1e-3)  # of the kick's, those on the one


@pytest.mark.parametrize("name", ["rock", "funk", "house"])
@pytest.mark.parametrize("rate", [0.5, 1.0, 2.0])
def test_a_file_that_is_written_at_half_or_twice_is_felt_the_same(name: str, rate: float) -> None:
    groove = example(name).looped(2)
    bpm = groove.tempos[0].bpm
    n_steps = max(round(groove.n_steps * rate), 1)
    other = replace(groove, position=groove.position * rate, n_steps=n_steps, tempos=(Tempo(0.0, bpm * rate),))
    assert felt_bpm(other) == pytest.approx(bpm, rel=1e-6)
