"""The lines of a bar of four beats, 16ths and triplets among them, and the groups of drums that are counted on them."""

from __future__ import annotations

import numpy as np

from rhythmvae.groove import FloatArray, IntArray
from rhythmvae.kit import N_VOICES, VOICE_INDEX

BEATS, TICKS = 4, 12  # of a bar, and of a beat: 16ths are every third, triplets every fourth
N_TICKS = BEATS * TICKS
GROUP_OF_VOICE = np.zeros(N_VOICES, dtype=np.int64)  # kick, snare, closed hat, open hat, toms, crash, ride
for _group, _keys in enumerate(
    (("kick",), ("snare",), ("closed_hat",), ("open_hat",), ("low_tom", "mid_tom", "high_tom"), ("crash",), ("ride",))
):
    GROUP_OF_VOICE[[VOICE_INDEX[key] for key in _keys]] = _group
N_GROUPS = 7


def nearest_line(place: FloatArray) -> IntArray:
    """The 16th or triplet that is nearest to places in ticks, so that none is taken for what nobody plays."""
    sixteenth, triplet = 3 * np.rint(place / 3), 4 * np.rint(place / 4)
    return np.where(np.abs(place - triplet) < 0.7 * np.abs(place - sixteenth), triplet, sixteenth).astype(np.int64)
