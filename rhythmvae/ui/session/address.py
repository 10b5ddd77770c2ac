"""The browser's address carries the groove in hand, so that a reload, a bookmark or a copied address has it.

It is written without a run of the script and without a step in the browser's history: Back leads to the page before.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import streamlit as st

KEY = "address"
# When the hand rests, and so at most twice a second; at once where a page has come, whose address says nothing yet, or
# what it said when it was left. After a step back from the deck's sheet the address is an older one: the groove may
# have been edited in it.
_SCRIPT = """const told = {}; // by names: {texts, at, timer}
let before = null;
const writeSoon = (names, ms = 500) => {
  clearTimeout(told[names].timer);
  told[names].timer = setTimeout(() => {
    const address = new URL(location.href);
    for (const [name, text] of Object.entries(told[names].texts)) {
      if (text) address.searchParams.set(name, text);
      else address.searchParams.delete(name);
    }
    if (address.href !== location.href) history.replaceState(history.state, "", address);
  }, ms);
};
addEventListener("rhythmvae stepped back", () => {
  for (const [names, { at }] of Object.entries(told)) if (at === location.pathname) writeSoon(names);
});
export default ({ data: [{ texts, page }] }) => {
  if (page !== null) {
    if (page !== before && before !== null) document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0);
    before = page;
  }
  const names = Object.keys(texts).join();
  const hasCome = told[names] !== undefined && told[names].at !== location.pathname;
  told[names] = { ...told[names], texts, at: location.pathname };
  writeSoon(names, hasCome ? 0 : undefined);
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
