"""What a pasted link shows, as a crawler reads it, and what a wrong address says."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from threading import BoundedSemaphore
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from streamlit import config, file_util
from streamlit.web.server.starlette.starlette_static_routes import create_streamlit_static_assets_routes
from work import PROPORTION, growth

from rhythmvae import share
from rhythmvae.data.examples import example
from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.kit import VOICE_INDEX, VOICES
from rhythmvae.resources import PAGES
from rhythmvae.ui.parts.shell import LOOKS
from rhythmvae.ui.server import picture, preview
from rhythmvae.ui.server.addresses import FIRST, AddressMiddleware
from rhythmvae.ui.server.app import parts
from tests.ui.server.asking import answer

HOST = "drums.example:8501"
FUNK = share.to_text(example("funk"))


@pytest.fixture(scope="module")
def app() -> Starlette:
    """Our routes before Streamlit's own files, as `st.App` has them; the rest of a server is not needed."""
    others: Any = [Route("/media/page.html", lambda _: preview.HTMLResponse("a visitor's"))]
    routes = [*parts()["routes"], *others, *create_streamlit_static_assets_routes(None)]
    return Starlette(routes=routes, middleware=[Middleware(AddressMiddleware)])


class Head(HTMLParser):
    """Title and meta tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.title, self.metas, self._is_title = "", {}, False
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = dict(attrs)
        self.tags.append(tag)
        self._is_title = tag == "title"
        if tag == "meta" and (name := of.get("property") or of.get("name")):
            self.metas[name] = of["content"] or ""

    def handle_data(self, data: str) -> None:
        self.title += data if self._is_title else ""
        self._is_title = False


def head(app: Starlette, path: str, **headers: str) -> Head:
    found = answer(app, path, accept="text/html", host=HOST, **headers)
    assert (found.status, found.headers["cache-control"]) == (200, "no-cache")
    assert '<script type="module"' in found.text, "Streamlit's page is not whole"
    return Head(found.text)


@pytest.mark.parametrize("path", sorted({"/", *(f"/{path.stem}" for path in PAGES.glob("*.py"))} - {FIRST}))
def test_every_page_says_what_it_is(app: Starlette, path: str) -> None:
    found = head(app, path)
    assert found.title == found.metas["og:title"] == preview.TITLE
    assert found.metas["description"] == found.metas["og:description"] == preview.DESCRIPTION
    assert found.metas["og:image"] == f"http://{HOST}/preview.png"


def test_the_first_page_is_found_at_its_own_address_with_what_that_carries(app: Starlette) -> None:
    found = answer(app, f"{FIRST}?g={FUNK}", accept="text/html", host=HOST)
    assert (found.status, found.headers["location"]) == (307, f"/?g={FUNK}")


def test_a_link_names_its_groove_and_shows_it(app: Starlette) -> None:
    found = head(app, f"/?g={FUNK}", x_forwarded_proto="https")
    assert found.title == "Funk · rhythmvae"
    assert found.metas["og:description"].startswith("4 bars at 98 BPM in 4/4. ")
    assert found.metas["og:image"] == f"https://{HOST}/preview.png?g={FUNK}"
    shown, other = (answer(app, path) for path in (f"/preview.png?g={share.to_text(example('rock'))}", "/preview.png"))
    assert shown.headers["content-type"] == other.headers["content-type"] == "image/png"
    assert shown.body == picture.png(example("rock")) != other.body


@pytest.mark.parametrize("text", [FUNK[:-3], "rv1-", "x" * 9_000, "%00%ff<script>", "rv99-abc", ""])
def test_a_broken_link_is_described_as_any_page(app: Starlette, text: str) -> None:
    assert head(app, f"/map?g={text}").title == preview.TITLE
    assert answer(app, f"/preview.png?g={text}").body == answer(app, "/preview.png").body


@pytest.mark.parametrize("title", ['</title><script>alert("1")</script>', "\\1\\g<0>", '" /><b>', "x" * 5_000])
def test_a_hostile_title_is_text(app: Starlette, title: str) -> None:
    usual = head(app, "/")
    found = head(app, f"/?g={share.to_text(replace(example('funk'), title=title))}")
    assert found.tags == usual.tags
    assert found.title.startswith(title[:79])
    assert max(map(len, found.metas.values())) < 400 + len(FUNK)


@pytest.mark.parametrize("headers", [{"host": 'x"><b>'}, {"host": HOST, "x_forwarded_proto": "javascript"}, {}])
def test_a_host_that_is_none_is_not_written(app: Starlette, headers: dict[str, str]) -> None:
    assert Head(answer(app, "/", **headers).text).metas["og:image"] == preview.PICTURE


def test_lengths_tempos_and_meters_in_words() -> None:
    groove = Groove.silent(28, (Tempo(0, 90.2), Tempo(8, 140)), (Meter(0, 4, 4), Meter(16, 3, 4)))
    assert preview.description_of(groove) == "2 bars at 90 to 140 BPM in 4/4 and 3/4."


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/mpa", "/map/of", "/static/js/gone.js", "/robots.txt"])
def test_a_wrong_address_says_so_and_leads_home(app: Starlette, path: str, method: str) -> None:
    found = answer(app, path, method=method, accept="text/html")
    assert (found.status, found.headers["content-type"]) == (404, "text/html; charset=utf-8")
    if method == "GET":
        assert "There is no page at this address" in found.text
        assert '<a href="/">' in found.text


@pytest.fixture
def below() -> Iterator[Starlette]:
    """The same app below the top of its host."""
    config.set_option("server.baseUrlPath", "drums")
    routes = [*parts()["routes"], *create_streamlit_static_assets_routes("/drums")]
    yield Starlette(routes=routes, middleware=[Middleware(AddressMiddleware)])
    config.set_option("server.baseUrlPath", "")


def test_an_app_below_the_top_of_its_host_has_its_own_home(below: Starlette) -> None:
    assert [answer(below, f"/drums{path}").status for path in ("/", "/map", "/mpa")] == [200, 200, 404]
    assert '<a href="/drums/">' in answer(below, "/drums/mpa").text


def test_an_app_below_the_top_of_its_host_shows_what_a_link_leads_to(below: Starlette) -> None:
    for path in ("/drums/", "/drums/map"):
        found = head(below, f"{path}?g={FUNK}")
        assert found.title == "Funk · rhythmvae"
        assert found.metas["og:image"] == f"http://{HOST}/drums/preview.png?g={FUNK}"
    assert answer(below, f"/drums/preview.png?g={FUNK}").body == picture.png(example("funk"))
    assert [answer(below, f"{path}/health").status in (200, 503) for path in ("", "/drums")] == [True, True]


def test_files_and_other_routes_are_as_they_were(app: Starlette) -> None:
    def status(path: str) -> int:
        return answer(app, path).status

    assert answer(app, "/media/page.html").text == "a visitor's"
    icon = answer(app, "/favicon.png")
    assert icon.status == 200
    assert "immutable" in icon.headers["cache-control"]
    assert status("/index.html") == 200
    assert status("/map/") == 301
    assert status("/health") in (200, 503)


def test_a_page_has_the_looks_of_the_shell_behind_streamlits_own(app: Starlette) -> None:
    page = answer(app, "/map", accept="text/html").text
    looks = LOOKS.read_text("utf-8")
    assert page.count(looks) == 1
    assert page.index(looks) > page.rindex("</head>"), "of two rules that weigh the same the later one holds"
    assert looks not in answer(app, preview.LISTEN, accept="text/html").text


def test_the_title_of_streamlits_page_is_found() -> None:
    with open(f"{file_util.get_static_dir()}/index.html", encoding="utf-8") as file:
        assert len(preview._TITLE.findall(file.read())) == 1


def test_a_picture_is_drawn_once_and_few_at_a_time(app: Starlette, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Groove] = []
    png = picture.png
    monkeypatch.setattr(picture, "png", lambda groove: drawn.append(groove) or png(groove))
    path = f"/preview.png?g={share.to_text(replace(example('funk'), title='drawn once'))}"
    assert [answer(app, path).status for _ in range(3)] == [200] * 3
    assert len(drawn) == 1
    monkeypatch.setattr(preview, "_DRAWING", BoundedSemaphore(1))
    with preview._DRAWING:
        busy = answer(app, path)
    assert (busy.status, busy.headers["retry-after"]) == (503, "60")
    assert answer(app, path).status == 200


def test_the_fullest_link_is_drawn_in_proportion() -> None:
    """As long, as full and with as many bars as a link has them."""

    def drawing(n: int) -> Callable[[], object]:
        hits = np.repeat(np.arange(float(n)), 4), np.tile(np.arange(4), n), np.full(4 * n, 99)
        text = share.to_text(Groove.silent(n + 12, (Tempo(0, 100),), (Meter(0, 1, 16),)).with_hits(*hits))
        return lambda: drawn(text, n + 12)

    def drawn(text: str, n_bars: int) -> None:
        assert f"{n_bars} bars at 100 BPM in 1/16" in preview.head(text, "")
        linked = preview.linked_groove(text)
        assert linked is not None
        assert len(picture.png(linked)) < 50_000

    assert growth(drawing, 250) < PROPORTION


# -- the picture ---------------------------------------------------------------


def pixels(png: bytes) -> np.ndarray[Any, Any]:
    """Colours (height, width, 3) of a palette image, checked as any reader checks it."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    parts: dict[bytes, bytes] = {}
    at = 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        parts[kind] = png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + parts[kind])
        at += 12 + length
    width, height, *_ = struct.unpack(">IIBBBBB", parts[b"IHDR"])
    lines = np.frombuffer(zlib.decompress(parts[b"IDAT"]), np.uint8).reshape(height, width + 1)
    return np.frombuffer(parts[b"PLTE"], np.uint8).reshape(-1, 3)[lines[:, 1:]]


def middle(row: int, step: int, n_steps: int) -> tuple[int, int]:
    return int(60 + (row + 0.5) * 510 / 9), int(60 + (step + 0.5) * 1080 / n_steps)


def test_the_picture_shows_each_hit_in_its_drums_colour() -> None:
    groove = Groove.silent(16, (Tempo(0, 100),), (Meter(0, 4, 4),)).with_hits(
        np.array([0.0, 4.3]), np.array([VOICE_INDEX["kick"], VOICE_INDEX["ride"]]), np.array([120, 20])
    )
    png = picture.png(groove)
    shown = pixels(png)
    assert shown.shape == (630, 1200, 3)
    assert shown[middle(8, 0, 16)].tobytes().hex() == VOICES[VOICE_INDEX["kick"]].color[1:]
    soft = shown[middle(0, 4, 16)]
    assert soft.tobytes().hex() != VOICES[VOICE_INDEX["ride"]].color[1:]
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) == 5  # ground, cells, beats and two hits
    assert len(png) < 20_000


@pytest.mark.parametrize("n_steps", [1, 7, 512])
def test_a_groove_of_any_length_has_a_picture(n_steps: int) -> None:
    silent = Groove.silent(n_steps, (Tempo(0, 100),), (Meter(0, 4, 4),))
    hits = np.array([0.0, n_steps - 0.6]), np.array([0, 1]), np.array([90, 90])
    assert pixels(picture.png(silent.with_hits(*hits))).shape == (630, 1200, 3)
