"""The browser's address carries the groove in hand, so that a reload, a bookmark or a copied address has it.

It is written without a run of the script and without a step in the browser's history: Back leads to the page before.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import streamlit as st

KEY = "address"
# When the hand rests, and so at most twice a second.
_SCRIPT = """let timer = 0, before = null;
export default ({ data: [{ name, text, page }] }) => {
  if (page !== before && before !== null) document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0);
  before = page;
  clearTimeout(timer);
  timer = setTimeout(() => {
    const address = new URL(location.href);
    if (text) address.searchParams.set(name, text);
    else address.searchParams.delete(name);
    if (address.href !== location.href) history.replaceState(history.state, "", address);
  }, 500);
};"""


def tell(name: str, text: str | None, page: str) -> None:
    """Have the address carry a text under a name, or nothing under it. It takes no room on the page.

    Args:
        page: another one begins at its top, for Streamlit leaves it where the one before was scrolled to.
    """
    # In a list, as all our components are told what they show (components/assets).
    _component()(key=KEY, data=[{"name": name, "text": text, "page": page}], height=1)


@cache
def _component() -> Any:
    return st.components.v2.component("rhythmvae_address", js=_SCRIPT, html="<div></div>")
