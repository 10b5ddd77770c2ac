"""A review is made on its page, taken by its link, and its results are read; as a page has it, without a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import ROOT, downloads, opened, players, press, shown, tables, visit
from streamlit.testing.v1 import AppTest

from rhythmvae.data.examples import example
from rhythmvae.errors import StoreError
from rhythmvae.review.book import Reviews
from rhythmvae.store.database import ENVIRONMENT, Database
from rhythmvae.ui.parts import listening, review_making, sentences
from rhythmvae.ui.shared import _database
from tests.review import making

HOSTILE = "<script>alert(1)</script> *bold* :smile:"


@pytest.fixture(autouse=True)
def reviews(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reviews]:
    address = f"sqlite:///{tmp_path / 'a.sqlite'}"
    monkeypatch.setenv(ENVIRONMENT, address)
    kept = (_database, listening._begun, review_making._made)
    for each in kept:
        each.clear()
    own = Database(address)
    yield Reviews(own)
    own.close()
    for each in kept:
        each.clear()


def at(page: str, query: dict[str, str], secret: str | None = None) -> AppTest:
    """Somebody opens a link."""
    app = AppTest.from_file(ROOT / "app.py", default_timeout=60)
    app.query_params.update(query)
    if secret is not None:
        app.session_state[listening._SECRET] = secret
    app.run()
    return visit(app, page)


def listener(mark: str, secret: str = "5" * 32) -> AppTest:
    return at("listen", {"r": mark}, secret)


def button(app: AppTest, label: str) -> AppTest:
    return next(each for each in app.button if each.label.startswith(label)).click().run()


def said(place: int, answer: str = "left", **more: object) -> dict[str, object]:
    heard = {"plays": [1, 1], "heard": [False, False], "heard_ms": [2_000, 2_000]}
    return {"place": place, "answer": answer, "confidence": None, "comment": "", "milliseconds": 1, **heard, **more}


def test_a_review_is_made_and_its_links_open(reviews: Reviews) -> None:
    app = opened("review")
    button(app, "Make the review")
    assert "Expected a title" in shown(app)
    next(box for box in app.text_input if box.label.startswith("Title")).set_value(HOSTILE).run()
    kind = next(box for box in app.selectbox if box.label == "What is asked")
    kind.set_value("closer").run()
    assert "About 8 minutes for each reviewer." in shown(app)
    choose(app, "Trials", 30)
    assert "About 16 minutes for each reviewer: many people stop half-way." in shown(app)
    next(box for box in app.slider if box.label == "Trials").set_value(2).run()
    button(app, "Make the review")
    assert not app.exception
    [(record, people, answers)] = reviews.tables.all()
    assert (record.title, people, answers) == (HOSTILE, 0, 0)
    assert [set(item["sounds"]) for item in record.items] == [{"original", "rebuilt"}] * 2
    links = [code.value for code in app.code]
    assert f"/listen?r={record.listen}" in links[0]
    mark = links[1].split("/review?s=")[1]
    results = reviews.by_results(mark)
    assert results is not None
    assert results.record == record
    assert "No answers that count yet" in shown(at("review", {"s": mark}))


def test_grooves_of_ones_own_choice(reviews: Reviews) -> None:
    app = opened("review")
    next(box for box in app.text_input if box.label.startswith("Title")).set_value("Mine")
    next(box for box in app.selectbox if box.label == "What is asked").set_value("prefer").run()
    next(box for box in app.selectbox if box.label == "What is heard").set_value("own").run()
    button(app, "Make the review")
    assert "two sounds" in shown(app)
    app.multiselect[0].set_value(["funk", "rock", "disco"]).run()
    button(app, "Make the review")
    assert "material for 3 trials" in shown(app)
    [(record, _, _)] = reviews.tables.all()
    assert list(record.items[0]["sounds"]) == ["Funk", "Rock", "Disco"]


def choose(app: AppTest, label: str, value: object) -> None:
    next(box for box in [*app.selectbox, *app.slider] if box.label == label).set_value(value).run()


def test_every_ready_set_can_be_made_where_nobody_brings_files(reviews: Reviews) -> None:
    """Each by its most natural question; original against rebuilt is made above."""
    app = opened("review")
    next(box for box in app.text_input if box.label.startswith("Title")).set_value("All").run()
    choose(app, "Trials", 1)
    for kind, chosen, sounds, question in (
        ("played", "real", {"written", "sampled"}, "Which one was made by a person?"),
        ("closer", "tuned", {"before", "after"}, "Which one is closer to the original?"),
        ("prefer", "humanized", {"humanized", "stiff"}, "Which one do you like better?"),
    ):
        choose(app, "What is asked", kind)
        choose(app, "What is heard", chosen)
        button(app, "Make the review")
        assert not app.exception
        assert not app.error, (chosen, app.error[0].value if app.error else "")
        record = reviews.tables.all()[0][0]
        assert [set(item["sounds"]) for item in record.items] == [sounds]
        assert record.question == question
        assert record.design["right"] == ("written" if kind == "played" else "")
        assert bool(record.items[0]["reference"]) == (kind == "closer")


def test_chosen_grooves_with_a_played_one_or_beside_an_original(reviews: Reviews) -> None:
    app = opened("review")
    app.session_state["tray"] = {"one": example("funk"), "two": example("funk")}
    next(box for box in app.text_input if box.label.startswith("Title")).set_value("Mine").run()
    choose(app, "What is asked", "played")
    choose(app, "What is heard", "own played")
    app.multiselect[0].set_value(["rock", "kept one", "kept two"]).run()
    choose(app, "The one that a person played", "kept two")
    button(app, "Make the review")
    assert not app.exception
    played = reviews.tables.all()[0][0]
    assert {item["name"]: set(item["sounds"]) for item in played.items} == {
        "Rock": {"played", "not played"},
        "Kept: Funk": {"played", "not played"},
    }
    assert (played.design["right"], played.model) == ("played", "")
    choose(app, "What is asked", "closer")
    choose(app, "What is heard", "own closer")
    app.multiselect[0].set_value(["rock", "funk", "house"]).run()
    choose(app, "The original", "house")
    button(app, "Make the review")
    [closer] = [record for record, _, _ in reviews.tables.all() if record.id != played.id]
    assert list(closer.items[0]["sounds"]) == ["Rock", "Funk"]
    assert closer.items[0]["reference"]
    assert closer.design["right"] == ""


def test_a_reviewer_sees_the_trial_alone_and_goes_on_where_he_was(reviews: Reviews) -> None:
    review, _ = making.made(reviews)
    app = listener(review.record.listen)
    assert not app.exception
    assert set(players(app)) <= {"listener cookie"}, "no deck, no hints, no memory"
    assert not app.get("page_link")
    assert {page["url_pathname"] for page in app._registered_pages.values()} == {"", "listen"}
    button(app, "Start")
    for place in range(5):
        told = players(app)["trial"]
        assert (told["place"], told["of"]) == (place, 5)
        press(app, "trial", said(place), "answer")
        if place < 4:
            press(app, "trial", said(place, "right"), "answer")  # pressed twice
        if place == 1:
            app = listener(review.record.listen)  # another session of the same browser
    assert len(reviews.tables.answers(review.record.id)) == 5
    assert {a.answer for a in reviews.tables.answers(review.record.id)} == {"left"}
    app.text_area[0].set_value(HOSTILE)
    button(app, "Finish")
    assert "Thank you" in app.title[0].value
    assert "of 3** right" in shown(app)
    assert reviews.tables.people(review.record.id)[0].comment == HOSTILE
    assert "Thank you" in listener(review.record.listen).title[0].value
    assert "Start" in [each.label for each in listener(review.record.listen, "6" * 32).button]


def test_nothing_that_a_browser_is_told_names_a_sound(reviews: Reviews) -> None:
    review, _ = making.made(reviews)
    app = button(listener(review.record.listen), "Start")
    first = players(app)["trial"]
    text = json.dumps(first)
    secrets = ["real", "stiff", "thrown", "funk", "rock", "disco", review.record.id, "ab12cd34ef56ab78"]
    assert not [word for word in secrets if word in text]
    assert [each["key"] for each in first["sounds"]] == ["left", "right"]
    addresses = {each["address"] for each in first["sounds"]}
    assert len(addresses) == 2
    again = {each["address"] for each in players(listener(review.record.listen))["trial"]["sounds"]}
    assert not addresses & again, "drawn anew"


@pytest.mark.parametrize("sent", [None, "left", {}, said(0, "both"), said(0, plays=[0, 0]), said(9), {"place": []}])
def test_what_is_no_answer_is_a_sentence_and_nothing_is_kept(reviews: Reviews, sent: object) -> None:
    review, _ = making.made(reviews)
    app = button(listener(review.record.listen), "Start")
    press(app, "trial", sent, "answer")
    assert not app.exception
    assert players(app)["trial"]["place"] == 0
    assert not reviews.tables.answers(review.record.id)


def test_a_database_that_is_away_is_a_sentence_that_does_not_say_where_it_lies(
    reviews: Reviews, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    review, _ = making.made(reviews)
    app = button(listener(review.record.listen), "Start")

    def failing(*_: object) -> None:
        raise StoreError("The database postgresql://10.0.0.9/name cannot be used: it is gone.")

    with monkeypatch.context() as patch:
        patch.setattr(Reviews, "answer", failing)
        press(app, "trial", said(0), "answer")
        assert players(app)["trial"]["problem"] == sentences.UNREACHABLE
        patch.setattr(Reviews, "by_listen", failing)
        app.run()
        assert [each.value for each in app.error] == [sentences.literal(sentences.UNREACHABLE)]
        assert "10.0.0.9" not in shown(app)
    assert "10.0.0.9" in caplog.text
    press(app.run(), "trial", said(0), "answer")  # it is back, and the answer comes again
    assert players(app)["trial"]["place"] == 1


@pytest.mark.parametrize("mark", ["", "x", "0" * 32, "%00", "a" * 5_000])
def test_a_link_that_leads_nowhere(mark: str) -> None:
    app = at("listen", {"r": mark})
    assert not app.exception
    assert app.title[0].value == "No review here"


def test_a_reviewers_link_opens_no_results(reviews: Reviews) -> None:
    review, results = making.made(reviews)
    assert "There is no review" in shown(at("review", {"s": review.record.listen}))
    assert at("listen", {"r": results}).title[0].value == "No review here"


def test_results_live_with_words_files_and_their_end(reviews: Reviews, monkeypatch: pytest.MonkeyPatch) -> None:
    found = downloads(monkeypatch)
    review, mark = making.made(reviews)
    for number in range(4):
        reviews.end(making.taken(reviews, review, f"{number:032x}"), HOSTILE if number == 0 else "")
    app = at("review", {"s": mark})
    assert not app.exception
    assert "12 of 12 answers are right: 100 % (100 to 100 %)." in shown(app)
    assert "4 reviewers, 4 to the end, 20 answers." in shown(app)
    assert HOSTILE in shown(app)
    assert "<script>" not in "".join(str(each.value) for each in app.markdown), "escaped"
    rows = next(rows for rows in tables(app) if "Known trial" in rows[0])
    assert {(row["Reviewer"], row["Right, or chose"], row["Known trial"]) for row in rows} == {
        (f"Reviewer {number}", "3 of 3", "passed") for number in range(1, 5)
    }
    next(box for box in app.selectbox if box.label.startswith("Read what")).set_value(f"{2:032x}").run()
    rows = next(rows for rows in tables(app) if "Plays" in rows[0])
    assert [row["Trial"].partition(",")[0] for row in rows] == list("12345")
    next(box for box in app.multiselect if box.label == "Reviewers").set_value([1, 3]).run()
    assert "6 of 6 answers are right" in shown(app)
    own = {name: make for name, make in found.values() if name.startswith("Drums.")}
    assert own.keys() == {"Drums.html", "Drums.csv", "Drums.json"}
    assert all(make() for make in own.values())
    button(app, "Close it")
    assert not reviews.by_id(review.record.id).is_open
    assert "closed" in shown(listener(review.record.listen, "7" * 32))
    button(app, "Open it again")
    app.checkbox[0].set_value(True).run()
    button(app, "Delete it")
    assert reviews.tables.all() == []
    assert "There is no review" in shown(app)


def test_a_review_comes_back_from_its_file(reviews: Reviews) -> None:
    from rhythmvae.review import files

    review, _ = making.made(reviews)
    data = files.to_json(review, [], []).encode()
    reviews.tables.delete(review.record.id)
    app = opened("review")
    box = next(each for each in app.file_uploader if each.label == "A review's JSON file")
    box.upload("a.json", data).run()
    button(app, "Take it back")
    assert reviews.by_listen(review.record.listen) == review


def test_where_nothing_is_kept_none_can_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, "none")
    _database.clear()
    app = opened("review")
    assert "keeps nothing" in shown(app)
    assert not app.text_input
    assert at("listen", {"r": "0" * 32}).title[0].value == "No review here"


def test_the_cloud_keeps_no_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(review_making, "_CLOUD", tmp_path)
    assert "keeps no local files" in shown(opened("review"))
