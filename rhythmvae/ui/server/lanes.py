"""`/lane/TOKEN/SLIDER`: what lies under a hand, for a browser that has the token from its page (session/lanes.py).

With `?at=83` the exact answer at that percentile, with `?coarse` a lane for the first moment, with `?ahead` what may
wait for everything else. Who goes away before it is begun has it not computed.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from starlette.responses import PlainTextResponse, Response

from rhythmvae.errors import RhythmVAEError
from rhythmvae.ui.session import lanes
from rhythmvae.ui.session.computing import Asker, asked_by
from rhythmvae.ui.session.lanes import STANDS, Stand

if TYPE_CHECKING:
    from starlette.requests import Request

ROUTE = lanes.PATH + "/{token}/{name}"
N_THREADS = 32  # each waits for a worker
MOST = 96  # requests at a time; the others are told to come again
LOOK_SECONDS = 0.05
_LEVEL = 1  # packing is done while a hand waits
_PERCENT = re.compile("[0-9]{1,3}")
_threads: ThreadPoolExecutor | None = None
_n_open = 0


class _GoneError(Exception):
    """Nobody waits for the answer any more."""


async def answer(request: Request) -> Response:
    """JSON; 404 where the token or slider is not known, 503 where too many ask, 400 with a sentence where none is."""
    global _n_open
    stand = STANDS.find(request.path_params["token"])
    at = request.query_params.get("at", "")
    if stand is None or (at and not (_PERCENT.fullmatch(at) and int(at) <= 100)):
        return PlainTextResponse("not known", 404)
    if _n_open >= MOST:
        return PlainTextResponse("too many ask", 503, {"Retry-After": "1"})
    _n_open += 1
    try:
        return await _answer(request, stand, int(at) if at else None)
    finally:
        _n_open -= 1


async def _answer(request: Request, stand: Stand, at: int | None) -> Response:
    global _threads
    _threads = _threads or ThreadPoolExecutor(N_THREADS, "lane")
    gone = False

    def look(is_running: bool) -> None:
        if gone and not is_running:
            raise _GoneError

    asker = Asker(stand.who, look, "ahead" in request.query_params)
    name, is_coarse = request.path_params["name"], "coarse" in request.query_params
    is_packed = "gzip" in request.headers.get("accept-encoding", "")
    work = asyncio.get_running_loop().run_in_executor(_threads, _made, asker, stand, name, at, is_coarse, is_packed)
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
    headers = {"Cache-Control": "no-store", **({"Content-Encoding": "gzip"} if is_packed else {})}
    return Response(body, media_type="application/json", headers=headers)


def _made(asker: Asker, stand: Stand, name: str, at: int | None, is_coarse: bool, is_packed: bool) -> bytes | None:
    asker.look(False)  # it may have waited for a thread
    with asked_by(asker):
        found: dict[str, Any] | None
        found = lanes.lane(stand, name, is_coarse=is_coarse) if at is None else lanes.answer(stand, name, at)
    if found is None:
        return None
    data = lanes.to_json(found)
    return gzip.compress(data, _LEVEL) if is_packed else data
