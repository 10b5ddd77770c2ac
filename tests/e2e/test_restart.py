"""The server is killed and started anew under an open page, as every new version of a hosted app does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from serving import MortalApp
from visiting import WAIT_MS, expect_n_hits, open_reconstruct, settle, upload

from rhythmvae.data.examples import example
from rhythmvae.midi.write import write_midi

pytestmark = pytest.mark.browser


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MortalApp]:
    found = MortalApp(tmp_path / "log.txt")
    yield found
    found.end()


def test_an_open_page_says_what_is_there_and_what_is_not(page: Page, server: MortalApp) -> None:
    open_reconstruct(page, server.address)
    groove = example("samba")
    upload(page, {"name": "mine.mid", "mimeType": "audio/midi", "buffer": write_midi(groove)})
    expect_n_hits(page, len(groove))
    settle(page)
    page.wait_for_function("() => sessionStorage.getItem('rhythmvae')?.includes('mine.mid')", timeout=WAIT_MS)

    server.kill()
    server.start()
    said = page.get_by_text(re.compile(r"The server was restarted while this page was open\. Here again:.* 1 file\."))
    expect(said).to_be_visible(timeout=WAIT_MS)
    expect_n_hits(page, len(groove))  # of the file, which is chosen again
    expect(page.get_by_test_id("stException")).to_have_count(0)

    # Another one can be dropped.
    settle(page)
    other = example("disco")
    upload(page, {"name": "other.mid", "mimeType": "audio/midi", "buffer": write_midi(other)})
    expect_n_hits(page, len(other))
    expect(page.get_by_test_id("stException")).to_have_count(0)

    # A reload gives back all of it without a word.
    settle(page)
    page.wait_for_function("() => sessionStorage.getItem('rhythmvae')?.includes('other.mid')", timeout=WAIT_MS)
    page.reload()
    expect_n_hits(page, len(other))
    expect(page.get_by_text(re.compile("was restarted|loaded again"))).to_have_count(0)
