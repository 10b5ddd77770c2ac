"""What goes between the pages' process and its workers: pickles, over pipes that nobody else can reach.

Arrays travel beside the pickle and come out read-only, as what is kept for all visitors has to be. The files of models
do not travel: the other side gets their descriptors.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import reduction
from multiprocessing.connection import Connection
from typing import Any

from rhythmvae.model.lent import ModelFile
from rhythmvae.model.outline import Outline

Lent = tuple[Outline, ModelFile]  # a model for a worker that lacks it


@dataclass(frozen=True)
class Request:
    """`function(checkpoint, *args, **named)` with the model of these contents, or with None.

    tells: whether the function takes `on_progress`, whose calls are passed on.
    model: where the worker has said that it lacks it.
    """

    function: Callable[..., Any]
    contents: str | None
    args: Sequence[Any] = ()
    named: Mapping[str, Any] = field(default_factory=dict)
    tells: bool = False
    model: Lent | None = None


@dataclass(frozen=True)
class Wanted:
    """The worker lacks the model: send the request again with it."""


@dataclass(frozen=True)
class Progress:
    done: int
    of: int


@dataclass(frozen=True)
class Answer:
    """What came of it, or the error. `is_last`: the worker has grown and ends, another takes its place."""

    value: Any = None
    error: Exception | None = None
    is_last: bool = False


class _Pickler(pickle.Pickler):
    """Puts the descriptors of files aside."""

    def __init__(self, file: io.BytesIO, buffers: list[pickle.PickleBuffer]) -> None:
        super().__init__(file, protocol=5, buffer_callback=buffers.append)
        self.descriptors: list[int] = []

    def persistent_id(self, what: Any) -> tuple[int, int, bool] | None:
        if not isinstance(what, ModelFile):
            return None
        self.descriptors.append(what.descriptor)
        return len(self.descriptors) - 1, what.n_bytes, what.has_weights


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, buffers: Sequence[bytes], descriptors: Sequence[int]) -> None:
        super().__init__(io.BytesIO(data), buffers=buffers)
        self._descriptors = descriptors

    def persistent_load(self, pid: tuple[int, int, bool]) -> ModelFile:
        return ModelFile(self._descriptors[pid[0]], *pid[1:])


def send(wire: Connection, what: Any) -> None:
    """Raises OSError where nobody listens any more."""
    buffers: list[pickle.PickleBuffer] = []
    out = io.BytesIO()
    pickler = _Pickler(out, buffers)
    pickler.dump(what)
    wire.send_bytes(pickle.dumps((out.getvalue(), [bytes(buffer) for buffer in buffers], len(pickler.descriptors))))
    for descriptor in pickler.descriptors:
        reduction.send_handle(wire, descriptor, None)


def receive(wire: Connection) -> Any:
    """Raises EOFError or OSError where nobody speaks any more."""
    data, buffers, n_files = pickle.loads(wire.recv_bytes())
    return _Unpickler(data, buffers, [reduction.recv_handle(wire) for _ in range(n_files)]).load()
