"""What a page asks that its visitor has just left."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

from rhythmvae.ui.server.left import LeftPageMiddleware

STREAM = {"type": "websocket", "path": "/_stcore/stream", "root_path": "", "headers": []}


def rerun(page: str, part: str = "") -> dict[str, Any]:
    message = BackMsg()
    message.rerun_script.page_script_hash = page
    message.rerun_script.fragment_id = part
    message.rerun_script.query_string = "g=1"
    return {"type": "websocket.receive", "bytes": message.SerializeToString()}


def heard(*sent: dict[str, Any], scope: dict[str, Any] = STREAM) -> list[dict[str, Any]]:
    """What comes through to the app."""
    left, found = list(sent), []

    async def receive() -> dict[str, Any]:
        return left.pop(0)

    async def app(_: Any, receive: Any, send: Any) -> None:
        while left:
            found.append(await receive())

    async def send(_: Any) -> None:
        raise AssertionError

    asyncio.run(LeftPageMiddleware(app)(scope, receive, send))
    return found


def pages(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    said = [BackMsg.FromString(message["bytes"]).rerun_script for message in found]
    return [(each.page_script_hash, each.fragment_id) for each in said]


def test_a_part_of_a_page_that_was_left_runs_as_of_the_next_one() -> None:
    found = heard(rerun("map"), rerun("map", "stage"), rerun("about"), rerun("map", "stage"), rerun("about", "deck"))
    assert pages(found) == [("map", ""), ("map", "stage"), ("about", ""), ("about", "stage"), ("about", "deck")]
    assert BackMsg.FromString(found[3]["bytes"]).rerun_script.query_string == "g=1"  # all else is as it was


def test_of_a_first_page_that_is_known_by_its_address_alone_parts_run_as_they_say() -> None:
    sent = [rerun(""), rerun("map", "stage")]
    assert heard(*sent) == sent


@pytest.mark.parametrize(
    "message",
    [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "no bytes"},
        {"type": "websocket.receive", "bytes": b"\xff\xff no message"},
        {"type": "websocket.receive", "bytes": BackMsg(clear_cache=True).SerializeToString()},
    ],
)
def test_what_asks_for_no_run_goes_through_untouched(message: dict[str, Any]) -> None:
    assert heard(rerun("about"), message) == [rerun("about"), message]


def test_only_the_stream_is_listened_to() -> None:
    sent = [rerun("about"), rerun("map", "stage")]
    assert heard(*sent, scope={**STREAM, "path": "/elsewhere"}) == sent
