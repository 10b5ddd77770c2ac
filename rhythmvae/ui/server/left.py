"""What a page asks that its visitor has just left.

Between a press on a link and the server's first word about the next page a browser still has the page before, whose
components may send what a hand did there last: a part of the page is to run again. Streamlit runs it, if it can, as of
the page before, and a browser that hears of another page than it shows takes away what it shows and gets nothing in its
place (1.67). So such a run is made one of the page that was asked for last: what is there of both pages runs, as the
deck does, and what is gone is skipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamlit.proto.BackMsg_pb2 import BackMsg

from rhythmvae.ui.server.bounds import is_stream

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class LeftPageMiddleware:
    """Parts of a page run as of the page that their browser has asked for last."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_stream(scope):
            await self.app(scope, receive, send)
            return
        asked_for = ""  # Streamlit's name of a page; none of the first one, which is asked for by its address

        async def heard() -> Message:
            nonlocal asked_for
            message = await receive()
            if (said := _said(message)) is None:
                return message
            rerun = said.rerun_script
            if not rerun.fragment_id:
                asked_for = rerun.page_script_hash
            elif asked_for and rerun.page_script_hash != asked_for:
                rerun.page_script_hash = asked_for
                return {**message, "bytes": said.SerializeToString()}
            return message

        await self.app(scope, heard, send)


def _said(message: Message) -> BackMsg | None:
    """What a browser sends, if it is that something is to run."""
    if message["type"] != "websocket.receive" or not message.get("bytes"):
        return None
    try:
        said = BackMsg.FromString(message["bytes"])
    except Exception:  # a message that is none: Streamlit has its own answer to that
        return None
    return said if said.HasField("rerun_script") else None
