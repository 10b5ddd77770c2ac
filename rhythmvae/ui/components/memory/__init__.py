"""The browser's memory: what a visitor made here, held beside the page as long as its tab is open.

`memory.js` keeps a text, and gives it back to a session that did not write it: after a reload, or to a new server.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from rhythmvae.ui.components import assets

COMPONENT = assets.Component(Path(__file__).parent, ("memory.js",))
MAX_TEXT = 2_000_000  # characters; a browser holds about five million for a whole app


def tell(
    key: str,
    session: str,
    text: str | None,
    on_return: Callable[[str], None] | None,
    *,
    mark: str | None = None,
    is_put_away: bool = False,
) -> None:
    """Have the browser hold a text; it takes no room on the page.

    Args:
        session: what tells this session from others.
        text: None to hold nothing.
        on_return: is given what another session left, once; None where that is not wanted any more.
        mark: keep the text under this as well, when the tab is closed; an address that has it brings it back.
        is_put_away: forget what is kept under marks.
    """
    data = {
        "session": session,
        "address": assets.address("memory.json", text.encode(), "application/json") if text else None,
        "is_asked": on_return is not None,
        "mark": mark,
        "is_put_away": is_put_away,
    }
    COMPONENT.tell(key, data, returned=partial(_returned, key, on_return) if on_return else None)


def _returned(key: str, on_return: Callable[[str], None]) -> None:
    text = assets.said(key, "returned")
    on_return(text if isinstance(text, str) and len(text) <= MAX_TEXT else "")
