"""The prior: one distribution, drawn from, measured and turned into noise in the same order."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from grooves import groove, random_groove
from helpers import is_near
from scipy.stats import kstest
from toys import prior, quantiles

from rhythmvae.analysis.descriptors import TRAITS
from rhythmvae.errors import CheckpointError, UsageError
from rhythmvae.model.prior import BLUR, MAX_NOISE, Conditioning, Mixture, Prior, PriorConfig, conditioning_of

SIZE = 32  # eight tokens of four


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=generator(seed))


def asked(n: int = 1, seed: int = 0) -> Conditioning:
    """What n grooves should be like, each something else."""
    traits = normal(n, prior().config.n_traits, seed=seed)
    return Conditioning(traits, (normal(*traits.shape, seed=seed + 1) > 0).float(), torch.arange(n) % 3)


def small(size: int, n_tokens: int, **more: int) -> Prior:
    """A prior of few numbers, of which every one counts."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        built = Prior(PriorConfig(size, n_tokens, 1, 2, width=8, depth=1, hidden=16, n_components=3, **more))
        with torch.no_grad():
            for parameter in built.parameters():
                parameter.add_(0.2 * torch.randn_like(parameter))
    return built.eval().requires_grad_(False)


@pytest.fixture
def own() -> Prior:
    """A prior of latents that are not standardized."""
    built = prior()
    built.mean.copy_(normal(SIZE, seed=8))
    built.std.copy_(normal(SIZE, seed=9).exp())
    return built


# -- one distribution


def test_a_number_depends_on_earlier_ones_alone(own):
    """Window after window, token after token, number after number; what is two windows back is forgotten."""
    z = normal(3, SIZE) * own.std + own.mean
    n = z.numel()
    nudged = z.repeat(n + 1, 1, 1).flatten(1)
    nudged[torch.arange(n), torch.arange(n)] += own.std.repeat(3)
    *others, base = own.to_noise(nudged.view(n + 1, 3, SIZE), asked().repeat(n + 1)).flatten(1)
    change = (torch.stack(others) - base).abs()  # row: what was nudged, column: what became of it
    assert (change.diagonal() > 1e-3).all()
    assert change.tril(-1).max() < 1e-5
    assert change[:SIZE, 2 * SIZE :].max() < 1e-5
    later = change.triu(1)[:, : 2 * SIZE]
    assert (later.amax(1)[: 2 * SIZE - 1] > 1e-4).all()  # all but the last have a say


def test_what_is_wanted_has_a_say_unless_it_is_left_open(own):
    z = normal(1, 1, SIZE) * own.std + own.mean
    conditioning = asked()
    noise = own.to_noise(z, conditioning)
    open_ones = conditioning._replace(traits=conditioning.traits + 5 * (1 - conditioning.mask))
    assert torch.equal(own.to_noise(z, open_ones), noise)
    for other in (
        conditioning._replace(traits=conditioning.traits + conditioning.mask),
        conditioning._replace(style=conditioning.style + 1),
    ):
        assert not torch.allclose(own.to_noise(z, other), noise, atol=1e-3)


def test_an_absent_window_before_says_nothing(own):
    window, conditioning = normal(2, SIZE), asked(2)
    befores = [normal(2, SIZE, seed=seed) for seed in (1, 2)]
    absent, present = (
        [own.log_density(before, torch.full((2,), share), window, conditioning) for before in befores]
        for share in (0.0, 1.0)
    )
    assert torch.equal(*absent)
    assert not torch.allclose(*present)
    assert not torch.allclose(absent[0], present[0])


def test_the_density_is_that_of_the_mixtures_drawn_from(own):
    conditioning = asked(3)
    log_density = torch.zeros(2, 3)
    draws = generator(4)

    def choose(place: tuple[int, int, int], mixture: Mixture) -> torch.Tensor:
        value = torch.randn(3, generator=draws)
        components = torch.distributions.Normal(mixture.mean, mixture.log_std.exp())
        weights = torch.distributions.Categorical(logits=mixture.log_weight)
        log_density[place[0]] += torch.distributions.MixtureSameFamily(weights, components).log_prob(value)
        return value

    first, second = ((own._in_order(2, conditioning, choose) - own.mean) / own.std).unbind(1)
    nothing = torch.zeros(3, SIZE)
    assert torch.allclose(own.log_density(nothing, torch.zeros(3), first, conditioning), log_density[0], atol=1e-3)
    assert torch.allclose(own.log_density(first, torch.ones(3), second, conditioning), log_density[1], atol=1e-3)


@pytest.mark.parametrize(("size", "n_tokens"), [(1, 1), (2, 1), (2, 2)], ids=["1", "1 token of 2", "2 tokens of 1"])
def test_the_density_is_one_in_all(size, n_tokens):
    own = small(size, n_tokens)
    axis = torch.linspace(-12, 12, 301)
    points = torch.cartesian_prod(*[axis] * size).view(-1, size)
    rows = len(points)
    conditioning = Conditioning(torch.ones(1, 2), torch.ones(1, 2), torch.zeros(1, dtype=torch.long)).repeat(rows)
    density = own.log_density(torch.zeros(rows, size), torch.zeros(rows), points, conditioning).exp()
    assert float(density.sum() * (axis[1] - axis[0]) ** size) == pytest.approx(1.0, abs=1e-3)
    assert (density >= 0).all()


# -- noise


# Probabilities are float32: near 1 they are 6e-8 apart, which is 0.0005 standard deviations four of them out, and
# steeper where a narrow component ends; each token and window starts from the rounding of those before it. On another
# processor the worst of a thousand standardized numbers may be ten times what it is here (0.011).
THERE_AND_BACK = {"most": 0.005, "worst": 0.1}


@pytest.mark.parametrize("n_windows", [1, 3])
@pytest.mark.parametrize("batch", [1, 4])
def test_there_and_back(own, n_windows, batch):
    conditioning = asked(batch)
    z = normal(batch, n_windows, SIZE) * own.std + own.mean
    noise = own.to_noise(z, conditioning)
    assert noise.shape == z.shape
    assert is_near(own.from_noise(noise, conditioning) / own.std, z / own.std, **THERE_AND_BACK)
    noise = normal(batch, n_windows, SIZE, seed=5)
    z = own.from_noise(noise, conditioning)
    assert is_near(own.to_noise(z, conditioning), noise, **THERE_AND_BACK)
    one_by_one = [
        own.from_noise(noise[i : i + 1], Conditioning(*(part[i : i + 1] for part in conditioning)))
        for i in range(batch)
    ]
    assert is_near(torch.cat(one_by_one), z, **THERE_AND_BACK)


def test_samples_are_standard_normal_noise(own):
    noise = own.to_noise(own.sample(60, asked(), 1.0, generator())[None], asked()).flatten().numpy()
    assert kstest(noise, "norm").pvalue > 0.01


@pytest.mark.parametrize("size", [0.0, 5.0, 50.0, 1e4], ids=str)
def test_latents_that_nobody_has_are_noise_all_the_same(own, size):
    noise = own.to_noise(size * normal(2, 3, SIZE).sign(), asked(2))
    assert noise.isfinite().all()
    assert noise.abs().max() <= MAX_NOISE


@pytest.mark.parametrize("size", [0.0, 5.0, 50.0, 1e30, np.inf], ids=str)
def test_noise_that_nobody_draws_is_latents_all_the_same(own, size):
    noise = torch.where(normal(2, 3, SIZE) > 0, size, -size)
    z = own.from_noise(noise, asked(2))
    assert z.isfinite().all()
    assert ((z - own.mean) / own.std).abs().max() < 100
    assert torch.equal(own.from_noise(noise.clamp(-9, 9), asked(2)), z)


# -- drawing


def test_one_seed_draws_one_groove(own):
    first, again, other = (own.sample(4, asked(), 1.0, generator(seed)) for seed in (3, 3, 4))
    assert first.shape == (4, SIZE)
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    drawn, once_more, another = (own.conditioning(1.0, generator(seed)) for seed in (3, 3, 4))
    assert all(map(torch.equal, drawn, once_more))
    assert not torch.equal(drawn.traits, another.traits)


def test_temperature_zero_is_one_groove_whatever_the_seed(own):
    conditioning = [own.conditioning(0.0, generator(seed)) for seed in range(20)]
    assert all(all(map(torch.equal, conditioning[0], other)) for other in conditioning)
    assert torch.allclose(conditioning[0].traits[0], own.bank.mean(0), atol=1e-4)
    drawn = [own.sample(3, conditioning[0], 0.0, generator(seed)) for seed in range(20)]
    assert all(torch.equal(drawn[0], other) for other in drawn)


def test_temperature_zero_decides_between_components_that_are_as_likely():
    torch.manual_seed(0)
    fresh = Prior(PriorConfig(16, 2, 1, 2, width=8, depth=1, hidden=16)).eval()  # its components differ by hairs
    conditioning = fresh.conditioning(0.0, generator())
    drawn = [fresh.sample(2, conditioning, 0.0, generator(seed)) for seed in range(5)]
    assert all(torch.equal(drawn[0], other) for other in drawn)


def test_the_hotter_the_wilder(own):
    def spread(temperature: float) -> float:
        drawn = torch.stack([own.sample(1, asked(), temperature, generator(seed)) for seed in range(16)])
        return float((drawn.std(0) / own.std).mean())

    spreads = [spread(temperature) for temperature in (0.1, 0.5, 1.0, 2.0)]
    assert spreads == sorted(spreads)
    assert spreads[0] < 0.5 * spreads[2] < 0.8 * spreads[3]


def test_traits_wander_from_the_average_as_it_gets_hotter(own):
    average = own.bank.mean(0)
    half, full, hot = (
        own.conditioning(temperature, generator(1)).traits[0] - average for temperature in (0.5, 1.0, 3.0)
    )
    assert torch.allclose(2 * half, full, atol=1e-4)
    assert torch.equal(hot, full)  # nobody is asked for what nobody plays


# -- styles


def with_styles_apart() -> Prior:
    """The traits of a training window say its style: 100 times its number."""
    built = prior(styles=("funk", "jazz", "rock"))
    built.bank.copy_(100 * built.bank_style[:, None].expand_as(built.bank))
    return built


def test_a_style_is_drawn_from_windows_of_that_style_alone():
    own = with_styles_apart()
    for index, style in enumerate(own.config.styles):
        for seed in range(20):
            conditioning = own.conditioning(1.0, generator(seed), style)
            assert (conditioning.traits - 100 * index).abs().max() < 8 * BLUR
            assert conditioning.style.tolist() == [index]
        typical = own.conditioning(0.0, generator(), style)
        assert torch.allclose(typical.traits, torch.full_like(typical.traits, 100.0 * index))
        assert typical.style.tolist() == [index]
    met = {round(float(own.conditioning(1.0, generator(seed)).traits.mean()) / 100) for seed in range(60)}
    assert len(met) == 4  # without a style they come from anywhere
    assert own.conditioning(0.0, generator()).style.tolist() == [3]


def test_what_a_window_leaves_open_is_left_open():
    own = with_styles_apart()
    own.bank_known[:, 0] = 0.0
    own.bank_known[:, 1] = (own.bank_style == 1).float()
    own.bank[:, 0] = 1e6
    for seed in range(10):
        mask = own.conditioning(1.0, generator(seed), "jazz").mask[0]
        assert mask[:2].tolist() == [0, 1]
        assert own.conditioning(1.0, generator(seed), "funk").mask[0, :3].tolist() == [0, 0, 1]
    typical = own.conditioning(0.0, generator())
    assert typical.mask[0, :3].tolist() == [0, 1, 1]
    assert typical.traits[0, 1] == pytest.approx(100.0)  # of those who know


def test_styles_that_are_not_there():
    with pytest.raises(UsageError, match=r"Expected one of the styles funk, jazz, got 'polka'\."):
        prior().conditioning(1.0, generator(), "polka")
    with pytest.raises(UsageError, match=r"Expected no style, as this model's data names none, got 'funk'\."):
        prior(styles=()).conditioning(1.0, generator(), "funk")
    with pytest.raises(UsageError) as caught:
        prior(styles=("a\x1b[31m\nb",)).conditioning(1.0, generator(), "x" * 1000)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


# -- what windows are like


def test_windows_as_they_would_be_asked_for():
    own = quantiles()
    windows = [random_groove(1), groove((0, "kick"), (8, "kick"))]
    conditioning = conditioning_of(windows, own, ("funk", "jazz"), ("jazz", "polka"))
    assert conditioning.style.tolist() == [1, 2]
    assert conditioning_of(windows, own, ("funk", "jazz")).style.tolist() == [2, 2]
    names = [name for name in TRAITS if name in own.knots]
    assert conditioning.traits.shape == conditioning.mask.shape == (2, len(names))
    assert conditioning.mask[0].all()
    mask = dict(zip(names, conditioning.mask[1].tolist(), strict=True))
    assert (mask["hits_kick"], mask["loudness_kick"], mask["loudness_snare"], mask["swing"]) == (1, 1, 0, 0)
    assert conditioning.traits[0, names.index("density")] == pytest.approx(own.score("density", 30 / 8))
    assert (conditioning.traits[conditioning.mask == 0] == 0).all()


# -- what cannot be


@pytest.mark.parametrize(
    "change",
    [
        {"latent_size": 0},
        {"latent_size": 2.0},
        {"latent_size": True},
        {"n_tokens": 5},
        {"n_tokens": 64},
        {"n_tokens": 0},
        {"n_bank": 0},
        {"n_bank": 10**9},
        {"n_traits": 257},
        {"width": 10},
        {"width": 10**9},
        {"depth": 33},
        {"hidden": "256"},
        {"n_components": None},
        {"styles": ("",)},
        {"styles": ("x" * 65,)},
        {"styles": (1,)},
        {"styles": ("x",) * 257},
    ],
    ids=lambda change: str(change)[:30],
)
def test_configurations_that_cannot_be(change):
    with pytest.raises(UsageError, match="Expected"):
        PriorConfig(**{"latent_size": 32, "n_tokens": 8, "n_bank": 1, "n_traits": 2, **change})


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_weights_that_give_no_numbers_are_a_sentence(temperature):
    own = prior()
    own.within.last.weight.fill_(3e38)
    with pytest.raises(CheckpointError, match="give no numbers"):
        own.sample(1, asked(), temperature, generator())


def test_drawing_leaves_the_global_generator_alone(own):
    before = torch.get_rng_state()
    own.sample(1, own.conditioning(1.0, generator()), 1.0, generator())
    own.to_noise(torch.zeros(1, 1, SIZE), asked())
    assert torch.equal(torch.get_rng_state(), before)
