"""Architectures and baselines on the same takes, each with the same budget: who does best, and why.

What is the same for all that are trained (entrants.py): the takes and their windows, augmentation,
batch size, seed, optimizer, precision, the likelihood and the weights of its terms, and the
processor time, on one thread: VAE_SHARE of a row's minutes for the VAE, at most the rest for its
prior. An entrant may differ in its network, its latents and its KL term. Baselines are fitted
on the same training takes, with at most as many numbers as ours.

A row of figures is made of what a checkpoint file holds, weights in half precision. Time
decides how many steps there are, so a row repeats only as closely as the machine does. It is the
processor's time, which on an idle machine is the clock's, so that other work takes nothing from a row.

With drummers left out (`divide`), none of their takes is trained on or helps to choose a model,
and only theirs are judged: beside the figures of models that knew them, this tells what is
style and what is memory.

Every row is kept as a file as soon as it is made, and one that is there is not made again.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rhythmvae.analysis import metrics
from rhythmvae.analysis.duplicates import pattern_key
from rhythmvae.data.corpus import Corpus, OnProgress, Take
from rhythmvae.data.examples import example
from rhythmvae.data.splits import by_drummers, drummers_of, split_takes
from rhythmvae.errors import CheckpointError, CorpusError, UsageError
from rhythmvae.evaluation import reconstruction, two_sample
from rhythmvae.evaluation.baselines import Baseline, Fitted
from rhythmvae.groove import HIT, OFFSET, FloatArray, IntArray
from rhythmvae.model import checkpoint, latent
from rhythmvae.model.card import Card, Training
from rhythmvae.model.vae import RhythmVAE
from rhythmvae.outputs import cannot_write, check_folder, write_whole
from rhythmvae.training import prior as prior_training
from rhythmvae.training.entrants import OURS, Contestant, Entrant, Settings, slug
from rhythmvae.training.settings import TrainConfig
from rhythmvae.training.trainer import Trainer

VAE_SHARE = 0.8  # of a row's minutes
# In steps. Validating is part of the budget, and the quickest network takes 2,000 steps in well under a minute.
EVALUATE_EVERY = 2000
ENDLESS = 1_000_000  # epochs; it is time that ends a row
DECODINGS = 30  # of which decode_ms is the median
CONTROL = "real-halves"  # its file, beside those of rows

# What a row has beside its name, latent_dimensions and score; None where it has no meaning, as for a baseline.
FIGURES = (
    "parameters",
    "megabytes",  # of the checkpoint: VAE and prior, in half precision
    "train_minutes",
    "steps",
    "f1_sampled_posterior",
    "kl_nats",
    "active_units",
    "two_sample_accuracy",
    "decode_ms",
)

_RENAMED = {"numbers": "latent_dimensions", "told_apart": "two_sample_accuracy"}  # since version 1 of a row

Row = dict[str, Any]
BUDGET = 1000  # parts of a row's minutes, for its progress


# -- on what -------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Division:
    """Takes to train on, to choose a model's best moment by, and to judge by.

    unseen: names of the drummers left out; where there are none, selection and judged are the same.
    """

    train: list[Take]
    selection: list[Take]
    judged: list[Take]
    unseen: tuple[str, ...] = ()

    def digest(self) -> str:
        """The same for the same takes on the same sides."""
        key = hashlib.sha256()
        for takes in (self.train, self.selection, self.judged):
            key.update(f"{len(takes)} takes".encode())
            for take in takes:
                key.update(take.groove.to_bytes())
        return key.hexdigest()[:16]


def divide(data: Corpus, unseen: Sequence[str] = (), seed: int = 0) -> Division:
    """Who is trained on and who is judged; no judged take has an exact duplicate among the others.

    An official split is kept whole on its validation side, as `evaluate` judges it: duplicates of
    its takes are left out of training. Other data is split by file.

    Args:
        unseen: drummers to leave out and to judge by, as corpus.by_drummers takes them.

    Raises:
        CorpusError: nothing to train on, or nothing to judge by.
        UsageError: a drummer who is not in the data.
    """
    names = tuple(drummers_of(by_drummers(data, unseen)[0].takes)) if unseen else ()
    seen, held_out = split_takes(data.takes, seed=seed)
    if data.has_splits:
        seen, held_out = [take for take in data.takes if take.split in ("train", None)], data.only("validation")

    def others(takes: Sequence[Take], than: Sequence[Take]) -> list[Take]:
        keys = {pattern_key(take.groove) for take in than}
        own = [take for take in takes if take.labels.get("drummer") not in names]
        return [take for take in own if pattern_key(take.groove) not in keys]

    judged, selection = held_out, held_out
    if unseen:
        judged = [take for take in held_out if take.labels.get("drummer") in names]
        selection = others(held_out, judged)
    division = Division(others(seen, held_out), selection, judged, names)
    whom = f" by {', '.join(names)}" if unseen else ""
    if not division.judged:
        raise CorpusError(f"Expected validation takes{whom} to judge by, found none; give more data.")
    if not division.train:
        raise CorpusError(f"Expected takes to train on that are not{whom or ' validation takes'}, found none.")
    return division


# -- rows ----------------------------------------------------------------------


class Comparison:
    """Makes rows one by one, and keeps each in a folder.

    `NAME.json` is a row, `NAME.safetensors` the model and prior it was made from. Both say what
    they were made with. Several processes may share a folder, each with rows of its own.

    Args:
        folder: where rows are kept; it is made if need be.

    Raises:
        UsageError: a folder that cannot be written to.
    """

    def __init__(self, division: Division, settings: Settings, folder: Path) -> None:
        torch.set_num_threads(1)
        self.division, self.settings, self.folder = division, settings, folder
        self.digest = division.digest()
        self.grooves = [take.groove for take in division.judged]
        real, groups = two_sample.real_windows(self.grooves, settings.seed)
        self.has_two_sample = len(np.unique(groups)) >= reconstruction.MIN_TAKES  # else two-sample tests say nothing
        kept = _some(len(real), settings.max_windows, settings.seed)
        self.real, self.groups = real[kept], groups[kept]
        check_folder(folder)

    def row(
        self,
        contestant: Contestant,
        on_stage: Callable[[str], None] | None = None,
        on_progress: OnProgress | None = None,
    ) -> Row:
        """The row of a contestant: the one that is kept, or else made now and kept.

        It has `name`, `latent_dimensions` (for eight quarter notes), `score` and FIGURES.

        Args:
            on_stage: called with what is being done.
            on_progress: called with (parts of the row's minutes that are over, BUDGET).

        Raises:
            CheckpointError: files that cannot be written.
            TrainingError: training that diverged.
            UsageError: files of another comparison are in the way.
        """
        if (kept := self.kept(contestant)) is not None:
            return kept
        on_stage, on_progress = on_stage or (lambda _: None), on_progress or (lambda *_: None)
        if isinstance(contestant, Entrant) and not self._is_trained(contestant):
            self._train(contestant, on_stage, on_progress)
        on_stage("judging")
        on_progress(BUDGET, BUDGET)
        row = self._judged_model(contestant) if isinstance(contestant, Entrant) else self._judged_baseline(contestant)
        self._keep(slug(contestant.name), self._identity(contestant), row)
        return row

    def kept(self, contestant: Contestant) -> Row | None:
        """The row of a contestant if it is kept.

        Raises:
            UsageError: files of another comparison are in the way.
        """
        if isinstance(contestant, Entrant):
            self._is_trained(contestant)
        return self._read(slug(contestant.name), self._identity(contestant))

    def check(self, chosen: Sequence[Contestant]) -> None:
        """Look at what is kept before hours of training, not after.

        Raises:
            UsageError: files of another comparison are in the way.
        """
        for contestant in chosen:
            self.kept(contestant)
        self._read(CONTROL, self._identity())

    def control(self) -> dict[str, Any] | None:
        """Two-sample accuracy of two halves of the judged takes, by view; None for too few takes."""
        if not self.has_two_sample:
            return None
        identity = self._identity()
        if (kept := self._read(CONTROL, identity)) is None:
            kept = _views(two_sample.accuracy_of_halves(self.real, self.groups, self.settings.two_sample_seeds))
            self._keep(CONTROL, identity, kept)
        return kept

    # -- making them -----------------------------------------------------------

    def _train(self, entrant: Entrant, on_stage: Callable[[str], None], on_progress: OnProgress) -> None:
        """Train the VAE and its prior, and write the checkpoint."""
        minutes, seed = self.settings.minutes, self.settings.seed
        config = TrainConfig(
            epochs=ENDLESS,
            max_minutes=VAE_SHARE * minutes,
            evaluate_every=EVALUATE_EVERY,
            seed=seed,
            precision=self.settings.precision,
            device="cpu",
            weights=entrant.weights,
        )
        trainer = Trainer(entrant.model, config, self.division.train, self.division.selection, clock=time.process_time)
        on_stage("training")
        for progress in trainer.fit():
            on_progress(round(BUDGET * min(progress.seconds / (60 * minutes), VAE_SHARE)), BUDGET)
        model = trainer.best_so_far()
        on_stage("fitting its prior")
        began = time.process_time()
        takes = self.division.train
        prior, quantiles = prior_training.fit(
            model,
            [takes[i] for i in _some(len(takes), self.settings.max_prior_takes, seed)],
            seed,
            minutes=(1.0 - VAE_SHARE) * minutes,
            precision=config.precision,
            on_progress=lambda done, n: on_progress(round(BUDGET * (VAE_SHARE + (1.0 - VAE_SHARE) * done / n)), BUDGET),
            clock=time.process_time,
        )
        spent = trainer.seconds + time.process_time() - began
        training = Training.of(
            config.to_dict(),
            steps=trainer.step,
            minutes=round(spent / 60, 2),
            parameters=sum(p.numel() for p in model.parameters()),
            prior_parameters=sum(p.numel() for p in prior.parameters()),
        )
        card = Card(about=f"A row of `compare`: {entrant.name}.", training=training, comparison=self._identity(entrant))
        checkpoint.save(self._model_file(entrant), model, prior, quantiles, card)

    def _judged_model(self, entrant: Entrant) -> Row:
        path = self._model_file(entrant)
        loaded = checkpoint.load(path)
        model, training = loaded.model, loaded.card.training
        seeds = self.settings.two_sample_seeds
        accuracy = None
        if self.has_two_sample:
            samples = reconstruction.sampled_windows(loaded, len(self.real), self.settings.seed)
            accuracy = {
                "reconstructions": self._rebuilt_accuracy(reconstruction.rebuilt_windows(model, self.real)),
                "samples": _views(reconstruction.samples_accuracy(self.real, self.groups, samples, seeds)),
            }
        figures = reconstruction.model_figures(model, self.grooves, self.settings.seed)
        return _row(
            entrant.name,
            model.config.latent_size,
            asdict(figures.validation),
            parameters=training.parameters,
            megabytes=path.stat().st_size / 1e6,
            train_minutes=training.minutes,
            steps=training.steps,
            f1_sampled_posterior=figures.f1_sampled_posterior,
            kl_nats=figures.kl_nats,
            active_units=figures.active_units,
            two_sample_accuracy=accuracy,
            decode_ms=_decode_ms(model),
        )

    def _judged_baseline(self, baseline: Baseline) -> Row:
        fitted = baseline.fit([take.groove for take in self.division.train], OURS.model.latent_size)
        scores = [metrics.score(groove, fitted.reconstruct(groove)) for groove in self.grooves]
        accuracy = None
        if self.has_two_sample:
            accuracy = {"reconstructions": self._rebuilt_accuracy(_rebuilt(fitted, self.real)), "samples": None}
        return _row(
            baseline.name, fitted.n_dimensions, metrics.Score.total(scores).to_dict(), two_sample_accuracy=accuracy
        )

    def _rebuilt_accuracy(self, rebuilt: FloatArray) -> dict[str, Any]:
        seeds = self.settings.two_sample_seeds
        return _views(two_sample.accuracy(self.real, self.groups, rebuilt, self.groups, seeds))

    # -- keeping them ----------------------------------------------------------

    def _model_file(self, entrant: Entrant) -> Path:
        return self.folder / f"{slug(entrant.name)}.safetensors"

    def _identity(self, contestant: Contestant | None = None) -> dict[str, Any]:
        """Everything a row depends on; rows of one comparison share all but what they are of."""
        identity: dict[str, Any] = {**asdict(self.settings), "unseen": self.division.unseen, "data": self.digest}
        if isinstance(contestant, Entrant):
            identity |= {"model": contestant.model.to_dict(), "weights": asdict(contestant.weights)}
        elif contestant is not None:
            identity["numbers"] = OURS.model.latent_size
        plain: dict[str, Any] = json.loads(json.dumps(identity))
        return plain

    def _is_trained(self, entrant: Entrant) -> bool:
        """Whether the model of a row is there: the row was interrupted while it was judged."""
        path = self._model_file(entrant)
        if not path.exists():
            return False
        try:
            found = checkpoint.load(path).card.comparison
        except CheckpointError:  # not to be written over either
            found = None
        _must_match(path, found, self._identity(entrant))
        return True

    def _read(self, name: str, identity: dict[str, Any]) -> Row | None:
        path = self.folder / f"{name}.json"
        try:
            text = path.read_text("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise UsageError(f"Expected a row of `compare` in {path}, cannot read it: {error}.") from error
        try:
            document = json.loads(text)
            found, row = document["made_with"], document["row"]
        except (ValueError, RecursionError, KeyError, TypeError):
            found, row = None, None
        _must_match(path, found, identity)
        return {_RENAMED.get(key, key): value for key, value in row.items()}

    def _keep(self, name: str, identity: dict[str, Any], row: Row) -> None:
        path = self.folder / f"{name}.json"
        try:
            write_whole(path, json.dumps({"made_with": identity, "row": row}, indent=1, allow_nan=False).encode())
        except OSError as error:
            raise cannot_write(path, error) from error


def _must_match(path: Path, found: Any, expected: dict[str, Any]) -> None:
    """Raise UsageError unless a file was made with what is asked for now: it may have taken hours to make."""
    if found == expected:
        return
    if not isinstance(found, dict):
        raise UsageError(f"Expected a row of `compare` in {path}, found something else; give another --out.")
    differ = sorted(key for key in {*found, *expected} if found.get(key) != expected.get(key))
    raise UsageError(
        f"{path} was made with other settings than asked for ({', '.join(differ)}); give another --out, or delete it."
    )


def _row(name: str, n_dimensions: int, score: dict[str, Any], **figures: Any) -> Row:
    return {"name": name, "latent_dimensions": n_dimensions, "score": score, **dict.fromkeys(FIGURES), **figures}


def _views(accuracy: dict[str, two_sample.Accuracy]) -> dict[str, Any]:
    return {view: value.to_dict() for view, value in accuracy.items()}


def _some(n: int, limit: int | None, seed: int) -> IntArray:
    """Which of n to take if there is a limit, in order."""
    return np.sort(np.random.default_rng(seed).permutation(n)[:limit])


def _rebuilt(fitted: Fitted, x: FloatArray) -> FloatArray:
    """Windows (N, T, V, L, F) through a baseline, as a file would hold them."""
    decoded = fitted.decode(x)
    decoded[..., HIT] = decoded[..., HIT] >= fitted.threshold
    decoded[..., OFFSET] = decoded[..., OFFSET].clip(-0.5, 0.5)
    return two_sample.as_file(decoded)


def _decode_ms(model: RhythmVAE) -> float:
    """Median time to make two bars of hits from their latents, ms, on the threads that torch has."""
    encoded = latent.encode(model, example("funk").bars(1, 2))
    times = []
    for _ in range(DECODINGS + 1):
        began = time.perf_counter()
        latent.decode(model, encoded.posterior.mean, encoded.frame)
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times[1:])  # the first one warms up
