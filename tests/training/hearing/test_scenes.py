"""Scenes: shots lie where their strokes are, and what is drawn can be."""

import numpy as np

from rhythmvae.audio.hits import RATE
from rhythmvae.groove import IntArray
from rhythmvae.kit import N_VOICES
from rhythmvae.training.hearing import scenes
from rhythmvae.training.hearing.samples import NONE, Kit
from rhythmvae.training.hearing.scenes import CLOSED, CRASH, KICK, OPEN, SAMPLES, SECONDS, Line, Strokes, Studio, plain


def shot(seed: int, n: int = 800) -> IntArray:
    rng = np.random.default_rng(seed)
    return (np.exp(-np.arange(n) / 100) * rng.uniform(-1, 1, n) * 16_000).astype(np.int16)


def kit(voices: tuple[int, ...] = tuple(range(NONE + 1))) -> Kit:
    return Kit("toy", {voice: [[(40, shot(voice) // 2), (120, shot(voice))]] for voice in voices})


def strokes(*rows: tuple[float, int, float]) -> Strokes:
    seconds, voice, velocity = zip(*rows, strict=True)
    return Strokes(np.array(seconds), np.array(voice), np.array(velocity, dtype=float))


def studio() -> Studio:
    own = strokes(*((0.1 * i, i % N_VOICES, 30 + i) for i in range(90)))
    lines = [Line(own, 120.0, 2.0, 9.0), Line(own, 83.0, 2.9, 9.0)]
    others = np.stack([np.tile(shot(seed, 10_000), 12) for seed in range(3)])
    return Studio([kit(), kit((KICK,))], [1.0, 0.5], lines, others)


def test_a_shot_lies_where_its_stroke_is() -> None:
    sound, _ = plain(np.random.default_rng(0), kit(), strokes((0.5, KICK, 120.0)), 1.0)
    at = round(0.5 * RATE)
    assert not sound[:at].any()
    np.testing.assert_allclose(sound[at : at + 800], 0.8 * shot(KICK) / 32768, atol=1e-4)
    assert not sound[at + 800 :].any()


def test_a_softer_stroke_is_a_softer_layer() -> None:
    peaks = []
    for velocity in (10.0, 40.0, 90.0, 127.0):
        sound, _ = plain(np.random.default_rng(0), kit(), strokes((0.0, KICK, velocity)), 0.2)
        peaks.append(float(np.abs(sound).max()))
    assert (np.diff(peaks) > 0.02).all()


def test_a_hat_stops_the_open_hat() -> None:
    ringing = Kit("toy", {OPEN: [[(100, np.full(RATE, 8_000, np.int16))]], CLOSED: [[(100, shot(1))]]})
    alone, _ = plain(np.random.default_rng(0), ringing, strokes((0.0, OPEN, 100.0)), 1.0)
    stopped, _ = plain(np.random.default_rng(0), ringing, strokes((0.0, OPEN, 100.0), (0.3, CLOSED, 100.0)), 1.0)
    assert alone[-1] > 0.1
    assert not stopped[round(0.4 * RATE) :].any()
    np.testing.assert_array_equal(alone[:6000], stopped[:6000])


def test_what_a_kit_has_not_is_not_played() -> None:
    _, played = plain(np.random.default_rng(0), kit((KICK,)), strokes((0.0, KICK, 90.0), (0.1, CRASH, 90.0)), 0.5)
    assert played.voice.tolist() == [KICK]


def test_scenes_are_what_a_network_can_learn_from() -> None:
    own, rng = studio(), np.random.default_rng(3)
    drawn = [own.scene(rng) for _ in range(25)]
    for scene in drawn:
        assert scene.sound.shape == (SAMPLES,)
        assert scene.sound.dtype == np.float32
        assert np.abs(scene.sound).max() <= 1.0
        assert (np.diff(scene.strokes.seconds) >= 0).all()
        assert ((scene.strokes.seconds >= 0) & (scene.strokes.seconds < SECONDS)).all()
        assert ((scene.strokes.velocity >= 1) & (scene.strokes.velocity <= 127)).all()
        assert scene.strokes.voice.max(initial=0) < N_VOICES
    assert {scene.alone for scene in drawn} >= {0.0, 1.0}
    assert set(np.concatenate([scene.strokes.voice for scene in drawn]).tolist()) == set(range(N_VOICES))


def test_the_same_seed_draws_the_same_scene() -> None:
    one, other = (studio().scene(np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(one.sound, other.sound)
    np.testing.assert_array_equal(one.strokes.seconds, other.strokes.seconds)


def test_a_room_leaves_the_onset_where_it_is() -> None:
    rng = np.random.default_rng(0)
    for _ in range(10):
        room = scenes._room(rng)
        assert room[0] == 1.0
        assert len(room) + SAMPLES <= scenes.n_fft(SAMPLES)  # what rings on does not come round to the beginning
