"""What each verb promises, whatever a network answers: an untrained one answers here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from grooves import groove, random_groove
from toys import TOY, model, prior

from rhythmvae.data.examples import example
from rhythmvae.errors import UsageError
from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.kit import VOICE_INDEX
from rhythmvae.model import verbs
from rhythmvae.model.completing import Completer
from rhythmvae.model.completion import Completion, CompletionConfig

SEVEN = random_groove(3, n_steps=42, n_hits=50, meters=(Meter(0.0, 7, 8),))
TWELVE = random_groove(4, n_steps=48, n_hits=60, meters=(Meter(0.0, 12, 8),))
WALTZ = random_groove(5, n_steps=24, n_hits=20, meters=(Meter(0.0, 3, 4),))
ONE_BAR = random_groove(6, n_steps=16, n_hits=12)
EMPTY = Groove.silent(16, (Tempo(0.0, 90.0),), (Meter(0.0, 4, 4),))
ONE_HIT = groove((4, "snare"), n_steps=16)
PARTIAL = random_groove(7, n_steps=24, n_hits=20)
SONG = random_groove(8, n_steps=86, n_hits=60, meters=(Meter(0.0, 4, 4), Meter(48.0, 7, 8), Meter(76.0, 5, 8)))
ANY = [SEVEN, TWELVE, WALTZ, ONE_BAR, EMPTY, ONE_HIT, PARTIAL, SONG]


@pytest.fixture(scope="module")
def completer() -> Completer:
    config = CompletionConfig(TOY.latent_size, TOY.n_layers, prior().config.n_traits, ("funk",), 16, 1, 16, 1, 32, 3)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        built = Completion(config)
        with torch.no_grad():
            for parameter in built.parameters():
                parameter.add_(0.2 * torch.randn_like(parameter))
    return Completer(model(), built.eval().requires_grad_(False))


def rows(played: Groove) -> set[tuple[float, int, int]]:
    return set(zip(played.position.tolist(), played.voice.tolist(), played.velocity.tolist(), strict=True))


@pytest.mark.parametrize("given", ANY, ids=repr)
def test_what_is_continued_stays_and_new_bars_are_whole(completer: Completer, given: Groove) -> None:
    made = verbs.continued(completer, given, 3, seed=1)
    last = given.meter_at(given.n_steps - 1)
    start = verbs._whole(given)
    assert made.n_steps == start + round(3 * last.steps_per_bar)
    assert rows(given) <= rows(made)
    assert all(position >= start - 0.5 for position, _, _ in rows(made) - rows(given))
    alone = verbs.continued(completer, given, 3, only_new=True, seed=1)
    assert alone.n_steps == round(3 * last.steps_per_bar)
    assert {(p + start, v, loud) for p, v, loud in rows(alone)} == rows(made) - rows(given)


def test_a_groove_is_continued_from_an_earlier_bar(completer: Completer) -> None:
    played = example("funk")
    pushed = played.with_hits(
        np.append(played.position, [31.9, 32.1]), np.append(played.voice, [7, 7]), np.append(played.velocity, [99, 98])
    )
    made = verbs.continued(completer, pushed, 1, at=3)
    assert made.n_bars == 3
    assert rows(played.bars(1, 2)) | {(31.9, 7, 99)} <= rows(made)
    assert (32.1, 7, 98) not in rows(made)
    behind = verbs.continued(completer, played, 1, at=played.n_bars + 1)
    assert behind == verbs.continued(completer, played, 1)
    assert verbs.continued(completer, played, 2, at=1).n_bars == 2
    for at in (0, played.n_bars + 2):
        with pytest.raises(UsageError, match="bar to begin at from 1 to 5"):
            verbs.continued(completer, played, 1, at=at)


def test_styles_that_are_unknown_are_refused(completer: Completer) -> None:
    with pytest.raises(UsageError, match="styles funk, got 'polka'"):
        verbs.continued(completer, ONE_BAR, 1, style="polka")


@pytest.mark.parametrize("given", ANY, ids=repr)
def test_a_prediction_is_of_the_next_bar_and_each_bar_costs_bits(completer: Completer, given: Groove) -> None:
    found = verbs.predicted(completer, given)
    assert found.hit.shape == found.velocity.shape == (round(given.meter_at(given.n_steps - 1).steps_per_bar), 9)
    assert 0 <= found.hit.min() <= found.hit.max() <= 1
    assert len(found.bars) == given.n_bars
    cells = {(step, voice) for step, voice in zip(given.step.tolist(), given.voice.tolist(), strict=True)}
    assert sum(len(bar.hits) for bar in found.bars) == len(cells)
    for bar in found.bars:
        assert bar.bits >= sum(bits for _, _, bits in bar.hits) > 0 or not bar.hits


def test_what_is_pushed_before_the_end_stays_before_it(completer: Completer) -> None:
    pushed = Groove(np.full(9, 15.6), np.arange(9), np.full(9, 90), 16, (Tempo(0.0, 90.0),), (Meter(0.0, 4, 4),))
    made = [verbs.humanized(completer, pushed, seed=seed, temperature=2.0) for seed in range(8)]
    assert all(one.is_pushed.all() for one in made)
    assert max(one.position.max() for one in made) > 15.999  # some would have sounded behind it


def test_a_prediction_looks_at_nothing_that_comes_later(completer: Completer) -> None:
    played = example("funk")
    other = replace(example("rock"), tempos=played.tempos)
    mixed = played.with_bars(4, 4, other.bars(4, 4))
    first, second = verbs.predicted(completer, played), verbs.predicted(completer, mixed)
    assert [bar.bits for bar in first.bars[:3]] == [bar.bits for bar in second.bars[:3]]
    assert first.bars[3].bits != second.bars[3].bits


@pytest.mark.parametrize("given", ANY, ids=repr)
def test_humanized_hits_stay_in_their_cells_in_their_order(completer: Completer, given: Groove) -> None:
    made = verbs.humanized(completer, given, seed=2)
    before, now = (sorted(zip(g.step.tolist(), g.voice.tolist(), strict=True)) for g in (given, made))
    assert before == now
    assert (made.n_steps, made.meters) == (given.n_steps, given.meters)


def test_humanizing_looks_at_no_feel_and_goes_as_far_as_asked(completer: Completer) -> None:
    felt = groove((0.1, "kick", 90), (4.2, "snare", 30), (7.8, "kick"), (12.3, "snare", 127))
    stiff = groove((0, "kick"), (4, "snare"), (8, "kick"), (12, "snare"))
    made = verbs.humanized(completer, felt, temperature=0.0)
    assert made == verbs.humanized(completer, stiff, temperature=0.0, seed=9) != stiff
    played = example("funk")
    assert verbs.humanized(completer, played, timing=0.0, velocity=0.0) == played
    timed = verbs.humanized(completer, played, velocity=0.0, temperature=0.0)
    assert sorted(timed.velocity.tolist()) == sorted(played.velocity.tolist())
    kept = verbs.humanized(completer, played, keep=["timing"], temperature=0.0)
    assert sorted(kept.position.tolist()) == sorted(played.position.tolist())
    first, other = (verbs.humanized(completer, stiff, after=example(key), temperature=0.0) for key in ("bossa", "funk"))
    assert first != other


@pytest.mark.parametrize("given", ANY, ids=repr)
def test_every_tap_is_a_hit_when_it_was_tapped(completer: Completer, given: Groove) -> None:
    made = verbs.tapped(completer, given, seed=4)
    last = -1.0
    for at in given.onset_seconds.tolist():
        if at - last < verbs.DOUBLED_SECONDS:
            continue
        last = at
        assert np.abs(made.onset_seconds - at).min() < 0.001


def test_taps_are_no_drums(completer: Completer) -> None:
    played = example("funk")
    other = played.with_hits(played.position, np.full(len(played), VOICE_INDEX["crash"]), played.velocity)
    single = other.with_hits(
        *(
            np.unique(other.position),
            np.zeros(len(np.unique(other.position)), int),
            np.full(len(np.unique(other.position)), 90),
        )
    )
    again = single.with_hits(single.position, np.full(len(single), VOICE_INDEX["ride"]), single.velocity)
    assert verbs.tapped(completer, single, seed=1) == verbs.tapped(completer, again, seed=1)


@pytest.mark.parametrize("given", ANY, ids=repr)
def test_what_is_filled_in_is_not_looked_at_and_the_rest_stays(completer: Completer, given: Groove) -> None:
    hats = [VOICE_INDEX["closed_hat"], VOICE_INDEX["open_hat"]]
    wanted = verbs.cells(given, hats, [given.n_bars])
    made = verbs.infilled(completer, given, wanted, seed=5)
    stays = ~wanted[given.step, given.voice]
    kept = given.with_hits(given.position[stays], given.voice[stays], given.velocity[stays])
    assert rows(kept) <= rows(made)
    assert all(wanted[int(np.floor(p + 0.5)) % given.n_steps, voice] for p, voice, _ in rows(made) - rows(kept))
    assert verbs.infilled(completer, kept, wanted, seed=5) == made


def test_a_groove_is_laid_over_another_bar_by_bar() -> None:
    played = groove((0, "kick"), (20, "snare"))
    laid = verbs.as_long_as(played, Groove.silent(48, (Tempo(0.0, 100.0),), (Meter(0.0, 4, 4),)))
    assert [(p, v) for p, v, _ in sorted(rows(laid))] == [(0.0, 0), (20.0, 1), (32.0, 0)]
    assert laid.tempos == (Tempo(0.0, 100.0),)
