"""Who a visitor is to the queue of training runs: a token that nobody can guess.

A session keeps it, and a cookie of the app's own brings it back after a reload. Nobody gets one
who does not train.
"""

from __future__ import annotations

import re
import secrets
from functools import cache
from typing import Any

import streamlit as st

COOKIE = "rhythmvae_visitor"
KEEP_SECONDS = 86_400  # longer than any run is kept
_TOKEN = "visitor"
_FORM = re.compile(r"[0-9a-f]{32}")
_SCRIPT = """export default ({ data: [data] }) => {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${data.name}=${data.token}; Max-Age=${data.seconds}; Path=/; SameSite=Lax${secure}`;
};"""


def known() -> str | None:
    """The token, if the visitor has one: of the session, or of the cookie that the session began with."""
    found = st.session_state.get(_TOKEN)
    if found is None:
        found = st.context.cookies.get(COOKIE)
        if not (isinstance(found, str) and _FORM.fullmatch(found)):
            return None
        st.session_state[_TOKEN] = found
    return str(found)


def token() -> str:
    """The token, made now where there is none."""
    if (found := known()) is None:
        found = st.session_state[_TOKEN] = secrets.token_hex(16)
    return found


def remember() -> None:
    """Have the browser keep the token. It takes no room on the page."""
    if (found := known()) is not None:
        # In a list, as all our components are told what they show (components/assets).
        _component()(key="visitor cookie", data=[{"name": COOKIE, "token": found, "seconds": KEEP_SECONDS}], height=1)


@cache
def _component() -> Any:
    return st.components.v2.component("rhythmvae_visitor", js=_SCRIPT, html="<div></div>")
