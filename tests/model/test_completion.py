"""A part is given, and the rest is the model's: what is given comes back, and what is hidden is not looked at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import toys
from grooves import random_groove
from toys import TOY, model, prior

from rhythmvae.data.examples import example
from rhythmvae.errors import CheckpointError
from rhythmvae.groove import Groove, IntArray, to_grid
from rhythmvae.kit import N_VOICES, VOICE_INDEX
from rhythmvae.model import completing
from rhythmvae.model.completing import Completer, complete, expected, feel, feel_each
from rhythmvae.model.completion import Completion, CompletionConfig
from rhythmvae.model.config import N_BEATS
from rhythmvae.model.given import Given
from rhythmvae.model.prior import Conditioning
from rhythmvae.model.stepwise import Stepwise

N_TRAITS = prior().config.n_traits
CONFIG = CompletionConfig(TOY.latent_size, TOY.n_layers, N_TRAITS, ("funk",), 16, 1, 16, 1, 32, 3)
ANY = Conditioning(torch.zeros(1, N_TRAITS), torch.zeros(1, N_TRAITS), torch.tensor([1]))


@pytest.fixture(scope="module")
def completion() -> Completion:
    """Untrained, but every input counts."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        built = Completion(CONFIG)
        with torch.no_grad():
            for parameter in built.parameters():
                parameter.add_(0.2 * torch.randn_like(parameter))
    return built.eval().requires_grad_(False)


def hits(groove: Groove) -> set[tuple[float, int, int]]:
    return set(zip(groove.position.tolist(), groove.voice.tolist(), groove.velocity.tolist(), strict=True))


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("key", ["funk", "waltz", "seven"])
def test_what_is_given_comes_back_note_for_note(completion: Completion, key: str, temperature: float) -> None:
    groove = example(key)
    given = np.ones((groove.n_steps, N_VOICES), dtype=bool)
    hats = [VOICE_INDEX["closed_hat"], VOICE_INDEX["open_hat"]]
    given[:, hats] = False
    made = complete(Completer(model(), completion), Given.of(groove, given), ANY, temperature)
    is_own = ~np.isin(groove.voice, hats)
    own = groove.with_hits(groove.position[is_own], groove.voice[is_own], groove.velocity[is_own])
    assert hits(own) <= hits(made)
    assert {voice for _, voice, _ in hits(made) - hits(own)} <= set(hats)
    assert (made.n_steps, made.meters, made.tempos) == (groove.n_steps, groove.meters, groove.tempos)


def test_what_is_hidden_is_not_looked_at(completion: Completion) -> None:
    """Another groove with the same given part has the same answer, drawn or not."""
    first, other = random_groove(1), random_groove(2)
    given = np.zeros((first.n_steps, N_VOICES), dtype=bool)
    for temperature in (0.0, 1.0):
        answers = [
            complete(Completer(model(), completion), Given.of(g, given), ANY, temperature, seed=3)
            for g in (first, other)
        ]
        assert answers[0] == answers[1]
    stiff = first.with_hits(np.floor(first.position + 0.5) % first.n_steps, first.voice, np.full(len(first), 100))
    answers = [complete(Completer(model(), completion), Given.strokes(g), ANY, 0.0) for g in (first, stiff)]
    assert np.array_equal(*[to_grid(answer).tensor[..., 0].sum(-1) for answer in answers])


def test_a_hit_without_feel_stays_in_its_cell(completion: Completion) -> None:
    groove = example("funk")
    felt = complete(Completer(model(), completion), Given.strokes(groove), ANY, 0.0)
    assert sorted(zip(felt.step.tolist(), felt.voice.tolist(), strict=True)) == sorted(
        zip(groove.step.tolist(), groove.voice.tolist(), strict=True)
    )
    assert hits(felt) != hits(groove)


def test_seeds_differ_and_repeat(completion: Completion) -> None:
    frame = Given.nothing(random_groove(1).with_hits(np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64)))
    a, b, again = (complete(Completer(model(), completion), frame, ANY, 1.0, seed) for seed in (1, 2, 1))
    assert a == again != b


def test_the_one_answer_is_heard_beside_draws_and_does_not_depend_on_what_else_is_asked(
    completion: Completion, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [Given.strokes(random_groove(seed)) for seed in range(3)]
    completer = Completer(model(), completion)
    each = feel_each(completer, given, ANY, 0.0)
    for one, (position, loud) in zip(given, each, strict=True):
        alone = feel(completer, one, ANY, 0.0)
        assert alone[0] == pytest.approx(position, abs=1e-5)
        assert np.abs(alone[1] - loud).max() <= 1
    monkeypatch.setattr(completing, "OPINION_TEMPERATURE", 0.0)
    surer = feel(completer, given[0], ANY, 0.0)
    assert np.abs(surer[0] - each[0][0]).max() > 1e-3


def test_velocities_of_draws_alone_are_spread_as_drummers_spread_theirs(completion: Completion) -> None:
    louder = Completion(replace(CONFIG, n_touch=3))
    louder.load_state_dict(
        {"touch": torch.tensor([[0.0, 0.4, 1.0], [0.5, 0.9, 1.0]]).repeat(N_VOICES, 1, 1)} | completion.state_dict(),
        False,
    )
    louder.touch[0] = torch.tensor([0.0, 0.5, 1.0])
    asked = torch.tensor([0.2, 0.4, 0.7, 1.3]).view(1, 4, 1, 1).expand(1, 4, N_VOICES, 1)
    assert louder.touched(asked)[0, :, 1, 0].tolist() == pytest.approx([0.7, 0.9, 0.95, 1.0])
    assert louder.touched(asked)[0, :, 0, 0].tolist() == pytest.approx([0.2, 0.4, 0.7, 1.0])
    assert completion.touched(asked)[0, :, 1, 0].tolist() == pytest.approx([0.2, 0.4, 0.7, 1.0])
    given = Given.strokes(example("funk"))

    def loud(own: Completion, temperature: float) -> IntArray:
        return feel(Completer(model(), own.eval()), given, ANY, temperature)[1]

    assert (loud(louder, 0.0) == loud(completion, 0.0)).all()
    assert (loud(louder, 1.0) > loud(completion, 1.0)).any()


def test_a_density_is_highest_where_its_draws_are(completion: Completion) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        known = torch.randn(1, N_BEATS, CONFIG.read_width).expand(64, -1, -1)
    drawn = completion.sample(known, 1.0, torch.Generator().manual_seed(0))
    far = drawn + 4.0 * torch.randn(drawn.shape, generator=torch.Generator().manual_seed(1))
    used = torch.ones_like(drawn)
    near, away = (completion.log_density(known, z, used).mean() for z in (drawn, far))
    assert near > away + 10


def test_what_is_expected_is_a_probability_and_looks_at_nothing_hidden(completion: Completion) -> None:
    completer = Completer(model(), completion)
    first = example("funk").bars(1, 2)
    other = replace(example("rock").bars(1, 2), tempos=first.tempos)
    given = np.zeros((32, N_VOICES), dtype=bool)
    a, b = expected(completer, [Given.of(first, given), Given.of(other, given)], ANY)
    assert a.hit.shape == a.velocity.shape == (32, N_VOICES)
    assert 0 <= a.hit.min() <= a.hit.max() <= 1
    assert 1 <= a.velocity.min() <= a.velocity.max() <= 127
    assert np.array_equal(a.hit, b.hit)
    given[:16] = True
    seen, not_seen = expected(completer, [Given.of(first, given), Given.of(other, given)], ANY)
    assert not np.allclose(seen.hit, not_seen.hit)


@pytest.mark.parametrize("temperature", [0.0, 0.7, 1.0])
def test_numbers_one_by_one_are_drawn_from_the_mixtures_of_all_at_once(temperature: float) -> None:
    within, rng = toys.completion().within, np.random.default_rng(0)
    state = torch.from_numpy(rng.standard_normal((3, within.state_first.in_features)).astype(np.float32))
    uniform, normal = rng.random((3, within.first.in_features)), rng.standard_normal((3, within.first.in_features))
    token = Stepwise(within).draw(state, temperature, uniform, normal)
    log_weight, mean, log_std = (part.numpy() for part in within(state, torch.from_numpy(token)))
    for row, number in np.ndindex(*token.shape):
        share = np.exp(log_weight[row, number] / (temperature or 1e-3)).cumsum()
        component = int(np.searchsorted(share, uniform[row, number] * share[-1], side="right"))
        component = component if temperature else int(log_weight[row, number].argmax())
        spread = temperature * np.exp(log_std[row, number, component])
        assert token[row, number] == pytest.approx(
            mean[row, number, component] + spread * normal[row, number], abs=1e-4
        )


def test_weights_that_give_no_numbers_are_a_sentence() -> None:
    completion = toys.completion()
    known = torch.full((1, N_BEATS, completion.config.read_width), float("nan"))
    with pytest.raises(CheckpointError, match="give no numbers"):
        completion.sample(known, 1.0, torch.Generator().manual_seed(0))
