"""The server as Streamlit's `st.App` takes it: routes, bounds, and what is done as it starts and ends."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.middleware import Middleware
from starlette.routing import Route
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from rhythmvae import __version__
from rhythmvae.ui.parts import training
from rhythmvae.ui.server import arrival, health, lanes, log, memory, preview
from rhythmvae.ui.server.addresses import FIRST, AddressMiddleware, lead_to_first
from rhythmvae.ui.server.base import prefix
from rhythmvae.ui.server.bounds import BoundsMiddleware
from rhythmvae.ui.server.early import EarlyMiddleware
from rhythmvae.ui.server.headers import HeadersMiddleware
from rhythmvae.ui.server.left import LeftPageMiddleware
from rhythmvae.ui.server.packed import PackedMiddleware
from rhythmvae.ui.session.arrival import ARRIVALS
from rhythmvae.ui.session.computing import POOL

_LOG = logging.getLogger(__name__)


def is_visited() -> bool:
    """Whether the script runs for a visitor, and not because a server looks for what to start."""
    return get_script_run_ctx(suppress_warning=True) is not None


@asynccontextmanager
async def lifespan(_: Any) -> AsyncIterator[None]:
    log.set_up()
    memory.set_up()
    # Else the first session of a server is sent a list of all files in pages/, before app.py says which pages there
    # are: that session may be a reviewer's.
    PagesManager.uses_pages_directory = False
    _LOG.info("rhythmvae %s is open", __version__)
    training.begin_with_server()
    ARRIVALS.is_open = True
    POOL.begin()  # the first visitor's page need not wait for torch, but what is computed for it does
    yield
    training.end_with_server()  # at SIGTERM no function of atexit is called any more
    _LOG.info("rhythmvae is closed")


def parts() -> dict[str, Any]:
    """What `st.App` is given beside its script."""
    before = prefix()
    return {
        "routes": [
            *(Route(path, health.answer) for path in dict.fromkeys([health.PATH, before + health.PATH])),
            Route(before + lanes.ROUTE, lanes.answer),
            Route(before + arrival.ROUTE, arrival.answer),
            Route(before + preview.PICTURE, preview.answer_picture),
            Route(before + FIRST, lead_to_first),
            *(Route(before + path, preview.answer_page) for path in preview.addresses()),
            *([Route(before, preview.answer_page)] if before else []),
        ],
        "middleware": [
            Middleware(of)
            for of in (
                HeadersMiddleware,
                BoundsMiddleware,
                AddressMiddleware,
                PackedMiddleware,
                EarlyMiddleware,
                LeftPageMiddleware,
            )
        ],
        "lifespan": lifespan,
    }
