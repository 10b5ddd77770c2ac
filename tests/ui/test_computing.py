"""Where heavy work is done, by a pool that is made of a list."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from toys import TOY, model, prior, quantiles

from rhythmvae.data.examples import example
from rhythmvae.model import checkpoint, generate, outline
from rhythmvae.model.card import Card
from rhythmvae.model.checkpoint import Checkpoint
from rhythmvae.model.lent import ModelFile
from rhythmvae.model.outline import Outline
from rhythmvae.ui.session import caches, computing
from rhythmvae.ui.session.computing import Asker
from rhythmvae.ui.session.opened import Opened, whole
from rhythmvae.ui.workers.pool import NoWorkersError
from rhythmvae.ui.workers.wire import Lent, Request


class Asked(list[Request]):
    """What was asked of a pool that has workers, or can have none."""

    def __init__(self, has_workers: bool) -> None:
        self.has_workers = has_workers

    def ask(
        self,
        who: tuple[str, ...],
        request: Request,
        model: Callable[[], Lent],
        look: Any,
        tell: Any,
        *,
        can_wait: bool = False,
    ) -> Any:
        self.append(request)
        self.who, self.can_wait = who, can_wait
        self.look, self.model = look, model
        if not self.has_workers:
            raise NoWorkersError
        return "from a worker"


@pytest.fixture
def toy(tmp_path: Path) -> Opened:
    path = tmp_path / "toy.safetensors"
    checkpoint.save(path, model(TOY), prior(), quantiles(), Card())
    return Opened.of(outline.read(path), ModelFile.of(path.read_bytes()))


def served(monkeypatch: pytest.MonkeyPatch, has_workers: bool) -> Asked:
    pool = Asked(has_workers)
    monkeypatch.setattr(computing, "POOL", pool)
    monkeypatch.setattr(computing, "_is_served", lambda: True)
    return pool


def here(checkpoint: Checkpoint | None, word: str) -> str:
    return f"{word} here {'without' if checkpoint is None else checkpoint.digest}"


def test_a_worker_is_asked_and_gets_the_file_where_it_lacks_the_model(
    monkeypatch: pytest.MonkeyPatch, toy: Opened
) -> None:
    pool = served(monkeypatch, has_workers=True)
    assert computing.computed(here, toy, "made") == "from a worker"
    [request] = pool
    assert (request.function, request.contents, request.args) == (here, toy.contents, ("made",))
    said, file = pool.model()
    assert (type(said), said.contents, file) == (Outline, toy.contents, toy.source)
    computing.computed(here, None, "made")
    assert pool[-1].contents is None


def test_another_asks_where_no_page_runs(monkeypatch: pytest.MonkeyPatch, toy: Opened) -> None:
    pool = served(monkeypatch, has_workers=True)
    asker = Asker(("an address", "a session"), lambda _: None, can_wait=True)
    with computing.asked_by(asker):
        assert computing.computed(here, toy, "made") == "from a worker"
    assert (pool.who, pool.look, pool.can_wait) == (asker.who, asker.look, True)
    computing.computed(here, toy, "made")
    assert not pool.can_wait


def test_what_a_button_asks_for_is_never_outdated(monkeypatch: pytest.MonkeyPatch, toy: Opened) -> None:
    pool = served(monkeypatch, has_workers=True)
    monkeypatch.setattr(computing, "get_script_run_ctx", lambda **_: Context([]))
    monkeypatch.setattr(st, "rerun", lambda scope: pytest.fail("what was pressed would not happen"))
    assert computing.computed_at_any_rate(here, toy, "made") == "from a worker"
    pool.look(False)


def test_a_piece_that_is_begun_is_done_whatever_its_visitor_does(monkeypatch: pytest.MonkeyPatch, toy: Opened) -> None:
    pool, looks = served(monkeypatch, has_workers=True), list[bool]()
    monkeypatch.setattr(computing, "_look", looks.append)
    assert computing.computed_once_begun(here, toy, "made") == "from a worker"
    pool.look(True)
    assert looks == [], "its worker would end with it"
    pool.look(False)
    assert looks == [False]


def test_where_there_are_none_all_is_made_here(monkeypatch: pytest.MonkeyPatch, toy: Opened) -> None:
    pool = served(monkeypatch, has_workers=False)
    assert computing.computed(here, toy, word="made") == f"made here {toy.digest}"
    assert computing.computed(here, None, word="made") == "made here without"
    assert len(pool) == 2


def test_nobody_but_a_server_asks_for_workers(monkeypatch: pytest.MonkeyPatch, toy: Opened) -> None:
    pool = Asked(has_workers=True)
    monkeypatch.setattr(computing, "POOL", pool)
    groove = example("disco")
    [made] = caches.variations(groove, caches.Settings(seed=5), toy)
    assert made.groove == generate.vary(whole(toy), groove, amount=0.4, seed=5)[0].groove
    assert not pool


@pytest.mark.parametrize(("text", "n"), [("", 2), ("0", 0), ("3", 3), ("many", 2), ("99", 16)])
def test_a_host_says_how_many(monkeypatch: pytest.MonkeyPatch, text: str, n: int) -> None:
    monkeypatch.setitem(os.environ, computing.SETTING, text)
    assert computing._n_workers() == n


class Context:
    """A run of a page for which a newer gesture has come."""

    session_id = "session"

    def __init__(self, fragments: list[str]) -> None:
        self.fragment_ids_this_run = fragments
        self.script_requests = type("Requests", (), {"_state": type("State", (), {"name": "RERUN"})})


@pytest.mark.parametrize(("fragments", "scope"), [(["stage"], "fragment"), ([], "app")])
def test_what_is_outdated_runs_anew_unless_it_is_computed(
    monkeypatch: pytest.MonkeyPatch, fragments: list[str], scope: str
) -> None:
    scopes: list[str] = []
    monkeypatch.setattr(computing, "get_script_run_ctx", lambda **_: Context(fragments))
    monkeypatch.setattr(st, "rerun", lambda scope: scopes.append(scope))
    computing._look(True)
    assert scopes == []
    computing._look(False)
    assert scopes == [scope]


def test_streamlit_says_there_what_was_asked() -> None:
    from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests

    requests = ScriptRequests()
    assert not computing._is_asked_anew(requests)
    requests.request_rerun(RerunData(fragment_id="stage"))
    assert computing._is_asked_anew(requests)
