"""What goes with a groove: loops that play other drums, in the same meter and feel, and sound where it leaves room.

Of two that play other drums alone, the one comes first whose rhythm is less the groove's own: a shaker on the off-beats
beside a kick on the beats.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from rhythmvae.groove import WINDOW_STEPS, Groove, Layers
from rhythmvae.kit import N_VOICES
from rhythmvae.library import scan, search
from rhythmvae.library.asking import Filters, asked, packed
from rhythmvae.library.content import N_BYTES
from rhythmvae.library.search import Library, Result

NEAR_TEMPO = 0.15  # by how much a loop's tempo may be another
SAME_PLACE_SHARE = 0.25  # of the rank, beside the share of hits that the groove's own drums would play
FEWEST_HITS = 3


def goes_with(
    library: Library, groove: Groove, layers: Layers, feels: tuple[str, ...], filters: Filters, n: int = 10
) -> list[Result]:
    """Loops that go with a groove, the best first; `distance` is the rank's measure, 0 to 1.25.

    Args:
        feels: of the groove, as `describe` names them; loops have those of `shuffle` alone where it has.
    """
    bpm = groove.tempos[0].bpm
    wanted = replace(
        filters,
        tempo=filters.tempo or (bpm * (1 - NEAR_TEMPO), bpm * (1 + NEAR_TEMPO)),
        meters=filters.meters or (str(groove.meters[0]),),
    )
    own = library.columns
    passes = library.allowed(wanted)
    if passes is None or not own.n_windows:
        return []
    if "shuffle" in own.names["feel"]:
        is_shuffle = (own.feel >> own.names["feel"].index("shuffle") & 1).astype(bool)
        passes = passes & (is_shuffle == ("shuffle" in feels))
    voices = tuple(int(voice) for voice in np.unique(groove.voice))
    what = asked(groove, layers, voices, as_it_is=True)
    rows = np.flatnonzero(passes[own.content] & (own.n_hits >= FEWEST_HITS))
    hits = own.n_hits[rows].astype(np.float32)
    theirs = scan.hits_of(own.counts, voices)[rows] / np.maximum(hits, 1.0)
    chosen = np.argsort(theirs, kind="stable")[: search.SHORTLIST]
    rows, theirs = rows[chosen], theirs[chosen]
    played = steps_of(own.words[:, rows])
    query = steps_of(packed(what.windows[0]).T)[0]
    together = (played & query).sum(1) / np.maximum(played.sum(1), 1)
    rank = theirs + SAME_PLACE_SHARE * together
    ranked = sorted(zip(rank.tolist(), own.content[rows].tolist(), rows.tolist(), [0] * len(rows), strict=True))
    best = {row[1]: row for row in reversed(ranked)}  # of each content its first
    return library.results(sorted(best.values()), what, wanted, n)


def steps_of(words: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(R, T) bool, whether any drum is hit at each step of patterns (N_WORDS, R)."""
    rows = np.ascontiguousarray(words.T).view(np.uint8)[:, :N_BYTES]
    cells = np.unpackbits(rows, axis=1).reshape(len(rows), WINDOW_STEPS, N_VOICES)
    return np.asarray(cells.any(-1))
