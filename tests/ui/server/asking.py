"""An ASGI app is asked, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def finished(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns. In a thread of its own: a browser's test leaves a loop that runs in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def ask(
    app: Any, path: str, *, method: str = "GET", kind: str = "http", goes_away: bool = False, **headers: str
) -> list[dict[str, Any]]:
    """What an ASGI app sends. A path may have a query; who `goes_away` does so as soon as he has asked."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if goes_away:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    path, _, query = path.partition("?")
    scope = {
        "type": kind,
        "method": method,
        "path": path,
        "asgi": {"spec_version": "2.4"},  # a client that goes away raises: nobody listens for it meanwhile
        "root_path": "",
        "scheme": "http",
        "headers": named,
        "query_string": query.encode(),
    }
    finished(app(scope, receive, send))
    return sent


def answer(app: Any, path: str, *, method: str = "GET", **headers: str) -> Answer:
    """What a client gets of an HTTP request."""
    start, *bodies = ask(app, path, method=method, **headers)
    named = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], named, b"".join(body.get("body", b"") for body in bodies))
