"""A word left behind, on the page where it is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import opened, shown
from streamlit.testing.v1 import AppTest

from rhythmvae.errors import UsageError
from rhythmvae.store.database import ENVIRONMENT, Database
from rhythmvae.store.feedback import FeedbackBook
from rhythmvae.ui.parts import feedback
from rhythmvae.ui.parts.feedback import MAX_EACH, Recent
from rhythmvae.ui.session import models
from rhythmvae.ui.shared import _database


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    found = f"sqlite:///{tmp_path / 'a.sqlite'}"
    monkeypatch.setenv(ENVIRONMENT, found)
    _database.clear()
    feedback._recent.clear()
    yield found
    _database.clear()
    feedback._recent.clear()


def write(app: AppTest, text: str) -> AppTest:
    app.text_area[0].set_value(text)
    return next(button for button in app.button if button.label == "Send").click().run()


def test_words_are_kept_and_thanked_for(address: str) -> None:
    app = opened("about")
    write(app, "  ")
    assert "Expected a few words" in shown(app)
    write(app, "More cowbell")
    assert [message.value for message in app.success] == ["Thank you, it has arrived."]
    [said] = FeedbackBook(Database(address)).all()
    assert (said.text, said.page, said.model) == ("More cowbell", "about", models.shipped().digest)
    assert not app.run().success, "thanked once"


def test_nothing_is_asked_where_nothing_is_kept() -> None:
    app = opened("about")
    assert not app.exception
    assert not app.text_area


def test_one_visitor_has_so_many_an_hour() -> None:
    recent = Recent()
    for number in range(MAX_EACH):
        recent.check("somebody", float(number))
    with pytest.raises(UsageError, match="within an hour"):
        recent.check("somebody", 9.0)
    recent.check("another", 9.0)
    recent.check("somebody", 3_600.5)


def test_visitors_do_not_heap_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recent, "MAX_VISITORS", 2)
    recent = Recent()
    for name in "abc":
        recent.check(name, 0.0)
    assert list(recent.times) == ["b", "c"]
