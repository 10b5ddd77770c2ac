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


def run(socket: ClientConnection, page: str) -> None:
    """Have the script run on a page, and wait until it has."""
    message = BackMsg()
    message.rerun_script.page_name = page
    socket.send(message.SerializeToString())
    while True:
        data = socket.recv(timeout=WAIT_SECONDS)
        assert isinstance(data, bytes)
        if ForwardMsg.FromString(data).WhichOneof("type") == "script_finished":
            return


def clear_caches(socket: ClientConnection, n: int) -> None:
    """What anybody may send: the message behind "Clear cache"."""
    for _ in range(n):
        message = BackMsg()
        message.clear_cache = True
        socket.send(message.SerializeToString())
