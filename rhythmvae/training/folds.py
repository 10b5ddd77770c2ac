"""The models that a run's figures want, one for each fold: kept on disk until the figures are there.

Figures of a killed process go on from there to the same digits. `NAME.fold0`, `NAME.fold1`, ... beside the
checkpoint each hold the state of a trainer, as `NAME.resume` does, or its best weights alone once it is done.
"""

from __future__ import annotations

import glob
from contextlib import suppress
from pathlib import Path

import safetensors
import safetensors.torch
import torch

from rhythmvae.errors import CheckpointError
from rhythmvae.model.vae import RhythmVAE
from rhythmvae.outputs import whole_file
from rhythmvae.training.trainer import Trainer

_OF = "of"  # in a file's header: what the figures are of


def path_of(checkpoint: Path, fold: int) -> Path:
    """Where the state of a fold lies, counted from 0."""
    return checkpoint.with_name(f"{checkpoint.name}.fold{fold}")


def clear(checkpoint: Path) -> None:
    """Remove what is kept of all folds."""
    for path in checkpoint.parent.glob(f"{glob.escape(checkpoint.name)}.fold*"):
        path.unlink(missing_ok=True)


def trained(trainer: Trainer, path: Path, of: str) -> RhythmVAE:
    """A fold's model, trained to the end, as a checkpoint would keep it.

    Args:
        trainer: that has not begun.
        path: goes on from what is there, if that is of the same work, and leaves there what came of it.
        of: digest of what the figures are of; files of anything else count for nothing.
    """
    with suppress(CheckpointError):  # of other data: it begins anew
        state = _read(path, of)
        if state.keys() == trainer.best.state_dict().keys():
            trainer.best.load_state_dict(state)
            return trainer.best.cpu().float()
        if state:
            trainer.restore(state)
    for progress in trainer.fit():
        if progress.validation is not None:
            _write(path, trainer.state(), of)
    model = trainer.best_so_far().half()
    _write(path, {name: weight.clone() for name, weight in model.state_dict().items()}, of)
    return model.float()


def _read(path: Path, of: str) -> dict[str, torch.Tensor]:
    try:
        with safetensors.safe_open(path, "pt") as file:
            if (file.metadata() or {}).get(_OF) != of:
                return {}
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
    except (safetensors.SafetensorError, OSError, ValueError):
        return {}


def _write(path: Path, state: dict[str, torch.Tensor], of: str) -> None:
    """Where the disk has no room the figures are made all the same; a killed process has to begin the fold anew."""
    with suppress(safetensors.SafetensorError, OSError), whole_file(path) as scratch:
        safetensors.torch.save_file(state, scratch, {_OF: of})
