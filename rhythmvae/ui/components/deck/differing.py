"""What a result loses, adds and moves of a groove: hit by hit for the deck, and for a whole file at a glance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rhythmvae.analysis import metrics
from rhythmvae.groove import FloatArray, Groove, IntArray
from rhythmvae.kit import GROUPS, VOICE_INDEX

MOVED_MS = 20.0  # a matched hit that is further off than this is shown as moved
DECIMALS = 2  # of a step, in a picture of many bars


@dataclass(frozen=True, eq=False)
class Differences:
    """Indices of hits: `lost` of the reference's, `added` and `moved` of the estimate's.

    late_ms: (K,) how much later each of the moved ones comes.
    """

    lost: IntArray
    added: IntArray
    moved: IntArray
    late_ms: FloatArray


def differences(reference: Groove, estimate: Groove) -> Differences:
    """What an estimate loses, adds and moves by MOVED_MS or more."""
    matching = metrics.match(reference, estimate)
    late = metrics.late_ms(reference, estimate, matching)
    far = np.flatnonzero(np.abs(late) >= MOVED_MS)
    return Differences(matching.missed, matching.added, matching.pairs[far, 1], late[far])


def picture(original: Groove, result: Groove) -> dict[str, Any]:
    """All bars of a file for a browser to draw: by groups of drums where the original's hits are, and what differs.

    Returns:
        groups: from the top, each with the drum that gives it its colour and the steps of its hits; lost, added,
        moved: a list of [group, step] each.
    """
    names = list(reversed(GROUPS))  # cymbals above, kick below
    group_of = {VOICE_INDEX[voice]: names.index(name) for name, voices in GROUPS.items() for voice in voices}

    def places(groove: Groove, hits: IntArray) -> list[list[float]]:
        steps = groove.position[hits].round(DECIMALS).tolist()
        return [[group_of[voice], step] for voice, step in zip(groove.voice[hits].tolist(), steps, strict=True)]

    played = places(original, np.arange(len(original)))
    differing = differences(original, result)
    return {
        "n_steps": original.n_steps,
        "bars": original.bar_lines.tolist(),
        "groups": [
            {"label": name.capitalize(), "voice": GROUPS[name][0], "hits": [step for g, step in played if g == row]}
            for row, name in enumerate(names)
        ],
        "lost": places(original, differing.lost),
        "added": places(result, differing.added),
        "moved": places(result, differing.moved),
    }
