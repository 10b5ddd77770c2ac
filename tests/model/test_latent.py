"""Grooves to latents and back: any meter, any length, nothing smuggled."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from grooves import groove, random_groove
from helpers import is_near
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import FAMILY_TOYS, model

from rhythmvae.errors import CheckpointError
from rhythmvae.groove import Meter, Tempo, to_grid
from rhythmvae.midi.write import write_midi
from rhythmvae.model import latent
from rhythmvae.model.latent import decode, encode, frame_of, reconstruct, reconstruct_sampled

TOY_MODEL = model()


@pytest.mark.parametrize("config", FAMILY_TOYS.values(), ids=FAMILY_TOYS)
def test_reconstruction_is_decoding_what_was_encoded(config):
    built, played = model(config), random_groove(1, 80, 100)
    encoded = encode(built, played)
    rebuilt = reconstruct(built, played)
    assert len(rebuilt)
    assert decode(built, encoded.posterior.mean, encoded.frame) == rebuilt
    assert reconstruct(built, played) == rebuilt


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    n_steps=st.integers(1, 120),
    meter=st.sampled_from([(4, 4), (3, 4), (5, 4), (6, 8), (7, 8), (12, 8), (7, 32), (17, 16), (1, 16), (15, 4)]),
    seed=st.integers(0, 100),
)
def test_any_meter_and_length_keeps_its_frame(n_steps, meter, seed):
    played = random_groove(
        seed, n_steps + 1, seed, meters=(Meter(0.0, *meter),), tempos=(Tempo(0.0, 90.0), Tempo(0.5, 133.0))
    )
    rebuilt = reconstruct(TOY_MODEL, played)
    assert (rebuilt.n_steps, rebuilt.meters, rebuilt.tempos) == (played.n_steps, played.meters, played.tempos)
    assert rebuilt.n_bars == played.n_bars
    write_midi(rebuilt)


def test_an_empty_groove_goes_through():
    rebuilt = reconstruct(TOY_MODEL, groove(n_steps=48))
    assert rebuilt.n_steps == 48
    assert encode(TOY_MODEL, groove(n_steps=48)).posterior.mean.shape == (2, 32)


def test_what_is_encoded_holds_no_hits():
    played = random_groove(3, 64, 60)
    encoded = encode(TOY_MODEL, played)
    assert len(encoded.frame) == 0
    assert (encoded.frame.title, encoded.frame.source) == ("", "")
    assert encoded.frame == frame_of(played)
    assert set(vars(encoded)) == {"frame", "posterior"}


def test_each_window_has_its_own_latent():
    played = random_groove(4, 96, 120)
    changed = played.with_hits(
        *(np.delete(a, np.flatnonzero(played.step >= 64)) for a in (played.position, played.voice, played.velocity))
    )
    before, after = (encode(TOY_MODEL, g).posterior.mean for g in (played, changed))
    assert is_near(before[:2], after[:2])
    assert not is_near(before[2], after[2])


def test_latents_must_fit_their_frame():
    with pytest.raises(ValueError, match="1 latents do not fit a frame of 2 windows"):
        decode(TOY_MODEL, torch.zeros(1, 32), frame_of(groove(n_steps=64)))


def test_latents_that_are_no_numbers_are_a_sentence():
    with pytest.raises(CheckpointError, match="give no numbers"):
        decode(TOY_MODEL, torch.full((1, 32), float("nan")), frame_of(groove()))


def test_a_sampled_posterior_is_its_seed():
    played = random_groove(5)
    first, second, other = (reconstruct_sampled(TOY_MODEL, played, seed) for seed in (1, 1, 2))
    assert first == second
    assert first != other


def test_a_groove_of_many_windows_goes_through_in_batches(monkeypatch):
    played = random_groove(6, 100, 150, meters=(Meter(0.0, 3, 16),))
    whole = encode(TOY_MODEL, played)
    monkeypatch.setattr(latent, "BATCH", 3)
    parts = encode(TOY_MODEL, played)
    assert len(whole.posterior.mean) > 3
    assert is_near(whole.posterior.mean, parts.posterior.mean)
    assert torch.equal(whole.posterior.used, parts.posterior.used)
    rebuilt = [
        to_grid(g).tensor
        for g in (decode(TOY_MODEL, parts.posterior.mean, parts.frame), reconstruct(TOY_MODEL, played))
    ]
    assert is_near(*rebuilt, worst=0.01)  # a velocity next to a half may be rounded up or down
