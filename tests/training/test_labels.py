"""Learning labels from takes that have them: what differs is told, and what was held out is what figures are of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rhythmvae.analysis.description import seen
from rhythmvae.data.corpus import Take
from rhythmvae.data.examples import example
from rhythmvae.errors import CorpusError
from rhythmvae.groove import Groove
from rhythmvae.model.labels import read, save
from rhythmvae.training import labels


def played(pattern: str, seed: int) -> Groove:
    """A pattern as somebody plays it, a little different each time."""
    rng = np.random.default_rng(seed)
    groove = example(pattern)
    keep = rng.random(len(groove)) < 0.9
    position = np.clip(groove.position + rng.normal(0, 0.04, len(groove)), 0, groove.n_steps - 1)
    velocity = np.clip(groove.velocity + rng.integers(-9, 10, len(groove)), 1, 127)
    return groove.with_hits(position[keep], groove.voice[keep], velocity[keep])


@pytest.fixture(scope="module")
def takes() -> list[Take]:
    kinds = (("funk", "beat"), ("shuffle", "beat"), ("waltz", "fill"))
    return [
        Take(
            f"drummer{seed % 2}/session{seed % 4}/{seed}.mid",
            played(pattern, seed),
            labels={"style": f"{pattern}/own", "drummer": f"drummer{seed % 2}", "beat_type": kind},
        )
        for seed in range(8)
        for pattern, kind in kinds
    ]


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    monkeypatch.setattr(labels, "N_TREES", {"style": 10, "drummer": 5})
    monkeypatch.setattr(labels, "N_TREES_JUDGED", 5)
    monkeypatch.setattr(labels, "BOOSTED", {**labels.BOOSTED, "n_estimators": 10})


def test_what_differs_is_learned(takes: list[Take], tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    found = labels.fit(takes, on_progress=lambda *parts: told.append(parts))
    assert told == [(i, told[-1][1]) for i in range(1, told[-1][1] + 1)]
    said = found.of([seen(played(pattern, 99)) for pattern in ("funk", "shuffle", "waltz")])
    assert [next(iter(one["style"]["probabilities"])) for one in said] == ["funk", "shuffle", "waltz"]
    assert [one["beat_or_fill"]["label"] for one in said] == ["beat", "beat", "fill"]
    assert [one["nearest"][0]["style"] for one in said] == ["funk", "shuffle", "waltz"]
    save(tmp_path / "own.safetensors", found)
    assert read(tmp_path / "own.safetensors").of([seen(played("funk", 99))]) == said[:1], "the same after a file"
    assert found.facts.figures["takes"]["style"]["first"] == 1
    assert found.facts.figures["drummers"]["style"]["n"] == len(takes)
    assert found.facts.figures["takes"]["drummer"]["first"] < 1  # there is nothing to tell them by


def test_takes_without_labels_are_refused(takes: list[Take]) -> None:
    with pytest.raises(CorpusError, match=r"info\.csv"):
        labels.fit([Take(take.name, take.groove) for take in takes])
    with pytest.raises(CorpusError, match="two styles"):
        labels.fit([Take(t.name, t.groove, labels={**t.labels, "style": "rock"}) for t in takes])


def test_folds_part_no_group() -> None:
    groups = np.array(["a"] * 5 + ["b"] * 3 + ["c"] * 2 + ["d"] + ["e"] * 4)
    fold = labels._groups(groups)
    assert all(len(set(fold[groups == name])) == 1 for name in "abcde")
    assert len(set(fold)) == labels.FOLDS


@pytest.mark.parametrize("make", labels.UNLIKE)
def test_what_is_unlike_has_as_many_hits_and_other_ones(make) -> None:
    groove = played("funk", 0)
    made = make(groove, np.random.default_rng(0))
    assert len(made) == len(groove)
    assert made.n_steps == groove.n_steps
    assert made != groove
