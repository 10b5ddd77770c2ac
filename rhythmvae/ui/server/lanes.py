"""`/lane/TOKEN/SLIDER`: what lies under a hand, for a browser that has the token from its page (session/lanes.py).

With `?at=83` the exact answer at that percentile, with `?coarse` a lane for the first moment, with `?ahead` what may
wait for everything else. Who goes away before it is begun has it not computed.
"""

from __future__ import annotations

import asyncio
import gzip
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response

from rhythmvae.errors import RhythmVAEError
from rhythmvae.ui.session import lanes
from rhythmvae.ui.session.computing import Asker, asked_by
from rhythmvae.ui.session.lanes import STANDS, Stand

if TYPE_CHECKING:
    from starlette.requests import Request

ROUTE = lanes.PATH + "/{token}/{name}"
# Each waits for a worker. What may wait has threads of its own, or it would hold those that hands need.
N_THREADS, N_AHEAD_THREADS = 32, 4
MOST, MOST_AHEAD = 96, 32  # requests at a time; the others are told to come again
LOOK_SECONDS = 0.05
_PERCENT = re.compile("[0-9]{1,3}")
_threads: dict[bool, ThreadPoolExecutor] = {}
_n_open: Counter[bool] = Counter()


class _GoneError(Exception):
    """Nobody waits for the answer any more."""


class _YieldsError(Exception):
    """A hand wants the same now, and would wait as long as what may wait."""


class Wanted:
    """Lanes that a hand waits for. Safe for threads."""

    def __init__(self) -> None:
        self._lock, self._n = Lock(), Counter[str]()

    @contextmanager
    def by_hand(self, base: str) -> Iterator[None]:
        with self._lock:
            self._n[base] += 1
        try:
            yield
        finally:
            with self._lock:
                self._n[base] -= 1
                if not self._n[base]:
                    del self._n[base]

    def __contains__(self, base: str) -> bool:
        return base in self._n


_WANTED = Wanted()


@dataclass(frozen=True)
class _Asked:
    """Of an address: a slider, a percentile of it or none for its lane, and how much is wanted at once."""

    stand: Stand
    name: str
    at: int | None
    is_coarse: bool
    is_ahead: bool


async def answer(request: Request) -> Response:
    """JSON; 404 where the token or slider is not known, 503 where too many ask, 400 with a sentence where none is."""
    stand = STANDS.find(request.path_params["token"])
    at = request.query_params.get("at", "")
    if stand is None or (at and not (_PERCENT.fullmatch(at) and int(at) <= 100)):
        return PlainTextResponse("not known", 404)
    is_coarse, is_ahead = (word in request.query_params for word in ("coarse", "ahead"))
    asked = _Asked(stand, request.path_params["name"], int(at) if at else None, is_coarse, is_ahead)
    if _n_open[is_ahead] >= (MOST_AHEAD if is_ahead else MOST):
        return PlainTextResponse("too many ask", 503, {"Retry-After": "1"})
    _n_open[is_ahead] += 1
    try:
        return await _answer(request, asked)
    finally:
        _n_open[is_ahead] -= 1


async def _answer(request: Request, asked: _Asked) -> Response:
    gone = False

    def look(is_running: bool) -> None:
        if gone and not is_running:
            raise _GoneError

    n_threads, name = (N_AHEAD_THREADS, "lane ahead") if asked.is_ahead else (N_THREADS, "lane")
    if asked.is_ahead not in _threads:
        _threads[asked.is_ahead] = ThreadPoolExecutor(n_threads, name)
    make = _made_ahead if asked.is_ahead else _made
    work = asyncio.get_running_loop().run_in_executor(_threads[asked.is_ahead], make, asked, look)
    try:
        while not work.done():
            await asyncio.wait({work}, timeout=LOOK_SECONDS)
            gone = gone or (not work.done() and await request.is_disconnected())
    except asyncio.CancelledError:
        gone = True  # the server ends
        raise
    try:
        body = work.result()
    except _GoneError:
        return Response(status_code=499)  # nobody reads it
    except RhythmVAEError as error:
        return PlainTextResponse(str(error), 400)
    if body is None:
        return PlainTextResponse("not known", 404)
    headers = {"Cache-Control": "no-store", "Content-Encoding": "gzip"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        body = gzip.decompress(body)
        del headers["Content-Encoding"]
    return Response(body, media_type="application/json", headers=headers)


def _made(asked: _Asked, look: Callable[[bool], None]) -> bytes | None:
    look(False)  # it may have waited for a thread
    with asked_by(Asker(asked.stand.who, look, can_wait=False)), _WANTED.by_hand(_base(asked)):
        if asked.at is not None:
            return lanes.answer(asked.stand, asked.name, asked.at)
        return lanes.lane(asked.stand, asked.name, is_coarse=asked.is_coarse)


def _made_ahead(asked: _Asked, look: Callable[[bool], None]) -> bytes | None:
    """Where a hand comes to the same slider, of whoever's page, it is computed in the hand's turn, and once."""
    base = _base(asked)

    def look_ahead(is_running: bool) -> None:
        look(is_running)
        if not is_running and base in _WANTED:
            raise _YieldsError

    while True:
        look(False)
        if base in _WANTED:
            time.sleep(LOOK_SECONDS)
            continue
        try:
            with asked_by(Asker(asked.stand.who, look_ahead, can_wait=True)):
                return lanes.lane(asked.stand, asked.name, is_coarse=False)
        except _YieldsError:
            continue


def _base(asked: _Asked) -> str:
    model = asked.stand.model()
    return "" if model is None else lanes.base(asked.stand.start, asked.stand.settings, model, asked.name) + asked.name
