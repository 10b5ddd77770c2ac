"""The figures of a model on held-out takes, with the baselines beside it.

Every row says what it is, how many numbers it may use for eight quarter notes, and its
score over all takes pooled. Baselines are fitted on the data's train takes, or, where the
data has no split, by five folds over files, so that none is judged on what it has seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from rhythmvae import evaluate, generate, latent, train, two_sample
from rhythmvae.baselines import BASELINES
from rhythmvae.checkpoint import Checkpoint
from rhythmvae.corpus import Corpus, Take, by_drummers, pattern_key, windows_of
from rhythmvae.errors import CorpusError
from rhythmvae.groove import WINDOW_STEPS, FloatArray, Groove, IntArray, to_grid
from rhythmvae.model import RhythmVAE, to_tensor

N_FOLDS = 5


def _pooled(grooves: Sequence[Groove], rebuild: Callable[[Groove], Groove]) -> dict[str, Any]:
    return evaluate.Score.total(evaluate.score(g, rebuild(g)) for g in grooves).to_dict()


def model_figures(model: RhythmVAE, grooves: Sequence[Groove], seed: int = 0) -> dict[str, Any]:
    """A checkpoint's metrics: the score by the posterior mean, F1 by a posterior draw, and KL."""
    sampled = _pooled(grooves, lambda g: latent.reconstruct_sampled(model, g, seed))
    return {
        "validation": _pooled(grooves, lambda g: latent.reconstruct(model, g)),
        "f1_sampled_posterior": sampled["f1"],
        **train.latent_figures(model, grooves),
    }


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
        drummers: judge takes by these alone, as corpus.by_drummers takes them; none for
            all. Baselines are fitted on the train takes of everybody all the same.

    Raises:
        CorpusError: the split holds no takes.
        UsageError: a drummer who is not in the data.
    """
    takes = _split(corpus, split, drummers)
    grooves = [take.groove for take in takes]
    figures = train.latent_figures(model, grooves)
    common = {"numbers": model.config.latent_size, "kl_nats": figures["kl_nats"]}
    rows: list[dict[str, Any]] = [
        {
            "name": "rhythmvae, posterior mean",
            **common,
            "active_units": figures["active_units"],
            "score": _pooled(grooves, lambda g: latent.reconstruct(model, g)),
        },
        {
            "name": "rhythmvae, posterior sample",
            **common,
            "score": _pooled(grooves, lambda g: latent.reconstruct_sampled(model, g, seed)),
        },
    ]
    if baselines:
        folds = list(_folds(corpus, takes, seed))
        for baseline in BASELINES:
            scores = []
            for seen, held_out in folds:
                fitted = baseline.fit([take.groove for take in seen], model.config.latent_size)
                scores += [evaluate.score(take.groove, fitted.reconstruct(take.groove)) for take in held_out]
            rows.append(
                {
                    "name": baseline.name,
                    "numbers": fitted.numbers,
                    "score": evaluate.Score.total(scores).to_dict(),
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


def _folds(corpus: Corpus, takes: Sequence[Take], seed: int) -> list[tuple[list[Take], list[Take]]]:
    """(fit on, judge on) pairs of takes; twins are never on both sides."""
    keys = [pattern_key(take.groove) for take in takes]
    judged = set(keys)
    seen = [take for take in corpus.only("train") if pattern_key(take.groove) not in judged]
    if seen:
        return [(seen, list(takes))]
    distinct = sorted(set(keys))
    n_folds = min(N_FOLDS, len(distinct))
    if n_folds < 2:
        raise CorpusError(
            "Expected at least two different patterns to fit baselines on and judge them by, found one; "
            "give more files, or --no-baselines."
        )
    place = np.random.default_rng(seed).permutation(len(distinct)) % n_folds
    fold_of = dict(zip(distinct, place.tolist(), strict=True))
    return [
        (
            [t for t, key in zip(takes, keys, strict=True) if fold_of[key] != fold],
            [t for t, key in zip(takes, keys, strict=True) if fold_of[key] == fold],
        )
        for fold in range(n_folds)
    ]


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


@torch.inference_mode()
def rebuilt_windows(model: RhythmVAE, x: FloatArray) -> FloatArray:
    """Full windows (N, T, V, L, F) by the posterior mean, as a file would hold them."""
    n_steps = torch.full((len(x),), WINDOW_STEPS)
    rebuilt = to_tensor(model.decode(model.encode(torch.from_numpy(x), n_steps).mean, n_steps)).numpy()
    return two_sample.as_file(rebuilt)


def sampled_windows(checkpoint: Checkpoint, n: int, seed: int = 0) -> FloatArray:
    """Two bars from the prior, n times, as files would hold them: (N, T, V, L, F)."""
    drawn = [generate.sample(checkpoint, n_bars=2, seed=seed * 10_000 + i) for i in range(n)]
    return two_sample.as_file(np.stack([to_grid(groove).tensor for groove in drawn]))


def told_samples(
    real: FloatArray, groups: IntArray, samples: FloatArray, seeds: int = 10
) -> dict[str, two_sample.Told]:
    """How well samples are told from the windows of real takes; no sample has a take."""
    own_groups = groups.max() + 1 + np.arange(len(samples))
    return two_sample.told_apart(real, groups, samples, own_groups, seeds)


def measure_samples(
    checkpoint: Checkpoint,
    corpus: Corpus,
    split: str,
    seed: int = 0,
    seeds: int = 10,
    drummers: Sequence[str] = (),
) -> dict[str, Any]:
    """Can samples and reconstructions be told from held-out playing, and are samples copies?

    DRAWS sets of two-bar samples, each as many as there are held-out windows, by the protocol of
    two_sample.py; figures of samples are means over the sets. Every figure has its yardstick:
    real against real, and train takes against held-out ones.

    Args:
        seeds: repetitions of each classifier test; those of samples are shared out over the sets.
        drummers: as in `measure`.

    Raises:
        CorpusError: too few takes in 4/4, or no train takes beside them.
        UsageError: a drummer who is not in the data.
    """
    real, groups = judged_windows(corpus, split, seed, drummers)
    train_takes = corpus.only("train")
    known, _ = two_sample.real_windows([take.groove for take in train_takes], seed)
    sets = [sampled_windows(checkpoint, len(real), seed * DRAWS + i) for i in range(DRAWS)]
    told = {
        "real halves": two_sample.told_halves(real, groups, seeds),
        "reconstructions": two_sample.told_apart(real, groups, rebuilt_windows(checkpoint.model, real), groups, seeds),
        "samples": two_sample.pooled([told_samples(real, groups, new, max(1, seeds // DRAWS)) for new in sets]),
    }
    order = np.random.default_rng(seed).permutation(len(known))
    subsets = [known[np.roll(order, -i * len(real))[: len(real)]] for i in range(DRAWS)]
    described = two_sample.descriptors(real)
    everything = windows_of([take.groove for take in train_takes])
    training, _ = everything.gather(np.arange(len(everything)))
    overlap_train, overlap_samples = (
        [two_sample.overlaps(two_sample.descriptors(own), described) for own in parts] for parts in (subsets, sets)
    )
    return {
        "n_windows": len(real),
        "n_takes": len(np.unique(groups)),
        "told_apart": {name: {view: t.to_dict() for view, t in views.items()} for name, views in told.items()},
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
