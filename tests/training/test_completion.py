"""Fitting a completion: what is left of windows, that it learns, goes on bit for bit and takes over what was known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from grooves import random_groove
from toys import TOY, completion, model, prior, quantiles

from rhythmvae.data.corpus import Enough, Take
from rhythmvae.data.windows import prior_windows
from rhythmvae.groove import HIT, STEPS_PER_QUARTER, WINDOW_STEPS, to_grid
from rhythmvae.kit import N_VOICES
from rhythmvae.model.completing import Completer, feel_each
from rhythmvae.model.completion import AFTER, BEFORE, THIS, Completion
from rhythmvae.model.given import Given
from rhythmvae.training import completion as completion_training
from rhythmvae.training import hiding
from rhythmvae.training.completion import Fitting, Plan, fit

TAKES = [Take("x.mid", random_groove(seed, 96, 90), labels={"style": ("funk", "jazz")[seed % 2]}) for seed in range(4)]
PLAN = Plan(steps=6, batch=8)


def fitting(start: Completion | None = None) -> Fitting:
    own = completion() if start is None else start
    return Fitting(model(), prior(), quantiles(), prior_windows(TAKES), PLAN, seed=1, config=own.config, start=start)


def windows() -> np.ndarray:
    """(8, 3, T, V, L, F)"""
    each = [to_grid(random_groove(seed, WINDOW_STEPS, 60), TOY.layers).tensor for seed in range(24)]
    return np.stack(each).reshape(8, 3, *each[0].shape)


# -- what is left --------------------------------------------------------------


@pytest.mark.parametrize("kind", hiding.KINDS)
def test_velocities_and_offsets_are_given_of_given_strokes_alone(kind: str) -> None:
    left = hiding.left_of(windows(), kind, np.random.default_rng(0))
    assert set(np.unique(left.hits)) <= {0.0, 1.0}
    assert (left.velocities <= left.hits).all()
    assert (left.offsets <= left.hits).all()
    if kind in ("nothing", "taps"):
        assert not left.hits[:, THIS].any()
    if kind == "stiff":
        assert left.hits[:, THIS].all()
        assert not left.offsets[:, THIS].all()
    if kind == "voices":  # of a drum all or nothing, in the whole window
        assert (left.hits[:, THIS].min(1) == left.hits[:, THIS].max(1)).all()
    if kind == "beats":
        beats = left.hits[:, THIS].reshape(8, -1, STEPS_PER_QUARTER, N_VOICES)
        assert (beats.min((2, 3)) == beats.max((2, 3))).all()
    assert left.tapped.any() == left.taps.any() == (kind == "taps")


def test_all_kinds_come_and_each_window_is_left_by_itself() -> None:
    x = windows()[np.arange(400) % 8]
    left = hiding.leave(x, np.random.default_rng(0))
    tapped = left.tapped[:, 0] > 0
    assert tapped.mean() == pytest.approx(hiding.SHARES[-1], abs=0.05)
    assert (left.taps[~tapped] == 0).all()
    assert left.hits[:, BEFORE].any((1, 2)).mean() > 0.4
    assert left.hits[:, AFTER].any((1, 2)).mean() > 0.2


def test_taps_are_no_drums() -> None:
    """One stroke a step of whatever was played there, in the first layer, nearly all of them, near where they were."""
    x = windows()[:, THIS]
    taps = hiding.tapped_by(x, np.random.default_rng(0))
    played = x[..., HIT].max((2, 3))
    assert taps.shape == (8, WINDOW_STEPS, *x.shape[3:])
    assert (taps[..., HIT].max(2) <= played).all()
    assert taps[:, :, 0, HIT].sum() > 0.5 * played.sum()


# -- learning ------------------------------------------------------------------


def test_it_learns() -> None:
    own = Fitting(model(), prior(), quantiles(), prior_windows(TAKES), Plan(60, 8, 3e-3), config=completion().config)
    losses = [(float(each.drawn), float(each.missed)) for each in own.run()]
    first, last = np.mean(losses[:10], axis=0), np.mean(losses[-10:], axis=0)
    assert last[0] < 0.85 * first[0]
    assert last[1] < 0.995 * first[1]  # an untrained decoder rebuilds little
    assert not any(parameter.requires_grad for parameter in own.kept.parameters())


def test_a_fitting_goes_on_bit_for_bit() -> None:
    straight = fitting()
    list(straight.run())
    begun = fitting()
    for _ in begun.run():
        if begun.step == 3:
            break
    resumed = fitting()
    resumed.restore(begun.state())
    list(resumed.run())
    first, second = straight.kept.state_dict(), resumed.kept.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_what_is_drawn_is_as_loud_as_what_was_played() -> None:
    """Of a drum with hits enough, however it was drawn before; others stay as they are drawn."""
    rng = np.random.default_rng(0)
    step = np.arange(128)
    loud = np.where(rng.random(128) < 0.4, 120, rng.integers(10, 40, 128))
    takes = [
        random_groove(seed, 128, 0).with_hits([*step, 0.0], [*np.zeros(128, int), 5], [*np.roll(loud, seed), 64])
        for seed in range(3)
    ]
    own = fitting().kept
    own = Completion(replace(own.config, n_touch=33)).eval().requires_grad_(False)
    own.load_state_dict({"touch": own.touch} | {k: v for k, v in completion().state_dict().items() if k != "touch"})
    given = [Given.strokes(groove) for groove in takes]

    def drawn() -> np.ndarray:
        completer = Completer(model(), own)
        return np.concatenate([loud[:-1] for _, loud in feel_each(completer, given, completer.wanted(), 1.0, 0)])

    def far(velocity: np.ndarray) -> float:
        return float(
            np.abs(np.quantile(velocity, np.linspace(0, 1, 21)) - np.quantile(loud, np.linspace(0, 1, 21))).max()
        )

    before = drawn()
    own.touch.copy_(completion_training.touch_of(own, model(), takes))
    assert far(drawn()) < 10 < far(before)
    assert torch.equal(own.touch[5, 0], own.touch[5, 1])


def test_tuning_begins_where_the_one_before_was_and_knows_its_styles() -> None:
    before = completion()
    own = fitting(replaced_styles(before, ("jazz", "bossa")))
    kept = own.kept.state_dict()
    for name, value in before.state_dict().items():
        if name != "style.weight":
            assert torch.equal(kept[name], value), name
    any_style, jazz = before.style.weight[-1], before.style.weight[0]
    assert own.config.styles == prior().config.styles == ("funk", "jazz")
    assert torch.equal(kept["style.weight"], torch.stack([any_style, jazz, any_style]))


def test_beside_another_prior_it_has_the_styles_of_that_one() -> None:
    before = completion()
    own = completion_training.carried(before, model(), prior(styles=("bossa", "jazz", "ska")))
    assert own is not None
    assert own.config.styles == ("bossa", "jazz", "ska")
    any_style, jazz = before.style.weight[-1], before.style.weight[1]
    assert torch.equal(own.style.weight, torch.stack([any_style, jazz, any_style, any_style]))
    assert torch.equal(own.enter.weight, before.enter.weight)
    odd = Completion(replace(before.config, n_traits=3))
    assert completion_training.carried(odd, model(), prior()) is None


def replaced_styles(own: Completion, styles: tuple[str, ...]) -> Completion:
    """The same, but that it knows other styles."""
    other = Completion(replace(own.config, styles=styles))
    other.load_state_dict(own.state_dict())
    return other


def test_a_completion_of_another_shape_is_not_gone_on_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion_training, "MIN_STEPS", 1)
    monkeypatch.setattr(completion_training, "MAX_STEPS", 1)
    monkeypatch.setattr(completion_training, "TUNING_STEPS", 3)
    other = Completion(replace(completion().config, n_layers=3))
    steps = []
    made = fit(model(), prior(), quantiles(), TAKES, start=other, on_progress=lambda *what: steps.append(what))
    assert steps == [(1, 1)]
    assert made is not None
    assert made.config.n_layers == TOY.n_layers
    steps.clear()
    tuned = fit(
        model(), prior(), quantiles(), TAKES, start=made, rehearsed=TAKES[:1], on_progress=lambda *w: steps.append(w)
    )
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert tuned is not None
    assert tuned.config == made.config


def test_it_ends_where_it_is_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def enough(done: int, of: int) -> None:
        raise Enough

    assert fit(model(), prior(), quantiles(), TAKES, start=completion(), on_progress=enough) is not None


def test_latents_that_are_not_so_many_for_each_beat_have_none() -> None:
    odd = replace(TOY, latent_size=31, encoder="dense", decoder="dense")
    assert fit(model(odd), prior(31), quantiles(), TAKES) is None
