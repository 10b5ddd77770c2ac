"""One trial of a review, all that a reviewer sees of it: sounds to play, an answer, Next.

`trial.js` plays loops at one playhead, counts what was heard, and keeps an answer in the browser until the server has
moved on. What it is told names no sound: sides, addresses, a question and a place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from rhythmvae.ui.components import assets

COMPONENT = assets.Component(Path(__file__).parent, ("trial.js",))


def show(key: str, data: Mapping[str, Any], on_answer: Callable[[Any], None]) -> None:
    """Draw the trial.

    Args:
        data: `session` (of the page), `review` (the mark in its link), `place`, `of`, `question`, `how` ("pair", "rate"
            or "words"), `allows_none`, `least_ms` and `sounds`, each `key` ("left", "right" or "reference") and
            `address`.
        on_answer: is given what the browser says, which can be anything.
    """
    COMPONENT.tell(key, data, answer=partial(_answered, key, on_answer), woken=None)


def _answered(key: str, on_answer: Callable[[Any], None]) -> None:
    if (found := assets.said(key, "answer")) is not None:
        on_answer(found)
