"""Who is near whom: python -m benchmarks.neighbours GROOVE [--loops LOOPS] [--checkpoint FILE] [--seed 0] [--json]

GROOVE is the Groove MIDI Dataset in its published layout, the data that the checkpoint's map was made
of. For windows of the validation takes, none of which is on the map: what share of their ten nearest
points has their style, in latent space, on the map after placing, on the plane of the principal
components, and by PCA of the tensor with as many numbers. Then how well held-out points of the map
itself are placed, and how long placing takes. LOOPS (SOURCES.md's loops.zip) is a pack of a drum
machine's patterns: where 40 loops of styles that the training set does not name come to lie, and
whether others lie near their namesakes. Prints Markdown, or the shares of docs/figures.md as JSON.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from rhythmvae.data import corpus, splits
from rhythmvae.data.corpus import Take
from rhythmvae.data.windows import played_windows, spread_windows
from rhythmvae.groove import WINDOW_STEPS, FloatArray, Groove, IntArray, to_grid
from rhythmvae.model import checkpoint
from rhythmvae.model import latent_map as latent_maps
from rhythmvae.model.card import SHIPPED
from rhythmvae.model.latent_map import MAX_POINTS, LatentMap

N_NEAREST = 10
PACK = "drum_machine_200"
UNNAMED = ("ballad", "rhythm_blues", "twist", "ska", "cha_cha")  # in the pack, and not in the training set's table
N_LOOPS = 40
N_DRAWS = 20
STYLE_OF = {
    "rock": "rock",
    "funk": "funk",
    "reggae": "reggae",
    "afro_cuban": "afrocuban",
    "bossa_nova": "latin",
    "samba": "latin",
    "blues": "blues",
    "swing": "jazz",
    "disco": "dance",
    "pop": "pop",
}

CHANCE = "chance"
OF_PAGE = ("latents, by direction", "t-SNE map, placed", "plane of the latents")  # the views in docs/figures.md

Table = list[tuple[str, FloatArray, FloatArray]]  # a name, places of the points and of the new ones


class Agreement(NamedTuple):
    """Share of the nearest points with a window's own style, 0 to 1: mean over windows, and over means of takes."""

    n_windows: int
    windows: float
    n_takes: int
    takes: float


def main() -> None:
    parser = argparse.ArgumentParser(description="Who is near whom.")
    parser.add_argument("data", type=Path)
    parser.add_argument("--loops", type=Path)
    parser.add_argument("--checkpoint", type=Path, default=SHIPPED)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="the style of nearest neighbours alone")
    options = parser.parse_args()
    torch.set_num_threads(1)
    used = checkpoint.load(options.checkpoint)
    latent_map = used.latent_map
    if latent_map is None:
        parser.error(f"expected a checkpoint with a map, {options.checkpoint} has none")
    train, validation = splits.split_takes(corpus.load([options.data]).takes)
    on_map = [window.groove for window in spread_windows(train, MAX_POINTS, latent_map.seed)]
    if len(on_map) != len(latent_map):
        parser.error("expected the data that the map was made of")
    tensor_views = _tensor_views(_tensors(on_map), latent_map.latents.shape[1])

    def views(grooves: Sequence[Groove]) -> Table:
        z = latent_maps.encode(used.model, grooves)
        unit = _unit(z - latent_map.mean)
        rows = [
            ("latents, by direction", latent_map.directions, unit),
            ("latents, as they are", latent_map.latents, z),
            ("t-SNE map, placed", latent_map.tsne, latent_maps.place(latent_map, z)),
            ("plane of the latents", latent_map.plane, latent_maps.to_plane(latent_map, z)),
        ]
        x = _tensors(grooves)
        return [*rows, *((name, see(_tensors(on_map)), see(x)) for name, see in tensor_views)]

    agreements = _style_agreements(latent_map, validation, views)
    if options.json:
        n = latent_map.latents.shape[1]
        of_page = (*OF_PAGE, f"PCA of the tensor, {n}, by direction", CHANCE)
        print(json.dumps({"style_of_nearest": {name: float(agreements[name].windows) for name in of_page}}, indent=1))
        return
    _print_styles(latent_map, agreements)
    _judge_placing(latent_map, options.seed)
    if options.loops:
        _judge_loops(latent_map, corpus.load([options.loops]).takes, views, options.seed)


def _tensors(grooves: Sequence[Groove]) -> FloatArray:
    """(M, D) float32"""
    grids = [to_grid(groove).tensor for groove in grooves]
    return np.stack([np.pad(grid, ((0, WINDOW_STEPS - len(grid)), *[(0, 0)] * 3)).ravel() for grid in grids])


def _tensor_views(x: FloatArray, n: int) -> list[tuple[str, Callable[[FloatArray], FloatArray]]]:
    mean = x.mean(0)
    _, vectors = np.linalg.eigh((x - mean).T @ (x - mean))
    first = vectors[:, ::-1][:, :n]
    return [
        (f"PCA of the tensor, {n}, by direction", lambda x: _unit((x - mean) @ first)),
        (f"PCA of the tensor, {n}, as it is", lambda x: (x - mean) @ first),
        ("PCA of the tensor, 2", lambda x: (x - mean) @ first[:, :2]),
    ]


def _unit(x: FloatArray) -> FloatArray:
    return np.asarray(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9))


def _near(points: FloatArray, new: FloatArray) -> IntArray:
    """(M, N_NEAREST) indices of points."""
    return latent_maps.squared_distances(new, points).argsort(axis=1)[:, :N_NEAREST]


def _style_agreements(
    latent_map: LatentMap, takes: Sequence[Take], views: Callable[[Sequence[Groove]], Table]
) -> dict[str, Agreement]:
    windows = [(index, window) for index, take in enumerate(takes) for window in played_windows(take.groove)]
    take = np.array([index for index, _ in windows])
    style = np.array([takes[index].labels["style"].split("/")[0] for index in take])
    known = np.array(latent_map.labels("style"))

    def agreement(shares: FloatArray) -> Agreement:
        per_take = [shares[take == index].mean() for index in np.unique(take)]
        return Agreement(len(shares), shares.mean(), len(per_take), np.mean(per_take))

    found = {
        name: agreement((known[_near(points, new)] == style[:, None]).mean(axis=1))
        for name, points, new in views([window for _, window in windows])
    }
    return {**found, CHANCE: agreement(np.array([(known == own).mean() for own in style]))}


def _print_styles(latent_map: LatentMap, agreements: dict[str, Agreement]) -> None:
    any_of_them = agreements[CHANCE]
    print(
        f"Style of the {N_NEAREST} nearest of {len(latent_map):,} points, all of other takes, "
        f"for {any_of_them.n_windows:,} windows"
    )
    print(f"of {any_of_them.n_takes} validation takes.\n")
    print("| | windows | takes |\n|---|---:|---:|")
    for name, found in agreements.items():
        print(f"| {name} | {found.windows:.3f} | {found.takes:.3f} |")
    print(f"\nTrustworthiness of the map: {latent_map.trustworthiness:.3f}, of the plane: ", end="")
    print(f"{latent_maps.trustworthiness(latent_map.directions, latent_map.plane):.3f}. ", end="")
    print(f"The plane has {latent_map.explained.sum():.1%} of the variance.")


def _judge_placing(latent_map: LatentMap, seed: int) -> None:
    """A tenth of the map, as windows and as whole takes, taken off and placed on the rest."""
    rng = np.random.default_rng(seed)
    n_takes = len(latent_map.origins)
    some_takes = rng.choice(n_takes, n_takes // 10, replace=False)
    some = rng.choice(len(latent_map), len(latent_map) // 10, replace=False)
    print("\n| held out and placed | from where t-SNE has it, of the map's width, median | within 5 % | ", end="")
    print("of its true neighbours | of those, t-SNE's own place |\n|---|---:|---:|---:|---:|")
    for name, out in (
        ("windows", np.isin(np.arange(len(latent_map)), some)),
        ("takes", np.isin(latent_map.take, some_takes)),
    ):
        values = {field.name: getattr(latent_map, field.name) for field in fields(latent_map)}
        rows: dict[str, Any] = {
            key: v[~out] for key, v in values.items() if isinstance(v, np.ndarray) and len(v) == len(latent_map)
        }
        rest = replace(latent_map, **rows)
        placed = latent_maps.place(rest, latent_map.latents[out])
        away = np.linalg.norm(placed - latent_map.tsne[out], axis=1) / np.ptp(latent_map.tsne, axis=0).max()
        true = _near(rest.directions, latent_map.directions[out])
        shares = [
            np.mean([len(np.intersect1d(a, b)) / N_NEAREST for a, b in zip(true, _near(rest.tsne, q), strict=True)])
            for q in (placed, latent_map.tsne[out])
        ]
        print(f"| {name} | {np.median(away):.4f} | {(away < 0.05).mean():.2f} | {shares[0]:.3f} | {shares[1]:.3f} |")
    for n in (1, 50, 1000):
        latents = np.resize(latent_map.latents, (n, latent_map.latents.shape[1]))
        began = time.process_time()
        latent_maps.place(latent_map, latents)
        print(f"\nPlacing {n}: {1000 * (time.process_time() - began):.0f} ms of processor time.", end="")
    print()


def _judge_loops(
    latent_map: LatentMap, takes: Sequence[Take], views: Callable[[Sequence[Groove]], Table], seed: int
) -> None:
    pack = [take for take in takes if take.name.startswith(f"{PACK}/") and len(take.groove)]
    loops = [(take.name.split("/")[-1].split("_", 1)[1], played_windows(take.groove)[0]) for take in pack]
    table = views([groove for _, groove in loops])
    rng = np.random.default_rng(seed)
    unnamed = [row for row, (name, _) in enumerate(loops) if name.startswith(UNNAMED)]
    chosen = np.sort(rng.choice(unnamed, min(N_LOOPS, len(unnamed)), replace=False))
    print(f"\n{len(chosen)} loops of a drum machine in styles that the training set does not name, one window each.")
    print(
        f"Apart: median distance between two of them, over that between two points. Company: with {len(chosen)} points"
    )
    print(
        f"drawn among them, share of a loop's {N_NEAREST} nearest that are loops (means of {N_DRAWS} draws; by chance ",
        end="",
    )
    print(f"{(len(chosen) - 1) / (2 * len(chosen) - 1):.2f}).")
    print(f"Style: share of the {N_NEAREST} nearest points with the style that a loop of a known style has;")
    names = np.array(latent_map.labels("style"))
    named = [
        (row, STYLE_OF[family]) for row, (name, _) in enumerate(loops) for family in STYLE_OF if name.startswith(family)
    ]
    wanted = np.array([style for _, style in named])
    chance = np.mean([(names == style).mean() for style in wanted])
    print(f"{len(named)} loops, by chance {chance:.3f}.\n\n| | apart | company | style |\n|---|---:|---:|---:|")
    some = rng.choice(len(latent_map), min(1000, len(latent_map)), replace=False)
    for name, points, new in table:
        apart = _median_distance(new[chosen]) / _median_distance(points[some])
        near = names[_near(points, new[[row for row, _ in named]])]
        company = np.mean([_company(new[chosen], points, np.random.default_rng([seed, i])) for i in range(N_DRAWS)])
        print(f"| {name} | {apart:.2f} | {company:.2f} | {(near == wanted[:, None]).mean():.3f} |")


def _company(loops: FloatArray, points: FloatArray, rng: np.random.Generator) -> float:
    """Share of the nearest of each loop that are loops, in a crowd of as many points."""
    crowd = np.concatenate([loops, points[rng.choice(len(points), len(loops), replace=False)]])
    distance = latent_maps.squared_distances(loops, crowd)
    np.fill_diagonal(distance, np.inf)
    return float((distance.argsort(axis=1)[:, :N_NEAREST] < len(loops)).mean())


def _median_distance(points: FloatArray) -> float:
    upper = np.triu_indices(len(points), 1)
    return float(np.sqrt(np.median(latent_maps.squared_distances(points, points)[upper])))


if __name__ == "__main__":
    main()
