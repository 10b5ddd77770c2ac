"""What a VAE must beat, held to its formulas."""

from __future__ import annotations

import numpy as np
import pytest
from grooves import groove, random_groove

from rhythmvae.analysis.metrics import score
from rhythmvae.data.windows import windows_of
from rhythmvae.evaluation.baselines import BASELINES, THRESHOLDS, Baseline, _best_threshold
from rhythmvae.groove import HIT, N_FEATURES, TWO_LOUDEST, VELOCITY, WINDOW_STEPS, Meter
from rhythmvae.kit import N_VOICES

BY_NAME = {baseline.name: baseline for baseline in BASELINES}
GROOVES = [random_groove(seed, 64, 60) for seed in range(8)]
CHANNELS = N_VOICES * TWO_LOUDEST.n * N_FEATURES


def windows(*grooves):
    cut = windows_of(grooves)
    return cut.gather(np.arange(len(cut)))[0]


@pytest.mark.parametrize("name", [name for name in BY_NAME if name != "PCA"])
@pytest.mark.parametrize("allowed", [1, 32, 128, 1024])
def test_no_baseline_takes_more_numbers_than_allowed(name, allowed):
    x = windows(*GROOVES)
    summary = BY_NAME[name].make(x, allowed)(x)
    assert summary.shape[0] == len(x)
    assert summary.shape[1] <= allowed
    assert np.isfinite(summary).all()
    assert (summary.shape[1] == 0) == (name == "per-step mean")


def test_pca_keeps_what_it_has_numbers_for():
    enough = BY_NAME["PCA"].fit(GROOVES, 128)
    assert enough.n_dimensions == 16  # sixteen windows span no more
    for own in GROOVES:
        assert score(own, enough.reconstruct(own)).f1 > 0.99
    x = windows(*GROOVES)
    assert np.abs(enough.decode(x) - x).max() < 0.1
    few = BY_NAME["PCA"].make(x, 2)(x)
    assert few.shape == (16, 2)
    assert few[:, 0].var() >= few[:, 1].var()  # the leading component first


def test_mean_pooling_is_the_mean_of_each_half():
    x = windows(GROOVES[0])
    summary = BY_NAME["mean pooling"].make(x, 128)(x)
    flat = x.reshape(len(x), WINDOW_STEPS, CHANNELS)
    assert np.allclose(summary, np.concatenate([flat[:, :16].mean(1), flat[:, 16:].mean(1)], axis=1), atol=1e-5)


def test_standard_deviation_pooling_is_that_of_each_half():
    x = windows(GROOVES[0])
    summary = BY_NAME["standard-deviation pooling"].make(x, 128)(x)
    flat = x.reshape(len(x), WINDOW_STEPS, CHANNELS)
    assert np.allclose(summary, np.concatenate([flat[:, :16].std(1), flat[:, 16:].std(1)], axis=1), atol=1e-5)


def test_cumulative_normalization_is_a_running_share():
    x = windows(groove((0, "kick", 127), (16, "kick", 127), (31, "kick", 127)))
    summary = BY_NAME["cumulative normalization"].make(x, 128)(x)
    kick = summary.reshape(1, -1, N_VOICES)[0, :, 0]
    assert kick[0] == pytest.approx(1 / 3)
    assert (np.diff(kick) >= 0).all()
    assert kick[-1] == pytest.approx(2 / 3)  # the last step, always 1, is not spent on
    assert not summary.reshape(1, -1, N_VOICES)[0, :, 1:].any()  # silent voices
    assert x[0, ..., VELOCITY].sum() == 3


def test_the_per_step_mean_says_the_same_of_everything():
    fitted = BY_NAME["per-step mean"].fit(GROOVES, 128)
    assert fitted.n_dimensions == 0
    x = windows(*GROOVES)
    decoded = fitted.decode(x)
    assert np.allclose(decoded, decoded[:1])
    assert np.allclose(decoded[0], x.mean(0), atol=2e-3)  # but for the ridge


def test_the_threshold_is_the_best_on_what_was_seen():
    value = np.array([0.05, 0.2, 0.3, 0.4, 0.9])
    hit = np.array([False, False, True, True, True])
    best = _best_threshold(value, hit)
    assert 0.2 < best <= 0.3
    for threshold in THRESHOLDS:
        said = value >= threshold
        assert 2 * (said & hit).sum() / (said.sum() + hit.sum()) <= 1.0
    assert _best_threshold(np.zeros(3), np.zeros(3, dtype=bool)) == THRESHOLDS[0]


@pytest.mark.parametrize("meter", [(7, 8), (5, 4), (12, 8), (7, 32)], ids=str)
def test_rebuilt_grooves_keep_their_frame(meter):
    own = random_groove(1, 75, 80, meters=(Meter(0.0, *meter),))
    rebuilt = BY_NAME["mean pooling"].fit(GROOVES, 128).reconstruct(own)
    assert (rebuilt.n_steps, rebuilt.meters, rebuilt.tempos) == (own.n_steps, own.meters, own.tempos)
    assert rebuilt.title == rebuilt.source == ""


def test_silence_and_a_single_window_fit():
    for baseline in BASELINES:
        if baseline.name != "PCA":
            assert len(baseline.fit([groove()], 32).reconstruct(groove())) == 0
            fitted = baseline.fit([groove((0, "kick"), (8, "snare"))], 32)
            assert len(fitted.reconstruct(groove((0, "kick"), (8, "snare")))) == 2, baseline.name


def test_the_summary_is_all_that_is_known():
    """Two windows of one summary rebuild to one window."""
    fitted = BY_NAME["mean pooling"].fit(GROOVES, 128)
    early, late = groove((0, "kick"), (20, "snare")), groove((9, "kick"), (30, "snare"))
    assert np.allclose(fitted.decode(windows(early)), fitted.decode(windows(late)), atol=1e-4)


def test_names_are_distinct_and_all_are_fitted_alike():
    assert len(BY_NAME) == len(BASELINES) == 5
    assert all(isinstance(baseline, Baseline) for baseline in BASELINES)
    assert HIT == 0
