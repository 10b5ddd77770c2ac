"""From files to a checkpoint file, and what lies on disk on the way."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from grooves import random_groove
from helpers import is_near
from toys import checkpoint_file

from rhythmvae import cli
from rhythmvae.data import augmentation, corpus
from rhythmvae.errors import CheckpointError, CorpusError, RhythmVAEError, UsageError
from rhythmvae.evaluation import reconstruction
from rhythmvae.midi.report import ReadOptions
from rhythmvae.midi.write import write_midi
from rhythmvae.model import checkpoint
from rhythmvae.model import latent_map as latent_maps
from rhythmvae.model.card import Metrics, from_json, to_json
from rhythmvae.model.outline import MAX_FILE_BYTES
from rhythmvae.training import run as training_run
from rhythmvae.training.config import RunConfig
from rhythmvae.training.run import TrainingRun
from rhythmvae.training.settings import Settings, TrainConfig

pytestmark = pytest.mark.usefixtures("brief_prior")

OPTIONS = {"latent_size": 32, "width": 16, "depth": 1, "epochs": 2}


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def data(tmp_path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for seed in range(4):
        (folder / f"{seed}.mid").write_bytes(write_midi(random_groove(seed, 32, 40)))
    return folder


def run(data: Path, out: Path, options: dict[str, object] = OPTIONS, **more: object) -> TrainingRun:
    return TrainingRun([data], out, ReadOptions(), RunConfig(**options).settings(), **more)


def test_a_run_writes_a_checkpoint_and_leaves_nothing_else(tmp_path, data):
    out = tmp_path / "new" / "m.safetensors"
    own = run(data, out, about="made here")
    for progress in own.steps():
        if progress.validation is not None:
            assert own.resume_file.is_file()
    told: list[tuple[int, int]] = []
    mapped: list[tuple[int, int]] = []
    card = own.finish(lambda *what: told.append(what), lambda *what: mapped.append(what))
    assert told == [(0, 1), (1, 2), (2, 2)]
    assert mapped
    assert [p.name for p in out.parent.iterdir()] == ["m.safetensors"]
    assert card == checkpoint.load(out).card
    assert card.about == "made here"
    assert card.data.train_takes == 3
    assert card.data.validation_takes == 1
    assert card.training.steps == own.trainer.n_steps
    loaded = checkpoint.load(out)
    for name, part in (("parameters", loaded.model), ("prior_parameters", loaded.prior)):
        assert getattr(card.training, name) == sum(p.numel() for p in part.parameters())
    assert card.prior["n_bank"] == 3  # two bars of each take
    assert loaded.latent_map is not None
    assert {origin.title for origin in loaded.latent_map.origins} == {take.groove.title for take in own.train_takes}
    found = latent_maps.encode(loaded.model, [take.groove for take in own.train_takes])  # by what is in the file
    assert np.array_equal(loaded.latent_map.latents, found.astype(np.float16).astype(np.float32))
    assert "density" in loaded.quantiles.knots
    assert set(to_json(card)["metrics"]) == {
        *("validation", "f1_sampled_posterior", "kl_nats", "active_units", "latent_size")
    }
    assert None not in to_json(card)["metrics"].values()


def test_a_single_loop_has_nothing_to_be_measured_on(tmp_path, data):
    own = run(data / "0.mid", tmp_path / "m.safetensors")
    list(own.steps())
    assert own.finish().metrics == Metrics()


def test_a_new_map_leaves_everything_else(tmp_path, data, capsys):
    """And shows the takes that the model was trained on, whatever seed the map has."""
    out = tmp_path / "m.safetensors"
    own = run(data, out, OPTIONS | {"seed": 5})
    own.trainer._train_step()
    own.finish()
    assert cli.main(["map", str(data), "--checkpoint", str(out), "--out", str(out)]) == 2
    assert "give --force" in capsys.readouterr().err
    options = ["--out", str(tmp_path / "again"), "--perplexity", "7", "--seed", "3", "--json"]
    assert cli.main(["map", str(data), "--checkpoint", str(out), *options]) == 0
    before, after = checkpoint.load(out), checkpoint.load(tmp_path / "again")
    assert from_json(json.loads(capsys.readouterr().out)) == after.card
    assert before.latent_map is not None
    assert after.latent_map is not None
    assert (after.latent_map.perplexity, after.latent_map.seed) == (7.0, 3)
    assert after.latent_map.origins == before.latent_map.origins
    assert replace(before.card, latent_map=after.card.latent_map) == after.card
    first, second = (safetensors.torch.load_file(path) for path in (out, tmp_path / "again"))
    assert all(torch.equal(first[key], second[key]) for key in first if not key.startswith("atlas."))
    assert (
        cli.main(["map", str(data), "--checkpoint", str(out), "--out", str(out), "--force", "--perplexity", "1"]) == 2
    )
    assert "Expected a perplexity of 2 to 100" in capsys.readouterr().err


def test_a_new_prior_leaves_the_model_and_its_map(tmp_path, data, capsys):
    out, again = tmp_path / "m.safetensors", tmp_path / "again"
    own = run(data, out)
    own.trainer._train_step()
    own.finish()
    command = ["refit", str(data), "--checkpoint", str(out), "--out", str(again), "--json"]
    assert cli.main([*command, "--prior-steps", "0"]) == 2
    assert "Expected --prior-steps from 1 to 100,000, got 0" in capsys.readouterr().err
    assert cli.main([*command, "--varied", "51"]) == 2
    assert "Expected --varied from 0 to 50, for a prior, got 51" in capsys.readouterr().err
    assert cli.main([*command, "--prior-steps", "9", "--seed", "3", "--varied", "1"]) == 0
    before, after = checkpoint.load(out), checkpoint.load(again)
    assert from_json(json.loads(capsys.readouterr().out)) == after.card == before.card
    assert (after.digest, after.contents != before.contents) == (before.digest, True)
    first, second = (safetensors.torch.load_file(path) for path in (out, again))
    same = {key for key in first if torch.equal(first[key], second[key])}
    assert {key for key in first if key.startswith(("model.", "atlas.", "scale."))} <= same
    assert "prior.token.weight" not in same


def test_a_new_completion_leaves_all_else(tmp_path, data, capsys):
    out, again = tmp_path / "m.safetensors", tmp_path / "again"
    own = run(data, out)
    own.trainer._train_step()
    own.finish()
    command = ["refit", str(data), "--checkpoint", str(out), "--out", str(again), "--json", "--completion-steps"]
    for wrong in (["0"], ["9", "--prior-steps", "9"]):
        assert cli.main([*command, *wrong]) == 2
        assert "Expected --completion-steps from 1 to 100,000, without --prior-steps" in capsys.readouterr().err
    assert cli.main([*command, "3", "--seed", "5"]) == 0
    before, after = checkpoint.load(out), checkpoint.load(again)
    assert (after.card, after.digest) == (before.card, before.digest)
    first, second = (safetensors.torch.load_file(path) for path in (out, again))
    changed = {key for key in first if not torch.equal(first[key], second[key])}
    assert changed
    assert all(key.startswith("completion.") for key in changed)
    assert cli.main([*command[:-1], "--go-on", "--force"]) == 2
    assert "Expected --completion-steps beside --go-on" in capsys.readouterr().err
    gone_on = tmp_path / "gone on"
    command[command.index("--out") + 1] = str(gone_on)
    assert cli.main([*command, "1", "--go-on"]) == 0
    third = safetensors.torch.load_file(gone_on)
    [name] = [key for key in changed if key.endswith("token.weight")]
    assert 0 < (third[name] - first[name]).abs().max() < (second[name] - first[name]).abs().max()


def test_rounds_of_refinement_change_no_weight_and_are_measured(tmp_path, data, capsys):
    out, again, back = (tmp_path / name for name in ("m.safetensors", "again", "back"))
    own = run(data, out)
    own.trainer._train_step()
    own.finish()
    command = ["refit", str(data), "--checkpoint", str(out), "--out", str(again), "--json", "--refinement"]
    for wrong in (["9"], ["-1"], ["3", "--prior-steps", "9"]):
        assert cli.main([*command, *wrong]) == 2
        assert "Expected --refinement from 0 to 8, alone" in capsys.readouterr().err
    assert cli.main([*command, "3"]) == 0
    before, after = checkpoint.load(out), checkpoint.load(again)
    assert from_json(json.loads(capsys.readouterr().out)) == after.card
    assert (before.card.refinement, after.card.refinement) == (None, 3)
    assert after.digest == before.digest
    assert replace(after.card, refinement=None, metrics=before.card.metrics) == before.card
    held_out = [take.groove for take in own.validation_takes]
    assert after.card.metrics == reconstruction.model_figures(after.model, held_out, before.card.training.seed)
    first, second = (safetensors.torch.load_file(path) for path in (out, again))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert cli.main(["refit", str(data), "--checkpoint", str(again), "--out", str(back), "--refinement", "0"]) == 0
    assert back.read_bytes() == out.read_bytes()


def test_an_interrupted_run_goes_on_from_its_file(tmp_path, data):
    def weights(out: Path) -> dict[str, torch.Tensor]:
        return {k: v for k, v in safetensors.torch.load_file(out).items() if k.startswith("model.")}

    straight = run(data, tmp_path / "a.safetensors", OPTIONS | {"epochs": 3})
    list(straight.steps())
    straight.finish()

    interrupted = run(data, tmp_path / "b.safetensors", OPTIONS | {"epochs": 3})
    interrupted.trainer._train_step()
    interrupted._save_state()
    resumed = run(data, tmp_path / "b.safetensors", OPTIONS | {"epochs": 3}, resume=True)
    assert resumed.trainer.step == 1
    list(resumed.steps())
    resumed.finish()
    first, second = weights(tmp_path / "a.safetensors"), weights(tmp_path / "b.safetensors")
    assert all(is_near(first[k], second[k], worst=2e-3) for k in first)


@pytest.mark.parametrize("content", [b"", b"no safetensors", b"\xff" * 100, None])
def test_a_damaged_resume_file_is_a_sentence(tmp_path, data, content):
    out = tmp_path / "m.safetensors"
    own = run(data, out)
    own.trainer._train_step()
    own._save_state()
    whole = own.resume_file.read_bytes()
    own.resume_file.write_bytes(whole[:-10] if content is None else content)
    with pytest.raises(CheckpointError, match=r"resume is damaged .*leave --resume out"):
        run(data, out, resume=True)


def test_a_resume_file_of_another_model_is_a_sentence(tmp_path, data):
    own = run(data, tmp_path / "m.safetensors")
    own._save_state()
    with pytest.raises(CheckpointError, match="another model or data"):
        run(data, tmp_path / "m.safetensors", OPTIONS | {"width": 32}, resume=True)
    with pytest.raises(UsageError, match=r"Expected an interrupted run at .*other\.safetensors\.resume"):
        run(data, tmp_path / "other.safetensors", resume=True)


def test_a_resume_file_of_other_data_is_a_sentence(tmp_path, data):
    own = run(data, tmp_path / "m.safetensors")
    own._save_state()
    (data / "more.mid").write_bytes(write_midi(random_groove(9, 32, 40)))
    with pytest.raises(CheckpointError, match="learned from other data"):
        run(data, tmp_path / "m.safetensors", resume=True)


def test_fine_tuning_starts_from_the_file(tmp_path, data):
    start = checkpoint_file(tmp_path / "start.safetensors")
    own = run(data, tmp_path / "m.safetensors", {"epochs": 1, "threads": 1, "init": str(start)}, init=str(start))
    loaded = checkpoint.load(start).model.state_dict()
    assert all(torch.equal(v, loaded[k]) for k, v in own.trainer.model.state_dict().items())
    with pytest.raises(CheckpointError, match="found no such file"):
        run(data, tmp_path / "m.safetensors", init=str(tmp_path / "nowhere"))


def test_the_place_to_write_to_is_checked_before_training(tmp_path, data):
    (tmp_path / "file").write_text("in the way")
    for out in (tmp_path, tmp_path / "file" / "m.safetensors"):
        with pytest.raises(UsageError, match="Expected a file to write to in --out"):
            run(data, out)


def test_data_without_training_takes(tmp_path, data, monkeypatch):
    takes = corpus.load([data]).takes
    only_test = corpus.Corpus(tuple(corpus.Take(t.name, t.groove, "test") for t in takes))
    monkeypatch.setattr(corpus, "load", lambda *_: only_test)
    with pytest.raises(CorpusError, match="marks none of them as train"):
        run(data, tmp_path / "m.safetensors")


def test_options_become_settings():
    asked = RunConfig(arch="gru", width=24, kl=0.5, no_augmentation=True, programmed=0.2, seed=7, threads=2, folds=3)
    own = asked.settings()
    assert (own.model.encoder, own.model.width, own.model.depth) == ("gru", 24, 2)
    assert own.train.weights.kl == 0.5
    assert own.train.augmentation == augmentation.Augmentation.none()
    assert own.train.programmed == 0.2
    assert (own.train.seed, own.train.l2, own.threads, own.folds) == (7, TrainConfig().l2, 2, 3)
    assert RunConfig().settings() == Settings()


@pytest.mark.parametrize(
    "options",
    [
        {"threads": 0},
        {"threads": 10**400},
        {"epochs": 0},
        {"epochs": 10**400},
        {"steps": 0},
        {"max_minutes": math.inf},
        {"max_minutes": 10**400},
        {"learning_rate": math.nan},
        {"seed": -1},
        {"folds": 1},
        {"width": 1},
        {"latent_size": 12},
        {"kl": -1.0},
        {"kl": 10**400},
        {"precision": "float16"},
        {"arch": "rnn"},
        {"init": "shipped", "arch": "gru"},
        {"init": "shipped", "depth": 1},
    ],
    ids=str,
)
def test_options_that_cannot_be(options):
    with pytest.raises(RhythmVAEError, match=r"Expected|The attention family needs"):
        RunConfig(**options).settings()


def test_a_state_that_cannot_be_written_is_a_sentence(tmp_path, data):
    own = run(data, tmp_path / "m.safetensors")
    (tmp_path / "file").write_bytes(b"")
    kept, own.resume_file = own.resume_file, tmp_path / "file" / "m.resume"
    own._save_state()
    assert "m.resume cannot be written: " in str(own.unsaved)
    own.resume_file = kept  # there is room again
    own._save_state()
    assert own.unsaved is None


def test_the_module_says_where_its_state_lies(tmp_path, data):
    assert run(data, tmp_path / "m.safetensors").resume_file == tmp_path / "m.safetensors.resume"
    assert training_run.MAX_RESUME_BYTES > 3 * MAX_FILE_BYTES
