"""Which grooves are the same, and which nearly.

Grooves are *exact duplicates* when they play the same cells (a step and a voice) once they are looped:
tempo, dynamics and microtiming do not count, and one bar is an exact duplicate of the two bars that repeat
it. What is left, each once, are the distinct *patterns*. Two patterns are *near-duplicates* when,
looped to the same length, they differ in at most NEAR_SHARE of the cells that the fuller one
hits, or in one cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rhythmvae.groove import BoolArray, FloatArray, Groove, IntArray
from rhythmvae.kit import N_VOICES

NEAR_SHARE = 0.03
MAX_COMPARED = 2_000  # patterns that are searched for near-duplicates
MAX_COMPARED_STEPS = 512  # and their length: 32 bars of 4/4; takes beyond are no loops


def pattern_key(groove: Groove) -> bytes:
    """The same for exact duplicates and for nothing else."""
    return _loop(groove).tobytes()


@dataclass(frozen=True, eq=False)
class Likeness:
    """Labels of grooves: exact (N,), equal for exact duplicates; near (N,), equal also for near-duplicates and theirs.

    n_not_compared: patterns of which only the exact duplicates are known.
    """

    exact: IntArray
    near: IntArray
    n_not_compared: int = 0

    def named(self, names: Sequence[str]) -> list[tuple[str | None, str | None]]:
        """For each groove the name of the first before it that is its exact duplicate, and, where there is none, of
        the first that is a near-duplicate."""
        exact: dict[int, str] = {}
        near: dict[int, str] = {}
        found: list[tuple[str | None, str | None]] = []
        for name, same, alike in zip(names, self.exact.tolist(), self.near.tolist(), strict=True):
            found.append((exact.get(same), None if same in exact else near.get(alike)))
            exact.setdefault(same, name)
            near.setdefault(alike, name)
        return found


def likeness(grooves: Sequence[Groove]) -> Likeness:
    """Which grooves are exact duplicates, and which near-duplicates, of each other or in chains (A of B, B of C)."""
    found: dict[bytes, int] = {}
    loops: list[IntArray] = []
    exact = np.zeros(len(grooves), dtype=np.int64)
    for i, groove in enumerate(grooves):
        loop = _loop(groove)
        key = loop.tobytes()  # as pattern_key
        if key not in found:
            found[key] = len(loops)
            loops.append(loop)
        exact[i] = found[key]
    compared = [i for i, loop in enumerate(loops) if len(loop) <= MAX_COMPARED_STEPS][:MAX_COMPARED]
    group = np.arange(len(loops))
    group[compared] = np.array(compared, dtype=np.int64)[_components(_near([loops[i] for i in compared]))]
    return Likeness(exact, group[exact], len(loops) - len(compared))


def _loop(groove: Groove) -> IntArray:
    """(P,) the bits of the shortest part that the groove repeats from its start to its end."""
    bits = hit_bits(groove)
    n = len(bits)
    for period in range(1, n // 2 + 1):
        if n % period == 0 and np.array_equal(bits[period:], bits[:-period]):
            return bits[:period]
    return bits


def _near(loops: Sequence[IntArray]) -> BoolArray:
    """(U, U) near-duplicates among different loops, of which one's length divides the other's."""
    near = np.zeros((len(loops), len(loops)), dtype=bool)
    by_length: dict[int, list[int]] = {}
    for i, loop in enumerate(loops):
        by_length.setdefault(len(loop), []).append(i)
    cells = {length: _cells([loops[i] for i in of]) for length, of in by_length.items()}
    for long, rows in by_length.items():
        for short, columns in by_length.items():
            if long % short:
                continue
            times = long // short
            # The hits of the short loop played `times` over, met in the long one: its repetitions summed first.
            folded = cells[long].reshape(len(rows), times, -1).sum(axis=1)
            n_long, n_short = cells[long].sum(axis=1)[:, None], times * cells[short].sum(axis=1)
            n_different = n_long + n_short - 2 * (folded @ cells[short].T)
            allowed = np.maximum(1, np.floor(NEAR_SHARE * np.maximum(n_long, n_short)))
            near[np.ix_(rows, columns)] = n_different <= allowed
    result: BoolArray = near | near.T
    return result


def _cells(loops: Sequence[IntArray]) -> FloatArray:
    """(N, P * V) 0 or 1, of loops of one length."""
    bits = np.stack(loops)[:, :, None] >> np.arange(N_VOICES, dtype=np.uint16)
    return (bits & 1).reshape(len(loops), -1).astype(np.float32)


def _components(near: BoolArray) -> IntArray:
    """(U,) the first member of the group that each belongs to."""
    first = np.full(len(near), -1, dtype=np.int64)
    for i in range(len(near)):
        if first[i] >= 0:
            continue
        front = np.array([i])
        while len(front):
            first[front] = i
            front = np.flatnonzero(near[front].any(axis=0) & (first < 0))
    return first


def hit_bits(groove: Groove) -> IntArray:
    """(T,) which voices are hit at each step, one bit each."""
    bits = np.zeros(groove.n_steps, dtype=np.uint16)
    np.bitwise_or.at(bits, groove.step, (1 << groove.voice).astype(np.uint16))
    return bits
