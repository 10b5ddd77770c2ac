"""What all components share, in a browser without the app."""

from __future__ import annotations

from base64 import b64encode

import pytest
from module_pages import module_page
from playwright.sync_api import Browser, Page

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


def test_a_page_begins_anew_when_its_server_comes_back_with_another_version(browser: Browser) -> None:
    """There is never a second deck beside the first, which plays and hears keys as that does."""
    live = """async (version) => {
      const { live } = await import(`/assets/dom.js?${version}`);
      window.place ??= document.body.appendChild(document.createElement("div"));
      window.made ??= [];
      const make = () => (made.push(version), { update: () => {}, remove: () => {} });
      live({ parentElement: place }, make);
      return made;
    }"""
    with module_page(browser, {}) as page:
        assert page.evaluate(live, "first") == ["first"]
        assert page.evaluate(live, "first") == ["first"]
        with page.expect_navigation():
            assert page.evaluate(live, "second") == ["first"]
        assert page.evaluate(live, "second") == ["second"]


def test_what_components_of_two_fragments_say_at_once_is_not_sent_as_one(browser: Browser) -> None:
    """Streamlit runs the fragment of the first alone. Modules of two versions share the turn as they share the page."""
    with module_page(browser, {}) as page:
        sent = page.evaluate(
            """async () => {
              const sent = [];
              let batch = null;
              const say = (who) => (...words) => {
                if (!batch) setTimeout(() => (sent.push(batch), (batch = null)));
                (batch ??= []).push([who, ...words].join(" "));
              };
              const spoken = {};
              for (const who of ["map", "ahead", "deck"]) {
                const { live } = await import(`/assets/dom.js?${who}`);
                const parentElement = document.body.appendChild(document.createElement("div"));
                const told = { parentElement, setStateValue: say(who), setTriggerValue: say(who) };
                live(told, () => ({ update: (component) => (spoken[who] = component), remove: () => {} }));
              }
              const { map, ahead, deck } = spoken;
              map.setStateValue("place", 1);
              map.setTriggerValue("picked", 2);
              ahead.setTriggerValue("wanted", 3);
              deck.setStateValue("edit", 4);
              map.setStateValue("place", 5);
              ahead.setTriggerValue("wanted", 6);
              while (sent.flat().length < 6) await new Promise((done) => setTimeout(done, 5));
              deck.setStateValue("edit", 7); // with nobody before it, at once
              sent.push(batch);
              return sent;
            }"""
        )
    assert sent == [
        ["map place 1", "map picked 2"],
        ["ahead wanted 3"],
        ["deck edit 4"],
        ["map place 5"],
        ["ahead wanted 6"],
        ["deck edit 7"],
    ]


def test_a_move_is_heard_as_soon_as_the_browser_knows_of_it_but_not_a_thousand_times_a_second(page: Page) -> None:
    heard = page.evaluate(
        """async (module) => {
          const { onMove } = await import(module);
          const target = document.body.appendChild(document.createElement("div"));
          const heard = [];
          onMove(target, ({ type, clientX }) => heard.push([type, clientX]));
          const tell = (type, clientX, at) => {
            const event = new PointerEvent(type, { clientX });
            Object.defineProperty(event, "timeStamp", { value: at });
            target.dispatchEvent(event);
          };
          tell("pointerrawupdate", 1, 100);
          tell("pointerrawupdate", 2, 101); // a quick mouse
          tell("pointerrawupdate", 3, 109);
          tell("pointermove", 4, 110); // with the next frame: where it is in the end
          return heard;
        }""",
        f"data:text/javascript;base64,{b64encode(assets.DOM.read_bytes()).decode()}",
    )
    assert heard == [["pointerrawupdate", 1], ["pointerrawupdate", 3], ["pointermove", 4]]
