"""Tests share what was fetched, and nothing else."""

from __future__ import annotations

import pytest
from tabs import SITE, Tabs

pytestmark = pytest.mark.browser

STORE = """() => {
  const before = [document.cookie, localStorage.length, sessionStorage.length];
  document.cookie = "a=b";
  localStorage.a = sessionStorage.a = "b";
  return before;
}"""


def test_a_tab_finds_nothing_of_the_one_before(tabs: Tabs) -> None:
    for is_phone in (False, True, False):
        page = tabs.open(is_phone=is_phone)
        page.route(f"{SITE}:1/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
        page.goto(f"{SITE}:1/")
        assert page.evaluate(STORE) == ["", 0, 0]
        tabs.close()
