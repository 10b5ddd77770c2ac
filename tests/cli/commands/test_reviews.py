"""The listening tests of a database, for whoever runs the app."""

from __future__ import annotations

import csv
import json

import pytest
from running import documented, keys_of

from rhythmvae.review.book import Reviews
from rhythmvae.store.database import Database
from tests.review import making

ANN = "a" * 32


@pytest.fixture
def reviews(tmp_path) -> Reviews:
    return Reviews(Database(f"sqlite:///{tmp_path / 'a.sqlite'}"))


@pytest.fixture
def ask(shell, tmp_path):
    return lambda *words: shell("reviews", *words, "--database", f"sqlite:///{tmp_path / 'a.sqlite'}", model=False)


def test_list_export_close_delete(shell, ask, reviews, tmp_path):
    assert ask("list") == (0, "", "")
    review, _ = making.made(reviews)
    name = review.record.id
    making.taken(reviews, review, ANN)
    status, out, _ = ask("list")
    assert status == 0
    assert out.startswith(name)
    assert "open  1 reviewer, 5 answers  Drums" in out

    found = json.loads(ask("list", "--json")[1])
    own = {"id", "title", "question", "kind", "listen", "model", "made_at", "closed_at", "n_people", "n_answers"}
    assert keys_of(found) == own | {"version", "command", "reviews"}
    assert own <= documented("reviews")

    table, whole = tmp_path / "a.csv", tmp_path / "a.json"
    assert ask("export", name, "--out", table)[0] == 0
    rows = list(csv.DictReader(table.open()))
    assert [row["place"] for row in rows] == list("01234")
    assert set(rows[0]) <= documented("reviews")
    assert ask("export", name, "--out", whole)[0] == 0
    assert len(json.loads(whole.read_text("utf-8"))["answers"]) == 5
    assert "exists; give --force" in ask("export", name, "--out", whole)[2]
    assert ask("export", name, "--out", whole, "--force")[0] == 0

    assert ask("close", name) == (0, f"{name}: closed\n", "")
    assert "closed  1 reviewer" in ask("list")[1]
    assert "--yes" in ask("delete", name)[2]
    assert ask("delete", name, "--yes") == (0, f"{name}: deleted\n", "")
    assert ask("list") == (0, "", "")


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["list", "x"], "no id"),
        (["close"], "id of a review to close"),
        (["close", "nothing"], "Expected the id of a review"),
        (["export", "x"], "ends in .csv or .json"),
        (["export", "x", "--out", "a.txt"], "ends in .csv or .json"),
        (["burn"], "expected one of list, export, close, delete"),
    ],
)
def test_what_is_refused(shell, tmp_path, words, match):
    shell.refuses("reviews", *words, "--database", f"sqlite:///{tmp_path / 'a.sqlite'}", match=match, model=False)


def test_without_a_database_there_are_none(shell):
    shell.refuses("reviews", "list", match="RHYTHMVAE_DATABASE says none", model=False)
