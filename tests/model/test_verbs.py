"""What each verb promises, whatever a network answers: an untrained one answers here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from grooves import groove, random_groove
from hypothesis import given as given_by_hypothesis
from hypothesis import strategies as st
from toys import TOY, checkpoint_of, model, prior, quantiles

from rhythmvae.analysis.quantiles import Quantiles, fit
from rhythmvae.data.examples import example
from rhythmvae.errors import UsageError
from rhythmvae.evaluation.completion.next_bar import behind
from rhythmvae.groove import HIT, WINDOW_STEPS, Groove, Meter, Tempo, nearest_step
from rhythmvae.kit import N_VOICES, VOICE_INDEX
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.write import write_midi
from rhythmvae.model import verbs
from rhythmvae.model.completing import Completer, chosen
from rhythmvae.model.completion import Completion, CompletionConfig
from rhythmvae.model.given import Given, Unfinished, in_their_cells, lanes_of
from rhythmvae.model.vae import Outputs

SEVEN = random_groove(3, n_steps=42, n_hits=50, meters=(Meter(0.0, 7, 8),))
TWELVE = random_groove(4, n_steps=48, n_hits=60, meters=(Meter(0.0, 12, 8),))
WALTZ = random_groove(5, n_steps=24, n_hits=20, meters=(Meter(0.0, 3, 4),))
ONE_BAR = random_groove(6, n_steps=16, n_hits=12)
EMPTY = Groove.silent(16, (Tempo(0.0, 90.0),), (Meter(0.0, 4, 4),))
ONE_HIT = groove((4, "snare"), n_steps=16)
PARTIAL = random_groove(7, n_steps=24, n_hits=20)
SONG = random_groove(
    8,
    n_steps=86,
    n_hits=60,
    meters=(Meter(0.0, 4, 4), Meter(48.0, 7, 8), Meter(76.0, 5, 8)),
    tempos=(Tempo(0.0, 90.0), Tempo(50.0, 180.0)),
)
PICKUP = random_groove(9, n_steps=36, n_hits=30, meters=(Meter(0.0, 1, 4), Meter(4.0, 4, 4)))
# Hits that are pushed beyond the end, a roll of six in a 16th, a flam on the very first, a bar of silence.
ROLLS = groove(
    *((15.6 + 0.1 * i, "snare", 60 + i) for i in range(6)),
    *((48.7, "kick"), (63.6, "kick"), (63.8, "kick"), (63.7, "ride"), (0.0, "kick"), (0.2, "kick"), (0.1, "ride")),
    n_steps=64,
)
ANY = [SEVEN, TWELVE, WALTZ, ONE_BAR, EMPTY, ONE_HIT, PARTIAL, SONG, PICKUP, ROLLS]


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
    inside = given.with_hits(*(column[~given.is_pushed] for column in (given.position, given.voice, given.velocity)))
    cells = {(step, voice) for step, voice in zip(inside.step.tolist(), inside.voice.tolist(), strict=True)}
    assert sum(len(bar.hits) for bar in found.bars) == len(cells)  # what is pushed is of the next bar
    for bar in found.bars:
        assert bar.bits >= sum(bits for _, _, bits in bar.hits) > 0 or not bar.hits


def test_what_is_pushed_before_the_end_stays_before_it(completer: Completer) -> None:
    pushed = Groove(np.full(9, 15.6), np.arange(9), np.full(9, 90), 16, (Tempo(0.0, 90.0),), (Meter(0.0, 4, 4),))
    made = [verbs.humanized(completer, pushed, seed=seed, temperature=2.0) for seed in range(8)]
    assert all(one.is_pushed.all() for one in made)
    assert max(one.position.max() for one in made) > 15.9  # some would have sounded behind it


def test_a_prediction_looks_at_nothing_that_comes_later(completer: Completer) -> None:
    played = example("funk")
    other = replace(example("rock"), tempos=played.tempos)
    mixed = played.with_bars(4, 4, other.bars(4, 4))
    first, second = verbs.predicted(completer, played), verbs.predicted(completer, mixed)
    assert [bar.bits for bar in first.bars[:3]] == [bar.bits for bar in second.bars[:3]]
    assert first.bars[3].bits != second.bars[3].bits


def lines(played: Groove) -> list[tuple[int, int]]:
    """The 16th and the drum of each hit; of pushed hits the 16th is the one behind the end."""
    return sorted(zip(nearest_step(played.position).tolist(), played.voice.tolist(), strict=True))


@pytest.mark.parametrize("options", [{}, {"temperature": 0.0}, {"keep": ["velocity"]}, {"timing": 0.3}], ids=repr)
@pytest.mark.parametrize("given", ANY, ids=repr)
def test_humanized_hits_stay_in_their_cells_in_their_order(completer: Completer, given: Groove, options: Any) -> None:
    made = verbs.humanized(completer, given, seed=2, **options)
    assert lines(made) == lines(given)
    assert (made.n_steps, made.meters, made.tempos) == (given.n_steps, given.meters, given.tempos)
    if len(made):  # on the ticks of a file, too, none falls into another 16th or onto another
        assert lines(read_midi(write_midi(made), "x.mid")[0]) == lines(made)
    if "keep" in options:
        key = (nearest_step(given.position), given.voice, given.position)
        behind = (nearest_step(made.position), made.voice, made.position)
        assert given.velocity[np.lexsort(key[::-1])].tolist() == made.velocity[np.lexsort(behind[::-1])].tolist()


@given_by_hypothesis(st.lists(st.tuples(st.integers(0, 4), st.floats(-0.5, 0.49), st.floats(-2, 2)), max_size=24))
def test_moved_hits_stay_in_their_cells_in_their_order_and_apart(hits: list[tuple[int, float, float]]) -> None:
    hits = [(step, offset, move) for step, offset, move in hits if step < 4 or offset < -0.01]
    position = np.array([max(step + offset, 0.0) for step, offset, _ in hits])
    own = Groove(position, np.zeros(len(hits), int), np.full(len(hits), 90), 4)
    new = in_their_cells(own.position + np.array([move for *_, move in hits]), own.position, own.voice, own.n_steps)
    assert (nearest_step(new) == nearest_step(own.position)).all()
    assert (new >= 0).all()
    assert (new < 4).all()
    in_order = np.diff(new)[np.diff(nearest_step(own.position)) == 0]
    assert (in_order > 0.7 / 30).all()


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


@pytest.mark.parametrize("hands", [False, True])
@pytest.mark.parametrize("given", ANY, ids=repr)
def test_every_tap_is_a_hit_when_it_was_tapped(completer: Completer, given: Groove, hands: bool) -> None:
    given = given.with_hits(given.position, given.voice % 2, given.velocity)
    made = verbs.tapped(completer, given, hands=hands, seed=4)
    for own, drums in lanes_of(given, 1 + hands):
        playing = made.onset_seconds[drums[made.voice]]
        last = -1.0
        for at in own.onset_seconds.tolist():
            if at - last < verbs.DOUBLED_SECONDS:
                continue
            last = at
            assert np.abs(playing - at).min() < 0.001
    assert (made.n_steps, made.meters) == (given.n_steps, given.meters)


def test_drums_that_go_along_with_a_tap_lose_no_stroke_in_a_file() -> None:
    """A late tap pushes strokes of a drum against the end of their 16th, an early one against the beginning."""
    late, early = (4, "kick", 120), (0.4, "kick", 120)
    made = groove(early, (0.05, "snare", 50), (0.1, "snare", 60), late, (4.1, "snare", 50), (4.3, "snare", 60))
    moved = verbs.in_time(made, groove((0.0, "ride"), (4.48, "ride")))
    kicks = moved.position[moved.voice == VOICE_INDEX["kick"]]
    assert kicks.tolist() == [0.0, 4.48]
    assert (moved.position >= 0).all()
    assert (nearest_step(moved.position) == nearest_step(made.position)).all()
    assert len(read_midi(write_midi(moved), "taps")[0]) == len(made)


def test_two_hands_play_different_drums(completer: Completer) -> None:
    both = groove((0, "kick"), (0, "snare"), (4, "kick"), (8, "snare"), n_steps=16)
    apart = [drums for _, drums in lanes_of(both, 2)]
    assert not (apart[0] & apart[1]).any()
    assert len(lanes_of(groove((0, "ride")), 2)) == 1  # one hand taps: it plays everything


@pytest.mark.parametrize(("temperature", "n"), [(0.0, 1), (1.0, 0)])
def test_a_16th_in_which_some_drum_is_likely_sounds_in_the_one_answer(temperature: float, n: int) -> None:
    state = Unfinished.of(verbs.tapping(EMPTY), TOY.layers, temperature)
    logit = torch.full((1, WINDOW_STEPS, N_VOICES, TOY.n_layers), -9.0)
    logit[0, 3, :3, 0] = torch.tensor([-0.7, -0.6, -0.8])  # none is likely by itself, and 0.7 that one of them sounds
    logit[0, 5, 0, 0] = -0.6
    even = torch.full_like(logit, 0.5)
    window = state.window(state.spans[0], Outputs(logit, even, 0 * even))
    assert window[..., HIT].sum() == n
    assert window[3, 1, 0, HIT] == n


def said(*cells: tuple[int, int], sure: float = 4.0) -> Outputs:
    """What is decoded where some cells (step, voice) have a hit and no other has."""
    logit = torch.full((1, WINDOW_STEPS, N_VOICES, TOY.n_layers), -sure)
    for step, voice in cells:
        logit[0, step, voice, 0] = sure
    even = torch.full_like(logit, 0.5)
    return Outputs(logit, even, 0 * even)


def test_what_is_given_is_likeliest_where_it_is_decoded() -> None:
    kick, snare, hat = (VOICE_INDEX[key] for key in ("kick", "snare", "closed_hat"))
    played = groove((0, "kick"), (4, "snare"), n_steps=16)
    given = verbs.cells(played, [hat], None) == 0
    state = Unfinished.of(Given.of(played, given), TOY.layers, 1.0)
    [span] = state.spans
    right, more, less = (
        said(*own) for own in (((0, kick), (4, snare)), ((0, kick), (4, snare), (8, kick)), ((0, kick),))
    )
    assert state.likelihood(span, right) > max(state.likelihood(span, other) for other in (more, less))
    assert state.likelihood(span, said((0, kick), (4, snare), (6, hat))) == state.likelihood(span, right)


@pytest.mark.parametrize("lanes", [1, 2])
def test_taps_are_likeliest_where_some_drum_of_their_lane_is_decoded(lanes: int) -> None:
    kick, snare, hat = (VOICE_INDEX[key] for key in ("kick", "snare", "closed_hat"))
    taps = groove((0, "kick"), (4, "snare"), (8, "kick"), n_steps=16)
    state = Unfinished.of(verbs.tapping(taps, lanes), TOY.layers, 1.0)
    [span] = state.spans
    first, other = (
        state.likelihood(span, said((0, kick), (4, hat), (8, kick))),
        [
            state.likelihood(span, said(*own))
            for own in (((0, kick), (4, hat)), ((0, kick), (4, hat), (8, kick), (12, kick)), ((4, snare),))
        ],
    )
    assert first > max(other)
    turned = state.likelihood(span, said((0, hat), (4, kick), (8, snare)))
    assert turned == pytest.approx(first) if lanes == 1 else turned < min(other)


def test_of_draws_the_surest_of_what_is_given_stays_and_of_these_the_nearest_to_what_is_wanted(
    completer: Completer,
) -> None:
    kick, snare = VOICE_INDEX["kick"], VOICE_INDEX["snare"]
    taps = groove((0, "kick"), (4, "snare"), n_steps=16)
    state = Unfinished.of(verbs.tapping(taps), TOY.layers, 1.0)
    right = said((0, kick), (4, snare))
    drawn = [said(), said((0, kick)), right, said((0, kick), (4, snare), sure=3.0)]
    assert chosen(completer, state, 0, drawn, completer.wanted(), torch.Generator()) is right
    busy = said(*((step, voice) for step in (0, 4) for voice in range(N_VOICES)))
    completer = completer._replace(quantiles=quantiles())
    wanted = completer.wanted(asked={"density": 1.0})
    full = said(*((step, voice) for step in range(16) for voice in (kick, snare)))
    assert chosen(completer, state, 0, [full, said(), right, busy], wanted, torch.Generator()) is busy
    unbegun = Unfinished.of(Given.nothing(taps), TOY.layers, 1.0)
    assert chosen(completer, unbegun, 0, [full, busy, right, said()], wanted, torch.Generator()) is full


def test_of_draws_behind_a_window_one_of_those_that_are_most_like_it_stays(completer: Completer) -> None:
    kick, crash = VOICE_INDEX["kick"], VOICE_INDEX["crash"]
    before = groove(*((step, "kick") for step in range(0, 32, 2)), n_steps=32)
    state = Unfinished.of(behind(before, 2), TOY.layers, 1.0)
    assert (state.is_continued(0), state.is_continued(1), state.is_begun(1)) == (False, True, False)
    alike = [said(*((step, kick) for step in range(0, 32, 2) if step != left_out)) for left_out in (2, 6, 10, 14)]
    others = [said(*((step, crash) for step in range(n))) for n in range(16, 28)]
    completer = completer._replace(quantiles=quantiles())
    drawn = [*others, *alike]
    found = [
        chosen(completer, state, 1, drawn, completer.wanted(), torch.Generator().manual_seed(seed))
        for seed in range(40)
    ]
    assert {id(one) for one in found} == {id(one) for one in alike}
    # What is asked for may be unlike it.
    wanted = completer.wanted(asked={"density": 1.0})
    dense = said(*((step, voice) for step in range(32) for voice in (kick, crash)))
    assert chosen(completer, state, 1, [dense, *drawn], wanted, torch.Generator()) is dense
    pushed = before.with_more([31.7], [crash], [90])  # stands in the first 16th of what is new
    assert Unfinished.of(behind(pushed, 2), TOY.layers, 1.0).is_continued(1)
    assert not Unfinished.of(behind(EMPTY.looped(2), 2), TOY.layers, 1.0).is_continued(1)


@pytest.mark.parametrize("given", [verbs.tapping(ONE_BAR), Given.strokes(ONE_BAR), Given.nothing(ONE_BAR)], ids=str)
def test_a_window_is_begun_where_a_part_of_its_strokes_is_given(given: Given) -> None:
    assert Unfinished.of(given, TOY.layers, 1.0).is_begun(0) == (given.taps is not None)


def test_what_is_given_as_a_whole_is_neither_begun_nor_continued() -> None:
    state = Unfinished.of(Given.strokes(ONE_BAR.looped(4)), TOY.layers, 1.0)
    assert (state.is_open(1), state.is_begun(1), state.is_continued(1)) == (True, False, False)


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


def test_answers_have_as_much_of_something_as_was_wanted() -> None:
    plain = Completer.of(checkpoint_of())
    usual = [verbs.continued(plain, TWELVE, 2, only_new=True, seed=seed) for seed in range(12)]
    own = plain._replace(quantiles=Quantiles({**plain.quantiles.knots, "density": fit(usual).knots["density"]}))
    few, many = (
        np.mean([len(verbs.continued(own, TWELVE, 2, only_new=True, asked={"density": q}, seed=s)) for s in range(4)])
        for q in (0.02, 0.98)
    )
    assert few < np.mean([len(groove) for groove in usual]) < many
    for asked, why in (({"density": 2.0}, "0 to 1"), ({"density_hats": 0.5}, "slider out of"), ({"x": 0.5}, "slider")):
        with pytest.raises(UsageError, match=why):
            verbs.tapped(own, ONE_BAR, asked=asked)
    with pytest.raises(UsageError, match="defines no swing"):
        verbs.tapped(own._replace(quantiles=Quantiles({})), ONE_BAR, asked={"swing": 0.5})


@pytest.mark.parametrize("where", ["last", "first", "all"])
@pytest.mark.parametrize("given", ANY, ids=repr)
def test_what_is_filled_in_is_not_looked_at_and_the_rest_stays(completer: Completer, given: Groove, where: str) -> None:
    drums = [VOICE_INDEX[key] for key in ("kick", "closed_hat", "open_hat")]
    bars = {"last": [given.n_bars], "first": [1], "all": None}[where]
    wanted = verbs.cells(given, drums, bars)
    made = verbs.infilled(completer, given, wanted, seed=5)
    last = given.n_steps - 1
    stays = ~wanted[np.minimum(nearest_step(given.position), last), given.voice]
    kept = given.with_hits(given.position[stays], given.voice[stays], given.velocity[stays])
    assert rows(kept) <= rows(made)
    new = rows(made) - rows(kept)
    assert all(wanted[min(int(np.floor(p + 0.5)), last), voice] for p, voice, _ in new)
    assert verbs.infilled(completer, kept, wanted, seed=5) == made


@pytest.mark.parametrize("other", [example("funk"), ONE_HIT, EMPTY, WALTZ], ids=repr)
@pytest.mark.parametrize("given", ANY, ids=repr)
def test_a_transplanted_groove_has_the_others_density_or_its_own_hits(
    completer: Completer, given: Groove, other: Groove
) -> None:
    dense = verbs.transplanted(completer, given, other, "density", seed=3)
    frames = [(g.n_steps, g.meters, g.tempos) for g in (given, dense)]
    assert frames[0] == frames[1]
    assert len(dense) == round(len(other) * given.n_steps / other.n_steps)
    assert rows(dense) <= rows(given) or rows(given) <= rows(dense)
    felt = verbs.transplanted(completer, given, other, seed=3)
    assert lines(felt) == lines(given)


def test_a_groove_is_laid_over_another_bar_by_bar() -> None:
    played = groove((0, "kick"), (20, "snare"))
    laid = verbs.as_long_as(played, Groove.silent(48, (Tempo(0.0, 100.0),), (Meter(0.0, 4, 4),)))
    assert [(p, v) for p, v, _ in sorted(rows(laid))] == [(0.0, 0), (20.0, 1), (32.0, 0)]
    assert laid.tempos == (Tempo(0.0, 100.0),)
