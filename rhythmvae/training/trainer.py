"""Training: windows in, the best model on validation out, progress on the way.

The loop knows nothing of pages or terminals: `Trainer.fit` yields a `Progress` now and
then, and whoever drives it shows it as they like and may stop at any one of them. What
there is to keep is in `Trainer.best` at every moment.

Every random draw is made from (seed, optimizer step), so one seed gives one result on one
machine and thread count, and a run that was interrupted and resumed ends where an
uninterrupted one does. A time limit bends the learning rate, and with it the result.

Several processes (distributed.py) share the work of a step and end where one would, up to the
rounding of float32: each draws the whole batch and its noise, and computes its own rows.
"""

from __future__ import annotations

import copy
import hashlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from rhythmvae.analysis import metrics
from rhythmvae.data import programmed
from rhythmvae.data.corpus import Take
from rhythmvae.data.windows import Windows, windows_of
from rhythmvae.errors import CheckpointError, CorpusError, TrainingError, UsageError
from rhythmvae.groove import WINDOW_STEPS, FloatArray, IntArray
from rhythmvae.model import latent
from rhythmvae.model.config import TERMS, ModelConfig
from rhythmvae.model.lean import AdamW, give_back
from rhythmvae.model.losses import absolute_errors, elbo_terms, style_contrast, weighted
from rhythmvae.model.vae import Outputs, Posterior, RhythmVAE
from rhythmvae.training import descent
from rhythmvae.training.ahead import Ahead
from rhythmvae.training.distributed import World
from rhythmvae.training.settings import MIN_EPOCHS, N_PROGRAMMED, TrainConfig

WARMUP_STEPS = 200  # of the learning rate, or a tenth of a shorter run
SHORT_OF_TIME = 0.02  # by how much of the whole time has to run ahead of the steps to count


@dataclass(frozen=True)
class Progress:
    """Where training stands. `terms` are means since the last report, in nats per window."""

    step: int
    n_steps: int
    epoch: float
    seconds: float
    terms: dict[str, float]
    validation: dict[str, float] | None = None  # loss, f1, f1_25ms, timing_mae_ms, velocity_mae
    is_best: bool = False


class _Pass(nn.Module):
    """From windows to all that the loss asks for, as one module that processes can share."""

    def __init__(self, model: RhythmVAE) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, n_steps: Tensor, noise: Tensor) -> tuple[Posterior, Outputs]:
        """x (B, T, V, L, F), n_steps (B,), noise (B, Z) standard normal, from which z is drawn."""
        posterior = self.model.encode(x, n_steps)
        z = posterior.mean + torch.exp(0.5 * posterior.log_variance) * noise * posterior.used
        return posterior, self.model.decode(z, n_steps)


class Trainer:
    """One training run.

    Args:
        model_config: what to build, unless `init` is given.
        config: how to train.
        train, validation: takes; without validation takes the latest weights are kept.
        init: a model to start from (fine-tuning); it is copied, and where it is best on validation it is kept.
        rehearsed: takes known before, of which a share of each batch is (TrainConfig.rehearsal).
        processes: those that train together; None for this one alone, on `config.device`.
        clock: what `max_minutes` is measured by, in seconds.

    Raises:
        CorpusError: no training window holds a hit.
        UsageError: more processes than windows in a batch.
    """

    def __init__(
        self,
        model_config: ModelConfig,
        config: TrainConfig,
        train: Sequence[Take],
        validation: Sequence[Take],
        init: RhythmVAE | None = None,
        world: World | None = None,
        clock: Callable[[], float] = time.monotonic,
        rehearsed: Sequence[Take] = (),
    ) -> None:
        self.config = config
        self.clock = clock
        self.world = world or World.single(config.device)
        self.device = self.world.device
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.model = copy.deepcopy(init) if init is not None else RhythmVAE(model_config)
        self.model.to(self.device).requires_grad_(True)
        self.average = copy.deepcopy(self.model).eval().requires_grad_(False)
        self.best = copy.deepcopy(self.average)
        self.best_loss = math.inf
        self.optimizer = AdamW(
            self.model.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=config.l2
        )
        layers = self.model.config.layers
        self.windows = windows_of([take.groove for take in train], every_beat=True, layers=layers)
        if not len(self.windows):
            raise CorpusError("Expected at least one window with a drum hit to train on, found only silence.")
        self.rehearsed = windows_of([take.groove for take in rehearsed], layers=layers)
        made = programmed.takes(N_PROGRAMMED, config.seed, train) if config.programmed else []
        self.programmed = windows_of([take.groove for take in made], layers=layers)
        labels = [take.labels.get("style", "").split("/")[0] for take in train]
        styles = {label: number for number, label in enumerate(sorted(set(labels) - {""}))}
        self.styles = np.array([styles.get(label, -1) for label in labels])
        self.is_fine_tuning = init is not None
        if self.batch_size < self.world.size:
            raise UsageError(
                f"Expected a window of each batch for every process, got batches of {self.batch_size} "
                f"for {self.world.size} processes; start fewer."
            )
        self.validation = [take.groove for take in validation]
        self.validation_windows = windows_of(self.validation, layers=layers) if validation else None
        self.step = 0
        self.seconds = 0.0

    @property
    def n_rehearsed(self) -> int:
        """Windows of a batch that were known before."""
        return round(self.config.rehearsal * self.config.batch_size) if len(self.rehearsed) else 0

    @property
    def n_programmed(self) -> int:
        """Windows of a batch that were made by rule."""
        return round(self.config.programmed * self.config.batch_size)

    @property
    def n_new(self) -> int:
        """Windows of a batch to learn from: beside others a small set comes round within a batch."""
        n_beside = self.n_rehearsed + self.n_programmed
        n_new = self.config.batch_size - n_beside
        return max(n_new, 1) if n_beside else min(n_new, len(self.windows))

    @property
    def batch_size(self) -> int:
        return self.n_new + self.n_rehearsed + self.n_programmed

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(len(self.windows) / self.n_new)

    @property
    def n_steps(self) -> int:
        epochs = self.config.epochs
        return epochs * self.steps_per_epoch if epochs else max(self.config.steps, MIN_EPOCHS * self.steps_per_epoch)

    def fit(self) -> Iterator[Progress]:
        """Train to the end, yielding about once a second and at every validation.

        Of several processes the first alone validates; in the others `validation` is always None.

        Raises:
            TrainingError: the loss is no number any more.
            KeyboardInterrupt: Ctrl-C; of several processes in all after the same step.
        """
        began = self.clock() - self.seconds
        reported = self.seconds
        sums: dict[str, float] = dict.fromkeys(TERMS, 0.0)
        n_summed = 0
        with self.world.holding_interrupts() as interrupted:

            def look_up() -> None:
                """The first process's clock and Ctrl-C, for all: they must do the same."""
                self.seconds, stop = self.world.broadcast(self.clock() - began, interrupted())
                if stop:
                    raise KeyboardInterrupt

            if self.is_fine_tuning and self.step == 0 and self.world.is_main:
                figures, is_best = self._validate()
                look_up()
                yield Progress(0, self.n_steps, 0.0, self.seconds, {}, figures, is_best)
            due = True
            while self.step < self.n_steps and not (due and self._is_out_of_time):
                for name, value in self._train_step().items():
                    sums[name] += value
                if not math.isfinite(sum(sums.values())):
                    raise self.world.common(
                        TrainingError(
                            f"Training diverged at step {self.step}: the loss is no number; "
                            "give a lower learning rate or KL."
                        )
                    )
                n_summed += 1
                look_up()
                due = self.step % self.config.evaluate_every == 0 or self.step == self.n_steps or self._is_out_of_time
                if due or self.seconds - reported >= 1.0:
                    validation, is_best = self._validate() if due and self.world.is_main else (None, False)
                    look_up()  # validation takes time,
                    terms = {name: total / n_summed for name, total in sums.items()}
                    epoch = self.step / self.steps_per_epoch
                    yield Progress(self.step, self.n_steps, epoch, self.seconds, terms, validation, is_best)
                    look_up()  # and so does what is made of it
                    reported = self.seconds
                    sums, n_summed = dict.fromkeys(TERMS, 0.0), 0

    @property
    def _seconds_allowed(self) -> float:
        return math.inf if self.config.max_minutes is None else 60 * self.config.max_minutes

    @property
    def _is_out_of_time(self) -> bool:
        return self.seconds >= self._seconds_allowed

    def _learning_rate(self) -> float:
        """A cosine that ends with the steps, or with the time if that is sooner.

        Time that will do changes nothing, not by a bit: the same steps without a limit make the same weights.
        """
        warmup = (self.step + 1) / min(WARMUP_STEPS, max(1, self.n_steps // 10))
        by_time = self.n_steps * self.seconds / self._seconds_allowed
        is_short = by_time > self.step + SHORT_OF_TIME * self.n_steps
        done = min(by_time if is_short else self.step, self.n_steps)
        return descent.learning_rate(self.config.learning_rate, warmup, done / self.n_steps)

    def _batch(self) -> tuple[Tensor, Tensor]:
        drawn = self._drawn(self.step) if self.device.type == "cpu" else self._drawn_ahead(self.step)
        x, n_steps = (torch.from_numpy(part).to(self.device) for part in drawn)
        return x, n_steps

    @cached_property
    def _drawn_ahead(self) -> Ahead[tuple[FloatArray, IntArray]]:
        return Ahead(self._drawn)

    def _drawn(self, step: int) -> tuple[FloatArray, IntArray]:
        """A step's batch. Every window once an epoch, in an order drawn for that epoch; the last batch wraps around.

        Rehearsed windows are drawn for each batch and stay as they are; so are those made by rule, varied a little.
        """
        config = self.config
        x, n_steps = self.windows.gather(self._drawn_windows(step))
        x, n_steps = config.augmentation.apply(x, n_steps, np.random.default_rng([config.seed, 1, step]))
        if self.n_rehearsed:
            rng = np.random.default_rng([config.seed, 2, step])
            known, known_steps = self.rehearsed.gather(rng.integers(len(self.rehearsed), size=self.n_rehearsed))
            x, n_steps = np.concatenate([x, known]), np.concatenate([n_steps, known_steps])
        if self.n_programmed:
            rng = np.random.default_rng([config.seed, 3, step])
            made, made_steps = self.programmed.gather(rng.integers(len(self.programmed), size=self.n_programmed))
            made, made_steps = config.augmentation.of_programmed().apply(made, made_steps, rng)
            x, n_steps = np.concatenate([x, made]), np.concatenate([n_steps, made_steps])
        return x, n_steps

    def _drawn_windows(self, step: int) -> IntArray:
        """Which of `windows` a step's batch begins with."""
        epoch, place = divmod(step, self.steps_per_epoch)
        order = np.random.default_rng([self.config.seed, 0, epoch]).permutation(len(self.windows))
        return np.take(order, np.arange(place * self.n_new, (place + 1) * self.n_new), mode="wrap")

    @cached_property
    def _pass(self) -> nn.Module:
        # Made at the first step: what comes before need not be in time with other processes.
        module = _Pass(self.model)
        if self.device.type == "cpu" or self.world.is_group:
            return self.world.shared(module)
        # A GPU is done with such a small network before Python has asked for its next layer: recorded once, a pass
        # is asked for as a whole (CUDA graphs).
        x, n_steps = self._batch()
        noise = torch.randn(len(x), self.model.config.latent_size, device=self.device)
        with self._autocast(cache_enabled=False):
            return cast(nn.Module, torch.cuda.make_graphed_callables(module, (x, n_steps, noise)))

    def _autocast(self, cache_enabled: bool) -> torch.autocast:
        is_half = self.config.precision == "bfloat16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=is_half, cache_enabled=cache_enabled)

    def _train_step(self) -> dict[str, float]:
        """One optimizer step; the terms of the whole batch, means in nats per window."""
        config, model, world = self.config, self.model, self.world
        x, n_steps = self._batch()
        model.train()
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + self.step)
        noise = torch.randn(len(x), model.config.latent_size, generator=generator).to(self.device)
        rows = world.rows(len(x))
        with self._autocast(cache_enabled=self.device.type == "cpu"):
            posterior, outputs = self._pass(x[rows], n_steps[rows], noise[rows])
        # From here on the whole batch again, so that scales, loss and terms are what one process has.
        posterior = Posterior(*(world.all_gather(part, len(x)) for part in posterior))
        outputs = Outputs(*(world.all_gather(part, len(x)) for part in outputs))
        with torch.no_grad():  # the scales follow the errors, down to their floor
            floor = torch.tensor(config.weights.floor, device=self.device)
            model.scale.lerp_(torch.maximum(absolute_errors(outputs, x), floor), 0.05)
        terms = elbo_terms(outputs, x, posterior, model.scale)
        loss = weighted(terms, posterior, config.weights, self.step)
        if config.weights.style:
            style = torch.from_numpy(self.styles[self.windows.take[self._drawn_windows(self.step)]])
            loss = loss + config.weights.style * style_contrast(posterior.mean[: len(style)], style.to(self.device))
        loss = loss / WINDOW_STEPS
        decay = descent.decay_at(self.step + 1, config.average)
        # A process's gradient is its rows' share of the batch's; the mean of all times their number is the whole.
        descent.descend(world.size * loss, model, self.optimizer, self._learning_rate(), self.average, decay)
        self.step += 1
        means = torch.stack([value.detach().mean() for value in terms.values()])  # to fetch them once
        return dict(zip(terms, means.tolist(), strict=True))

    def present(self) -> RhythmVAE:
        """The model as it stands, the running average of its weights, on the CPU."""
        return copy.deepcopy(self.average).cpu()

    @property
    def has_best(self) -> bool:
        """Whether there is anything to keep: a fine-tuned model begins with the one that it starts from."""
        return self.step > 0 or math.isfinite(self.best_loss)

    def best_so_far(self) -> RhythmVAE:
        """The model to keep, on the CPU: the best on validation, or the present one before the first."""
        kept = self.best if math.isfinite(self.best_loss) else self.average
        return copy.deepcopy(kept).cpu()

    def rest(self) -> None:
        """Give back what only further steps would need: beside what follows, a small server has no room for it."""
        self.optimizer.state.clear()
        self.optimizer.zero_grad()
        give_back()

    @torch.no_grad()  # not inference mode, whose weights have no slopes for what brings latents nearer
    def _validate(self) -> tuple[dict[str, float], bool]:
        figures: dict[str, float] = {}
        loss = -float(self.step)  # with nothing held out, later is better
        if self.validation_windows is not None:
            loss = self._validation_loss(self.validation_windows)
            model = self.present()
            total = metrics.Score.total(metrics.score(g, latent.reconstruct(model, g)) for g in self.validation)
            figures = {"loss": loss, "f1": total.f1, "f1_25ms": total.f1_strict}
            figures |= {"timing_mae_ms": total.timing_mae_ms or 0.0, "velocity_mae": total.velocity_mae or 0.0}
        is_best = loss < self.best_loss
        if is_best:
            self.best_loss = loss
            self.best.load_state_dict(self.average.state_dict())
        return figures, is_best

    def _validation_loss(self, windows: Windows) -> float:
        """The training objective at full beta on held-out windows, at the posterior mean's draw of one seed."""
        losses = []
        noise = torch.Generator().manual_seed(self.config.seed)
        full_beta = replace(self.config.weights, kl_warmup=0)
        for index in np.array_split(np.arange(len(windows)), math.ceil(len(windows) / 256)):
            x, n_steps = (torch.from_numpy(a).to(self.device) for a in windows.gather(index))
            posterior = self.average.encode(x, n_steps)
            outputs = self.average.decode(posterior.sample(noise), n_steps)
            terms = elbo_terms(outputs, x, posterior, self.average.scale)
            losses.append(float(weighted(terms, posterior, full_beta, self.step)) * len(index))
        return sum(losses) / len(windows)

    # -- resuming --------------------------------------------------------------

    def state(self) -> dict[str, Tensor]:
        """Everything a later run needs to go on, as named tensors."""
        parts = {"model": self.model, "average": self.average, "best": self.best}
        state = {f"{part}.{k}": v.detach().clone() for part, m in parts.items() for k, v in m.state_dict().items()}
        for index, moments in self.optimizer.state_dict()["state"].items():
            state |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in moments.items()}
        state["progress"] = torch.tensor([self.step, self.seconds, self.best_loss], dtype=torch.float64)
        state["data"] = self._fingerprint
        return state

    @cached_property
    def _fingerprint(self) -> Tensor:
        """SHA-256 of all windows, (32,) bytes: the same data, read and split the same way, have the same."""
        digest = hashlib.sha256()
        for windows in filter(None, (self.windows, self.validation_windows, self.rehearsed, self.programmed)):
            for array in (windows.grids, windows.start, windows.n_steps):
                digest.update(f"{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data.cast("B"))
        return torch.tensor(list(digest.digest()), dtype=torch.uint8)

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from `state`.

        Raises:
            CheckpointError: a state of another model or other data.
        """
        data = state.get("data", self._fingerprint)  # a state of the first version has none
        if data.tolist() != self._fingerprint.tolist():
            raise CheckpointError(
                "The run to resume learned from other data; give the same files, reading options and seed, "
                "or leave --resume out to start anew."
            )
        try:
            for part in ("model", "average", "best"):
                weights = {k.removeprefix(f"{part}."): v for k, v in state.items() if k.startswith(f"{part}.")}
                getattr(self, part).load_state_dict(weights, strict=True)
            optimizer = self.optimizer.state_dict()
            for key, value in state.items():
                if key.startswith("optimizer."):
                    _, index, name = key.split(".")
                    optimizer["state"].setdefault(int(index), {})[name] = value
            self.optimizer.load_state_dict(optimizer)
            step, self.seconds, self.best_loss = state["progress"].tolist()
            self.step = int(step)
            for parameter, moments in self.optimizer.state.items():
                if not all(m.ndim == 0 or m.shape == parameter.shape for m in moments.values()):
                    raise ValueError("moments of another shape")
        except (KeyError, RuntimeError, ValueError) as error:
            raise CheckpointError(
                "The run to resume is of another model or data; give its options, or start anew."
            ) from error


# -- afterwards ----------------------------------------------------------------
