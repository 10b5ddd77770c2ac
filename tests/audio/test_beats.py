"""Hits to a groove: tempo, bars, and every onset where it was heard."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rhythmvae.audio.beats import Wish, claimed, to_groove
from rhythmvae.audio.formats import Loop
from rhythmvae.audio.hits import RATE, Heard
from rhythmvae.data.examples import example
from rhythmvae.errors import AudioError
from rhythmvae.groove import Groove, Tempo
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.write import write_midi


def heard(groove: Groove, lead: float = 0.0, tail: float = 0.0) -> Heard:
    """A groove as a perfect ear hears it, with silence before and behind it."""
    seconds = groove.onset_seconds + lead
    kept = seconds >= 0
    n = int(kept.sum())
    duration = groove.duration_seconds + lead + tail
    return Heard(seconds[kept], groove.voice[kept], groove.velocity[kept], np.full(n, 0.9), 1.0, duration)


def at_bpm(name: str, bpm: float, times: int = 2) -> Groove:
    return replace(example(name).looped(times), tempos=(Tempo(0.0, bpm),))


def drifting(groove: Groove, share: float) -> Heard:
    """The groove played ever faster: by so much at its end."""
    own = heard(groove)
    end = own.duration_seconds
    seconds = own.seconds - share / 2 * own.seconds**2 / end
    return replace(own, seconds=seconds, duration_seconds=end * (1 - share / 2) + 0.5)


@pytest.mark.parametrize(("name", "bpm"), [("funk", 98.0), ("rock", 121.3), ("house", 124.0), ("motown", 131.7)])
def test_a_loop_has_the_tempo_of_its_length(name: str, bpm: float) -> None:
    loop = at_bpm(name, bpm)
    found = to_groove(heard(loop), "loop.wav")
    assert found.downbeat_seconds == 0.0
    assert found.groove.n_steps == loop.n_steps
    assert [str(meter) for meter in found.groove.meters] == ["4/4"]
    assert found.groove.tempos[0].bpm == pytest.approx(bpm, rel=1e-5)
    assert np.allclose(found.groove.position, loop.position[loop.position >= 0], atol=1e-3)


@pytest.mark.parametrize("bpm", [169.0, 171.0, 173.0, 175.0])
def test_of_the_octaves_of_a_loop_the_one_in_whole_bpm_is_likelier(bpm: float) -> None:
    """A rock beat with its hats in quarters, whose half would be as usual, in a sound that is whole samples long."""
    position = np.repeat(np.arange(0, 32, 4), 2).astype(np.float64)
    voice = np.tile([0, 2, 1, 2], 8)[: len(position)]  # kick and snare by turns, each with a hat
    loop = Groove(position, voice, np.full(len(position), 100), 32, (Tempo(0.0, bpm),))
    own = heard(loop)
    cut = replace(own, duration_seconds=np.ceil(own.duration_seconds * RATE) / RATE)
    assert to_groove(cut, "loop.wav").groove.tempos[0].bpm == pytest.approx(bpm, rel=1e-4)


@pytest.mark.parametrize("lead", [0.0, 0.004, 0.031, 0.37, 1.9, 4.2])
def test_every_onset_stands_where_it_was_heard(lead: float) -> None:
    own = heard(at_bpm("funk", 98.0, 4), lead, 0.7)
    found = to_groove(own, "take.wav")
    assert np.allclose(found.groove.onset_seconds, own.seconds, atol=1e-6)
    assert abs(found.downbeat_seconds - lead) < 0.03
    written, _ = read_midi(write_midi(found.groove), "take.mid")
    assert np.abs(np.sort(written.onset_seconds) - np.sort(own.seconds)).max() < 1e-3
    bars = found.groove.seconds(found.groove.bar_lines)
    assert np.abs(bars - found.downbeat_seconds).min() < 0.021


def test_a_lead_in_is_a_short_first_bar() -> None:
    groove = to_groove(heard(at_bpm("rock", 120.0, 4), 0.26), "take.wav", Wish(bpm=120.0)).groove
    assert [(meter.step, str(meter)) for meter in groove.meters] == [(0.0, "1/8"), (2.0, "4/4")]
    assert groove.tempo_at(8).bpm == pytest.approx(120.0, rel=2e-3)


def test_bars_stay_bars_when_the_tempo_drifts() -> None:
    played = at_bpm("rock", 110.0, 24)
    own = drifting(played, 0.08)
    found = to_groove(own, "take.wav")
    assert np.allclose(found.groove.onset_seconds, own.seconds, atol=1e-6)
    step = np.rint(played.position[played.position >= 0])
    assert np.mean(np.rint(found.groove.position) == step) > 0.98
    assert found.groove.tempo_at(found.groove.n_steps).bpm == pytest.approx(110.0 / 0.92, rel=0.02)


def test_swing_stays_microtiming() -> None:
    straight = at_bpm("rock", 120.0, 8)
    late = np.where(np.rint(straight.position) % 4 == 2, 0.45, 0.0)
    own = heard(straight.with_hits(straight.position + late, straight.voice, straight.velocity), 0.5, 0.4)
    groove = to_groove(own, "take.wav", Wish(bpm=120.0)).groove
    assert groove.tempo_at(20).bpm == pytest.approx(120.0, rel=1e-4)
    offbeat = np.rint(groove.position - 4) % 4 == 2
    assert np.median(groove.offset[offbeat]) == pytest.approx(0.45, abs=0.1)


# -- claims and wishes ---------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "tempos"),
    [
        ("Funk_92bpm.wav", [92.0]),
        ("BPM 174 amen.mp3", [174.0]),
        ("loop-87.5 bpm.flac", [87.5]),
        ("break_128_v2.wav", [128.0]),
        ("folder 120bpm/take 7.wav", []),
        ("1999 snare 300.wav", []),
        ("kick128.wav", []),
        ("900bpm.wav", []),
    ],
)
def test_a_name_claims_a_tempo(name: str, tempos: list[float]) -> None:
    assert list(claimed(name, None, 4.0)) == tempos


def test_a_claim_settles_the_octave_and_a_wrong_one_is_asked_about() -> None:
    loop = at_bpm("rock", 85.0)
    for bpm in (85.0, 170.0):
        found = to_groove(heard(loop), f"loop {bpm:g}bpm.wav")
        assert found.groove.tempos[0].bpm == pytest.approx(bpm, rel=1e-4)
    wrong = to_groove(heard(loop), "loop 97bpm.wav")
    assert wrong.groove.tempos[0].bpm == pytest.approx(85.0, rel=1e-4)
    assert 97.0 in wrong.other_bpm


def test_a_chunk_says_beats_and_meter() -> None:
    loop = at_bpm("rock", 85.0)
    found = to_groove(heard(loop), "a.wav", loop=Loop(64, None, (4, 4)))
    assert found.groove.tempos[0].bpm == pytest.approx(170.0, rel=1e-4)
    assert to_groove(heard(loop), "a.wav", loop=Loop(0, None, (2, 4))).groove.meters[0].numerator == 2


def test_what_the_user_says_holds() -> None:
    loop = at_bpm("rock", 85.0, 3)
    found = to_groove(heard(loop), "128bpm.wav", Wish(170.0, (3, 4)))
    assert found.groove.tempos[0].bpm == pytest.approx(170.0, rel=1e-4)
    assert [str(meter) for meter in found.groove.meters] == ["3/4"]
    assert found.other_bpm == ()


def test_a_shuffle_in_triplets_alone_is_in_twelve() -> None:
    position = np.arange(0.0, 64.0, 4 / 3)
    voice = np.where(np.arange(48) % 12 == 0, 0, np.where(np.arange(48) % 12 == 6, 1, 2))
    triplets = Groove(position, voice, np.full(48, 90), 64, (Tempo(0.0, 90.0),))
    groove = to_groove(heard(triplets), "slow.wav", Wish(bpm=90.0)).groove
    assert str(groove.meters[-1]) == "12/8"
    assert groove.tempos[-1].bpm == pytest.approx(135.0, rel=1e-4)
    assert groove.n_steps == 96


def test_few_hits_and_none() -> None:
    one = Heard(np.array([0.2]), np.array([1]), np.array([90]), np.array([0.9]), 1.0, 0.5)
    assert to_groove(one, "one.wav").groove.onset_seconds == pytest.approx([0.2])
    empty = np.zeros(0)
    none = Heard(empty, empty.astype(int), empty.astype(int), empty, 1.0, 2.0)
    with pytest.raises(AudioError, match="heard none"):
        to_groove(none, "none.wav")


@pytest.mark.parametrize("seed", range(4))
def test_hits_that_lie_anywhere_stand_where_they_were_heard(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, duration = int(rng.integers(1, 300)), float(rng.uniform(0.2, 90.0))
    own = Heard(
        np.sort(rng.uniform(0, duration, n)), rng.integers(0, 9, n), rng.integers(1, 128, n), np.ones(n), 0.5, duration
    )
    assert np.allclose(to_groove(own, "x.wav").groove.onset_seconds, own.seconds, atol=1e-6)
