"""The checkpoint in the repository: it loads, fits its budget and rebuilds the built-in patterns."""

from pathlib import Path

import pytest

from rhythmvae import checkpoint, evaluate, latent
from rhythmvae.evaluate import Score
from rhythmvae.examples import EXAMPLES, example
from rhythmvae.groove import STEPS_PER_QUARTER, WINDOW_STEPS


@pytest.fixture(scope="module")
def shipped() -> checkpoint.Checkpoint:
    return checkpoint.load()


@pytest.fixture(scope="module")
def scores(shipped: checkpoint.Checkpoint) -> dict[str, Score]:
    grooves = {key: example(key) for key in EXAMPLES}
    return {key: evaluate.score(g, latent.reconstruct(shipped.model, g)) for key, g in grooves.items()}


@pytest.mark.parametrize("key", EXAMPLES)
def test_built_in_patterns_come_back(scores: dict[str, Score], key: str) -> None:
    assert scores[key].f1 >= 0.95


def test_built_in_patterns_come_back_in_time_and_loudness(scores: dict[str, Score]) -> None:
    total = Score.total(scores.values())
    assert total.timing_mae_ms is not None
    assert total.timing_mae_ms <= 12
    assert total.velocity_mae is not None
    assert total.velocity_mae <= 13


def test_budget(shipped: checkpoint.Checkpoint) -> None:
    assert shipped.model.config.latent_size * STEPS_PER_QUARTER / WINDOW_STEPS <= 16
    assert checkpoint.SHIPPED.stat().st_size <= 16e6


def test_card_says_what_it_was_trained_on(shipped: checkpoint.Checkpoint) -> None:
    assert "CC BY 4.0" in shipped.card["about"]
    assert shipped.card["data"]["train_takes"] == 897
    metrics = shipped.card["metrics"]
    assert abs(metrics["validation"]["f1"] - metrics["f1_sampled_posterior"]) <= 0.01
    assert metrics["kl_nats"] > 0


def test_card_beside_the_checkpoint_is_the_one_inside(shipped: checkpoint.Checkpoint) -> None:
    text = Path(checkpoint.SHIPPED).with_suffix(".md").read_text("utf-8")
    validation = shipped.card["metrics"]["validation"]
    for figure in (
        f"{validation['f1']:.3f}",
        f"{validation['timing_mae_ms']:.1f}",
        f"{validation['velocity_mae']:.1f}",
    ):
        assert figure in text


def test_samples_are_drumming(shipped: checkpoint.Checkpoint) -> None:
    grooves = [latent.sample(shipped.model, shipped.prior, n_bars=4, seed=seed) for seed in range(20)]
    densities = sorted(len(groove) / groove.n_bars for groove in grooves)
    assert densities[0] > 0
    assert 5 <= densities[10] <= 45  # the middle of human drumming is near 18 hits a bar
