"""The table of figures: who is measured on what, and fitted on what."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from grooves import take
from toys import TOY, checkpoint_of, model

from rhythmvae.analysis import metrics
from rhythmvae.analysis.duplicates import pattern_key
from rhythmvae.data.corpus import Corpus
from rhythmvae.errors import CorpusError
from rhythmvae.evaluation import reconstruction, two_sample
from rhythmvae.evaluation.baselines import BASELINES
from rhythmvae.model import latent

SPLIT = Corpus(
    tuple(take(s, "train") for s in range(5)) + tuple(take(s, "validation") for s in (3, 10, 11)) + (take(20, "test"),)
)
PLAIN = Corpus(tuple(take(s) for s in (0, 0, 1, 2, 3, 4, 5, 6, 6)))
QUICK = tuple(b for b in BASELINES if b.name != "PCA")


def keys(takes):
    return {pattern_key(t.groove) for t in takes}


def test_the_table_of_split_data():
    rows = reconstruction.measure(model(), SPLIT, "validation")
    json.dumps(rows, allow_nan=False)
    assert [row["name"] for row in rows] == [
        "rhythmvae, posterior mean",
        "rhythmvae, posterior sample",
        *[baseline.name for baseline in BASELINES],
    ]
    n_hits = sum(len(t.groove) for t in SPLIT.only("validation"))
    assert all(row["score"]["n_hits"] == n_hits for row in rows)
    assert all(row["latent_dimensions"] <= TOY.latent_size for row in rows)
    assert rows[-1]["latent_dimensions"] == 0  # the per-step mean
    grooves = [t.groove for t in SPLIT.only("validation")]
    by_hand = metrics.Score.total(metrics.score(g, latent.reconstruct(model(), g)) for g in grooves)
    assert rows[0]["score"] == by_hand.to_dict()
    assert rows[0]["kl_nats"] > 0


def test_takes_of_some_drummers_are_judged_by_baselines_fitted_on_everybodys(monkeypatch):
    monkeypatch.setattr(reconstruction, "BASELINES", QUICK)
    whose = {3: "drummer5", 10: "drummer5"}
    data = Corpus(
        tuple(
            replace(t, labels={"drummer": whose.get(int(t.name[:-4]), "drummer1") if t.split == "validation" else "x"})
            for t in SPLIT.takes
        )
    )
    judged = Corpus(tuple(t for t in SPLIT.takes if t.split != "validation" or int(t.name[:-4]) in whose))
    assert reconstruction.measure(model(), data, "validation", drummers=["5"]) == reconstruction.measure(
        model(), judged, "validation"
    )
    with pytest.raises(CorpusError, match="Expected takes by these drummers in the test split"):
        reconstruction.measure(model(), data, "test", drummers=["5"])


def test_baselines_are_fitted_on_train_without_twins_of_the_judged():
    judged = SPLIT.only("validation")
    [(seen, held_out)] = reconstruction._folds(SPLIT, judged, 0)
    assert held_out == judged
    assert {t.split for t in seen} == {"train"}
    assert not keys(seen) & keys(judged)
    assert len(seen) == 4  # one of the five is a twin


@pytest.mark.parametrize(("corpus", "split"), [(PLAIN, "all"), (PLAIN, "validation"), (SPLIT, "all"), (SPLIT, "train")])
def test_folds_never_share_patterns_and_judge_every_take_once(corpus, split):
    takes = list(corpus.takes) if split == "all" or not corpus.has_splits else corpus.only(split)
    folds = reconstruction._folds(corpus, takes, 0)
    assert len(folds) == 5
    for seen, held_out in folds:
        assert seen
        assert held_out
        assert not keys(seen) & keys(held_out)
    assert sorted(id(t) for _, held_out in folds for t in held_out) == sorted(map(id, takes))


def test_data_without_splits_is_measured_whole(monkeypatch):
    monkeypatch.setattr(reconstruction, "BASELINES", QUICK)
    rows = reconstruction.measure(model(), PLAIN, "validation")
    assert [row["score"]["n_hits"] for row in rows] == [sum(len(t.groove) for t in PLAIN.takes)] * 6


def test_few_patterns_fold_as_far_as_they_go():
    two = Corpus((take(1), take(2), take(2)))
    assert len(reconstruction._folds(two, two.takes, 0)) == 2
    one = Corpus((take(1), take(1)))
    assert len(reconstruction.measure(model(), one, "all", baselines=False)) == 2
    with pytest.raises(CorpusError, match=r"two different patterns .* or --no-baselines"):
        reconstruction.measure(model(), one, "all")


def test_an_empty_split_is_a_sentence():
    with pytest.raises(CorpusError, match="Expected takes in the test split"):
        reconstruction.measure(model(), Corpus((take(1, "train"),)), "test")


def test_the_posterior_sample_is_its_seed():
    def sampled(seed: int) -> dict[str, object]:
        return reconstruction.measure(model(), SPLIT, "validation", seed=seed, baselines=False)[1]["score"]

    assert sampled(1) == sampled(1)
    assert sampled(1) != sampled(2)


def test_a_checkpoints_figures():
    grooves = [t.groove for t in PLAIN.takes]
    figures = reconstruction.model_figures(model(), grooves)
    rows = reconstruction.measure(model(), PLAIN, "all", baselines=False)
    assert asdict(figures.validation) == rows[0]["score"]
    assert figures.f1_sampled_posterior == rows[1]["score"]["f1"]
    assert figures.kl_nats == rows[0]["kl_nats"]


PLAYED = Corpus(tuple(take(s, "train" if s < 8 else "validation") for s in (*range(8), *range(100, 124))))


@pytest.mark.usefixtures("brief_classifiers", "brief_feel")
def test_samples_are_judged_beside_real_playing(monkeypatch):
    monkeypatch.setattr(reconstruction, "DRAWS", 2)
    figures = reconstruction.measure_samples(checkpoint_of(), PLAYED, "validation", seeds=1)
    json.dumps(figures, allow_nan=False)
    assert figures["n_takes"] == 24
    # an untrained model plays like nobody
    assert figures["two_sample_accuracy"]["samples"]["tensor"]["mean"] > 0.9
    assert abs(figures["two_sample_accuracy"]["real halves"]["tensor"]["mean"] - 0.5) < 0.25
    assert figures["strongest"]["samples"]["mean"] > 0.9
    assert figures["strongest"]["floor"]["mean"] < 0.75
    assert all(0 <= o[key] <= 1 for o in figures["overlap"].values() for key in ("train", "samples"))


@pytest.mark.usefixtures("brief_feel")
def test_several_sets_of_samples_share_the_repetitions(monkeypatch):
    told: list[tuple[int, int, int]] = []
    sets: list[bytes] = []
    monkeypatch.setattr(reconstruction, "DRAWS", 3)
    monkeypatch.setattr(two_sample, "accuracy_of_halves", lambda *_: {})

    def tell(a: Any, _: Any, b: Any, __: Any, seeds: int) -> dict[str, two_sample.Accuracy]:
        told.append((len(a), len(b), seeds))
        sets.append(b.tobytes())
        return {"tensor": two_sample.Accuracy(0.5, 0.0)}

    monkeypatch.setattr(two_sample, "accuracy", tell)
    even = two_sample.Accuracy(0.5, 0.0)
    monkeypatch.setattr(two_sample, "strongest", lambda *_: {"forest": two_sample.AboveFloor(even, even, even)})
    figures = reconstruction.measure_samples(checkpoint_of(), PLAYED, "validation", seeds=6)
    assert sorted(told) == [(24, 24, 2)] * 3 + [(24, 24, 6)]  # and the reconstructions
    assert len(set(sets)) == 4
    assert figures["two_sample_accuracy"]["samples"]["tensor"]["mean"] == 0.5


def test_samples_need_enough_to_be_judged_by():
    with pytest.raises(CorpusError, match="at least 20 held-out takes"):
        reconstruction.measure_samples(checkpoint_of(), SPLIT, "validation")
    with pytest.raises(CorpusError, match="at least 20 held-out takes"):
        reconstruction.measure_samples(checkpoint_of(), Corpus(tuple(take(s, "train") for s in range(30))), "train")
