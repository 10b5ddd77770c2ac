"""The browser's address carries the groove in hand, so that a reload, a bookmark or a copied address has it.

It is written without a run of the script and without a step in the browser's history: Back leads to the page before.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import streamlit as st

KEY = "address"
# When the hand rests, and so at most twice a second.
_SCRIPT = """const timers = {};
let before = null;
export default ({ data: [{ texts, page }] }) => {
  if (page !== null) {
    if (page !== before && before !== null) document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0);
    before = page;
  }
  const names = Object.keys(texts).join();
  clearTimeout(timers[names]);
  timers[names] = setTimeout(() => {
    const address = new URL(location.href);
    for (const [name, text] of Object.entries(texts)) {
      if (text) address.searchParams.set(name, text);
      else address.searchParams.delete(name);
    }
    if (address.href !== location.href) history.replaceState(history.state, "", address);
  }, 500);
};"""


def tell(texts: Mapping[str, str | None], page: str | None = None, key: str = KEY) -> None:
    """Have the address carry texts under their names, or nothing under them. It takes no room on the page.

    Args:
        page: another one begins at its top, for Streamlit leaves it where the one before was scrolled to.
    """
    # In a list, as all our components are told what they show (components/assets).
    _component()(key=key, data=[{"texts": dict(texts), "page": page}], height=1)


@cache
def _component() -> Any:
    return st.components.v2.component("rhythmvae_address", js=_SCRIPT, html="<div></div>")
