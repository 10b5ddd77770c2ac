"""Two browsers: one makes a review, the other takes it on a phone while the server dies under it."""

from __future__ import annotations

import io
import re
import wave
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import pytest
from playwright.sync_api import Page, Response, Route, expect
from playwright.sync_api import TimeoutError as NotInTimeError
from serving import MortalApp
from tabs import Tabs
from test_access_browser import FINGER_PX, SMALL, in_both_schemes
from visiting import WAIT_MS, go_to, open_deck, settle

from rhythmvae.groove import FloatArray
from rhythmvae.review.book import Reviews, digest
from rhythmvae.review.sound import MATCHED_LU, loudness
from rhythmvae.store.database import Database
from tests.review import making

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('reviews') / 'reviews.sqlite'}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, database: str) -> Iterator[MortalApp]:
    """One for all tests here; who kills it starts it again."""
    found = MortalApp(tmp_path_factory.mktemp("server") / "log.txt", {"RHYTHMVAE_DATABASE": database})
    yield found
    found.end()


def _bytes(data: bytes | str) -> bytes:
    return data if isinstance(data, bytes) else data.encode()


def samples_of(data: bytes) -> FloatArray:
    """Waveform of a WAV file of 16 bits."""
    with wave.open(io.BytesIO(data)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32_768


def hear_both(phone: Page) -> None:
    for side in "AB":
        phone.get_by_role("button", name=f"Play {side}").tap(timeout=WAIT_MS)
        expect(phone.get_by_role("button", name=f"Stop {side}")).to_have_class(re.compile("heard"), timeout=WAIT_MS)


def test_made_here_taken_there_and_no_answer_is_lost_or_doubled(
    page: Page, tabs: Tabs, server: MortalApp, database: str
) -> None:
    page.goto(f"{server.address}/review")
    page.get_by_label("Title, for you and for reviewers").fill("Friday drums", timeout=WAIT_MS)
    page.keyboard.press("Enter")
    page.get_by_role("slider", name="Trials").focus()
    for key in ("Home", *["ArrowRight"] * 3):
        page.keyboard.press(key)
    settle(page)
    page.get_by_role("button", name="Make the review").click()
    expect(page.get_by_text("It is ready")).to_be_visible(timeout=2 * WAIT_MS)
    expect(page.get_by_test_id("stCode")).to_have_count(2, timeout=WAIT_MS)
    listen, results = (code.inner_text() for code in page.get_by_test_id("stCode").all()[:2])
    page.goto(results)
    expect(page.get_by_text("No answers that count yet.")).to_be_visible(timeout=WAIT_MS)

    phone = tabs.open(390, 844, is_phone=True)
    told: list[bytes] = []
    phone.on("websocket", lambda socket: socket.on("framereceived", lambda data: told.append(_bytes(data))))
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
    expect(phone.get_by_text("2 of 6")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_role("row", name=re.compile("^Reviewer 1 1 "))).to_be_visible(timeout=WAIT_MS)

    # Nothing on the page, in its source or in what it fetched tells which is which.
    found = phone.content().lower() + b"".join(told).decode("utf-8", "replace").lower()
    assert told
    secrets = ("sampled", "written", "thrown", "funk", "stdeck", "places", "reconstruct", "latent map", "variations")
    secrets = (*secrets, results.split("s=")[1])
    assert not [word for word in secrets if word in found]
    assert phone.get_by_test_id("stPageLink").count() == 0
    assert phone.url == listen
    names = [answer.url.rsplit("/", 1)[1] for answer in sounds]
    assert len(set(names)) == len(names) >= 4
    lengths = [answer.headers["content-length"] for answer in sounds]
    assert lengths[0] == lengths[1]
    assert lengths[2] == lengths[3]
    loud = [loudness(samples_of(answer.body())) for answer in sounds[:4]]
    assert abs(loud[0] - loud[1]) < MATCHED_LU
    assert abs(loud[2] - loud[3]) < MATCHED_LU
    heads = [{k: v for k, v in answer.headers.items() if k not in ("etag", "date")} for answer in sounds[:2]]
    assert heads[0] == heads[1]

    # Everybody can use both pages, and a finger finds its buttons.
    assert in_both_schemes(phone) == []
    assert phone.evaluate(SMALL, FINGER_PX) == []
    assert in_both_schemes(page) == []

    # The server dies between the choice and Next.
    hear_both(phone)
    phone.get_by_role("button", name="Choose B").tap()
    server.kill()
    phone.get_by_role("button", name="Next").tap()
    expect(phone.get_by_text("Saving your answer…")).to_be_visible()
    server.start()
    expect(phone.get_by_text("3 of 6")).to_be_visible(timeout=2 * WAIT_MS)
    phone.reload()
    expect(phone.get_by_text("3 of 6")).to_be_visible(timeout=WAIT_MS)

    store = Database(database)
    reviews = Reviews(store)
    record = reviews.tables.by_results(digest(results.split("s=")[1]))
    assert record is not None
    [first, second] = reviews.tables.answers(record.id)
    store.close()
    assert [(a.place, a.answer, a.confidence) for a in (first, second)] == [(0, "left", 2), (1, "right", None)]
    assert first.left_plays == first.right_plays == 1
    assert len({first.person, second.person}) == 1
    # Who asked has another server too by now, and reads it on a phone.
    # In the table stands also who missed the trial whose answer is known, which chance may have put first.
    expect(page.get_by_role("row", name=re.compile("^Reviewer 1 2 "))).to_be_visible(timeout=WAIT_MS)
    page.set_viewport_size({"width": 390, "height": 844})
    settle(page)
    answers = page.get_by_role("combobox", name="Read what one of them answered")
    option = page.get_by_role("option", name="Reviewer 1")
    for _ in range(5):  # a list that opens while the page takes on its new width closes again
        answers.click()
        with suppress(NotInTimeError):
            option.click(timeout=WAIT_MS / 10)
            break
    expect(page.get_by_text("in part").first).to_be_visible(timeout=WAIT_MS)
    settle(page)
    assert in_both_schemes(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(phone.get_by_test_id("stException")).to_have_count(0)


def test_sounds_that_did_not_come_are_asked_for_again(phone: Page, server: MortalApp, database: str) -> None:
    """A phone that is without a line when a trial begins."""
    store = Database(database)
    review, _ = making.made(Reviews(store))
    store.close()
    lost: list[str] = []

    def lose(route: Route) -> None:
        lost.append(route.request.url)
        route.abort()

    phone.goto(f"{server.address}/listen?r={review.record.listen}")
    phone.route("**/*.wav", lose)
    phone.get_by_role("button", name="Start").tap(timeout=WAIT_MS)
    expect(phone.get_by_text("The sounds did not come: trying again.")).to_be_visible(timeout=WAIT_MS)
    settle(phone)  # what it asked the server for has been answered, too
    assert lost
    phone.unroute("**/*.wav")
    hear_both(phone)
    expect(phone.get_by_text("Now answer.")).to_be_visible()


def choose(page: Page, box: str, *options: str) -> None:
    """In a list that opens when it is tapped; one of several choices stays open."""
    for option in options:
        page.get_by_role("combobox", name=box).click()
        page.get_by_role("option", name=option, exact=True).click(timeout=WAIT_MS)
        settle(page)


def test_the_groove_in_hand_beside_a_kept_one(phone: Page, tabs: Tabs, server: MortalApp, database: str) -> None:
    """Made on a phone out of what its owner has just kept, and taken in another browser."""
    open_deck(phone, f"{server.address}/variations")
    phone.get_by_role("radio", name="Cards", exact=True).tap()
    phone.locator(".st-key-keep-variation").get_by_role("button").tap(timeout=WAIT_MS)
    settle(phone)
    go_to(phone, "Review")
    phone.get_by_label("Title, for you and for reviewers").fill("Mine", timeout=WAIT_MS)
    phone.keyboard.press("Enter")
    choose(phone, "What is asked", "Which do you like?")
    choose(phone, "What is heard", "Grooves that I choose")
    box = phone.get_by_role("combobox", name="Grooves, two to eight")
    box.click()
    box.fill("Kept")  # of a long list only what is in sight is on the page
    phone.get_by_role("option", name=re.compile("^Kept: ")).click(timeout=WAIT_MS)
    phone.keyboard.press("Escape")
    settle(phone)
    make = phone.get_by_role("button", name="Make the review")
    make.tap()
    expect(phone.get_by_text("It is ready")).to_be_visible(timeout=WAIT_MS)
    settle(phone)
    pressed, ready = make.bounding_box(), phone.get_by_text("It is ready").bounding_box()
    assert pressed is not None
    assert ready is not None
    assert ready["y"] > pressed["y"], "where the finger is, and not above the screen"
    listen = phone.get_by_test_id("stCode").first.inner_text()
    assert phone.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert in_both_schemes(phone) == []

    other = tabs.open(390, 844, is_phone=True)
    other.goto(listen)
    other.get_by_role("button", name="Start").tap(timeout=WAIT_MS)
    expect(other.get_by_role("heading", name="Which one do you like better?")).to_be_visible(timeout=WAIT_MS)
    hear_both(other)
    other.keyboard.press("ArrowRight")
    other.get_by_role("button", name="Next").tap()  # Enter is for the button that was tapped last
    expect(other.get_by_text("2 of 2")).to_be_visible(timeout=WAIT_MS)
    store = Database(database)
    reviews = Reviews(store)
    [record] = [found for found, _, _ in reviews.tables.all() if found.title == "Mine"]
    [answer] = reviews.tables.answers(record.id)
    store.close()
    [item] = record.items
    assert {answer.left, answer.right} <= set(item["sounds"])
    assert any(name.startswith("Kept: ") for name in item["sounds"])
    assert answer.answer == "right"
    expect(phone.get_by_test_id("stException")).to_have_count(0)
