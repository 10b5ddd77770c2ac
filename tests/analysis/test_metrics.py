"""Scores against truths that need no computer, and the matching against a slow twin."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from grooves import groove, random_groove
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from work import PROPORTION, growth, peak_bytes

from rhythmvae.analysis import metrics
from rhythmvae.analysis.metrics import Score, late_ms, match, match_onsets, score
from rhythmvae.groove import Groove, Tempo
from rhythmvae.kit import N_VOICES

onsets = st.lists(st.integers(0, 400), max_size=14).map(lambda ms: np.sort(np.array(ms, dtype=float)) / 1000)


def best_by_assignment(reference: np.ndarray, estimate: np.ndarray, tolerance: float) -> tuple[int, float]:
    """Most pairs, then least total distance, by the Hungarian method."""
    distance = np.abs(np.subtract.outer(reference, estimate))
    inside = distance <= tolerance + 1e-9
    gain = np.where(inside, 1000.0 - distance, 0.0)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    kept = inside[rows, columns]
    return int(kept.sum()), float(distance[rows, columns][kept].sum())


@settings(derandomize=True, deadline=None, max_examples=300)
@given(onsets, onsets, st.sampled_from([0.025, 0.05]))
def test_matching_is_the_best_assignment(reference, estimate, tolerance):
    pairs = match_onsets(reference, estimate, tolerance)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    distances = [abs(reference[i] - estimate[j]) for i, j in pairs]
    assert all(d <= tolerance + 1e-9 for d in distances)
    n, total = best_by_assignment(reference, estimate, tolerance)
    assert len(pairs) == n
    assert sum(distances) == pytest.approx(total, abs=1e-9)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(onsets, onsets)
def test_first_fit_finds_as_many_pairs(reference, estimate):
    assert len(metrics._first_fit(reference, estimate, 0.05 + 1e-9)) == len(match_onsets(reference, estimate, 0.05))


def test_a_roll_of_two_thousand_strokes_is_matched_row_by_row():
    """All may meet all, so numpy takes a row at a time: a loop over pairs in Python would take minutes."""

    def roll(n: int) -> Callable[[], object]:
        reference = np.arange(n) * 0.01
        return lambda: match_onsets(reference, reference + 0.004, 0.05)

    assert roll(2_000)() == [(i, i) for i in range(2_000)]
    assert growth(roll, 100) < PROPORTION


def test_a_cluster_no_drummer_plays_takes_neither_minutes_nor_memory():
    def crowd(n: int) -> Callable[[], object]:
        onsets = np.linspace(0.0, 1.0, n)
        return lambda: match_onsets(onsets, onsets, 0.05)

    assert peak_bytes(crowd(6_000)) < 8 * metrics.MAX_ALIGNED_CELLS  # 288 MB if all met all
    assert len(crowd(60_000)()) == 60_000
    assert growth(crowd, 5_000) < PROPORTION


@pytest.mark.parametrize("seed", range(3))
def test_a_groove_against_itself_is_perfect(seed):
    own = random_groove(seed)
    figures = score(own, own).to_dict()
    assert (
        figures["precision"] == figures["recall"] == figures["f1"] == figures["f1_25ms"] == figures["exact_rate"] == 1
    )
    assert figures["timing_mae_ms"] == figures["velocity_mae"] == 0


def test_against_silence():
    played, silent = groove((0, "kick"), (8, "snare")), groove()
    missed = score(played, silent)
    assert (missed.recall, missed.precision, missed.f1, missed.exact_rate) == (0, 0, 0, 0)
    assert missed.timing_mae_ms is None
    assert missed.velocity_mae is None
    invented = score(silent, played)
    assert (invented.recall, invented.precision, invented.f1) == (0, 0, 0)
    assert invented.to_dict()["ghost_share"] is None
    both = score(silent, silent)
    assert (both.recall, both.precision, both.f1, both.exact_rate) == (1, 1, 1, 1)
    assert both.f1_by_voice["kick"] is None


def test_tolerances_include_their_edges():
    ms = 120 / 60 * 4 / 1000  # steps a millisecond at 120 BPM
    reference = groove((4, "kick"))

    def matched(late_ms: float) -> tuple[int, int]:
        result = score(reference, groove((4 + late_ms * ms, "kick")))
        return int(result.matched.sum()), int(result.matched_strict.sum())

    assert [matched(late) for late in (25, 26, 50, 51)] == [(1, 1), (1, 0), (1, 0), (0, 0)]
    assert [matched(-late) for late in (25, 26, 50, 51)] == [(1, 1), (1, 0), (1, 0), (0, 0)]


def test_voices_do_not_answer_each_other():
    result = score(groove((0, "kick"), (4, "snare")), groove((0, "kick"), (4, "ride")))
    assert result.f1_by_voice["kick"] == 1
    assert result.f1_by_voice["snare"] == result.f1_by_voice["ride"] == 0
    assert result.f1_by_voice["crash"] is None
    assert result.f1 == 0.5
    matching = match(groove((0, "kick"), (4, "snare")), groove((0, "kick"), (4, "ride")))
    assert (matching.pairs.tolist(), matching.missed.tolist(), matching.added.tolist()) == ([[0, 0]], [1], [1])


def test_errors_are_means_over_matched_hits_in_ms_and_midi_units():
    # A step lasts 125 ms at 120 BPM.
    result = score(groove((0, "kick", 100), (8, "snare", 60)), groove((0.08, "kick", 90), (8, "snare", 64)))
    assert result.timing_mae_ms == pytest.approx(5.0)
    assert result.velocity_mae == 7.0
    assert result.exact_rate == 1


def test_lateness_has_a_sign_and_the_order_of_the_pairs():
    # A step lasts 125 ms at 120 BPM.
    reference = groove((0, "kick"), (4, "snare"), (8, "kick"), (12, "ride"))
    estimate = groove((0.08, "kick"), (7.84, "kick"), (10, "crash"), (12, "ride"))
    matching = match(reference, estimate)
    late = late_ms(reference, estimate, matching)
    by_step = dict(zip(reference.step[matching.pairs[:, 0]].tolist(), late.tolist(), strict=True))
    assert by_step == {0: pytest.approx(10.0), 8: pytest.approx(-20.0), 12: 0.0}
    assert late_ms(estimate, reference, match(estimate, reference)).sum() == pytest.approx(-late.sum())


def test_lateness_is_measured_with_the_references_clock_and_clipped_to_the_start():
    slow, other_clock = groove((16, "kick"), tempos=(Tempo(0, 60.0),)), groove((16.1, "kick"))
    assert late_ms(slow, other_clock, match(slow, other_clock)).tolist() == pytest.approx([25.0])
    early, on = groove((-0.4, "kick")), groove((0, "kick"))
    assert late_ms(early, on, match(early, on)).tolist() == [0.0]
    assert late_ms(on, groove(), match(on, groove())).shape == (0,)


@pytest.mark.parametrize("seed", range(3))
def test_lateness_is_what_the_timing_error_averages(seed):
    reference, estimate = random_groove(seed, n_hits=200), random_groove(seed + 10, n_hits=200)
    late = late_ms(reference, estimate, match(reference, estimate))
    assert np.abs(late).max() <= 50 + 1e-6
    assert np.abs(late).mean() == pytest.approx(score(reference, estimate).timing_mae_ms)


def test_ghost_notes_are_counted_on_both_sides():
    reference = groove((0, "snare", 39), (4, "snare", 20), (8, "snare", 40), (12, "snare", 100))
    figures = score(reference, groove((0, "snare", 100), (8, "snare", 10))).to_dict()
    assert figures["ghost_recall"] == 0.5
    assert figures["ghost_share"] == 0.5
    assert figures["ghost_share_out"] == 0.5


def test_time_is_the_references():
    slow = groove((16, "kick"), tempos=(Tempo(0, 60.0), Tempo(8, 30.0)))
    other_clock = groove((16.1, "kick"), tempos=(Tempo(0, 240.0),))
    assert score(slow, other_clock).timing_mae_ms == pytest.approx(50.0)  # a step lasts 500 ms there
    assert score(other_clock, slow).timing_mae_ms == pytest.approx(6.25)


def test_hits_before_the_start_are_judged_where_a_file_holds_them():
    assert score(groove((-0.4, "kick")), groove((0, "kick"))).timing_mae_ms == 0


def test_totals_add_up_hit_by_hit():
    pairs = [(random_groove(seed), random_groove(seed + 10)) for seed in range(4)]
    scores = [score(*pair) for pair in pairs]
    total = Score.total(scores)
    assert total.n_grooves == 4
    for name in ("n_reference", "n_estimate", "matched", "matched_strict"):
        assert np.array_equal(getattr(total, name), np.sum([getattr(s, name) for s in scores], axis=0))
    assert total.timing_ms_sum == pytest.approx(sum(s.timing_ms_sum for s in scores))
    assert total.f1 == 2 * total.matched.sum() / (total.n_reference.sum() + total.n_estimate.sum())
    with pytest.raises(ValueError, match="no scores"):
        Score.total([])


def test_hits_a_grid_cannot_hold_count_against_the_estimate():
    crowded = groove((0, "snare"), (0.1, "snare"), (0.2, "snare"))
    assert score(crowded, groove((0, "snare"), (0.1, "snare"))).recall == pytest.approx(2 / 3)


def test_per_voice_counts_have_a_place_for_every_voice():
    empty = Groove.silent(16, groove().tempos, groove().meters)
    assert score(empty, empty).n_reference.shape == (N_VOICES,)
