"""What several files of tests share."""

import os

import pytest
from hypothesis import HealthCheck, settings

# A slow machine is no fault of what is tested: without this an example that takes 0.2 s fails.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

# Before torch or numpy is imported, and for every process that a test starts. Workers as many as there are cores,
# each with as many threads, wait for each other most of the time: two cores took six times as long.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
os.environ["RHYTHMVAE_DATABASE"] = "none"  # no test takes up what another has left
os.environ["CUDA_VISIBLE_DEVICES"] = ""  # what is compared here was computed on the processor


@pytest.fixture
def brief_prior(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prior and a completion are fitted for a moment, whatever they are worth."""
    from rhythmvae.training import completion, prior  # not above: most tests need no torch

    for training in (prior, completion):
        monkeypatch.setattr(training, "MIN_STEPS", 2)
        monkeypatch.setattr(training, "MAX_STEPS", 2)


@pytest.fixture
def brief_classifiers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two-sample tests by less: what stands out far is told by few trees, in few folds."""
    from rhythmvae.evaluation import two_sample

    monkeypatch.setattr(two_sample, "N_FOLDS", 2)
    monkeypatch.setattr(two_sample, "N_TREES", 60)
    monkeypatch.setattr(two_sample, "N_ROUNDS", 20)


@pytest.fixture
def brief_feel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples are moved to the feel that was drawn by two steps instead of 25, which take most of their time."""
    from rhythmvae.model import generate

    monkeypatch.setattr(generate, "FEEL_ROUNDS", 2)
