"""How much one visitor and all of them together may send and hold, refused before any of it is read.

Streamlit bounds a single file. Here are the sums: of what the open sessions hold, and of how many there are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from streamlit import runtime

from rhythmvae.ui.server.base import path_of
from rhythmvae.ui.server.html import small_page
from rhythmvae.ui.shared import refused_uploads

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

UPLOADS = "/_stcore/upload_file/"
STREAM = "/_stcore/stream"
_MB = 1 << 20


@dataclass(frozen=True)
class Bounds:
    """Args:
    session_mb: what the upload boxes of one visitor may hold together, MB.
    server_mb: what those of all visitors may, MB.
    sessions: visitors at a time.
    """

    session_mb: int = 64
    server_mb: int = 256
    sessions: int = 100


@dataclass(frozen=True)
class Held:
    """Bytes of files in upload boxes: of one session, and of all."""

    session: int = 0
    server: int = 0

    @classmethod
    def by(cls, session_id: str) -> Held:
        # Streamlit has no public way to ask; without its storage (another version) nothing counts as held.
        storage = getattr(runtime.Runtime.instance().uploaded_file_mgr, "file_storage", {})
        of = {key: sum(len(file.data) for file in list(files.values())) for key, files in list(storage.items())}
        return cls(of.get(session_id, 0), sum(of.values()))


def n_sessions() -> int:
    """Visitors whose page is open."""
    if not runtime.exists():
        return 0
    manager = getattr(runtime.Runtime.instance(), "_session_mgr", None)
    return manager.num_active_sessions() if manager is not None else 0


def too_much(held: Held, n_bytes: float, bounds: Bounds) -> str | None:
    """The sentence for an upload of so many bytes that has no room beside what is held."""
    if held.session + n_bytes > bounds.session_mb * _MB:
        return (
            f"Expected at most {bounds.session_mb} MB of files at a time, you have {held.session / _MB:.0f} MB here: "
            "remove some from the boxes first."
        )
    if held.server + n_bytes > bounds.server_mb * _MB:
        return "The server holds as many files as it can for all its visitors: try again in a few minutes."
    return None


class BoundsMiddleware:
    """Refuses what has no room with one sentence and lets the rest through.

    An upload box shows of a refusal its number alone. So a file that has no room is read past, not kept, and
    answered as if it were: the page, which does not find it then, has the sentence from `refused_uploads`.
    """

    def __init__(self, app: ASGIApp, bounds: Bounds | None = None) -> None:
        self.app, self.bounds = app, bounds or Bounds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _is_upload(scope):
            await self._upload(scope, receive, send)
        elif _is_visit(scope) and n_sessions() >= self.bounds.sessions:
            await self._turn_away(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        session_id = path_of(scope).removeprefix(UPLOADS).split("/")[0]
        n_bytes = _length(scope)
        if n_bytes > self.bounds.session_mb * _MB:
            await PlainTextResponse("too large", 413)(scope, receive, send)
            return
        if (sentence := too_much(Held.by(session_id), n_bytes, self.bounds)) is None:
            try:
                await self.app(scope, receive, send)
                return
            except OSError as error:  # above 1 MB it waits in the temporary folder
                sentence = (
                    f"The server has no room for a file on its disk ({error.strerror}): try again in a few minutes."
                )
        refused_uploads.leave(session_id, sentence)
        while (await receive()).get("more_body"):
            pass
        await Response(status_code=204)(scope, receive, send)

    async def _turn_away(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1013, "reason": "full"})  # 1013: try again later
            return
        sentence = f"{self.bounds.sessions} people are here, as many as this server takes: try again in a minute."
        answer = HTMLResponse(small_page("rhythmvae is full", sentence), 503, {"Retry-After": "60"})
        await answer(scope, receive, send)


def _is_upload(scope: Scope) -> bool:
    return bool(scope["type"] == "http" and scope["method"] == "PUT" and path_of(scope).startswith(UPLOADS))


def _is_visit(scope: Scope) -> bool:
    """A page that is opened, or its stream of messages."""
    if scope["type"] == "http":
        return "text/html" in Request(scope).headers.get("accept", "")
    return is_stream(scope)


def is_stream(scope: Scope) -> bool:
    """A visitor's messages to the server, and back."""
    return bool(scope["type"] == "websocket" and path_of(scope) == STREAM)


def _length(scope: Scope) -> float:
    """Of a request's body as it says itself; endless where it does not."""
    text = Request(scope).headers.get("content-length", "")
    return int(text) if text.isdecimal() and len(text) < 16 else math.inf
