"""Tabs for the browser tests: of their own, but in contexts that live as long as the browser does."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, CDPSession, Frame, Page

SITE = "http://127.0.0.1"  # of every server here, whatever its port
STORED = "local_storage,indexeddb,cache_storage"


class Tabs:
    """What a test opens and leaves clean.

    Scripts that one test has fetched and compiled are there for the next, so that a page costs 2 s of processor time
    and not 5. For that every kind of screen has one context, one process (--process-per-site), and in it a tab that
    stays. What is stored by a page, cookies and permissions go when the test ends.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._kinds: dict[tuple[bool, int], tuple[BrowserContext, CDPSession]] = {}
        self._pages: list[Page] = []
        self._origins: set[str] = set()

    def open(
        self, width: int = 1280, height: int = 900, *, is_phone: bool = False, scale: int = 1, **media: Any
    ) -> Page:
        """An empty tab, px wide and high. scale: its pixels a px; media: as `Page.emulate_media` takes it."""
        context, _ = self._kind(is_phone, scale)
        page = context.new_page()
        page.on("framenavigated", self._remember)
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(**{"color_scheme": "light", **media})
        self._pages.append(page)
        return page

    def close(self) -> None:
        for page in self._pages:
            page.close()
        for context, stay in self._kinds.values():
            for origin in self._origins:
                stay.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": STORED})
            context.clear_cookies()
            context.clear_permissions()
        self._pages.clear()
        self._origins.clear()

    def _kind(self, is_phone: bool, scale: int) -> tuple[BrowserContext, CDPSession]:
        if (is_phone, scale) not in self._kinds:
            context = self._browser.new_context(has_touch=is_phone, is_mobile=is_phone, device_scale_factor=scale)
            stay = context.new_page()
            stay.route(f"{SITE}/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
            stay.goto(f"{SITE}/")
            self._kinds[is_phone, scale] = context, context.new_cdp_session(stay)
        return self._kinds[is_phone, scale]

    def _remember(self, frame: Frame) -> None:
        address = urlsplit(frame.url)
        if address.scheme == "http":
            self._origins.add(f"{address.scheme}://{address.netloc}")
