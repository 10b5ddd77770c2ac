"""How the server is, for whoever runs it: `/health`, as JSON."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from rhythmvae import __version__
from rhythmvae.errors import StoreError
from rhythmvae.ui.parts import training
from rhythmvae.ui.server import bounds
from rhythmvae.ui.session import computing
from rhythmvae.ui.session.opened import shipped

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import JSONResponse

PATH = "/health"
LEAST_DISK_MB = 200  # below, a training run cannot write its model
MOST_MEMORY_MB = 950  # of a machine with 1 GB
_MB = 1 << 20
_STARTED = time.monotonic()


def health() -> dict[str, Any]:
    """What stands there; docs/hosting.md says what each value is."""
    pool = computing.POOL.state()
    queue = _queue()
    memory, free = _memory_mb(os.getpid()), round(shutil.disk_usage(tempfile.gettempdir()).free / _MB)
    wants = [
        *([f"memory: {memory} MB of {MOST_MEMORY_MB}"] if memory > MOST_MEMORY_MB else []),
        *(["database: it does not answer"] if queue["running"] is None else []),
        *([f"disk: {free} MB left, {LEAST_DISK_MB} are needed"] if free < LEAST_DISK_MB else []),
    ]
    return {
        "status": "wanting" if wants else "well",
        "wants": wants,
        "version": __version__,
        "model": _model_digest(),
        "seconds": round(time.monotonic() - _STARTED),
        "sessions": bounds.n_sessions(),
        "training": queue,
        "workers": {
            "busy": len(pool.doing),
            "idle": pool.n_idle,
            "doing": sorted(pool.doing),
            "waiting": pool.n_waiting,
            "memory_mb": 0 if pool.zygote is None else _memory_mb(pool.zygote),
        },
        "memory_mb": memory,
        "disk_free_mb": free,
    }


async def answer(_: Request) -> JSONResponse:
    """`/health`: status 200 where all is well, 503 where something is wanting."""
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import JSONResponse

    found = await run_in_threadpool(health)
    return JSONResponse(found, 503 if found["wants"] else 200, {"Cache-Control": "no-store"})


def _memory_mb(pid: int) -> int:
    """Of a process and those it started; what they share counts once where the system tells (Linux)."""
    import psutil

    total = 0
    with suppress(psutil.Error):
        own = psutil.Process(pid)
        for process in (own, *own.children(recursive=True)):
            with suppress(psutil.Error):  # it has ended meanwhile
                info = process.memory_full_info()
                total += getattr(info, "pss", None) or info.rss
    return round(total / _MB)


def _queue() -> dict[str, int | None]:
    """None where the database that knows does not answer."""
    try:
        running, waiting = training.jobs().counts()
    except StoreError:
        return {"running": None, "waiting": None}
    return {"running": running, "waiting": waiting}


def _model_digest() -> str | None:
    """Of the shipped model; None before the first visitor has had it read."""
    return shipped().digest if len(shipped) else None
