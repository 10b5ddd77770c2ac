"""Do sliders, variations and ways between obey: what is counted, on toys."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from grooves import random_groove, take
from toys import checkpoint_of, quantiles

from rhythmvae.analysis.descriptors import SLIDERS, slider_values
from rhythmvae.data.corpus import Corpus
from rhythmvae.errors import CorpusError
from rhythmvae.evaluation import control, two_sample
from rhythmvae.groove import Groove, Meter, to_grid
from rhythmvae.model import latent
from rhythmvae.model.generate import vary
from rhythmvae.model.steering import Steered

TOY = checkpoint_of()
WINDOWS = [random_groove(seed) for seed in range(3)]


@pytest.mark.usefixtures("brief_classifiers")
def test_everything_is_measured_on_held_out_takes(monkeypatch):
    monkeypatch.setattr(control, "N_INTERPOLATIONS", 8)
    monkeypatch.setattr(control, "AMOUNTS", (0.0, 1.0))
    monkeypatch.setattr(control, "LEVELS", (0.2, 0.8))
    sliders = control.measure_sliders
    met: list[Groove] = []

    def few(checkpoint: Any, windows: list[Groove]) -> Any:
        met.extend(windows)
        return sliders(checkpoint, windows[:2], ("loudness",))

    monkeypatch.setattr(control, "measure_sliders", few)
    takes = [take(seed, "train" if seed < 4 else "validation", n_steps=64, n_hits=60) for seed in range(26)]
    figures = control.measure_control(TOY, Corpus(tuple(takes)), "validation", seeds=1)
    json.dumps(figures, allow_nan=False)
    assert set(figures) == {"n_windows", "sliders", "amounts", "interpolation"}
    assert figures["n_windows"] == len(met) == 22  # one of each take
    cells = [set(played.step.tolist()) for played in met]
    assert all(any(steps <= set((t.groove.step % 32).tolist()) for t in takes[4:]) for steps in cells)
    assert figures["sliders"]["loudness"]["n"] == 4
    assert list(figures["amounts"]) == ["0", "1"]
    assert figures["interpolation"]["n_interpolations"] == 8
    assert figures["interpolation"]["ends_equal"]
    assert set(figures["interpolation"]["two_sample_accuracy"]) == {"descriptors", "tensor"}


def test_too_few_takes_are_a_sentence():
    takes = [take(seed, "train" if seed < 4 else "validation") for seed in range(10)]
    with pytest.raises(CorpusError, match="at least 20 held-out takes"):
        control.measure_control(TOY, Corpus(tuple(takes)), "validation")


# -- sliders


def test_sliders_of_a_toy(monkeypatch):
    monkeypatch.setattr(control, "LEVELS", (0.2, 0.8))
    found = control.measure_sliders(TOY, WINDOWS[:2], ("density", "density_kick"))
    json.dumps(found, allow_nan=False)
    for own in found.values():
        assert set(own) == {"n", "undefined", "spearman", "mae", "spearman_last", "mae_last", "achieved", "leakage"}
        assert (own["n"], own["undefined"]) == (2 * len(control.LEVELS), 0)
        assert all(move >= 0 for move in own["leakage"].values())


class Steering:
    """Stands in for `steer`: says what each round reached, and gives latents that it thinks are the best."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, last: dict[str, float], z: torch.Tensor | None = None) -> None:
        self.asked: list[dict[str, float]] = []
        self.last, self.z = last, z
        monkeypatch.setattr(control, "steer", self)

    def __call__(self, _: Any, z: torch.Tensor, __: Groove, asked: dict[str, float], *___: Any) -> Steered:
        self.asked.append(asked)
        rounds = np.full((3, len(SLIDERS)), 1e9)
        rounds[-1] = [self.last.get(name, asked.get(name, np.nan)) for name in SLIDERS]
        return Steered(z if self.z is None else self.z, rounds)


def test_the_last_round_and_the_chosen_one_are_two_figures(monkeypatch):
    """Nothing moves, but the last round says that it arrived."""
    steering = Steering(monkeypatch, {})
    found = control.measure_sliders(TOY, WINDOWS, ("loudness",))["loudness"]
    levels = list(control.LEVELS)
    assert steering.asked == [{"loudness": quantiles().value_at("loudness", level)} for level in levels] * 3
    assert (found["spearman_last"], found["mae_last"]) == (pytest.approx(1.0), pytest.approx(0.0, abs=1e-6))
    rebuilt = [slider_values(latent.reconstruct(TOY.model, window))["loudness"] for window in WINDOWS]
    stands = [quantiles().quantile("loudness", value) for value in rebuilt]
    assert found["mae"] == pytest.approx(np.mean([abs(level - place) for place in stands for level in levels]))
    assert abs(found["spearman"]) < 1e-9
    assert set(found["leakage"].values()) == {0.0}


def test_leakage_is_how_far_the_others_went_in_their_spreads(monkeypatch):
    elsewhere = latent.encode(TOY.model, random_groove(9)).posterior.mean
    Steering(monkeypatch, {}, elsewhere)
    found = control.measure_sliders(TOY, WINDOWS, ("swing",))["swing"]
    before = [slider_values(latent.reconstruct(TOY.model, window)) for window in WINDOWS]
    after = slider_values(latent.decode(TOY.model, elsewhere, WINDOWS[0]))
    assert set(found["leakage"]) == set(SLIDERS) - {"swing"}
    for other, leak in found["leakage"].items():
        moves = [abs(after[other] - own[other]) / quantiles().spread(other) for own in before]
        assert leak == pytest.approx(np.mean(moves))
    place = quantiles().quantile("swing", after["swing"])
    assert found["mae"] == pytest.approx(np.mean([abs(level - place) for level in control.LEVELS]))


def test_a_sum_and_its_parts_are_no_leakage(monkeypatch):
    Steering(monkeypatch, {})
    found = control.measure_sliders(TOY, WINDOWS[:1])
    parts = {name for name in SLIDERS if name.startswith("density_")}
    assert set(found) == set(SLIDERS)
    assert set(found["density"]["leakage"]) == set(SLIDERS) - {"density"} - parts
    assert set(found["density_kick"]["leakage"]) == set(SLIDERS) - {"density", "density_kick"}
    assert set(found["loudness"]["leakage"]) == set(SLIDERS) - {"loudness"}


def test_what_is_undefined_is_counted_and_left_out(monkeypatch):
    Steering(monkeypatch, {"swing": np.nan})
    waltz = random_groove(4, 24, 30, meters=(Meter(0.0, 6, 8),))
    found = control.measure_sliders(TOY, [*WINDOWS, waltz], ("swing", "loudness"))
    assert (found["swing"]["n"], found["swing"]["undefined"]) == (15, 1)
    assert (found["loudness"]["n"], found["loudness"]["undefined"]) == (20, 0)
    assert found["swing"]["mae_last"] == pytest.approx(np.mean(control.LEVELS))  # came to nothing: place 0


def test_figures_that_are_not_there_are_none(monkeypatch):
    """A slider that no window has, one that the model has no scale of, one that stays where it is."""
    Steering(monkeypatch, {"loudness": 64.0})
    no_toms = replace(
        quantiles(), knots={name: own for name, own in quantiles().knots.items() if name != "density_toms"}
    )
    waltz = random_groove(4, 24, 30, meters=(Meter(0.0, 6, 8),))
    own = replace(TOY, quantiles=no_toms)
    found = control.measure_sliders(own, [waltz], ("swing", "density_toms", "loudness"))
    json.dumps(found, allow_nan=False)
    assert list(found) == ["swing", "loudness"]
    figures = ("spearman", "mae", "spearman_last", "mae_last")
    assert [found["swing"][key] for key in ("n", "undefined", *figures)] == [0, 1, None, None, None, None]
    assert found["swing"]["leakage"] == {}
    assert found["loudness"]["spearman_last"] is None
    assert found["loudness"]["mae_last"] is not None
    assert "density_toms" not in found["loudness"]["leakage"]


# -- variations


def test_the_larger_the_amount_the_more_cells_differ():
    found = control.measure_amounts(TOY, WINDOWS)
    assert list(found) == ["0", "0.1", "0.25", "0.5", "0.75", "1"]
    assert found["0"] == 0
    assert list(found.values()) == sorted(found.values())


def test_a_cell_that_comes_or_goes_counts_once(monkeypatch):
    monkeypatch.setattr(control, "AMOUNTS", (0.5,))
    pairs = [(latent.reconstruct(TOY.model, w), vary(TOY, w, amount=0.5)[0].groove) for w in WINDOWS]

    def cells(played: Groove) -> set[tuple[int, int]]:
        return set(zip(played.step.tolist(), played.voice.tolist(), strict=True))

    differ = sum(len(cells(a) ^ cells(b)) for a, b in pairs)
    n_cells = sum(len(cells(a)) for a, _ in pairs)
    assert control.measure_amounts(TOY, WINDOWS) == {"0.5": differ / n_cells}


# -- ways


def test_ways_lead_between_takes_and_give_a_step_each(monkeypatch):
    ends: list[tuple[int, int]] = []
    interpolate = control.interpolate
    windows = [random_groove(seed) for seed in range(4)]

    def recorded(checkpoint: Any, first: Groove, last: Groove, n: int) -> list[Groove]:
        assert n == control.INTERPOLATION_STEPS
        ends.append(tuple(next(i for i, own in enumerate(windows) if own == end) for end in (first, last)))
        return interpolate(checkpoint, first, last, n)

    monkeypatch.setattr(control, "interpolate", recorded)
    figures, inner = control.measure_interpolation(TOY, windows, np.array([0, 0, 1, 1]), 5, seed=1)
    assert {(a < 2, b < 2) for a, b in ends} <= {(True, False), (False, True)}
    assert inner.shape == (5, 32, 9, 2, 3)
    assert figures["n_interpolations"] == len(ends) == 5
    assert figures["ends_equal"]
    assert 1.0 <= figures["largest_over_mean_median"] <= figures["largest_over_mean_worst"]
    assert 0.0 <= figures["share_above_2"] <= 1.0
    again, _ = control.measure_interpolation(TOY, windows, np.array([0, 0, 1, 1]), 5, seed=1)
    assert again == figures


def test_a_leap_is_told(monkeypatch):
    """A way that stays where it is and leaps once: the largest of eight steps is eight times the mean."""
    a, b = WINDOWS[:2]
    monkeypatch.setattr(control, "interpolate", lambda *_: [a] * 8 + [b])
    figures, _ = control.measure_interpolation(TOY, WINDOWS[:2], np.array([0, 1]), 3)
    assert figures["largest_over_mean_worst"] == figures["largest_over_mean_median"] == pytest.approx(8.0)
    assert figures["share_above_2"] == 1.0


@pytest.mark.parametrize(("first", "last"), [(True, True), (True, False), (False, True)])
def test_ends_must_be_reconstructions_and_what_lies_between_is_judged(monkeypatch, first, last):
    between = latent.reconstruct(TOY.model, WINDOWS[2])

    def way(_: Any, a: Groove, b: Groove, __: int) -> list[Groove]:
        ends = [latent.reconstruct(TOY.model, end) for end in (a, b)]
        return [ends[0] if first else between, *[between] * 7, ends[1] if last else between]

    monkeypatch.setattr(control, "interpolate", way)
    figures, inner = control.measure_interpolation(TOY, WINDOWS[:2], np.array([0, 1]), 6)
    assert figures["ends_equal"] == (first and last)
    assert (inner == two_sample.as_file(to_grid(between).tensor[None])).all()


def test_a_way_on_which_nothing_happens_is_even(monkeypatch):
    monkeypatch.setattr(control, "interpolate", lambda *_: [WINDOWS[0]] * 9)
    figures, _ = control.measure_interpolation(TOY, WINDOWS[:2], np.array([0, 1]), 2)
    assert (figures["largest_over_mean_worst"], figures["share_above_2"]) == (1.0, 0.0)
