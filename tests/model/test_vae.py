"""Every family keeps the same promises."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from grooves import random_groove
from helpers import is_near
from toys import FAMILY_TOYS, TOY, model, prior

from rhythmvae.data.windows import windows_of
from rhythmvae.errors import UsageError
from rhythmvae.groove import FOUR_IN_TIME, HIT, N_FEATURES, OFFSET, VELOCITY, WINDOW_STEPS, Layers
from rhythmvae.kit import N_VOICES
from rhythmvae.model.config import FAMILIES, PRESETS, ModelConfig, Weights
from rhythmvae.model.lean import Weightless
from rhythmvae.model.losses import elbo_terms, weighted
from rhythmvae.model.outline import MAX_FILE_BYTES
from rhythmvae.model.prior import Prior
from rhythmvae.model.vae import LOG_VARIANCE_RANGE, VELOCITY_HEADROOM, Outputs, RhythmVAE, to_tensor

families = pytest.mark.parametrize("config", FAMILY_TOYS.values(), ids=FAMILY_TOYS)


def batch(*lengths: int, layers: Layers = FOUR_IN_TIME) -> tuple[torch.Tensor, torch.Tensor]:
    windows = windows_of([random_groove(i, n, 40) for i, n in enumerate(lengths)], layers=layers)
    x, n_steps = windows.gather(np.arange(len(windows)))
    return torch.from_numpy(x), torch.from_numpy(n_steps)


@families
def test_shapes_and_ranges(config):
    x, n_steps = batch(32, 24, 14)
    built = model(config)
    posterior = built.encode(x, n_steps)
    assert all(part.shape == (3, config.latent_size) for part in posterior)
    low, high = LOG_VARIANCE_RANGE
    assert posterior.log_variance.min() >= low
    assert posterior.log_variance.max() <= high
    outputs = built.decode(posterior.sample(), n_steps)
    assert all(part.shape == (3, WINDOW_STEPS, N_VOICES, FOUR_IN_TIME.n) for part in outputs)
    assert 0 <= outputs.velocity.min() <= outputs.velocity.max() <= torch.tensor(VELOCITY_HEADROOM)
    assert -0.55 <= outputs.offset.min() <= outputs.offset.max() <= 0.55


def test_sixteen_numbers_a_quarter_note_at_the_default_size():
    with Weightless():
        built = RhythmVAE(ModelConfig())
    lengths = torch.tensor([1, 4, 14, 16, 24, 31, 32])
    assert built.latent_mask(lengths).sum(1).tolist() == [4, 16, 56, 64, 96, 124, 128]
    assert model(dataclasses.replace(FAMILY_TOYS["dense"], latent_size=3)).latent_mask(lengths).sum(1)[0] == 1


@families
def test_a_model_without_weights_has_their_shapes(config):
    with Weightless():
        hollow = [RhythmVAE(config), Prior(prior(config.latent_size).config)]
    for without, built in zip(hollow, (model(config), prior(config.latent_size)), strict=True):
        empty, weights = dict(without.named_buffers()), dict(built.named_buffers())
        empty |= dict(without.named_parameters())
        weights |= dict(built.named_parameters())
        assert all(tensor.is_meta for tensor in empty.values())
        assert {name: tensor.shape for name, tensor in empty.items()} == {n: t.shape for n, t in weights.items()}


@families
def test_nothing_lies_beyond_the_end(config):
    x, n_steps = batch(32, 24, 12, 1)
    built = model(config)
    posterior = built.encode(x, n_steps)
    for row, used in enumerate(built.latent_mask(n_steps).sum(1).int().tolist()):
        for part in (posterior.mean, posterior.log_variance, posterior.sample()):
            assert not part[row, used:].any()
            assert part[row, :used].any()
    outputs = built.decode(torch.full((4, config.latent_size), 3.0), n_steps)
    beyond = torch.arange(WINDOW_STEPS) >= n_steps[:, None]
    assert (outputs.hit_logit[beyond] == -torch.inf).all()
    assert torch.isfinite(outputs.hit_logit[~beyond]).all()
    assert not to_tensor(outputs)[beyond].any()


@families
def test_latents_that_a_window_does_not_have_change_nothing(config):
    _, n_steps = batch(12)
    built = model(config)
    z = torch.randn(1, config.latent_size, generator=torch.Generator().manual_seed(0))
    masked = z * built.latent_mask(n_steps)
    assert not torch.equal(z, masked)
    for a, b in zip(built.decode(z, n_steps), built.decode(masked, n_steps), strict=True):
        assert is_near(a, b)


@families
def test_a_window_means_the_same_beside_others(config):
    x, n_steps = batch(32, 24, 14)
    built = model(config)
    together, alone = built.encode(x, n_steps), built.encode(x[1:2], n_steps[1:2])
    assert is_near(together.mean[1], alone.mean[0])


@families
def test_the_latent_says_what_was_played(config):
    x, n_steps = batch(32, 32)
    built = model(config)
    posterior = built.encode(x, n_steps)
    assert not torch.allclose(posterior.mean[0], posterior.mean[1], atol=1e-3)
    logits = built.decode(posterior.mean, n_steps).hit_logit
    assert not torch.allclose(logits[0], logits[1], atol=1e-3)


@families
def test_the_gradient_reaches_every_parameter(config):
    built = model(config).train().requires_grad_(True)
    x, n_steps = batch(32, 24)
    posterior = built.encode(x, n_steps)
    outputs = built.decode(posterior.sample(torch.Generator().manual_seed(0)), n_steps)
    weighted(elbo_terms(outputs, x, posterior, built.scale), posterior, Weights(kl_warmup=0), 0).backward()
    for name, parameter in built.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.any(), name


@families
def test_one_seed_builds_one_model(config):
    def built(seed: int) -> list[torch.Tensor]:
        torch.manual_seed(seed)
        return list(RhythmVAE(config).state_dict().values())

    first, second, other = built(1), built(1), built(2)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_sampling_is_reparameterized_and_seeded():
    x, n_steps = batch(32, layers=TOY.layers)
    built = model().requires_grad_(True)
    posterior = built.encode(x, n_steps)
    draws = [posterior.sample(torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    first, again, other = (draw.detach() for draw in draws)
    assert is_near(first, again)
    assert not is_near(first, other)
    noise = torch.randn(1, TOY.latent_size, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(draws[0], posterior.mean + torch.exp(posterior.log_variance / 2) * noise)
    draws[0].sum().backward()
    assert any(p.grad is not None and p.grad.any() for p in built.encoder.parameters())


def test_the_most_likely_window_is_zero_where_nothing_is_hit():
    x, n_steps = batch(32, layers=TOY.layers)
    window = to_tensor(model().decode(model().encode(x, n_steps).mean, n_steps))
    assert window.shape == (1, WINDOW_STEPS, *TOY.layers.shape)
    silent = window[..., HIT] == 0
    assert silent.any()
    assert not silent.all()
    assert not window[..., VELOCITY][silent].any()
    assert not window[..., OFFSET][silent].any()


def test_a_velocity_may_go_beyond_the_loudest_and_is_clipped():
    _, n_steps = batch(32)
    built = model()
    *_, last_bias = built.decoder.parameters()
    last_bias.view(-1, N_FEATURES)[:, [HIT, VELOCITY]] += 50.0  # everything, as loud as can be
    outputs = built.decode(torch.zeros(1, TOY.latent_size), n_steps)
    assert (outputs.velocity > 1.0).all()
    window = to_tensor(outputs)
    assert (window[..., HIT] == 1.0).all()
    assert (window[..., VELOCITY] == 1.0).all()


def test_clipping_leaves_what_is_below_alone():
    x, n_steps = batch(32, layers=TOY.layers)
    outputs = model().decode(model().encode(x, n_steps).mean, n_steps)
    window = to_tensor(outputs)
    hit = window[..., HIT] == 1
    beyond = hit & (outputs.velocity > 1.0)
    assert beyond.any()
    assert (window[..., VELOCITY][beyond] == 1.0).all()
    assert torch.equal(window[..., VELOCITY][hit & ~beyond], outputs.velocity[hit & ~beyond])


@pytest.mark.parametrize("name", PRESETS)
def test_presets_build(name):
    config = ModelConfig(**PRESETS[name])
    assert (config.encoder, config.decoder, config.latent_size) == (name, name, 128)
    with torch.device("meta"):
        n_parameters = sum(p.numel() for p in RhythmVAE(config).parameters())
    assert 100_000 < n_parameters < MAX_FILE_BYTES / 2  # at half precision


def test_presets_are_the_families():
    assert tuple(PRESETS) == tuple(FAMILIES) == tuple(FAMILY_TOYS)


def test_families_mix():
    built = model(dataclasses.replace(TOY, encoder="gru", decoder="cnn"))
    x, n_steps = batch(32, layers=TOY.layers)
    assert built.decode(built.encode(x, n_steps).mean, n_steps).hit_logit.shape[0] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder": "transformer"}, "architecture out of attention, dense"),
        ({"decoder": None}, "architecture"),
        ({"latent_size": 0}, "latent_size from 1 to 1024"),
        ({"latent_size": 100}, "latent size that 8 divides"),
        ({"width": 18}, "a width that 4"),
        ({"width": 100_000}, "width from 8 to 4096"),
        ({"depth": 0}, "depth from 1 to 32"),
        ({"depth": True}, "depth from 1 to 32"),
        ({"width": 16.0}, "width"),
        ({"dropout": 1.0}, "dropout"),
        ({"dropout": float("nan")}, "dropout"),
        ({"dropout": "much"}, "dropout"),
    ],
    ids=str,
)
def test_configurations_that_cannot_be(change, message):
    with pytest.raises(UsageError, match=message):
        dataclasses.replace(TOY, **change)


# -- levels


def test_what_is_close_to_a_level_is_that_level():
    config = dataclasses.replace(TOY, velocity_levels=(92, 118), offset_levels=(0.0, 0.25))
    velocity = torch.tensor([90.0, 100.0, 105.0, 115.0, 20.0]) / 127
    offset = torch.tensor([0.03, 0.04, 0.22, -0.03, 0.4])
    outputs = Outputs(torch.ones(5), velocity, offset)
    window = to_tensor(outputs, config)
    assert (127 * window[:, 1]).round().tolist() == [92, 92, 105, 118, 20]
    assert window[:, 2].tolist() == pytest.approx([0.0, 0.04, 0.25, 0.0, 0.4])
    assert is_near(to_tensor(outputs)[:, 2], offset)
    assert is_near(to_tensor(outputs, TOY), to_tensor(outputs))


def test_levels_are_in_a_card_only_where_there_are_some():
    config = TOY
    assert not any(name.endswith("levels") for name in config.to_dict())
    levelled = dataclasses.replace(config, velocity_levels=(92, 118))
    assert ModelConfig.of_card(json.loads(json.dumps(levelled.to_dict()))) == levelled


@pytest.mark.parametrize(
    "levels",
    [
        {"velocity_levels": [0]},
        {"velocity_levels": [1e9]},
        {"velocity_levels": "92"},
        {"velocity_levels": [True]},
        {"velocity_levels": list(range(1, 18))},
        {"offset_levels": [0.6]},
        {"offset_levels": [float("nan")]},
        {"offset_levels": {"a": 1}},
    ],
    ids=str,
)
def test_levels_that_cannot_be(levels):
    with pytest.raises(UsageError, match="Expected up to 16"):
        dataclasses.replace(TOY, **levels)
