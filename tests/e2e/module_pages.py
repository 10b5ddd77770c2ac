"""A page that has modules of components and nothing else: what needs a browser, but no app."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Route

from rhythmvae.ui.components import assets

ORIGIN = "http://modules.test"
COMPONENTS = assets.FOLDER.parent


@contextmanager
def module_page(
    browser: Browser, modules: Mapping[str, str], files: Mapping[str, tuple[bytes, str]] | None = None
) -> Iterator[Page]:
    """A page with each module, by its path below the components, as a property of the window.

    Args:
        files: what else it may fetch, by address: contents and their type.
    """
    others = files or {}

    def serve(route: Route) -> None:
        path = urlsplit(route.request.url).path.lstrip("/")
        if path in others:
            body, kind = others[path]
            route.fulfill(body=body, content_type=kind)
        elif path:
            route.fulfill(body=(COMPONENTS / path).read_text("utf-8"), content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html>", content_type="text/html")

    page = browser.new_page()
    page.route(f"{ORIGIN}/**", serve)
    page.goto(f"{ORIGIN}/")
    for name, path in modules.items():
        page.evaluate("async ([name, path]) => { window[name] = await import(path); }", [name, f"/{path}"])
    yield page
    page.close()
