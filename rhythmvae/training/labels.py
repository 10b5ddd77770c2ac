"""Learns the labels of model.labels from takes that say their style, drummer and kind, in minutes on one thread.

Style and drummer: extremely randomized trees (Geurts, Ernst and Wehenkel 2006) on whole takes. Beat or fill, and like
or unlike the takes: boosted trees (Friedman 2002) on bars and on takes. What is unlike are the takes themselves played
backwards, with their steps in another order, as a machine would play them, and hits that fall anywhere.

scikit-learn is imported here alone, and only where something is learned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from rhythmvae.analysis import description, features
from rhythmvae.analysis.forest import Forest, planted
from rhythmvae.data.corpus import OnProgress, Take
from rhythmvae.errors import CorpusError
from rhythmvae.groove import MAX_VELOCITY, BoolArray, FloatArray, Groove, IntArray
from rhythmvae.kit import N_VOICES
from rhythmvae.model.labels import FEWEST_HITS, Facts, Labels, Space, sharpened

Rng = np.random.Generator
Names = "np.ndarray[Any, Any]"

FEWEST_TAKES = 4  # of a style or drummer that is learned
BARS = 4  # cut out of takes that are longer, to see how often the style of so few is right
BARS_HELD = 8  # of what is played backwards, shuffled or by a machine
BARS_A_TAKE = 12  # that a take counts for at most in learning beat or fill
N_TREES = {"style": 150, "drummer": 50}
N_TREES_JUDGED = 60  # where takes are held out in turn
FEATURES = 0.4  # share of the numbers that a tree looks at for each split
RATE = 0.1  # of boosting
BOOSTED = {"n_estimators": 200, "max_leaf_nodes": 8, "max_depth": None, "subsample": 0.7, "max_features": 0.15}
FEWEST_IN_LEAF = 5
N_COMPONENTS = 32
FOLDS = 4
POWERS = np.linspace(0.5, 4.0, 36)
FALSE_ALARMS = 0.05  # share of held-out takes that may be called unlike all others


# -- what is learned from ------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Material:
    """Takes as numbers: rows (N, F) of whole takes; parts (P, F) cut out of them and whose they are (P,); bars (B, F)
    and whose they are; labels (N,) each."""

    takes: Sequence[Take]
    rows: FloatArray
    parts: FloatArray
    part_of: IntArray
    bars: FloatArray
    bar_of: IntArray

    @classmethod
    def of(cls, takes: Sequence[Take], rng: Rng) -> Material:
        hits = numbers([take.groove for take in takes])
        cut = [(i, part) for i, take in enumerate(takes) if (part := _part(take.groove, BARS, rng)) is not None]
        parts = features.of_grooves(numbers([part for _, part in cut])) if cut else features.of_grooves(hits)[:0]
        own = np.array([i for i, _ in cut], np.int64)
        bars, bar_of = features.of_bars(hits), hits.groove_of_bar
        is_played = np.bincount(hits.bar, minlength=len(bars)) > 2
        return cls(takes, features.of_grooves(hits), parts, own, bars[is_played], bar_of[is_played])

    @cached_property
    def style(self) -> Any:
        return np.array([style_of(take) for take in self.takes])

    @cached_property
    def drummer(self) -> Any:
        return np.array([take.labels.get("drummer", "") for take in self.takes])

    @cached_property
    def session(self) -> Any:
        """The folder of each take, which is a session of one drummer."""
        return np.array(["/".join(take.name.split("/")[-3:-1]) for take in self.takes])

    @cached_property
    def is_fill(self) -> Any:
        return np.array([take.labels.get("beat_type") == "fill" for take in self.takes])


def style_of(take: Take) -> str:
    """The primary style: what stands before the slash."""
    return take.labels.get("style", "").split("/")[0].lower()


def numbers(grooves: Sequence[Groove]) -> features.Hits:
    return features.gathered([(one.on_grid, one.found) for one in description.seen_all(grooves)])


def _part(groove: Groove, n_bars: int, rng: Rng) -> Groove | None:
    """So many bars out of a longer groove; None of one that is no longer, or where next to nothing is played."""
    if groove.n_bars <= n_bars:
        return None
    first = int(rng.integers(1, groove.n_bars - n_bars + 2))
    part = groove.bars(first, first + n_bars - 1)
    return part if len(part) >= FEWEST_HITS else None


# -- what is unlike ------------------------------------------------------------


def backwards(groove: Groove, rng: Rng) -> Groove:
    """Its hits from the end to the start."""
    last = groove.n_steps - 1
    return groove.with_hits(np.clip(last - groove.position, 0, last), groove.voice, groove.velocity)


def shuffled(groove: Groove, rng: Rng) -> Groove:
    """Its steps in another order."""
    step = np.rint(groove.position).astype(np.int64)
    to = rng.permutation(groove.n_steps)[step % groove.n_steps]
    return groove.with_hits(np.clip(to + groove.position - step, 0, groove.n_steps - 1), groove.voice, groove.velocity)


def by_machine(groove: Groove, rng: Rng) -> Groove:
    """As a drum machine plays it: on the grid, with one velocity or four."""
    flat = np.full(len(groove), int(rng.integers(80, MAX_VELOCITY - 7)))
    velocity = flat if rng.random() < 0.5 else groove.velocity // 32 * 32 + 16
    return groove.with_hits(np.clip(np.rint(groove.position), 0, groove.n_steps - 1), groove.voice, velocity)


def scattered(groove: Groove, rng: Rng) -> Groove:
    """As many hits, anywhere, of any drum, as loud as chance will have it."""
    n = len(groove)
    voice, velocity = rng.integers(N_VOICES, size=n), rng.integers(1, MAX_VELOCITY + 1, size=n)
    return groove.with_hits(rng.uniform(0, groove.n_steps - 1, n), voice, velocity)


UNLIKE: tuple[Callable[[Groove, Rng], Groove], ...] = (backwards, shuffled, by_machine, scattered)


def short(groove: Groove, rng: Rng) -> Groove:
    """A groove, or BARS_HELD bars of a longer one."""
    return _part(groove, BARS_HELD, rng) or groove


# -- learning ------------------------------------------------------------------


def fit(takes: Sequence[Take], about: str = "", seed: int = 0, on_progress: OnProgress | None = None) -> Labels:
    """Labels learned from takes, with figures of takes, sessions and drummers that were held out in turn.

    Args:
        about: source, licence and attribution of the takes.
        on_progress: called with (parts done, parts).

    Raises:
        CorpusError: takes that do not say their style, drummer and kind, or fewer than FEWEST_TAKES of every style.
    """
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(seed)
    played = [take for take in takes if len(take.groove) >= FEWEST_HITS]
    _check(played)
    n_parts = 9
    done = iter(range(1, n_parts + 1))

    def step() -> None:
        if on_progress:
            on_progress(next(done), n_parts)

    with threadpool_limits(1):
        known = Material.of(played, rng)
        step()
        figures, sharpness = _held_out(known, seed, step)
        styles, drummers = _classes(known.style), _classes(known.drummer)
        forests = {
            "style": trees(known, np.arange(len(played)), known.style, styles, N_TREES["style"], seed),
            "drummer": trees(known, np.arange(len(played)), known.drummer, drummers, N_TREES["drummer"], seed),
        }
        step()
        forests["fill"], fill_base = fills(known, np.arange(len(played)), seed)
        step()
        rows, is_like, of_take = _like_and_unlike(known, rng)
        step()
        is_judge = of_take % FOLDS == 0
        judging, base = boosted(rows[~is_judge], is_like[~is_judge], np.ones(int((~is_judge).sum())), seed)
        step()
        like_from = float(np.quantile(base + judging.sums(rows[is_judge & is_like]), FALSE_ALARMS))
        forests["like"], like_base = boosted(rows, is_like, np.ones(len(rows)), seed)
        step()
    space = _space(known.rows)
    facts = Facts(
        styles=tuple(styles),
        drummers=tuple(drummers),
        about=about,
        base={"fill": fill_base, "like": like_base},
        sharpness=sharpness,
        like_from=like_from,
        near=float(np.median(space.nearest(known.rows, 2)[1][:, 1])),
        figures=figures,
        takes=tuple((Path(take.name).stem, style_of(take), take.labels["drummer"]) for take in played),
    )
    return Labels(facts, forests, space)


def _check(takes: Sequence[Take]) -> None:
    wanted = ("style", "drummer", "beat_type")
    n_told = sum(all(take.labels.get(name) for name in wanted) for take in takes)
    if n_told < len(takes) or len(takes) < 2 * FEWEST_TAKES:
        raise CorpusError(
            f"Expected takes with an info.csv that says style, drummer and beat_type of each, {n_told} of "
            f"{len(takes)} say them; give the Groove MIDI Dataset or data in its layout."
        )
    for name, of in (("style", style_of), ("drummer", lambda take: take.labels["drummer"])):
        if len(_classes(np.array([of(take) for take in takes]))) < 2:
            raise CorpusError(f"Expected {FEWEST_TAKES} takes or more of two {name}s, found fewer.")


def _classes(labels: Any) -> list[str]:
    """The classes that are learned, the most frequent first."""
    names, counts = np.unique(labels, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [str(names[i]) for i in order if counts[i] >= FEWEST_TAKES]


def trees(known: Material, index: IntArray, labels: Any, classes: Sequence[str], n_trees: int, seed: int) -> Forest:
    """Randomized trees for classes, learned from the takes of an index."""
    from sklearn.ensemble import ExtraTreesClassifier

    index = index[np.isin(labels[index], classes)]
    number = {name: i for i, name in enumerate(classes)}
    target = np.array([number[str(label)] for label in labels[index]])
    grown = ExtraTreesClassifier(n_trees, max_features=FEATURES, random_state=seed).fit(known.rows[index], target)
    return planted([_tree(each.tree_, grown.classes_[each.tree_.value[:, 0].argmax(1)]) for each in grown.estimators_])


def _tree(tree: Any, said: FloatArray) -> tuple[IntArray, IntArray, IntArray, FloatArray, FloatArray]:
    return tree.children_left, tree.children_right, tree.feature, tree.threshold, said


def boosted(rows: FloatArray, is_true: BoolArray, weight: FloatArray, seed: int) -> tuple[Forest, float]:
    """Boosted trees and the log-odds that they add to; both classes have the same weight."""
    from sklearn.ensemble import GradientBoostingClassifier

    weight = np.where(is_true, weight / weight[is_true].sum(), weight / weight[~is_true].sum()) * len(rows) / 2
    grown = GradientBoostingClassifier(
        **BOOSTED, learning_rate=RATE, min_samples_leaf=FEWEST_IN_LEAF, random_state=seed
    ).fit(rows, is_true, sample_weight=weight)
    stages = (each.tree_ for each in grown.estimators_[:, 0])
    forest = planted([_tree(tree, RATE * tree.value[:, 0, 0]) for tree in stages])
    return forest, float(np.median(grown.decision_function(rows[:50]) - forest.sums(rows[:50])))


def fills(known: Material, index: IntArray, seed: int) -> tuple[Forest, float]:
    """Beat or fill of a bar, learned from bars of the takes of an index."""
    rng = np.random.default_rng(seed)
    mixed = rng.permutation(len(known.bars))
    mixed = mixed[np.isin(known.bar_of[mixed], index)]
    order = np.argsort(known.bar_of[mixed], kind="stable")
    own = known.bar_of[mixed][order]
    place = np.arange(len(own)) - np.searchsorted(own, own)
    chosen = mixed[order][place < BARS_A_TAKE]
    count = np.bincount(known.bar_of[chosen], minlength=len(known.takes))
    weight = 1 / np.sqrt(count[known.bar_of[chosen]])
    return boosted(known.bars[chosen], known.is_fill[known.bar_of[chosen]], weight, seed)


def _like_and_unlike(known: Material, rng: Rng) -> tuple[FloatArray, BoolArray, IntArray]:
    """Rows of takes and of what is unlike them, which is which, and the take that each is of."""
    held = [short(take.groove, rng) for take in known.takes]
    made = [features.of_grooves(numbers([make(groove, rng) for groove in held])) for make in UNLIKE]
    rows = [known.rows, features.of_grooves(numbers(held)), *made]
    is_like = np.repeat([True, True, *(False for _ in UNLIKE)], len(held))
    return np.vstack(rows), is_like, np.tile(np.arange(len(held)), len(rows))


def _space(rows: FloatArray) -> Space:
    """The principal components of the numbers, each divided by its spread."""
    mean, scale = rows.mean(0), np.maximum(rows.std(0), 1e-3)
    standard = np.clip((rows - mean) / scale, -4.0, 4.0)
    _, _, right = np.linalg.svd(standard - standard.mean(0), full_matrices=False)
    mean, scale, components = (
        each.astype(np.float16).astype(np.float32) for each in (mean, scale, right[:N_COMPONENTS].T)
    )
    points = Space(mean, scale, components, rows).place(rows)
    return Space(mean, scale, components, points.astype(np.float16).astype(np.float32))


# -- how often it is right -----------------------------------------------------


def _held_out(known: Material, seed: int, step: Callable[[], None]) -> tuple[dict[str, Any], dict[str, float]]:
    """Figures of what was held out in turn: takes, sessions, drummers; and the powers that calibrate votes."""
    figures: dict[str, Any] = {}
    sharpness: dict[str, float] = {}
    labels = {"style": known.style, "drummer": known.drummer}
    held_out = {
        "takes": np.random.default_rng(seed).permutation(len(known.takes)) % FOLDS,
        "sessions": _groups(known.session),
        "drummers": _groups(known.drummer),
    }
    for name, fold in held_out.items():
        asked = {kind: own for kind, own in labels.items() if (name, kind) != ("drummers", "drummer")}
        found = {kind: _votes(known, own, fold, seed) for kind, own in asked.items()}
        figures[name] = {kind: right(votes, labels[kind], _classes(labels[kind])) for kind, (votes, _) in found.items()}
        if name == "takes":
            sharpness = {kind: _best_power(votes, labels[kind]) for kind, (votes, _) in found.items()}
            if len(known.parts):
                figures["bars"] = {"style": right(found["style"][1], known.style[known.part_of], _classes(known.style))}
        step()
    return figures, sharpness


def _votes(known: Material, labels: Any, fold: IntArray, seed: int) -> tuple[FloatArray, FloatArray]:
    """(N, C) votes for each take, and (P, C) for each part, by trees that have learned from the other folds alone."""
    classes = _classes(labels)
    whole, parts = np.zeros((len(known.rows), len(classes))), np.zeros((len(known.parts), len(classes)))
    for held_out in range(FOLDS):
        forest = trees(known, np.flatnonzero(fold != held_out), labels, classes, N_TREES_JUDGED, seed)
        for votes, rows, own in ((whole, known.rows, fold), (parts, known.parts, fold[known.part_of])):
            votes[own == held_out] = forest.votes(rows[own == held_out], len(classes))
    return whole, parts


def _groups(labels: Any) -> IntArray:
    """(N,) a fold for each take: groups are dealt out from the largest, each to the fold with the fewest takes."""
    names, own, counts = np.unique(labels, return_inverse=True, return_counts=True)
    fold_of, filled = np.zeros(len(names), np.int64), np.zeros(FOLDS)
    for group in np.argsort(-counts, kind="stable"):
        fold_of[group] = int(np.argmin(filled))
        filled[fold_of[group]] += counts[group]
    return np.asarray(fold_of[own])


def _best_power(votes: FloatArray, labels: Any) -> float:
    """The power of least log loss."""
    classes = _classes(labels)
    is_class = np.isin(labels, classes)
    own = np.array([classes.index(str(label)) for label in labels[is_class]])
    shares = [sharpened(votes[is_class], N_TREES_JUDGED, power)[np.arange(len(own)), own] for power in POWERS]
    return float(POWERS[np.argmax([np.log(share).mean() for share in shares])])


def right(shares: FloatArray, labels: Any, classes: Sequence[str]) -> dict[str, float]:
    """How often the first answer, and the first or second, is right, and the most frequent one."""
    order = np.array(classes)[np.argsort(-shares, 1, kind="stable")]
    frequent = max(float((labels == name).mean()) for name in classes)
    return {
        "n": len(labels),
        "first": round(float((order[:, 0] == labels).mean()), 4),
        "first_or_second": round(float((order[:, :2] == np.asarray(labels)[:, None]).any(1).mean()), 4),
        "most_frequent": round(frequent, 4),
    }
