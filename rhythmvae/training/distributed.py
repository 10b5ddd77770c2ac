"""The processes that train one model together: this one alone, or those that `torchrun` started.

PyTorch's own engine does the work: `torchrun` starts the processes, DistributedDataParallel
averages their gradients. Every process draws the same batch and computes its own rows of it
(B of the whole batch, B' of them here). The first process alone decides when to stop,
validates, speaks and writes.

Alone, nothing here communicates and no process group exists.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from rhythmvae.errors import RhythmVAEError, UsageError

PATIENCE = timedelta(hours=2)  # the others wait while the first reads and validates; torchrun ends them if it dies


@dataclass(frozen=True)
class World:
    """This process among those of a run.

    Args:
        device: where this one computes.
        rank: its number, from 0.
        size: how many there are.
        is_group: whether a process group joins them.
    """

    device: torch.device
    rank: int = 0
    size: int = 1
    is_group: bool = False

    @classmethod
    def single(cls, device: str) -> World:
        """The usual case. `device` is "cpu", "cuda", or "auto" for a GPU where there is one."""
        return cls(torch.device("cuda" if _wants_gpu(device) else "cpu"))

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    # -- the work of a step ----------------------------------------------------

    def shared(self, module: nn.Module) -> nn.Module:
        """`module` with the first process's parameters, and gradients that are the mean of everyone's."""
        # Buffers follow the whole batch in every process, so none need to be sent.
        return DistributedDataParallel(module, forward_sync_buffers=False) if self.is_group else module

    def rows(self, n_rows: int) -> slice:
        """This process's rows out of B; they differ by one at most between processes."""
        return slice(n_rows * self.rank // self.size, n_rows * (self.rank + 1) // self.size)

    def all_gather(self, own: Tensor, n_rows: int) -> Tensor:
        """The rows of all processes, (B, ...), from this one's, (B', ...); only its own carry gradients."""
        if not self.is_group:
            return own
        rows = self.rows(n_rows)
        whole = own.new_zeros(n_rows, *own.shape[1:])
        whole[rows] = own.detach()
        torch.distributed.all_reduce(whole)  # a sum in which each row is zero but for its owner
        return torch.cat([whole[: rows.start], own, whole[rows.stop :]])

    # -- acting as one ---------------------------------------------------------

    def broadcast(self, *values: float) -> list[float]:
        """What the first process says, in every process."""
        if not self.is_group:
            return list(values)
        said = torch.tensor(values, dtype=torch.float64, device=self.device)
        torch.distributed.broadcast(said, src=0)
        numbers: list[float] = said.tolist()
        return numbers

    @contextmanager
    def main_first(self) -> Iterator[None]:
        """Run a block in the first process, then in the others, which find its cache; an error ends all of them.

        It is said by the process it happened in; those waiting end without a word.
        """
        if not self.is_main:
            self._meet(failed=False)
        try:
            yield
        except BaseException:
            self._meet(failed=True)
            raise
        self._meet(failed=False)
        if self.is_main:
            self._meet(failed=False)

    def _meet(self, failed: bool) -> None:
        if self.is_group:
            n_failed = torch.tensor(float(failed), device=self.device)
            torch.distributed.all_reduce(n_failed)
            if n_failed and not failed:
                raise SystemExit(2)

    def common(self, error: RhythmVAEError) -> BaseException:
        """What to raise for an error that every process has met: the first says it, the others only end."""
        return error if self.is_main else SystemExit(2)

    @contextmanager
    def holding_interrupts(self) -> Iterator[Callable[[], bool]]:
        """Hold Ctrl-C back in a group, or one process might leave while the others wait for it.

        Yields a function that tells whether it was pressed.
        """
        if not self.is_group:
            yield lambda: False
            return
        pressed: list[int] = []
        before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
        try:
            yield lambda: bool(pressed)
        finally:
            signal.signal(signal.SIGINT, before)


@contextmanager
def joined(device: str) -> Iterator[World]:
    """The processes of this run: one, or, where `torchrun` started this one, a group for as long as this lasts.

    A group can join once only: PyTorch finds its members by what the first time left behind.

    Raises:
        UsageError: more processes than GPUs.
    """
    if not (torch.distributed.is_available() and torch.distributed.is_torchelastic_launched()):
        yield World.single(device)
        return
    own = torch.device("cpu")
    if _wants_gpu(device):
        n_processes, n_gpus = int(os.environ["LOCAL_WORLD_SIZE"]), torch.cuda.device_count()
        if n_processes > n_gpus:
            raise UsageError(
                f"Expected a GPU for each process, got {n_processes} processes for {n_gpus}; start no more than that."
            )
        own = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(own)
    torch.distributed.init_process_group("nccl" if own.type == "cuda" else "gloo", timeout=PATIENCE)
    yield World(own, torch.distributed.get_rank(), torch.distributed.get_world_size(), is_group=True)
    # Not after an error: others may be waiting for this process, and its end is what tells them.
    torch.distributed.destroy_process_group()


def _wants_gpu(device: str) -> bool:
    return device == "cuda" or (device == "auto" and torch.cuda.is_available())
