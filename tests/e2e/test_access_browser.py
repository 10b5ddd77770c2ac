"""The app for everyone: what axe-core finds on every page, and what a finger has room for.

All pages are seen in one visit, by the links of the app: a visit of its own for each would take minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from tabs import Tabs
from visiting import PLACES, WAIT_MS, go_to, lies_still, midi_file, open_reconstruct, settle, upload

from rhythmvae.data.examples import example

pytestmark = pytest.mark.browser

PAGES = (*PLACES, "Complete", "About")
JOBS = ("Continue", "Fill in", "Humanize", "Tap")  # of Complete, which begins with the first
GRAVE = ("serious", "critical")
# Of what is the same in both schemes, once is enough.
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
FINGER_PX = 44
# (rule, end of the selector) -> why it is Streamlit's alone to mend.
STREAMLITS: dict[tuple[str, str], str] = {}

_UNFOLD = """() => {
  for (const summary of document.querySelectorAll("[data-testid=stExpander] summary"))
    if (!summary.parentElement.open) summary.click();
}"""
# Everything that can be pressed and is smaller, in shadow roots too, with its name and size. A box lies in its label, a
# slider's own input beside its thumb, and ::after may reach farther; a word in a sentence may be as high as its line
# (WCAG 2.5.8), and what is 1 px wide is for readers of the screen.
SMALL = """(least) => {
  const PRESSED = "button, a[href], input, summary, textarea, select, [role=button], [role=radio], [role=tab], " +
    "[role=option], [role=switch]";
  const pressed = (e) => {
    if (e.matches("[type=checkbox], [type=radio]")) return e.closest("label") ?? e;
    if (e.matches("[data-testid=stSlider] input")) return e.parentElement.parentElement;
    const BOX = ":is([data-testid=stSelectbox], [data-testid=stMultiSelect]) [role=group]";
    return e.closest(`[data-testid=stFileUploaderDropzone], ${BOX}`) ?? e;
  };
  const size = (e) => {
    const { width, height } = e.getBoundingClientRect();
    const after = getComputedStyle(e, "::after");
    const px = (length) => Number.parseFloat(length) || 0;
    return [Math.max(width, px(after.width)), Math.max(height, px(after.height))].map(Math.round);
  };
  const found = [];
  const look = (root) => {
    for (const e of root.querySelectorAll("*")) {
      if (e.shadowRoot) look(e.shadowRoot);
      if (!e.matches(PRESSED) || e.closest("[inert], p a, li a")) continue;
      if (!e.checkVisibility({ visibilityProperty: true })) continue;
      const [width, height] = size(pressed(e));
      const name = (e.ariaLabel || e.textContent || e.closest("[data-testid]")?.dataset.testid || e.tagName).trim();
      if (width > 1 && (width < least || height < least)) found.push(`${name.slice(0, 40)}: ${width} x ${height}`);
    }
  };
  look(document);
  return found;
}"""


def violations(page: Page, only: dict[str, Any] | None = None) -> list[str]:
    """What axe-core finds serious or critical on the page once it lies still: what fades in is paler before."""
    lies_still(page)
    options = {"resultTypes": ["violations"], "preload": False} | ({"runOnly": only} if only else {})
    found = []
    for violation in Axe().run(page, options=options).response["violations"]:
        for node in violation["nodes"] if violation["impact"] in GRAVE else []:
            at = " ".join(str(part) for part in node["target"])
            if not any(violation["id"] == rule and at.endswith(end) for rule, end in STREAMLITS):
                why = "; ".join(check["message"] for check in node["any"] + node["all"] + node["none"])
                found.append(f"{violation['id']}: {node['html'][:160]} at {at}: {why}")
    return found


def in_scheme(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.wait_for_function(
        """(isDark) => isDark === getComputedStyle(document.querySelector("[data-testid=stApp]"))
          .backgroundColor.match(/[0-9]+/g)[0] < 100""",
        arg=scheme == "dark",
    )
    settle(page)  # Python is told, and runs


def in_both_schemes(page: Page) -> list[str]:
    light = violations(page)
    in_scheme(page, "dark")
    dark = violations(page, COLOURS)
    in_scheme(page, "light")
    return [*light, *(f"dark: {each}" for each in dark)]


def assert_it_fits(page: Page, place: str) -> None:
    """No part of it reaches beyond the screen's sides."""
    for area in ("document.documentElement", "document.querySelector('[data-testid=stMain]')"):
        assert page.evaluate(f"{area}.scrollWidth - {area}.clientWidth") <= 0, place


def unfold(page: Page, place: str) -> None:
    """Go to a page and open all that folds."""
    go_to(page, place)
    unfold_all(page)


def unfold_all(page: Page) -> None:
    page.evaluate(_UNFOLD)
    settle(page)
    lies_still(page)


def jobs_of_complete(page: Page) -> Iterator[str]:
    """Each job but the first, with all that it asks; at last what comes next as well."""
    for job in JOBS[1:]:
        page.get_by_role("radio", name=job, exact=True).click()
        if job == JOBS[-1]:
            page.get_by_role("radio", name="Two hands", exact=True).click()
            page.get_by_text("Show what comes next and what surprises").click()
        settle(page)
        unfold_all(page)
        yield job


def assert_answers_begin_above_the_deck(page: Page) -> None:
    """On Complete, nothing scrolled, the hint not closed: who presses the button sees that there are answers."""
    deck = page.locator(".deck").bounding_box()
    for job in JOBS[:3]:
        page.get_by_role("radio", name=job, exact=True).click()
        settle(page)
        page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 0)")
        card = page.locator(".cards .card").first.bounding_box()
        assert deck is not None
        assert card is not None
        assert card["y"] + 30 < deck["y"], job


def assert_a_place_is_chosen_by_keys(page: Page) -> None:
    """In the sheet of places: the focus goes to the heading of its page, where it is seen and Space plays."""
    page.locator(".st-key-places").get_by_role("button", name="More").focus()
    page.keyboard.press("Enter")
    page.get_by_test_id("stPopoverBody").get_by_role("link", name="Analyse").focus()
    page.keyboard.press("Enter")
    heading = page.get_by_role("heading", name="What is in it?")
    expect(heading).to_be_focused(timeout=WAIT_MS)
    settle(page)
    expect(heading).to_be_focused()
    assert heading.evaluate("h1 => getComputedStyle(h1).outlineStyle") == "solid"
    deck = page.get_by_role("region", name="Deck")
    page.keyboard.press(" ")
    expect(deck.get_by_role("button", name="Pause", exact=True)).to_be_visible(timeout=WAIT_MS)
    page.keyboard.press(" ")
    expect(deck.get_by_role("button", name="Play", exact=True)).to_be_visible(timeout=WAIT_MS)


def test_axe_finds_nothing_grave_on_a_wide_screen(tabs: Tabs, app_address: str) -> None:
    page = tabs.open(1440)
    open_reconstruct(page, app_address)
    for place in PAGES:
        unfold(page, place)
        assert in_both_schemes(page) == [], place
        if place == "Complete":
            assert {job: violations(page) for job in jobs_of_complete(page)} == {job: [] for job in JOBS[1:]}
    assert_a_place_is_chosen_by_keys(page)
    for box in ("Get a groove", "Model: shipped", "More"):
        page.get_by_role("button", name=box).first.click()
        expect(page.get_by_test_id("stPopoverBody")).to_be_visible(timeout=WAIT_MS)
        assert in_both_schemes(page) == [], box
        page.keyboard.press("Escape")
        expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)


def test_a_phone_is_for_every_finger_and_axe_finds_nothing_grave(phone: Page, app_address: str) -> None:
    open_reconstruct(phone, app_address)
    for place in PAGES:
        unfold(phone, place)
        assert phone.evaluate(SMALL, FINGER_PX) == [], place
        assert in_both_schemes(phone) == [], place
        if place == "Complete":  # what is the same on a wide screen was looked at there
            in_scheme(phone, "dark")
            for job in jobs_of_complete(phone):
                assert [*phone.evaluate(SMALL, FINGER_PX), *violations(phone, COLOURS)] == [], job
            in_scheme(phone, "light")
        assert_it_fits(phone, place)
    upload(phone, midi_file("loop", example("waltz")))  # there is something to search in
    for place in ("Analyse", "Library", "Review"):
        unfold(phone, place)
        assert phone.evaluate(SMALL, FINGER_PX) == [], place
        assert_it_fits(phone, place)
    go_to(phone, "Complete")
    assert_answers_begin_above_the_deck(phone)
    # A sheet of places closes when one is chosen.
    expect(phone.get_by_test_id("stPopoverBody")).to_have_count(0)
    phone.get_by_role("button", name="Open the grid").tap()
    phone.locator(".deck").get_by_role("button", name="More").tap()
    assert in_both_schemes(phone) == []
    phone.locator(".deck").get_by_text("Mixer, and sounds of your own").tap()
    small = phone.evaluate(SMALL, FINGER_PX)  # the names of the lanes are: all nine stand beside what is opened
    assert not [each for each in small if each.startswith(("Mute", "Solo", "Own sound", "Level", "Pan"))]
