"""The map of training grooves: which windows are on it, what is near, and where new ones land."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from grooves import groove, random_groove, take
from toys import FAMILY_TOYS, TOY, latent_map, model

from rhythmvae.analysis.descriptors import SLIDERS, slider_values
from rhythmvae.data.corpus import Take
from rhythmvae.errors import CheckpointError, CorpusError, UsageError
from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.model import latent
from rhythmvae.model import latent_map as latent_maps
from rhythmvae.model.latent_map import LatentMap, Origin


def clusters(n_each: int = 30, n_clusters: int = 4, size: int = 32, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Latents around far middles, and the number of the middle of each."""
    rng = np.random.default_rng(seed)
    of = np.repeat(np.arange(n_clusters), n_each)
    middles = 5.0 * np.eye(size)[:n_clusters]
    return (middles[of] + 0.3 * rng.standard_normal((len(of), size))).astype(np.float32), of


def over(latents: np.ndarray, **more: object) -> LatentMap:
    """A map of any latents, with labels of the toy's first point."""
    own, n = latent_map(), len(latents)
    mean, components, explained = latent_maps._principal(latents)
    rows = np.zeros(n, dtype=int)
    labels = {key: getattr(own, key)[rows] for key in ("take", "bars", "n_steps", "meter", "tempo_bpm", "descriptors")}
    drawing = vars(latent_maps.draw(latents, **more))
    fresh = dict(latents=latents, mean=mean, components=components, explained=explained)
    return replace(own, **drawing, **labels, **fresh)


# -- latents of windows


def test_a_map_needs_hits():
    with pytest.raises(CorpusError, match="takes with hits"):
        latent_maps.compute(model(), [Take("a.mid", groove(n_steps=64))])


@pytest.mark.parametrize("config", FAMILY_TOYS.values(), ids=FAMILY_TOYS)
def test_latents_are_those_of_the_windows_alone(config):
    built = model(config)
    played = [random_groove(0), random_groove(1, 24, meters=(Meter(0.0, 3, 4),)), random_groove(2, 20)]
    alone = [latent.encode(built, replace(g, meters=(Meter(0.0, g.n_steps, 16),))).posterior.mean for g in played]
    assert np.allclose(latent_maps.encode(built, played), torch.cat(alone), atol=1e-3)


def test_weights_that_give_no_numbers_are_a_sentence():
    damaged = model()
    with torch.no_grad():
        next(damaged.encoder.parameters()).fill_(float("nan"))
    with pytest.raises(CheckpointError, match="damaged"):
        latent_maps.encode(damaged, [random_groove(0)])


# -- making a map


def test_points_know_what_they_are():
    own = latent_map()
    assert own.take.tolist() == [0, 0, 1]
    assert own.bars.tolist() == [[1, 2], [3, 4], [1, 1]]
    assert own.n_steps.tolist() == [32, 32, 32]
    assert own.labels("style") == ["funk", "funk", ""]
    assert own.origins[0] == Origin("1.mid", "funk/fast", "d1", "fill")
    assert [own.name(i) for i in range(3)] == [
        "Funk fast fill, d1, 120 BPM",
        "Funk fast fill, d1, 120 BPM",
        "2.mid: bar 1",
    ]
    assert own.names([0, 1, 2]) == [
        "Funk fast fill, d1, 120 BPM, bars 1-2",
        "Funk fast fill, d1, 120 BPM, bars 3-4",
        "2.mid: bar 1",
    ]
    assert own.names([1, 2]) == [own.name(1), own.name(2)]
    second = slider_values(take(1, n_steps=64, n_hits=60).groove.slice(32, 64))
    for name in SLIDERS:
        wanted = np.nan if second[name] is None else second[name]
        assert own.descriptor(name)[1] == pytest.approx(wanted, nan_ok=True)


def test_what_a_window_does_not_define_is_no_number():
    kick_only = Take("k.mid", groove((0, "kick"), (8, "kick")))
    own = latent_maps.compute(model(), [kick_only])
    assert np.isnan(own.descriptor("swing")[0])
    assert own.descriptor("density_toms")[0] == 0.0


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 20, 100])
@pytest.mark.parametrize("is_alike", [False, True])
def test_any_number_of_points_makes_a_map(n, is_alike):
    latents, _ = clusters(n, 1)
    own = over(np.repeat(latents[:1], n, axis=0) if is_alike else latents)
    assert own.tsne.shape == own.plane.shape == (n, 2)
    assert np.isfinite(own.tsne).all()
    assert (own.trustworthiness is None) == (n < 3)
    assert is_alike or n == 1 or np.ptp(own.tsne) > 0
    placed = latent_maps.place(own, latents[:2])
    assert np.isfinite(placed).all()
    assert len(latent_maps.nearest(own, latents[0])) == min(n, 10)


def test_a_map_keeps_neighbours_together_and_is_the_same_twice():
    latents, of = clusters()
    own, again, other = (over(latents, seed=1), over(latents, seed=1), over(latents, perplexity=5))
    assert np.array_equal(own.tsne, again.tsne)
    assert not np.array_equal(own.tsne, other.tsne)
    square = ((own.tsne[:, None] - own.tsne) ** 2).sum(2)
    assert (of[square.argsort(axis=1)[:, 1:11]] == of[:, None]).all()
    assert own.trustworthiness is not None
    assert own.trustworthiness > 0.85


def test_another_map_of_the_same_points():
    own = over(clusters(10)[0])
    told: list[tuple[int, int]] = []
    anew = latent_maps.recompute(own, seed=3, perplexity=5, on_progress=lambda *what: told.append(what))
    assert (anew.seed, anew.perplexity) == (3, 5.0)
    assert anew.latents is own.latents
    assert told == [(i, 30) for i in range(1, 31)]


def test_work_that_is_stopped_stops():
    class StopError(Exception):
        pass

    def stop(done: int, of: int) -> None:
        if done > 3:
            raise StopError

    with pytest.raises(StopError):
        latent_maps.draw(clusters(10)[0], on_progress=stop)


def test_progress_counts_encoding_too():
    told: list[tuple[int, int]] = []
    latent_maps.compute(model(), [take(seed) for seed in range(5)], on_progress=lambda *what: told.append(what))
    assert told == [(i, 31) for i in range(1, 32)]


@pytest.mark.parametrize("perplexity", [0.0, 1.9, 101.0, float("nan"), float("inf")])
def test_perplexities_that_cannot_be(perplexity):
    with pytest.raises(UsageError, match="Expected a perplexity of 2 to 100"):
        latent_maps.draw(clusters()[0], perplexity=perplexity)
    with pytest.raises(UsageError, match="got none"):
        latent_maps.draw(np.zeros((0, 32), np.float32))


@pytest.mark.parametrize("k", [1, 5, 10])
def test_trustworthiness_is_scikit_learns(k):
    from sklearn.manifold import trustworthiness

    rng = np.random.default_rng(0)
    high, low = rng.standard_normal((60, 9)).astype(np.float32), rng.standard_normal((60, 2)).astype(np.float32)
    assert latent_maps.trustworthiness(high, low, k) == pytest.approx(trustworthiness(high, low, n_neighbors=k))
    assert latent_maps.trustworthiness(high, high, k) == 1.0


def test_principal_components_are_the_most_varied_directions():
    rng = np.random.default_rng(0)
    points = rng.standard_normal((500, 6)) * [0.1, 5.0, 0.1, 2.0, 0.1, 0.1] + 3.0
    mean, components, explained = latent_maps._principal(points.astype(np.float32))
    assert mean == pytest.approx(points.mean(0), abs=1e-5)
    assert np.abs(components).argmax(1).tolist() == [1, 3]
    assert explained == pytest.approx([25 / 29, 4 / 29], abs=0.03)


# -- on the map


def test_new_points_land_where_their_kin_is_and_move_nothing():
    latents, of = clusters(40)
    out = np.arange(len(of)) % 5 == 0
    own = over(latents[~out])
    before = own.tsne.copy()
    placed = latent_maps.place(own, latents[out])
    near = ((placed[:, None] - own.tsne) ** 2).sum(2).argsort(axis=1)[:, :5]
    assert (of[~out][near] == of[out][:, None]).all()
    assert np.array_equal(own.tsne, before)
    assert np.allclose(placed[3], latent_maps.place(own, latents[out][3:4])[0], atol=1e-3)  # whoever comes along
    assert latent_maps.place(own, np.zeros((0, 32), np.float32)).shape == (0, 2)


def test_a_point_lands_near_itself():
    own = over(clusters(40)[0])
    away = np.linalg.norm(latent_maps.place(own, own.latents) - own.tsne, axis=1)
    assert np.median(away) < 0.1 * np.ptp(own.tsne)


def test_placing_many_is_placing_each(monkeypatch):
    own = over(clusters()[0])
    whole = latent_maps.place(own, own.latents)
    monkeypatch.setattr(latent_maps, "BATCH", 7)
    assert np.allclose(latent_maps.place(own, own.latents), whole, atol=1e-3)


def test_shares_have_their_perplexity():
    distance = np.random.default_rng(0).uniform(0.2, 1.8, (20, 30))
    share = latent_maps._shares(distance, 10.0)
    assert share.sum(1) == pytest.approx(np.ones(20))
    assert np.exp(-(share * np.log(share)).sum(1)) == pytest.approx(np.full(20, 10.0), rel=1e-3)
    assert (np.diff(np.take_along_axis(share, distance.argsort(1), 1)) <= 0).all()


def test_the_nearest_are_those_of_the_same_direction():
    own = over(np.eye(8, 32, dtype=np.float32))
    for length in (0.5, 1.0, 9.0):  # how far out a groove lies says nothing of what it is like
        found = latent_maps.nearest(own, own.mean + length * (own.latents[3] - own.mean), n=3)
        assert found[0] == (3, pytest.approx(0.0, abs=1e-5))
        assert [distance for _, distance in found[1:]] == pytest.approx([8 / 7] * 2)  # corners of a simplex
        assert [index for index, _ in found[1:]] == [0, 1]


def test_a_point_is_played_in_its_own_meter_and_tempo():
    odd = random_groove(5, 28, 40, meters=(Meter(0.0, 7, 8),), tempos=(Tempo(0.0, 93.5),))
    own = latent_maps.compute(model(), [Take("odd.mid", odd)])
    played = latent_maps.decode_point(model(), own, 0)
    assert (played.n_steps, played.meters, played.tempos) == (28, odd.meters, odd.tempos)
    assert played.title == "odd.mid: bars 1-2"
    rounded = torch.from_numpy(latent.encode(model(), odd).posterior.mean.numpy().astype(np.float16).astype(np.float32))
    assert played == latent.decode(model(), rounded, odd)


def test_the_plane_goes_both_ways():
    own = over(clusters()[0])
    assert latent_maps.to_plane(own, latent_maps.from_plane(own, [1.5, -2.0])) == pytest.approx([1.5, -2.0], abs=1e-4)
    start = own.latents[7]
    moved = latent_maps.from_plane(own, [1.5, -2.0], start)
    assert latent_maps.to_plane(own, moved) == pytest.approx([1.5, -2.0], abs=1e-4)
    beside = np.eye(32) - own.components.T @ own.components
    assert beside @ moved == pytest.approx(beside @ start, abs=1e-4)
    assert latent_maps.from_plane(own, own.plane[7], start) == pytest.approx(start, abs=1e-4)


def test_a_blend_is_as_far_out_as_its_parts():
    own = over(clusters()[0])
    ends = own.latents[[3, 40, 70]]
    assert latent_maps.blend(own, ends[:2], [0.0, 2.0]) == pytest.approx(ends[1], abs=1e-5)
    middle = latent_maps.blend(own, ends, [1, 1, 1])
    lengths = np.linalg.norm(ends - own.mean, axis=1)
    assert np.linalg.norm(middle - own.mean) == pytest.approx(lengths.mean(), rel=1e-4)
    assert [index for index, _ in latent_maps.nearest(own, latent_maps.blend(own, ends[:1], [1]), 1)] == [3]
    assert latent_maps.blend(own, own.mean[None], [1]) == pytest.approx(own.mean)  # no direction at all


@pytest.mark.parametrize("weights", [[], [1], [0, 0], [-1, 2], [float("nan"), 1]])
def test_weights_that_blend_nothing(weights):
    with pytest.raises(ValueError, match="do not blend"):
        latent_maps.blend(latent_map(), latent_map().latents[:2], weights)


def test_a_map_is_shared_and_cannot_be_written_to():
    own = latent_map()
    with pytest.raises(ValueError, match="read-only"):
        own.latents[0] = 0.0


def test_every_meter_that_can_be_read_is_one_window():
    own = latent_map()
    for meter in ((4, 4), (7, 32), (1, 64), (255, 4), (12, 8)):
        framed = replace(own, meter=np.array([meter] * 3, dtype=np.int32), n_steps=np.full(3, 31, dtype=np.int32))
        played = latent_maps.decode_point(model(TOY), framed, 0)
        assert isinstance(played, Groove)
        assert played.n_steps == 31


def test_the_digest_is_of_names_as_well():
    own = latent_map()
    assert own.digest == replace(own).digest
    renamed = replace(own, origins=(replace(own.origins[0], title="other"), *own.origins[1:]))
    moved = replace(own, tempo_bpm=own.tempo_bpm + 1)
    assert len({own.digest, renamed.digest, moved.digest}) == 3
