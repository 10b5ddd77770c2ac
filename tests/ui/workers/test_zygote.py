"""A worker's life, led by a thread of this process."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

import pytest
from toys import checkpoint_of, model

from rhythmvae.model import checkpoint, mapped
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.lent import ModelFile
from rhythmvae.ui.workers import tasks, zygote
from rhythmvae.ui.workers.wire import Answer, Lent, Request, Wanted, receive, send


def digest(model: Checkpoint) -> str:
    return model.contents


@pytest.fixture(scope="module")
def lend(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Lent]:
    """A model of one's own, as a worker has looked at it; others by other numbers."""
    folder = tmp_path_factory.mktemp("models")

    def lent(seed: int) -> Lent:
        replace(checkpoint_of(), model=model(seed=seed)).write(folder / "own")
        file = ModelFile.of((folder / "own").read_bytes())
        said, file.has_weights = tasks.outline(None, file, "own")
        return said, file

    return lent


@pytest.fixture
def models() -> zygote.Models:
    return zygote.Models(checkpoint.load())


@pytest.fixture
def wire(models: zygote.Models) -> Iterator[Connection]:
    ours, theirs = Pipe()
    worker = threading.Thread(target=zygote.work, args=(theirs, models))
    worker.start()
    yield ours
    ours.close()
    worker.join(60)
    assert not worker.is_alive()


def asked(wire: Connection, request: Request) -> Any:
    send(wire, request)
    return receive(wire)


def test_a_model_of_ones_own_is_asked_for_once(wire: Connection, lend: Callable[[int], Lent]) -> None:
    said, file = lend(0)
    request = Request(digest, said.contents)
    assert asked(wire, request) == Wanted()
    assert asked(wire, replace(request, model=(said, file))) == Answer(said.contents)
    assert [asked(wire, request) for _ in range(4)] == [Answer(said.contents)] * 4


def test_a_worker_keeps_few_models_and_none_while_nobody_asks(
    wire: Connection, models: zygote.Models, lend: Callable[[int], Lent], monkeypatch: pytest.MonkeyPatch
) -> None:
    lent = [lend(seed) for seed in range(4)]
    size = mapped.size_of(mapped.opened(*lent[0]))
    monkeypatch.setattr(zygote, "OWN_BYTES", 2 * size)
    monkeypatch.setattr(zygote, "REST_SECONDS", 60.0)  # from the next request on
    for said, file in lent:
        assert asked(wire, Request(digest, said.contents, model=(said, file))) == Answer(said.contents)
    assert len(models) == 2
    assert asked(wire, Request(digest, lent[2][0].contents)) == Answer(lent[2][0].contents)  # now the one used last
    assert asked(wire, Request(digest, lent[0][0].contents)) == Wanted()
    monkeypatch.setattr(zygote, "OWN_BYTES", 0)
    assert asked(wire, Request(digest, lent[3][0].contents)) == Answer(lent[3][0].contents)
    assert len(models) == 1, "the one that is computed with"
    monkeypatch.setattr(zygote, "REST_SECONDS", 0.0)
    assert asked(wire, Request(digest, lent[3][0].contents)) == Answer(lent[3][0].contents)
    end = time.monotonic() + 60
    while len(models):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert asked(wire, Request(digest, lent[3][0].contents)) == Wanted()


def test_files_go_along_by_their_descriptors_and_close_with_who_has_them(lend: Callable[[int], Lent]) -> None:
    said, file = lend(0)
    ours, theirs = Pipe()
    send(ours, Request(digest, said.contents, (file,), model=(said, file)))
    send(ours, "what comes after them")
    got = receive(theirs)
    assert receive(theirs) == "what comes after them"
    [one], (_, other) = got.args, got.model
    assert len({file.descriptor, one.descriptor, other.descriptor}) == 3
    assert one.read() == other.read() == file.read()
    assert (one.has_weights, other.n_bytes) == (True, file.n_bytes)
    descriptors = [one.descriptor, other.descriptor]
    del got, one, other
    for descriptor in descriptors:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)
    assert file.read()


def test_who_makes_way_for_the_pages_does_so_once_it_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before that they wait for it: beside other work it had not come after three minutes."""
    did: list[object] = []
    monkeypatch.setattr(os, "nice", did.append)
    monkeypatch.setattr(zygote, "_ready", lambda: did.append("ready"))
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # this process is none
    ours, theirs = socket.socketpair()
    with ours:
        ours.shutdown(socket.SHUT_WR)  # the server is gone
        zygote.main(theirs.detach())
        assert ours.recv(1) == zygote.READY
    assert did == ["ready", zygote.NICE]


def test_a_worker_that_holds_more_says_that_it_ends(wire: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    request = Request(digest, checkpoint.load().contents)
    assert asked(wire, request) == Answer(request.contents)
    monkeypatch.setattr(zygote, "GROWN_MB", -1e6)
    assert asked(wire, request) == Answer(request.contents, is_last=True)
