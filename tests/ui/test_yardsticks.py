"""What figures are compared with: the kit, the grid, and the recorded figures."""

from __future__ import annotations

import math

import pytest
from grooves import groove

from rhythmvae.analysis import metrics
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.sound.synth import amplitude
from rhythmvae.ui.parts import card, yardsticks


def test_what_an_ear_notices_is_a_decibel_in_the_decks_kit() -> None:
    louder = 20 * math.log10(amplitude(75 + yardsticks.EAR_VELOCITY) / amplitude(75))
    assert louder == pytest.approx(yardsticks.EAR_DB, abs=0.1)


def test_quantized_is_on_the_grid_at_one_loudness_a_drum() -> None:
    played = groove((0.2, "kick", 80), (4.4, "snare", 90), (7.8, "kick", 100), (31.7, "snare", 50))
    flat = yardsticks.quantized(played)
    assert sorted(zip(flat.position.tolist(), flat.voice.tolist(), flat.velocity.tolist(), strict=True)) == [
        (0.0, 0, 90),
        (0.0, 1, 70),  # pushed: the one of the next round
        (4.0, 1, 70),
        (8.0, 0, 90),
    ]


@pytest.mark.parametrize("key", EXAMPLES)
def test_what_is_on_the_grid_already_is_moved_by_nothing(key: str) -> None:
    flat = yardsticks.quantized(example(key))
    assert metrics.score(flat, yardsticks.quantized(flat)).timing_mae_ms == 0


def test_the_baselines_figures_are_the_recorded_ones_and_worse_than_ours() -> None:
    plain, ours = yardsticks.baseline(), yardsticks.ours()
    assert set(card.COLUMNS.values()) <= plain.keys()
    assert plain["F1 50 ms"] < ours["F1 50 ms"]
    assert plain["Timing ms"] > ours["Timing ms"]


def test_a_figure_of_the_card_that_has_a_yardstick_is_one_of_the_cards() -> None:
    assert card.COLUMNS.keys() <= {name for name, *_ in card.FIGURES}


def test_what_is_said_of_tones_is_what_was_measured() -> None:
    """dI/I = 0.463 (I/I0)^-0.072, as the manual of Praat quotes it (phonToDifferenceLimens)."""
    noticed = {db: 10 * math.log10(1 + 0.463 * 10 ** (-0.072 * db / 10)) for db in (20, 60, 80)}
    assert {db: round(change, 1) for db, change in noticed.items()} == {20: 1.2, 60: 0.7, 80: 0.5}
    assert noticed[80] < yardsticks.EAR_DB < noticed[20]
    assert all(f"{change:.1f} dB" in yardsticks.SOURCES[1] for change in noticed.values())
