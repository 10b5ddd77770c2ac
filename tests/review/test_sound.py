"""Nothing but the playing tells the sounds of a trial apart."""

from __future__ import annotations

import hashlib
import io
import wave
from collections.abc import Mapping

import numpy as np
import pytest

from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.groove import FloatArray
from rhythmvae.review import material, sound
from rhythmvae.sound.kits import SAMPLE_RATE
from rhythmvae.ui.parts import yardsticks


def samples(data: bytes) -> FloatArray:
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (SAMPLE_RATE, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32_768


def heard(key: str = "funk", trial: str = "a") -> Mapping[str, bytes]:
    groove = material.first_bars(example(key))
    quiet = groove.with_hits(groove.position, groove.voice, np.maximum(groove.velocity // 3, 1))
    return sound.wavs({"left": groove, "right": material.alike(quiet, groove), "reference": groove}, trial)


@pytest.mark.parametrize("key", ["funk", "reggae", "samba", "waltz"])
def test_all_are_equally_loud_and_long(key: str) -> None:
    found = heard(key)
    assert len({len(data) for data in found.values()}) == 1
    loudness = [sound.loudness(samples(data)) for data in found.values()]
    assert max(loudness) - min(loudness) < sound.MATCHED_LU
    assert max(loudness) < sound.LOUDNESS_LUFS + sound.MATCHED_LU
    assert all(np.abs(samples(data)).max() <= 0.98 for data in found.values())


def test_nothing_is_the_same_twice_in_its_bytes() -> None:
    digests = [hashlib.sha256(data).hexdigest() for data in (*heard().values(), *heard().values())]
    assert len(set(digests)) == 6
    one, other = (samples(heard()["left"]) for _ in range(2))
    assert np.abs(one - other).max() < 4 / 32_768, "who loads a page again hears the same hand"


def test_a_sound_is_played_anew_by_less_than_an_ear_notices() -> None:
    groove = material.first_bars(example("funk"))
    hands = [sound.played_anew(groove, key) for key in ("a left", "a right", "a left")]
    assert hands[0] == hands[2] != hands[1]
    for hand in hands[:2]:
        order = np.lexsort((hand.velocity, hand.position, hand.voice)), np.lexsort((groove.position, groove.voice))
        assert hand.voice[order[0]].tolist() == groove.voice[order[1]].tolist()
        late = 1000 * (np.sort(hand.onset_seconds) - np.sort(groove.onset_seconds))
        assert late.min() >= -1e-9
        assert 1 < late.max() <= sound.LATE_MS + 1e-9
        assert len(np.unique(np.round(late, 3))) > len(groove) / 2, "each by itself"
    assert 2 * sound.VELOCITY_OFF < yardsticks.EAR_VELOCITY
    assert sound.LATE_MS < yardsticks.EAR_MS


def test_hits_at_both_ends_of_a_loop_and_of_loudness_stay_within() -> None:
    groove = material.first_bars(example("funk"))
    last = np.nextafter(groove.n_steps, 0)
    edge = groove.with_hits(np.array([-0.5, 0.0, last]), np.array([0, 1, 2]), np.array([1, 127, 127]))
    for number in range(20):
        hand = sound.played_anew(edge, str(number))
        assert hand.position[0] >= -0.5
        assert hand.position[-1] == last
        assert hand.velocity.min() >= 1
        assert hand.velocity.max() <= 127


def test_loudness_is_what_the_standard_says() -> None:
    """ITU-R BS.1770-4, annex 1: a sine of 997 Hz at full scale on one channel is -3.01 LKFS."""
    time = np.arange(10 * SAMPLE_RATE) / SAMPLE_RATE
    tone = np.sin(2 * np.pi * 997 * time)
    assert sound.loudness(tone) == pytest.approx(-3.01, abs=0.05)
    assert sound.loudness(0.1 * tone) == pytest.approx(-23.01, abs=0.05)
    assert sound.loudness(np.zeros(SAMPLE_RATE)) == -np.inf


def test_silence_stays_silent() -> None:
    silent, loud = np.zeros(100_000, np.float32), np.ones(100_000, np.float32) * 0.1
    found = sound.matched({"a": silent, "b": loud})
    assert not found["a"].any()


def test_every_pattern_can_be_matched() -> None:
    grooves = {key: material.first_bars(example(key)) for key in list(EXAMPLES)[:6]}
    found = sound.wavs(grooves, "a")
    loudness = [sound.loudness(samples(data)) for data in found.values()]
    assert max(loudness) - min(loudness) < 2 * sound.MATCHED_LU
