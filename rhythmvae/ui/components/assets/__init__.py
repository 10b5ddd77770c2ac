"""How a component of ours gets into a browser: modules joined, files by address, and a loader.

Streamlit sends a component's JavaScript again with every change of its data, so what it
sends is `loader.js`. The modules themselves, and whatever else a browser may keep, are
given out under addresses that name their content.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit import runtime

FOLDER = Path(__file__).parent
DOM = FOLDER / "dom.js"
_JOINTS = re.compile(r"^import [^;]*;\n|^export (?!function mount)", re.MULTILINE)


def component(name: str, css: Path) -> Any:
    """Register a component. Its data must have `module`, the address of a module that exports `mount`."""
    return st.components.v2.component(
        name, js=(FOLDER / "loader.js").read_text("utf-8"), css=css.read_text("utf-8"), html="<div></div>"
    )


def joined(modules: Sequence[Path]) -> bytes:
    """Modules in one, without what joins them: by address they could not find each other."""
    return _JOINTS.sub("", "\n".join(path.read_text("utf-8") for path in modules)).encode()


def address(name: str, data: bytes, mime: str) -> str:
    """Where the server gives out a file, relative to the app; the same content keeps its address.

    Call it in every run that uses it: what no run uses is dropped.
    """
    url = runtime.get_instance().media_file_mgr.add(data, mime, f"rhythmvae {name}")
    return url.lstrip("/")
