"""`/here/MARK`: a deck says that it is there (session/arrival.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from rhythmvae.ui.session import arrival

if TYPE_CHECKING:
    from starlette.requests import Request

ROUTE = arrival.PATH + "/{mark}"


async def answer(request: Request) -> Response:
    """Nothing, whatever is asked for."""
    arrival.ARRIVALS.tell(request.path_params["mark"])
    return Response(status_code=204, headers={"Cache-Control": "no-store"})
