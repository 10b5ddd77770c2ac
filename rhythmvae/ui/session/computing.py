"""Where heavy work is done: by a worker beside the pages where there is one, else here. What comes is the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from rhythmvae.data.corpus import OnProgress
from rhythmvae.ui.session import visitor
from rhythmvae.ui.session.opened import Opened, whole
from rhythmvae.ui.workers.line import Who
from rhythmvae.ui.workers.pool import N_WORKERS, NoWorkersError, Pool
from rhythmvae.ui.workers.turns import Turns
from rhythmvae.ui.workers.wire import Lent, Request

if TYPE_CHECKING:
    from rhythmvae.model.checkpoint import Checkpoint

P = ParamSpec("P")
R = TypeVar("R")

SETTING = "RHYTHMVAE_WORKERS"  # of the environment: how many, 0 for none


def _n_workers() -> int:
    text = os.environ.get(SETTING, "")
    return min(int(text), 16) if text.isdecimal() and len(text) < 4 else N_WORKERS


_ANY = "any key"


@dataclass(frozen=True)
class Asker:
    """Who asks where no page runs, as `Pool.ask` takes it."""

    who: Who
    look: Callable[[bool], None]
    can_wait: bool


_ASKER: ContextVar[Asker | None] = ContextVar("who asks", default=None)
POOL, TURNS = Pool(_n_workers()), Turns()


def computed(
    function: Callable[Concatenate[Checkpoint, P], R], model: Opened | None, *args: P.args, **named: P.kwargs
) -> R:
    """What `function(checkpoint, ...)` gives. Where the visitor has moved on before it is begun, the page runs anew.

    Args:
        function: of a module that needs no Streamlit, such as `workers.tasks`. One that takes `on_progress` is asked
            with it by name.
        model: None for a function that looks at none.

    Raises:
        NoAnswerError: workers died over it.
        Exception: what the function raises.
    """
    return _computed(_look, function, model, *args, **named)


def computed_at_any_rate(
    function: Callable[Concatenate[Checkpoint, P], R], model: Opened | None, *args: P.args, **named: P.kwargs
) -> R:
    """As `computed`, whatever the visitor does meanwhile: for what a button calls, which would else not happen."""
    return _computed(_nothing, function, model, *args, **named)


def computed_once_begun(
    function: Callable[Concatenate[Checkpoint, P], R], model: Opened | None, *args: P.args, **named: P.kwargs
) -> R:
    """As `computed`, but what is begun is done to its end: for pieces of a twentieth of a second, which are sooner done
    than a worker is replaced that was ended over one."""
    return _computed(_look_before, function, model, *args, **named)


@contextmanager
def asked_by(asker: Asker) -> Iterator[None]:
    """Within, what is computed is computed for `asker`: no page runs in this thread."""
    token = _ASKER.set(asker)
    try:
        yield
    finally:
        _ASKER.reset(token)


def end_if_outdated() -> None:
    """Ends this run of the page, or of a part of it, where the visitor has moved on: for what works piece by piece."""
    if _is_served():
        _look(False)


def _computed(
    look: Callable[[bool], None],
    function: Callable[Concatenate[Checkpoint, P], R],
    model: Opened | None,
    *args: P.args,
    **named: P.kwargs,
) -> R:
    is_served = _is_served()
    asker = _ASKER.get()
    if asker is None and is_served:
        asker = Asker(who(), look, can_wait=False)
    if asker is not None:
        told = dict(named)
        tell: OnProgress | None = told.pop("on_progress", None)  # type: ignore[assignment]
        request = Request(function, model.contents if model else None, args, told, tells=tell is not None)
        try:
            made: R = POOL.ask(
                asker.who,
                request,
                model.lent if model else _no_model,
                asker.look,
                tell or _nothing,
                can_wait=asker.can_wait,
            )
            return made
        except NoWorkersError:
            pass
    if asker is None or "on_progress" in named:  # half a minute: nobody's slider waits for that
        return function(_whole(model), *args, **named)
    with TURNS.turn(asker.who, asker.look):
        return function(_whole(model), *args, **named)


def _whole(model: Opened | None) -> Checkpoint:
    return whole(model) if model else None  # type: ignore[return-value]  # what needs none is not given any


def _no_model() -> Lent:
    raise AssertionError  # a worker asks for none where it is told of none


def _nothing(*_: object) -> None:
    pass


def _is_served() -> bool:
    """Whether this is a server with visitors, and no test of a page."""
    return runtime.exists() and type(runtime.get_instance()) is runtime.Runtime


def who() -> Who:
    """The visitor whose page runs: by address, where the server is told one, by the cookie of those who train, and by
    session."""
    context = get_script_run_ctx(suppress_warning=True)
    session = "" if context is None else context.session_id
    return st.context.ip_address or "", visitor.known() or session, session


def _look(is_running: bool) -> None:
    """Ends this run of the page where it is outdated: what it asked for is never begun.

    A gesture within a fragment lets the run before it go on to its end, says Streamlit; its state has come, though.
    """
    _ = _ANY in st.session_state  # where Streamlit ends a run whose page is to run anew, or was closed
    context = get_script_run_ctx(suppress_warning=True)
    if not is_running and context is not None and _is_asked_anew(context.script_requests):
        st.rerun(scope="fragment" if context.fragment_ids_this_run else "app")


def _look_before(is_running: bool) -> None:
    if not is_running:
        _look(False)


def _is_asked_anew(requests: object) -> bool:
    # Streamlit has no public way to ask; where another version keeps it elsewhere, outdated runs go on to their end.
    return getattr(getattr(requests, "_state", None), "name", "") == "RERUN"
