"""Two-sample tests: whether a classifier can tell generated windows from played ones.

The protocol keeps a classifier from recognising a take instead of the player: windows do
not overlap, a take gives at most MAX_PER_TAKE, and cross-validation folds are grouped by
take, a reconstruction with the take it came from. (Without the grouping, the accuracy between
two sets of real windows is 0.94.) What a MIDI file cannot hold is taken off both sides
first: a hit pushed before the window, and the fractions of a velocity.

Windows x (N, T, V, L, F) are full ones, as in groove.py; groups (N,) say which take each
came from. A two-sample accuracy is balanced: at 0.5 the classifier cannot tell them, at 1.0
the classifier is always right.

`strongest` is the hardest of these tests: four classifiers over everything that was found to
give samples away, each beside its floor, which is how well it tells training takes from the
same held-out ones.

- Classifier two-sample test: Lopez-Paz and Oquab 2017.
- Overlap of descriptor distributions: after Yang and Lerch 2020, with shared histogram bins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rhythmvae.analysis.descriptors import GHOST_BELOW, describe, voice_shares
from rhythmvae.data.windows import windows_of
from rhythmvae.groove import (
    DEFAULT_TEMPO_BPM,
    HIT,
    MAX_VELOCITY,
    OFFSET,
    STEPS_PER_QUARTER,
    VELOCITY,
    WINDOW_STEPS,
    FloatArray,
    Groove,
    IntArray,
    Layers,
    Meter,
    Tempo,
    from_grid,
    to_grid,
)
from rhythmvae.kit import N_VOICES

MAX_PER_TAKE = 4
N_FOLDS = 5
N_TREES = 300  # of extremely randomized ones; `strongest` has fewer of each kind, having four classifiers
N_ROUNDS = 120  # of boosting
N_BINS = 20
MIN_HITS = 4  # a window with fewer says nothing of anybody's playing
_UNDEFINED = -1000.0  # out of every descriptor's range, so that a tree can split it off


def real_windows(grooves: Sequence[Groove], seed: int = 0) -> tuple[FloatArray, IntArray]:
    """Full windows of takes in 4/4, at most MAX_PER_TAKE of each: x (N, T, V, L, F) and groups (N,)."""
    windows = windows_of(grooves)
    rng = np.random.default_rng(seed)
    chosen: list[int] = []
    for take, groove in enumerate(grooves):
        if {str(meter) for meter in groove.meters} != {"4/4"}:
            continue
        own = np.flatnonzero((windows.take == take) & (windows.n_steps == WINDOW_STEPS))
        x, _ = windows.gather(own)
        own = own[x[..., HIT].sum((1, 2, 3)) >= MIN_HITS]
        chosen += rng.permutation(own)[:MAX_PER_TAKE].tolist()
    index = np.array(chosen, dtype=np.int64)
    return as_file(windows.gather(index)[0]), windows.take[index]


def as_file(x: FloatArray) -> FloatArray:
    """What a MIDI file of each window would hold."""
    hit = x[..., HIT] >= 0.5
    velocity = np.clip(np.rint(x[..., VELOCITY] * MAX_VELOCITY), 1, MAX_VELOCITY) / MAX_VELOCITY
    offset = x[..., OFFSET].copy()
    offset[:, 0] = np.maximum(offset[:, 0], 0.0)
    held: FloatArray = np.stack([hit, velocity * hit, offset * hit], axis=-1).astype(np.float32)
    return held


# -- descriptors ---------------------------------------------------------------


def descriptors(x: FloatArray) -> dict[str, FloatArray]:
    """Descriptors of every window by name, (N,) each; NaN where undefined."""
    rows: list[dict[str, float]] = []
    for window in x:
        groove = as_groove(window)
        row: dict[str, float] = {}
        for name, value in describe(groove).items():
            if not isinstance(value, dict):
                row[name] = np.nan if value is None else value
        row |= {f"share_{voice}": share for voice, share in voice_shares(groove).items()}
        rows.append(row)
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def as_groove(window: FloatArray) -> Groove:
    """A window (T, V, L, F) in 4/4."""
    return from_grid(window, Groove.silent(len(window), (Tempo(0.0, DEFAULT_TEMPO_BPM),), (Meter(0.0, 4, 4),)))


def relaid(x: FloatArray, layers: Layers) -> FloatArray:
    """Windows (N, T, V, L, F) with other layers, as another model holds them: (N, T, V, layers.n, F)."""
    grids = [to_grid(as_groove(window), layers).tensor for window in x]
    return np.stack(grids) if grids else np.zeros((0, x.shape[1], *layers.shape), dtype=np.float32)


def overlaps(a: dict[str, FloatArray], b: dict[str, FloatArray]) -> dict[str, float]:
    """Overlapping area of each descriptor's two distributions, over N_BINS shared bins: 0 to 1."""
    found: dict[str, float] = {}
    for name in a:
        x, y = a[name][np.isfinite(a[name])], b[name][np.isfinite(b[name])]
        if not (len(x) and len(y)):
            continue
        low, high = min(x.min(), y.min()), max(x.max(), y.max())
        edges = np.linspace(low, high if high > low else low + 1.0, N_BINS + 1)
        shares = [np.histogram(values, edges)[0] / len(values) for values in (x, y)]
        found[name] = float(np.minimum(*shares).sum())
    return found


# -- classifier ----------------------------------------------------------------


@dataclass(frozen=True)
class Accuracy:
    """Balanced accuracy over seeds: mean and the half-width of its 95 % interval."""

    mean: float
    interval: float

    def to_dict(self) -> dict[str, float]:
        return {"mean": self.mean, "interval": self.interval}


def _features(x: FloatArray) -> FloatArray:
    """What the classifier of descriptors sees, (N, K): them, and each voice's velocity and feel."""
    columns = list(descriptors(x).values())
    for voice in range(N_VOICES):
        hit = x[:, :, voice, :, HIT].reshape(len(x), -1) > 0
        for feature in (VELOCITY, OFFSET):
            values = np.where(hit, x[:, :, voice, :, feature].reshape(len(x), -1), np.nan)
            n = hit.sum(1)
            mean = np.divide(np.nansum(values, 1), n, out=np.full(len(x), np.nan), where=n > 0)
            square = np.nansum((values - mean[:, None]) ** 2, 1)
            columns += [mean, np.sqrt(np.divide(square, n, out=np.full(len(x), np.nan), where=n > 0))]
    ghosts = ((x[..., VELOCITY] > 0) & (x[..., VELOCITY] < GHOST_BELOW / MAX_VELOCITY)).sum((1, 2, 3))
    halves = np.split(x[..., HIT], 2, axis=1)
    repeated = (halves[0] * halves[1]).sum((1, 2, 3)) / np.maximum(np.maximum(*halves).sum((1, 2, 3)), 1)
    columns += [ghosts, x[..., 1, HIT].sum((1, 2)), repeated]
    table: FloatArray = np.nan_to_num(np.stack(columns, axis=1), nan=_UNDEFINED).astype(np.float32)
    return table


def accuracy(
    a: FloatArray, groups_a: IntArray, b: FloatArray, groups_b: IntArray, seeds: int = 10
) -> dict[str, Accuracy]:
    """Two-sample accuracy between two sets of windows, by two classifiers: `descriptors` and `tensor`.

    Gradient-boosted trees on descriptors and per-voice statistics, and extremely randomized
    trees on those and the whole tensor.

    Args:
        groups_a, groups_b: windows with the same group never stand on both sides of a fold.
    """
    from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import StratifiedGroupKFold
    from threadpoolctl import threadpool_limits

    x = np.concatenate([a, b])
    label = np.repeat([0, 1], [len(a), len(b)])
    groups = np.concatenate([groups_a, groups_b])
    described = _features(x)
    views = {"descriptors": described, "tensor": np.concatenate([described, x.reshape(len(x), -1)], axis=1)}
    accuracies: dict[str, list[float]] = {view: [] for view in views}
    with threadpool_limits(1):
        for seed in range(seeds):
            classifiers: dict[str, Any] = {
                "descriptors": HistGradientBoostingClassifier(
                    max_iter=N_ROUNDS, learning_rate=0.08, max_leaf_nodes=8, max_features=0.2, random_state=seed
                ),
                "tensor": ExtraTreesClassifier(
                    N_TREES, min_samples_leaf=2, max_features=0.05, class_weight="balanced", random_state=seed
                ),
            }
            folds = list(StratifiedGroupKFold(N_FOLDS, shuffle=True, random_state=seed).split(x, label, groups))
            for view, features in views.items():
                said = np.zeros(len(label))
                for seen, held_out in folds:
                    said[held_out] = classifiers[view].fit(features[seen], label[seen]).predict(features[held_out])
                accuracies[view].append(float(balanced_accuracy_score(label, said)))
    return {view: _over_seeds(values) for view, values in accuracies.items()}


def accuracy_of_halves(x: FloatArray, groups: IntArray, seeds: int = 10) -> dict[str, Accuracy]:
    """The control: two-sample accuracy between two random halves of the takes, by the same classifiers."""
    takes = np.unique(groups)
    values: dict[str, list[float]] = {}
    for seed in range(seeds):
        first = np.random.default_rng(seed).permutation(takes)[: len(takes) // 2]
        half = np.isin(groups, first)
        for view, found in accuracy(x[half], groups[half], x[~half], groups[~half], seeds=1).items():
            values.setdefault(view, []).append(found.mean)
    return {view: _over_seeds(v) for view, v in values.items()}


def pooled(tests: Sequence[dict[str, Accuracy]]) -> dict[str, Accuracy]:
    """Tests of several draws of the same thing as one: the mean of their means, and its interval."""
    return {view: _over_seeds([one[view].mean for one in tests]) for view in tests[0]}


def _over_seeds(values: Sequence[float]) -> Accuracy:
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return Accuracy(float(np.mean(values)), 1.96 * spread / len(values) ** 0.5)


# -- the strongest classifier --------------------------------------------------

N_COMPONENTS = 30  # principal components of the windows


@dataclass(frozen=True)
class AboveFloor:
    """How well a classifier tells training takes (`floor`) and samples from held-out takes, and what is between."""

    floor: Accuracy
    samples: Accuracy
    above: Accuracy

    def to_dict(self) -> dict[str, dict[str, float]]:
        return {
            "floor": self.floor.to_dict(),
            "samples": self.samples.to_dict(),
            "above_floor": self.above.to_dict(),
        }


def strongest(
    real: tuple[FloatArray, IntArray],
    samples: Sequence[FloatArray],
    training: Sequence[tuple[FloatArray, IntArray]],
) -> dict[str, AboveFloor]:
    """Samples against held-out windows by each classifier (_classifiers), the one that tells them best first.

    Args:
        real: held-out windows x (N, T, V, L, F) and the take of each (N,).
        samples: draws of samples, each a group of its own.
        training: as many draws of training windows and the take of each; no take is among the real ones.
    """
    own, others = _everything(real[0]), real[1].max() + 1
    told = [_told(own, real, (new, others + np.arange(len(new))), seed) for seed, new in enumerate(samples)]
    floor = [_told(own, real, (known, others + takes), seed) for seed, (known, takes) in enumerate(training)]
    found = {
        name: AboveFloor(
            _over_seeds([draw[name] for draw in floor]),
            _over_seeds([draw[name] for draw in told]),
            _over_seeds([new[name] - known[name] for new, known in zip(told, floor, strict=True)]),
        )
        for name in told[0]
    }
    return dict(sorted(found.items(), key=lambda item: -item[1].above.mean))


@dataclass(frozen=True)
class BesidePlayed:
    """Two-sample accuracies by the classifier that tells what was made best above the floor.

    made, played, others: of what was made, of what was played there instead (the floor), of what else was made.
    """

    classifier: str
    made: float
    played: float
    others: dict[str, float]


def beside_played(
    real: tuple[FloatArray, IntArray],
    played: FloatArray,
    made: Sequence[FloatArray],
    others: Mapping[str, tuple[FloatArray, IntArray]],
    takes: IntArray,
) -> BesidePlayed:
    """Windows that continue or fill takes, against other windows of the same takes.

    Args:
        real: windows as played, x (N, T, V, L, F), and the take of each (N,).
        played, made: windows of the same takes as played (M, ...), and draws of what was made in their place; `takes`
            (M,) are those of each of them.
        others: what else was made in the place of some of them, by name, as `real`.
    """
    own = _everything(real[0])

    floor = [_told(own, real, (played, takes), seed) for seed in range(len(made))]
    told = [_told(own, real, (x, takes), seed) for seed, x in enumerate(made)]

    def mean(draws: Sequence[dict[str, float]], name: str) -> float:
        return float(np.mean([draw[name] for draw in draws]))

    strongest = max(told[0], key=lambda name: mean(told, name) - mean(floor, name))
    beside = {name: _told(own, real, other, 0)[strongest] for name, other in others.items()}
    return BesidePlayed(strongest, mean(told, strongest), mean(floor, strongest), beside)


def _told(
    own: FloatArray, real: tuple[FloatArray, IntArray], other: tuple[FloatArray, IntArray], seed: int
) -> dict[str, float]:
    """Balanced accuracy of each classifier between the real windows, described by `own`, and others, by take."""
    x, groups = other
    from sklearn.decomposition import PCA
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import StratifiedGroupKFold
    from threadpoolctl import threadpool_limits

    label = np.repeat([0, 1], [len(own), len(x)])
    takes = np.concatenate([real[1], groups])
    said = {name: np.zeros(len(label)) for name in _classifiers(seed)}
    with threadpool_limits(1):
        cells = np.concatenate([real[0], x]).reshape(len(label), -1)
        components = PCA(min(N_COMPONENTS, *cells.shape), svd_solver="randomized", random_state=seed)
        table = np.concatenate([np.concatenate([own, _everything(x)]), components.fit_transform(cells)], axis=1)
        for seen, held_out in StratifiedGroupKFold(N_FOLDS, shuffle=True, random_state=seed).split(table, label, takes):
            for name, classifier in _classifiers(seed).items():
                said[name][held_out] = classifier.fit(table[seen], label[seen]).predict(table[held_out])
    return {name: float(balanced_accuracy_score(label, own_said)) for name, own_said in said.items()}


def _classifiers(seed: int) -> dict[str, Any]:
    """Different enough that what one cannot see another may; classes weigh the same, however many there are of each."""
    from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    common: dict[str, Any] = {"class_weight": "balanced", "random_state": seed}
    return {
        "forest": RandomForestClassifier(N_TREES // 3, min_samples_leaf=3, **common),
        "random trees": ExtraTreesClassifier(N_TREES // 2, min_samples_leaf=3, max_features=0.2, **common),
        "boosting": HistGradientBoostingClassifier(
            max_iter=2 * N_ROUNDS // 3,
            learning_rate=0.08,
            max_leaf_nodes=8,
            max_features=0.2,
            early_stopping=False,
            **common,
        ),
        "logistic": make_pipeline(
            FunctionTransformer(lambda x: np.where(x == _UNDEFINED, 0.0, x)),
            StandardScaler(),
            LogisticRegression(C=0.03, max_iter=300, **common),
        ),
    }


def _everything(x: FloatArray) -> FloatArray:
    """What `strongest` sees of windows beside their principal components, (N, K).

    The table of `accuracy`, hits by step, by voice and by place in the beat and voice, and of the latter
    the mean velocity and offset, 0 where there is no hit.
    """
    beats = x.reshape(len(x), -1, STEPS_PER_QUARTER, *x.shape[2:])
    hit, by_step = beats[..., HIT].sum((1, 4)), x[..., HIT].sum(3)
    counts = [by_step.sum(2), by_step.sum(1), hit.reshape(len(x), -1), by_step.sum((1, 2))[:, None]]
    means = [
        (beats[..., feature] * beats[..., HIT]).sum((1, 4)) / np.maximum(hit, 1.0) for feature in (VELOCITY, OFFSET)
    ]
    table: FloatArray = np.concatenate(
        [_features(x), *counts, *(mean.reshape(len(x), -1) for mean in means)], axis=1, dtype=np.float32
    )
    return table


# -- copying -------------------------------------------------------------------


def nearest_distance(x: FloatArray, training: FloatArray) -> FloatArray:
    """For each window, the fewest cells (step and voice) in which it differs from any training window, (N,)."""
    cells = x[..., HIT].max(3).reshape(len(x), -1)
    known = training[..., HIT].max(3).reshape(len(training), -1)
    # |a - b| over cells of 0 and 1 is |a| + |b| - 2 a.b
    distance = cells.sum(1)[:, None] + known.sum(1)[None] - 2 * cells @ known.T
    nearest: FloatArray = distance.min(1)
    return nearest
