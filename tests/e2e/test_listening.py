"""The ear of the browser tests, held to a sound of which every onset is known: no browser."""

from __future__ import annotations

import numpy as np
import pytest
from listening import HATS, SAMPLE_RATE, Capture, onset_errors

from rhythmvae.kit import VOICE_INDEX
from rhythmvae.sound import synth

HAT, CRASH = VOICE_INDEX["closed_hat"], VOICE_INDEX["crash"]
N_ROUNDS = 4
TOO_FAR_S = 0.01


@pytest.fixture(scope="module")
def capture() -> Capture:
    """All that HATS sounds, round after round."""
    sound = np.tile(synth.render(HATS, loop=True), N_ROUNDS).astype(np.float64)
    return Capture(0.0, sound, np.ones(len(sound), dtype=bool))


def test_a_voice_that_sounds_as_well_is_no_error_where_it_is_expected(capture: Capture) -> None:
    deaf = np.abs(onset_errors(capture, HATS, HAT, 0.0))
    assert (deaf > TOO_FAR_S).sum() == N_ROUNDS  # the crash, which is quiet but heard
    assert np.abs(onset_errors(capture, HATS, HAT, 0.0, [CRASH])).max() < 1e-3


def test_a_hit_that_is_late_missing_or_too_many_is_an_error_beside_other_voices(capture: Capture) -> None:
    late = np.abs(onset_errors(capture, HATS, HAT, -0.015, [CRASH]))
    assert np.median(late) == pytest.approx(0.015, abs=1e-3)
    at = round(float(HATS.seconds(6.0)) * SAMPLE_RATE)
    silent = capture.samples.copy()
    silent[at - 100 : at + 4_000] = 0.0
    missing = np.abs(onset_errors(Capture(0.0, silent, capture.is_there), HATS, HAT, 0.0, [CRASH]))
    assert (missing > TOO_FAR_S).sum() >= 1
    more = capture.samples.copy()
    strike = round(float(HATS.seconds(8.2)) * SAMPLE_RATE)
    more[strike : strike + 2_000] += synth.one_shot(HAT)[:2_000]
    assert (np.abs(onset_errors(Capture(0.0, more, capture.is_there), HATS, HAT, 0.0, [CRASH])) > TOO_FAR_S).any()


def test_silence_counts_but_for_what_a_recorder_was_not_yet_led_to_and_what_was_dropped() -> None:
    second = SAMPLE_RATE
    sound, is_there = np.full(second, 0.1), np.ones(second, dtype=bool)

    def silences() -> list[float]:
        found = Capture(5.0, sound, is_there).silences(0.005)
        assert all(5 <= at < 6 for at, _ in found)
        return [round(seconds, 3) for _, seconds in found]

    sound[: second // 50] = 0.0  # its first 20 ms
    assert silences() == []
    is_there[second // 100 : second // 80] = False  # of which a part was dropped
    assert silences() == []
    is_there[second // 100 : second // 10] = False  # and more
    assert silences() == []
    sound[20_000 : 20_000 + second // 100] = 0.0
    assert silences() == [0.01]
    is_there[20_000 : 20_000 + second // 100] = False
    assert silences() == []
    is_there[:] = True
    sound[: second // 10] = 0.0  # longer than that is silence
    assert silences() == [0.1, 0.01]
    sound[-second // 5 :] = 0.0
    assert silences() == [0.1, 0.01, 0.2]
