"""Fitting a prior and scales: what of the takes counts, and that it learns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from grooves import groove, random_groove
from helpers import is_near
from toys import TOY, model

from rhythmvae.analysis.descriptors import SLIDERS, TRAITS
from rhythmvae.data.corpus import Take
from rhythmvae.data.windows import MAX_PER_TAKE, prior_windows
from rhythmvae.errors import TrainingError
from rhythmvae.groove import Groove, Meter
from rhythmvae.model import checkpoint, generate, latent
from rhythmvae.model.card import Card
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.config import ModelConfig
from rhythmvae.model.prior import Prior, conditioning_of
from rhythmvae.training import prior as prior_training
from rhythmvae.training.descent import LAST_LEARNING_RATE
from rhythmvae.training.prior import fit

MODEL = model()


def take(played: Groove, style: str | None = None) -> Take:
    return Take("x.mid", played, labels={} if style is None else {"style": style})


def takes(n: int = 6, n_steps: int = 64) -> list[Take]:
    return [take(random_groove(seed, n_steps, n_steps), ("funk", "jazz")[seed % 2]) for seed in range(n)]


def starts(whole: Groove, windows: list[Groove]) -> list[int]:
    """Where in a groove its windows begin."""
    return [next(s for s in range(whole.n_steps) if whole.slice(s, s + 32) == window) for window in windows]


# -- windows


@pytest.mark.parametrize(
    ("n_bars", "meter", "expected"),
    [
        (4, (4, 4), [0, 16, 32]),
        (2, (4, 4), [0]),
        (4, (3, 4), [0, 12]),
        (5, (3, 4), [0, 12, 24]),
        (4, (7, 8), [0, 14]),
        (4, (6, 8), [0, 12]),
        (3, (5, 4), [0, 20]),
        (2, (12, 8), [0]),
        (12, (7, 32), [0, 4, 7, 10]),  # bars of three and a half steps
        (1, (15, 4), [0]),
    ],
    ids=str,
)
def test_windows_begin_at_bar_lines(n_bars, meter, expected):
    bars = Meter(0.0, *meter)
    whole = random_groove(1, round(n_bars * bars.steps_per_bar), 200, meters=(bars,))
    found = prior_windows([take(whole)])
    assert starts(whole, found.grooves) == expected
    assert all(window.n_steps == 32 for window in found.grooves)
    assert all(window.meters[0].numerator == meter[0] for window in found.grooves)


def test_a_window_knows_the_one_before_it():
    found = prior_windows([take(random_groove(1, 96, 90)), take(random_groove(2, 80, 80))])
    assert found.previous.tolist() == [-1, -1, 0, 1, 2, -1, -1, 5, 6]
    waltz = prior_windows([take(random_groove(1, 96, 90, meters=(Meter(0.0, 3, 4),)))])
    assert set(waltz.previous.tolist()) == {-1}  # no bar line is a window's length from another


def test_silent_windows_are_left_out_and_are_before_nothing():
    whole = groove((0, "kick"), (64, "snare"), (100, "ride"), n_steps=128)
    found = prior_windows([take(whole)])
    assert [len(window) for window in found.grooves] == [1, 1, 1, 1, 1]
    assert found.previous.tolist() == [-1, -1, -1, 1, 2]  # from steps 0, 48, 64, 80 and 96
    assert found.weight.tolist() == [4 / 5] * 5


@pytest.mark.parametrize("n_bars", [2, 5, 6, 20])
def test_no_take_counts_for_more_than_a_few_windows(n_bars):
    found = prior_windows([take(random_groove(1, 16 * n_bars, 16 * n_bars)), take(random_groove(2))])
    assert len(found.grooves) == n_bars
    assert found.weight[:-1].sum() == pytest.approx(min(n_bars - 1, MAX_PER_TAKE))
    assert found.weight[-1] == 1.0


def test_loops_are_tiled_if_most_takes_are_short():
    loops = [random_groove(1, 16, 20), random_groove(2, 12, 20, meters=(Meter(0.0, 3, 4),))]
    found = prior_windows(list(map(take, [*loops, random_groove(3, 48, 50)])))
    assert found.grooves[:2] == [loops[0].looped(2), loops[1].looped(3).slice(0, 32)]
    assert len(found.grooves) == 4
    beside = prior_windows(list(map(take, [loops[0], random_groove(3, 48, 50)])))
    assert len(beside.grooves) == 2  # a short file among long ones is no loop


def test_a_style_is_what_stands_before_the_stroke():
    labels = ["funk/groove1", "jazz", None, "/x", "  la\ntin ", "x" * 100]
    found = prior_windows([take(random_groove(1), label) for label in labels])
    assert found.style[:5] == ["funk", "jazz", "", "", "la tin"]
    assert len(found.style[5]) == 64


def test_bar_lines_on_one_step_are_one():
    """Bars of a step from the middle of one on: halves round to even."""
    whole = random_groove(1, 40, 60, meters=(Meter(0.0, 3, 32), Meter(1.5, 1, 16)))
    found = prior_windows([take(whole)])
    assert len(found.grooves) == len(found.style) == len(found.weight) == len(found.previous)
    assert starts(whole, found.grooves) == sorted(set(starts(whole, found.grooves)))


# -- fitting


@pytest.fixture
def steps(monkeypatch) -> Callable[[int], None]:
    """How many steps to take, small and at full speed from the first on."""
    monkeypatch.setattr(prior_training, "BATCH", 16)
    monkeypatch.setattr(prior_training, "WARMUP_STEPS", 1)

    def limited(n: int) -> None:
        monkeypatch.setattr(prior_training, "MIN_STEPS", n)
        monkeypatch.setattr(prior_training, "MAX_STEPS", n)

    limited(2)
    return limited


def state(own: Prior) -> dict[str, torch.Tensor]:
    return dict(own.state_dict())


def is_same(first: Prior, second: Prior) -> bool:
    a, b = state(first), state(second)
    return first.config == second.config and all(is_near(a[key], b[key]) for key in a)


def test_it_learns(steps):
    data = takes()
    windows = prior_windows(data).grooves
    means = torch.cat([latent.encode(MODEL, window).posterior.mean for window in windows])

    def surprise(n: int) -> float:
        steps(n)
        own, quantiles = fit(MODEL, data)
        conditioning = conditioning_of(windows, quantiles, own.config.styles)
        nothing = torch.zeros_like(means)
        return float(-own.log_density(nothing, nothing[:, 0], (means - own.mean) / own.std, conditioning).mean())

    untrained, trained = surprise(0), surprise(40)
    assert trained < untrained - 5


def test_one_seed_gives_one_prior_and_leaves_the_global_generator_alone(steps):
    steps(3)
    before = torch.get_rng_state()
    (first, quantiles), (second, _), (other, _) = (fit(MODEL, takes(), seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert is_same(first, second)
    assert not is_same(first, other)
    assert not first.training
    assert not any(p.requires_grad for p in first.parameters())
    again = fit(MODEL, takes(), 1)[1]
    assert all(np.array_equal(quantiles.knots[name], again.knots[name]) for name in quantiles.knots)
    steps(0)
    assert not torch.equal(fit(MODEL, takes(), 1)[0].slot, fit(MODEL, takes(), 2)[0].slot)


def test_latents_are_standardized_by_the_windows_as_they_weigh(steps):
    data = [take(random_groove(1, 16 * 41, 600)), *(take(random_groove(seed)) for seed in range(2, 6))]
    own, _ = fit(MODEL, data)
    windows = prior_windows(data)
    posterior = [latent.encode(MODEL, window).posterior for window in windows.grooves]
    mean = torch.cat([p.mean for p in posterior]).numpy()
    variance = torch.cat([p.log_variance for p in posterior]).exp().numpy()
    average = np.average(mean, axis=0, weights=windows.weight)
    assert np.allclose(own.mean, average, atol=1e-4)
    spread = np.average((mean - average) ** 2 + variance, axis=0, weights=windows.weight) ** 0.5
    assert np.allclose(own.std, spread, atol=1e-4)
    assert own.config.n_bank == 8  # four of the long take's 40, and four others


def test_the_bank_has_traits_and_styles_of_training_windows(steps):
    data = takes()
    own, quantiles = fit(MODEL, data)
    assert own.config.styles == ("funk", "jazz")
    windows = prior_windows(data)
    every = conditioning_of(windows.grooves, quantiles, own.config.styles, windows.style)
    rows = torch.cat([every.traits, every.mask, every.style[:, None]], dim=1).tolist()
    bank = torch.cat([own.bank, own.bank_known, own.bank_style[:, None]], dim=1).tolist()
    assert len(bank) == own.config.n_bank == len(rows) == 18
    assert sorted(bank) == sorted(rows)


def test_what_no_window_defines_is_no_trait(steps):
    kick_only = [take(groove(*((4 * i + shift, "kick", 50 + i) for i in range(8)))) for shift in (0, 1, 2)]
    own, quantiles = fit(MODEL, kick_only)
    names = [name for name in TRAITS if name in quantiles.knots]
    assert own.config.n_traits == len(names) < len(TRAITS)
    assert "loudness_kick" in names
    assert not {"swing", "loudness_snare"} & set(names)
    assert set(quantiles.knots) <= {*SLIDERS, *TRAITS}
    drawn = generate.sample(Checkpoint(MODEL, own, quantiles), n_bars=3)
    assert drawn.n_bars == 3


def test_it_stops_with_the_time(steps):
    steps(1000)
    now = -10.0

    def clock() -> float:
        nonlocal now
        now += 10.0
        return now

    done: list[tuple[int, int]] = []
    own, _ = fit(MODEL, takes(2), minutes=1.0, on_progress=lambda *told: done.append(told), clock=clock)
    assert done == [(step, 1000) for step in range(1, 7)]  # the clock is looked at before each, 10 s apart
    assert own.bank.isfinite().all()


def test_as_many_steps_as_are_asked_for(steps):
    steps(1000)
    done: list[tuple[int, int]] = []
    fit(MODEL, takes(2), steps=2, on_progress=lambda *told: done.append(told))
    assert done == [(1, 2), (2, 2)]


def test_what_a_device_computed_comes_back_to_the_cpu(steps, monkeypatch):
    """By the name of the one device that every machine has: what is moved there and back is told."""
    steps(2)
    moved: list[tuple[str, str]] = []
    for kind in (prior_training._Examples, Prior):
        original = kind.to

        def to(self, device, original=original, kind=kind):
            moved.append((kind.__name__, device))
            return original(self, device)

        monkeypatch.setattr(kind, "to", to)
    own, _ = fit(MODEL, takes(2), device="cpu:0")
    assert moved == [("_Examples", "cpu:0"), ("Prior", "cpu:0")]
    assert {part.device.type for part in own.state_dict().values()} == {"cpu"}


def test_no_time_at_all_is_a_step(steps):
    steps(1000)
    done: list[int] = []
    fit(MODEL, takes(2), minutes=1e-9, on_progress=lambda step, _: done.append(step))
    assert done == [1]


def test_the_learning_rate_comes_down_in_time(steps, monkeypatch):
    steps(1000)
    rates: list[float] = []
    optimizer = prior_training.AdamW

    class Recorded(optimizer):
        def step(self) -> None:
            rates.append(self.param_groups[0]["lr"])
            super().step()

    monkeypatch.setattr(prior_training, "AdamW", Recorded)
    clock = iter(range(0, 1000, 10))
    fit(MODEL, takes(2), minutes=1.0, clock=lambda: float(next(clock)))
    assert rates == sorted(rates, reverse=True)
    assert rates[0] > 0.9 * prior_training.LEARNING_RATE
    assert rates[-1] == pytest.approx(LAST_LEARNING_RATE * prior_training.LEARNING_RATE)


def test_more_windows_take_more_steps(monkeypatch):
    seen: list[int] = []

    def told(_: int, n_steps: int) -> None:
        seen.append(n_steps)

    monkeypatch.setattr(prior_training, "MIN_STEPS", 1)
    monkeypatch.setattr(prior_training, "MAX_STEPS", 3)
    monkeypatch.setattr(prior_training, "BATCH", 4)
    for n_bars in (2, 21, 61):
        fit(MODEL, [take(random_groove(1, 16 * n_bars, 16 * n_bars))], on_progress=told)
    assert seen == [1, 2, 2, 3, 3, 3]


@pytest.mark.parametrize(
    ("config", "n_tokens"),
    [
        (TOY, 8),
        (ModelConfig(latent_size=256, width=16, depth=1), 8),
        (ModelConfig("dense", "attention", latent_size=16, width=16, depth=1), 8),
        (ModelConfig("dense", "dense", latent_size=1, width=16, depth=1), 1),
        (ModelConfig("dense", "dense", latent_size=2, width=16, depth=1), 1),
        (ModelConfig("dense", "dense", latent_size=10, width=16, depth=1), 1),
        (ModelConfig("dense", "dense", latent_size=17, width=16, depth=1), 17),
        (ModelConfig("dense", "dense", latent_size=256, width=16, depth=1), 16),
    ],
    ids=lambda value: f"{value.encoder}-{value.latent_size}" if isinstance(value, ModelConfig) else str(value),
)
def test_latents_of_any_size_and_family_are_tokens(steps, tmp_path, config, n_tokens):
    built = model(config)
    own, quantiles = fit(built, takes(2))
    assert (own.config.latent_size, own.config.n_tokens) == (config.latent_size, n_tokens)
    assert own.config.token_size == config.latent_size // n_tokens
    checkpoint.save(tmp_path / "m.safetensors", built, own, quantiles, Card())
    assert generate.sample(checkpoint.load(tmp_path / "m.safetensors")).n_bars == 2


@pytest.mark.parametrize(
    "data",
    [
        [groove((0, "kick"), (4, "snare"), n_steps=16)],
        [groove((0, "kick"), n_steps=12, meters=(Meter(0.0, 3, 4),))],
        [groove((0, "kick"), n_steps=1)],
        [groove((0, "kick"), n_steps=16), groove(n_steps=200), groove(n_steps=300)],
        [groove((35, "kick"), n_steps=40)],
    ],
    ids=["a bar", "a bar of three", "a step", "a bar beside silence", "behind the last full window"],
)
def test_whatever_has_a_hit_will_do(steps, tmp_path, data):
    own, quantiles = fit(MODEL, list(map(take, data)))
    assert all(part.isfinite().all() for part in state(own).values())
    checkpoint.save(tmp_path / "m.safetensors", MODEL, own, quantiles, Card())
    loaded = checkpoint.load(tmp_path / "m.safetensors")
    generate.sample(loaded, n_bars=3, seed=1)
    generate.vary(loaded, data[0])


def test_only_styles_that_can_be_drawn_can_be_asked_for(steps, monkeypatch):
    monkeypatch.setattr(prior_training, "MAX_BANK", 1)
    own, _ = fit(MODEL, takes())
    assert len(own.config.styles) == 1
    assert own.bank_style.tolist() == [0]


def test_more_styles_than_a_prior_can_have(steps, monkeypatch):
    monkeypatch.setattr(prior_training, "MAX_STYLES", 2)
    often = [take(random_groove(seed), style) for seed, style in enumerate(["b", "a", "c", "a", "c", ""])]
    own, _ = fit(MODEL, often)
    assert own.config.styles == ("a", "c")
    assert sorted(own.bank_style.tolist()) == [0, 0, 1, 1, 2, 2]


def test_low_precision_fits_too(steps):
    own, _ = fit(MODEL, takes(2), precision="bfloat16")
    assert all(part.isfinite().all() and part.dtype == torch.float32 for part in state(own).values())


def test_what_diverges_is_said(steps, monkeypatch):
    steps(20)
    monkeypatch.setattr(prior_training, "LEARNING_RATE", 1e30)
    with pytest.raises(TrainingError, match=r"The prior diverged at step \d+"):
        fit(MODEL, takes(2))


# -- takes that are varied


def test_varied_takes_change_what_is_learned_and_nothing_that_is_measured(steps):
    steps(3)
    (played, scales), (varied, with_varied) = (fit(MODEL, takes(), varied=n) for n in (0, 2))
    for name in ("mean", "std", "bank", "bank_known", "bank_style"):
        assert torch.equal(getattr(played, name), getattr(varied, name))
    assert played.config == varied.config
    assert all(np.array_equal(scales.knots[name], with_varied.knots[name]) for name in scales.knots)
    assert not is_same(played, varied)


def test_what_was_played_is_learned_at_its_share_and_alone_at_the_end(steps, monkeypatch):
    data, drawn = takes(), []

    class Recorded(prior_training._Examples):
        def draw(self, *args):
            drawn.append(self.weight)
            return super().draw(*args)

    monkeypatch.setattr(prior_training, "_Examples", Recorded)
    steps(20)
    fit(MODEL, data, varied=2)
    n_played = len(prior_windows(data).grooves)
    of_played = [float(weight[:n_played].sum()) for weight in drawn]
    assert of_played[:17] == pytest.approx([prior_training.PLAYED_SHARE] * 17)
    assert of_played[17:] == pytest.approx([1.0] * 3)
    assert all(float(weight.sum()) == pytest.approx(1.0) for weight in drawn)
    assert all((weight[n_played:] > 0).any() for weight in drawn[:17])
