"""What several files of tests share."""

import pytest


@pytest.fixture
def brief_prior(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prior is fitted for a moment, whatever it is worth."""
    from rhythmvae.training import prior as prior_training  # not above: most tests need no torch

    monkeypatch.setattr(prior_training, "MIN_STEPS", 2)
    monkeypatch.setattr(prior_training, "MAX_STEPS", 2)
