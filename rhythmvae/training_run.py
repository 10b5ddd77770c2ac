"""From data to a checkpoint file: read, split, train, fit the prior, measure, draw the map, write.

What is on disk while it runs: beside the checkpoint to be, `NAME.resume` holds the run's
state, rewritten at every validation, so that neither Ctrl-C nor a crash loses more than the
steps since. It goes away when the checkpoint is written.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from rhythmvae import atlas as atlases
from rhythmvae import checkpoint, corpus, measure, prior_training, train
from rhythmvae.checkpoint import Checkpoint
from rhythmvae.errors import CheckpointError, CorpusError, UsageError
from rhythmvae.midi import ReadOptions
from rhythmvae.model import PRESETS, ModelConfig
from rhythmvae.processes import Processes

MAX_RESUME_BYTES = 1 << 30
MAX_THREADS = 256


@dataclass(frozen=True)
class Settings:
    """What a run is asked for, the data apart. One thread is fastest for a model of this size."""

    model: ModelConfig = field(default_factory=ModelConfig)
    train: train.TrainConfig = field(default_factory=train.TrainConfig)
    threads: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.threads <= MAX_THREADS:
            raise UsageError(f"Expected 1 to {MAX_THREADS} threads, got {self.threads}.")


def settings_from(options: Mapping[str, Any]) -> Settings:
    """Settings from named options, as the command line has them; what is None keeps its default.

    Raises:
        UsageError: a value out of range, or a shape for a model that `init` brings.
    """
    shape = ["arch", "latent_size", "width", "depth"]
    if options.get("init") is not None and any(options.get(name) is not None for name in shape):
        raise UsageError("Expected either --init or the shape of a new model (--arch, --latent-size, ...), got both.")

    def given(names: Sequence[str]) -> dict[str, Any]:
        return {name: options[name] for name in names if options.get(name) is not None}

    model = ModelConfig(**{**PRESETS[options.get("arch") or "attention"], **given(shape[1:])})
    config = train.TrainConfig(**given([f.name for f in fields(train.TrainConfig)]))
    if options.get("kl") is not None:
        config = replace(config, weights=replace(config.weights, kl=options["kl"]))
    if options.get("no_augmentation"):
        config = replace(config, augmentation=corpus.Augmentation.none())
    return Settings(model, config, options["threads"])


class TrainingRun:
    """One run. Drive `steps` as far as you like, then call `finish`, of several processes in the first alone.

    Args:
        data: files, folders and zips.
        out: checkpoint to write.
        init: a checkpoint to start from, or "shipped".
        about: what the card says of the data.
        resume: go on from `NAME.resume` beside `out`.
        reading: called with (files read, files).
        processes: those that train together; None for this one alone.

    Raises:
        RhythmVAEError: data, options or files that cannot be used.
    """

    def __init__(
        self,
        data: Sequence[Path],
        out: Path,
        read_options: ReadOptions,
        settings: Settings,
        *,
        init: str | None = None,
        about: str = "",
        resume: bool = False,
        reading: Callable[[int, int], None] | None = None,
        processes: Processes | None = None,
    ) -> None:
        torch.set_num_threads(settings.threads)
        self.out, self.settings, self.init, self.about = out, settings, init, about
        self._check_out()  # before an hour of training, not after
        self.corpus = corpus.load(data, read_options, reading)
        self.train_takes, self.validation_takes = corpus.split_takes(self.corpus.takes, seed=settings.train.seed)
        if not self.train_takes:
            raise CorpusError("Expected takes to train on, but the data's info.csv marks none of them as train.")
        start = None
        if init is not None:
            start = checkpoint.load(checkpoint.SHIPPED if init == "shipped" else Path(init)).model
        self.trainer = train.Trainer(
            settings.model, settings.train, self.train_takes, self.validation_takes, start, processes
        )
        self.resume_file = out.with_name(f"{out.name}.resume")
        if resume:
            self.trainer.restore(self._read_resume_file())

    def _check_out(self) -> None:
        try:
            if self.out.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            self.out.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.out.parent):
                pass
        except OSError as error:
            raise UsageError(f"Expected a file to write to in --out, but {self.out} gave: {error.strerror}.") from error

    def _read_resume_file(self) -> dict[str, torch.Tensor]:
        path = self.resume_file
        if not path.is_file():
            raise UsageError(f"Expected an interrupted run at {path}, found none; leave --resume out to start one.")
        if path.stat().st_size > MAX_RESUME_BYTES:
            raise CheckpointError(f"{path} is too large to be a run's state.")
        try:
            return safetensors.torch.load_file(path)
        except (safetensors.SafetensorError, OSError, ValueError) as error:
            raise CheckpointError(f"{path} is damaged ({error}); leave --resume out to start anew.") from error

    def steps(self) -> Iterator[train.Progress]:
        """Train, saving the state at every validation, which of several processes the first has."""
        try:
            for progress in self.trainer.fit():
                if progress.validation is not None:
                    self._save_state()
                yield progress
        except KeyboardInterrupt:
            ours = self.trainer.processes
            if ours.is_group and ours.is_first:  # torchrun leaves half a minute, which may not do for `finish`
                self._save_state()
            raise

    def _save_state(self) -> None:
        scratch = self.resume_file.with_name(f".{self.resume_file.name}.{os.getpid()}")
        try:
            safetensors.torch.save_file(self.trainer.state(), scratch)
            scratch.replace(self.resume_file)
        except (safetensors.SafetensorError, OSError) as error:
            raise CheckpointError(f"The run's state {self.resume_file} cannot be written: {error}") from error

    def finish(
        self, fitting: Callable[[int, int], None] | None = None, mapping: Callable[[int, int], None] | None = None
    ) -> dict[str, Any]:
        """Fit the prior of the best model so far, write the checkpoint, draw its map and return its card.

        Args:
            fitting: called with (steps of the prior done, steps).
            mapping: called with (parts of the map done, parts).
        """
        model = self.trainer.best_so_far()
        config = self.settings.train
        prior, scales = prior_training.fit(
            model, self.train_takes, config.seed, precision=config.precision, progress=fitting
        )
        grooves = [take.groove for take in self.train_takes]
        card: dict[str, Any] = {
            "about": self.about,
            "training": {
                **self.settings.train.to_dict(),
                "init": self.init,
                "steps": self.trainer.step,
                "minutes": round(self.trainer.seconds / 60, 1),
                "parameters": sum(p.numel() for p in model.parameters()),
                "prior_parameters": sum(p.numel() for p in prior.parameters()),
            },
            "data": {
                "train_takes": len(self.train_takes),
                "validation_takes": len(self.validation_takes),
                "train_hits": sum(len(g) for g in grooves),
                "train_minutes": round(sum(g.duration_seconds for g in grooves) / 60, 1),
                "unreadable_files": len(self.corpus.failures),
            },
        }
        checkpoint.save(self.out, model, prior, scales, card)
        # What is in the file is measured and mapped: half-precision weights, not the ones trained.
        written = checkpoint.load(self.out).model
        if self.validation_takes:
            held_out = [take.groove for take in self.validation_takes]
            card["metrics"] = measure.model_figures(written, held_out, config.seed)
        atlas = atlases.compute(written, self.train_takes, config.seed, progress=mapping)
        checkpoint.save(self.out, model, prior, scales, card, atlas)
        self.resume_file.unlink(missing_ok=True)
        return checkpoint.load(self.out).card


def remap(
    trained: Checkpoint,
    takes: Sequence[corpus.Take],
    out: Path,
    seed: int = 0,
    perplexity: float = atlases.PERPLEXITY,
    mapping: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Write a checkpoint again with a new map, everything else as it is, and return its card.

    Args:
        takes: the data that it was trained on; the split that training made of it is made again.
        mapping: called with (parts of the map done, parts).

    Raises:
        RhythmVAEError: takes without a hit to map, a perplexity out of range, a file that cannot be written.
    """
    training = trained.card.get("training")
    split_seed = training.get("seed") if isinstance(training, dict) else None
    mapped, _ = corpus.split_takes(takes, seed=split_seed if type(split_seed) is int and split_seed >= 0 else 0)
    atlas = atlases.compute(trained.model, mapped, seed, perplexity, mapping)
    checkpoint.save(out, trained.model, trained.prior, trained.scales, trained.card, atlas)
    return checkpoint.load(out).card
