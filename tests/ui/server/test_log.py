"""A line of JSON for each event, that names no file of a visitor."""

from __future__ import annotations

import json
import logging
import sys

from rhythmvae.ui.server.log import JsonLines


def line(message: str, *values: object, exc_info: object = None) -> dict[str, object]:
    record = logging.LogRecord("rhythmvae.x", logging.WARNING, "x.py", 1, message, values, exc_info)  # type: ignore[arg-type]
    text = JsonLines().format(record)
    assert "\n" not in text
    found: dict[str, object] = json.loads(text)
    return found


def test_an_event() -> None:
    found = line("run %s ended\nwith %d", "7f", 2)
    assert (found["level"], found["logger"], found["event"]) == ("warning", "rhythmvae.x", "run 7f ended\nwith 2")
    assert str(found["time"]).endswith("+00:00")


def test_an_error_is_said_without_its_words() -> None:
    try:
        raise ValueError("cannot read Secret Song (final).mid")
    except ValueError:
        found = line("Uncaught app execution", exc_info=sys.exc_info())
    assert found["error"] == "ValueError"
    assert "test_log.py" in str(found["trace"])
    assert "Secret" not in json.dumps(found)
