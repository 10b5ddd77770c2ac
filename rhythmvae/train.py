"""Training: windows in, the best model on validation out, progress on the way.

The loop knows nothing of pages or terminals: `Trainer.fit` yields a `Progress` now and
then, and whoever drives it shows it as they like and may stop at any one of them. What
there is to keep is in `Trainer.best` at every moment.

Every random draw is made from (seed, optimizer step), so one seed gives one result on one
machine and thread count, and a run that was interrupted and resumed ends where an
uninterrupted one does.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rhythmvae import evaluate, latent
from rhythmvae.corpus import Augmentation, Take, Windows, windows_of
from rhythmvae.errors import CheckpointError, CorpusError, TrainingError, UsageError
from rhythmvae.groove import WINDOW_STEPS, Groove
from rhythmvae.losses import TERMS, Weights, absolute_errors, elbo_terms, kl_per_dimension, weighted
from rhythmvae.model import ModelConfig, RhythmVAE
from rhythmvae.prior import Prior
from rhythmvae.prior import fit as fit_prior

MAX_SEED = 2**32 - 1  # what every generator here takes
ACTIVE_UNIT_NATS = 0.01  # KL above which a latent dimension says something (Burda et al. 2016)


@dataclass(frozen=True)
class TrainConfig:
    """How to train; a checkpoint's card carries it.

    Args:
        epochs: passes over all training windows; None for as many as make DEFAULT_STEPS steps.
        max_minutes: stop after this much wall time, whatever the epoch.
        batch_size: windows a step; a smaller set is one batch.
        learning_rate: peak of a cosine with warm-up, for AdamW.
        l2: weight decay, decoupled (Loshchilov and Hutter 2019).
        average: decay of the running average of weights that is evaluated and kept.
        evaluate_every: optimizer steps between validations.
        precision: "float32", or "bfloat16" for processors that have it: twice as fast there.
        device: "cpu", "cuda", or "auto" for a GPU where there is one.
    """

    epochs: int | None = None
    max_minutes: float | None = None
    batch_size: int = 128
    learning_rate: float = 2e-3
    l2: float = 0.0
    average: float = 0.999
    evaluate_every: int = 500
    seed: int = 0
    precision: str = "float32"
    device: str = "auto"
    weights: Weights = field(default_factory=Weights)
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        if self.epochs is not None and self.epochs < 1:
            raise UsageError(f"Expected at least 1 epoch, got {self.epochs}.")
        if self.max_minutes is not None and not self.max_minutes > 0:
            raise UsageError(f"Expected a time limit above 0 minutes, got {self.max_minutes:g}.")
        for name, low, high in (
            ("batch_size", 1, 65_536),
            ("evaluate_every", 1, 1_000_000),
            ("seed", 0, MAX_SEED),
            ("learning_rate", 1e-8, 1.0),
            ("l2", 0.0, 10.0),
            ("average", 0.0, 1.0),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise UsageError(f"Expected {name.replace('_', ' ')} from {low:g} to {high:g}, got {value:g}.")
        if self.precision not in ("float32", "bfloat16"):
            raise UsageError(f"Expected a precision of float32 or bfloat16, got {self.precision!r}.")
        if self.device not in ("auto", "cpu", "cuda"):
            raise UsageError(f"Expected a device of auto, cpu or cuda, got {self.device!r}.")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


DEFAULT_STEPS = 4000
WARMUP_STEPS = 200
LAST_LEARNING_RATE = 0.02  # of the peak, where the cosine ends


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


class Trainer:
    """One training run.

    Args:
        model_config: what to build, unless `init` is given.
        config: how to train.
        train, validation: takes; without validation takes the latest weights are kept.
        init: a model to start from (fine-tuning); it is copied.

    Raises:
        CorpusError: no training window holds a hit.
    """

    def __init__(
        self,
        model_config: ModelConfig,
        config: TrainConfig,
        train: Sequence[Take],
        validation: Sequence[Take],
        init: RhythmVAE | None = None,
    ) -> None:
        self.config = config
        cuda = config.device == "cuda" or (config.device == "auto" and torch.cuda.is_available())
        self.device = torch.device("cuda" if cuda else "cpu")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.model = copy.deepcopy(init) if init is not None else RhythmVAE(model_config)
        self.model.to(self.device).requires_grad_(True)
        self.average = copy.deepcopy(self.model).eval().requires_grad_(False)
        self.best = copy.deepcopy(self.average)
        self.best_loss = math.inf
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=config.l2
        )
        self.windows = windows_of([take.groove for take in train], every_beat=True)
        if not len(self.windows):
            raise CorpusError("Expected at least one window with a drum hit to train on, found only silence.")
        self.validation = [take.groove for take in validation]
        self.validation_windows = windows_of(self.validation) if validation else None
        self.step = 0
        self.seconds = 0.0

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(len(self.windows) / self.config.batch_size)

    @property
    def n_steps(self) -> int:
        epochs = self.config.epochs
        return epochs * self.steps_per_epoch if epochs else max(DEFAULT_STEPS, 3 * self.steps_per_epoch)

    def fit(self) -> Iterator[Progress]:
        """Train to the end, yielding about once a second and at every validation.

        Raises:
            TrainingError: the loss is no number any more.
        """
        began = reported = time.monotonic()
        before = self.seconds
        sums: dict[str, float] = dict.fromkeys(TERMS, 0.0)
        n_summed = 0
        while self.step < self.n_steps:
            for name, value in self._train_step().items():
                sums[name] += value
            if not math.isfinite(sum(sums.values())):
                raise TrainingError(
                    f"Training diverged at step {self.step}: the loss is no number; give a lower learning rate or KL."
                )
            n_summed += 1
            now = time.monotonic()
            self.seconds = before + now - began
            out_of_time = self.config.max_minutes is not None and self.seconds >= 60 * self.config.max_minutes
            due = self.step % self.config.evaluate_every == 0 or self.step == self.n_steps or out_of_time
            if due or now - reported >= 1.0:
                validation, is_best = self._validate() if due else (None, False)
                terms = {name: total / n_summed for name, total in sums.items()}
                epoch = self.step / self.steps_per_epoch
                yield Progress(self.step, self.n_steps, epoch, self.seconds, terms, validation, is_best)
                reported = time.monotonic()
                sums, n_summed = dict.fromkeys(TERMS, 0.0), 0
            if out_of_time:
                return

    def _learning_rate(self) -> float:
        warmup = min(1.0, (self.step + 1) / WARMUP_STEPS)
        cosine = 0.5 * (1.0 + math.cos(math.pi * self.step / self.n_steps))
        return self.config.learning_rate * warmup * (LAST_LEARNING_RATE + (1.0 - LAST_LEARNING_RATE) * cosine)

    def _batch(self) -> tuple[Tensor, Tensor]:
        """Every window once an epoch, in an order drawn for that epoch; the last batch wraps around."""
        config = self.config
        epoch, place = divmod(self.step, self.steps_per_epoch)
        order = np.random.default_rng([config.seed, 0, epoch]).permutation(len(self.windows))
        size = min(config.batch_size, len(order))
        index = np.take(order, np.arange(place * size, (place + 1) * size), mode="wrap")
        x, n_steps = self.windows.gather(index)
        x, n_steps = config.augmentation.apply(x, n_steps, np.random.default_rng([config.seed, 1, self.step]))
        return torch.from_numpy(x).to(self.device), torch.from_numpy(n_steps).to(self.device)

    def _train_step(self) -> dict[str, float]:
        config, model = self.config, self.model
        x, n_steps = self._batch()
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate()
        model.train()
        noise = torch.Generator().manual_seed(config.seed * 1_000_003 + self.step)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=config.precision == "bfloat16"):
            posterior = model.encode(x, n_steps)
            outputs = model.decode(posterior.sample(noise), n_steps)
        with torch.no_grad():  # the scales follow the errors, down to their floor
            floor = torch.tensor(config.weights.floor, device=self.device)
            model.scale.lerp_(torch.maximum(absolute_errors(outputs, x), floor), 0.05)
        terms = elbo_terms(outputs, x, posterior, model.scale)
        loss = weighted(terms, posterior, config.weights, self.step) / WINDOW_STEPS
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        # A young average follows faster, or it would remember the random start.
        decay = min(config.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for kept, new in zip(self.average.state_dict().values(), model.state_dict().values(), strict=True):
                kept.lerp_(new, 1.0 - decay)
        return {name: float(value.detach().mean()) for name, value in terms.items()}

    def best_so_far(self) -> RhythmVAE:
        """The model to keep, on the CPU: the best on validation, or the present one before the first."""
        kept = self.best if math.isfinite(self.best_loss) else self.average
        return copy.deepcopy(kept).cpu()

    @torch.inference_mode()
    def _validate(self) -> tuple[dict[str, float], bool]:
        figures: dict[str, float] = {}
        loss = -float(self.step)  # with nothing held out, later is better
        if self.validation_windows is not None:
            loss = self._validation_loss(self.validation_windows)
            model = copy.deepcopy(self.average).cpu()
            total = evaluate.Score.total(evaluate.score(g, latent.reconstruct(model, g)) for g in self.validation)
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
        return state

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from `state`.

        Raises:
            CheckpointError: a state of another model.
        """
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


@torch.inference_mode()
def posteriors_of(model: RhythmVAE, grooves: Sequence[Groove]) -> tuple[Tensor, Tensor, Tensor]:
    """Posterior means (N, Z) and variances (N, Z) of all full windows, and whether each follows the row before (N,)."""
    windows = windows_of(grooves)
    full = np.flatnonzero(windows.n_steps == WINDOW_STEPS)
    if not len(full):  # short loops only: their shares of z are all there is
        full = np.arange(len(windows))
    means, variances = [], []
    for index in np.array_split(full, math.ceil(len(full) / 256)):
        x, n_steps = windows.gather(index)
        posterior = model.encode(torch.from_numpy(x), torch.from_numpy(n_steps))
        means.append(posterior.mean)
        variances.append(posterior.log_variance.exp() * posterior.used)
    follows = np.zeros(len(full), dtype=bool)
    previous_end = windows.start[full[:-1]] + windows.n_steps[full[:-1]]
    follows[1:] = (windows.take[full[1:]] == windows.take[full[:-1]]) & (windows.start[full[1:]] == previous_end)
    return torch.cat(means), torch.cat(variances), torch.from_numpy(follows)


def prior_of(model: RhythmVAE, train: Sequence[Take], seed: int = 0) -> Prior:
    """The latent prior of a trained model, fitted to its training takes."""
    return fit_prior(*posteriors_of(model, [take.groove for take in train]), seed=seed)


@torch.inference_mode()
def latent_figures(model: RhythmVAE, grooves: Sequence[Groove]) -> dict[str, float]:
    """KL to N(0, I) in nats, mean per window of any length, and how many dimensions are active."""
    windows = windows_of(grooves)
    total = torch.zeros(model.config.latent_size, dtype=torch.float64)
    for index in np.array_split(np.arange(len(windows)), math.ceil(len(windows) / 256)):
        x, n_steps = windows.gather(index)
        posterior = model.encode(torch.from_numpy(x), torch.from_numpy(n_steps))
        total += kl_per_dimension(posterior).double().sum(0)
    per_dimension = total / len(windows)
    return {
        "kl_nats": float(per_dimension.sum()),
        "active_units": int((per_dimension > ACTIVE_UNIT_NATS).sum()),
        "latent_size": model.config.latent_size,
    }
