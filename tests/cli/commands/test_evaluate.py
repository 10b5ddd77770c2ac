"""evaluate and compare: tables, JSON, and what cannot be judged."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from running import documented, files_in, keys_of, section
from toys import TOY

from rhythmvae.errors import TrainingError
from rhythmvae.model.config import ModelConfig
from rhythmvae.training import compare, entrants
from rhythmvae.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("brief_prior")


def test_evaluate_prints_the_table(shell, folder, monkeypatch):
    from rhythmvae.evaluation import baselines, reconstruction

    monkeypatch.setattr(reconstruction, "BASELINES", tuple(b for b in baselines.BASELINES if b.name != "PCA"))
    (folder / "loop.flac").write_bytes(b"fLaC" + bytes(40))
    status, out, err = shell("evaluate", folder)
    assert err.count("1 sound in folders or zips passed over; --audio reads them.") == 1
    assert status == 1  # one file cannot be read
    assert "bad.mid" in err
    assert [line[:12].strip() for line in out.splitlines()][:3] == ["model", "rhythmvae, p", "rhythmvae, p"]
    assert len(out.splitlines()) == 7
    rows = shell.json("evaluate", folder, "--no-baselines", status=1)["rows"]
    assert [row["name"] for row in rows] == ["rhythmvae, posterior mean", "rhythmvae, posterior sample"]


def test_evaluate_judges_samples(shell, folder, monkeypatch):
    from rhythmvae.evaluation import reconstruction

    view = {view: {"mean": 0.6, "interval": 0.01} for view in ("descriptors", "tensor")}
    figure = {"mean": 0.047, "interval": 0.01}
    by_forest = {"floor": figure, "samples": figure, "above_floor": figure}
    figures = {
        "n_windows": 100,
        "n_takes": 30,
        "two_sample_accuracy": {name: view for name in ("real halves", "reconstructions", "samples")},
        "strongest": {"classifier": "forest", **by_forest},
        "classifiers": {"forest": by_forest},
        "overlap": {"density": {"train": 0.9, "samples": 0.8}},
        "nearest_training_cells": {"held_out": 15.0, "samples": 21.0},
    }
    monkeypatch.setattr(reconstruction, "measure_samples", lambda *_, **__: figures)
    printed = shell.json("evaluate", folder, "--samples", "--no-baselines", status=1)
    assert printed["samples"] == figures
    assert keys_of(figures) - {"real halves", "density", "forest"} <= documented("evaluate")
    _, out, _ = shell("evaluate", folder, "--samples", "--no-baselines")
    assert "0.600 +- 0.010" in out
    assert ["forest", *["0.047", "+-", "0.010"] * 3] in [line.split() for line in out.splitlines()]
    monkeypatch.undo()
    shell.refuses("evaluate", folder / "a.mid", "--samples", "--no-baselines", match="at least 20 held-out takes")


def test_evaluate_judges_control(shell, folder, monkeypatch):
    from rhythmvae.evaluation import control as module

    figures = ("spearman", "mae", "spearman_last", "mae_last")
    told = {view: {"mean": 0.55, "interval": 0.01} for view in ("descriptors", "tensor")}
    control = {
        "n_windows": 60,
        "sliders": {
            "density": {
                "n": 300,
                "undefined": 0,
                **dict.fromkeys(figures, 0.98),
                "leakage": {"swing": 0.1, "mix": 0.25},
            },
            "swing": {"n": 0, "undefined": 60, **dict.fromkeys(figures), "leakage": {}},
        },
        "amounts": {"0": 0.0, "0.5": 0.4},
        "interpolation": {
            "n_interpolations": 100,
            "ends_equal": True,
            "largest_over_mean_median": 1.5,
            "largest_over_mean_worst": 2.5,
            "share_above_2": 0.02,
            "two_sample_accuracy": told,
        },
    }
    monkeypatch.setattr(module, "measure_control", lambda *_, **__: control)
    printed = shell.json("evaluate", folder, "--control", "--no-baselines", status=1)
    assert printed["control"] == control
    assert keys_of(control) - {"density", "mix", "swing", "0", "0.5"} <= documented("evaluate")
    assert printed["samples"] is None
    _, out, _ = shell("evaluate", folder, "--control", "--no-baselines")
    rows = [line.split() for line in out.splitlines()]
    assert ["density", "300", "0", "0.980", "0.980", "0.980", "0.980", "mix", "0.25"] in rows
    assert ["swing", "0", "60", *"------"] in rows
    assert ["0.5", "0.400"] in rows
    assert "ends equal reconstructions: yes" in out
    monkeypatch.undo()
    shell.refuses("evaluate", folder / "a.mid", "--control", "--no-baselines", match="at least 20 held-out takes")


def test_evaluate_judges_completing(shell, folder, monkeypatch):
    from rhythmvae.evaluation.completion import measure

    figure = {
        "job": "next bar",
        "figure": "F1",
        "value": 0.75,
        "floors": {"bar before": 0.73},
        "n": 60,
        "classifier": None,
    }
    told = {
        **figure,
        "figure": "two-sample accuracy",
        "floors": {"as played": None},
        "classifier": "forest",
        "value": None,
    }
    completion = {
        "n_takes": 12,
        "figures": [figure, told],
        "unseen_drummers": [{**figure, "job": "humanize"}],
        "protocols": {"next bar": "Next bar: two bars are given."},
    }
    monkeypatch.setattr(measure, "measure_completion", lambda *_, **__: completion)
    printed = shell.json("evaluate", folder, "--complete", "--no-baselines", status=1)
    assert printed["completion"] == completion
    assert keys_of(completion) - {"bar before", "as played", "next bar"} <= documented("evaluate")
    _, out, _ = shell("evaluate", folder, "--complete", "--no-baselines")
    rows = [" ".join(line.split()) for line in out.splitlines()]
    assert "next bar F1 60 0.750 bar before 0.730" in rows
    assert "next bar two-sample accuracy (forest) 60 - as played -" in rows
    assert "humanize, unseen drummers F1 60 0.750 bar before 0.730" in rows
    assert rows[-1] == "Next bar: two bars are given."


def test_evaluate_needs_something_to_evaluate(shell, folder, song):
    shell.refuses("evaluate", folder / "sub/bad.mid", match="none that can be read")
    shell.refuses("evaluate", song, match="two different patterns")
    shell.refuses("evaluate", song, "--split", "holdout", match="expected one of")


def test_evaluate_judges_some_drummers_alone(shell, played):
    document = shell.json("evaluate", played, "--no-baselines", "--drummers", "drummer7,5")
    assert document["drummers"] == ["drummer5", "drummer7"]
    everybody = shell.json("evaluate", played, "--no-baselines")
    assert everybody["drummers"] == []
    assert document["rows"][0]["score"]["n_hits"] == 4 * 30
    assert everybody["rows"][0]["score"]["n_hits"] == 6 * 30
    shell.refuses("evaluate", played, "--drummers", "5,8", match="out of drummer1, drummer5, drummer7, got '8'")
    shell.refuses("evaluate", played, "--drummers", "5,", match="names with commas")


@pytest.fixture
def _toy_contest(monkeypatch):
    from rhythmvae.evaluation import baselines

    dense = ModelConfig("dense", "dense", latent_size=2, width=16, depth=1)
    toys = (entrants.Entrant("dense, 2 latents (toy)", dense), entrants.Entrant("rhythmvae", TOY))
    monkeypatch.setattr(entrants, "ENTRANTS", toys)
    monkeypatch.setattr(entrants, "BASELINES", (baselines.BASELINES[-1],))


NAMES = ["dense, 2 latents (toy)", "rhythmvae", "per-step mean"]
MOMENT = ["--minutes", 0.004]


@pytest.mark.usefixtures("_toy_contest")
def test_compare_prints_one_table(shell, played):
    status, out, err = shell("compare", played, *MOMENT, model=False)
    assert (status, err) == (0, "")
    heading, *rows = out.split("\n\n")[0].splitlines()
    assert re.split(r"  +", heading) == [
        *("model", "dimensions", "weights", "MB", "minutes", "F1 50ms", "F1 25ms"),
        *("timing ms", "velocity", "KL nats", "rebuilt", "samples", "decode ms"),
    ]
    cells = [re.split(r"  +", row) for row in rows]
    assert [row[0] for row in cells] == NAMES
    assert {len(row) for row in cells} == {13}
    assert [row[10:12] for row in cells] == [["-", "-"]] * 3  # too few takes to tell
    assert cells[2][2:5] == ["-"] * 3
    assert "Two halves of the real takes: -" in out


@pytest.mark.usefixtures("_toy_contest")
def test_compare_as_json_says_what_is_documented(shell, played, monkeypatch):
    from rhythmvae.evaluation import reconstruction, two_sample

    told = {view: two_sample.Accuracy(0.6, 0.01) for view in ("descriptors", "tensor")}
    monkeypatch.setattr(reconstruction, "MIN_TAKES", 2)
    seeds: list[int] = []
    monkeypatch.setattr(two_sample, "accuracy", lambda *given: seeds.append(given[-1]) or told)
    monkeypatch.setattr(two_sample, "accuracy_of_halves", lambda *_: told)
    document = shell.json("compare", played, *MOMENT, "--unseen", "5,7", "--seed", 1, model=False)
    assert keys_of(document) <= documented("compare", "A score")
    assert set(document) == {
        *("version", "command", "minutes", "seed", "precision", "two_sample_seeds", "max_windows"),
        *("max_prior_takes", "unseen", "n_train_takes", "n_judged_takes", "rows", "control"),
    }
    named = {n for cell in re.findall(r"^\| (`.*?) \|", section("compare"), re.M) for n in re.findall(r"`(\w+)`", cell)}
    assert all(set(row) == named for row in document["rows"])
    assert (document["command"], document["seed"], document["two_sample_seeds"]) == ("compare", 1, 10)
    assert document["unseen"] == ["drummer5", "drummer7"]
    assert (document["n_train_takes"], document["n_judged_takes"]) == (3, 4)
    assert [row["score"]["n_hits"] for row in document["rows"]] == [4 * 30] * 3
    assert document["control"]["tensor"] == {"mean": 0.6, "interval": 0.01}
    assert [row["two_sample_accuracy"]["samples"] is None for row in document["rows"]] == [False, False, True]
    assert seeds == [10] * 5
    _, out, _ = shell("compare", played, *MOMENT, model=False)
    assert out.count("0.60 / 0.60") == 6


@pytest.mark.usefixtures("_toy_contest")
def test_compare_makes_only_the_rows_asked_for_and_keeps_them(shell, played, tmp_path, monkeypatch):
    arguments = ["compare", played, *MOMENT, "--out", tmp_path / "rows"]
    for only in ("per-step-mean,rhythmvae", "dense"):  # as two processes side by side would
        rows = shell.json(*arguments, "--only", only, model=False)["rows"]
        assert [row["name"] for row in rows] == [n for n in NAMES if re.split("[, ]", n)[0] in only]
    monkeypatch.setattr(compare, "Trainer", lambda *_, **__: pytest.fail("trained again"))
    document = shell.json(*arguments, model=False)
    assert [row["name"] for row in document["rows"]] == NAMES
    kept = {name: json.loads(data) for name, data in files_in(tmp_path / "rows").items() if name.endswith(".json")}
    assert [kept[f"{name}.json"]["row"] for name in ("dense", "rhythmvae", "per-step-mean")] == document["rows"]
    assert keys_of(kept["dense.json"]) <= documented("compare", "A score", "info, train")
    status, _, _ = shell(
        "sample", "--out", tmp_path / "new", "--checkpoint", tmp_path / "rows/rhythmvae.safetensors", model=False
    )
    assert status == 0
    shell.refuses(*arguments[:2], "--minutes", 0.005, *arguments[4:], model=False, match=r"\(minutes\)")


@pytest.mark.usefixtures("_toy_contest")
def test_compare_in_the_way_of_another_is_said_before_anything_is_trained(shell, played, tmp_path, monkeypatch):
    monkeypatch.setattr(compare, "Trainer", lambda *_, **__: pytest.fail("trained"))
    for name in ("rhythmvae.safetensors", "per-step-mean.json", "real-halves.json"):
        (tmp_path / name).write_bytes(b"precious")
        shell.refuses("compare", played, "--out", tmp_path, model=False, match=rf"{name}, found .+ give another --out")
        assert (tmp_path / name).read_bytes() == b"precious"
        (tmp_path / name).unlink()


@pytest.mark.usefixtures("_toy_contest")
def test_ctrl_c_in_a_comparison_prints_the_rows_that_are_finished(shell, played, tmp_path, monkeypatch):
    make = compare.Trainer

    def interrupted(config: ModelConfig, *arguments: Any, **more: Any) -> Trainer:
        if config == TOY:
            raise KeyboardInterrupt
        return make(config, *arguments, **more)

    monkeypatch.setattr(compare, "Trainer", interrupted)
    arguments = ["compare", played, *MOMENT, "--out", tmp_path / "rows"]
    status, out, err = shell(*arguments, model=False)
    assert status == 0
    kept = f"{tmp_path / 'rows'} keeps them for the next time"
    assert err == f"rhythmvae: stopped; the table has the rows that are finished; {kept}\n"
    assert [line[:9].strip() for line in out.split("\n\n")[0].splitlines()] == ["model", "dense, 2"]
    assert shell(*arguments, "--only", "rhythmvae", model=False)[:2] == (130, "")
    monkeypatch.undo()


@pytest.mark.usefixtures("_toy_contest")
def test_a_row_that_diverges_is_said_and_the_rest_go_on(shell, played, monkeypatch):
    make = compare.Trainer

    def diverging(config: ModelConfig, *arguments: Any, **more: Any) -> Trainer:
        if config != TOY:
            raise TrainingError("Training diverged at step 3.")
        return make(config, *arguments, **more)

    monkeypatch.setattr(compare, "Trainer", diverging)
    status, out, err = shell("compare", played, *MOMENT, "--json", model=False)
    assert (status, err) == (1, "rhythmvae: dense, 2 latents (toy): Training diverged at step 3.\n")
    assert [row["name"] for row in json.loads(out)["rows"]] == NAMES[1:]


@pytest.mark.usefixtures("_toy_contest")
def test_compare_tells_of_files_it_cannot_read(shell, played):
    (played / "bad.mid").write_bytes(b"no MIDI")
    status, _, err = shell("compare", played, *MOMENT, "--only", "per-step-mean", model=False)
    assert status == 1
    assert re.fullmatch(r"rhythmvae: bad\.mid: expected a MIDI file.+\n", err)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (["--minutes", 0], "minutes a row"),
        (["--minutes", "nan"], "minutes a row"),
        (["--only", "rnn"], "rows out of dense, cnn, gru, lstm, rhythmvae, pca"),
        (["--only", ","], "names with commas"),
        (["--unseen", "8"], "out of drummer1, drummer5, drummer7, got '8'"),
        (["--unseen", "1,5,7"], "train on that are not by drummer1, drummer5, drummer7"),
        (["--precision", "int8"], "expected one of"),
        (["--out", "nul\0"], "folder to write to"),
    ],
    ids=lambda value: ascii(value)[:24],
)
def test_comparisons_that_cannot_be(shell, played, options, match):
    shell.refuses("compare", played, *options, model=False, match=match)
