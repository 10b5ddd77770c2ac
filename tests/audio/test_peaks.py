"""Peaks: onset probabilities to hits."""

import numpy as np

from rhythmvae.audio.frames import FRAMES_PER_SECOND
from rhythmvae.audio.peaks import APART, one_of_its_kind, pick, seconds_of
from rhythmvae.kit import N_VOICES, VOICE_INDEX


def test_peaks_are_the_highest_of_their_neighbourhood() -> None:
    probability = np.random.default_rng(0).random((200, N_VOICES)).round(2)  # with ties
    thresholds = np.linspace(0.1, 0.9, N_VOICES)
    expected = []
    for t in range(200):
        for v in range(N_VOICES):
            own = probability[t, v]
            before, after = probability[max(t - APART + 1, 0) : t, v], probability[t + 1 : t + APART, v]
            if own > thresholds[v] and (before < own).all() and (after <= own).all():
                expected.append((t, v))
    assert list(zip(*pick(probability, thresholds), strict=True)) == expected
    assert len(expected) > 100


def test_no_frames_hold_no_peak() -> None:
    frame, _ = pick(np.zeros((0, N_VOICES)), np.full(N_VOICES, 0.5))
    assert len(frame) == 0


def test_an_onset_between_frames_is_found_there() -> None:
    for onset in (3.0, 3.3, 2.8, 3.49):
        triangle = np.maximum(0, 1 - np.abs(np.arange(8) - onset) / 1.5)[:, None]  # as the network is taught
        frame, voice = pick(triangle, np.array([0.3]))
        assert abs(seconds_of(triangle, frame, voice)[0] * FRAMES_PER_SECOND - onset) < 0.12


def test_one_pair_of_hats_is_open_or_closed() -> None:
    closed, opened = VOICE_INDEX["closed_hat"], VOICE_INDEX["open_hat"]
    probability = np.zeros((40, N_VOICES))
    for frame, voice, value in [(10, closed, 0.6), (11, opened, 0.9), (20, closed, 0.6), (20, opened, 0.4)]:
        probability[frame, voice] = value
    for frame, voice, value in [(30, closed, 0.5), (30 + APART, opened, 0.9), (20, 0, 0.9)]:
        probability[frame, voice] = value
    frame, voice = one_of_its_kind(probability, *pick(probability, np.full(N_VOICES, 0.2)))
    assert set(zip(frame.tolist(), voice.tolist(), strict=True)) == {
        (11, opened),
        (20, closed),
        (20, 0),
        (30, closed),
        (30 + APART, opened),
    }


def test_of_toms_at_one_time_the_likeliest_is_left() -> None:
    low, mid, high = (VOICE_INDEX[f"{name}_tom"] for name in ("low", "mid", "high"))
    probability = np.zeros((30, N_VOICES))
    for frame, voice, value in [
        (10, low, 0.6),
        (11, mid, 0.7),
        (12, high, 0.5),
        (16, high, 0.4),
        (20, low, 0.5),
    ]:
        probability[frame, voice] = value
    frame, voice = one_of_its_kind(probability, *pick(probability, np.full(N_VOICES, 0.2)))
    assert set(zip(frame.tolist(), voice.tolist(), strict=True)) == {(11, mid), (16, high), (20, low)}
