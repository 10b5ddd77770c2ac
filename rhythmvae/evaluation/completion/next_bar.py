"""Next bar: two bars of 4/4 are given, the third is asked for, at most MAX_BARS times a take.

F1 of the one answer (`continue --bars 1 --temperature 0 --only-new`) against what was played, over cells of a drum and
its nearest 16th; third bars without a hit are left out. Floor: the second bar once more.

Bits a bar, as `predict` says for the third bar: the sum over its cells of -log2 of the probability given to what is
there, everything before the bar given and nothing in it. Floor: an n-gram over 16ths (ngram.py), fitted on training
takes, the same sum, its probabilities averaged over ROLLOUTS ways to go on from the two bars; and the same n-gram where
it hears the bar as it goes, each 16th given all before it, which the model is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from rhythmvae.evaluation.completion.jobs import (
    STEPS_PER_BAR,
    Figure,
    Fold,
    Material,
    Stretch,
    bars_of,
    by_folds,
    cells,
    f1,
    stretches,
)
from rhythmvae.evaluation.completion.ngram import NGram
from rhythmvae.groove import BoolArray, FloatArray, Groove
from rhythmvae.kit import N_VOICES
from rhythmvae.model import verbs
from rhythmvae.model.completing import expected
from rhythmvae.model.given import Given

JOB = "next bar"
MAX_BARS = 12
ROLLOUTS = 32
THIRD = slice(2 * STEPS_PER_BAR, 3 * STEPS_PER_BAR)


def figures(material: Material) -> list[Figure]:
    """F1 and bits a bar."""
    three = [one.groove for one in thirds(material.takes)]
    n = len(three)
    own, before = bars_of(three, 3, 3), bars_of(three, 2, 2)
    given = [behind(groove.bars(1, 2), 2) for groove in three]
    made = likeliest(material, given)
    outlooks = expected(material.completer, given, material.completer.wanted())
    bits = bits_of(np.stack(own), np.stack([outlook.hit[THIRD] for outlook in outlooks])) if n else np.zeros(0)
    known = by_folds(material, lambda fold: _n_gram_bits(fold, material.seed))
    alone, along = np.array(known).reshape(-1, 2).mean(0).tolist() if known else (None, None)
    return [
        Figure(JOB, "F1", f1(own, made) if n else None, {"bar before": f1(own, before) if n else None}, n),
        Figure(
            JOB,
            "bits a bar",
            float(np.mean(bits)) if n else None,
            {"n-gram": alone, "n-gram that hears the bar": along},
            n,
        ),
    ]


def behind(groove: Groove, n_bars: int) -> Given:
    """Two bars, and so many more that are not given."""
    frame = replace(groove, n_steps=groove.n_steps + n_bars * STEPS_PER_BAR)
    hits = np.zeros((frame.n_steps, N_VOICES), dtype=bool)
    hits[: groove.n_steps] = True
    hits[frame.step, frame.voice] = True  # hits that are pushed beyond the bar line
    return Given.of(frame, hits)


def likeliest(material: Material, given: Sequence[Given]) -> list[BoolArray]:
    """The cells (T, V) of the one answer for the third bar, without what is given."""
    made = material.completed(given, 0.0)
    return [(cells(groove) & ~part.hits)[THIRD] for groove, part in zip(made, given, strict=True)]


def thirds(takes: Sequence[Groove]) -> Iterator[Stretch]:
    """Three bars in a row, with hits in the third."""
    return stretches(takes, 3, step=1, most=MAX_BARS)


def _n_gram_bits(fold: Fold, seed: int) -> list[tuple[float, float]]:
    """For each third bar: bits given the bars before alone, and given all before each 16th."""
    found = [cells(one.groove) for one in thirds(fold.judged)]
    if not found:
        return []
    three = np.stack(found)
    n_gram = NGram.of([cells(groove) for groove in fold.seen])
    bar = three[:, -STEPS_PER_BAR:]
    rng = np.random.default_rng(seed)
    alone = bits_of(bar, n_gram.ahead(three[:, :-STEPS_PER_BAR], STEPS_PER_BAR, ROLLOUTS, rng))
    along = bits_of(bar, n_gram.along(three)[:, -STEPS_PER_BAR:])
    return list(zip(alone.tolist(), along.tolist(), strict=True))


def bits_of(true: BoolArray, probability: FloatArray) -> FloatArray:
    """(N,) the sum over cells (N, T, V) of -log2 of the probability given to what is there."""
    p = np.clip(probability, verbs.LEAST_PROBABILITY, 1 - verbs.LEAST_PROBABILITY)
    return np.asarray(-np.log2(np.where(true, p, 1 - p)).sum((1, 2)))
