"""All jobs on the takes of a data set: what `evaluate --complete` shows."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from rhythmvae.data.corpus import Corpus, OnProgress, Take
from rhythmvae.data.splits import drummers_of
from rhythmvae.evaluation.completion import humanize, infill, new_bars, next_bar, taps
from rhythmvae.evaluation.completion.jobs import Figure, Fold, Material
from rhythmvae.evaluation.reconstruction import folds_of_split
from rhythmvae.model.checkpoint import Checkpoint

JOBS = (humanize, next_bar, new_bars, infill, taps)


def measure_completion(
    checkpoint: Checkpoint,
    corpus: Corpus,
    split: str,
    seed: int = 0,
    drummers: Sequence[str] = (),
    on_progress: OnProgress | None = None,
) -> dict[str, Any]:
    """Figures of every job, and the protocols; of drummers whom no train take is by, humanize once more.

    Args:
        split, drummers: as in `reconstruction.measure`.

    Raises:
        CheckpointError: a checkpoint without a completion.
        CorpusError: the split holds no takes, or one pattern only.
        UsageError: a drummer who is not in the data.
    """
    pairs = folds_of_split(corpus, split, drummers, seed)
    material = _material(checkpoint, pairs, seed)
    figures: list[Figure] = []
    for number, job in enumerate(JOBS):
        figures += job.figures(material)
        if on_progress:
            on_progress(number + 1, len(JOBS))
    return {
        "n_takes": len(material.takes),
        "figures": [figure.to_dict() for figure in figures],
        "unseen_drummers": _of_unseen(checkpoint, corpus, pairs, seed),
        "protocols": {job.JOB: inspect.cleandoc(job.__doc__ or "") for job in JOBS},
    }


def _material(checkpoint: Checkpoint, pairs: Sequence[tuple[list[Take], list[Take]]], seed: int) -> Material:
    folds = [Fold([take.groove for take in seen], [take.groove for take in judged]) for seen, judged in pairs]
    return Material(checkpoint, folds, seed)


def _of_unseen(
    checkpoint: Checkpoint, corpus: Corpus, pairs: Sequence[tuple[list[Take], list[Take]]], seed: int
) -> list[dict[str, Any]] | None:
    """Figures of humanize on takes by drummers who play no train take; None where there are none."""
    known = drummers_of(corpus.only("train"))
    strange = [
        (seen, [take for take in judged if take.labels.get("drummer") not in (*known, None)]) for seen, judged in pairs
    ]
    if not known or not any(judged for _, judged in strange):
        return None
    return [figure.to_dict() for figure in humanize.figures(_material(checkpoint, strange, seed))]
