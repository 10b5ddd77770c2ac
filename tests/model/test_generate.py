"""New grooves: drawn, varied and in between, each of them what was asked for."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
import torch
from grooves import groove, random_groove
from toys import checkpoint_of, model, prior, quantiles

from rhythmvae.analysis.descriptors import SLIDERS, slider_values
from rhythmvae.analysis.quantiles import fit as fit_scales
from rhythmvae.errors import CheckpointError, UsageError
from rhythmvae.groove import Groove, Meter, Tempo, to_grid, window_spans
from rhythmvae.kit import N_VOICES, VOICE_INDEX
from rhythmvae.midi.write import write_midi
from rhythmvae.model import drawn, generate
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.generate import interpolate, perturb, sample, vary
from rhythmvae.model.latent import decode, encode, reconstruct
from rhythmvae.model.limits import MAX_INTERPOLATED
from rhythmvae.model.prior import MAX_NOISE
from rhythmvae.model.steering import Held, Steered
from rhythmvae.model.variation import Setting

TOY = checkpoint_of()


def cells(played: Groove) -> set[int]:
    return set((played.step * N_VOICES + played.voice).tolist())


def hits(played: Groove, *voices: str) -> list[tuple[float, int, int]]:
    """Position, voice and velocity of all hits of some voices."""
    chosen = np.isin(played.voice, [VOICE_INDEX[voice] for voice in voices])
    columns = (played.position, played.voice, played.velocity)
    return list(zip(*(column[chosen].tolist() for column in columns), strict=True))


# -- samples


@pytest.mark.parametrize("n_bars", [1, 2, 3, 8])
def test_samples_are_as_long_and_as_fast_as_asked(n_bars):
    drawn = sample(TOY, n_bars=n_bars, tempo_bpm=97.5)
    assert drawn.n_bars == n_bars
    assert drawn.n_steps == 16 * n_bars
    assert drawn.tempos == (Tempo(0.0, 97.5),)
    assert drawn.meters == (Meter(0.0, 4, 4),)
    assert len(window_spans(drawn)) == (n_bars + 1) // 2


def test_samples_are_their_seed():
    first, second, other = (sample(TOY, n_bars=4, seed=seed) for seed in (1, 1, 2))
    assert len(first)
    assert first == second
    assert first != other


def test_the_most_typical_groove_is_one_whatever_the_seed():
    assert len({write_midi(sample(TOY, n_bars=4, temperature=0.0, seed=seed)) for seed in range(5)}) == 1
    styles = {write_midi(sample(TOY, temperature=0.0, style=style)) for style in ("funk", "jazz", None)}
    assert len(styles) == 3


def test_samples_are_moved_to_what_was_asked(monkeypatch):
    """The most typical groove is left as it is."""
    calls: list[tuple] = []
    monkeypatch.setattr(drawn, "as_asked", lambda *given: calls.append(given) or given[1])
    sample(TOY, seed=3)
    sample(TOY, seed=3, temperature=0.0)
    assert len(calls) == 1


@pytest.mark.parametrize("first", [0, 10_000, 2**31 - 100])
def test_seeds_in_a_row_are_spread_evenly(first):
    places = sorted(generate._spread_out(seed) for seed in range(first, first + 100))
    assert places[0] >= 0.0
    assert places[-1] < 1.0
    assert max(np.diff([0.0, *places, 1.0])) < 0.03  # by chance the widest gap of a hundred is near 0.05


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_bars": 0}, "1 to 512 bars, got 0"),
        ({"n_bars": 513}, "bars"),
        ({"temperature": -0.1}, "temperature from 0 to 4"),
        ({"temperature": 5.0}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"tempo_bpm": 0.0}, "20 to 400 BPM"),
        ({"tempo_bpm": float("inf")}, "BPM"),
        ({"style": "polka"}, "one of the styles funk, jazz, got 'polka'"),
    ],
    ids=str,
)
def test_samples_that_cannot_be(options, message):
    with pytest.raises(UsageError, match=message):
        sample(TOY, **options)


def test_weights_that_give_no_numbers_are_a_sentence():
    damaged = prior()
    damaged.within.last.bias.fill_(3e38)
    with pytest.raises(CheckpointError, match="give no numbers"):
        sample(Checkpoint(model(), damaged, quantiles()))
    with pytest.raises(CheckpointError, match="give no numbers"):
        vary(Checkpoint(model(), damaged, quantiles()), random_groove(1))


# -- variations


@pytest.mark.parametrize(
    ("meter", "n_steps"),
    [((4, 4), 16), ((4, 4), 32), ((4, 4), 20 * 16), ((4, 4), 75), ((3, 4), 48), ((6, 8), 36), ((7, 8), 42)],
    ids=str,
)
def test_amount_zero_is_the_reconstruction(meter, n_steps):
    played = random_groove(3, n_steps, n_steps, meters=(Meter(0.0, *meter),), tempos=(Tempo(0.0, 90), Tempo(5.5, 133)))
    rebuilt = reconstruct(TOY.model, played)
    unchanged = vary(TOY, played, n=2, amount=0.0)
    assert [v.groove for v in unchanged] == [rebuilt, rebuilt]
    [varied] = vary(TOY, played, amount=0.7)
    assert varied.groove != rebuilt
    assert varied.settings == {}
    assert (varied.groove.n_steps, varied.groove.meters, varied.groove.tempos) == (
        played.n_steps,
        played.meters,
        played.tempos,
    )
    write_midi(varied.groove)


def test_variations_are_their_seed_however_many_there_are():
    played = random_groove(2, 64, 60)
    many = [v.groove for v in vary(TOY, played, n=2 * generate.BATCH + 1, seed=5)]
    assert len({write_midi(varied) for varied in many}) == len(many)
    for n in (1, 2, generate.BATCH, generate.BATCH + 1):
        assert [v.groove for v in vary(TOY, played, n=n, seed=5)] == many[:n]
    assert vary(TOY, played, n=1, seed=6)[0].groove != many[0]


def test_the_larger_the_amount_the_further():
    def distance(amount: float) -> float:
        total = 0
        for seed in range(4):
            played = random_groove(seed)
            rebuilt = cells(reconstruct(TOY.model, played))
            total += sum(len(cells(v.groove) ^ rebuilt) for v in vary(TOY, played, n=8, amount=amount))
        return total

    distances = [distance(amount) for amount in (0.02, 0.1, 0.3, 0.6, 1.0)]
    assert distances == sorted(distances)
    assert 3 * distances[0] < distances[-1]


def test_all_the_way_nothing_of_the_groove_but_its_traits_is_left():
    ends = [encode(TOY.model, random_groove(seed)).posterior.mean for seed in (1, 2)]
    first, second = (generate._perturbed(TOY, random_groove(1), end, 1.0, [(0, 0), (0, 1)], None) for end in ends)
    assert torch.allclose(first, second, atol=1e-3)
    other_traits = generate._perturbed(TOY, random_groove(2), ends[0], 1.0, [(0, 0), (0, 1)], None)
    assert not torch.allclose(first, other_traits, atol=0.1)


def test_what_noise_cannot_hold_of_a_groove_comes_back_in_small_variations():
    """Latents far from all that the prior knows, which noise clips."""
    far = prior()
    far.std.fill_(0.01)
    own = replace(TOY, own_prior=far)
    played = random_groove(1)
    mean = encode(TOY.model, played).posterior.mean
    assert (far.to_noise(mean[None], generate._wanted(own, played)).abs() == MAX_NOISE).any()
    assert vary(own, played, amount=0.0)[0].groove == reconstruct(TOY.model, played)
    lost = [
        (generate._perturbed(own, played, mean, amount, [(0, 0)], None) - mean).norm() for amount in (1e-4, 0.5, 1.0)
    ]
    assert lost[0] < 0.01 * mean.norm()
    assert lost == sorted(lost)
    assert lost[-1] > 0.9 * mean.norm()


def test_windows_of_a_variation_have_an_idea_in_common():
    noise = torch.stack([generate._fresh(torch.Size([3, 32]), 0, i) for i in range(300)])
    assert noise.mean().abs() < 0.02
    assert noise.std() == pytest.approx(1.0, abs=0.03)
    for a, b in combinations(range(3), 2):
        both = torch.stack([noise[:, a].flatten(), noise[:, b].flatten()])
        assert torch.corrcoef(both)[0, 1] == pytest.approx(generate.CARRIED, abs=0.03)


# -- voices that are kept


def test_kept_voices_come_back_note_for_note():
    """Third hits of a cell, which no grid holds, and pushes before the first step are kept as well."""
    crowd = [(4.0, "snare", 100), (4.1, "snare", 60), (4.2, "snare", 20), (-0.3, "kick", 90), (31.2, "ride", 7)]
    played = replace(groove(*crowd, (8, "kick"), (12.25, "snare", 80)), tempos=(Tempo(0.0, 77.0),))
    assert to_grid(played).n_lost == 1
    for voices in (("snare",), ("kick", "snare"), ("ride", "kick", "kick")):
        for kept in vary(TOY, played, n=2, keep=voices):
            assert hits(kept.groove, *voices) == hits(played, *voices)
    [free] = vary(TOY, played)
    [kept] = vary(TOY, played, keep=["snare"])
    others = [voice for voice in VOICE_INDEX if voice != "snare"]
    assert hits(kept.groove, *others) == hits(free.groove, *others)
    assert hits(free.groove, "snare") != hits(played, "snare")


def test_a_voice_that_the_groove_does_not_play_is_kept_silent():
    played = random_groove(1).with_hits(*(a[random_groove(1).voice != 0] for a in columns(random_groove(1))))
    assert hits(vary(TOY, played)[0].groove, "kick")
    assert not hits(vary(TOY, played, keep=["kick"])[0].groove, "kick")


def columns(played: Groove) -> tuple[np.ndarray, ...]:
    return played.position, played.voice, played.velocity


def test_all_voices_kept_are_the_groove_itself():
    played = random_groove(4, 48, 80)
    [kept] = vary(TOY, played, amount=1.0, keep=tuple(VOICE_INDEX))
    assert kept.groove == replace(played, title="", source="")


# -- bars that are kept


@pytest.mark.parametrize(
    ("meter", "n_steps"), [((4, 4), 64), ((3, 4), 60), ((6, 8), 48), ((7, 8), 56), ((4, 4), 72)], ids=str
)
def test_kept_bars_come_back_note_for_note_and_the_rest_does_not_know(meter, n_steps):
    """Pushes across a bar line belong to the bar they lead to, and the last bar may be cut short."""
    played = random_groove(5, n_steps, 2 * n_steps, meters=(Meter(0.0, *meter),))
    [free] = vary(TOY, played, amount=0.8)
    for bars in ((1,), (2, 4), (played.n_bars,), (3, 3), (4, 2)):
        [kept] = vary(TOY, played, amount=0.8, keep_bars=bars)
        assert (kept.groove.n_steps, kept.groove.meters) == (played.n_steps, played.meters)
        for bar in range(1, played.n_bars + 1):
            expected = played if bar in bars else free.groove
            assert close(kept.groove.bars(bar, bar), expected.bars(bar, bar)), bar
    assert len(free.groove) != len(played)


def close(first: Groove, second: Groove) -> bool:
    """The same hits, but for the last bits of their places, which adding a bar's start costs."""
    same = all(np.array_equal(a, b) for a, b in ((first.voice, second.voice), (first.velocity, second.velocity)))
    return same and np.allclose(first.position, second.position, rtol=0, atol=1e-9)


def test_all_bars_kept_are_the_groove_itself():
    played = random_groove(4, 48, 80)
    [kept] = vary(TOY, played, amount=1.0, keep_bars=range(1, played.n_bars + 1))
    assert close(kept.groove, played)
    assert write_midi(kept.groove) == write_midi(replace(played, title=""))


def test_bars_and_voices_are_kept_together_and_measured_with_the_rest(steerable):
    played = random_groove(6, 64, 70)
    [kept] = vary(steerable, played, amount=1.0, asked={"density": 0.5}, keep=["kick"], keep_bars=[2])
    assert np.allclose(hits(kept.groove, "kick"), hits(played, "kick"), rtol=0, atol=1e-9)
    assert close(kept.groove.bars(2, 2), played.bars(2, 2))
    assert kept.settings["density"].achieved_value == slider_values(kept.groove)["density"] == len(kept.groove) / 16


@pytest.mark.parametrize("bars", [[0], [5], [1, -1], [10**9]], ids=str)
def test_bars_that_are_not_there_cannot_be_kept(bars):
    with pytest.raises(UsageError, match=f"bars to keep from 1 to 4, got {', '.join(map(str, bars))}"):
        vary(TOY, random_groove(1, 64), keep_bars=bars)


# -- turned once, moved often


def test_a_turn_that_was_kept_gives_what_varying_anew_gives(steerable):
    played = random_groove(7, 75, 70)
    for n, amount, seed in ((1, 0.4, 0), (generate.BATCH + 1, 0.9, 3), (2, 0.0, 1)):
        perturbed = perturb(steerable, played, n=n, amount=amount, seed=seed)
        before = perturbed.z.clone()
        assert perturbed.z.shape[:2] == (n, len(window_spans(played)))
        for asked in ({}, {"loudness": 0.1, "density": 0.3})[: 1 if n > 2 else 2]:
            settings = {"n": n, "amount": amount, "seed": seed, "asked": asked, "keep": ["snare"], "keep_bars": [2]}
            anew, kept = (vary(steerable, played, **settings, perturbed=own) for own in (None, perturbed))
            assert [v.groove for v in anew] == [v.groove for v in kept]
            assert [v.settings for v in anew] == [v.settings for v in kept]
        assert torch.equal(perturbed.z, before)  # it may be kept for all visitors


@pytest.mark.parametrize("options", [{"n": 0}, {"amount": 1.1}, {"amount": float("nan")}], ids=str)
def test_a_turn_that_cannot_be(options):
    with pytest.raises(UsageError, match="Expected"):
        perturb(TOY, random_groove(1), **options)


# -- sliders


def test_settings_say_what_was_asked_and_what_came_in_both_units():
    asked = {"density": 0.3, "loudness": 0.8, "density_toms": 0.5}
    for amount in (0.0, 0.5):
        for varied in vary(TOY, random_groove(1, 64, 60), n=2, amount=amount, asked=asked):
            assert list(varied.settings) == list(asked)
            for name, setting in varied.settings.items():
                value = slider_values(varied.groove)[name]
                assert (setting.asked, setting.asked_value) == (asked[name], TOY.quantiles.value_at(name, asked[name]))
                assert (setting.achieved, setting.achieved_value) == (TOY.quantiles.quantile(name, value), value)
                assert setting.to_dict() == {
                    "asked": setting.asked,
                    "asked_value": setting.asked_value,
                    "achieved": setting.achieved,
                    "achieved_value": setting.achieved_value,
                    "reached": setting.is_reached,
                }


@pytest.fixture(scope="module")
def steerable() -> Checkpoint:
    """With scales of what the toy plays, so that places are within its reach."""
    return replace(TOY, quantiles=fit_scales([reconstruct(TOY.model, random_groove(seed)) for seed in range(40)]))


@pytest.mark.parametrize("name", SLIDERS)
@pytest.mark.parametrize("amount", [0.0, 0.5])
def test_sliders_move_what_they_are_named_after(steerable, name, amount):
    low, high = (
        vary(steerable, random_groove(5), amount=amount, asked={name: place})[0].settings[name] for place in (0.1, 0.9)
    )
    assert low.achieved_value < high.achieved_value


def test_kept_voices_count_for_what_is_asked(steerable, monkeypatch):
    """What is kept is there whatever is asked: the rest makes up for it."""
    played = random_groove(6, 32, 60)
    held: list[Held] = []
    steer = generate.steer
    monkeypatch.setattr(generate, "steer", lambda *given: held.append(given[6]) or steer(*given))
    free, kept = (vary(steerable, played, asked=asked, keep=["snare", "ride"])[0] for asked in ({}, {"density": 0.5}))
    assert hits(kept.groove, "snare", "ride") == hits(played, "snare", "ride")
    assert [own.voices for own in held] == [(VOICE_INDEX["snare"], VOICE_INDEX["ride"])]
    assert np.array_equal(held[0].cells, to_grid(played).tensor)
    density = slider_values(kept.groove)["density"]
    assert kept.settings["density"].achieved_value == density
    aim = steerable.quantiles.value_at("density", 0.5)
    assert abs(density - aim) < abs(slider_values(free.groove)["density"] - aim)


def test_a_slider_that_means_nothing_for_a_groove_is_not_reached():
    waltz = random_groove(1, 36, 40, meters=(Meter(0.0, 6, 8),))
    [varied] = vary(TOY, waltz, asked={"swing": 0.5})
    setting = varied.settings["swing"]
    assert (setting.achieved, setting.achieved_value, setting.is_reached) == (None, None, False)


@pytest.mark.parametrize(
    ("setting", "is_reached"),
    [
        (Setting(0.5, 3.0, 0.54, 3.1), True),
        (Setting(0.5, 3.0, 0.46, 2.9), True),
        (Setting(0.5, 3.0, 0.56, 3.1), False),
        (Setting(0.5, 3.0, None, None), False),
        (Setting(0.0, 0.0, 0.2, 0.0), True),  # two fifths of all have none: places 0 to 0.4 are the same
        (Setting(0.1, 1 / 3, 0.2, float(np.float32(1 / 3))), True),
        (Setting(0.0, 0.0, 0.2, 0.1), False),
    ],
    ids=str,
)
def test_what_counts_as_reached(setting, is_reached):
    assert setting.is_reached == is_reached


def test_silence_can_be_varied_and_filled():
    for asked in ({}, {"density": 0.5}, {name: 0.5 for name in SLIDERS}):
        [varied] = vary(TOY, groove(n_steps=48), asked=asked)
        assert varied.groove.n_steps == 48
        assert set(varied.settings) == set(asked)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "1 to 10000 variations, got 0"),
        ({"n": 10_001}, "variations"),
        ({"amount": -0.1}, "amount from 0 to 1"),
        ({"amount": 1.1}, "amount from 0 to 1"),
        ({"amount": float("nan")}, "amount"),
        ({"asked": {"groove": 0.5}}, "slider out of density, .*, got 'groove'"),
        ({"asked": {"x" * 1000: 0.5}}, "slider out of"),
        ({"asked": {"density": 1.01}}, "density as a quantile .* 0 to 1 .*, got 1.01"),
        ({"asked": {"density": -1e-9}}, "density as a quantile"),
        ({"asked": {"density": 0.5, "swing": float("nan")}}, "swing as a quantile"),
        ({"asked": {"push": 0.5}}, "slider out of"),  # a trait, and no slider
        ({"keep": ["kick", "gong"]}, "voices to keep out of kick, .*, got 'gong'"),
        ({"keep": ["toms"]}, "voices to keep"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_variations_that_cannot_be(options, message):
    with pytest.raises(UsageError, match=message) as caught:
        vary(TOY, random_groove(1), **options)
    assert len(str(caught.value)) < 300


def test_a_slider_without_a_scale_cannot_be_asked_for():
    knots = {name: knots for name, knots in quantiles().knots.items() if name != "density_toms"}
    no_toms = replace(TOY, quantiles=replace(quantiles(), knots=knots))
    with pytest.raises(UsageError, match="training data defines no density_toms"):
        vary(no_toms, random_groove(1), asked={"density_toms": 0.5})
    assert vary(no_toms, random_groove(1), asked={"density": 0.5})


# -- ways between


A, B = random_groove(1, 32, 20), random_groove(2, 32, 60)


@pytest.mark.parametrize("n", [2, 3, 8])
def test_the_ends_are_reconstructions(n):
    steps = interpolate(TOY, A, B, n)
    assert len(steps) == n
    assert (steps[0], steps[-1]) == (reconstruct(TOY.model, A), reconstruct(TOY.model, B))
    assert all(step.n_steps == 32 and step.meters == A.meters for step in steps)


@pytest.mark.parametrize(
    ("meter", "first", "last"),
    [
        ((4, 4), 16, 64),
        ((4, 4), 80, 32),
        ((3, 4), 12, 36),
        ((6, 8), 24, 60),
        ((7, 8), 42, 14),
        ((4, 4), 20, 64),  # a loop that ends inside a bar
        ((4, 4), 75, 48),
        ((12, 8), 5, 7),
    ],
    ids=str,
)
def test_the_shorter_is_looped(meter, first, last):
    bars = (Meter(0.0, *meter),)
    ends = [random_groove(seed, n, n, meters=bars) for seed, n in ((1, first), (2, last))]
    steps = interpolate(TOY, *ends, 4)
    assert [steps[0], steps[-1]] == [reconstruct(TOY.model, end) for end in ends]
    assert [step.n_steps for step in steps] == [first, max(first, last), max(first, last), last]
    assert all(step.meters == bars for step in steps)


def test_bars_that_begin_anew_in_the_middle_of_one():
    """Both ends are in 4/4 throughout, but not in the same bars."""
    odd = random_groove(1, 64, 60, meters=(Meter(0.0, 4, 4), Meter(20.0, 4, 4)))
    even = random_groove(2, 64, 60)
    for ends in ((odd, even), (even, odd)):
        steps = interpolate(TOY, *ends, 3)
        assert [steps[0], steps[-1]] == [reconstruct(TOY.model, end) for end in ends]


def test_a_way_from_a_groove_to_itself_stays_there():
    for played in (A, groove(n_steps=32)):
        rebuilt = reconstruct(TOY.model, played)
        assert all(cells(step) == cells(rebuilt) for step in interpolate(TOY, played, played, 5))


def test_a_way_leads_from_one_to_the_other():
    """Its latents leave those of the first and near those of the last, in windows of both."""
    pairs = [(random_groove(seed, 64, 40), random_groove(seed + 100, 64, 90)) for seed in range(20)]
    ways = [generate.between(TOY, pair, np.linspace(0, 1, 6)) for pair in pairs]
    for which, order in ((0, 1), (-1, -1)):
        ends = [encode(TOY.model, pair[which]).posterior.mean for pair in pairs]
        distance = np.mean(
            [(way - end).norm(dim=2).numpy() for way, end in zip(ways, ends, strict=True)], axis=0
        )  # (place, window)
        assert (order * np.diff(distance, axis=0) > 0).all()
        assert (distance[which] < 1e-3).all()


def test_no_step_is_much_longer_than_the_others():
    space = [generate.descriptor_space(interpolate(TOY, A, B, n), TOY.quantiles) for n in (5, 9)]
    for points in space:
        jumps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        assert jumps.max() < 2.5 * jumps.mean()


def test_tempo_goes_in_even_ratios(monkeypatch):
    monkeypatch.setattr(generate, "_even_steps", lambda points, n: list(range(0, len(points), generate.FINER**2)))
    first = replace(A, tempos=(Tempo(0.0, 60.0),))
    last = replace(B, tempos=(Tempo(0.0, 240.0), Tempo(16.0, 480.0)))  # takes as long as 320 throughout
    steps = interpolate(TOY, first, last, 5)
    ratio = (320 / 60) ** 0.25
    assert [step.tempos[0].bpm for step in steps[:-1]] == pytest.approx([60 * ratio**k for k in range(4)])
    assert [len(step.tempos) for step in steps] == [1, 1, 1, 1, 2]


def test_tempo_goes_one_way():
    first, last = replace(A, tempos=(Tempo(0.0, 170.0),)), replace(B, tempos=(Tempo(0.0, 80.0),))
    tempos = [step.tempos[0].bpm for step in interpolate(TOY, first, last, 6)]
    assert tempos == sorted(tempos, reverse=True)
    assert len(set(tempos)) == 6


def test_a_way_between_changing_meters_cannot_be():
    changing = random_groove(1, 36, 30, meters=(Meter(0.0, 4, 4), Meter(16.0, 3, 4)))
    with pytest.raises(UsageError, match="got changing meters and changing meters"):
        interpolate(TOY, changing, changing, 4)


@pytest.mark.parametrize(
    ("last", "n", "message"),
    [
        (B, 1, "2 to 128 steps from one groove to the other, got 1"),
        (B, MAX_INTERPOLATED + 1, "2 to 128 steps"),
        (random_groove(1, 36, 30, meters=(Meter(0.0, 3, 4),)), 4, "same meter to interpolate between, got 4/4 and 3/4"),
        (random_groove(1, 36, 30, meters=(Meter(0.0, 4, 4), Meter(16.0, 3, 4))), 4, "4/4 and changing meters"),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, int | str) else "",
)
def test_ways_that_cannot_be(last, n, message):
    with pytest.raises(UsageError, match=message):
        interpolate(TOY, A, last, n)


def test_where_sliders_leap_inner_steps_are_steered_to_what_is_around_them(monkeypatch):
    steps = [reconstruct(TOY.model, random_groove(seed, 32, n)) for seed, n in ((1, 10), (2, 60), (3, 20), (4, 40))]
    z = torch.stack([encode(TOY.model, step).posterior.mean for step in steps])
    space = generate.descriptor_space(steps, TOY.quantiles)
    leaps = np.abs(np.diff(space, axis=0)) > generate.JUMP
    assert (leaps[0] | leaps[1]).any()
    calls: list[tuple[torch.Tensor, dict[str, float]]] = []

    def stay(_: object, z: torch.Tensor, __: Groove, asked: dict[str, float], *___: object) -> Steered:
        calls.append((z, asked))
        return Steered(z, np.zeros(0))

    monkeypatch.setattr(generate, "steer", stay)
    inner = [decode(TOY.model, z[k], steps[k]) for k in (1, 2)]
    assert generate._softened(TOY, steps, z) == [steps[0], *inner, steps[3]]
    assert [own.flatten().tolist() for own, _ in calls] == [z[k].flatten().tolist() for k in (1, 2)] * 2
    for k, (_, asked) in zip((1, 2), calls, strict=False):
        assert set(asked) == {name for i, name in enumerate(SLIDERS) if leaps[k - 1, i] or leaps[k, i]}
        around = [slider_values(step) for step in steps[k - 1 : k + 2]]
        assert asked == pytest.approx({name: np.mean([own[name] for own in around]) for name in asked})


def test_steps_are_softened_from_where_they_stand(monkeypatch):
    def unsoftened(own: Checkpoint, steps: list[Groove], z: torch.Tensor) -> list[Groove]:
        assert len(steps) == len(z) == 5
        assert all(decode(own.model, place, step) == step for place, step in zip(z, steps, strict=True))
        return steps

    monkeypatch.setattr(generate, "_softened", unsoftened)
    assert len(interpolate(TOY, A, B, 5)) == 5


# -- the choice of steps


def test_steps_on_a_line_are_even():
    def chosen(*places: float, n: int) -> list[int]:
        return generate._even_steps(np.array(places, dtype=np.float64)[:, None], n)

    assert chosen(0, 1, 2, 3, 4, n=3) == [0, 2, 4]
    assert chosen(0, 1, 2, 3, 4, 5, 6, n=4) == [0, 2, 4, 6]
    assert chosen(0, 0.1, 0.2, 0.3, 3, 5.8, 5.9, 6, n=3) == [0, 4, 7]
    assert chosen(0, 5, 1, 9, 2, n=2) == [0, 4]
    assert chosen(0, 9, 1, n=3) == [0, 1, 2]
    assert chosen(1, 1, 1, 1, n=3) in ([0, 1, 3], [0, 2, 3])
    assert chosen(0, 10, 1, 2, n=4) == [0, 1, 2, 3]


@pytest.mark.parametrize("seed", range(10))
def test_steps_are_the_best_of_all_choices(seed):
    rng = np.random.default_rng(seed)
    points, n = rng.normal(size=(9, 3)), int(rng.integers(2, 8))

    def cost(choice: tuple[int, ...]) -> float:
        return sum(float(np.linalg.norm(points[b] - points[a])) ** 4 for a, b in pairwise(choice))

    every = [(0, *inner, 8) for inner in combinations(range(1, 8), n - 2)]
    chosen = generate._even_steps(points, n)
    assert len(chosen) == n
    assert cost(tuple(chosen)) == pytest.approx(min(map(cost, every)))


def test_the_space_of_descriptors_is_in_their_spreads_and_bridges_what_is_undefined():
    on, off, silent = groove((0, "kick"), (2, "closed_hat")), groove((0, "kick")), groove()
    space = generate.descriptor_space([off, on, off, silent, on], quantiles())
    swing, density = SLIDERS.index("swing"), SLIDERS.index("density")
    assert (space[:, swing] == space[1, swing]).all()  # before the first that has it, and after
    assert space[:, density] * quantiles().spread("density") == pytest.approx([1 / 8, 2 / 8, 1 / 8, 0, 2 / 8])
    assert (generate.descriptor_space([silent, silent], quantiles()) == 0).all()
