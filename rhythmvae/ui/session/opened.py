"""A model as pages have it: what its file says, and where the file is. The network is where it is computed with.

torch takes 130 MB and seconds to begin: with workers it is in their process alone, and the pages' has none of it.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from rhythmvae.model import outline
from rhythmvae.model.card import SHIPPED
from rhythmvae.model.lent import ModelFile
from rhythmvae.model.outline import Outline
from rhythmvae.ui.shared import kept

if TYPE_CHECKING:
    from rhythmvae.model.checkpoint import Checkpoint


@dataclass(frozen=True, eq=False)
class Opened(Outline):
    """An outline with its file: one without a name, or the path of one that stays."""

    source: ModelFile | Path = SHIPPED

    @classmethod
    def of(cls, said: Outline, source: ModelFile | Path) -> Opened:
        """An outline of what lies at `source`."""
        return cls(**{field.name: getattr(said, field.name) for field in fields(Outline)}, source=source)

    def file(self) -> bytes:
        """What the visitor takes home: the same bytes that it was opened from."""
        return self.source.read_bytes() if isinstance(self.source, Path) else self.source.read()

    def lent(self) -> tuple[Outline, ModelFile]:
        """For a process that lacks it."""
        said = Outline(**{field.name: getattr(self, field.name) for field in fields(Outline)})
        return said, ModelFile.of(self.file()) if isinstance(self.source, Path) else self.source


@kept()
def shipped() -> Opened:
    """The model that comes with the app.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    return Opened.of(outline.read(SHIPPED), SHIPPED)


def whole(model: Opened) -> Checkpoint:
    """A model with its network, in this process: where there are no workers.

    Raises:
        CheckpointError: its file is damaged.
    """
    return _shipped_whole() if model.source == SHIPPED else _own_whole(model.contents, model)


@kept()
def _shipped_whole() -> Checkpoint:
    from rhythmvae.model import checkpoint

    _one_thread()
    loaded = checkpoint.load(SHIPPED)
    # What torch brings stays. Passed over, it costs the garbage collector nothing; else a third of a second each time.
    gc.collect()
    gc.freeze()
    return loaded


@kept(max_entries=2)
def _own_whole(contents: str, _model: Opened) -> Checkpoint:
    from rhythmvae.model import mapped

    _one_thread()
    return mapped.opened(*_model.lent())


def _one_thread() -> None:
    # A groove is little work, and the threads of a busy machine mostly wait for each
    # other: a pattern takes 5 ms on one thread, up to 500 ms on two.
    import torch

    torch.set_num_threads(1)
