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

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

UPLOADS = "/_stcore/upload_file/"
STREAM = "/_stcore/stream"
_MB = 1 << 20
_FULL = """<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">
<title>rhythmvae is full</title><body style="font:18px sans-serif;max-width:32em;margin:4em auto;padding:0 1em">
<h1>rhythmvae is full</h1><p>{sentence}</p></body></html>"""


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
    """Refuses what has no room with one sentence and lets the rest through."""

    def __init__(self, app: ASGIApp, bounds: Bounds | None = None) -> None:
        self.app, self.bounds = app, bounds or Bounds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope)
        if refusal is not None and scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1013, "reason": "full"})  # 1013: try again later
        else:
            await (self._answered if refusal is None else refusal)(scope, receive, send)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except OSError as error:
            if scope["type"] != "http" or not scope["path"].startswith(UPLOADS):
                raise
            # An upload above 1 MB waits in the temporary folder.
            sentence = f"The server has no room for a file on its disk ({error.strerror}): try again in a few minutes."
            await PlainTextResponse(sentence, 507)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        path = scope.get("path", "")
        if scope["type"] == "http" and scope["method"] == "PUT" and path.startswith(UPLOADS):
            sentence = too_much(Held.by(path.removeprefix(UPLOADS).split("/")[0]), _length(scope), self.bounds)
            return None if sentence is None else PlainTextResponse(sentence, 413)
        is_page = scope["type"] == "http" and "text/html" in Request(scope).headers.get("accept", "")
        is_visit = is_page or (scope["type"] == "websocket" and path == STREAM)
        if is_visit and n_sessions() >= self.bounds.sessions:
            sentence = f"{self.bounds.sessions} people are here, as many as this server takes: try again in a minute."
            return HTMLResponse(_FULL.format(sentence=sentence), 503, {"Retry-After": "60"})
        return None


def _length(scope: Scope) -> float:
    """Of a request's body as it says itself; endless where it does not."""
    text = Request(scope).headers.get("content-length", "")
    return int(text) if text.isdecimal() and len(text) < 16 else math.inf
