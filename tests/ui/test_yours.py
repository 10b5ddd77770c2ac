"""The box of grooves."""

from __future__ import annotations

import pytest
import streamlit as st

from rhythmvae.ui.parts import yours
from rhythmvae.ui.session import hand


def test_a_box_of_patterns_that_is_gone_takes_no_other_groove_in_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []
    monkeypatch.setattr(hand, "chosen", lambda: "a file")
    monkeypatch.setattr(hand, "choose", taken.append)
    monkeypatch.setattr(st, "session_state", {"pattern box funk": "funk", "pattern box a file": "rock"})
    yours._picked("pattern box funk")
    assert taken == []
    yours._picked("pattern box a file")
    assert taken == ["rock"]
