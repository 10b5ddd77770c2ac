"""Scores of ours against those of mir_eval, which the field uses, on seeded pairs of grooves."""

from __future__ import annotations

import mir_eval
import numpy as np
import pytest
from grooves import random_groove

from rhythmvae.analysis.metrics import STRICT_TOLERANCE_SECONDS, TOLERANCE_SECONDS, match
from rhythmvae.groove import Groove
from rhythmvae.kit import N_VOICES


def blurred(played: Groove, seed: int) -> Groove:
    """A groove that lost a fifth of its hits, moved the others by up to 60 ms, and gained some."""
    rng = np.random.default_rng(seed)
    stays = rng.random(len(played)) > 0.2
    n_new = 6
    position = np.concatenate([played.position[stays], rng.uniform(0, played.n_steps - 1, n_new)])
    position = np.clip(position + rng.normal(0, 0.3, len(position)), 0, played.n_steps - 0.6)
    voice = np.concatenate([played.voice[stays], rng.integers(0, N_VOICES, n_new)])
    return played.with_hits(position, voice, np.full(len(position), 80))


@pytest.mark.parametrize("seed", range(12))
def test_onsets_are_scored_as_mir_eval_scores_them(seed: int) -> None:
    made = random_groove(seed, 64, 90)  # some hits lie before the start, where no file has any and ours count as 0
    reference = made.with_hits(np.clip(made.position, 0, made.n_steps - 0.6), made.voice, made.velocity)
    estimate = blurred(reference, seed)
    for tolerance in (TOLERANCE_SECONDS, STRICT_TOLERANCE_SECONDS):
        pairs = match(reference, estimate, tolerance).pairs
        for voice in range(N_VOICES):
            played, heard = reference.voice == voice, estimate.voice == voice
            f1, precision, recall = mir_eval.onset.f_measure(
                np.sort(reference.onset_seconds[played]), np.sort(estimate.onset_seconds[heard]), window=tolerance
            )
            n_matched = int(played[pairs[:, 0]].sum()) if len(pairs) else 0
            if played.any() and heard.any():
                assert n_matched / heard.sum() == pytest.approx(precision, abs=1e-9)
                assert n_matched / played.sum() == pytest.approx(recall, abs=1e-9)
                assert 2 * n_matched / (played.sum() + heard.sum()) == pytest.approx(f1, abs=1e-9)
            else:
                assert n_matched == 0
