"""What a pasted link shows: a title, a description and a picture, in the HTML itself, since no crawler runs a script.

The properties are Open Graph's (ogp.me). A page is Streamlit's own index page but for its head.
"""

from __future__ import annotations

import re
from functools import cache
from html import escape
from pathlib import Path
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from rhythmvae import share
from rhythmvae.data.examples import example
from rhythmvae.errors import ShareError
from rhythmvae.groove import Groove
from rhythmvae.resources import PAGES
from rhythmvae.text import counted
from rhythmvae.ui.parts.shell import LOOKS
from rhythmvae.ui.server import early, picture
from rhythmvae.ui.server.base import prefix
from rhythmvae.ui.shared import kept

if TYPE_CHECKING:
    from starlette.types import Scope

PICTURE = "/preview.png"
LISTEN = "/listen"
KEPT_SECONDS = 3_600  # that a picture may be kept by whoever asks
TITLE = "rhythmvae: drum grooves to hear, change and take home"
DESCRIPTION = (
    "Drop a drum MIDI file, hear a small neural network play it again, and move sliders until it is the groove "
    "that you want. It runs in the browser, without an account."
)
_EXAMPLE = "funk"  # what the picture shows where a link names no groove
_DRAWING = BoundedSemaphore(3)  # pictures at a time; one takes a hundredth of a second of a core
_HOST = re.compile(r"[A-Za-z0-9.\-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
_TITLE = re.compile(r"<title>.*?</title>", re.DOTALL)


def addresses() -> list[str]:
    """Paths at which there is a page."""
    return ["/", *(f"/{path.stem}" for path in sorted(PAGES.glob("*.py")))]


def answer_page(request: Request) -> Response:
    """A page of the app, with a head that says what the link leads to."""
    # A reviewer's page has no deck to fetch early, and looks of its own.
    is_a_reviewers = request.url.path.endswith(LISTEN)
    links = () if is_a_reviewers else early.links()
    said = [head(request.query_params.get("g", ""), _base_of(request)), *links]
    html = _TITLE.sub(lambda _: "\n    ".join(said), _index() if is_a_reviewers else _dressed(), 1)
    return HTMLResponse(html, headers={"Cache-Control": "no-cache"})  # as Streamlit serves it


def answer_picture(request: Request) -> Response:
    """The grid of the groove in `?g=`, or of a preset; one that was asked for lately is not drawn again.

    Where several are being drawn another is not: whoever asks for very many takes no more of the pages' time than that.
    """
    if not _DRAWING.acquire(blocking=False):
        return PlainTextResponse("Many previews are being drawn: try again in a minute.", 503, {"Retry-After": "60"})
    try:
        groove = linked_groove(request.query_params.get("g", ""))
        data = _picture(example(_EXAMPLE) if groove is None else groove)
    finally:
        _DRAWING.release()
    return Response(data, media_type="image/png", headers={"Cache-Control": f"public, max-age={KEPT_SECONDS}"})


@kept(max_entries=64)
def _picture(groove: Groove) -> bytes:
    return picture.png(groove)


def linked_groove(text: str) -> Groove | None:
    """The groove of a link's text, None where there is none or it cannot be read: the page itself says why."""
    try:
        return share.from_text(text).groove if text else None
    except ShareError:
        return None


def head(text: str, base: str) -> str:
    """Title and meta tags of a page.

    Args:
        text: of a shared groove, from the address; whatever is in it.
        base: scheme, host and what stands before the app's paths; without scheme and host where they are not known.
            Crawlers want a picture's whole address.
    """
    groove = linked_groove(text)
    title, description, image = TITLE, DESCRIPTION, base + PICTURE
    if groove is not None:
        title = f"{groove.title or 'A drum groove'} · rhythmvae"
        description = f"{description_of(groove)} {DESCRIPTION}"
        image += f"?g={text.strip()}"
    tags = {
        "og:title": title,
        "og:description": description,
        "og:image": image,
        "og:image:width": str(picture.WIDTH),
        "og:image:height": str(picture.HEIGHT),
        "og:image:alt": "A drum grid: nine rows of drums, a column for each sixteenth, and the hits in colour",
        "og:type": "website",
        "og:site_name": "rhythmvae",
    }
    lines = [
        f"<title>{escape(title)}</title>",
        f'<meta name="description" content="{escape(description)}" />',
        *(f'<meta property="{name}" content="{escape(value)}" />' for name, value in tags.items()),
        '<meta name="twitter:card" content="summary_large_image" />',
    ]
    return "\n    ".join(lines)


def description_of(groove: Groove) -> str:
    """A groove in a line: length, tempo and meter.

    >>> description_of(example("funk"))
    '4 bars at 98 BPM in 4/4.'
    """
    tempos = sorted({round(tempo.bpm) for tempo in groove.tempos})
    tempo = f"{tempos[0]} BPM" if len(tempos) == 1 else f"{tempos[0]} to {tempos[-1]} BPM"
    meters = " and ".join(dict.fromkeys(map(str, groove.meters[:3])))
    return f"{counted(groove.n_bars, 'bar')} at {tempo} in {meters}."


def _base_of(request: Request) -> str:
    """Of the app, as the visitor's browser has it."""
    return base_address(request.scope) + prefix()


def base_address(scope: Scope) -> str:
    """Scheme and host as the visitor's browser has them; "" where what a client says of them is no such thing."""
    headers = Request(scope).headers
    host = headers.get("host", "")
    scheme = headers.get("x-forwarded-proto", scope["scheme"])  # what a proxy was asked by
    return f"{scheme}://{host}" if scheme in ("http", "https") and _HOST.fullmatch(host) else ""


@cache
def _dressed() -> str:
    """With the looks of the shell, which are there before anything is drawn; behind Streamlit's own, to prevail."""
    return _index().replace("</body>", f"<style>\n{LOOKS.read_text('utf-8')}</style>\n</body>", 1)


@cache
def _index() -> str:
    from streamlit import file_util

    return (Path(file_util.get_static_dir()) / "index.html").read_text("utf-8")
