"""Swing and timing of patterns rendered with known values, and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest
from grooves import groove

from rhythmvae.analysis.rhythm import (
    drift_percent,
    drum_timing,
    intervals,
    subdivision,
    swing_percent,
    swing_ratio,
)
from rhythmvae.analysis.timing import timing
from rhythmvae.data.examples import EXAMPLES
from rhythmvae.groove import Meter, Tempo

LATE_MS = {"kick": 4.0, "snare": 9.0, "closed_hat": -6.0}
STEPS_PER_MS = 0.008  # at 120 BPM


def swung(share: float, unit: int, late: dict[str, float] | None = None, loose_ms: float = 0.0, n_bars: int = 4):
    """Rock with hats in eighths (unit 2) or 16ths (unit 1), the second of each pair at `share`."""
    rng = np.random.default_rng(0)
    hats = [("closed_hat", s) for s in np.arange(0, 16, unit)]
    rest = [("kick", 0), ("kick", 6), ("kick", 10), ("snare", 4), ("snare", 12)]
    if unit == 1:
        rest += [("snare", 7), ("kick", 11)]
    hits = []
    for bar in range(n_bars):
        for voice, step in hats + rest:
            pair, phase = divmod(step / (2 * unit), 1.0)
            place = 2 * unit * (pair + (phase if phase == 0 else share))
            ms = (late or {}).get(voice, 0.0) + rng.normal() * loose_ms
            hits.append((max(0.0, 16 * bar + place + ms * STEPS_PER_MS), voice))
    return groove(*hits, n_steps=16 * n_bars)


@pytest.mark.parametrize("unit", [1, 2])
@pytest.mark.parametrize("share", [0.5, 0.54, 0.58, 0.62, 2 / 3, 0.7])
def test_swing_is_that_of_the_pattern_and_each_drum_as_late(share: float, unit: int) -> None:
    found = timing(swung(share, unit, LATE_MS))
    assert swing_ratio(found) == pytest.approx(share / (1 - share), rel=0.01)
    assert swing_percent(found) == pytest.approx(100 * share, rel=0.01)
    assert subdivision(found) == ("swung" if share > 0.53 else "straight")
    if share > 0.53:
        assert found.swing_steps == unit
    for voice, ms in LATE_MS.items():
        assert drum_timing(found)[voice]["offset_ms"] == pytest.approx(ms, abs=1.0)


def test_playing_that_is_loose_hides_little() -> None:
    found = timing(swung(0.6, 2, LATE_MS, loose_ms=5.0, n_bars=16))
    assert swing_percent(found) == pytest.approx(60, rel=0.01)
    assert drum_timing(found)["snare"]["offset_ms"] == pytest.approx(9, abs=1.5)
    assert drum_timing(found)["snare"]["spread_ms"] == pytest.approx(5, abs=1.0)


@pytest.mark.parametrize("key", [key for key, p in EXAMPLES.items() if p.swing_steps])
def test_swing_of_the_built_in_patterns(key: str) -> None:
    pattern = EXAMPLES[key]
    found = timing(pattern.groove())
    assert found.swing_steps == pattern.swing_steps / 2
    assert swing_percent(found) == pytest.approx(100 * pattern.swing_share, rel=0.015)  # loose, and few hits


@pytest.mark.parametrize(
    ("key", "expected"),
    [("rock", "straight"), ("shuffle", "swung"), ("half_time_shuffle", "triplet"), ("blues", "triplet")],
)
def test_subdivision_of_built_in_patterns(key: str, expected: str) -> None:
    assert subdivision(timing(EXAMPLES[key].groove())) == expected


def beats(*pulses: int):
    """A hat that divides each quarter note in so many."""
    hits = [(4 * i + 4 * k / n, "closed_hat") for i, n in enumerate(pulses) for k in range(n)]
    return groove(*hits, n_steps=4 * len(pulses))


def test_pulses_in_three_are_triplets_and_some_of_them_are_mixed() -> None:
    assert subdivision(timing(beats(*[3] * 8))) == "triplet"
    assert subdivision(timing(beats(3, 4, 3, 4, 4, 4, 2, 2))) == "mixed"
    assert subdivision(timing(beats(*[4] * 15, 3))) == "straight"
    assert subdivision(timing(beats(*[6] * 8))) == "triplet"
    assert subdivision(timing(beats(*[8] * 8))) == "straight"
    assert subdivision(timing(beats(*[1] * 8))) is None


def test_a_triplet_is_on_its_grid() -> None:
    found = timing(beats(3, 4, 6, 8))
    assert np.abs(found.offset_ms).max() < 1e-6
    assert sorted(set(found.kind.tolist())) == [3, 4, 6, 8]


def test_a_hit_before_the_bar_line_belongs_to_the_next_bar() -> None:
    found = timing(groove((0, "kick"), (15.8, "snare"), (16, "kick"), (31.9, "kick")))
    assert found.bar.tolist() == [0, 1, 1, 0]
    assert found.line.tolist() == [0, 16, 16, 0]
    assert found.offset_ms == pytest.approx([0, -25, 0, -12.5])


def test_meters_that_change_keep_their_own_pulses() -> None:
    meters = (Meter(0.0, 4, 4), Meter(16.0, 6, 8), Meter(28.0, 7, 8))
    hits = [(s, "closed_hat") for s in (*range(0, 16, 2), *range(16, 28, 2), *range(28, 42, 2))]
    found = timing(groove(*hits, n_steps=42, meters=meters))
    assert found.bar.tolist() == [0] * 8 + [1] * 6 + [2] * 7
    assert np.abs(found.deviation).max() == 0


def test_nothing_that_swings_is_none() -> None:
    assert swing_ratio(timing(beats(1, 1, 1, 1))) is None
    for hits, expected in (((), None), (((5, "snare"),), "straight")):
        found = timing(groove(*hits))
        assert subdivision(found) == expected
        assert drift_percent(found) is None


def test_intervals_are_counted_as_notes() -> None:
    straight = groove(*((s, "closed_hat") for s in range(0, 32, 2)), (0.1, "kick"))
    assert intervals(straight) == [[2.0, 15]]
    assert intervals(beats(3, 3)) == [[1.333, 5]]
    assert intervals(groove()) == []


def test_drift_is_the_change_between_the_halves() -> None:
    hits = [(s, "kick") for s in range(0, 128, 4)]
    assert drift_percent(timing(groove(*hits, n_steps=128))) == pytest.approx(0, abs=1e-9)
    faster = groove(*hits, n_steps=128, tempos=(Tempo(0.0, 100.0), Tempo(64.0, 103.0)))
    assert drift_percent(timing(faster)) == pytest.approx(3.0, abs=0.3)


def test_a_drum_has_its_timing_at_each_position() -> None:
    found = drum_timing(timing(swung(0.5, 2, LATE_MS)))
    assert found["snare"]["positions"] == [[4.0, 9.0, 4], [12.0, 9.0, 4]]
    assert "ride" not in found


def test_a_push_may_lie_before_the_first_step() -> None:
    found = drum_timing(timing(groove((0, "ride"), (15.5, "kick"), n_steps=16)))
    assert found["kick"]["positions"] == [[-0.5, 0.0, 1]]
    assert set(found) == {"kick", "ride"}


def test_drums_that_are_far_apart_at_speed_swing_alike() -> None:
    """At 170 BPM, 15 ms are 0.17 of a 16th."""
    fast = swung(0.58, 1, {"kick": 21.0, "closed_hat": -21.0})  # as 15 ms are there
    assert swing_percent(timing(fast)) == pytest.approx(58, rel=0.01)
