"""Side by side: the same takes and budget for all, rows that are kept, and drummers nobody has heard."""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
import torch
from grooves import take
from toys import TOY

from rhythmvae.analysis.duplicates import pattern_key
from rhythmvae.data.corpus import Corpus, Take
from rhythmvae.errors import CorpusError, UsageError
from rhythmvae.evaluation import reconstruction, two_sample
from rhythmvae.evaluation.baselines import BASELINES
from rhythmvae.model import checkpoint
from rhythmvae.model.config import ModelConfig, Weights
from rhythmvae.training import compare, entrants
from rhythmvae.training import prior as prior_training
from rhythmvae.training.compare import Comparison, divide
from rhythmvae.training.entrants import ENTRANTS, Entrant, Settings, contestants, slug
from rhythmvae.training.trainer import Trainer

TWO_LATENTS = Entrant("dense, 2 latents (toy)", ModelConfig("dense", "dense", latent_size=2, width=16, depth=1))
OURS = Entrant("rhythmvae", TOY, Weights(kl=0.5))
MEAN, NOTHING = BASELINES[1], BASELINES[-1]
MOMENT = Settings(minutes=0.004, two_sample_seeds=1)


def played(seed: int, drummer: str, split: str | None = None) -> Take:
    return replace(take(seed, split), labels={"drummer": drummer})


SPLIT = Corpus(
    (
        *(played(s, "drummer1", "train") for s in range(6)),
        *(played(s, "drummer5", "train") for s in range(6, 9)),
        *(played(s, "drummer1", "validation") for s in (0, 10, 11)),  # the first is a twin
        *(played(s, "drummer5", "validation") for s in (12, 13)),
        played(14, "drummer7", "validation"),
        played(14, "drummer1", "validation"),  # what drummer 7 plays
        played(15, "drummer1", "test"),
        take(16),
    )
)


@pytest.fixture(autouse=True)
def _toys(monkeypatch, brief_feel):
    monkeypatch.setattr(entrants, "ENTRANTS", (TWO_LATENTS, OURS))
    monkeypatch.setattr(compare, "OURS", OURS)
    monkeypatch.setattr(entrants, "BASELINES", (MEAN, NOTHING))
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def seeds(takes: list[Take]) -> list[int]:
    return [int(t.name.removesuffix(".mid")) for t in takes]


# -- who and on what


def test_the_entrants_differ_in_network_latents_and_kl_term_alone():
    names = [slug(c.name) for c in (*ENTRANTS, *BASELINES)]
    assert names[:5] == ["dense", "cnn", "gru", "lstm", "rhythmvae"]
    assert len(set(names)) == len(names)
    for entrant in ENTRANTS:
        assert replace(entrant.weights, kl=0, free_nats=0) == Weights(kl=0, free_nats=0)
    lstm = next(e for e in ENTRANTS if e.name.startswith("lstm"))
    assert lstm.weights.free_nats * lstm.model.latent_size == pytest.approx(48 * math.log(2))
    assert (ENTRANTS[-1].model, ENTRANTS[-1].weights) == (ModelConfig(), Weights())


def test_rows_are_chosen_by_short_name_in_the_order_of_the_table():
    assert contestants() == [TWO_LATENTS, OURS, MEAN, NOTHING]
    assert contestants(["mean-pooling", "dense"]) == [TWO_LATENTS, MEAN]
    with pytest.raises(UsageError, match=r"out of dense, rhythmvae, mean-pooling, per-step-mean, got 'rnn'"):
        contestants(["dense", "rnn"])


def test_an_official_split_is_judged_whole_and_its_twins_are_not_trained_on():
    division = divide(SPLIT)
    assert seeds(division.judged) == [0, 10, 11, 12, 13, 14, 14]
    assert division.selection == division.judged
    assert seeds(division.train) == [1, 2, 3, 4, 5, 6, 7, 8, 16]  # no twin, no test take, and the file beside
    assert division.unseen == ()


def test_unseen_drummers_are_nowhere_but_among_the_judged():
    division = divide(SPLIT, ["7", "drummer5"])
    assert division.unseen == ("drummer5", "drummer7")
    assert seeds(division.judged) == [12, 13, 14]
    assert seeds(division.selection) == [0, 10, 11]
    assert seeds(division.train) == [1, 2, 3, 4, 5, 16]
    assert seeds(divide(SPLIT, ["drummer5"]).selection) == [0, 10, 11, 14, 14]


@pytest.mark.parametrize("unseen", [(), ("1",)])
def test_data_without_a_split_is_split_by_file(unseen):
    takes = [played(s % 20, f"drummer{s % 2}") for s in range(40)]  # every pattern twice
    division = divide(Corpus(tuple(takes)), unseen, seed=1)
    keys = [{pattern_key(t.groove) for t in side} for side in (division.train, division.judged)]
    assert keys[0]
    assert keys[1]
    assert not keys[0] & keys[1]
    assert {t.labels["drummer"] for t in division.judged} == ({"drummer1"} if unseen else {"drummer0", "drummer1"})
    assert {t.labels["drummer"] for t in division.train + division.selection} >= {"drummer0"}
    assert ("drummer1" in {t.labels["drummer"] for t in division.train + division.selection}) == (not unseen)
    assert divide(Corpus(tuple(takes)), unseen, seed=1).digest() == division.digest()
    assert divide(Corpus(tuple(takes)), unseen, seed=2).digest() != division.digest()


def test_divisions_that_cannot_be():
    with pytest.raises(UsageError, match="Expected drummers out of drummer1, drummer5, drummer7, got '9'"):
        divide(SPLIT, ["9"])
    only_training = Corpus(tuple(t for t in SPLIT.takes if t.split == "train"))
    with pytest.raises(CorpusError, match="Expected validation takes to judge by"):
        divide(only_training)
    with pytest.raises(CorpusError, match="Expected validation takes by drummer5 to judge by"):
        divide(Corpus((*only_training.takes, played(10, "drummer1", "validation"))), ["5"])
    with pytest.raises(CorpusError, match="train on that are not by drummer5, found none"):
        divide(Corpus((played(1, "drummer5", "train"), played(2, "drummer5", "validation"))), ["5"])
    with pytest.raises(CorpusError, match="train on that are not validation takes"):
        divide(Corpus((take(1, "train"), take(1, "validation"))))


def test_the_digest_knows_every_hit_and_side():
    division = divide(SPLIT)
    groove = division.train[0].groove
    louder = replace(division.train[0], groove=replace(groove, velocity=np.minimum(groove.velocity + 1, 127)))
    digests = {
        division.digest(),
        replace(division, train=[louder, *division.train[1:]]).digest(),
        replace(division, selection=division.selection[1:]).digest(),
        replace(division, train=division.train[:-1], selection=[division.train[-1], *division.selection]).digest(),
    }
    assert len(digests) == 4


@pytest.mark.parametrize("minutes", [0, -1, math.nan, math.inf, 10_000])
def test_budgets_that_cannot_be(minutes):
    with pytest.raises(UsageError, match="minutes a row"):
        Settings(minutes=minutes)


# -- rows


@pytest.mark.parametrize("entrant", [TWO_LATENTS, OURS], ids=lambda e: slug(e.name))
def test_the_row_of_a_model_is_of_what_its_file_holds(tmp_path, entrant):
    division = divide(SPLIT)
    stages: list[str] = []
    parts: list[tuple[int, int]] = []
    row = Comparison(division, MOMENT, tmp_path).row(entrant, stages.append, lambda *done: parts.append(done))
    path = tmp_path / f"{slug(entrant.name)}.safetensors"
    loaded = checkpoint.load(path)
    figures = reconstruction.model_figures(loaded.model, [t.groove for t in division.judged])
    assert row["score"] == asdict(figures.validation)
    assert {key: row[key] for key in ("f1_sampled_posterior", "kl_nats", "active_units")} == {
        key: getattr(figures, key) for key in ("f1_sampled_posterior", "kl_nats", "active_units")
    }
    assert (row["name"], row["latent_dimensions"]) == (entrant.name, entrant.model.latent_size)
    assert row["parameters"] == sum(p.numel() for p in loaded.model.parameters())
    assert row["megabytes"] == path.stat().st_size / 1e6
    assert row["steps"] >= 1
    assert row["train_minutes"] >= 0
    assert row["decode_ms"] > 0
    assert row["two_sample_accuracy"] is None  # six takes say nothing
    assert json.loads((tmp_path / f"{slug(entrant.name)}.json").read_text())["row"] == row
    assert stages == ["training", "fitting its prior", "judging"]
    assert parts == sorted(parts)
    assert parts[-1] == (compare.BUDGET, compare.BUDGET)
    assert torch.get_num_threads() == 1


def test_everybody_trains_alike(tmp_path, monkeypatch):
    division = divide(SPLIT, ["5"])
    made: list[tuple[Any, ...]] = []
    fitted: list[Any] = []
    make, fit_prior = compare.Trainer, prior_training.fit

    def recorded(*arguments: Any, clock: Any) -> Trainer:
        made.append(arguments)
        assert clock is time.process_time
        return make(*arguments, clock=clock)

    def recorded_prior(model: Any, takes: Any, seed: int, **budget: Any) -> Any:
        fitted.append((takes, seed, budget["minutes"], budget["precision"]))
        assert budget["clock"] is time.process_time
        return fit_prior(model, takes, seed, **budget)

    monkeypatch.setattr(compare, "Trainer", recorded)
    monkeypatch.setattr(prior_training, "fit", recorded_prior)
    settings = replace(MOMENT, seed=3, precision="bfloat16")
    comparison = Comparison(division, settings, tmp_path)
    for entrant in (TWO_LATENTS, OURS):
        comparison.row(entrant)
    assert [model for model, *_ in made] == [TWO_LATENTS.model, OURS.model]
    first, second = (config for _, config, *_ in made)
    assert replace(first, weights=OURS.weights) == second
    assert (first.weights, second.weights) == (TWO_LATENTS.weights, OURS.weights)
    assert (first.seed, first.precision, first.device) == (3, "bfloat16", "cpu")
    assert first.max_minutes == pytest.approx(0.8 * MOMENT.minutes)
    assert all(takes == [division.train, division.selection] for _, _, *takes in made)
    assert fitted == [(division.train, 3, pytest.approx(0.2 * MOMENT.minutes), "bfloat16")] * 2


def test_a_baseline_is_fitted_on_the_training_takes_with_no_more_numbers_than_ours(tmp_path):
    division = divide(SPLIT)
    row = Comparison(division, MOMENT, tmp_path).row(MEAN)
    fitted = MEAN.fit([t.groove for t in division.train], OURS.model.latent_size)
    assert row["score"]["n_hits"] == sum(len(t.groove) for t in division.judged)
    assert row["score"]["n_hits_out"] == sum(len(fitted.reconstruct(t.groove)) for t in division.judged)
    assert 0 < row["latent_dimensions"] <= OURS.model.latent_size
    assert {key for key, value in row.items() if value is not None} == {"name", "latent_dimensions", "score"}


@pytest.mark.usefixtures("brief_classifiers")
def test_rows_are_told_from_real_windows_where_there_are_enough_takes(tmp_path):
    takes = [take(s, "train" if s < 8 else "validation") for s in range(32)]
    comparison = Comparison(divide(Corpus(tuple(takes))), MOMENT, tmp_path)
    silence = comparison.row(NOTHING)["two_sample_accuracy"]
    assert silence["reconstructions"]["tensor"]["mean"] > 0.9  # the mean of all windows is nobody's playing
    assert silence["samples"] is None
    model = comparison.row(OURS)["two_sample_accuracy"]
    assert model["samples"]["tensor"]["mean"] > 0.9  # a moment's training
    assert model["reconstructions"]["tensor"]["mean"] > 0.6
    control = comparison.control()
    assert abs(control["tensor"]["mean"] - 0.5) < 0.3
    assert set(control) == {"descriptors", "tensor"}


def test_a_rough_table_is_of_fewer_windows_and_takes(tmp_path, monkeypatch):
    takes = [take(s, "train" if s < 20 else "validation", n_steps=64) for s in range(45)]
    rough = replace(MOMENT, max_windows=30, max_prior_takes=7)
    fitted: list[list[Take]] = []
    sizes: list[tuple[int, ...]] = []
    fit_prior = prior_training.fit

    def recorded(model: Any, takes: list[Take], seed: int, **budget: Any) -> Any:
        fitted.append(takes)
        return fit_prior(model, takes, seed, **budget)

    def told(a: Any, groups_a: Any, b: Any, groups_b: Any, seeds: int) -> dict[str, Any]:
        sizes.append((len(a), len(groups_a), len(b), len(groups_b)))
        return {"tensor": two_sample.Accuracy(0.5, 0.0)}

    monkeypatch.setattr(prior_training, "fit", recorded)
    monkeypatch.setattr(two_sample, "accuracy", told)
    division = divide(Corpus(tuple(takes)))
    for number, settings in enumerate((MOMENT, rough)):
        comparison = Comparison(division, settings, tmp_path / str(number))
        comparison.row(OURS)
        comparison.row(NOTHING)
    assert sizes == [(50,) * 4] * 3 + [(30,) * 4] * 3
    assert fitted[0] == division.train
    assert len(fitted[1]) == 7
    assert all(any(t is whole for whole in division.train) for t in fitted[1])


def test_too_few_takes_have_no_control(tmp_path):
    comparison = Comparison(divide(SPLIT), MOMENT, tmp_path)
    assert comparison.control() is None
    assert not list(tmp_path.iterdir())


# -- keeping rows


def forbid_training(monkeypatch) -> None:
    monkeypatch.setattr(compare, "Trainer", lambda *_, **__: pytest.fail("trained again"))


def test_a_row_that_is_there_is_not_made_again(tmp_path, monkeypatch):
    first = Comparison(divide(SPLIT), MOMENT, tmp_path)
    rows = [first.row(c) for c in (OURS, MEAN)]
    forbid_training(monkeypatch)
    monkeypatch.setattr(reconstruction, "model_figures", lambda *_: pytest.fail("judged again"))
    second = Comparison(divide(SPLIT), MOMENT, tmp_path)
    assert second.kept(TWO_LATENTS) is None
    assert [second.row(c) for c in (OURS, MEAN)] == rows


def test_a_model_whose_judging_was_interrupted_is_not_trained_again(tmp_path, monkeypatch):
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    comparison = Comparison(divide(SPLIT), MOMENT, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(reconstruction, "model_figures", interrupted)
        with pytest.raises(KeyboardInterrupt):
            comparison.row(OURS)
    assert {p.name for p in tmp_path.iterdir()} == {"rhythmvae.safetensors"}
    forbid_training(monkeypatch)
    assert comparison.row(OURS)["steps"] >= 1
    assert {p.name for p in tmp_path.iterdir()} == {"rhythmvae.safetensors", "rhythmvae.json"}


def test_a_row_of_version_1_is_read_by_its_new_names(tmp_path):
    comparison = Comparison(divide(SPLIT), MOMENT, tmp_path)
    row = comparison.row(NOTHING)
    old_names = {"latent_dimensions": "numbers", "two_sample_accuracy": "told_apart"}
    path = tmp_path / f"{slug(NOTHING.name)}.json"
    document = json.loads(path.read_text())
    document["row"] = {old_names.get(key, key): value for key, value in row.items()}
    path.write_text(json.dumps(document))
    assert comparison.kept(NOTHING) == row


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"settings": replace(MOMENT, minutes=0.005)}, "minutes"),
        ({"settings": replace(MOMENT, seed=1)}, "seed"),
        ({"settings": replace(MOMENT, precision="bfloat16")}, "precision"),
        ({"unseen": ["5"]}, "data, unseen"),
        ({"entrant": replace(OURS, weights=Weights())}, "weights"),
        ({"entrant": replace(OURS, model=replace(TOY, width=32))}, "model"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rows_of_another_comparison_are_refused_not_replaced(tmp_path, monkeypatch, change, named):
    Comparison(divide(SPLIT), MOMENT, tmp_path).row(OURS)
    files = {p: p.read_bytes() for p in tmp_path.iterdir()}
    forbid_training(monkeypatch)
    other = Comparison(divide(SPLIT, change.get("unseen", ())), change.get("settings", MOMENT), tmp_path)
    with pytest.raises(UsageError, match=rf"other settings than asked for \({named}\)"):
        other.row(change.get("entrant", OURS))
    assert {p: p.read_bytes() for p in tmp_path.iterdir()} == files


@pytest.mark.parametrize("name", ["rhythmvae.json", "rhythmvae.safetensors"])
@pytest.mark.parametrize("content", [b"", b"{}", b'{"made_with": 1, "row": 2}', b"\xff\xff", b"[" * 100_000])
def test_files_that_are_no_rows_are_left_alone(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    comparison = Comparison(divide(SPLIT), MOMENT, tmp_path)
    for attempt in (comparison.kept, comparison.row):
        with pytest.raises(UsageError, match="Expected a row of `compare` in"):
            attempt(OURS)
    assert (tmp_path / name).read_bytes() == content


def test_a_checkpoint_that_compare_did_not_make_is_left_alone(tmp_path):
    from toys import checkpoint_file

    path = checkpoint_file(tmp_path / "rhythmvae.safetensors")
    before = path.read_bytes()
    with pytest.raises(UsageError, match="found something else"):
        Comparison(divide(SPLIT), MOMENT, tmp_path).row(OURS)
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for path in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "nul\0"):
        with pytest.raises(UsageError, match="Expected a folder to write to in --out"):
            Comparison(divide(SPLIT), MOMENT, path)
