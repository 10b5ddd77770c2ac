"""A worker's life, led by a thread of this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from toys import checkpoint_file

from rhythmvae.model import checkpoint
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.ui.workers import zygote
from rhythmvae.ui.workers.wire import Answer, Request, Wanted, receive, send


def digest(model: Checkpoint) -> str:
    return model.contents


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    found: Path = checkpoint_file(tmp_path_factory.mktemp("model") / "own")
    return found.read_bytes()


@pytest.fixture
def wire() -> Iterator[Connection]:
    ours, theirs = Pipe()
    worker = threading.Thread(target=zygote.work, args=(theirs, zygote.Models(checkpoint.load())))
    worker.start()
    yield ours
    ours.close()
    worker.join(60)
    assert not worker.is_alive()


def asked(wire: Connection, request: Request) -> Any:
    send(wire, request)
    return receive(wire)


def test_a_model_of_ones_own_is_asked_for_once(wire: Connection, file: bytes) -> None:
    own = checkpoint.loads(file, "own").contents
    request = Request(digest, own)
    assert asked(wire, request) == Wanted()
    assert asked(wire, replace(request, data=file)) == Answer(own)
    assert [asked(wire, request) for _ in range(4)] == [Answer(own)] * 4


def test_a_worker_that_holds_more_says_that_it_ends(wire: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    request = Request(digest, checkpoint.load().contents)
    assert asked(wire, request) == Answer(request.contents)
    monkeypatch.setattr(zygote, "GROWN_MB", -1e6)
    assert asked(wire, request) == Answer(request.contents, is_last=True)
