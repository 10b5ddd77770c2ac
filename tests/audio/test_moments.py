"""Moments: what is struck together is one, and what is kept of it is what it sounds like."""

import numpy as np
import pytest
import torch

from rhythmvae.audio.frames import HOP, N_BANDS, log_mel, n_frames
from rhythmvae.audio.hits import RATE
from rhythmvae.audio.moments import LOW_HZ, N_PATCH, SPANS, Frames, Moments, joined, moments, n_features
from rhythmvae.groove import FloatArray
from rhythmvae.kit import N_VOICES, VOICE_INDEX

KICK, SNARE, HAT = (VOICE_INDEX[key] for key in ("kick", "snare", "closed_hat"))
N_HIDDEN = 6


def heard(rows: list[tuple[int, int, float]], sound: FloatArray | None = None) -> Frames:
    """Frames in which peaks stand at (frame, voice, logit)."""
    sound = np.zeros(RATE, dtype=np.float32) if sound is None else sound
    n = n_frames(len(sound))
    logits = np.full((n, 2 * N_VOICES + 1), -9.0, dtype=np.float32)
    for frame, voice, logit in rows:
        logits[frame, voice] = logit
        logits[frame, N_VOICES + voice] = 1.5
    hidden = np.arange((n + 1) // 2 * N_HIDDEN, dtype=np.float32).reshape(-1, N_HIDDEN)
    return Frames(sound, log_mel(torch.from_numpy(sound)[None])[0].numpy(), logits, hidden, 2)


def all_of(own: Frames) -> Moments:
    return moments(own, 0, len(own.frames), 0)


def test_what_is_struck_together_is_one_moment() -> None:
    found = all_of(heard([(20, KICK, 2.0), (22, HAT, 1.0), (26, SNARE, 0.0), (60, HAT, 3.0), (80, HAT, -6.0)]))
    assert found.frame.tolist() == [20, 26, 60]
    assert found.seconds[0, [KICK, HAT]] == pytest.approx(np.array([20, 22]) * HOP / RATE, abs=1e-3)
    assert found.seconds[0, SNARE] == found.seconds[0, KICK]  # of what has no peak, the surest one's time
    assert found.onset[0, [KICK, HAT, SNARE]].tolist() == [2.0, 1.0, -8.0]
    assert found.velocity[2, HAT] == 1.5
    assert found.hidden[2].tolist() == list(range(30 * N_HIDDEN, 31 * N_HIDDEN))


def test_of_a_piece_its_own_frames_alone_count() -> None:
    own = heard([(20, KICK, 2.0), (40, HAT, 1.0), (60, HAT, 3.0)])
    found = moments(own, 30, 60, 530)
    assert found.frame.tolist() == [540]
    assert found.seconds[0, HAT] == pytest.approx(540 * HOP / RATE, abs=1e-3)


def test_there_are_a_third_as_many_moments_as_frames_at_most() -> None:
    own = heard([])
    own.logits[:, :N_VOICES] = np.random.default_rng(0).uniform(-3, 3, (len(own.logits), N_VOICES))
    found = all_of(own)
    assert 20 < len(found) <= -(-len(own.logits) // 3)
    assert (np.diff(found.frame) >= 3).all()


def test_a_print_says_what_sounds_when_and_how_high() -> None:
    at = 40
    t = np.arange(RATE - at * HOP) / RATE
    tone = np.concatenate([np.zeros(at * HOP), 0.5 * np.sin(2 * np.pi * 160.0 * t)]).astype(np.float32)
    sound = all_of(heard([(at, KICK, 3.0)], tone)).sound[0].astype(float)
    spans, low = sound[:N_PATCH].reshape(len(SPANS), -1), sound[N_PATCH:]
    assert spans[0].max() < 0.3 * spans[3].max()
    assert LOW_HZ[low.argmax()] == 160.0


def test_the_parts_of_a_recording_have_one_level() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    one = all_of(heard([(40, KICK, 3.0)], noise))
    louder = all_of(heard([(40, KICK, 3.0)], 4 * noise))
    found = joined([louder, one], [0.25, 1.0])  # the first part was brought up by four as much
    assert np.abs(found.sound[0] - found.sound[1]).max() < 0.05
    assert len(found) == 2


def test_features_are_as_many_as_said_for_none_too() -> None:
    found = all_of(heard([(20, KICK, 2.0), (50, KICK, 2.0)]))
    assert found.features().shape == (2, n_features(N_HIDDEN))
    assert found.features().dtype == np.float32
    assert np.isfinite(found.features()).all()
    none = all_of(heard([]))
    assert none.features().shape == (0, n_features(N_HIDDEN))
    assert N_BANDS % 2 == 0
