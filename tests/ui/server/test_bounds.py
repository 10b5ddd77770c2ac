"""What one visitor and all of them may send, refused before it is read."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from streamlit import config

from rhythmvae.ui.server import bounds
from rhythmvae.ui.server.bounds import Bounds, BoundsMiddleware, Held, too_much
from rhythmvae.ui.shared import Notes, refused_uploads
from tests.ui.server.asking import ask

MB = 1 << 20
UPLOAD = "/_stcore/upload_file/somebody/a-file"


async def welcoming(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"in"})


async def full_disk(scope: Any, receive: Any, send: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> dict[str, Held]:
    found = {"somebody": Held(0, 0)}
    monkeypatch.setattr(Held, "by", classmethod(lambda cls, session_id: found[session_id]))
    return found


def status(sent: list[dict[str, Any]]) -> int:
    return int(sent[0]["status"])


@pytest.mark.parametrize(
    ("held", "n_bytes", "said"),
    [
        (Held(0, 0), 8 * MB, None),
        (Held(56 * MB, 56 * MB), 8 * MB, None),
        (Held(57 * MB, 57 * MB), 8 * MB, "Expected at most 64 MB of files at a time, you have 57 MB here"),
        (Held(0, 250 * MB), 8 * MB, "The server holds as many files as it can"),
        (Held(0, 0), float("inf"), "Expected at most 64 MB"),
    ],
)
def test_files_are_counted_together(held: Held, n_bytes: float, said: str | None) -> None:
    found = too_much(held, n_bytes, Bounds(64, 256))
    assert (found is None) if said is None else (found or "").startswith(said)


def test_bounds_hold_for_an_app_below_the_top_of_its_host(held: dict[str, Held]) -> None:
    app = BoundsMiddleware(welcoming)
    held["somebody"] = Held(60 * MB, 60 * MB)
    config.set_option("server.baseUrlPath", "drums")
    try:
        assert status(ask(app, f"/drums{UPLOAD}", method="PUT", content_length=str(8 * MB))) == 204
    finally:
        config.set_option("server.baseUrlPath", "")
    assert refused_uploads.take("somebody")


def test_an_upload_without_room_is_read_past_and_its_visitor_told(held: dict[str, Held]) -> None:
    app = BoundsMiddleware(welcoming)
    assert status(ask(app, UPLOAD, method="PUT", content_length=str(8 * MB))) == 200
    assert refused_uploads.take("somebody") is None
    held["somebody"] = Held(60 * MB, 60 * MB)
    assert status(ask(app, UPLOAD, method="PUT", content_length=str(8 * MB))) == 204
    assert str(refused_uploads.take("somebody")).startswith("Expected at most 64 MB of files at a time, you have 60 MB")
    assert refused_uploads.take("somebody") is None  # once
    assert status(ask(app, UPLOAD, method="DELETE")) == 200


@pytest.mark.parametrize("length", [{}, *({"content_length": n} for n in ("-1", "9" * 400, "many", str(65 * MB)))])
def test_an_upload_of_any_length_is_not_even_read_past(held: dict[str, Held], length: dict[str, str]) -> None:
    assert status(ask(BoundsMiddleware(welcoming), UPLOAD, method="PUT", **length)) == 413


def test_a_full_disk_is_a_sentence(held: dict[str, Held]) -> None:
    assert status(ask(BoundsMiddleware(full_disk), UPLOAD, method="PUT", content_length="9")) == 204
    said = "The server has no room for a file on its disk (No space left on device): try again in a few minutes."
    assert refused_uploads.take("somebody") == said
    with pytest.raises(OSError, match="No space"):  # elsewhere it is for whoever runs the server
        ask(BoundsMiddleware(full_disk), "/")


def test_notes_of_many_sessions_do_not_heap_up() -> None:
    notes = Notes()
    for n in range(Notes.MAX_SESSIONS + 1):
        notes.leave(str(n), "x")
    assert notes.take("0") is None
    assert notes.take("1") == "x"


def test_a_full_server_says_so_and_answers_those_who_are_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "n_sessions", lambda: 3)
    app, roomy = BoundsMiddleware(welcoming, Bounds(sessions=3)), BoundsMiddleware(welcoming, Bounds(sessions=4))
    start, body = ask(app, "/map", accept="text/html,*/*")
    assert (start["status"], dict(start["headers"])[b"retry-after"]) == (503, b"60")
    assert b"3 people are here" in body["body"]
    assert ask(app, bounds.STREAM, kind="websocket") == [{"type": "websocket.close", "code": 1013, "reason": "full"}]
    assert status(ask(app, "/static/app.js", accept="*/*")) == 200
    for path, kind in (("/map", "http"), (bounds.STREAM, "websocket")):
        assert status(ask(roomy, path, kind=kind, accept="text/html")) == 200
