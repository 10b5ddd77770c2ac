"""How a model is trained, in values: their defaults, their ranges and what fine-tuning changes of them.

Needs no torch, so that a command line or a page can refuse at once what nobody can train.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from rhythmvae.data.augmentation import Augmentation
from rhythmvae.errors import UsageError
from rhythmvae.model.config import ModelConfig, Weights
from rhythmvae.model.limits import MAX_SEED

PRECISIONS = ("float32", "bfloat16")
MIN_EPOCHS = 3  # where steps are given
MAX_EPOCHS = 1_000_000
MAX_MINUTES = 1_000_000
MAX_THREADS = 256
MAX_FOLDS = 100
MAX_BESIDE = 0.9  # share of a batch that is not of the data to learn from
N_PROGRAMMED = 4_000  # takes made by rule, where a share of each batch is of them
FOLDS = 5  # to judge a model by where few files are held out


@dataclass(frozen=True)
class TrainConfig:
    """How to train; a checkpoint's card carries it.

    Args:
        epochs: passes over all training windows; None for as many as `steps` asks for.
        steps: of the optimizer, where epochs are not given, but at least MIN_EPOCHS epochs.
        max_minutes: stop after this much wall time, whatever the epoch; the learning rate falls in time for it.
        batch_size: windows a step; a smaller set is one batch.
        rehearsal: share of each batch that is windows known before, so that fine-tuning forgets nothing.
        programmed: share of each batch that is windows made by rule (data.programmed), of patterns that people program.
        learning_rate: peak of a cosine with warm-up, for AdamW.
        l2: weight decay, decoupled (Loshchilov and Hutter 2019).
        average: decay of the running average of weights that is evaluated and kept.
        evaluate_every: optimizer steps between validations.
        precision: "float32", or "bfloat16" for processors that have it: twice as fast there.
        device: "cpu", "cuda", or "auto" for a GPU where there is one.

    Raises:
        UsageError: a number out of range, or a precision or device that does not exist.
    """

    epochs: int | None = None
    steps: int = 4000
    max_minutes: float | None = None
    batch_size: int = 128
    rehearsal: float = 0.0
    programmed: float = 0.0
    learning_rate: float = 2e-3
    l2: float = 0.0
    average: float = 0.999
    evaluate_every: int = 500
    seed: int = 0
    precision: str = PRECISIONS[0]
    device: str = "auto"
    weights: Weights = field(default_factory=Weights)
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        if self.max_minutes is not None and not 0 < self.max_minutes <= MAX_MINUTES:
            raise UsageError(
                f"Expected a time limit above 0 and up to {MAX_MINUTES:,} minutes, got {str(self.max_minutes)[:40]}."
            )
        for name, low, high in (
            ("epochs", 1, MAX_EPOCHS),
            ("steps", 1, 10_000_000),
            ("batch_size", 1, 65_536),
            ("rehearsal", 0.0, MAX_BESIDE),
            ("programmed", 0.0, MAX_BESIDE),
            ("evaluate_every", 1, 1_000_000),
            ("seed", 0, MAX_SEED),
            ("learning_rate", 1e-8, 1.0),
            ("l2", 0.0, 10.0),
            ("average", 0.0, 1.0),
        ):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise UsageError(f"Expected {name.replace('_', ' ')} from {low:,} to {high:,}, got {str(value)[:40]}.")
        if self.rehearsal + self.programmed > MAX_BESIDE:
            raise UsageError(
                f"Expected rehearsal and programmed of at most {MAX_BESIDE} together, "
                f"got {self.rehearsal:g} and {self.programmed:g}."
            )
        if self.precision not in PRECISIONS:
            raise UsageError(f"Expected a precision of {' or '.join(PRECISIONS)}, got {self.precision!r}.")
        if self.device not in ("auto", "cpu", "cuda"):
            raise UsageError(f"Expected a device of auto, cpu or cuda, got {self.device!r}.")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


# How to train a model that goes on from another one: what differs from TrainConfig's defaults.
RECIPE: dict[str, Any] = {
    "steps": 150,
    "batch_size": 64,
    "rehearsal": 0.5,
    "learning_rate": 1.5e-4,
    "evaluate_every": 25,
    "weights": Weights(kl_warmup=0),
}


@dataclass(frozen=True)
class Settings:
    """What a run is asked for, the data apart. One thread is fastest for a model of this size.

    Args:
        folds: to judge the model by, over files; 0 for held-out takes alone, None for what the data wants.

    Raises:
        UsageError: a number out of range.
    """

    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    threads: int = 1
    folds: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.threads <= MAX_THREADS:
            raise UsageError(f"Expected 1 to {MAX_THREADS} threads, got {str(self.threads)[:40]}.")
        if self.folds is not None and self.folds != 0 and not 2 <= self.folds <= MAX_FOLDS:
            raise UsageError(f"Expected 2 to {MAX_FOLDS} folds, or 0 for none, got {str(self.folds)[:40]}.")
