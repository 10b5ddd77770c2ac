"""The map of a model's training grooves: where each lies, what it is called, and what lies near.

Conventions. A *point* is one window of a take (groove.window_spans), at most WINDOW_STEPS long;
P points with latents (P, Z), the posterior means, rounded to half precision as a checkpoint keeps
them. What is alike is measured by *direction*: the latents less their mean, each of length 1.
The length of a latent says how unusual a window is rather than what it plays, and with it a few
middling windows would be nearest to everything (docs/decisions/0007-latent-map.md has the figures).
The distance of two points is one less the cosine between them: 0 the same, 1 nothing in common,
2 the opposite.

Two views: `tsne` (P, 2), a map that keeps neighbours together, whose far distances mean little and
which has no way back; and the plane of the two principal components, which shows little of what
there is and decodes anywhere. New points are placed on a finished map and move nothing.

Only drawing a t-SNE map needs openTSNE, and imports it then: scikit-learn comes with it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from rhythmvae.analysis.descriptors import SLIDERS, slider_values
from rhythmvae.data.corpus import OnProgress, Take
from rhythmvae.data.names import groove_name
from rhythmvae.data.windows import spread_windows
from rhythmvae.errors import UsageError
from rhythmvae.groove import (
    WINDOW_STEPS,
    FloatArray,
    Groove,
    IntArray,
    Meter,
    Tempo,
    is_meter,
    to_grid,
)
from rhythmvae.model.card import Card, MapFacts
from rhythmvae.model.limits import MAX_PERPLEXITY, MIN_PERPLEXITY, PERPLEXITY, check_perplexity
from rhythmvae.text import clean_text

if TYPE_CHECKING:
    from rhythmvae.model.vae import RhythmVAE

MAX_POINTS = 5000
MAX_LETTERS = 64  # of a title or label
MAX_LATENT = 1e4
MAX_PLACE = 1e6  # of a coordinate
MAX_BAR = 1 << 24
FILL = "fill"  # a kind
SLOWEST_BPM, FASTEST_BPM = 1.0, 1e8

MIN_MAPPED = 4  # points; fewer lie as their principal components have them
ITERATIONS = (250, 500)  # of t-SNE, with early exaggeration and without
TOLD_EVERY = 25  # iterations
TRUST_NEIGHBOURS, TRUST_SAMPLE = 10, 1000

# Of placing: tried beside others in docs/decisions/0007-latent-map.md.
PLACE_PERPLEXITY, PLACE_NEIGHBOURS, PLACE_ROUNDS = 10.0, 30, 10
BATCH = 512  # points placed at a time
APART, OWN_SHARE = 4, 0.1  # neighbours that say how dense it is; twice what a point usually has of its own

# What a checkpoint keeps of each field: safetensors type and shape, P points and Z latents.
_KEPT: dict[str, tuple[str, tuple[str | int, ...]]] = {
    "latents": ("F16", ("P", "Z")),
    "tsne": ("F32", ("P", 2)),
    "mean": ("F32", ("Z",)),
    "components": ("F32", (2, "Z")),
    "explained": ("F32", (2,)),
    "take": ("I32", ("P",)),
    "bars": ("I32", ("P", 2)),
    "n_steps": ("I32", ("P",)),
    "meter": ("I32", ("P", 2)),
    "tempo_bpm": ("F32", ("P",)),
    "descriptors": ("F32", ("P", len(SLIDERS))),
}
_NUMPY = {"F16": np.float16, "F32": np.float32, "I32": np.int32}


@dataclass(frozen=True)
class Origin:
    """A take that points come from: its title, and what its data set says of it, "" where it does not.

    style may have a finer one behind a slash; kind is beat or fill in the Groove MIDI Dataset.
    """

    title: str = ""
    style: str = ""
    drummer: str = ""
    kind: str = ""

    @classmethod
    def of(cls, take: Take) -> Origin:
        said = (take.labels.get(name, "") for name in ("style", "drummer", "beat_type"))
        title = take.groove.title or take.name.split("/")[-1]
        return cls(*(clean_text(text, MAX_LETTERS) for text in (title, *said)))


@dataclass(frozen=True, eq=False)
class Drawing:
    """A t-SNE map (P, 2) and how it was made.

    trustworthiness: 0 to 1, how far neighbours on the map are neighbours in latent space; None for
    fewer than three points.
    """

    tsne: FloatArray
    perplexity: float
    seed: int
    trustworthiness: float | None


@dataclass(frozen=True, eq=False)
class Ground(Drawing):
    """P points that others are placed among.

    Args:
        latents: (P, Z). mean: (Z,) of them. components: (2, Z), unit vectors.
    """

    latents: FloatArray
    mean: FloatArray
    components: FloatArray

    def __len__(self) -> int:
        return len(self.latents)

    @cached_property
    def digest(self) -> str:
        """Of everything that is kept of it."""
        found = hashlib.sha256()
        for array in (self.latents, self.mean, self.components, self.tsne):
            found.update(np.ascontiguousarray(array, np.float32).tobytes())
        return found.hexdigest()

    @cached_property
    def directions(self) -> FloatArray:
        """(P, Z)"""
        return _directions(self.latents, self.mean)

    @cached_property
    def apart(self) -> float:
        """How far the APART nearest others are on the t-SNE map, in the middle."""
        some, n = self.tsne[:: -(-len(self) // TRUST_SAMPLE)], min(APART, len(self) - 1)
        return float(np.median(np.sqrt(np.partition(squared_distances(some, self.tsne), n, axis=1)[:, n])))


@dataclass(frozen=True, eq=False)
class LatentMap(Ground):
    """P points and what is known of each. Arrays are read-only: a page shares them among visitors.

    Args:
        explained: (2,) shares of the variance that the components have.
        take: (P,) indices into `origins`. bars: (P, 2) first and last bar of the take, from 1.
        n_steps: (P,). meter: (P, 2) numerator and denominator. tempo_bpm: (P,).
        descriptors: (P, S) of describe.SLIDERS, NaN where a window does not define one.
    """

    explained: FloatArray
    take: IntArray
    bars: IntArray
    n_steps: IntArray
    meter: IntArray
    tempo_bpm: FloatArray
    descriptors: FloatArray
    origins: tuple[Origin, ...]

    def __post_init__(self) -> None:
        for name in _KEPT:
            getattr(self, name).setflags(write=False)

    @cached_property
    def digest(self) -> str:
        """Of everything that a checkpoint keeps of it."""
        arrays, names = kept(self)
        found = hashlib.sha256(names.encode())
        for name in sorted(arrays):
            found.update(np.ascontiguousarray(arrays[name]).tobytes())
        return found.hexdigest()

    @cached_property
    def plane(self) -> FloatArray:
        """(P, 2) on the principal components."""
        return to_plane(self, self.latents)

    def origin(self, index: int) -> Origin:
        return self.origins[int(self.take[index])]

    def labels(self, name: str) -> list[str]:
        """A field of every point's origin; of styles the part before the slash."""
        said = [getattr(origin, name) for origin in self.origins]
        of_take = [text.split("/")[0] for text in said] if name == "style" else said
        return [of_take[take] for take in self.take.tolist()]

    def descriptor(self, name: str) -> FloatArray:
        """(P,) one of describe.SLIDERS."""
        return np.asarray(self.descriptors[:, SLIDERS.index(name)])

    def name(self, index: int) -> str:
        """Such as "New Orleans funk, drummer 1, 94 BPM", or the file's title and bars where no drummer is named."""
        origin = self.origin(index)
        if not origin.drummer:
            return f"{origin.title or 'untitled'}: {self.bars_of(index)}"
        bpm = float(self.tempo_bpm[index])
        return groove_name(origin.style, origin.drummer, bpm, is_fill=origin.kind == FILL)

    def bars_of(self, index: int) -> str:
        """Such as "bars 5-6", of the take."""
        first, last = self.bars[index].tolist()
        return f"bar {first}" if first == last else f"bars {first}-{last}"

    def names(self, indices: Sequence[int]) -> list[str]:
        """Names of points beside each other: with the bars where two of them have the same name."""
        found = [self.name(index) for index in indices]
        count = Counter(found)
        return [
            f"{name}, {self.bars_of(index)}" if count[name] > 1 else name
            for index, name in zip(indices, found, strict=True)
        ]

    def frame(self, index: int) -> Groove:
        """A groove without hits, as long as the window and in its meter and tempo."""
        meter = Meter(0.0, *self.meter[index].tolist())
        return Groove.silent(int(self.n_steps[index]), (Tempo(0.0, float(self.tempo_bpm[index])),), (meter,))


# -- latents of windows --------------------------------------------------------


def encode(model: RhythmVAE, grooves: Sequence[Groove], on_progress: OnProgress | None = None) -> FloatArray:
    """Latents (M, Z) float32 of M windows, each at most WINDOW_STEPS long.

    Raises:
        CheckpointError: weights that give no numbers.
    """
    from rhythmvae.model import latent  # and torch: who looks at a map needs neither

    found = [np.zeros((0, model.config.latent_size), dtype=np.float32)]
    n_batches = math.ceil(len(grooves) / latent.BATCH)
    for posterior in latent.posteriors(model, (to_grid(groove, model.config.layers).tensor for groove in grooves)):
        found.append(posterior.mean.numpy())
        if on_progress:
            on_progress(len(found) - 1, n_batches)
    return np.concatenate(found)


# -- making a map --------------------------------------------------------------


def compute(
    model: RhythmVAE,
    takes: Sequence[Take],
    seed: int = 0,
    perplexity: float = PERPLEXITY,
    on_progress: OnProgress | None = None,
) -> LatentMap:
    """The map of takes: of up to MAX_POINTS of their windows, spread fairly over the takes.

    The same arguments give the same map on the same kind of processor.

    Args:
        on_progress: called with (parts done, parts); an exception it raises stops the work.

    Raises:
        CorpusError: takes without a hit.
        UsageError: a perplexity out of range.
        CheckpointError: weights that give no numbers.
    """
    from rhythmvae.model import latent

    check_perplexity(perplexity)
    chosen = spread_windows(takes, MAX_POINTS, seed)
    grooves = [window.groove for window in chosen]
    n_encoded = math.ceil(len(grooves) / latent.BATCH)
    n_parts = n_encoded + sum(ITERATIONS) // TOLD_EVERY

    def after(parts: int) -> OnProgress | None:
        return None if on_progress is None else lambda done, _: on_progress(parts + done, n_parts)

    latents = encode(model, grooves, after(0)).clip(-MAX_LATENT, MAX_LATENT).astype(np.float16).astype(np.float32)
    mean, components, explained = _principal(latents)
    used = sorted({window.take for window in chosen})
    rows = [list(slider_values(groove).values()) for groove in grooves]
    return LatentMap(
        **vars(draw(latents, seed, perplexity, after(n_encoded))),
        latents=latents,
        mean=mean,
        components=components,
        explained=explained,
        take=np.searchsorted(used, [window.take for window in chosen]).astype(np.int32),
        bars=np.array([window.bars for window in chosen], dtype=np.int32),
        n_steps=np.array([groove.n_steps for groove in grooves], dtype=np.int32),
        meter=np.array([[g.meters[0].numerator, g.meters[0].denominator] for g in grooves], dtype=np.int32),
        tempo_bpm=np.array([g.tempos[0].bpm for g in grooves], dtype=np.float32).clip(SLOWEST_BPM, FASTEST_BPM),
        descriptors=np.array(rows, dtype=np.float32),  # None becomes NaN
        origins=tuple(Origin.of(takes[index]) for index in used),
    )


def ground(latents: FloatArray, seed: int = 0, on_progress: OnProgress | None = None) -> Ground:
    """A map of latents (P, Z) alone, for others to be placed on.

    Args:
        on_progress: as for `draw`.

    Raises:
        UsageError: no latents.
    """
    latents = np.asarray(latents, np.float16).astype(np.float32)  # as they are kept
    drawing = draw(latents, seed, on_progress=on_progress)
    mean, components, _ = _principal(latents)
    return Ground(**vars(drawing), latents=latents, mean=mean, components=components)


def recompute(
    latent_map: LatentMap, seed: int = 0, perplexity: float = PERPLEXITY, on_progress: OnProgress | None = None
) -> LatentMap:
    """The same points on another t-SNE map. Raises UsageError for a perplexity out of range."""
    return replace(latent_map, **vars(draw(latent_map.latents, seed, perplexity, on_progress)))


def draw(
    latents: FloatArray, seed: int = 0, perplexity: float = PERPLEXITY, on_progress: OnProgress | None = None
) -> Drawing:
    """A t-SNE map (van der Maaten and Hinton 2008) of any latents (P, Z), by their directions.

    It starts from the principal components. Fewer than MIN_MAPPED points stay there; few points get
    the highest perplexity that they allow, a third of their neighbours.

    Args:
        on_progress: called with (parts done, parts).

    Raises:
        UsageError: a perplexity out of range, or no points.
    """
    check_perplexity(perplexity)
    if not len(latents):
        raise UsageError("Expected grooves to draw a map of, got none.")
    directions = _directions(latents, latents.mean(0))
    centre, components, _ = _principal(directions)
    plane: FloatArray = ((directions - centre) @ components.T).astype(np.float64)
    if len(latents) >= MIN_MAPPED:
        plane = _tsne(directions, plane, seed, min(perplexity, (len(latents) - 1) / 3), on_progress)
    tsne = plane.astype(np.float32)
    return Drawing(tsne, float(perplexity), seed, trustworthiness(directions, tsne))


def _tsne(
    directions: FloatArray, start: FloatArray, seed: int, perplexity: float, on_progress: OnProgress | None
) -> FloatArray:
    from rhythmvae.model import lean  # torch, which who only reads a map does without

    with lean.without_pandas():
        from openTSNE import TSNE  # 60 MB: only where a map is drawn

    done = 0

    def told(*_: object) -> None:
        nonlocal done
        done += 1
        if on_progress:
            on_progress(done, sum(ITERATIONS) // TOLD_EVERY)

    tsne = TSNE(
        perplexity=perplexity,
        initialization=start * 1e-4 / max(float(start[:, 0].std()), 1e-9),
        early_exaggeration_iter=ITERATIONS[0],
        n_iter=ITERATIONS[1],
        neighbors="exact",
        negative_gradient_method="bh",  # for so few points faster than interpolation
        n_jobs=1,  # more wait for each other beside other work, and repeat less well
        random_state=seed,
        callbacks=[told],
        callbacks_every_iters=TOLD_EVERY,
    )
    return np.asarray(tsne.fit(directions), dtype=np.float64)


def _directions(latents: FloatArray, mean: FloatArray) -> FloatArray:
    away = latents - mean
    length = np.linalg.norm(away, axis=-1, keepdims=True)
    unit: FloatArray = (away / np.where(length > 0, length, 1.0)).astype(np.float32)
    return unit


def _principal(points: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean (Z,), the first two principal components (2, Z) and their shares of the variance, zero where there are
    fewer. Signs are such that the largest number of each is positive."""
    mean = points.mean(0, dtype=np.float64)
    variance, vectors = np.linalg.eigh(np.cov(points, rowvar=False, bias=True, dtype=np.float64).reshape(mean.size, -1))
    first = vectors.T[::-1][:2]
    first = first * np.sign(first[np.arange(len(first)), np.abs(first).argmax(1)])[:, None]
    shares = variance[::-1][:2].clip(0.0) / max(float(variance.sum()), 1e-12)
    components, explained = np.zeros((2, mean.size)), np.zeros(2)
    components[: len(first)], explained[: len(shares)] = first, shares
    return mean.astype(np.float32), components.astype(np.float32), explained.astype(np.float32).clip(0.0, 1.0)


def trustworthiness(directions: FloatArray, places: FloatArray, n_neighbours: int = TRUST_NEIGHBOURS) -> float | None:
    """How far the nearest on a map (P, 2) are near in truth (P, Z): 1 all are, 0.5 as by chance.

    Venna and Kaski 2001: a point's K neighbours on the map that are not among its K nearest in truth
    count by how far down they come there. Over at most TRUST_SAMPLE points; K is lowered for few points.
    """
    n = len(places)
    k = min(n_neighbours, (n - 1) // 2)
    if k < 1:
        return None
    rows = np.random.default_rng(0).permutation(n)[:TRUST_SAMPLE]
    penalty = 0
    for batch in np.split(rows, range(BATCH // 4, len(rows), BATCH // 4)):
        true, mapped = squared_distances(directions[batch], directions), squared_distances(places[batch], places)
        for distance in (true, mapped):
            distance[np.arange(len(batch)), batch] = np.inf
        rank = np.empty(true.shape, dtype=np.int64)
        np.put_along_axis(rank, true.argsort(axis=1), np.arange(1, n + 1)[None], axis=1)
        near = np.argpartition(mapped, k - 1, axis=1)[:, :k]
        penalty += int(np.maximum(np.take_along_axis(rank, near, axis=1) - k, 0).sum())
    return 1.0 - 2.0 * penalty / (len(rows) * k * (2 * n - 3 * k - 1))


# -- on the map ----------------------------------------------------------------


def place(latent_map: Ground, latents: FloatArray, spread: float = 0.0) -> FloatArray:
    """Where M new points (M, Z) come to lie on the finished t-SNE map: (M, 2).

    Each is drawn to its nearest points by t-SNE's own probabilities p, at a lower perplexity, and
    settles where the pull of its kernel 1 / (1 + d^2) is even: begun at the weighted median, so in the
    company that most of them keep, then q <- sum p w y / sum p w with w the kernel at distance |q - y|.

    Args:
        spread: how far, of the distance between points there, one is moved aside by what it has that its nearest
            points have not: else many of many come to lie on one spot.
    """
    batches = np.split(np.asarray(latents, dtype=np.float32), range(BATCH, len(latents), BATCH))
    return np.concatenate([_placed(latent_map, batch, spread) for batch in batches])


def _placed(latent_map: Ground, latents: FloatArray, spread: float) -> FloatArray:
    directions = _directions(latents, latent_map.mean)
    distance = squared_distances(directions, latent_map.directions)
    n_near = min(PLACE_NEIGHBOURS, len(latent_map))
    near = _lowest(distance, n_near)
    share = _shares(np.take_along_axis(distance, near, axis=1), min(PLACE_PERPLEXITY, n_near))
    there = latent_map.tsne[near].astype(np.float64)  # (M, K, 2)
    order = there.argsort(axis=1)
    up_to = np.take_along_axis(np.broadcast_to(share[..., None], there.shape), order, axis=1).cumsum(axis=1)
    middle = (up_to >= 0.5 - 1e-9).argmax(axis=1)[:, None]
    found = np.take_along_axis(there, np.take_along_axis(order, middle, axis=1), axis=1)
    for _ in range(PLACE_ROUNDS):
        pull = share / (1.0 + ((found - there) ** 2).sum(axis=2))
        found = (pull[..., None] * there).sum(axis=1, keepdims=True) / pull.sum(axis=1)[:, None, None]
    if spread:
        own = directions - (share[..., None] * latent_map.directions[near]).sum(axis=1)
        aside = own @ latent_map.components.T / OWN_SHARE
        aside /= np.sqrt(1.0 + (aside**2).sum(axis=1, keepdims=True))  # in a circle, whatever it has
        n = min(APART, n_near) - 1
        apart = np.partition(np.sqrt(((there - found) ** 2).sum(axis=2)), n, axis=1)[:, n]
        found = found + (spread * np.minimum(apart, latent_map.apart)[:, None] * aside)[:, None]
    return np.asarray(found[:, 0], dtype=np.float32)


def _lowest(values: FloatArray, n: int) -> IntArray:
    """(M, n) places of the n lowest in each row of (M, N), in no order.

    The n-th lowest of the lowest values of groups is a bound that few pass: a sixth of what argpartition of all takes.
    """
    n_groups = 4 * n
    if values.shape[1] < 8 * n_groups:
        return np.argpartition(values, n - 1, axis=1)[:, :n]
    whole = values[:, : values.shape[1] // n_groups * n_groups]
    lowest = whole.reshape(len(values), -1, n_groups).min(axis=1)
    bound = np.partition(lowest, n - 1, axis=1)[:, n - 1]
    row, place = np.nonzero(values <= bound[:, None])
    counts = np.bincount(row, minlength=len(values))
    at = np.arange(len(row)) - np.repeat(counts.cumsum() - counts, counts)
    places = np.zeros((len(values), int(counts.max())), np.int64)
    kept = np.full(places.shape, np.inf, values.dtype)
    places[row, at], kept[row, at] = place, values[row, place]
    return np.take_along_axis(places, np.argpartition(kept, n - 1, axis=1)[:, :n], axis=1)


def _shares(distance: FloatArray, perplexity: float) -> FloatArray:
    """t-SNE's conditional probabilities over squared distances (M, K): Gaussians of this perplexity."""
    above = distance - distance.min(axis=1, keepdims=True)
    low, high = np.full(len(above), -20.0), np.full(len(above), 20.0)  # log of 1 / (2 variance)
    for _ in range(40):
        weight = np.exp(-above * np.exp((low + high) / 2)[:, None])
        share = weight / weight.sum(axis=1, keepdims=True)
        entropy = -(share * np.log(share.clip(1e-30))).sum(axis=1)
        low, high = (
            np.where(entropy > math.log(perplexity), (low + high) / 2, low),
            np.where(entropy > math.log(perplexity), high, (low + high) / 2),
        )
    return np.asarray(share)


def squared_distances(a: FloatArray, b: FloatArray) -> FloatArray:
    """Squared distances (M, N) of points (M, D) and (N, D)."""
    return np.asarray(np.maximum((a * a).sum(1)[:, None] + (b * b).sum(1) - 2.0 * a @ b.T, 0.0))


def nearest(latent_map: LatentMap, point: FloatArray, n: int = 10) -> list[tuple[int, float]]:
    """The n points nearest to a latent (Z,) with their distances, nearest first."""
    distance = (
        0.5
        * squared_distances(_directions(np.asarray(point, np.float32)[None], latent_map.mean), latent_map.directions)[0]
    )
    order = np.lexsort((np.arange(len(latent_map)), distance))[:n]
    return [(int(index), float(distance[index])) for index in order]


@dataclass(frozen=True)
class Landing:
    """Where something new comes to lie: its nearest point, and the style that most of the points around have."""

    nearest: int
    style: str


def landings(latent_map: LatentMap, latents: FloatArray, n: int = 10) -> list[Landing]:
    """Of new points (M, Z), by the n nearest points of each; style "" where these name none."""
    styles = latent_map.labels("style")
    found = []
    for latent in latents:
        near = [index for index, _ in nearest(latent_map, latent, n)]
        named = Counter(styles[index] for index in near if styles[index])
        found.append(Landing(near[0], named.most_common(1)[0][0] if named else ""))
    return found


def decode_point(model: RhythmVAE, latent_map: LatentMap, index: int) -> Groove:
    """A point as a groove in its own meter and tempo, with its name as title."""
    import torch

    from rhythmvae.model import latent

    groove = latent.decode(model, torch.from_numpy(latent_map.latents[[index]]), latent_map.frame(index))
    return replace(groove, title=latent_map.name(index))


def to_plane(latent_map: LatentMap, latents: FloatArray) -> FloatArray:
    """Latents (..., Z) on the plane of the principal components: (..., 2)."""
    return np.asarray((latents - latent_map.mean) @ latent_map.components.T)


def from_plane(
    latent_map: LatentMap, there: Sequence[float] | FloatArray, start: FloatArray | None = None
) -> FloatArray:
    """A latent (Z,) that `to_plane` sees at a place (2,): on the plane itself, which is thin with hits, or
    as far beside it as `start` (Z,) is, whose other dimensions stay."""
    begun = latent_map.mean if start is None else np.asarray(start, dtype=np.float32)
    way = np.asarray(there, dtype=np.float32) - to_plane(latent_map, begun)
    return np.asarray(begun + way @ latent_map.components)


def blend(latent_map: LatentMap, latents: FloatArray, weights: Sequence[float]) -> FloatArray:
    """The latent (Z,) between some (K, Z), by weights that are not negative and not all zero.

    Directions are averaged and keep their length: the plain mean of K unlike grooves lies 1 / sqrt(K)
    as far from the middle, and decodes to fewer hits than any of them has.
    """
    share = np.asarray(weights, dtype=np.float64)
    if len(share) != len(latents) or not (share >= 0).all() or not share.sum() > 0:
        raise ValueError(f"weights {weights} do not blend {len(latents)} latents")
    share = share / share.sum()
    away = latents - latent_map.mean.astype(np.float64)
    mixed = share @ away
    length = np.linalg.norm(mixed)
    conditioning = share @ np.linalg.norm(away, axis=1)
    return np.asarray(latent_map.mean + mixed * (conditioning / length if length > 0 else 1.0), dtype=np.float32)


# -- what a checkpoint keeps ---------------------------------------------------


def shapes(n_points: int, latent_size: int) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Type and shape of each tensor that a checkpoint keeps of a map."""
    sizes = {"P": n_points, "Z": latent_size}
    return {
        name: (kind, tuple(size if isinstance(size, int) else sizes[size] for size in shape))
        for name, (kind, shape) in _KEPT.items()
    }


def facts(latent_map: LatentMap) -> MapFacts:
    """What a card says of a map."""
    return MapFacts(
        n_points=len(latent_map),
        n_takes=len(latent_map.origins),
        perplexity=latent_map.perplexity,
        seed=latent_map.seed,
        trustworthiness=latent_map.trustworthiness,
        explained=tuple(round(float(share), 4) for share in latent_map.explained),
    )


def kept(latent_map: LatentMap) -> tuple[dict[str, np.ndarray[Any, Any]], str]:
    """A map as tensors, and its origins as JSON."""
    tensors = {name: getattr(latent_map, name).astype(_NUMPY[kind]) for name, (kind, _) in _KEPT.items()}
    return tensors, json.dumps([astuple(origin) for origin in latent_map.origins], ensure_ascii=False)


def declared(card: Card) -> int | None:
    """The number of points that a card declares; None for a card without a map.

    Raises:
        ValueError: a number that no map has.
    """
    if card.latent_map is None and "latent_map" not in card.odd:
        return None
    n_points = card.latent_map.n_points if card.latent_map else None
    if n_points is None or not 1 <= n_points <= MAX_POINTS:
        raise ValueError(f"{n_points!r} points, where a map has 1 to {MAX_POINTS}")
    return n_points


def read(tensors: Mapping[str, np.ndarray[Any, Any]], origins: str, said: MapFacts) -> LatentMap:
    """A map from what a checkpoint keeps, tensors of the right shapes among it.

    Raises:
        ValueError: numbers or text that no map has.
    """
    rows = json.loads(origins)
    if not isinstance(rows, list) or not 1 <= len(rows) <= MAX_POINTS:
        raise ValueError("no takes")
    if not all(isinstance(row, list) and len(row) == len(fields(Origin)) for row in rows):
        raise ValueError("a take that is none")
    if not all(isinstance(text, str) for row in rows for text in row):
        raise ValueError("a take whose text is none")
    drawing = _read_drawing(tensors["tsne"], said)
    arrays = {
        name: tensors[name].astype(np.int32 if kind == "I32" else np.float32) for name, (kind, _) in _KEPT.items()
    }
    ranges: dict[str, tuple[float, float]] = {
        "latents": (-MAX_LATENT, MAX_LATENT),
        "tsne": (-MAX_PLACE, MAX_PLACE),
        "mean": (-MAX_LATENT, MAX_LATENT),
        "components": (-1.001, 1.001),
        "explained": (0.0, 1.0),
        "take": (0, len(rows) - 1),
        "bars": (1, MAX_BAR),
        "n_steps": (1, WINDOW_STEPS),
        "tempo_bpm": (SLOWEST_BPM, FASTEST_BPM),
    }
    for name, (low, high) in ranges.items():
        if not ((arrays[name] >= low) & (arrays[name] <= high)).all():  # so that NaN is out of range
            raise ValueError(f"{name} out of range")
    if np.isinf(arrays["descriptors"]).any():
        raise ValueError("descriptors out of range")
    if (arrays["bars"][:, 0] > arrays["bars"][:, 1]).any():
        raise ValueError("bars that end before they begin")
    if not all(is_meter(*meter) for meter in np.unique(arrays["meter"], axis=0).tolist()):
        raise ValueError("a meter out of range")
    taken = tuple(Origin(*(clean_text(text, MAX_LETTERS) for text in row)) for row in rows)
    return LatentMap(**{**vars(drawing), **arrays}, origins=taken)


def _read_drawing(tsne: FloatArray, said: MapFacts) -> Drawing:
    if said.perplexity is None or not MIN_PERPLEXITY <= said.perplexity <= MAX_PERPLEXITY:
        raise ValueError("a perplexity out of range")
    if said.seed is None or not 0 <= said.seed < 1 << 32:
        raise ValueError("a seed out of range")
    trust = said.trustworthiness
    if "trustworthiness" in said.odd or (trust is not None and not -1.0 <= trust <= 1.0):
        raise ValueError("a trustworthiness out of range")
    return Drawing(tsne, float(said.perplexity), said.seed, trust)
