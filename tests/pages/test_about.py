"""The scorecard on the About page: every claim, its verdict, where it fails, and what ears say."""

from __future__ import annotations

import pytest
from browsing import opened, players, shown

from rhythmvae.errors import StoreError
from rhythmvae.review.ears import Ears
from rhythmvae.review.statistics import chance, share
from rhythmvae.ui.parts import scorecard


def test_the_scorecard_has_every_claim_with_its_verdict_and_its_failures() -> None:
    app = opened("about")
    said = shown(app)
    for claim in scorecard.claims():
        part = said.partition(f"#### {claim.title}")[2].partition("####")[0]
        assert claim.verdict.capitalize() in part, claim.key
        assert all(scorecard.measure_words(measure) in part for measure in claim.measures), claim.key
        assert all(f"`{source['command']}`, {source['date']}" in said for source in claim.sources), claim.key
    assert not [key for key in players(app) if key.startswith("failure")], "nothing is sent before it is asked for"
    app.session_state["fails continue"] = True
    app.run()
    lanes = players(app)["failure continue"]["lanes"]
    assert [lane["label"] for lane in lanes] == ["What it was given", "What the model made"]
    assert all(lane["hits"] for lane in lanes)


def test_what_ears_say_stands_beside_what_the_classifier_says(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened("about")
    assert "By ear: no review on this server has asked people yet" in shown(app).replace("*", "")
    people = Ears(4, 30, 48, share([8, 7, 7, 8], [12] * 4), chance(30, 48))
    monkeypatch.setattr(scorecard, "_ears", lambda *_: people)
    app.run()
    text = shown(app)
    assert "people recognise the played one in 62 % (58 to 67 %) of trials (4 people, 48 answers" in text
    assert "in 11 of 100 such reviews, so this can be chance" in text


def test_a_database_that_fails_takes_nothing_else_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise StoreError("The database does not answer: try again later.")

    monkeypatch.setattr(scorecard, "_ears", fail)
    app = opened("about")
    assert not app.exception
    assert "The database does not answer" in shown(app)
    assert scorecard.claims()[-1].title in shown(app)
