"""Streamlit's own JavaScript, packed, and our own that is fetched early.

Streamlit gives its out as it lies on the disk, three times as large as it need be.

Streamlit's reason is that packing would be done anew for every visitor. Here it is done once for each file: they name
their content, and a browser keeps them for a year.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

from rhythmvae.ui.server import base, early

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PACKED = re.compile(r"/static/(?:js|css)/[^/]+\.(?:js|css)$")
_LEVEL = 5  # a tenth of a second for a first visit's files; the next levels take twice as long for a hundredth
MOST_BYTES = 32_000_000  # held at once; all that Streamlit has are six million


class PackedMiddleware:
    """Answers a browser that takes gzip with a file packed once; everything else goes through as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._own = {file.path for file in early.files()}
        self._held: dict[str, tuple[Message, bytes]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._is_taken(scope):
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        if path not in self._held:
            start, body = await self._answer(scope, receive)
            if start["status"] != 200 or "content-encoding" in Headers(raw=start["headers"]):
                await _give(send, start, body)
                return
            packed = await asyncio.to_thread(gzip.compress, body, _LEVEL)
            if sum(len(held) for _, held in self._held.values()) + len(packed) > MOST_BYTES:
                self._held.clear()
            self._held[path] = _marked(start, len(packed)), packed
        await _give(send, *self._held[path])

    def _is_taken(self, scope: Scope) -> bool:
        """Whether it is a file to pack, asked for whole and for the first time by a browser that can unpack it."""
        if scope["type"] != "http" or scope["method"] != "GET":
            return False
        if not (_PACKED.search(scope["path"]) or base.path_of(scope) in self._own):
            return False
        headers = Headers(scope=scope)
        is_part = any(name in headers for name in ("range", "if-none-match", "if-modified-since"))
        return "gzip" in headers.get("accept-encoding", "") and not is_part

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
        """The whole of what lies below says."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self.app(scope, receive, keep)
        return messages[0], b"".join(message.get("body", b"") for message in messages[1:])


def _marked(start: Message, n_bytes: int) -> Message:
    headers = MutableHeaders(raw=list(start["headers"]))
    headers["content-encoding"] = "gzip"
    headers["content-length"] = str(n_bytes)
    if "accept-encoding" not in headers.get("vary", "").lower():
        headers.add_vary_header("accept-encoding")
    return {**start, "headers": headers.raw}


async def _give(send: Send, start: Message, body: bytes) -> None:
    await send(start)
    await send({"type": "http.response.body", "body": body})
