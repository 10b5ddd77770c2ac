"""From data to a checkpoint file: read, split, train, fit the prior, draw the map, write, and judge.

What is on disk while it runs: beside the checkpoint to be, `NAME.resume` holds the run's
state, rewritten at every validation, so that neither Ctrl-C nor a crash loses more than the
steps since. It goes away when the checkpoint is written. Figures leave files of folds.py until they are made.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
import torch

from rhythmvae.data import corpus, splits
from rhythmvae.data.corpus import Enough, OnProgress, Take
from rhythmvae.errors import CheckpointError, CorpusError, UsageError
from rhythmvae.evaluation import reconstruction
from rhythmvae.evaluation.completion import brief
from rhythmvae.groove import WINDOW_STEPS, Groove
from rhythmvae.midi.report import ReadOptions
from rhythmvae.model import checkpoint, latent, lean
from rhythmvae.model import latent_map as latent_maps
from rhythmvae.model.card import BEFORE, MAX_NAME, OWN, Before, Card, Data, Reading, Training, file_named
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.limits import PERPLEXITY
from rhythmvae.model.prior import Prior
from rhythmvae.model.vae import RhythmVAE
from rhythmvae.outputs import check_file, whole_file
from rhythmvae.text import clean_text
from rhythmvae.training import completion as completion_training
from rhythmvae.training import fine_tuning, trainer
from rhythmvae.training import folds as fold_models
from rhythmvae.training import prior as prior_training
from rhythmvae.training.config import SHIPPED_NAME, RunConfig
from rhythmvae.training.distributed import World
from rhythmvae.training.settings import FOLDS, Settings, TrainConfig

MAX_RESUME_BYTES = 1 << 30
MAX_ABOUT = 500  # letters of what a card says of the data of the model before


class TrainingRun:
    """One run. Drive `steps` as far as you like, then call `finish`, of several processes in the first alone.

    Args:
        data: files, folders and zips.
        out: checkpoint to write.
        init: a checkpoint to start from, or "shipped".
        about: what the card says of the data.
        config: what was asked for, which the card keeps.
        resume: go on from `NAME.resume` beside `out`.
        on_progress: called with (files read, files).
        processes: those that train together; None for this one alone.
        clock: what a limit of time is measured by, in seconds.

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
        config: RunConfig | None = None,
        resume: bool = False,
        on_progress: OnProgress | None = None,
        world: World | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        torch.set_num_threads(settings.threads)
        self.out, self.settings, self.init, self.about, self.clock = out, settings, init, about, clock
        self.config = config
        check_file(out)  # before an hour of training, not after
        self.corpus = corpus.load(data, read_options, on_progress)
        self.train_takes, self.validation_takes = splits.split_takes(self.corpus.takes, seed=settings.train.seed)
        if not self.train_takes:
            raise CorpusError("Expected takes to train on, but the data's info.csv marks none of them as train.")
        self.reading = Reading.of(read_options.kit)
        self.known: Checkpoint | None = None
        self.rehearsed = fine_tuning.Rehearsal([], np.zeros((0, 2), dtype=np.int32))
        if init is not None:
            self.known = checkpoint.shipped() if init == SHIPPED_NAME else checkpoint.load(file_named(init))
            if self.is_fine_tuning:
                self.rehearsed = fine_tuning.rehearsal(self.known, seed=settings.train.seed)
        self.trainer = self._trainer(self.train_takes, self.validation_takes, settings.train, world)
        self.resume_file = out.with_name(f"{out.name}.resume")
        self.unsaved: str | None = None  # why --resume would not find the last state
        if resume:
            self.trainer.restore(self._read_resume_file())

    @property
    def is_fine_tuning(self) -> bool:
        """Whether what another model knew is kept. Without rehearsal a run goes on where the other one ended."""
        return self.known is not None and self.settings.train.rehearsal > 0

    def _trainer(
        self,
        takes: list[Take],
        validation: list[Take],
        settings: TrainConfig,
        world: World | None = None,
    ) -> trainer.Trainer:
        start = fine_tuning.start_of(self.known, takes) if self.known is not None else None
        config = fine_tuning.levelled(self.settings.model, takes) if start is None else start.config
        return trainer.Trainer(
            config, settings, takes, validation, start, world, self.clock, rehearsed=self.rehearsed.takes
        )

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

    def steps(self) -> Iterator[trainer.Progress]:
        """Train, saving the state at every validation, which of several processes the first has."""
        try:
            for progress in self.trainer.fit():
                if progress.validation is not None:
                    self._save_state()
                yield progress
        except KeyboardInterrupt:
            world = self.trainer.world
            if world.is_group and world.is_main:  # torchrun leaves half a minute, which may not do for `finish`
                self._save_state()
            raise

    def _save_state(self) -> None:
        """Where the disk has no room the run goes on: its model may have some in the end."""
        try:
            with whole_file(self.resume_file) as scratch:
                safetensors.torch.save_file(self.trainer.state(), scratch)
            self.unsaved = None
        except (safetensors.SafetensorError, OSError) as error:
            self.unsaved = f"The run's state {self.resume_file} cannot be written: {error}"

    @property
    def kept_out(self) -> tuple[str, ...]:
        """Names of the files that the model itself does not learn from, as a card has them."""
        return tuple(clean_text(take.name, MAX_NAME) for take in self.validation_takes)

    def preview(self) -> list[Groove]:
        """What the model makes at this moment: a held-out take rebuilt, and the groove half-way between two others."""
        model = self.trainer.present()
        kept = self.validation_takes[:1] or self.train_takes[:1]
        made = [replace(_start_of(latent.reconstruct(model, take.groove)), title=take.name) for take in kept]
        pair = [_start_of(take.groove) for take in self.train_takes[:2]]
        encoded = [latent.encode(model, groove) for groove in pair]
        if len({len(one.posterior.mean) for one in encoded}) == 1 and len(encoded) == 2:
            middle = (encoded[0].posterior.mean + encoded[1].posterior.mean) / 2
            title = " and ".join(take.name for take in self.train_takes[:2])
            made.append(replace(latent.decode(model, middle, encoded[0].frame), title=f"Between {title}"))
        return made

    def finish(
        self,
        on_prior_progress: OnProgress | None = None,
        on_map_progress: OnProgress | None = None,
        on_check_progress: OnProgress | None = None,
        on_completion_progress: OnProgress | None = None,
    ) -> Card:
        """Fit prior and completion of the best model so far, draw its map, write the checkpoint and return its card.

        Args:
            on_prior_progress: called with (steps of the prior done, steps).
            on_map_progress: called with (parts of the map done, parts).
            on_completion_progress: called with (steps of the completion done, steps). All three may raise `Enough`: the
                prior and the completion are then what they have become, and there is no map.
            on_check_progress: called before them with (grooves rebuilt, grooves) while it is looked at how much of
                what was learned makes nothing worse, where `is_fine_tuning`.
        """
        takes = [*self.train_takes, *self.validation_takes]
        model, share = self._gated(self.trainer.best_so_far(), takes, on_check_progress)
        self.trainer.rest()
        config = self.settings.train
        start = None
        if self.is_fine_tuning and self.known is not None and self.known.own_prior is not None:
            start = prior_training.Start(self.known.own_prior, self.known.quantiles, self.rehearsed.takes)
        if on_prior_progress:
            with suppress(Enough):  # it has at least the one before to be
                on_prior_progress(0, 1)
        prior, quantiles = prior_training.fit(
            model, self.train_takes, config.seed, start=start, precision=config.precision, on_progress=on_prior_progress
        )
        card = self._card(model, prior, share)
        checkpoint.save(self.out, model, prior, quantiles, card)
        completion = completion_training.fit(
            model,
            prior,
            quantiles,
            self.train_takes,
            config.seed,
            start=self.known.own_completion if self.known is not None and self.is_fine_tuning else None,
            rehearsed=self.rehearsed.takes,
            on_progress=on_completion_progress,
        )
        checkpoint.save(self.out, model, prior, quantiles, card, completion=completion)
        lean.give_back()
        # What is in the file is measured and mapped: half-precision weights, not the ones trained.
        written = checkpoint.load(self.out).model
        with suppress(Enough):
            if on_map_progress:
                on_map_progress(0, 1)
            if self.validation_takes:
                held_out = [take.groove for take in self.validation_takes]
                card = replace(card, metrics=reconstruction.model_figures(written, held_out, config.seed))
            latent_map = fine_tuning.mapped(written, self.train_takes, self.rehearsed, config.seed, on_map_progress)
            checkpoint.save(self.out, model, prior, quantiles, card, latent_map, completion)
        self.resume_file.unlink(missing_ok=True)
        return checkpoint.load(self.out).card

    def judge(self, on_progress: OnProgress | None = None) -> Card:
        """Measure the finished model against the one before and the baselines, add it to its file, return the card.

        By takes held out from training, or, where these are few, by folds over files: for each, a model is
        trained in the same way on the other files. Without `Settings.folds` there are FOLDS where a fine-tuned
        model has fewer than MIN_HELD_OUT held-out takes. Data with one pattern has nothing to be judged on.

        Args:
            on_progress: called with (parts done, parts).
        """
        finished = checkpoint.load(self.out)
        takes = [*self.train_takes, *self.validation_takes]
        folds = self.settings.folds
        if folds is None:
            is_few = self.known is not None and len(self.validation_takes) < splits.MIN_HELD_OUT
            folds = FOLDS if is_few else 0
        if not self.validation_takes:
            return finished.card
        pairs = [(self.train_takes, self.validation_takes)]
        if folds:
            pairs = list(splits.folds_of(takes, folds, self.settings.train.seed))
        self.trainer.rest()

        of = hashlib.sha256(f"{finished.contents} {self.settings}".encode()).hexdigest()

        def models() -> Iterator[RhythmVAE]:
            """One at a time, each made when the one before has been judged."""
            for done, (seen, _) in enumerate(pairs):
                if on_progress:
                    on_progress(done, len(pairs) + 1)
                yield self._fold_model(seen, done, of) if folds else finished.model

        before = self.known.model if self.known is not None else None
        try:
            held_out = replace(
                reconstruction.held_out(pairs, models(), before),
                folds=len(pairs) if folds else 0,
                kept_out=self.kept_out,
            )
            if on_progress:
                on_progress(len(pairs), len(pairs) + 1)
            copying = reconstruction.copying(
                finished, self.train_takes, self.validation_takes, reconstruction.N_COPYING, self.settings.train.seed
            )
            completed = brief.in_brief(
                {OWN: finished, BEFORE: self.known}, [take.groove for take in self.validation_takes]
            )
            card = replace(finished.card, held_out=held_out, copying=copying, completed=completed)
            finished.write(self.out, card)
        finally:  # but for a process that is killed, which another one follows
            fold_models.clear(self.out)
        if on_progress:
            on_progress(len(pairs) + 1, len(pairs) + 1)
        return checkpoint.load(self.out).card

    def _fold_model(self, takes: list[Take], fold: int, of: str) -> RhythmVAE:
        """A model trained on takes as the run's own was, as a checkpoint would keep it; see `folds.trained`."""
        seen, validation = splits.split_takes(takes, seed=self.settings.train.seed)
        config = self.settings.train
        if config.max_minutes is not None:  # all folds together take no longer than the model itself
            config = replace(config, max_minutes=config.max_minutes / FOLDS)
        model = fold_models.trained(self._trainer(seen, validation, config), fold_models.path_of(self.out, fold), of)
        return self._gated(model, takes)[0]

    def _gated(
        self, model: RhythmVAE, takes: list[Take], on_progress: OnProgress | None = None
    ) -> tuple[RhythmVAE, float | None]:
        """What is kept of a fine-tuned model, and how far on it lies (fine_tuning.furthest); any other as it is."""
        if self.known is None or not self.is_fine_tuning:
            return model, None
        known = [take.groove for take in self.rehearsed.takes]
        return fine_tuning.furthest(self.known.model, model, [take.groove for take in takes], known, on_progress)

    def _card(self, model: RhythmVAE, prior: Prior, share: float | None) -> Card:
        init = Path(self.init).name if self.init else None  # where it lay is nobody's business
        before = None
        if self.known is not None:
            before = Before(self.known.digest, clean_text(self.known.card.about or "", MAX_ABOUT), share)
        return Card(
            about=self.about,
            before=before,
            reading=self.reading,
            training=Training.of(
                self.settings.train.to_dict(),
                init=init,
                steps=self.trainer.step,
                minutes=round(self.trainer.seconds / 60, 1),
                parameters=sum(p.numel() for p in model.parameters()),
                prior_parameters=sum(p.numel() for p in prior.parameters()),
            ),
            config=None if self.config is None else replace(self.config, init=init).to_dict(),
            data=self._data(),
        )

    def _data(self) -> Data:
        grooves = [take.groove for take in self.train_takes]
        return Data(
            train_takes=len(self.train_takes),
            validation_takes=len(self.validation_takes),
            train_hits=sum(len(g) for g in grooves),
            train_minutes=round(sum(g.duration_seconds for g in grooves) / 60, 1),
            unreadable_files=len(self.corpus.failures),
            rehearsed_grooves=len(self.rehearsed.takes),
        )


def _start_of(groove: Groove) -> Groove:
    """Its first bars, as many as fill a window."""
    return groove.bars(1, max(1, int(np.searchsorted(groove.bar_lines, WINDOW_STEPS, side="right")) - 1))


def refit(
    trained: Checkpoint,
    takes: Sequence[Take],
    out: Path,
    seed: int = 0,
    prior_steps: int | None = None,
    completion_steps: int | None = None,
    on_progress: OnProgress | None = None,
    *,
    varied: int = 0,
    goes_on: bool = False,
    refinement: int | None = None,
) -> Card:
    """Write a checkpoint again with its prior and its sliders' scales, or its completion, fitted anew; return its card.

    Encoder and decoder stay as they are, bit for bit, and so do its links, latents and map.

    Args:
        takes: the data that it was trained on; the split that training made of it is made again.
        prior_steps: of the prior's optimizer; None for as many as `train` takes. The completion stays, but for the
            names of styles, which are the new prior's.
        completion_steps: fit the completion alone, with so many steps of its optimizer; the prior stays.
        on_progress: called with (steps done, steps).
        varied: how often the takes are varied, for the prior to learn from them beside what was played.
        goes_on: the completion from the one that there is, instead of anew.
        refinement: nothing is fitted; latents of grooves are brought nearer in so many rounds from now on
            (`RhythmVAE.refinement`), and the figures of the card are measured anew on the held-out takes.

    Raises:
        RhythmVAEError: takes without a hit, a file that cannot be written.
    """
    learned, held_out = splits.split_takes(takes, seed=max(0, trained.card.training.seed or 0))
    if refinement is not None:
        trained.model.refinement = refinement
        card = trained.card
        if held_out:
            figures = reconstruction.model_figures(
                trained.model, [take.groove for take in held_out], card.training.seed or 0
            )
            card = replace(card, metrics=figures)
        trained.write(out, card)
        return checkpoint.load(out).card
    if completion_steps is not None:
        completion = completion_training.fit(
            trained.model,
            trained.prior,
            trained.quantiles,
            learned,
            seed,
            start=trained.own_completion if goes_on else None,
            steps=completion_steps,
            on_progress=on_progress,
        )
        replace(trained, own_completion=completion).write(out)
        return checkpoint.load(out).card
    prior, quantiles = prior_training.fit(
        trained.model, learned, seed, steps=prior_steps, varied=varied, on_progress=on_progress
    )
    parameters = sum(p.numel() for p in prior.parameters())
    card = replace(trained.card, training=replace(trained.card.training, prior_parameters=parameters))
    completion = trained.own_completion
    if completion is not None:
        completion = completion_training.carried(completion, trained.model, prior)
    replace(trained, own_prior=prior, quantiles=quantiles, own_completion=completion).write(out, card)
    return checkpoint.load(out).card


def remap(
    trained: Checkpoint,
    takes: Sequence[Take],
    out: Path,
    seed: int = 0,
    perplexity: float = PERPLEXITY,
    on_progress: OnProgress | None = None,
) -> Card:
    """Write a checkpoint again with a new map, everything else as it is, and return its card.

    Args:
        takes: the data that it was trained on; the split that training made of it is made again.
        on_progress: called with (parts of the map done, parts).

    Raises:
        RhythmVAEError: takes without a hit to map, a perplexity out of range, a file that cannot be written.
    """
    split_seed = max(0, trained.card.training.seed or 0)
    mapped, _ = splits.split_takes(takes, seed=split_seed)
    latent_map = latent_maps.compute(trained.model, mapped, seed, perplexity, on_progress)
    replace(trained, latent_map=latent_map).write(out)
    return checkpoint.load(out).card
