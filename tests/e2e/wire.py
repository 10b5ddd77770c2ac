"""A visitor without a browser: the messages of Streamlit's own client, over the wire."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

WAIT_SECONDS = 60


@contextmanager
def visit(address: str, cookie: str = "") -> Iterator[ClientConnection]:
    """A session, of which nothing has been asked. cookie: what a browser would send, such as "a=1; b=2"."""
    more = {"Cookie": cookie} if cookie else {}
    url = address.replace("http", "ws", 1) + "/_stcore/stream"
    options: dict[str, Any] = {"subprotocols": ["streamlit"], "max_size": None, "open_timeout": WAIT_SECONDS}
    with connect(url, additional_headers=more, **options) as socket:
        yield socket


def run(socket: ClientConnection, page: str, query: str = "", page_hash: str = "") -> list[ForwardMsg]:
    """Have the script run on a page, and wait until it has; gives all that the server sends until then.

    page_hash: what the server calls the page, as a browser sends it in every run but its first.
    """
    message = BackMsg()
    message.rerun_script.page_name = page
    message.rerun_script.query_string = query
    message.rerun_script.page_script_hash = page_hash
    socket.send(message.SerializeToString())
    told: list[ForwardMsg] = []
    while not told or told[-1].WhichOneof("type") != "script_finished":
        data = socket.recv(timeout=WAIT_SECONDS)
        assert isinstance(data, bytes)
        told.append(ForwardMsg.FromString(data))
    return told


def clear_caches(socket: ClientConnection, n: int) -> None:
    """What anybody may send: the message behind "Clear cache"."""
    for _ in range(n):
        message = BackMsg()
        message.clear_cache = True
        socket.send(message.SerializeToString())
