"""Kits: shots are read, cut to their onset and kept."""

from pathlib import Path

import numpy as np
import pytest

from rhythmvae.audio.hits import RATE
from rhythmvae.kit import VOICE_INDEX, VOICE_KEYS
from rhythmvae.midi.read import read_midi
from rhythmvae.training.hearing import made, samples, stock
from rhythmvae.training.hearing.samples import NONE, Shot

XML = """<drumkit_info><instrumentList>
<instrument><name>Kick</name><volume>1</volume>
  <layer><filename>hard.wav</filename><min>0.5</min><max>1</max><gain>1</gain></layer>
  <layer><filename>soft.wav</filename><min>0</min><max>0.5</max><gain>1</gain></layer></instrument>
<instrument><name>Closed HH</name><volume>0.5</volume><filename>hard.wav</filename></instrument>
<instrument><name>Whistle</name><filename>hard.wav</filename></instrument>
<instrument><name>Snare</name><layer><filename>missing.wav</filename></layer></instrument>
</instrumentList></drumkit_info>"""


@pytest.mark.parametrize(
    ("name", "voice"),
    [
        ("Kick (Tama Superstar 22)", "kick"),
        ("BassDrum", "kick"),
        ("Pearl Snare Rimshot", "snare"),
        ("Rim Click (Pearl)", "snare"),
        ("Hi-Hat Semiopen", "open_hat"),
        ("Pedal HH", "closed_hat"),
        ("Sabian Hat Closed", "closed_hat"),
        ("VariBreaks Hat 1 Op", "open_hat"),
        ("Floor Tom", "low_tom"),
        ("Tom Hi", "high_tom"),
        ("Crash/Ride Bow", "ride"),
        ("Splash (Paiste)", "crash"),
        ("Ride Bell", "ride"),
    ],
)
def test_a_name_says_the_voice(name: str, voice: str) -> None:
    assert samples.voice_of(name) == VOICE_INDEX[voice]


def test_some_are_none_of_ours_and_some_are_left_out() -> None:
    assert [samples.voice_of(name) for name in ("Hand Clap", "Tambourine", "Cowbell")] == [NONE] * 3
    assert [samples.voice_of(name) for name in ("Snare Roll", "Whistle", "32", "", "Zap 1", "Stick")] == [None] * 6


def test_a_hydrogen_kit_is_read(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    tone = np.sin(np.arange(4410) / 5).astype(np.float32)
    soundfile.write(tmp_path / "hard.wav", np.stack([tone, tone], axis=1), 44_100)
    soundfile.write(tmp_path / "soft.wav", 0.5 * tone, 44_100)
    (tmp_path / "drumkit.xml").write_text(XML)
    shots = list(samples.hydrogen_kit(tmp_path / "drumkit.xml"))
    assert [(shot.voice, shot.articulation, shot.velocity) for shot in shots] == [(0, 0, 95), (0, 0, 32), (2, 0, 127)]
    assert all(len(shot.wave) == 2205 for shot in shots)
    assert np.abs(shots[0].wave).max() > 3 * np.abs(shots[1].wave).max()


def test_what_fluidsynth_plays_is_on_time() -> None:
    notes = [(i * 3.2, 9, 36, velocity, 0.5) for i, velocity in enumerate((20, 90, 127))]
    groove, _ = read_midi(samples._midi(notes, {9: 25}, 10.0), "notes.mid")
    np.testing.assert_allclose(groove.onset_seconds, [0, 3.2, 6.4], atol=1e-3)
    assert groove.velocity.tolist() == [20, 90, 127]


def test_a_shot_begins_with_its_onset() -> None:
    wave = np.zeros(RATE, dtype=np.float32)
    wave[3000:9000] = np.exp(-np.arange(6000) / 800)
    cut = samples.trimmed(wave, 0)
    assert cut is not None
    assert int(np.argmax(cut)) == 8
    assert len(cut) < 6000
    assert cut[-1] == 0
    assert samples.trimmed(np.zeros(RATE, dtype=np.float32), 0) is None
    ringing = np.ones(5 * RATE, dtype=np.float32)
    lengths = [len(samples.trimmed(ringing, VOICE_INDEX[key])) for key in ("kick", "crash")]  # type: ignore[arg-type]
    assert lengths == [round(1.6 * RATE), 3 * RATE]


def test_a_kit_is_kept_with_its_levels(tmp_path: Path) -> None:
    wave = np.exp(-np.arange(900) / 100).astype(np.float32)
    shots = [Shot(0, 0, 120, wave * 4), Shot(0, 0, 30, wave), Shot(2, 1, 100, wave / 2), Shot(5, 0, 90, 0 * wave)]
    samples.save(tmp_path / "kit.npz", shots)
    kit = samples.load(tmp_path / "kit.npz")
    assert kit.name == "kit"
    assert [velocity for velocity, _ in kit.shots[0][0]] == [30, 120]
    (_, soft), (_, hard) = kit.shots[0][0]
    assert np.abs(hard).max() == pytest.approx(0.5 * 32767, rel=0.01)
    assert np.abs(hard).max() / np.abs(soft).max() == pytest.approx(4, rel=0.01)
    assert (kit.has(2), kit.has(5), kit.has(8)) == (True, False, False)


def test_nothing_is_kept_of_a_kit_without_sounds(tmp_path: Path) -> None:
    samples.save(tmp_path / "kit.npz", [])
    assert not list(tmp_path.iterdir())


def test_a_made_kit_has_all_voices_and_is_like_no_other() -> None:
    one, other = (list(made.kit(np.random.default_rng(seed))) for seed in (0, 1))
    assert {shot.voice for shot in one} == {*range(len(VOICE_KEYS)), NONE}
    assert all(np.isfinite(shot.wave).all() and np.abs(shot.wave).max() > 0.01 for shot in one)
    assert len(one[0].wave) != len(other[0].wave)


@pytest.mark.parametrize("make", [made.speech, made.beeps])
def test_sounds_that_are_no_drums(make: object) -> None:
    for seed in range(3):
        wave = make(np.random.default_rng(seed))  # type: ignore[operator]
        assert wave.shape == (round(made.PHRASE_SECONDS * RATE),)
        assert np.abs(wave).max() == pytest.approx(0.5)


def test_kits_to_choose_by_are_not_trained_on(tmp_path: Path) -> None:
    (tmp_path / "kits").mkdir()
    shots = [Shot(0, 0, 100, np.ones(400, dtype=np.float32))]
    for name in ("made-000", "pool-000", stock.CHOOSING_KITS[0], stock.CHOOSING_KITS[-1], stock.HELD_OUT_KITS[0]):
        samples.save(tmp_path / "kits" / f"{name}.npz", shots)
    own = stock.kits(tmp_path, held_out=False)
    assert [kit.name for kit in own] == ["made-000", "pool-000"]
    assert stock.weights(own) == [stock.MADE_WEIGHT, stock.POOL_WEIGHT]
    assert [kit.name for kit in stock.choosing(tmp_path)] == [stock.CHOOSING_KITS[0], stock.CHOOSING_KITS[-1]]
    assert [kit.name for kit in stock.kits(tmp_path, held_out=True)] == [stock.HELD_OUT_KITS[0]]
