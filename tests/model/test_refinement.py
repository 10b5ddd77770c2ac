"""Latents brought nearer to their window: never worse than the encoder's, the same each time, in bounded work."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from grooves import groove, random_groove
from kept.make import KEPT
from toys import FAMILY_TOYS, checkpoint_of, model

from rhythmvae.analysis.metrics import Score, score
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.data.windows import grids_of
from rhythmvae.errors import CheckpointError
from rhythmvae.groove import HIT, WINDOW_STEPS, Groove
from rhythmvae.model import checkpoint, generate, latent, refinement
from rhythmvae.model import latent_map as latent_maps
from rhythmvae.model.card import FIRST_EDITION
from rhythmvae.model.losses import elbo_terms
from rhythmvae.model.vae import Posterior, RhythmVAE

SIZES = [(32, 20), (80, 100), (96, 4), (7, 3), (48, 0)]  # steps and hits
GROOVES = [random_groove(seed, n, hits) for seed, (n, hits) in enumerate(SIZES)]


def refining(built: RhythmVAE, n: int = 3) -> RhythmVAE:
    built.refinement = n
    return built


@pytest.fixture(scope="module")
def shipped() -> RhythmVAE:
    return checkpoint.load().model


def windows_of(built: RhythmVAE, grooves: list[Groove]) -> tuple[torch.Tensor, torch.Tensor]:
    own = [grid for played in grooves for grid in grids_of(played, built.config.layers)]
    x = np.zeros((len(own), WINDOW_STEPS, *own[0].shape[1:]), dtype=np.float32)
    for row, grid in enumerate(own):
        x[row, : len(grid)] = grid
    return torch.from_numpy(x), torch.tensor([len(grid) for grid in own])


def bound(built: RhythmVAE, posterior: Posterior, x: torch.Tensor, n_steps: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """What is to be low, as the module says it, and the wrong cells, of each window."""
    outputs = built.decode(posterior.mean, n_steps)
    terms = elbo_terms(outputs, x, posterior, built.scale)
    weights = {"hit": 6.0, "velocity": 2.0, "offset": 1.5, "spread": 16.0, "kl": 0.3}
    loss = sum(weight * terms[name] for name, weight in weights.items())
    return loss, ((outputs.hit_logit >= 0).float() != x[..., HIT]).flatten(1).sum(1)


@pytest.mark.parametrize("family", FAMILY_TOYS)
def test_no_window_is_further_than_the_encoder_has_it(family):
    built = refining(model(FAMILY_TOYS[family]))
    x, n_steps = windows_of(built, GROOVES)
    start = built.encode(x, n_steps)
    found = refinement.refined(built, start, x, n_steps)
    loss, wrong = bound(built, found, x, n_steps)
    loss_before, wrong_before = bound(built, start, x, n_steps)
    slack = 1e-4 * loss_before.abs()
    assert (loss <= loss_before + slack).all()
    assert (wrong <= wrong_before).all()
    assert torch.equal(found.log_variance, start.log_variance)
    assert not (found.mean * (1 - found.used)).any()


def test_a_step_that_makes_a_window_worse_is_taken_back(monkeypatch):
    built = refining(model())
    x, n_steps = windows_of(built, GROOVES)
    start = built.encode(x, n_steps)
    monkeypatch.setattr(refinement, "RATE", -1.0)  # the wrong way
    assert torch.equal(refinement.refined(built, start, x, n_steps).mean, start.mean)


def test_shipped_it_rebuilds_patterns_better_and_none_worse(shipped):
    plain = copy.deepcopy(shipped)
    plain.refinement = 0
    assert shipped.refinement == 3
    grooves = [example(key) for key in EXAMPLES]
    now, before = (
        [score(played, rebuilt) for played, rebuilt in zip(grooves, latent.reconstruct_each(by, grooves), strict=True)]
        for by in (shipped, plain)
    )
    assert all(a.matched.sum() >= b.matched.sum() and a.f1 >= b.f1 for a, b in zip(now, before, strict=True))
    total, was = Score.total(now), Score.total(before)
    assert (total.timing_mae_ms or 9) < 0.75 * (was.timing_mae_ms or 0)
    assert (total.velocity_mae or 9) < 0.75 * (was.velocity_mae or 0)


def rolling(velocity: Callable[[int], int]) -> Groove:
    """Two bars of 64ths on the hat over a beat, their velocities by number."""
    hats = [(n / 4, "closed_hat", velocity(n)) for n in range(128)]
    beat = [(step, "kick", 110) for step in range(0, 32, 8)] + [(step, "snare", 108) for step in range(4, 32, 8)]
    return groove(*hats, *beat, n_steps=32)


def test_what_is_still_far_goes_on_and_nothing_else_does(shipped, decoded, monkeypatch):
    even, swelling = rolling(lambda _: 100), rolling(lambda n: 40 + 5 * (n % 16))
    rebuilt = latent.reconstruct(shipped, swelling)
    assert len(decoded) == 4 + refinement.FAR_ROUNDS + 1 + 1  # the rounds, and the answer
    decoded.clear()
    latent.reconstruct(shipped, even)
    assert len(decoded) == 4 + 1
    monkeypatch.setattr(refinement, "FAR", 1.0)
    now, before = score(swelling, rebuilt), score(swelling, latent.reconstruct(shipped, swelling))
    assert now.f1 >= before.f1
    assert (now.velocity_mae or 99) < 0.85 * (before.velocity_mae or 0)


def test_it_is_the_same_each_time_and_in_company(shipped):
    played = [example("funk"), example("seven"), example("bossa")]
    alone = [latent.encode(shipped, one).posterior.mean for one in played]
    again = [latent.encode(shipped, one).posterior.mean for one in played]
    assert all(torch.equal(one, other) for one, other in zip(alone, again, strict=True))
    windows = [grid for one in played for grid in grids_of(one, shipped.config.layers)]
    together = latent.posterior_of(shipped, windows, is_refined=True).mean
    assert (torch.cat(alone) - together).abs().max() < 1e-3
    for one, rebuilt in zip(played, latent.reconstruct_each(shipped, played), strict=True):
        assert score(latent.reconstruct(shipped, one), rebuilt).f1 == 1.0


def test_all_that_rebuilds_agrees(shipped):
    played = example("funk").bars(1, 2)
    encoded, rebuilt = latent.encode(shipped, played), latent.reconstruct(shipped, played)
    assert latent.decode(shipped, encoded.posterior.mean, encoded.frame) == rebuilt
    with torch.inference_mode():
        assert latent.reconstruct(shipped, played) == rebuilt
    [varied] = generate.vary(checkpoint.shipped(), played, amount=0.0)
    assert varied.groove == rebuilt


def test_what_is_compared_by_the_thousands_goes_by_the_encoder(shipped):
    played = example("funk").bars(1, 2)
    plain = copy.deepcopy(shipped)
    plain.refinement = 0
    assert np.array_equal(latent.vectors(shipped, [played]), latent.vectors(plain, [played]))
    assert np.array_equal(latent_maps.encode(shipped, [played]), latent_maps.encode(plain, [played]))
    assert not torch.equal(latent.encode(shipped, played).posterior.mean, latent.encode(plain, played).posterior.mean)


@pytest.fixture
def decoded(monkeypatch) -> Iterator[list[int]]:
    """How many windows each call of the decoder had."""
    seen: list[int] = []
    decode = RhythmVAE.decode

    def counted(self, z, n_steps):
        seen.append(len(z))
        return decode(self, z, n_steps)

    monkeypatch.setattr(RhythmVAE, "decode", counted)
    return seen


def test_work_is_bounded(decoded, monkeypatch):
    slopes = []
    backward = refinement.backward
    monkeypatch.setattr(refinement, "backward", lambda *given: (slopes.append(1), backward(*given))[1])
    built = refining(model(), 2)
    played = random_groove(1, 150 * WINDOW_STEPS, 400)
    monkeypatch.setattr(refinement, "FAR", 1.0)
    latent.encode(built, played)
    assert (decoded, len(slopes)) == ([64] * 3 + [64] * 3 + [22] * 3, 6)
    decoded.clear(), slopes.clear()
    monkeypatch.setattr(refinement, "FAR", -1.0)
    latent.encode(built, played)
    n_rounds = 2 + refinement.FAR_ROUNDS
    assert (len(decoded), len(slopes)) == (3 * (n_rounds + 2), 3 * n_rounds)
    decoded.clear()
    latent.encode(refining(built, 0), GROOVES[1])
    assert decoded == []


def test_silence_and_one_step_go_through():
    built = refining(model())
    for played in (groove(n_steps=48), groove(n_steps=1)):
        assert latent.reconstruct(built, played).n_steps == played.n_steps
    assert latent.reconstruct_each(built, []) == []


# -- in a file -----------------------------------------------------------------


def test_a_checkpoint_says_it_of_itself(tmp_path):
    toy = checkpoint_of()
    toy.write(tmp_path / "plain.safetensors")
    refining(toy.model)
    toy.write(tmp_path / "nearer.safetensors")
    plain, nearer = (checkpoint.load(tmp_path / f"{name}.safetensors") for name in ("plain", "nearer"))
    assert (plain.card.refinement, nearer.card.refinement) == (None, 3)
    assert (plain.model.refinement, nearer.model.refinement) == (0, 3)
    assert plain.digest == nearer.digest  # latents of one are latents of the other
    assert plain.contents != nearer.contents  # but what is kept of one is not kept of the other
    assert latent.reconstruct(nearer.model, GROOVES[1]) != latent.reconstruct(plain.model, GROOVES[1])


@pytest.mark.parametrize("path", [FIRST_EDITION, KEPT / "toy.safetensors", KEPT / "toy_1.safetensors"])
def test_files_from_before_stay_with_the_encoder(path, decoded):
    loaded = checkpoint.load(path).model
    assert loaded.refinement == 0
    x, n_steps = windows_of(loaded, [example("funk")])
    assert torch.equal(latent.encode(loaded, example("funk")).posterior.mean, loaded.encode(x, n_steps).mean)
    assert decoded == []


def test_weights_that_give_no_numbers_are_still_a_sentence():
    built = refining(model())
    built.decoder.enter.weight.fill_(torch.nan)
    with pytest.raises(CheckpointError, match="give no numbers"):
        latent.reconstruct(built, GROOVES[0])
