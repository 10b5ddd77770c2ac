"""What visitors said, for the owner."""

from __future__ import annotations

from running import documented, keys_of

from rhythmvae.store.database import Database
from rhythmvae.store.feedback import Feedback, FeedbackBook


def test_it_prints_what_was_said(shell, tmp_path):
    address = f"sqlite:///{tmp_path / 'a.sqlite'}"
    book = FeedbackBook(Database(address))
    book.add(Feedback("More cowbell.\n\x1b[31mred", "about", "ab12", 0.0))
    book.add(Feedback("Later", "about", "", 86_400.0))
    status, out, _ = shell("feedback", "--database", address, model=False)
    assert (status, out.splitlines()) == (
        0,
        [
            "1970-01-02T00:00:00+00:00  about  -",
            "    Later",
            "1970-01-01T00:00:00+00:00  about  ab12",
            "    More cowbell.",
            "    [31mred",
        ],
    )
    found = shell.json("feedback", "--database", address, model=False)
    assert keys_of(found) == documented("feedback") - {"feedback"} | {"version", "command", "feedback"}
    assert found["feedback"][1] == {
        "text": "More cowbell.\n\x1b[31mred",
        "page": "about",
        "model": "ab12",
        "written_at": "1970-01-01T00:00:00+00:00",
    }


def test_without_a_database_there_is_nothing_to_print(shell):
    shell.refuses("feedback", match="RHYTHMVAE_DATABASE says none", model=False)
