import io
import wave

import numpy as np
import pytest

from benchmarks.kits import WITHIN_LU, hits_heard, loudness
from rhythmvae.data.examples import example
from rhythmvae.errors import UsageError
from rhythmvae.groove import MAX_VELOCITY, Groove
from rhythmvae.kit import N_VOICES, VOICE_INDEX, VOICE_KEYS
from rhythmvae.sound import kits, synth
from rhythmvae.sound.kits import FOLDER, SAMPLE_RATE, layered, machine

LAYERED = tuple(layered.index())
KICK = VOICE_INDEX["kick"]


def kicks(*velocities: int) -> Groove:
    return Groove(
        np.arange(len(velocities)) * 4.0, np.full(len(velocities), KICK), np.array(velocities), 4 * len(velocities)
    )


def test_three_kits_beside_the_house_kit_that_are_small_enough_to_be_fetched_late() -> None:
    assert layered.kit_keys() == ("house", "acoustic", "electronic", "808")
    assert {f.stem for f in FOLDER.glob("*.flac")} == set(LAYERED)
    assert all(len(layered.flac(kit)) < 1_700_000 for kit in LAYERED)


def test_where_the_sounds_come_from_is_said() -> None:
    notice = (FOLDER / "NOTICE.md").read_text("utf-8")
    assert all(kit in notice for kit in layered.kit_keys())
    assert "Emanuel Rumpf" in notice
    assert "Frank Wen" in notice
    assert "Permission is hereby granted" in notice


@pytest.mark.parametrize("kit", LAYERED)
def test_each_drum_has_three_strengths_whose_strokes_take_turns(kit: str) -> None:
    for voice in range(N_VOICES):
        strengths = [layered.strokes(kit, voice, velocity) for velocity in (1, 70, 127)]
        strokes = [stroke for layer in strengths for stroke in layer]
        assert [len(layer) for layer in strengths] == [2, 2, 2]
        for i, stroke in enumerate(strokes):
            assert all(len(stroke) != len(other) or (stroke != other).any() for other in strokes[:i])


@pytest.mark.parametrize("kit", LAYERED)
def test_a_stroke_starts_at_once_and_ends_silent(kit: str) -> None:
    for voice in range(N_VOICES):
        for stroke in layered.strokes(kit, voice, MAX_VELOCITY):
            peak = np.abs(stroke).max()
            assert np.flatnonzero(np.abs(stroke) > 0.05 * peak)[0] < 0.002 * SAMPLE_RATE
            assert np.abs(stroke[-5:]).max() < 0.01 * peak


@pytest.mark.parametrize("kit", LAYERED)
def test_all_kits_are_as_loud_as_the_house_kit(kit: str) -> None:
    assert abs(loudness(kit) - loudness(layered.HOUSE)) < WITHIN_LU


@pytest.mark.parametrize("kit", layered.kit_keys())
@pytest.mark.parametrize("pattern", ["funk", "rock"])
def test_every_hit_is_in_the_sound(kit: str, pattern: str) -> None:
    assert hits_heard(example(pattern), kit).all()


def test_a_hit_that_is_missing_from_the_sound_would_be_noticed() -> None:
    beat, silent = example("funk"), np.zeros(3 * 60 * SAMPLE_RATE, dtype=np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synth, "render", lambda *_, **__: silent)
        assert not hits_heard(beat, "808").any()


def test_strokes_take_turns_in_the_order_in_which_they_are_played() -> None:
    groove = Groove(np.array([8.0, 0.0, 4.0, 0.0]), np.array([0, 0, 0, 1]), np.array([90, 90, 90, 90]), 16)
    assert groove.voice.tolist() == [0, 1, 0, 0]
    assert synth.turns(groove).tolist() == [0, 0, 1, 2]
    track = synth.render(kicks(110, 110, 110, 110), kit="808")
    beat = SAMPLE_RATE // 2
    first, second, third = (track[i * beat : i * beat + 9_000] for i in range(3))
    assert (first != second).any()
    assert np.array_equal(first, third)


def test_a_softer_stroke_is_another_recording_and_quieter() -> None:
    soft, hard = (synth.render(kicks(velocity), kit="acoustic") for velocity in (30, 120))
    assert np.abs(soft).max() < 0.5 * np.abs(hard).max()
    scaled = soft[:4_000] / np.abs(soft).max()
    assert np.abs(scaled - hard[:4_000] / np.abs(hard).max()).max() > 0.05


def test_a_kit_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match="Expected one of the kits house, acoustic, electronic, 808, got 'gold'"):
        synth.render(kicks(100), kit="gold")


def test_a_file_of_a_kit_is_a_wav_like_any_other() -> None:
    with wave.open(io.BytesIO(synth.wav_bytes(kicks(100), loop=True, kit="electronic"))) as file:
        assert (file.getnframes(), file.getframerate()) == (SAMPLE_RATE // 2, SAMPLE_RATE)


@pytest.mark.parametrize("voice", VOICE_KEYS)
def test_the_machine_makes_the_same_stroke_again(voice: str) -> None:
    first, again = (machine.RECIPES[voice](np.random.default_rng(3), 0.5) for _ in range(2))
    assert np.array_equal(first, again)
    assert np.isfinite(first).all()
    assert len(first) < 2 * SAMPLE_RATE
    assert kits.samples(voice).any()
