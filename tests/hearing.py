"""What is heard, without an ear: for tests of what comes after it."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rhythmvae.audio.hits import Heard
from rhythmvae.data import recording
from rhythmvae.data.examples import example
from rhythmvae.kit import N_VOICES


def loop_heard(name: str = "funk", drums_alone: float = 0.97) -> Heard:
    """A built-in pattern as a perfect ear hears it, at its own tempo."""
    groove = example(name)
    n = len(groove)
    seconds = np.clip(groove.onset_seconds, 0.0, None)
    return Heard(seconds, groove.voice, groove.velocity, np.full(n, 0.9), drums_alone, groove.duration_seconds)


def stand_in(monkeypatch: pytest.MonkeyPatch, heard: Heard) -> None:
    """Have every sound heard as this one, whatever is in it; it is not decoded."""

    def hear(blocks: Iterable[Any], least: float) -> Heard:
        return heard

    ear = SimpleNamespace(hear=hear, thresholds=np.full(N_VOICES, 0.4))
    monkeypatch.setattr(recording, "_transcriber", lambda: ear)
