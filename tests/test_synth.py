import io
import time
import wave
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from rhythmvae import synth
from rhythmvae.errors import RhythmVAEError
from rhythmvae.examples import EXAMPLES, example
from rhythmvae.groove import Groove, Tempo
from rhythmvae.kit import N_VOICES, VOICE_INDEX
from rhythmvae.synth import SAMPLE_RATE, render, wav_bytes


def groove(*hits: tuple[float, str, int], n_steps: int = 16, bpm: float = 120.0) -> Groove:
    return Groove(
        np.array([h[0] for h in hits]),
        np.array([VOICE_INDEX[h[1]] for h in hits]),
        np.array([h[2] for h in hits]),
        n_steps,
        tempos=(Tempo(0.0, bpm),),
    )


def without(whole: Groove, i: int) -> Groove:
    keep = np.arange(len(whole)) != i
    return whole.with_hits(whole.position[keep], whole.voice[keep], whole.velocity[keep])


def test_silence_stays_silent() -> None:
    assert not render(groove()).any()
    assert len(render(groove(), loop=True)) == 2 * SAMPLE_RATE


@pytest.mark.parametrize("voice", range(N_VOICES))
def test_an_onset_is_heard_within_two_milliseconds(voice: int) -> None:
    position = np.array([0.0, 3.27, 7.81, 12.4])
    played = Groove(position, np.full(4, voice), np.array([110, 30, 64, 127]), 16, tempos=(Tempo(0.0, 60.0),))
    sound = render(played)
    for i, onset in enumerate(played.onset_seconds):
        added = np.abs(sound - np.resize(render(without(played, i)), len(sound)))
        heard = np.flatnonzero(added > 0.1 * added.max())[0] / SAMPLE_RATE
        assert abs(heard - onset) < 0.002


def test_in_a_pattern_every_hit_comes_on_time_through_tempo_changes() -> None:
    played = replace(example("funk"), tempos=(Tempo(0.0, 98.0), Tempo(21.5, 131.0), Tempo(40.0, 77.0)))
    sound = render(played)
    for i in range(0, len(played), 5):
        other = render(without(played, i))
        n = min(len(sound), len(other))
        first = np.flatnonzero(sound[:n] != other[:n])[0] / SAMPLE_RATE
        assert abs(first - played.onset_seconds[i]) < 0.002


def test_a_hit_before_the_first_step_sounds_at_the_start() -> None:
    assert np.array_equal(render(groove((-0.4, "snare", 100))), render(groove((0.0, "snare", 100))))


@pytest.mark.parametrize("voice", VOICE_INDEX)
def test_harder_is_louder_and_brighter(voice: str) -> None:
    sounds = [render(groove((0.0, voice, velocity))) for velocity in (8, 40, 80, 127)]
    peaks = [np.abs(s).max() for s in sounds]
    assert peaks[0] > 0
    assert all(a < b for a, b in pairwise(peaks))

    def brightness(sound: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(sound)) ** 2
        return float((power * np.fft.rfftfreq(len(sound))).sum() / power.sum())

    assert brightness(sounds[0]) < brightness(sounds[3])


def test_a_closed_hat_stops_the_open_one() -> None:
    open_alone = render(groove((0.0, "open_hat", 120)))
    closed_alone = render(groove((2.0, "closed_hat", 120)))
    both = render(groove((0.0, "open_hat", 120), (2.0, "closed_hat", 120)))
    at = 2 * SAMPLE_RATE // 8
    assert np.array_equal(both[:at], open_alone[:at])
    after = at + synth.FADE_SAMPLES
    assert np.abs(open_alone[after : after + 1000]).max() > 0.01
    assert np.allclose(both[after:], closed_alone[after:])


def test_an_open_hat_that_is_struck_twice_at_once_still_sounds() -> None:
    twice = groove((0.0, "open_hat", 90), (0.0, "open_hat", 90), (0.001, "closed_hat", 90))
    assert np.isfinite(render(twice)).all()


def test_loudness_does_not_depend_on_the_rest_and_never_clips() -> None:
    quiet = render(groove((0.0, "kick", 60)))
    with_more = render(groove((0.0, "kick", 60), (8.0, "crash", 127)))
    assert np.array_equal(quiet[:40_000], with_more[:40_000])
    everything = [(0.0, voice, 127) for voice in VOICE_INDEX] * 4
    assert np.abs(render(groove(*everything))).max() <= 1.0


def test_a_loop_is_as_long_as_the_groove_and_keeps_what_rings_on() -> None:
    played = groove((15.0, "crash", 127))
    looped, rung_out = render(played, loop=True), render(played)
    assert len(looped) == 2 * SAMPLE_RATE < len(rung_out)
    assert np.allclose(looped[: len(rung_out) - len(looped)], rung_out[len(looped) :])


@pytest.mark.parametrize("key", EXAMPLES)
def test_every_built_in_pattern_renders(key: str) -> None:
    sound = render(example(key), loop=True)
    assert sound.dtype == np.float32
    assert np.isfinite(sound).all()
    assert 0.1 < np.abs(sound).max() < 1.0


def test_four_bars_take_less_than_fifty_milliseconds() -> None:
    render(example("funk"))
    best = min(_seconds(lambda: render(example("funk"))) for _ in range(5))
    assert best < 0.05


def _seconds(call: object) -> float:
    start = time.perf_counter()
    call()  # type: ignore[operator]
    return time.perf_counter() - start


def test_what_is_too_long_or_too_full_is_refused_in_a_sentence() -> None:
    with pytest.raises(RhythmVAEError, match="at most 120 seconds to play, got 240: choose fewer bars"):
        render(groove(n_steps=16 * 30, bpm=30.0))
    with pytest.raises(RhythmVAEError, match="at most 20,000 hits"):
        render(groove(*[(0.0, "kick", 100)] * 20_001))


def test_the_wav_file_is_the_waveform() -> None:
    played = example("waltz")
    with wave.open(io.BytesIO(wav_bytes(played))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, SAMPLE_RATE)
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    assert np.allclose(samples / 32_767, render(played), atol=1e-4)
