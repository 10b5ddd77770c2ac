"""A recording is read in other ways without hearing it again."""

from __future__ import annotations

import numpy as np
import pytest

from rhythmvae.audio.beats import Wish
from rhythmvae.audio.hits import RATE
from rhythmvae.audio.read import Sound
from rhythmvae.data import recording
from rhythmvae.data.examples import example
from rhythmvae.errors import AudioError
from rhythmvae.groove import FloatArray
from rhythmvae.kit import VOICE_INDEX
from rhythmvae.sound.synth import wav_bytes

pytest.importorskip("soundfile")
LOOP = example("rock").looped(2)


@pytest.fixture(scope="module")
def heard() -> recording.Recording:
    return recording.of_sound(Sound(wav_bytes(LOOP, loop=True), "rock.wav"))


def test_peaks_are_of_the_sound(heard: recording.Recording) -> None:
    n = heard.heard.duration_seconds * recording.PEAKS_PER_SECOND
    assert abs(len(heard.peaks) - n) <= 2
    assert heard.peaks.max() == pytest.approx(1.0)
    loud = heard.peaks[np.rint(LOOP.onset_seconds * recording.PEAKS_PER_SECOND).astype(int) + 1]
    assert np.median(loud) > 2 * np.median(heard.peaks)


def test_a_threshold_lets_more_or_fewer_strokes_count(heard: recording.Recording) -> None:
    hat = VOICE_INDEX["closed_hat"]
    usual = recording.read(heard)
    none = recording.read(heard, thresholds={hat: 0.999})
    more = recording.read(heard, thresholds={hat: recording.UNLIKELY})
    count = [int((found.groove.voice == hat).sum()) for found in (none, usual, more)]
    assert count[0] == 0 < count[1] <= count[2]
    others = [int((found.groove.voice != hat).sum()) for found in (none, usual, more)]
    assert len(set(others)) == 1


@pytest.mark.parametrize("steps", [0, 1, 4, 6])
def test_the_one_is_where_it_is_said_to_be(heard: recording.Recording, steps: int) -> None:
    step = LOOP.tempos[0].seconds_per_step
    found = recording.read(heard, Wish(one=steps * step + LOOP.meters[0].steps_per_bar * step))
    lines = found.groove.seconds(found.groove.bar_lines)
    assert np.abs(lines - steps * step).min() < 0.02
    np.testing.assert_allclose(found.groove.onset_seconds, found.heard.seconds, atol=1e-3)


def test_a_tempo_that_is_said_holds(heard: recording.Recording) -> None:
    usual = recording.read(heard).groove.tempos[0].bpm
    assert recording.read(heard, Wish(bpm=usual / 2)).groove.tempos[0].bpm == pytest.approx(usual / 2, rel=0.01)


def test_what_is_no_drum_gives_no_groove_unless_it_is_asked_for() -> None:
    time = np.arange(4 * RATE) / RATE
    hum: list[FloatArray] = [(0.3 * np.sin(2 * np.pi * 220 * time)).astype(np.float32)]
    found = recording.of_blocks(hum, "hum")
    assert not found.is_drums
    with pytest.raises(AudioError, match=r"hum: expected drums alone.*drum stem.*“Take it anyway”"):
        recording.read(found, way_out="“Take it anyway”")


def test_silence_is_no_drum() -> None:
    found = recording.of_blocks([np.zeros(RATE, dtype=np.float32)], "silence")
    assert found.heard.drums_alone == 0.0
    assert found.peaks.max() == 0.0
