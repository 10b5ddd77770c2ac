"""Which takes are trained on and which are judged: by file, by drummer, in folds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from rhythmvae.analysis.duplicates import likeness, pattern_key
from rhythmvae.data.corpus import Corpus, Take
from rhythmvae.errors import CorpusError, UsageError
from rhythmvae.text import clean_text

VALIDATION_SHARE = 0.15  # of the takes, where the data has no split of its own
MIN_HELD_OUT = 30  # takes; figures of fewer say little, and folds over files are made instead
MIN_GROUPS = 5  # of near-duplicates, for a split by them


def split_takes(
    takes: Sequence[Take], validation: float = VALIDATION_SHARE, seed: int = 0
) -> tuple[list[Take], list[Take]]:
    """Train and validation takes: the official split where there is one, else drawn by file.

    Exact duplicates go to one side together (analysis/duplicates.py), and near-duplicates too, unless next to nothing
    would be left; where an official split has put duplicates on both sides, the one in validation is
    left out. Files beside an official split that it does not name are trained on. With a single
    distinct pattern there is nothing to hold out, and the validation side is empty.

    Args:
        validation: share of the groups of takes to hold out, above 0 and below 1.
    """
    if any(take.split for take in takes):
        train = [take for take in takes if take.split in ("train", None)]
        seen = {pattern_key(take.groove) for take in train}
        held_out = [t for t in takes if t.split == "validation" and pattern_key(t.groove) not in seen]
        return train, held_out
    groups = _groups(takes)
    order = np.random.default_rng(seed).permutation(len(groups))
    n_held_out = min(max(1, round(validation * len(groups))), len(groups) - 1)
    held_out_groups = set(order[:n_held_out].tolist())
    sides: tuple[list[Take], list[Take]] = ([], [])
    for index, group in enumerate(groups):
        sides[index in held_out_groups].extend(group)
    return sides


def folds_of(takes: Sequence[Take], n: int, seed: int = 0) -> list[tuple[list[Take], list[Take]]]:
    """(train on, judge by) pairs of takes, n of them or as many as can be; what is grouped for a split is here too.

    Raises:
        CorpusError: takes with one pattern only.
    """
    groups = _groups(takes)
    n_folds = min(n, len(groups))
    if n_folds < 2:
        raise CorpusError(
            "Expected at least two different patterns to fit baselines on and judge them by, found one; "
            "give more files, or --no-baselines."
        )
    place = np.random.default_rng(seed).permutation(len(groups)) % n_folds
    return [
        (
            [take for group, own in zip(groups, place, strict=True) for take in group if own != fold],
            [take for group, own in zip(groups, place, strict=True) for take in group if own == fold],
        )
        for fold in range(n_folds)
    ]


def _groups(takes: Sequence[Take]) -> list[list[Take]]:
    """Takes that must not be parted, in the order in which they come."""
    found = likeness([take.groove for take in takes])
    label = found.near if len(set(found.near.tolist())) >= MIN_GROUPS else found.exact
    groups: dict[int, list[Take]] = {}
    for take, own in zip(takes, label.tolist(), strict=True):
        groups.setdefault(own, []).append(take)
    return list(groups.values())


def drummers_of(takes: Iterable[Take]) -> list[str]:
    """The names of those who play, `drummer2` before `drummer10`."""
    return sorted({take.labels.get("drummer", "") for take in takes} - {""}, key=lambda name: (len(name), name))


def by_drummers(corpus: Corpus, names: Sequence[str]) -> tuple[Corpus, Corpus]:
    """The takes by these drummers, and all others, those by nobody known included.

    Args:
        names: as the data has them, such as `drummer7`, or only the 7 of it.

    Raises:
        UsageError: a drummer who is not in the data.
    """
    known = drummers_of(corpus.takes)
    wanted: set[str] = set()
    for name in names:
        found = {name, f"drummer{name}"}.intersection(known)
        if not found:
            there = clean_text(", ".join(known), 200) or "those that an info.csv names (the data has none)"
            raise UsageError(f"Expected drummers out of {there}, got {clean_text(name, 40)!r}.")
        wanted |= found
    inside = tuple(take for take in corpus.takes if take.labels.get("drummer") in wanted)
    outside = tuple(take for take in corpus.takes if take.labels.get("drummer") not in wanted)
    return replace(corpus, takes=inside), replace(corpus, takes=outside)
