"""What a page names in its head, to be fetched at once: the deck's code, the kit's sounds, Streamlit's part for it.

Without these names each file waits for the one before: Streamlit connects and draws, then loads its part that shows
components, then the deck's code, then the sounds. The addresses are those that Streamlit's own store of files gives
(`components.assets`). Here they answer before any script has run, and a browser may keep the answers, since an address
names its content; `PackedMiddleware` packs them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import Response
from streamlit import file_util
from streamlit.runtime.media_file_storage import MediaFileKind
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from rhythmvae.sound import kits
from rhythmvae.ui.components import assets, deck, hints, memory
from rhythmvae.ui.server import base

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

PARTS = ("BidiComponent", "Html", "Button", "PageLink")  # of Streamlit, which every page shows and loads late
KEPT_SECONDS = 31_536_000
_MEDIA = "/media"
_IMPORTED = re.compile(r'from"\./([^"]+\.js)"')


@dataclass(frozen=True)
class File:
    """What is given out before any script has run."""

    path: str  # below the app's own
    kind: str
    data: Callable[[], bytes]


@cache
def files() -> tuple[File, ...]:
    """The code of what is on every page, and the kit's sounds."""
    modules = [component.code for component in (deck.COMPONENT, memory.COMPONENT, hints.COMPONENT)]
    return (*(_file(code, assets.SCRIPT) for code in modules), _file(kits.kit_wav, kits.KIND))


def _file(data: Callable[[], bytes], kind: str) -> File:
    return File(path_of(data(), kind), kind, data)


def path_of(data: bytes, kind: str) -> str:
    """Where Streamlit's store of files has one."""
    store = MemoryMediaFileStorage(_MEDIA)
    return store.get_url(store.load_and_get_id(data, kind, MediaFileKind.MEDIA))


class EarlyMiddleware:
    """Answers for these files, whose place is reserved for Streamlit's own; everything else goes through as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._files = {file.path: file for file in files()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_asked = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        file = self._files.get(base.path_of(scope)) if is_asked else None
        await (self.app if file is None else _answer(file))(scope, receive, send)


def _answer(file: File) -> Response:
    headers = {"Cache-Control": f"public, max-age={KEPT_SECONDS}, immutable", "Vary": "Accept-Encoding"}
    return Response(file.data(), media_type=file.kind, headers=headers)


@cache
def links() -> tuple[str, ...]:
    """Tags for a page's head, with addresses as those of Streamlit's own: relative to the page."""
    modules = [
        *(f"/static/js/{name}" for name in _late_scripts()),
        *(f.path for f in files() if f.kind == assets.SCRIPT),
    ]
    sounds = [file.path for file in files() if file.kind == kits.KIND]
    return (
        *(f'<link rel="modulepreload" crossorigin href=".{path}">' for path in modules),
        *(f'<link rel="preload" as="fetch" crossorigin href=".{path}">' for path in sounds),
    )


def _late_scripts() -> list[str]:
    """Names of the files of PARTS and of all that they import, but for what the page names itself."""
    folder = Path(file_util.get_static_dir())
    known = (folder / "index.html").read_text("utf-8")
    found: dict[str, None] = {}
    waiting = [path.name for part in PARTS for path in sorted((folder / "static" / "js").glob(f"{part}.*.js"))]
    while waiting:
        name = waiting.pop(0)
        if name not in found and name not in known:
            found[name] = None
            waiting += _imports(folder / "static" / "js" / name)
    return list(found)


def _imports(script: Path) -> Iterator[str]:
    return (found[1] for found in _IMPORTED.finditer(script.read_text("utf-8")))
