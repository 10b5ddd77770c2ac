"""The rules on grooves that benchmarks draw, and how the benchmark counts."""

from __future__ import annotations

import numpy as np
import pytest
from grooves import random_groove

from benchmarks.built import RULES, known_levels, known_timing
from benchmarks.describe import in_meter, without_meter, written_at
from benchmarks.form import boundary_f1, joined
from rhythmvae.analysis.elements import levels
from rhythmvae.analysis.rhythm import drum_timing, swing_ratio
from rhythmvae.analysis.timing import timing
from rhythmvae.data.examples import example
from rhythmvae.midi.write import write_midi


@pytest.mark.parametrize("name", RULES)
def test_a_rule_holds_where_it_should(name: str) -> None:
    having, lacking, holds = RULES[name]
    rng = np.random.default_rng(1)
    assert [holds(having(rng)) for _ in range(8)] == [True] * 8
    assert [holds(lacking(rng)) for _ in range(8)] == [False] * 8


def test_known_values_come_back() -> None:
    rng = np.random.default_rng(2)
    for _ in range(12):
        groove, share, late = known_timing(rng)
        found = timing(groove)
        assert swing_ratio(found) == pytest.approx(share / (1 - share), rel=0.01)
        said = drum_timing(found)
        assert all(abs(said[voice]["offset_ms"] - ms) < 1 for voice, ms in late.items())
        played, level = known_levels(rng)
        assert (levels(played) == level).mean() > 0.98


def test_boundaries_are_matched_once_and_within_a_bar() -> None:
    assert boundary_f1([([4, 8], [4, 8])]) == 1
    assert boundary_f1([([5, 9], [4, 8])]) == 1
    assert boundary_f1([([6], [4, 8])]) == 0
    assert boundary_f1([([4], [4, 5])]) == pytest.approx(2 / 3)


def test_what_is_judged_is_made_as_it_says() -> None:
    song, seams = joined([example("funk"), example("rock")], np.random.default_rng(0), True)
    assert song.n_steps == 16 * song.n_bars
    assert all(0 < seam < song.n_bars for seam in seams)
    waltz = in_meter(example("rock").bars(1, 1), "3/4", 4)
    assert (str(waltz.meters[0]), waltz.n_bars) == ("3/4", 4)
    assert str(without_meter(write_midi(waltz)).meters[0]) != "3/4"
    funk = example("funk")
    assert np.allclose(written_at(funk, 2.0).onset_seconds, funk.onset_seconds)
    assert written_at(random_groove(0), 0.5).tempos[0].bpm == 60
