"""Tempo as felt and meter, by the hits alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from grooves import groove

from benchmarks.describe import written_at
from rhythmvae.analysis.many import Many
from rhythmvae.analysis.pulse import felt_bpm, fits_grid, heard_meter
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.groove import Groove, Meter


@pytest.mark.parametrize("key", ["funk", "rock", "disco", "house", "motown", "breakbeat", "shuffle"])
@pytest.mark.parametrize("rate", [0.5, 1.0, 2.0])
def test_the_octave_is_heard_whatever_is_written(key: str, rate: float) -> None:
    assert felt_bpm(written_at(example(key), rate)) == pytest.approx(EXAMPLES[key].tempo_bpm)


@pytest.mark.parametrize("key", ["funk", "rock"])
def test_a_file_that_says_nothing_of_beats_has_its_tempo(key: str) -> None:
    """The sound as a recording has it, in a file of 120 BPM."""
    bare = written_at(example(key), 120 / EXAMPLES[key].tempo_bpm)
    assert not fits_grid(Many([bare])).any()
    assert fits_grid(Many([example(key)])).all()
    assert felt_bpm(bare) == pytest.approx(EXAMPLES[key].tempo_bpm, rel=0.02)


def test_too_little_has_no_tempo() -> None:
    assert felt_bpm(groove()) is None
    assert felt_bpm(groove((4, "kick"))) is None
    assert felt_bpm(groove((4, "kick"), (4, "snare"))) is None


def without_meter(played: Groove) -> Groove:
    return replace(played, meters=(Meter(0.0, 4, 4),))


@pytest.mark.parametrize("key", [key for key in EXAMPLES if key not in ("ballad", "blues")])
def test_meter_of_the_built_in_patterns(key: str) -> None:
    pattern = EXAMPLES[key]
    expected = (4, 4) if pattern.numerator == 2 else (pattern.numerator, pattern.denominator)
    found = heard_meter(without_meter(pattern.groove()))
    assert found is not None
    assert (found.numerator, found.denominator) == expected


def test_meter_in_three_eighths() -> None:
    for key in ("ballad", "blues"):
        assert str(heard_meter(without_meter(example(key)))) == "6/8"


@pytest.mark.parametrize(
    ("kick", "snare", "n", "expected"),
    [
        ((0, 7), (4, 8), 12, "3/4"),
        ((0, 4), (6,), 12, "6/8"),
        ((0, 8), (4, 10), 14, "7/8"),
        ((0, 10), (4, 12), 16, "4/4"),
        ((0, 8, 10), (4, 16), 20, "5/4"),
    ],
)
def test_a_bar_that_comes_again_is_the_meter(kick, snare, n: int, expected: str) -> None:
    bar = [(s, "kick") for s in kick] + [(s, "snare") for s in snare] + [(s, "closed_hat") for s in range(0, n, 2)]
    for times in (1, 2, 4):
        hits = [(s + n * k, v) for k in range(times) for s, v in bar]
        assert str(heard_meter(groove(*hits, n_steps=times * n))) == expected, times


def test_silence_has_no_meter_and_one_hit_is_in_four() -> None:
    assert heard_meter(groove()) is None
    assert str(heard_meter(groove((4, "kick")))) == "4/4"
