"""What every answer says about safety."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from rhythmvae.ui.server import headers
from rhythmvae.ui.server.app import parts
from tests.ui.server.asking import answer


def test_a_page_a_file_and_a_wrong_address_have_them() -> None:
    found = parts()
    app = Starlette(routes=found["routes"], middleware=found["middleware"])
    for path in ("/", "/map", "/preview.png", "/nothing-here"):
        got = answer(app, path).headers
        assert {name.lower() for name in headers.headers()} <= got.keys(), path
        assert got["x-content-type-options"] == "nosniff"


def test_what_an_answer_says_itself_stays() -> None:
    async def own(_: object) -> PlainTextResponse:
        return PlainTextResponse("", headers={"Referrer-Policy": "no-referrer"})

    app = headers.HeadersMiddleware(Starlette(routes=[Route("/", own)]))
    got = answer(app, "/").headers
    assert got["referrer-policy"] == "no-referrer"
    assert got["content-security-policy"] == headers.policy()


def test_no_script_from_elsewhere_nor_one_that_is_written_into_a_page_may_run() -> None:
    rules = dict(rule.split(" ", 1) for rule in headers.policy().split("; "))
    scripts = rules["script-src"].split()
    assert not {"'unsafe-inline'", "'unsafe-eval'", "data:", "*", "http:", "https:"} & set(scripts)
    assert rules["default-src"] == "'self'"
    assert rules["object-src"] == "'none'"
    assert rules["frame-ancestors"] == "'self'"
    assert sum(source.startswith("'sha256-") for source in scripts) == 1  # Streamlit's index page has one script
