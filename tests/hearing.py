"""What is heard, without an ear: for tests of what comes after it."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rhythmvae.audio import decoder
from rhythmvae.audio.hits import Heard
from rhythmvae.audio.read import Sound
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


class Finished:
    """What the decoder wrote here and now, in place of the process that would have."""

    def __init__(self, source: Path | bytes) -> None:
        out, stdin = io.BytesIO(), io.BytesIO(source if isinstance(source, bytes) else b"")
        path = [] if isinstance(source, bytes) else [str(source)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(decoder, "_limit", lambda n_bytes, seconds: None)
            patch.setattr(sys, "stdin", SimpleNamespace(buffer=stdin))
            patch.setattr(sys, "stdout", SimpleNamespace(buffer=out))
            self.status = decoder.main(["1", "1", *path])
        self.stdout = io.BytesIO(out.getvalue())

    def wait(self) -> int:
        return self.status


def decode_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decode without a process of the decoder's own, which takes a third of a second to start."""
    monkeypatch.setattr(Sound, "_decoder", lambda sound: nullcontext(Finished(sound.source)))
