"""Two browsers: one makes a review, the other takes it on a phone while the server dies under it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Response, expect
from serving import MortalApp
from tabs import Tabs
from visiting import WAIT_MS

from rhythmvae.review.book import Reviews, digest
from rhythmvae.store.database import Database

pytestmark = pytest.mark.browser
HEARD_MS = 1_700


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'reviews.sqlite'}"


@pytest.fixture
def server(tmp_path: Path, database: str) -> Iterator[MortalApp]:
    found = MortalApp(tmp_path / "log.txt", {"RHYTHMVAE_DATABASE": database})
    yield found
    found.end()


def hear_both(phone: Page) -> None:
    for side in "AB":
        phone.get_by_role("button", name=f"Play {side}").tap(timeout=WAIT_MS)
        phone.wait_for_timeout(HEARD_MS)


def test_made_here_taken_there_and_no_answer_is_lost_or_doubled(
    page: Page, tabs: Tabs, server: MortalApp, database: str
) -> None:
    page.goto(f"{server.address}/review")
    page.get_by_label("Title, for you and for reviewers").fill("Friday drums", timeout=WAIT_MS)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Make the review").click()
    expect(page.get_by_text("It is ready")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_test_id("stCode")).to_have_count(2, timeout=WAIT_MS)
    listen, results = (code.inner_text() for code in page.get_by_test_id("stCode").all()[:2])
    page.goto(results)
    expect(page.get_by_text("No answers that count yet.")).to_be_visible(timeout=WAIT_MS)

    phone = tabs.open(390, 844, is_phone=True)
    sounds: list[Response] = []
    phone.on("response", lambda answer: sounds.append(answer) if ".wav" in answer.url else None)
    phone.goto(listen)
    phone.get_by_role("button", name="Start").tap(timeout=WAIT_MS)
    expect(phone.get_by_text("Hear both, then choose.")).to_be_visible(timeout=WAIT_MS)
    expect(phone.get_by_role("button", name="Choose A")).to_be_disabled()
    hear_both(phone)
    phone.get_by_role("button", name="Choose A").tap()
    phone.get_by_role("button", name="Fairly sure").tap()
    phone.get_by_role("button", name="Next").tap()
    expect(phone.get_by_text("2 of 15")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text(re.compile("1 reviewer, 0 to the end, 1 answer"))).to_be_visible(timeout=WAIT_MS)

    # Nothing on the page, in its source or in what it fetched tells which is which.
    found = phone.content().lower()
    assert not [word for word in ("sampled", "thrown", "funk", "stdeck", "places") if word in found]
    assert phone.get_by_test_id("stPageLink").count() == 0
    assert phone.url == listen
    names = [answer.url.rsplit("/", 1)[1] for answer in sounds]
    assert len(set(names)) == len(names) >= 4
    lengths = [answer.headers["content-length"] for answer in sounds]
    assert lengths[0] == lengths[1]
    assert lengths[2] == lengths[3]

    # The server dies between the choice and Next.
    hear_both(phone)
    phone.get_by_role("button", name="Choose B").tap()
    server.kill()
    phone.get_by_role("button", name="Next").tap()
    expect(phone.get_by_text("Saving your answer…")).to_be_visible()
    server.start()
    expect(phone.get_by_text("3 of 15")).to_be_visible(timeout=2 * WAIT_MS)
    phone.reload()
    expect(phone.get_by_text("3 of 15")).to_be_visible(timeout=WAIT_MS)

    store = Database(database)
    reviews = Reviews(store)
    record = reviews.tables.by_results(digest(results.split("s=")[1]))
    assert record is not None
    [first, second] = reviews.tables.answers(record.id)
    store.close()
    assert [(a.place, a.answer, a.confidence) for a in (first, second)] == [(0, "left", 2), (1, "right", None)]
    assert first.left_plays == first.right_plays == 1
    assert len({first.person, second.person}) == 1
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(phone.get_by_test_id("stException")).to_have_count(0)
