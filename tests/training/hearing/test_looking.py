"""What the second look learns from: recordings whose moments say what was played, and a loss that falls."""

import numpy as np
import pytest
import torch

from rhythmvae.audio.moments import LOW_HZ, N_PATCH, Moments, n_features
from rhythmvae.audio.second_look import LookConfig
from rhythmvae.kit import N_VOICES
from rhythmvae.training.hearing import looking, made, samples
from rhythmvae.training.hearing.looking import Example
from rhythmvae.training.hearing.scenes import HIGH, KICK, LOW, MID, SNARE
from tests.training.hearing.test_scenes import kit, strokes, studio

LOW_BEGINS = 2 * N_VOICES + N_PATCH
TINY = LookConfig(n_hidden=4, width=8, layers=1, heads=2)


def found(seconds: list[float]) -> Moments:
    n = len(seconds)
    rng = np.random.default_rng(0)
    return Moments(
        np.repeat(np.array(seconds)[:, None], N_VOICES, 1),
        np.round(np.array(seconds) * 100).astype(np.int64),
        np.full((n, N_VOICES), -2.0, dtype=np.float32),
        np.zeros((n, N_VOICES), dtype=np.float32),
        rng.random((n, N_PATCH + len(LOW_HZ))).astype(np.float16),
        rng.random((n, 4)).astype(np.float16),
    )


def test_an_example_says_what_was_played_at_each_moment() -> None:
    played = strokes((0.101, KICK, 127), (0.3, SNARE, 64), (0.31, KICK, 5), (0.7, KICK, 90))
    own = looking.example(found([0.1, 0.3, 0.5]), played)
    assert np.argwhere(own.struck).tolist() == [[0, KICK], [1, SNARE]]
    assert own.velocity[0, KICK] == 1.0
    assert np.argwhere(~own.counts).tolist() == [[1, KICK]]  # too soft to be heard: neither asked for nor wrong
    assert own.features.shape == (3, n_features(4))
    assert not looking.example(found([]), played).struck.any()


def test_recordings_are_played_on_one_kit_and_the_same_seed_makes_the_same() -> None:
    own = studio()
    for seed in range(6):
        (one, played), (other, _) = (looking.recording(own, np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(one, other)
        assert len(one) == own.n_samples
        assert np.abs(one).max() <= 1.0
        assert (played.voice < N_VOICES).all()
        assert ((played.seconds >= 0) & (played.seconds < own.seconds)).all()


def test_what_a_kit_has_not_is_left_out() -> None:
    own = studio()
    own.kits, own.weights = [kit((KICK,))], np.ones(1)
    _, played = looking._on_one_kit(own, np.random.default_rng(0), strokes((0.1, KICK, 90), (0.2, SNARE, 90)))
    assert played.voice.tolist() == [KICK]


def _pitch(shots: list[samples.Shot], voice: int) -> float:
    wave = max((each for each in shots if each.voice == voice), key=lambda each: each.velocity).wave
    power = np.abs(np.fft.rfft(wave[1500:], 1 << 16))
    return float(power.argmax() * samples.RATE / (1 << 16))


@pytest.mark.parametrize("seed", range(3))
def test_toms_of_a_kind_are_in_order(seed: int) -> None:
    shots = list(made.kit(np.random.default_rng(seed), of_a_kind=True))
    low, mid, high = (_pitch(shots, voice) for voice in (LOW, MID, HIGH))
    assert low * 1.05 < mid < high / 1.05


def examples(n: int) -> list[Example]:
    """Recordings in which a feature says what is struck, and how hard."""
    rng = np.random.default_rng(1)
    out = []
    for _ in range(n):
        m = int(rng.integers(3, 9))
        struck = rng.random((m, N_VOICES)) < 0.3
        features = rng.random((m, n_features(4))).astype(np.float16)
        features[:, :N_VOICES] = -1.0
        features[:, LOW_BEGINS : LOW_BEGINS + N_VOICES] = struck
        velocity = np.where(struck, 0.8, 0.0).astype(np.float16)
        out.append(Example(features, struck, velocity, np.ones_like(struck)))
    return out


def test_the_loss_falls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "WARM_STEPS", 1)
    own = examples(40)
    look = looking.fresh(LookConfig(n_hidden=4, width=32, layers=1, heads=2), own, 0)
    terms = [sum(each.values()) for each in looking.descend(look, own, 80, 0, 1e-2)]
    assert np.mean(terms[-10:]) < 0.8 * np.mean(terms[:10])
    assert not look.training


def test_one_that_was_half_believed_learns_on_from_what_it_had_learned() -> None:
    features, there = looking.batch(examples(2))[:2]
    look = looking.fresh(TINY, examples(4), 0).eval()
    torch.nn.init.normal_(look.heads.weight)
    with torch.no_grad():
        learned = look(features, there)
        half = looking.believed(look, 0.5)(features, there)
        again = looking.again(look, 0.5).eval()(features, there)
    assert not torch.allclose(half, learned)
    torch.testing.assert_close(again, learned)


def test_moments_that_are_not_there_count_for_nothing() -> None:
    own = looking.batch(examples(4))
    look = looking.fresh(TINY, examples(4), 0).eval().requires_grad_(False)
    features, there = own[0].clone(), own[1]
    features[~there] = 5.0
    for name, value in looking.loss(look(features, there), own).items():
        assert float(value) == pytest.approx(float(looking.loss(look(own[0], there), own)[name]), rel=1e-5)


def test_a_tint_leaves_gaps_and_pitches_as_they_are() -> None:
    features = looking.batch(examples(4))[0]
    other = looking.tinted(features, np.random.default_rng(0))
    low = slice(LOW_BEGINS, LOW_BEGINS + len(LOW_HZ))
    assert torch.equal(other[..., low], features[..., low])
    assert torch.equal(other[..., -2:], features[..., -2:])
    assert not torch.equal(other[..., 2 * N_VOICES : LOW_BEGINS], features[..., 2 * N_VOICES : LOW_BEGINS])


def test_half_of_what_it_says_is_believed() -> None:
    look = looking.fresh(TINY, examples(4), 0).eval().requires_grad_(False)
    look.heads.weight.normal_(0, 1)
    own = looking.batch(examples(4))
    first = own[0][..., : 2 * N_VOICES]
    said = look(own[0], own[1]) - first
    half = looking.believed(look, 0.5)(own[0], own[1]) - first
    torch.testing.assert_close(half, said / 2)
