"""What every answer says to the browser about safety: which code a page may run, and who may show it in a frame.

The policy follows CSP level 3 (W3C). Everything comes from the app's own server. What is allowed beside that, each for
a part of the app: WebAssembly, with which Streamlit reads its messages (`eval` of scripts stays forbidden); styles that
Streamlit writes into the page; scripts of components, which Streamlit gives to the browser as a `blob:`; pictures and
sounds that the browser makes itself (`data:`, `blob:`). The one script in Streamlit's index page is named by its
digest.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


@cache
def policy() -> str:
    """The content security policy."""
    rules = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", "blob:", "'wasm-unsafe-eval'", *_digests()]),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "media-src": "'self' data: blob:",
        "connect-src": "'self' data: blob:",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'self'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def headers() -> dict[str, str]:
    """Name and value of each header; `deploy/rhythmvae.conf` has the same for nginx."""
    return {
        "Content-Security-Policy": policy(),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "strict-origin-when-cross-origin",
    }


class HeadersMiddleware:
    """Adds the headers to every answer that does not have them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": list(message.get("headers", ()))}
                found = MutableHeaders(raw=message["headers"])
                for name, value in headers().items():
                    found.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


def _digests() -> list[str]:
    """Of the scripts that Streamlit's index page holds, as a policy names them."""
    from streamlit import file_util

    html = (Path(file_util.get_static_dir()) / "index.html").read_text("utf-8")
    hashes = (hashlib.sha256(script.encode()).digest() for script in _INLINE.findall(html))
    return [f"'sha256-{base64.b64encode(found).decode()}'" for found in hashes]
