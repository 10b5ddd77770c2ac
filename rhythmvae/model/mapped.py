"""A model whose weights the system shows to all processes that compute with it, and holds once.

A checkpoint keeps weights in half precision; in single precision, as they are computed with, they are twice its size in
each process that reads it. Here the process that looks at a file first puts them behind it, and others map them.
"""

from __future__ import annotations

import math
import mmap
import os
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from rhythmvae.model import checkpoint
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.lent import ModelFile
from rhythmvae.model.outline import Outline

ALIGNED = 64  # bytes, as torch's own memory: what is computed is the same to the last bit
_FLOAT = 4  # bytes


def put(found: Checkpoint, file: ModelFile) -> bool:
    """Put the weights of what is in a file behind it, for `opened`. Whether there was room for them on the disk."""
    if not hasattr(os, "pwrite"):  # Windows, where nobody else computes with it
        return False
    try:
        for tensor, at in _placed(_parts(found)):
            _write(file.descriptor, tensor.contiguous().numpy().tobytes(), file.weights_at + at)
        os.ftruncate(file.descriptor, file.weights_at + size_of(found))  # up to the last place of an empty end, too
    except OSError:
        os.ftruncate(file.descriptor, file.n_bytes)
        return False
    return True


def opened(said: Outline, file: ModelFile) -> Checkpoint:
    """The model in a file that has been looked at.

    Args:
        said: what its outline is.

    Raises:
        CheckpointError: the weights are not behind it, and the file is none of a model.
    """
    if not file.has_weights:
        return checkpoint.loads(file.read(), "the model")
    model, prior, completion = checkpoint.described(said.card, "the model")
    parts = [part for part in (model, prior, completion) if part is not None]
    length = sum(_room(tensor) for part in parts for tensor in part.state_dict().values())
    # What is written to it, if anything ever is, stays this process's own.
    shown = mmap.mmap(file.descriptor, length, access=mmap.ACCESS_COPY, offset=file.weights_at)
    at = 0
    for part in parts:
        state: dict[str, Tensor] = {}
        for name, like in part.state_dict().items():
            state[name] = torch.frombuffer(shown, dtype=torch.float32, count=like.numel(), offset=at).view(like.shape)
            at += _room(like)
        part.load_state_dict(state, strict=True, assign=True)
    checkpoint.make_ready(model, prior, completion)
    return Checkpoint(model, prior, said.quantiles, said.card, said.digest, said.contents, said.latent_map, completion)


def size_of(found: Checkpoint) -> int:
    """Bytes of a model's weights as they are mapped."""
    return sum(_room(tensor) for part in _parts(found) for tensor in part.state_dict().values())


def _parts(found: Checkpoint) -> list[nn.Module]:
    return [part for part in (found.model, found.own_prior, found.own_completion) if part is not None]


def _placed(parts: list[nn.Module]) -> Iterator[tuple[Tensor, int]]:
    """Every weight, and where it stands."""
    at = 0
    for part in parts:
        for tensor in part.state_dict().values():
            yield tensor, at
            at += _room(tensor)


def _room(tensor: Tensor) -> int:
    """Bytes until the next."""
    return math.ceil(tensor.numel() * _FLOAT / ALIGNED) * ALIGNED


def _write(descriptor: int, data: bytes, at: int) -> None:
    left = memoryview(data)
    while left:
        n = os.pwrite(descriptor, left, at)
        left, at = left[n:], at + n
