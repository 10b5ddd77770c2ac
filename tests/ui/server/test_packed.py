"""Streamlit's own files, packed once."""

import gzip
from typing import Any

import pytest

from rhythmvae.ui.server import packed
from rhythmvae.ui.server.packed import PackedMiddleware
from tests.ui.server.asking import answer

SCRIPT = b"export const drums = 9;\n" * 1000
PATH = "/static/js/index.DormvYxC.js"


@pytest.fixture
def asked() -> list[str]:
    """What came through to the app."""
    return []


@pytest.fixture
def app(asked: list[str]) -> PackedMiddleware:
    async def below(scope: Any, receive: Any, send: Any) -> None:
        asked.append(scope["path"])
        headers = [(b"content-length", b"%d" % len(SCRIPT)), (b"cache-control", b"immutable"), (b"etag", b"a")]
        status = 404 if "nothing" in scope["path"] else 200
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for at in range(0, len(SCRIPT), 10_000):
            part = SCRIPT[at : at + 10_000]
            await send({"type": "http.response.body", "body": part, "more_body": at + 10_000 < len(SCRIPT)})

    return PackedMiddleware(below)


def test_a_script_is_packed_once_and_keeps_its_headers(app: PackedMiddleware, asked: list[str]) -> None:
    for _ in range(3):
        found = answer(app, PATH, accept_encoding="gzip, br")
        assert len(found.body) < len(SCRIPT) / 10
        assert gzip.decompress(found.body) == SCRIPT
        assert found.headers == {
            "content-encoding": "gzip",
            "content-length": str(len(found.body)),
            "cache-control": "immutable",
            "etag": "a",
            "vary": "accept-encoding",
        }
    assert asked == [PATH]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (PATH, {"accept_encoding": "identity"}),
        (PATH, {"range": "bytes=0-9"}),
        (PATH, {"if_none_match": "a"}),
        ("/static/media/font.woff2", {}),
        ("/media/kit.wav", {}),
        ("/", {}),
        ("/static/js/nothing.js", {}),
    ],
)
def test_everything_else_goes_through(
    app: PackedMiddleware, asked: list[str], path: str, headers: dict[str, str]
) -> None:
    for _ in range(2):
        found = answer(app, path, **{"accept_encoding": "gzip", **headers})
        assert "content-encoding" not in found.headers
        assert found.body == SCRIPT
    assert asked == [path] * 2


def test_no_more_is_held_than_there_is_room_for(
    app: PackedMiddleware, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = ["/static/js/one.js", "/static/js/two.js"]
    one = len(answer(app, paths[0], accept_encoding="gzip").body)
    monkeypatch.setattr(packed, "MOST_BYTES", 2 * one - 1)
    for path in paths[1:] + paths:
        answer(app, path, accept_encoding="gzip")
    assert asked == ["/static/js/one.js", "/static/js/two.js", "/static/js/one.js", "/static/js/two.js"]
