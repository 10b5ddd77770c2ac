"""train: a file that works, interrupted and resumed, and what cannot be."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import pytest
from running import documented, keys_of

from rhythmvae.model import checkpoint
from rhythmvae.training import descent
from rhythmvae.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("brief_prior")


SMALL = ["--latent-size", 32, "--width", 16, "--depth", 1, "--epochs", 2]


def test_train_writes_a_model_that_works(shell, folder, song, tmp_path):
    out = tmp_path / "m.safetensors"
    card = shell.json(
        "train", folder / "a.mid", folder / "sub/a.mid", "--out", out, *SMALL, "--about", "x", model=False
    )
    for command in (["sample"], ["vary", song, "--set", "density=0.5"]):
        assert shell(*command, "--out", tmp_path / "new", "--checkpoint", out, model=False)[0] == 0
    assert keys_of(card) <= documented("info, train", "A score", "evaluate")
    assert card["about"] == "x"
    assert shell("reconstruct", song, "--out", tmp_path / "out", "--checkpoint", out, model=False)[0] == 0
    shell.refuses("train", song, "--out", out, *SMALL, model=False, match="exists; give --force")
    status, text, _ = shell("train", song, "--out", out, *SMALL, "--force", model=False)
    assert status == 0
    assert "training.steps" in text


def test_train_tells_of_files_it_cannot_read(shell, folder, tmp_path):
    status, _, err = shell("train", folder, "--out", tmp_path / "m.safetensors", *SMALL, model=False)
    assert status == 1
    assert "sub/bad.mid: expected a MIDI file" in err
    assert (tmp_path / "m.safetensors").exists()


def test_ctrl_c_keeps_the_best_so_far(shell, song, tmp_path, monkeypatch):
    step = Trainer._train_step

    def interrupted(self: Trainer) -> dict[str, float]:
        if self.step == 3:
            raise KeyboardInterrupt
        return step(self)

    monkeypatch.setattr(Trainer, "_train_step", interrupted)
    out = tmp_path / "m.safetensors"
    arguments = ["train", song, "--out", out, *SMALL[:-1], 50]
    status, _, err = shell(*arguments, model=False)
    assert status == 0
    assert err.startswith("rhythmvae: stopped; the best so far is kept.")
    assert checkpoint.load(out).card.training.steps == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("place", ["a step", "the prior", "the map"])
def test_no_moment_of_a_run_loses_it(shell, song, tmp_path, monkeypatch, place, number):
    owner, name = {
        "a step": (Trainer, "_train_step"),
        "the prior": (descent, "descend"),
        "the map": (checkpoint, "save"),  # without one, and then with it
    }[place]
    work = getattr(owner, name)
    calls = []

    def interrupted(*arguments: Any, **more: Any) -> Any:
        found = work(*arguments, **more)
        calls.append(name)
        # The prior descends as the model does: after its two steps.
        if len(calls) == {"a step": 1, "the prior": 3, "the map": 1}[place]:
            os.kill(os.getpid(), number)
        return found

    monkeypatch.setattr(owner, name, interrupted)
    out = tmp_path / "m.safetensors"
    # What a shell starts in the background is born deaf to Ctrl-C, and so are these tests then.
    before = signal.signal(number, signal.default_int_handler)
    try:
        status, _, err = shell("train", song, "--out", out, *SMALL, "--no-judging", model=False)
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)
    assert (status, err.count("\n")) == (0, 1)
    assert err.startswith("rhythmvae: stopped; the")
    kept = checkpoint.load(out)
    assert (kept.latent_map is None) == (place != "a step")
    assert kept.card.training.steps == (1 if place == "a step" else 2)
    assert not out.with_name("m.safetensors.resume").exists()


def test_ctrl_c_before_the_first_step_keeps_nothing(shell, song, tmp_path, monkeypatch):
    def interrupted(_: Trainer) -> dict[str, float]:
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "_train_step", interrupted)
    status, out, err = shell("train", song, "--out", tmp_path / "m.safetensors", *SMALL, model=False)
    assert (status, out, err) == (130, "", "rhythmvae: interrupted\n")
    assert not (tmp_path / "m.safetensors").exists()


def test_ctrl_c_before_the_first_step_of_fine_tuning_keeps_what_it_starts_from(shell, song, tmp_path, monkeypatch):
    """The page says that it learns, from step 0 on, and offers to keep the best so far."""

    def interrupted(_: Trainer) -> dict[str, float]:
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "_train_step", interrupted)
    out = tmp_path / "m.safetensors"
    arguments = ["train", song, "--out", out, "--init", shell.toy, "--epochs", 1, "--no-judging"]
    assert shell(*arguments, model=False)[0] == 0
    assert checkpoint.load(out).card.training.steps == 0


def test_resume_goes_on(shell, folder, tmp_path, monkeypatch):
    out = tmp_path / "m.safetensors"
    arguments = ["train", folder / "a.mid", folder / "sub/a.mid", "--out", out, *SMALL, "--json"]
    shell.refuses(*arguments, "--resume", model=False, match="Expected an interrupted run")
    with monkeypatch.context() as patch:
        from rhythmvae.training.run import TrainingRun

        def crash(*_: TrainingRun) -> dict[str, Any]:
            raise KeyboardInterrupt

        patch.setattr(TrainingRun, "finish", crash)
        assert shell(*arguments, model=False)[0] == 130
    assert (tmp_path / "m.safetensors.resume").exists()
    status, text, _ = shell(*arguments, "--resume", model=False)
    assert (status, json.loads(text)["training"]["steps"]) == (0, 2)
    assert not (tmp_path / "m.safetensors.resume").exists()


def test_fine_tuning(shell, song, tmp_path):
    arguments = ["train", song, "--out", tmp_path / "m.safetensors", "--epochs", 1]
    assert shell.json(*arguments, "--init", shell.toy, model=False)["model"]["width"] == 16
    shell.refuses(*arguments, "--force", "--init", shell.toy, "--width", 32, model=False, match="either --init or")
    shell.refuses(*arguments, "--force", "--init", tmp_path / "no", model=False, match="no such file")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (["--epochs", 0], "epoch"),
        (["--max-minutes", -1], "time limit"),
        (["--learning-rate", "nan"], "learning rate"),
        (["--l2", -1], "l2"),
        (["--kl", "nan"], "weight kl"),
        (["--threads", 0], "threads"),
        (["--width", 7], "width"),
        (["--arch", "rnn"], "expected one of attention, dense, cnn, gru, lstm, got 'rnn'"),
        (["--seed", -1], "seed"),
    ],
    ids=str,
)
def test_training_that_cannot_be(shell, song, tmp_path, options, match):
    shell.refuses("train", song, "--out", tmp_path / "m.safetensors", *options, model=False, match=match)


def test_the_place_to_write_to_is_checked_first(shell, song, tmp_path):
    shell.refuses("train", song, "--out", tmp_path, "--force", *SMALL, model=False, match="is a folder; give a name")


@pytest.mark.parametrize("command", ["map", "refit"])
def test_what_is_made_anew_is_not_made_where_it_cannot_be_written(shell, song, tmp_path, command, monkeypatch):
    monkeypatch.setattr("rhythmvae.data.corpus.load", lambda *_: pytest.fail("the work has begun"))
    shell.refuses(
        command, song, "--out", song / "m.safetensors", match="Expected a file to write to in --out, but .*gave"
    )


def test_a_run_is_made_again_from_the_file_that_its_checkpoint_gives(shell, song, tmp_path):
    (tmp_path / "run.toml").write_text('latent_size = 32\nwidth = 8\ndepth = 1\nepochs = 9\nabout = "mine"\n')
    first, again = tmp_path / "first.safetensors", tmp_path / "again.safetensors"
    options = ["--no-judging", "--config", tmp_path / "run.toml", "--width", 16, "--epochs", 1]
    card = shell.json("train", song, "--out", first, *options, model=False)
    assert card["config"].items() >= {"latent_size": 32, "width": 16, "epochs": 1, "about": "mine", "seed": 0}.items()
    assert set(card["config"]) <= documented("info, train")
    status, text, _ = shell("info", first, "--toml", model=False)
    assert status == 0
    (tmp_path / "again.toml").write_text(text)
    repeated = shell.json(
        "train", song, "--out", again, "--no-judging", "--config", tmp_path / "again.toml", model=False
    )
    assert (repeated["config"], repeated["training"]["steps"]) == (card["config"], card["training"]["steps"])
    assert checkpoint.load(again).digest == checkpoint.load(first).digest
    shell.refuses("info", shell.toy, "--toml", model=False, match="Expected a checkpoint that keeps the options")


def test_a_file_of_options_that_cannot_be_is_refused_at_once(shell, song, tmp_path):
    arguments = ["train", song, "--out", tmp_path / "m", "--config", tmp_path / "run.toml"]
    shell.refuses(*arguments, model=False, match="Expected a TOML file")
    for text, match in (
        ("epohs = 1", "did you mean epochs"),
        ('arch = "cn"', "did you mean cnn"),
        ("epochs = 0", "epoch"),
    ):
        (tmp_path / "run.toml").write_text(text)
        shell.refuses(*arguments, model=False, match=match)


def test_what_the_help_says_without_torch_is_what_torch_is_given(shell):
    from rhythmvae.model.config import FAMILIES, PRESETS, ModelConfig
    from rhythmvae.model.limits import MAX_PERPLEXITY, MIN_PERPLEXITY, PERPLEXITY
    from rhythmvae.training.settings import RECIPE, TrainConfig

    assert tuple(PRESETS) == FAMILIES
    text = " ".join(shell("train", "--help", model=False)[1].split())
    assert f"(default: {TrainConfig().steps:,}; with --init {RECIPE['steps']})" in text
    assert f"eight quarter notes (default: {ModelConfig().latent_size})" in text
    assert f"architecture (default: {next(iter(PRESETS))})" in text
    text = " ".join(shell("map", "--help", model=False)[1].split())
    assert f"{MIN_PERPLEXITY:g} to {MAX_PERPLEXITY:g} (default: {PERPLEXITY:g})" in text
