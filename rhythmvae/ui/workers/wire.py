"""What goes between the pages' process and its workers: pickles, over pipes that nobody else can reach.

Arrays travel beside the pickle and come out read-only, as what is kept for all visitors has to be.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any


@dataclass(frozen=True)
class Request:
    """`function(checkpoint, *args, **named)` with the model of these contents, or with None.

    tells: whether the function takes `on_progress`, whose calls are passed on.
    data: the model's file, where the worker has said that it lacks it.
    """

    function: Callable[..., Any]
    contents: str | None
    args: Sequence[Any] = ()
    named: Mapping[str, Any] = field(default_factory=dict)
    tells: bool = False
    data: bytes | None = None


@dataclass(frozen=True)
class Wanted:
    """The worker lacks the model: send the request again with its file."""


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


def send(wire: Connection, what: Any) -> None:
    """Raises OSError where nobody listens any more."""
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(what, protocol=5, buffer_callback=buffers.append)
    wire.send_bytes(pickle.dumps((data, [bytes(buffer) for buffer in buffers])))


def receive(wire: Connection) -> Any:
    """Raises EOFError or OSError where nobody speaks any more."""
    data, buffers = pickle.loads(wire.recv_bytes())
    return pickle.loads(data, buffers=buffers)
