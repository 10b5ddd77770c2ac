"""What all components share, in a browser without the app."""

from __future__ import annotations

from base64 import b64encode

import pytest
from playwright.sync_api import Page

from rhythmvae.ui.components import assets

pytestmark = pytest.mark.browser


def test_a_mount_that_newer_data_overtook_leaves_what_lives_there(page: Page) -> None:
    told = page.evaluate(
        """async (module) => {
          const { live } = await import(module);
          const parentElement = document.body.appendChild(document.createElement("div"));
          const told = [];
          const make = () => {
            told.push("made");
            return { update: ({ data }) => told.push(data), remove: () => told.push("removed") };
          };
          const overtaken = live({ parentElement, data: "old" }, make);
          overtaken(); // as Streamlit does it where newer data came before the mount was ready
          const last = live({ parentElement, data: "new" }, make);
          parentElement.remove();
          last();
          return told;
        }""",
        f"data:text/javascript;base64,{b64encode(assets.DOM.read_bytes()).decode()}",
    )
    assert told == ["made", "old", "new", "removed"]
