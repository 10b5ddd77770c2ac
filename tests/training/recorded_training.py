"""`rhythmvae train`, keeping what a checkpoint rounds or leaves out; test_processes.py has torchrun start it.

As a script: DATA FOLDER runs a whole training, one that is interrupted and resumed, one with a
time limit and one that diverges, with the files of each in FOLDER.
"""

from __future__ import annotations

import math
import os
import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from safetensors.torch import save_file

from rhythmvae import cli
from rhythmvae.cli.commands import train
from rhythmvae.training import completion as completion_training
from rhythmvae.training import distributed
from rhythmvae.training import prior as prior_training
from rhythmvae.training.distributed import World
from rhythmvae.training.run import TrainingRun
from rhythmvae.training.trainer import Trainer

N_STEPS = 12
STOP_AT = 5


def recorded(
    world: World,
    data: Path,
    out: Path,
    *options: str,
    finishes: bool = False,
    stop_at: int = 0,
    poisoned: bool = False,
) -> int:
    """The exit status of `train` in the processes given, which torchrun lets join only once.

    OUT.state has the trainer's state, `n_windows`, and for each step the `terms` and the gradient's `norms` (steps,).

    Args:
        finishes: whether a checkpoint is written; that takes the longest.
        stop_at: the step after which the first process gets a Ctrl-C and, soon after, its end.
        poisoned: whether a weight is no number.
    """
    terms: list[list[float]] = []
    norms: list[float] = []
    train_step, finish, clip = Trainer._train_step, TrainingRun.finish, torch.nn.utils.clip_grad_norm_

    def step(trainer: Trainer) -> dict[str, float]:
        if poisoned:
            with torch.no_grad():
                next(trainer.model.decoder.parameters()).fill_(math.nan)
        values = train_step(trainer)
        terms.append(list(values.values()))
        if trainer.step == stop_at and trainer.world.is_main:
            os.kill(os.getpid(), signal.SIGINT)
        return values

    def clipped(*arguments: Any) -> None:  # which hides how large the gradient was
        norms.append(float(clip(*arguments)))

    def keep(run: TrainingRun, *_: Any) -> Any:
        numbers = {"terms": terms, "norms": norms, "n_windows": len(run.trainer.windows)}
        save_file(run.trainer.state() | {name: torch.tensor(n) for name, n in numbers.items()}, f"{out}.state")
        if stop_at:
            raise KeyboardInterrupt
        return finish(run) if finishes else {}

    toy = ["--latent-size", "32", "--width", "16", "--depth", "1", "--epochs", str(N_STEPS), "--json", "--no-judging"]
    toy += ["--learning-rate", "1e-4"]  # Adam makes much of a rounding where a gradient is none
    with (
        mock.patch.object(distributed, "joined", return_value=nullcontext(world)),
        mock.patch.object(Trainer, "_train_step", step),
        mock.patch.object(TrainingRun, "finish", keep),
        mock.patch.object(torch.nn.utils, "clip_grad_norm_", clipped),
        mock.patch.multiple(prior_training, MIN_STEPS=2, MAX_STEPS=2),
        mock.patch.multiple(completion_training, MIN_STEPS=2, MAX_STEPS=2),
        mock.patch.object(train, "print_card"),  # of a file that may not be there
    ):
        return cli.main(["train", str(data), "--out", str(out), *toy, *options])


if __name__ == "__main__":
    data, folder = Path(sys.argv[1]), Path(sys.argv[2])
    with distributed.joined("cpu") as world:
        recorded(world, data, folder / "straight", finishes=True)
        recorded(world, data, folder / "interrupted", stop_at=STOP_AT)
        recorded(world, data, folder / "interrupted", "--resume")
        recorded(world, data, folder / "limited", "--epochs", "1000000", "--max-minutes", "0.005")
        sys.exit(recorded(world, data, folder / "poisoned", poisoned=True))
