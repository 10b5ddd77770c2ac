"""A visitor's model as processes lend it to each other: a file without a name, by its descriptor.

Needs no torch, and no process holds what it holds: `mapped` has the system show it to those who compute with it.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import weakref

from rhythmvae.errors import CheckpointError

NO_ROOM = "The server has no room for this model just now; try again in a few minutes."


class ModelFile:
    """A checkpoint's bytes; behind them may stand its weights as they are computed with.

    The file goes with the last process that holds it, whatever becomes of the others.

    Args:
        descriptor: of the file, closed with this.
        n_bytes: of the checkpoint, which begins at 0.
        has_weights: whether they stand at `weights_at`.
    """

    def __init__(self, descriptor: int, n_bytes: int, has_weights: bool = False) -> None:
        self.descriptor, self.n_bytes, self.has_weights = descriptor, n_bytes, has_weights
        weakref.finalize(self, os.close, descriptor)

    @classmethod
    def of(cls, data: bytes) -> ModelFile:
        """A new one.

        Raises:
            CheckpointError: the disk has no room for it.
        """
        try:
            with tempfile.TemporaryFile(prefix="rhythmvae-model-") as file:
                file.write(data)
                file.flush()
                return cls(os.dup(file.fileno()), len(data))
        except OSError as error:
            raise CheckpointError(NO_ROOM) from error

    @property
    def weights_at(self) -> int:
        """The first place behind the checkpoint that the system can map."""
        return -(-self.n_bytes // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY

    def read(self) -> bytes:
        """The checkpoint, as it came."""
        if not self.n_bytes:  # which no system maps
            return b""
        with mmap.mmap(self.descriptor, self.n_bytes, access=mmap.ACCESS_READ) as mapped:
            return mapped[:]
