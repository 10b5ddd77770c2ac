"""Sliders with a slope against analysis/descriptors.py."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from grooves import groove, random_groove
from hypothesis import given, settings
from hypothesis import strategies as st

from rhythmvae.analysis.descriptors import BACKBONE, SECOND_EIGHTH, SLIDERS, TIMEKEEPERS, slider_values, syncopation
from rhythmvae.groove import (
    HIT,
    MAX_VELOCITY,
    OFFSET,
    STEPS_PER_QUARTER,
    TWO_LOUDEST,
    VELOCITY,
    Groove,
    Meter,
    from_grid,
    to_grid,
)
from rhythmvae.kit import N_VOICES, VOICE_INDEX
from rhythmvae.model.soft import MAX_SILENCE, Cells, SoftDescriptors

COLUMN = {name: i for i, name in enumerate(SLIDERS)}
METERS = {
    "4/4": (Meter(0, 4, 4),),
    "3/4": (Meter(0, 3, 4),),
    "6/8": (Meter(0, 6, 8),),
    "12/8": (Meter(0, 12, 8),),
    "7/8": (Meter(0, 7, 8),),
    "5/4": (Meter(0, 5, 4),),
    "7/32": (Meter(0, 7, 32),),
    "16/4": (Meter(0, 16, 4),),
    "4/4 then 3/4": (Meter(0, 4, 4), Meter(16, 3, 4)),
    "7/8 then 6/8": (Meter(0, 7, 8), Meter(14, 6, 8)),
}


def cells_of(*grooves: Groove) -> Cells:
    """What a decoder would say that played exactly this: (B, T, V, L) each."""
    tensor = torch.from_numpy(np.stack([to_grid(g).tensor for g in grooves]))
    return Cells(tensor[..., HIT], tensor[..., VELOCITY], tensor[..., OFFSET])


def numbers(values: dict[str, float | None]) -> np.ndarray:
    """(K,), NaN where undefined."""
    assert tuple(values) == SLIDERS
    return np.array([np.nan if value is None else value for value in values.values()])


def assert_same(soft: torch.Tensor, played: Groove) -> None:
    np.testing.assert_allclose(soft.detach().numpy(), numbers(slider_values(played)), rtol=1e-4, atol=1e-4)


@st.composite
def grooves(draw: st.DrawFn, n_steps: int | None = None, meters: tuple[Meter, ...] | None = None) -> Groove:
    """At most two hits a cell; of few voices or all, dense or with long gaps."""
    n_steps = n_steps or draw(st.integers(1, 200))
    meters = meters or METERS[draw(st.sampled_from(sorted(METERS)))]
    voices = draw(st.lists(st.integers(0, N_VOICES - 1), min_size=1, max_size=N_VOICES, unique=True))
    cells = draw(st.lists(st.tuples(st.integers(0, n_steps - 1), st.sampled_from(voices)), unique=True, max_size=30))
    hits = []
    for step, voice in cells:
        offsets = draw(st.lists(st.integers(-512, 511), min_size=1, max_size=TWO_LOUDEST.n, unique=True))
        hits += [(step + o / 1024, voice, draw(st.integers(1, MAX_VELOCITY))) for o in offsets]
    position, voice, velocity = np.array(hits, dtype=float).reshape(-1, 3).T
    return Groove(position, voice, velocity, n_steps, meters=tuple(m for m in meters if m.step < n_steps))


# -- descriptors


@given(grooves())
@settings(max_examples=200, deadline=None, derandomize=True)
def test_soft_descriptors_of_hits_are_the_descriptors(played):
    assert_same(SoftDescriptors(played)(cells_of(played))[0], played)


@pytest.mark.parametrize("meters", METERS.values(), ids=METERS)
@pytest.mark.parametrize("n_hits", [3, 40])
def test_soft_descriptors_in_every_meter(meters, n_hits):
    for seed in range(4):
        rough = random_groove(seed, 96, n_hits, meters=meters)
        played = from_grid(to_grid(rough).tensor, rough)  # a cell's third hit does not fit
        soft = SoftDescriptors(played)(cells_of(played))[0]
        assert_same(soft, played)
        compound = any("/8" in str(m) and m.numerator in (6, 12) for m in meters)
        if compound or n_hits == 40:
            assert bool(soft[COLUMN["swing"]].isnan()) == compound


@given(st.lists(grooves(n_steps=28, meters=METERS["7/8"]), min_size=2, max_size=4))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_each_of_a_batch_is_described_alone(batch):
    together = SoftDescriptors(batch[0])(cells_of(*batch))
    assert together.shape == (len(batch), len(SLIDERS))
    for soft, played in zip(together, batch, strict=True):
        assert_same(soft, played)


@pytest.mark.parametrize("gap", [1, 5, MAX_SILENCE - 1, MAX_SILENCE, MAX_SILENCE + 1, MAX_SILENCE + 7, 200])
@pytest.mark.parametrize("start", [0, 2, 3, 15])
def test_gaps_as_long_as_may_be(start, gap):
    """One kick alone, two with a gap between, and one on the last step, next heard round the loop."""
    for hits in ([start], [start, start + gap], [start, 255]):
        played = groove(*[(step, "kick") for step in hits], n_steps=256)
        assert_same(SoftDescriptors(played)(cells_of(played))[0], played)


def test_a_hit_ahead_of_the_first_bar_is_of_the_first_bar():
    """Not of the last one, counted from whose end it would be an off-beat here."""
    for offset in (-0.3, 0.0):
        played = groove((offset, "ride"), (6.25, "ride"), n_steps=14, meters=METERS["7/8"])
        assert_same(SoftDescriptors(played)(cells_of(played))[0], played)


def test_what_is_undefined_is_no_number():
    def undefined(*hits: tuple[float, str]) -> set[str]:
        played = groove(*hits)
        soft = SoftDescriptors(played)(cells_of(played))[0]
        return {name for name, value in zip(SLIDERS, soft.tolist(), strict=True) if np.isnan(value)}

    assert undefined() == {"syncopation", "swing", "dynamics", "looseness", "loudness"}
    assert undefined((2, "closed_hat")) == {"syncopation"}
    assert undefined((2, "kick")) == {"swing"}
    assert undefined((2, "low_tom")) == {"syncopation", "swing"}
    assert undefined((2, "open_hat"), (0, "snare")) == set()


# -- slopes


def assert_slopes(soft: SoftDescriptors, *played: Groove) -> None:
    """What is written out is what torch finds."""
    cells = Cells(*(part.clone().requires_grad_(True) for part in cells_of(*played)))
    values, found = soft(cells), soft.slopes(cells_of(*played))
    for k, name in enumerate(SLIDERS):
        own = torch.where(values[:, k].isfinite(), values[:, k], 0.0).sum()
        for said, part, kind in zip(found, cells, Cells._fields, strict=True):
            (expected,) = torch.autograd.grad(own, part, retain_graph=True, allow_unused=True, materialize_grads=True)
            np.testing.assert_allclose(said[k], expected, rtol=1e-3, atol=2e-4, err_msg=f"{name} by {kind}")


@given(st.lists(grooves(n_steps=28, meters=METERS["7/8"]), min_size=1, max_size=3))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_slopes_written_out_are_those_of_the_values(batch):
    assert_slopes(SoftDescriptors(batch[0]), *batch)


@pytest.mark.parametrize("meters", METERS.values(), ids=METERS)
def test_slopes_in_every_meter(meters):
    rough = random_groove(1, 96, 40, meters=meters)
    assert_slopes(SoftDescriptors(rough), from_grid(to_grid(rough).tensor, rough))


@pytest.mark.parametrize(
    "hits",
    [
        [],
        [(2, "kick")],
        [(2, "closed_hat")],
        [(0, "low_tom"), (0, "low_tom")],
        [(0, "kick", 127), (4, "snare", 1), (6.1, "ride", 64)],
    ],
    ids=["silence", "one kick", "one hat", "two toms as one", "all defined"],
)
@pytest.mark.parametrize("meter", ["4/4", "6/8"])
def test_slopes_are_numbers_where_something_is_undefined(hits, meter):
    played = groove(*hits, n_steps=24, meters=METERS[meter])
    found, values = SoftDescriptors(played).slopes(cells_of(played)), SoftDescriptors(played)(cells_of(played))[0]
    assert all(part.isfinite().all() for part in found)
    assert found.hit[COLUMN["density"]].all()
    for k in torch.flatten(torch.nonzero(~values.isfinite())).tolist():
        assert not any(part[k].any() for part in found), SLIDERS[k]


def slope(played: Groove, name: str) -> Cells:
    return Cells(*(part[COLUMN[name]] for part in SoftDescriptors(played).slopes(cells_of(played))))


def test_a_hit_more_is_one_hit_more_whatever_the_cell():
    played = random_groove(0, 24, 20)
    quarters = played.n_steps / STEPS_PER_QUARTER
    assert (slope(played, "density").hit == 1 / quarters).all()
    kicks = slope(played, "density_kick").hit
    assert (kicks[:, :, VOICE_INDEX["kick"]] == 1 / quarters).all()
    assert kicks.count_nonzero() == played.n_steps * TWO_LOUDEST.n


def test_louder_hits_make_it_louder_and_later_off_beats_swing():
    rough = random_groove(1, 32, 120)
    played = from_grid(to_grid(rough).tensor, rough)
    hit = cells_of(played).hit
    louder = slope(played, "loudness").velocity
    assert torch.allclose(louder, MAX_VELOCITY / len(played) * hit)
    later = slope(played, "swing").offset
    place = (torch.arange(32)[:, None, None] + cells_of(played).offset) % STEPS_PER_QUARTER
    counts = hit * (place >= SECOND_EIGHTH[0]) * (place < SECOND_EIGHTH[1])
    counts[:, :, [v for v in range(N_VOICES) if v not in TIMEKEEPERS]] = 0
    assert 1 < counts.sum() < hit.sum()
    assert torch.allclose(later, 1.5 / counts.sum() * counts)


@given(grooves(n_steps=16, meters=METERS["4/4"]).filter(lambda g: syncopation(g) is not None))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_the_slope_of_syncopation_is_what_a_hit_more_or_less_would_make(played):
    """As expected values of independent hits have it: a line from cell to cell."""
    grid = to_grid(played).tensor.copy()
    grid[:, :, 1] = 0  # one layer, as the two of a cell are heard as one
    played = from_grid(grid, played)
    found = slope(played, "syncopation").hit[0].sum(-1)
    for step in range(16):
        for voice in BACKBONE:
            with_hit, without = grid.copy(), grid.copy()
            with_hit[step, voice, 0] = (1.0, 0.5, 0.0)
            without[step, voice, 0] = 0.0
            more, less = (syncopation(from_grid(cells, played)) or 0.0 for cells in (with_hit, without))
            assert found[step, voice].item() == pytest.approx(more - less, abs=1e-5), (step, voice)
