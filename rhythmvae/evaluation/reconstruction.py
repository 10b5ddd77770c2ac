"""The figures of a model on held-out takes, with the baselines beside it.

A row has a name, the latent dimensions that the method may use for eight quarter notes, and a
score over all takes pooled. Baselines are fitted on the data's train takes, or by five folds over
files where the data has no split, so that no baseline is judged by takes it was fitted on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from rhythmvae.analysis import metrics
from rhythmvae.analysis.duplicates import pattern_key
from rhythmvae.data import splits
from rhythmvae.data.corpus import Corpus, Take
from rhythmvae.data.splits import by_drummers
from rhythmvae.data.windows import prior_windows, windows_of
from rhythmvae.errors import CorpusError
from rhythmvae.evaluation import two_sample
from rhythmvae.evaluation.baselines import BASELINES
from rhythmvae.groove import TWO_LOUDEST, WINDOW_STEPS, FloatArray, Groove, IntArray, to_grid
from rhythmvae.model import generate, latent
from rhythmvae.model.card import BEFORE, MAX_NAME, OWN, Copying, HeldOut, JudgedFile, Metrics, Nearness, Row
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.losses import kl_per_dimension
from rhythmvae.model.vae import RhythmVAE
from rhythmvae.text import clean_text

N_FOLDS = 5
ACTIVE_UNIT_NATS = 0.01  # KL above which a latent dimension says something (Burda et al. 2016)


def _pooled(grooves: Sequence[Groove], rebuild: Callable[[Groove], Groove]) -> metrics.Score:
    return metrics.Score.total(metrics.score(g, rebuild(g)) for g in grooves)


def model_figures(model: RhythmVAE, grooves: Sequence[Groove], seed: int = 0) -> Metrics:
    """A checkpoint's metrics: the score by the posterior mean, F1 by a posterior draw, and KL."""
    return replace(
        latent_figures(model, grooves),
        validation=_pooled(grooves, lambda g: latent.reconstruct(model, g)).figures,
        f1_sampled_posterior=_pooled(grooves, lambda g: latent.reconstruct_sampled(model, g, seed)).f1,
    )


def latent_figures(model: RhythmVAE, grooves: Sequence[Groove]) -> Metrics:
    """KL of `encode`'s posterior to N(0, I) in nats, mean per window of any length, and the active dimensions."""
    windows = windows_of(grooves, layers=model.config.layers)
    total = torch.zeros(model.config.latent_size, dtype=torch.float64)
    for posterior in latent.posteriors(model, windows, is_refined=True):
        total += kl_per_dimension(posterior).double().sum(0)
    per_dimension = total / len(windows)
    return Metrics(
        kl_nats=float(per_dimension.sum()),
        active_units=int((per_dimension > ACTIVE_UNIT_NATS).sum()),
        latent_size=model.config.latent_size,
    )


def measure(
    model: RhythmVAE,
    corpus: Corpus,
    split: str,
    seed: int = 0,
    baselines: bool = True,
    drummers: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Rows of the `evaluate` table.

    Args:
        split: one of corpus.SPLITS where the data has splits, or "all"; data without
            splits is measured whole.
        drummers: judge takes by these alone, as splits.by_drummers takes them; none for
            all. Baselines are fitted on the train takes of everybody all the same.

    Raises:
        CorpusError: the split holds no takes.
        UsageError: a drummer who is not in the data.
    """
    takes = _split(corpus, split, drummers)
    grooves = [take.groove for take in takes]
    figures = latent_figures(model, grooves)
    common = {"latent_dimensions": model.config.latent_size, "kl_nats": figures.kl_nats}
    rows: list[dict[str, Any]] = [
        {
            "name": "rhythmvae, posterior mean",
            **common,
            "active_units": figures.active_units,
            "score": _pooled(grooves, lambda g: latent.reconstruct(model, g)).to_dict(),
        },
        {
            "name": "rhythmvae, posterior sample",
            **common,
            "score": _pooled(grooves, lambda g: latent.reconstruct_sampled(model, g, seed)).to_dict(),
        },
    ]
    if baselines:
        folds = list(_folds(corpus, takes, seed))
        for baseline in BASELINES:
            scores = []
            for seen, held_out in folds:
                fitted = baseline.fit([take.groove for take in seen], model.config.latent_size)
                scores += [metrics.score(take.groove, fitted.reconstruct(take.groove)) for take in held_out]
            rows.append(
                {
                    "name": baseline.name,
                    "latent_dimensions": fitted.n_dimensions,
                    "score": metrics.Score.total(scores).to_dict(),
                }
            )
    return rows


def _split(corpus: Corpus, split: str, drummers: Sequence[str] = ()) -> list[Take]:
    among = by_drummers(corpus, drummers)[0] if drummers else corpus
    takes = list(among.takes) if split == "all" or not corpus.has_splits else among.only(split)
    if not takes:
        whose = " by these drummers" if drummers else ""
        raise CorpusError(f"Expected takes{whose} in the {split} split, the data's info.csv marks none.")
    return takes


def folds_of_split(
    corpus: Corpus, split: str, drummers: Sequence[str] = (), seed: int = 0
) -> list[tuple[list[Take], list[Take]]]:
    """(fit floors on, judge) pairs of a split's takes, with the arguments and errors of `measure`."""
    return _folds(corpus, _split(corpus, split, drummers), seed)


def _folds(corpus: Corpus, takes: Sequence[Take], seed: int) -> list[tuple[list[Take], list[Take]]]:
    """(fit on, judge on) pairs of takes; exact duplicates are never on both sides."""
    judged = {pattern_key(take.groove) for take in takes}
    seen = [take for take in corpus.only("train") if pattern_key(take.groove) not in judged]
    if seen:
        return [(seen, list(takes))]
    return splits.folds_of(takes, N_FOLDS, seed)


# -- after training on somebody's own files -------------------------------------

N_COPYING = 64  # samples


def held_out(
    pairs: Sequence[tuple[Sequence[Take], Sequence[Take]]],
    models: Iterable[RhythmVAE],
    before: RhythmVAE | None = None,
) -> HeldOut:
    """Takes as rebuilt by models that have not seen them, beside the model before and the baselines.

    Args:
        pairs: (learned from, judged by), one for each of `models`; baselines are fitted anew on each.
        before: a model that none of the takes was shown to.
    """
    own, old, n_dimensions = [], [], 0
    scores: dict[str, list[metrics.Score]] = {baseline.name: [] for baseline in BASELINES}
    fitted_dimensions: dict[str, int] = {}
    for (seen, judged), model in zip(pairs, models, strict=True):
        grooves, n_dimensions = [take.groove for take in judged], model.config.latent_size
        own += [metrics.score(groove, latent.reconstruct(model, groove)) for groove in grooves]
        if before is not None:
            old += [metrics.score(groove, latent.reconstruct(before, groove)) for groove in grooves]
        for baseline in BASELINES:
            fitted = baseline.fit([take.groove for take in seen], n_dimensions)
            scores[baseline.name] += [metrics.score(groove, fitted.reconstruct(groove)) for groove in grooves]
            fitted_dimensions[baseline.name] = fitted.n_dimensions
    rows = [Row(OWN, n_dimensions, metrics.Score.total(own).figures)]
    if before is not None:
        rows.append(Row(BEFORE, before.config.latent_size, metrics.Score.total(old).figures))
    rows += [Row(name, fitted_dimensions[name], metrics.Score.total(of).figures) for name, of in scores.items()]
    names = [take.name for _, judged in pairs for take in judged]
    files = [
        JudgedFile(clean_text(name, MAX_NAME), new.f1, old[i].f1 if old else None)
        for i, (name, new) in enumerate(zip(names, own, strict=True))
    ]
    return HeldOut(tuple(rows), tuple(files))


def copying(
    checkpoint: Checkpoint, seen: Sequence[Take], judged: Sequence[Take], n: int = N_COPYING, seed: int = 0
) -> Copying | None:
    """How near samples come to what was learned from, beside held-out takes, which nobody copied.

    Cells are a step and a voice of two bars. None where no take fills two bars.
    """
    known, real = (full_windows(takes) for takes in (seen, judged))
    if not (len(known) and len(real)):
        return None
    samples, held_out = (two_sample.nearest_distance(x, known) for x in (sampled_windows(checkpoint, n, seed), real))
    return Copying(_nearness(samples), _nearness(held_out))


def _nearness(cells: FloatArray) -> Nearness:
    return Nearness(float(np.median(cells)), float(np.mean(cells == 0)))


def full_windows(takes: Sequence[Take]) -> FloatArray:
    """All windows of takes that are full, loops looped, as files would hold them: (N, T, V, L, F)."""
    grooves = prior_windows(takes).grooves
    if not grooves:
        return np.zeros((0, WINDOW_STEPS, *TWO_LOUDEST.shape), dtype=np.float32)
    return two_sample.as_file(np.stack([to_grid(groove).tensor for groove in grooves]))


# -- samples -------------------------------------------------------------------

DRAWS = 5
MIN_TAKES = 20  # fewer held-out takes than this say nothing in folds of a fifth


def judged_windows(
    corpus: Corpus, split: str, seed: int = 0, drummers: Sequence[str] = ()
) -> tuple[FloatArray, IntArray]:
    """Held-out windows to judge new ones by, and the take of each (two_sample.real_windows).

    Raises:
        CorpusError: too few takes in 4/4, or no train takes beside them.
        UsageError: a drummer who is not in the data.
    """
    real, groups = two_sample.real_windows([take.groove for take in _split(corpus, split, drummers)], seed)
    n_takes = len(np.unique(groups))
    if n_takes < MIN_TAKES or not corpus.only("train") or split in ("train", "all"):
        raise CorpusError(
            f"Expected at least {MIN_TAKES} held-out takes in 4/4 beside train takes to judge new grooves by, "
            f"found {n_takes}; use data with an info.csv, or measure reconstructions alone."
        )
    return real, groups


def rebuilt_windows(model: RhythmVAE, x: FloatArray) -> FloatArray:
    """Full windows (N, T, V, L, F) by the posterior mean, as a file would hold them."""
    layers = model.config.layers
    seen = x if layers == TWO_LOUDEST else two_sample.relaid(x, layers)
    z = latent.posterior_of(model, seen, is_refined=True).mean
    rebuilt = two_sample.as_file(latent.decode_windows(model, z, [WINDOW_STEPS] * len(x)).numpy())
    return rebuilt if layers == TWO_LOUDEST else two_sample.relaid(rebuilt, TWO_LOUDEST)


def sampled_windows(checkpoint: Checkpoint, n: int, seed: int = 0) -> FloatArray:
    """Two bars from the prior, n times, as files would hold them: (N, T, V, L, F)."""
    drawn = [generate.sample(checkpoint, n_bars=2, seed=seed * 10_000 + i) for i in range(n)]
    return two_sample.as_file(np.stack([to_grid(groove).tensor for groove in drawn]))


def samples_accuracy(
    real: FloatArray, groups: IntArray, samples: FloatArray, seeds: int = 10
) -> dict[str, two_sample.Accuracy]:
    """Two-sample accuracy of samples against the windows of real takes; every sample is a group of its own."""
    own_groups = groups.max() + 1 + np.arange(len(samples))
    return two_sample.accuracy(real, groups, samples, own_groups, seeds)


def measure_samples(
    checkpoint: Checkpoint,
    corpus: Corpus,
    split: str,
    seed: int = 0,
    seeds: int = 10,
    drummers: Sequence[str] = (),
) -> dict[str, Any]:
    """Two-sample accuracy of samples and reconstructions against held-out windows, and how near samples are to copies.

    DRAWS sets of two-bar samples, each as many as there are held-out windows, by the protocol of
    two_sample.py; figures of samples are means over the sets. Every figure has its yardstick:
    real against real, and train takes against held-out ones, drawn as samples are weighed.

    Args:
        seeds: repetitions of each classifier test; those of samples are shared out over the sets.
        drummers: as in `measure`.

    Raises:
        CorpusError: too few takes in 4/4, or no train takes beside them.
        UsageError: a drummer who is not in the data.
    """
    real, groups = judged_windows(corpus, split, seed, drummers)
    train_takes = corpus.only("train")
    known, known_groups = two_sample.real_windows([take.groove for take in train_takes], seed)
    sets = [sampled_windows(checkpoint, len(real), seed * DRAWS + i) for i in range(DRAWS)]
    accuracy = {
        "real halves": two_sample.accuracy_of_halves(real, groups, seeds),
        "reconstructions": two_sample.accuracy(real, groups, rebuilt_windows(checkpoint.model, real), groups, seeds),
        "samples": two_sample.pooled([samples_accuracy(real, groups, new, max(1, seeds // DRAWS)) for new in sets]),
    }
    order = np.random.default_rng(seed).permutation(len(known))
    drawn = [np.roll(order, -i * len(real))[: len(real)] for i in range(DRAWS)]
    subsets = [known[own] for own in drawn]
    hardest = two_sample.strongest((real, groups), sets, [(known[own], known_groups[own]) for own in drawn])
    described = two_sample.descriptors(real)
    everything = windows_of([take.groove for take in train_takes])
    training, _ = everything.gather(np.arange(len(everything)))
    overlap_train, overlap_samples = (
        [two_sample.overlaps(two_sample.descriptors(own), described) for own in parts] for parts in (subsets, sets)
    )
    return {
        "n_windows": len(real),
        "n_takes": len(np.unique(groups)),
        "two_sample_accuracy": {
            name: {view: found.to_dict() for view, found in views.items()} for name, views in accuracy.items()
        },
        "strongest": {"classifier": next(iter(hardest)), **next(iter(hardest.values())).to_dict()},
        "classifiers": {name: found.to_dict() for name, found in hardest.items()},
        "overlap": {
            name: {
                "train": float(np.mean([own[name] for own in overlap_train])),
                "samples": float(np.mean([own[name] for own in overlap_samples])),
            }
            for name in overlap_train[0]
            if all(name in own for own in (*overlap_train, *overlap_samples))
        },
        "nearest_training_cells": {
            "held_out": float(np.median(two_sample.nearest_distance(real, training))),
            "samples": float(np.median([two_sample.nearest_distance(new, training) for new in sets])),
        },
    }
