import io
import json
import wave
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from work import lines_of

from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.errors import RhythmVAEError
from rhythmvae.groove import Groove, Tempo
from rhythmvae.kit import N_VOICES, VOICE_INDEX, VOICE_KEYS
from rhythmvae.sound import kits, synth
from rhythmvae.sound.synth import SAMPLE_RATE, render, wav_bytes


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


def heard_onsets(sound: np.ndarray) -> np.ndarray:
    """Seconds at which the sound grows at once, found by ear: from the waveform and nothing else.

    Energy of the treble in frames of half a millisecond, against the loudest of the 20 ms before.
    """
    frame = SAMPLE_RATE // 2_000
    treble = np.diff(sound.astype(np.float64), n=2, prepend=[0.0, 0.0])
    energy = (treble[: len(treble) // frame * frame].reshape(-1, frame) ** 2).sum(axis=1) + 1e-9
    before = np.lib.stride_tricks.sliding_window_view(np.pad(energy, (40, 0), constant_values=1e-9), 40)
    grown = np.flatnonzero(energy > 5 * before[: len(energy)].max(axis=1))
    first = np.diff(grown, prepend=-1_000) > 40
    return grown[first] * frame / SAMPLE_RATE


# Every voice, off the grid, apart enough to be told apart, and what rings longest at the end.
SPREAD = groove(
    *((1.37 * i + 0.21 * (i % 3), key, 70 + 6 * i) for i, key in enumerate((*VOICE_KEYS[:-2], "ride", "crash"))),
    n_steps=16,
    bpm=60.0,
)


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


@pytest.mark.parametrize("rate", [1.0, 0.5, 1.37])
@pytest.mark.parametrize("loop", [False, True])
def test_onsets_found_in_the_audio_are_those_of_the_groove(rate: float, loop: bool) -> None:
    found = heard_onsets(render(SPREAD.at_rate(rate), loop=loop))
    assert len(found) == len(SPREAD)
    assert np.abs(found - SPREAD.onset_seconds / rate).max() < 0.002


def test_a_tempo_changes_no_pitch() -> None:
    one_hit = groove((0.0, "low_tom", 100))
    n = len(synth.one_shot(VOICE_INDEX["low_tom"]))
    assert np.array_equal(render(one_hit.at_rate(2.0))[:n], render(one_hit)[:n])


def test_muted_voices_are_left_out_and_still_stop_the_open_hat() -> None:
    played = groove((0.0, "open_hat", 90), (2.0, "closed_hat", 90), (4.0, "snare", 90))
    hats = groove((0.0, "open_hat", 90), (2.0, "closed_hat", 90))
    open_only = render(played, muted={VOICE_INDEX["closed_hat"], VOICE_INDEX["snare"]})
    at = SAMPLE_RATE // 4
    assert np.array_equal(open_only[:at], render(hats)[:at])
    assert open_only[at : at + 100].any()
    assert not open_only[at + synth.FADE_SAMPLES :].any()
    assert np.array_equal(render(played, muted=[VOICE_INDEX["snare"]]), render(hats))
    assert np.array_equal(render(played, muted=()), render(played))
    assert not render(played, muted=range(N_VOICES)).any()


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


def test_in_a_loop_a_hit_before_the_first_step_sounds_where_it_comes_round() -> None:
    sound = render(groove((-0.4, "snare", 100), (6.0, "kick", 100)), loop=True)
    twice = heard_onsets(np.tile(sound, 2))
    assert twice[-2:] - 2 == pytest.approx([6.0 / 8, 15.6 / 8], abs=0.002)
    assert len(twice) == 2 + 1 + 2  # and what rings on at the very start, heard once


@pytest.mark.parametrize("tempos", [(Tempo(0.0, 120.0),), (Tempo(0.0, 150.0), Tempo(8.0, 100.0))])
def test_a_loop_is_one_round_of_the_groove_played_over_and_over(tempos: tuple[Tempo, ...]) -> None:
    hits = [(-0.37, "crash", 120), (0.3, "closed_hat", 80), (4.1, "snare", 110), (9.83, "kick", 90)]
    once = replace(groove(*hits, (15.31, "open_hat", 100), (14.91, "ride", 70)), tempos=tempos)
    n = len(render(once, loop=True))
    assert n == 2 * SAMPLE_RATE
    assert np.allclose(render(once, loop=True), render(once.looped(3))[n : 2 * n], atol=1e-5)


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


def test_a_closed_hat_at_the_start_of_a_loop_stops_the_open_one_at_its_end() -> None:
    played = groove((1.0, "closed_hat", 120), (15.0, "open_hat", 120))
    closed_alone, open_alone = (render(without(played, i), loop=True) for i in (1, 0))
    both = render(played, loop=True)
    at = SAMPLE_RATE // 8
    after = slice(at + synth.FADE_SAMPLES, at + synth.FADE_SAMPLES + 4_000)
    assert np.abs(open_alone[after]).max() > 0.01
    assert np.allclose(both[:at], open_alone[:at])
    assert np.allclose(both[after], closed_alone[after])


def test_an_open_hat_alone_in_a_loop_is_stopped_by_itself() -> None:
    played = groove((0.5, "open_hat", 120), n_steps=2)
    n, at = SAMPLE_RATE // 4, SAMPLE_RATE // 16
    ringing = render(played)
    looped = render(played, loop=True)
    rings_on = ringing[n : n + at]
    assert np.allclose(looped[:at], rings_on)
    assert np.allclose(looped[at + synth.FADE_SAMPLES :], ringing[at + synth.FADE_SAMPLES : n])


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


def test_a_hit_costs_a_few_lines_and_none_of_its_samples_any() -> None:
    """Sound is made by numpy: a loop over the samples of a hit would run thousands of lines."""

    def rendering(n: int) -> Callable[[], object]:
        played = groove(*[(i / 4, "snare", 40 + i) for i in range(n)], n_steps=32)
        return lambda: render(played)

    rendering(40)()
    assert (lines_of(rendering(80)) - lines_of(rendering(40))) / 40 < 100


def test_a_player_that_knows_only_the_parameters_and_the_one_file_plays_the_same() -> None:
    """The twin of the browser's player: no number and no sound of its own."""
    p = json.loads(json.dumps(synth.parameters()))
    with wave.open(io.BytesIO(kits.kit_wav())) as file:
        kit = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2") / 32_768
    played = groove((0.0, "open_hat", 37), (0.0, "kick", 127), (0.6, "closed_hat", 100), (0.6, "snare", 127))
    mix = np.zeros(2 * p["sample_rate"])
    for onset, voice, velocity in zip(played.onset_seconds, played.voice, played.velocity, strict=True):
        start, length = p["sounds"][VOICE_KEYS[voice]]
        a = 1 - np.exp(-2 * np.pi * p["cutoff_hz"][velocity * p["velocity_levels"] // 128] / p["sample_rate"])
        loudness = p["gain"] * (p["quietest"] + (1 - p["quietest"]) * (velocity / p["max_velocity"]) ** 2)
        at, y, struck = round(onset * p["sample_rate"]), 0.0, np.zeros(length)
        for i, x in enumerate(kit[start : start + length]):
            y += a * (x - y)
            struck[i] = loudness * y
        if voice == p["choked"]:
            hat = next(s for s, v in zip(played.onset_seconds, played.voice, strict=True) if v in p["chokers"] and s)
            until = round(hat * p["sample_rate"]) - at
            struck = struck[: until + p["fade_samples"]]
            struck[until:] *= np.linspace(1, 0, p["fade_samples"])
        mix[at : at + len(struck)] += struck
    knee = p["knee"]
    assert np.abs(mix).max() > knee
    bent = np.sign(mix) * (knee + (1 - knee) * np.tanh((np.abs(mix) - knee) / (1 - knee)))
    assert np.allclose(render(played), np.where(np.abs(mix) > knee, bent, mix), atol=1e-4)


def test_what_is_too_long_or_too_full_is_refused_in_a_sentence() -> None:
    with pytest.raises(RhythmVAEError, match="at most 120 seconds to play, got 240: choose fewer bars"):
        render(groove(n_steps=16 * 30, bpm=30.0))
    with pytest.raises(RhythmVAEError, match="at most 120 seconds to play, got 160"):
        render(groove(n_steps=16 * 20, bpm=60.0).at_rate(0.5))
    render(groove(n_steps=16 * 20, bpm=30.0).at_rate(2.0))
    with pytest.raises(RhythmVAEError, match="at most 20,000 hits"):
        render(groove(*[(0.0, "kick", 100)] * 20_001))


def test_the_wav_file_is_the_waveform() -> None:
    played = example("waltz")
    with wave.open(io.BytesIO(wav_bytes(played))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, SAMPLE_RATE)
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    assert np.allclose(samples / 32_767, render(played), atol=1e-4)
    choices = {"loop": True, "muted": (VOICE_INDEX["kick"],)}
    assert wav_bytes(played, **choices) == kits.to_wav(render(played, **choices))
