"""Where the app lies on its server: Streamlit's own routes follow `server.baseUrlPath`, and so do ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamlit import config

if TYPE_CHECKING:
    from starlette.types import Scope


def prefix() -> str:
    """What stands before every path, such as "/drums"; "" where nothing does."""
    path = str(config.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""


def path_of(scope: Scope) -> str:
    """The path of a request without it."""
    return str(scope["path"]).removeprefix(prefix()) or "/"
