"""The checkpoint in the repository: it loads, fits its budget and rebuilds the built-in patterns."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from rhythmvae.analysis import descriptors, metrics
from rhythmvae.analysis.metrics import Score
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.data.windows import played_windows
from rhythmvae.groove import STEPS_PER_QUARTER, WINDOW_STEPS
from rhythmvae.kit import N_VOICES
from rhythmvae.model import checkpoint, drawn, generate, latent
from rhythmvae.model import latent_map as latent_maps
from rhythmvae.model.card import SHIPPED
from rhythmvae.model.latent_map import LatentMap

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shipped() -> checkpoint.Checkpoint:
    return checkpoint.load()


@pytest.fixture(scope="module")
def scores(shipped: checkpoint.Checkpoint) -> dict[str, Score]:
    grooves = {key: example(key) for key in EXAMPLES}
    return {key: metrics.score(g, latent.reconstruct(shipped.model, g)) for key, g in grooves.items()}


@pytest.mark.parametrize("key", EXAMPLES)
def test_built_in_patterns_come_back(scores: dict[str, Score], key: str) -> None:
    assert scores[key].f1 >= 0.95


def test_built_in_patterns_come_back_in_time_and_loudness(scores: dict[str, Score]) -> None:
    total = Score.total(scores.values())
    assert total.timing_mae_ms is not None
    assert total.timing_mae_ms <= 12
    assert total.velocity_mae is not None
    assert total.velocity_mae <= 13


def test_budget(shipped: checkpoint.Checkpoint) -> None:
    assert shipped.model.config.latent_size * STEPS_PER_QUARTER / WINDOW_STEPS <= 16
    assert SHIPPED.stat().st_size <= 16e6


def test_card_says_what_it_was_trained_on(shipped: checkpoint.Checkpoint) -> None:
    assert "CC BY 4.0" in (shipped.card.about or "")
    assert shipped.card.data.train_takes == 897
    metrics = shipped.card.metrics
    assert metrics.f1_sampled_posterior == pytest.approx(metrics.validation.f1, abs=0.01)
    assert (metrics.kl_nats or 0) > 0


def test_card_beside_the_checkpoint_is_the_one_inside(shipped: checkpoint.Checkpoint) -> None:
    text = Path(SHIPPED).with_suffix(".md").read_text("utf-8")
    validation = shipped.card.metrics.validation
    facts = shipped.card.latent_map
    assert facts is not None
    for figure in (
        f"{validation.f1:.3f}",
        f"{validation.timing_mae_ms:.1f}",
        f"{validation.velocity_mae:.1f}",
        f"{facts.trustworthiness:.3f}",
        f"{SHIPPED.stat().st_size / 1e6:.1f} MB",
        shipped.digest,
    ):
        assert figure in text


@pytest.mark.usefixtures("brief_feel")  # it moves no hit
def test_samples_are_drumming(shipped: checkpoint.Checkpoint) -> None:
    grooves = [generate.sample(shipped, n_bars=4, seed=seed) for seed in range(20)]
    densities = sorted(len(groove) / groove.n_bars for groove in grooves)
    assert densities[0] > 0
    assert 8 <= densities[6] <= 30  # the middle of human drumming is near 18 hits a bar


@pytest.mark.usefixtures("brief_feel")
def test_samples_play_the_drums_and_repeat_what_was_asked(shipped: checkpoint.Checkpoint) -> None:
    differs, repeated = 0, []
    for seed in range(20):
        groove = generate.sample(shipped, seed=seed)
        generator = torch.Generator().manual_seed(seed)
        asked = shipped.prior.conditioning(1.0, generator, place=generate._spread_out(seed))
        voices = drawn._asked_voices(shipped.quantiles, asked)
        differs += int((np.isin(np.arange(N_VOICES), groove.voice) != (voices == 1.0)).sum())
        repeated.append((drawn._asked_repetition(shipped.quantiles, asked), descriptors.traits(groove)["repetition"]))
    assert differs <= 4  # of 180; by the prior alone it is one in ten
    assert np.mean([abs(asked - found) for asked, found in repeated]) < 0.08


def test_styles_sound_like_themselves(shipped: checkpoint.Checkpoint) -> None:
    def mean_swing(style: str) -> float:
        swings = [descriptors.swing(generate.sample(shipped, seed=seed, style=style)) for seed in range(20)]
        return float(np.mean([s for s in swings if s is not None]))

    assert mean_swing("jazz") > mean_swing("rock") + 0.2


@pytest.mark.usefixtures("brief_feel")
def test_temperature_goes_from_typical_to_wild(shipped: checkpoint.Checkpoint) -> None:
    def spread(temperature: float) -> float:
        grooves = [generate.sample(shipped, seed=seed, temperature=temperature) for seed in range(8)]
        return float(np.std([descriptors.density(groove) for groove in grooves]))

    assert spread(0.0) == 0.0 < spread(0.4) < spread(1.0)


@pytest.mark.parametrize("slider", descriptors.SLIDERS)
def test_sliders_go_where_they_are_asked(shipped: checkpoint.Checkpoint, slider: str) -> None:
    pattern = example("funk").bars(1, 2)
    for place in (0.25, 0.75):
        setting = generate.vary(shipped, pattern, amount=0.0, asked={slider: place})[0].settings[slider]
        assert setting.achieved == pytest.approx(place, abs=0.1)


def test_a_way_between_two_patterns_is_even(shipped: checkpoint.Checkpoint) -> None:
    first, last = example("funk").bars(1, 2), example("bossa").bars(1, 2)
    way = generate.interpolate(shipped, first, last, 7)
    assert way[0] == latent.reconstruct(shipped.model, first)
    assert way[-1] == latent.reconstruct(shipped.model, last)
    jumps = np.linalg.norm(np.diff(generate.descriptor_space(way, shipped.quantiles), axis=0), axis=1)
    assert jumps.max() <= 2 * jumps.mean()


# -- the map


@pytest.fixture(scope="module")
def latent_map(shipped: checkpoint.Checkpoint) -> LatentMap:
    assert shipped.latent_map is not None
    return shipped.latent_map


def test_the_map_shows_every_take(shipped: checkpoint.Checkpoint, latent_map: LatentMap) -> None:
    assert len(latent_map) == latent_maps.MAX_POINTS
    assert len(latent_map.origins) == shipped.card.data.train_takes
    assert len(np.unique(latent_map.take)) == len(latent_map.origins)
    assert set(latent_map.labels("kind")) == {"beat", "fill"}
    assert set(shipped.prior.config.styles) <= set(latent_map.labels("style"))
    assert latent_map.trustworthiness is not None
    assert latent_map.trustworthiness > 0.9


def test_points_play_what_they_are_said_to(shipped: checkpoint.Checkpoint, latent_map: LatentMap) -> None:
    rows = np.random.default_rng(0).choice(len(latent_map), 40, replace=False).tolist()
    played = [latent_maps.decode_point(shipped.model, latent_map, row) for row in rows]
    assert [groove.title for groove in played] == [latent_map.name(row) for row in rows]
    off = np.abs(latent_map.descriptor("density")[rows] - [descriptors.density(groove) for groove in played])
    assert np.median(off) < 0.15


def test_many_points_at_once_are_decoded_as_each_alone(shipped: checkpoint.Checkpoint, latent_map: LatentMap) -> None:
    rows = [0, 700, 1500, 3333, 4999]
    frames = [latent_map.frame(row) for row in rows]
    found = latent.decode_each(shipped.model, torch.from_numpy(latent_map.latents[rows]), frames)
    for row, groove in zip(rows, found, strict=True):
        alone = latent_maps.decode_point(shipped.model, latent_map, row)
        assert (groove.n_steps, groove.meters, groove.tempos) == (alone.n_steps, alone.meters, alone.tempos)
        assert groove.voice.tolist() == alone.voice.tolist()
        assert np.allclose(groove.position, alone.position, atol=1e-4)


def test_a_point_lands_on_itself_among_its_like(latent_map: LatentMap) -> None:
    rows = list(range(0, 5000, 500))
    found = latent_maps.landings(latent_map, latent_map.latents[rows])
    assert [landing.nearest for landing in found] == rows
    styles = latent_map.labels("style")
    assert sum(landing.style == styles[row] for landing, row in zip(found, rows, strict=True)) > len(rows) / 2


def test_a_style_is_near_its_own(shipped: checkpoint.Checkpoint, latent_map: LatentMap) -> None:
    """Of takes other than a point's own: more than by chance in latent space and on the map (0.16 by chance)."""
    style = np.array(latent_map.labels("style"))
    rows = np.random.default_rng(0).choice(len(latent_map), 300, replace=False)
    for points in (latent_map.directions, latent_map.tsne):
        square = ((points[rows] ** 2).sum(1)[:, None] + (points**2).sum(1)) - 2 * points[rows] @ points.T
        square[latent_map.take[rows][:, None] == latent_map.take] = np.inf
        near = style[square.argsort(axis=1)[:, :10]]
        assert (near == style[rows][:, None]).mean() > 0.4


def test_using_a_model_needs_nothing_that_draws_maps_or_compiles() -> None:
    """What a page or a worker does all day: torch's compiler, sympy with it, takes 95 MB of each process."""
    code = """
import sys
import rhythmvae as r
from rhythmvae.data.windows import played_windows
from rhythmvae.model import checkpoint, latent_map
loaded = checkpoint.load()
model, played = r.Model(loaded), r.example("funk")
model.decode(model.encode(played))
model.sample(n_bars=1, style="jazz")
model.vary(played, asked={"density": 0.8})
latent_map.place(loaded.latent_map, latent_map.encode(loaded.model, played_windows(played)))
latent_map.decode_point(loaded.model, loaded.latent_map, 0)
heavy = ("sympy", "torch._dynamo", "torch._inductor", "sklearn", "openTSNE", "scipy", "pandas", "plotly", "streamlit")
print([name for name in heavy if name in sys.modules])
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert result.stdout.strip() == "[]"


def test_a_variation_towards_a_style_comes_among_its_grooves(shipped: checkpoint.Checkpoint) -> None:
    drawn = shipped.latent_map
    assert drawn is not None
    styles = drawn.labels("style")

    def share_of_jazz(style: str | None) -> float:
        """Among the ten nearest points of every window."""
        found = []
        for key in ("funk", "rock", "disco"):
            for varied in generate.vary(shipped, example(key), n=4, amount=0.9, style=style):
                for point in latent_maps.encode(shipped.model, played_windows(varied.groove)):
                    found += [styles[index] == "jazz" for index, _ in latent_maps.nearest(drawn, point)]
        return float(np.mean(found))

    assert share_of_jazz("jazz") > 3 * share_of_jazz(None) + 0.05  # of what lies at random 0.12
