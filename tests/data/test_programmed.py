"""Takes made by rule: valid, of every kind, and what they say they are."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest
from grooves import groove, take

from rhythmvae.data import programmed
from rhythmvae.data.programmed import CHANGES, CLOSEST, METERS, RULES
from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.kit import N_VOICES, VOICE_INDEX

SEED = 5
PLAYED = [take(seed, n_steps=96, n_hits=80) for seed in range(3)]


@pytest.fixture(scope="module")
def made():
    return programmed.takes(400, SEED, PLAYED)


def rng(seed: int = SEED) -> np.random.Generator:
    return np.random.default_rng(seed)


def family(of) -> str:
    return of.name.split("/")[1]


def gaps(own: Groove) -> np.ndarray:
    """Distances of strokes of one drum that follow each other."""
    lanes = [own.position[own.voice == voice] for voice in range(N_VOICES)]
    return np.concatenate([np.diff(lane) for lane in lanes])


def test_takes_are_their_seed_and_no_two_are_alike(made):
    again = programmed.takes(40, SEED, PLAYED)
    assert all(a.name == b.name and a.groove == b.groove for a, b in zip(again, made, strict=False))
    assert programmed.takes(1, SEED + 1, PLAYED)[0].groove != made[0].groove
    by_rule = [one.groove.to_bytes() for one in made if family(one) in {f.__name__ for f in RULES}]
    assert len(set(by_rule)) == len(by_rule) > 200


def test_every_family_is_there(made):
    assert {family(one) for one in made} == {f.__name__ for f in (*RULES, *CHANGES)}
    by_rule = programmed.takes(50, SEED)
    assert {family(one) for one in by_rule} <= {f.__name__ for f in RULES}


def test_what_is_made_is_what_a_model_lacks(made):
    grooves = [one.groove for one in made]
    velocity = np.concatenate([own.velocity for own in grooves])
    assert {1, 127} <= set(velocity.tolist())
    assert {voice for own in grooves for voice in own.voice.tolist()} == set(range(N_VOICES))
    assert {(own.meters[0].numerator, own.meters[0].denominator) for own in grooves} == set(METERS)
    assert np.mean([len(set(own.velocity.tolist())) == 1 for own in grooves]) > 0.1  # all even
    assert np.mean([own.velocity.max() <= 20 for own in grooves]) > 0.04  # all soft
    assert np.mean([np.ptp(own.position * 12 % 1) < 1e-6 for own in grooves]) > 0.3  # exact
    distances = Counter(np.round(np.concatenate([gaps(own) for own in grooves]), 6).tolist())
    assert all(distances[round(step, 6)] > 50 for step in (1, 2 / 3, 1 / 2, 1 / 3, 1 / 4, 1 / 6))


def test_strokes_of_a_drum_are_apart(made):
    for one in made:
        own = one.groove
        # A take that was played may have two at once in the file.
        assert family(one) in {f.__name__ for f in CHANGES} or gaps(own).min(initial=1) > CLOSEST / 2


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_rule_stays_inside_every_meter(rule):
    for (meter, n_bars), seed in zip(product(METERS, (1, 2)), range(99), strict=False):
        of = Meter(0.0, *meter)
        frame = Groove.silent(round(n_bars * of.steps_per_bar), (Tempo(0.0, 90.0),), (of,))
        position, voice, _ = rule(rng(seed), frame).T
        assert (position >= 0).all()
        assert (position < frame.n_steps).all()
        assert set(voice.tolist()) <= set(range(N_VOICES))


def test_a_blast_beat_has_no_pause():
    frame = Groove.silent(32, (Tempo(0.0, 90.0),), (Meter(0.0, 4, 4),))
    longest = [np.diff(np.unique(programmed.blast(rng(seed), frame)[:, 0])).max() for seed in range(60)]
    assert np.mean(np.array(longest) <= 4 / 3) > 0.6  # but for those with a break


def test_double_time_makes_32nds_of_16ths():
    known = groove(*[(float(step), "closed_hat", 90) for step in range(64)], n_steps=64)
    fast = programmed.double_time(rng(), known)
    assert fast.n_steps == 32
    assert fast.position.tolist() == [step / 2 for step in range(64)]
    slow = programmed.half_time(rng(), known)
    assert slow.n_steps == 32
    assert slow.position.tolist() == [2.0 * step for step in range(16)]


def test_quantized_lies_on_a_grid():
    known = take(3).groove
    for seed in range(20):
        position = programmed.quantized(rng(seed), known).position
        assert any(np.allclose(position / step, np.rint(position / step)) for step in (1, 0.5, 2 / 3, 1 / 3, 0.25))


def test_levelled_keeps_the_timing():
    known = groove(*[(step + 0.1, "snare", 20 + step) for step in range(32)])
    levelled = [programmed.levelled(rng(seed), known) for seed in range(20)]
    assert all(own.position.tolist() == known.position.tolist() for own in levelled)
    assert all(own.velocity.tolist() != known.velocity.tolist() for own in levelled)


def test_rolled_changes_no_drum_but_the_rolled_ones():
    known = groove((0.1, "kick"), (8.0, "low_tom"), (16.2, "ride", 40), (31.7, "crash"))
    for seed in range(10):
        own = programmed.rolled(rng(seed), known)
        kept = [(p, v) for p, v in zip(known.position, known.voice, strict=True)]
        lost = {v for p, v in kept if (p, v) not in list(zip(own.position, own.voice, strict=True))}
        assert len(own) > len(known)
        assert all((own.voice == voice).sum() >= 2 for voice in lost)


def test_a_long_swing_reaches_into_the_next_16th():
    position = programmed._swung(rng(), np.arange(0, 8, 0.5))
    assert (np.diff(position) > 0).all()
    assert position[0] == 0
    assert position.max() < 8


def test_a_roll_takes_the_place_of_what_its_drum_played():
    hat, kick = VOICE_INDEX["closed_hat"], VOICE_INDEX["kick"]
    under = programmed._strokes(np.array([0.0, 2.0, 4.0, 2.0]), np.array([hat, hat, hat, kick]), 80)
    above = programmed._strokes(np.array([2.0, 2.5, 3.0]), hat, 50)
    found = programmed._over(under, above, 2.0, 4.0)
    rolled = [(place, hat, 50.0) for place in (2.0, 2.5, 3.0)]
    assert set(map(tuple, found.tolist())) == {(0.0, hat, 80.0), (2.0, kick, 80.0), (4.0, hat, 80.0), *rolled}
