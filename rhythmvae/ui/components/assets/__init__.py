"""How a component of ours gets into a browser, and what both sides say to each other.

Streamlit sends a component's JavaScript again with every change of its data, so what it
sends is `loader.js`. The modules themselves, and whatever else a browser may keep, are
given out under addresses that name their content.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit import runtime

FOLDER = Path(__file__).parent
DOM, POINTS, GESTURES, MAPBAR, HINTED = (
    FOLDER / f"{name}.js" for name in ("dom", "points", "gestures", "mapbar", "hinted")
)
SCRIPT = "text/javascript"
_JOINTS = re.compile(r"^import [^;]*;\n|^export (?!(?:async )?function mount)", re.MULTILINE)


@dataclass(frozen=True)
class Component:
    """What lies in a folder: NAME.css for looks, and modules in the order they build on each other.

    Args:
        modules: the last exports `mount`, which is called with every change.
        is_isolated: its looks stay inside, and the page's outside.
        shared: modules of this folder that they build on, beside `dom.js`.
    """

    folder: Path
    modules: tuple[str, ...]
    is_isolated: bool = True
    shared: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def css(self) -> Path:
        return self.folder / f"{self.name}.css"

    @property
    def paths(self) -> tuple[Path, ...]:
        """Of its modules, `dom.js` first."""
        return (DOM, *self.shared, *(self.folder / module for module in self.modules))

    def code(self) -> bytes:
        """Its modules in one."""
        return _code(self)

    def tell(self, key: str, data: Mapping[str, Any], **on: Callable[[], None] | None) -> None:
        """Put it on the page, or tell the one that is there what is new.

        Args:
            key: of this one in the session.
            data: for `mount`.
            on: what a browser says -> what is called before the run that follows; see `said`.
        """
        _registered(self)(
            key=key,
            # In a list, for Streamlit asks pandas of each value of a dict whether it is a table: 48 MB, half a second.
            data=[{"module": address(f"{self.name}.js", self.code(), SCRIPT), **data}],
            **{f"on_{name}_change": call or _nothing for name, call in on.items()},
        )


def said(key: str, name: str) -> Any:
    """What a browser said last, None if nothing. It can be anything: match it, do not trust it."""
    try:
        return st.session_state[key][name]
    except (KeyError, TypeError):
        return None


def joined(modules: Sequence[Path]) -> bytes:
    """Modules in one, without what joins them: by address they could not find each other."""
    return _JOINTS.sub("", "\n".join(path.read_text("utf-8") for path in modules)).encode()


def address(name: str, data: bytes, mime: str) -> str:
    """Where the server gives out a file, relative to the app; the same content keeps its address.

    Call it in every run that uses it: what no run uses is dropped.
    """
    url = runtime.get_instance().media_file_mgr.add(data, mime, f"rhythmvae {name}")
    return url.lstrip("/")


def _nothing() -> None:
    """What is said is kept only where somebody is told of its changes."""


@cache
def _registered(component: Component) -> Any:
    return st.components.v2.component(
        f"rhythmvae_{component.name}",
        js=(FOLDER / "loader.js").read_text("utf-8"),
        css=component.css.read_text("utf-8"),
        html="<div></div>",
        isolate_styles=component.is_isolated,
    )


@cache
def _code(component: Component) -> bytes:
    return joined(component.paths)
