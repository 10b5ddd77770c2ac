"""New grooves' latents moved to what was asked: drums, repetition, feel."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
import torch
from toys import checkpoint_of, prior, quantiles

from rhythmvae.analysis.descriptors import TRAITS
from rhythmvae.analysis.quantiles import Quantiles
from rhythmvae.groove import DEFAULT_TEMPO_BPM, Groove, Meter, Tempo
from rhythmvae.kit import N_VOICES, VOICE_INDEX
from rhythmvae.model import drawn
from rhythmvae.model.prior import Conditioning
from rhythmvae.model.vae import Outputs

TOY = checkpoint_of()


def two_bars() -> Groove:
    return Groove.silent(32, (Tempo(0.0, DEFAULT_TEMPO_BPM),), (Meter(0.0, 4, 4),))


def wanted(seed: int = 3) -> Conditioning:
    return TOY.prior.conditioning(1.0, torch.Generator().manual_seed(seed))


# -- which cells


def in_both(cells: np.ndarray) -> int:
    first, second = np.split(cells, 2)
    return int((first & second).sum())


@pytest.mark.parametrize("repetition", [None, 0.0, 0.4, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_no_other_cells_of_that_number_and_repetition_are_likelier(seed, repetition):
    """Two drums in eight steps, by all ways to play them."""
    logit = 3.0 * np.random.default_rng(seed).standard_normal((8, 2))
    n_cells = np.array([3, 4])
    found = drawn.likeliest_cells(logit, n_cells, repetition)
    others = []
    for first, second in product(
        combinations(range(8), int(found[:, 0].sum())), combinations(range(8), int(found[:, 1].sum()))
    ):
        cells = np.zeros((8, 2), dtype=bool)
        cells[list(first), 0] = cells[list(second), 1] = True
        if repetition is None or in_both(cells) == in_both(found):
            others.append(logit[cells].sum())
    assert logit[found].sum() == pytest.approx(max(others))
    assert np.abs(found.sum(0) - n_cells).max() <= (0 if repetition is None else 1)


def test_halves_come_nearer_to_the_repetition_that_is_asked():
    logit = 3.0 * np.random.default_rng(5).standard_normal((32, N_VOICES)) - 2.0
    n_cells = (logit > 0).sum(0)
    shares = []
    for asked in (0.1, 0.5, 0.9):
        cells = drawn.likeliest_cells(logit, n_cells, asked)
        shares.append(in_both(cells) / (cells.sum() - in_both(cells)))
    assert shares == pytest.approx([0.1, 0.5, 0.9], abs=0.06)


def test_a_drum_that_is_asked_begins_where_it_is_likeliest_and_one_that_is_not_stops():
    logit = np.full((2, 32, 3), -9.0)
    logit[1, 4, 0] = -2.0
    n_cells = np.array([[0, 5, 3], [0, 4, 0]])
    assert drawn._asked_cells(n_cells, logit, np.array([1.0, 0.0, 1.0])).tolist() == [[0, 0, 3], [1, 0, 0]]
    assert drawn._asked_cells(n_cells, logit, np.array([np.nan, np.nan, 0.0])).tolist() == [[0, 5, 0], [0, 4, 0]]


def test_what_scales_or_traits_do_not_know_is_not_asked():
    conditioning = wanted()
    conditioning.mask[0, TRAITS.index("loudness_ride")] = 0.0
    some = Quantiles({name: knots for name, knots in quantiles().knots.items() if name != "loudness_crash"})
    names = [name for name in TRAITS if name in some.knots]
    conditioning = conditioning._replace(mask=conditioning.mask[:, [TRAITS.index(name) for name in names]])
    found = drawn._asked_voices(some, conditioning)
    assert (found[VOICE_INDEX["kick"]], found[VOICE_INDEX["ride"]]) == (1.0, 0.0)
    assert np.isnan(found[VOICE_INDEX["crash"]])


def test_as_much_repetition_as_cells_can_have_is_all_of_it(monkeypatch):
    found = []
    for value in (0.949, 0.95, 1.0):
        monkeypatch.setattr(Quantiles, "at_score", lambda *_, value=value: value)
        found.append(drawn._asked_repetition(quantiles(), wanted()))
    assert found == [0.949, 1.0, 1.0]


def test_repetition_is_asked_where_it_is_known():
    conditioning = wanted()
    score = float(conditioning.traits[0, TRAITS.index("repetition")])
    assert drawn._asked_repetition(quantiles(), conditioning) == quantiles().at_score("repetition", score)
    conditioning.mask[0, TRAITS.index("repetition")] = 0.0
    assert drawn._asked_repetition(quantiles(), conditioning) is None


def test_cells_are_what_is_encoded(monkeypatch):
    """With the strokes that they had, and one where they had none."""
    cells = np.zeros((32, N_VOICES), dtype=bool)
    cells[[0, 3, 9], [0, 1, 2]] = True
    monkeypatch.setattr(drawn, "likeliest_cells", lambda *_: cells)
    own, seen = TOY.model, []
    encode = own.encode
    monkeypatch.setattr(own, "encode", lambda *given: seen.append(given[0]) or encode(*given))
    z = torch.randn(1, own.config.latent_size, generator=torch.Generator().manual_seed(0))
    drawn._with_cells(TOY, z, two_bars(), wanted())
    hit = seen[0][0, ..., 0].bool()
    before = own.decode(z, torch.tensor([32])).hit_logit[0] >= 0
    assert torch.equal(hit.any(-1), torch.from_numpy(cells))
    for step, voice in ((0, 0), (3, 1), (9, 2)):
        strokes = before[step, voice]
        assert torch.equal(hit[step, voice], strokes if strokes.any() else torch.arange(len(strokes)) == 0)


@pytest.mark.parametrize("n_steps", [1, 16, 40])
def test_any_length_is_moved(n_steps):
    frame = Groove.silent(n_steps, (Tempo(0.0, DEFAULT_TEMPO_BPM),), (Meter(0.0, 4, 4),))
    z = torch.randn(-(-n_steps // 32), TOY.model.config.latent_size, generator=torch.Generator().manual_seed(0))
    moved = drawn._with_cells(TOY, z, frame, wanted())
    assert moved.shape == z.shape
    assert moved.isfinite().all()


# -- how it feels


def test_latents_are_moved_to_the_feel_that_was_drawn():
    conditioning = wanted()
    z = torch.randn(1, TOY.model.config.latent_size, generator=torch.Generator().manual_seed(0))
    found = drawn._with_feel(TOY, z, two_bars(), conditioning)
    asked = drawn._asked_feel(quantiles(), conditioning)
    before, after = (drawn._missed_feel(TOY.model.decode(own, torch.tensor([32])), asked) for own in (z, found))
    assert after < 0.97 * before


def test_the_feel_that_is_asked_is_of_known_traits():
    own = prior()
    own.bank_known[:, TRAITS.index("looseness")] = 0.0
    conditioning = own.conditioning(1.0, torch.Generator().manual_seed(3))
    wanted, _, weight = drawn._asked_feel(quantiles(), conditioning)
    score = float(conditioning.traits[0, TRAITS.index("dynamics")])
    assert float(wanted[1, -1]) == pytest.approx(quantiles().at_score("dynamics", score))
    assert (weight[1, -1], weight[3, -1]) == (drawn.FEEL_WEIGHT, 0.0)


def test_missed_feel_is_zero_where_every_voice_and_all_of_them_are_as_asked():
    """Kicks at 40 and 60, snares at 100, of 127; their means and spreads by hand."""
    logit = torch.full((1, 32, N_VOICES, 2), -5.0)
    velocity, offset = torch.zeros_like(logit), torch.full_like(logit, 0.25)
    for step, voice, loudness in ((0, 0, 40.0), (8, 0, 60.0), (4, 1, 100.0), (12, 1, 100.0)):
        logit[0, step, voice, 0], velocity[0, step, voice, 0] = 5.0, loudness / 127
    asked = torch.zeros(3, 4, N_VOICES + 1)
    asked[1] = 1.0
    asked[0, 0, [0, 1, -1]] = torch.tensor([50.0, 100.0, 75.0])
    asked[0, 1, [0, 1, -1]] = torch.tensor([10.0, 0.0, 26.0])  # the last: sqrt(675)
    asked[0, 2, [0, 1, -1]] = 0.25
    asked[2][:, [0, 1, -1]] = 1.0
    assert float(drawn._missed_feel(Outputs(logit, velocity, offset), asked)) < 0.001
    asked[0, 0, 0] = 51.0
    assert float(drawn._missed_feel(Outputs(logit, velocity, offset), asked)) == pytest.approx(0.5, abs=0.001)
    asked[0, 0, 3] = 90.0  # of a voice that is not played
    assert float(drawn._missed_feel(Outputs(logit, velocity, offset), asked)) == pytest.approx(0.5, abs=0.001)
