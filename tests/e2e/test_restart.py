"""The server is killed and started anew under an open page, as every new version of a hosted app does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from serving import MortalApp
from visiting import drop, expect_back, expect_n_hits, open_reconstruct, settle

from rhythmvae.data.examples import example

pytestmark = pytest.mark.browser


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MortalApp]:
    found = MortalApp(tmp_path / "log.txt")
    yield found
    found.end()


def test_an_open_page_says_what_is_there_and_what_is_not(page: Page, server: MortalApp) -> None:
    open_reconstruct(page, server.address)
    groove = example("samba")
    drop(page, "mine", groove)

    server.kill()
    server.start()
    expect_back(page, groove)
    expect(page.get_by_test_id("stException")).to_have_count(0)

    # Another one can be dropped.
    settle(page)
    other = example("disco")
    drop(page, "other", other)
    expect(page.get_by_test_id("stException")).to_have_count(0)

    # A reload gives back all of it without a word.
    page.reload()
    expect_n_hits(page, len(other))
    expect(page.get_by_text(re.compile("was restarted|loaded again"))).to_have_count(0)
