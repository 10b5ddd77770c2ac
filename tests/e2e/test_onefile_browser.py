"""The page in one file, opened from a disk in a fresh browser without a network."""

from __future__ import annotations

from pathlib import Path

import pytest
from playing import groove
from playwright.sync_api import Browser, expect

from rhythmvae.groove import Groove
from rhythmvae.ui.components import onefile
from rhythmvae.ui.components.pad import lattice_file

pytestmark = pytest.mark.browser


def grooves() -> list[Groove]:
    """81 that can be told from each other by their first hit's velocity."""
    return [groove(("kick", 0, 20 + i), ("closed_hat", 2, 90), ("snare", 4, 100)) for i in range(81)]


def test_it_plays_all_its_grooves_from_a_disk(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "pad.html"
    file.write_bytes(onefile.page(lattice_file(grooves()), side=9, title="For Ada"))
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, offline=True)
    try:
        page = context.new_page()
        asked, errors = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(file.as_uri())
        expect(page.get_by_role("heading")).to_have_text("For Ada")
        page.get_by_role("button", name="Play").click()
        pad = page.locator("#pad")
        moves = "pad => pad.transport.isPlaying && pad.transport.position().step > 0.5"
        page.wait_for_function(moves, arg=pad.element_handle())
        expect(page.get_by_role("button", name="Pause")).to_be_visible()
        heard = pad.evaluate("""async (pad) => {
          const { left, top, width, height } = pad.getBoundingClientRect();
          const point = (type, i) => pad.dispatchEvent(new PointerEvent(type, {
            pointerId: 1, button: 0, bubbles: true,
            clientX: left + ((i % 9) + 0.5) * width / 9, clientY: top + (Math.floor(i / 9) + 0.5) * height / 9,
          }));
          pad.setPointerCapture = () => {};
          const found = [];
          point("pointerdown", 0);
          for (let i = 0; i < 81; i += 1) {
            point("pointermove", i);
            found.push([Number(pad.dataset.at), document.querySelectorAll("#grid i").length]);
          }
          point("pointerup", 80);
          return found;
        }""")
        assert heard == [[i, 3] for i in range(81)]
        stats = pad.evaluate("pad => pad.transport.stats")
        assert stats["scheduled"] > 3
        assert stats["late"] == 0
        pad.press("ArrowLeft")
        assert pad.evaluate("pad => pad.dataset.at") == "79"
        assert not errors
        assert all(url.startswith(("file:", "data:", "blob:")) for url in asked), asked
        box = page.get_by_role("button", name="Pause").bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    finally:
        context.close()
