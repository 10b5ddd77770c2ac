"""A wrong address is said to be wrong: Streamlit shows its first page at any address, under a dialog.

The first page's own address, which Streamlit does not know, leads to where it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.staticfiles import StaticFiles

from rhythmvae.ui.server import preview
from rhythmvae.ui.server.base import path_of, prefix
from rhythmvae.ui.server.html import small_page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

FIRST = "/reconstruct"  # the default page in session/navigation.py
_KNOWN = frozenset({*preview.addresses(), "/index.html"})
_SENTENCE = "There is no page at this address: the link may be cut short, or of an older version."


def lead_to_first(request: Request) -> RedirectResponse:
    """To the first page, with what the address carries."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{prefix()}/{query}")


class AddressMiddleware:
    """Answers 404 where no page, file or route is; everything else goes through as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_wrong = False

        async def checked(message: Message) -> None:
            nonlocal is_wrong
            if message["type"] == "http.response.start":
                is_wrong = _is_index(scope, message) and path_of(scope) not in _KNOWN
            if not is_wrong:
                await send(message)

        await self.app(scope, receive, checked)
        if is_wrong:
            home = (f"{prefix()}/", "Play a groove")
            await HTMLResponse(small_page("Not here", _SENTENCE, home), 404)(scope, receive, send)


def _is_index(scope: Scope, start: Message) -> bool:
    """Whether an answer is the page that Streamlit's own files have for whatever they do not hold."""
    kind = Headers(raw=start["headers"]).get("content-type", "")
    is_page = start["status"] in (200, 206) and kind.startswith("text/html")
    return is_page and isinstance(scope.get("endpoint"), StaticFiles)
