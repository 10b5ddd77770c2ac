"""A sound's waveform over the bars of the groove that was heard in it; a press says where bar 1 begins.

Peaks are measured once, as the sound is heard, and sent as one byte each, MAX_COLUMNS at most: 4 kB, whatever its
length.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from rhythmvae.audio.read import MAX_SECONDS
from rhythmvae.groove import FloatArray, Groove
from rhythmvae.ui.components import assets

COMPONENT = assets.Component(Path(__file__).parent, ("waveform.js",))
MAX_COLUMNS = 4_000


def show(peaks: FloatArray, seconds: float, groove: Groove, *, key: str, on_one: Callable[[], None]) -> None:
    """Draw a sound.

    Args:
        peaks: (P,) 0 to 1, evenly over all of it. seconds: its length.
        groove: whose time 0 is the sound's.
        key: of the component in the session.
        on_one: called before the run that follows a press; see `pressed`.
    """
    columns = _columns(peaks)
    data = {
        "peaks": base64.b64encode(np.rint(255 * columns).astype(np.uint8).tobytes()).decode(),
        "seconds": seconds,
        "bars": groove.seconds(groove.bar_lines).round(4).tolist(),
        "beats": groove.seconds(groove.beat_lines).round(4).tolist(),
        "strokes": groove.onset_seconds.round(3).tolist(),
        "label": f"Waveform of {seconds:.1f} seconds, {groove.n_bars} bars",
    }
    COMPONENT.tell(key, data, one=on_one)


def _columns(peaks: FloatArray) -> FloatArray:
    """(C,) of them, C at most MAX_COLUMNS: the loudest of each few.

    >>> _columns(np.array([0.1, 0.9])).tolist()
    [0.1, 0.9]
    """
    stride = max(1, math.ceil(len(peaks) / MAX_COLUMNS))
    padded = np.pad(peaks, (0, -len(peaks) % stride))
    columns: FloatArray = padded.reshape(-1, stride).max(1, initial=0.0)
    return columns


def pressed(key: str) -> float | None:
    """For an `on_one`: the second that was pressed."""
    match assets.said(key, "one"):
        case {"seconds": int(seconds) | float(seconds)} if 0 <= seconds <= MAX_SECONDS:
            return float(seconds)
    return None
