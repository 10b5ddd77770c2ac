"""The app works under its own content security policy: the browser reports nothing that it would have to forbid."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from visiting import WAIT_MS, open_deck, open_page, settle

from rhythmvae.resources import PAGES

pytestmark = pytest.mark.browser
REPORT = "document.addEventListener('securitypolicyviolation', e => console.error('VIOLATION', e.violatedDirective))"


def test_no_page_does_what_the_policy_forbids(page: Page, app_address: str) -> None:
    reports: list[str] = []
    page.on("console", lambda said: reports.append(f"{page.url}: {said.text}") if "VIOLATION" in said.text else None)
    page.add_init_script(REPORT)
    deck = open_deck(page, app_address)
    deck.get_by_role("button", name="Play", exact=True).click()
    expect(deck.get_by_role("button", name="Pause", exact=True)).to_be_visible(timeout=WAIT_MS)
    for path in sorted(PAGES.glob("*.py")):
        open_page(page, f"{app_address}/{path.stem}")
        if path.stem == "analyse":
            expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=WAIT_MS)
    settle(page)
    assert reports == []
    # The ear for it works: a script that is written into the page does not run, and is reported.
    with page.expect_console_message(lambda said: "VIOLATION" in said.text, timeout=WAIT_MS):
        page.evaluate("document.head.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))")
    assert page.evaluate("window.ran") is None
    assert len(reports) == 1
