"""A square of grooves between four."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from grooves import random_groove
from toys import checkpoint_of

from rhythmvae.errors import UsageError
from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.model import generate, latent, lattice

BPM = (80.0, 160.0, 90.0, 120.0)
CORNERS = [random_groove(seed, n_steps=32, n_hits=40, tempos=(Tempo(0.0, bpm),)) for seed, bpm in enumerate(BPM)]


def assert_alike(found: Groove, other: Groove) -> None:
    """The same up to rounding of sums, which another number of rows changes."""
    assert np.array_equal(found.voice, other.voice)
    np.testing.assert_allclose(found.position, other.position, atol=1e-4)
    assert np.abs(found.velocity - other.velocity).max() <= 1


def test_corners_are_reconstructions_and_tempo_goes_in_even_ratios() -> None:
    checkpoint = checkpoint_of()
    found = lattice.lattice(checkpoint, CORNERS, 3)
    for index, corner in zip((0, 2, 6, 8), CORNERS, strict=True):
        assert_alike(found[index], latent.reconstruct(checkpoint.model, corner))
        assert found[index].tempos[0].bpm == pytest.approx(corner.tempos[0].bpm)
    assert found[1].tempos[0].bpm == pytest.approx((80 * 160) ** 0.5)
    assert found[4].tempos[0].bpm == pytest.approx(np.prod(BPM) ** 0.25)


def test_edges_are_the_way_that_an_interpolation_goes() -> None:
    checkpoint = checkpoint_of()
    side = 5
    found = lattice.points(checkpoint, CORNERS, side).unflatten(0, (side, side))
    places = np.linspace(0.0, 1.0, side)
    for edge, pair in (
        (found[0], (0, 1)),
        (found[-1], (2, 3)),
        (found[:, 0], (0, 2)),
        (found[:, -1], (1, 3)),
    ):
        way = generate.between(checkpoint, [CORNERS[i] for i in pair], places)
        torch.testing.assert_close(edge, way, rtol=1e-3, atol=1e-3)


def test_every_point_is_what_its_latent_decodes_to() -> None:
    checkpoint = checkpoint_of()
    found = lattice.lattice(checkpoint, CORNERS, 3)
    points = lattice.points(checkpoint, CORNERS, 3)
    for groove, z in zip(found, points, strict=True):
        assert_alike(groove, latent.decode(checkpoint.model, z, latent.frame_of(groove)))


def test_shorter_corners_are_looped_and_longer_ones_cut() -> None:
    corners = [CORNERS[0].bars(1, 1), random_groove(9, n_steps=160, n_hits=90), *CORNERS[2:]]
    assert {groove.n_bars for groove in lattice.lattice(checkpoint_of(), corners, 2)} == {lattice.MAX_BARS}


def test_corners_that_have_no_square_are_refused() -> None:
    waltz = random_groove(1, n_steps=24, n_hits=20, meters=(Meter(0.0, 3, 4),))
    with pytest.raises(UsageError, match="one and the same meter"):
        lattice.lattice(checkpoint_of(), [*CORNERS[:3], waltz], 3)
    with pytest.raises(UsageError, match="4 corners"):
        lattice.lattice(checkpoint_of(), CORNERS[:3], 3)
