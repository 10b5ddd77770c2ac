"""A page that its visitor has just left may still ask that a part of it runs again.

Between a press on a link and the server's first message about the next page, the browser still shows the page before.
Its components may send the last move of a hand. Streamlit runs that part, if it can, as a part of the page before; and
a browser that hears of another page than the one it shows removes the contents of the page (Streamlit 1.67). So the
middleware makes the request one of the page that was requested last: a part that both pages have, such as the deck,
runs; a part that is gone is skipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamlit.proto.BackMsg_pb2 import BackMsg

from rhythmvae.ui.server.bounds import is_stream

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class LeftPageMiddleware:
    """A part of a page runs as a part of the page that its browser requested last."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_stream(scope):
            await self.app(scope, receive, send)
            return
        requested = ""  # Streamlit's hash of a page; empty for the first, which a browser requests by its address

        async def receive_current() -> Message:
            nonlocal requested
            message = await receive()
            if (request := _rerun_request(message)) is None:
                return message
            rerun = request.rerun_script
            if not rerun.fragment_id:
                requested = rerun.page_script_hash
            elif requested and rerun.page_script_hash != requested:
                rerun.page_script_hash = requested
                return {**message, "bytes": request.SerializeToString()}
            return message

        await self.app(scope, receive_current, send)


def _rerun_request(message: Message) -> BackMsg | None:
    """A browser's message, if it requests that something runs."""
    if message["type"] != "websocket.receive" or not message.get("bytes"):
        return None
    try:
        request = BackMsg.FromString(message["bytes"])
    except Exception:  # bytes that are no message: Streamlit answers them itself
        return None
    return request if request.HasField("rerun_script") else None
