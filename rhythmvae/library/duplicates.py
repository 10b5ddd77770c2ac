"""Which loops of a library are the same, and which nearly: a report that says what could go and deletes nothing.

The rules are those of `analysis.duplicates`, for as many loops as there are: near-duplicates differ in at most
NEAR_SHARE of the cells of the fuller one, or in one. Loops of the same length are compared, and those that are as long
as a window once they are played round.

They are found without comparing each with each: of loops that differ in k cells and are cut into k + 1 parts one part
is the same. Those that differ in N_PARTS cells or more, which takes 130 hits, are found where a part happens to be.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rhythmvae.analysis.duplicates import NEAR_SHARE
from rhythmvae.groove import WINDOW_STEPS
from rhythmvae.library.store import Store, to_text

N_PARTS = 4
Bits = np.ndarray[Any, np.dtype[np.uint16]]  # of a step's voices, (T,) or (N, T)
MAX_ALIKE = 400  # loops with one part the same that are compared with each other: more have half the kit in it


@dataclass(frozen=True)
class Group:
    """Files that play the same hits, or nearly: `keep` one of them, the others could go."""

    kind: str  # exact, near
    keep: str
    could_go: tuple[str, ...]


def report(store: Store) -> list[Group]:
    """Groups of duplicates, exact ones first, each in the order of the paths they keep."""
    paths: dict[bytes, list[str]] = defaultdict(list)
    sql = (
        "SELECT c.loop, f.path FROM files f JOIN contents c ON c.id = f.content WHERE c.n_hits > 0 "
        "ORDER BY f.root, f.path"
    )
    for loop, path in store.rows(sql):
        paths[loop].append(to_text(path))
    exact = [Group("exact", own[0], tuple(own[1:])) for own in paths.values() if len(own) > 1]
    loops = [loop for loop in paths if not loop.startswith(b"long ")]
    near = [
        Group("near", paths[loops[own[0]]][0], tuple(paths[loops[i]][0] for i in own[1:]))
        for own in near_duplicates(loops)
    ]
    return [*exact, *near]


def near_duplicates(loops: Sequence[bytes]) -> list[list[int]]:
    """Groups of loops (a step's voices as bits, uint16) that are near-duplicates, in chains (A of B, B of C)."""
    first = list(range(len(loops)))

    def root(i: int) -> int:
        while first[i] != i:
            first[i] = first[first[i]]
            i = first[i]
        return i

    for one, other in _pairs(loops):
        a, b = sorted((root(one), root(other)))
        first[b] = a
    groups: dict[int, list[int]] = defaultdict(list)
    for i in range(len(loops)):
        groups[root(i)].append(i)
    return [own for own in groups.values() if len(own) > 1]


def _pairs(loops: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Near-duplicates of one length, and those of which one, played round, is as long as a window."""
    own = [np.frombuffer(loop, np.uint16) for loop in loops]
    yield from _alike(own)
    round_: list[Bits | None] = [
        np.tile(bits, WINDOW_STEPS // len(bits)) if WINDOW_STEPS % len(bits) == 0 else None for bits in own
    ]
    yield from ((one, other) for one, other in _alike(round_) if len(own[one]) != len(own[other]))


def _alike(loops: Sequence[Bits | None]) -> Iterator[tuple[int, int]]:
    """Pairs of loops of one length that are near-duplicates."""
    for n_part in range(N_PARTS):
        buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
        for i, bits in enumerate(loops):
            if bits is not None:
                start, stop = len(bits) * n_part // N_PARTS, len(bits) * (n_part + 1) // N_PARTS
                buckets[len(bits), bits[start:stop].tobytes()].append(i)
        for rows in buckets.values():
            if 1 < len(rows) <= MAX_ALIKE:
                yield from _compared(rows, np.stack([bits for i in rows if (bits := loops[i]) is not None]))


def _compared(rows: Sequence[int], bits: Bits) -> Iterator[tuple[int, int]]:
    n_hits = np.bitwise_count(bits).sum(1)
    for i in range(len(rows) - 1):
        differing = np.bitwise_count(bits[i + 1 :] ^ bits[i]).sum(1)
        allowed = np.maximum(1, np.floor(NEAR_SHARE * np.maximum(n_hits[i + 1 :], n_hits[i])))
        for j in np.flatnonzero(differing <= allowed).tolist():
            yield rows[i], rows[i + 1 + j]
