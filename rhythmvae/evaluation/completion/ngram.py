"""An n-gram over columns: which drums sound in a 16th, given those of up to ORDERS[-1] 16ths before.

Counts are interpolated with those of shorter contexts (Witten and Bell 1991): of a context heard n times, with t
different columns behind it, P(column) = (count + t * P of the shorter context) / (n + t). The shortest context is none,
behind which lies an even chance for each cell.

Shapes: N stretches, T 16ths, V voices; a context is known by a number, a hash of its columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rhythmvae.groove import BoolArray, FloatArray, IntArray
from rhythmvae.kit import N_VOICES

ORDERS = (0, 1, 2, 4, 8, 16)  # 16ths that contexts are long
_SILENCE, _FACTOR = 512, np.uint64(6364136223846793005)  # before a take begins; an odd number, so that none is lost


@dataclass(frozen=True, eq=False)
class _Order:
    """Contexts of one length: sorted numbers (K,), how often each was heard, columns behind it, hits (K, V) in all.

    first: (K,) where the columns behind a context begin in `behind`, which has one for each time it was heard.
    """

    length: int
    context: IntArray
    heard: FloatArray
    different: FloatArray
    hits: FloatArray
    first: IntArray
    behind: IntArray

    @classmethod
    def of(cls, length: int, context: IntArray, column: IntArray) -> _Order:
        order = np.lexsort((column, context))
        context, column = context[order], column[order]
        known, first, heard = np.unique(context, return_index=True, return_counts=True)
        is_new = np.ones(len(column), dtype=np.int64)
        is_new[1:] = (context[1:] != context[:-1]) | (column[1:] != column[:-1])
        hits = np.add.reduceat(_voices(column).astype(np.float64), first)
        return cls(
            length, known, heard.astype(float), np.add.reduceat(is_new, first).astype(float), hits, first, column
        )

    def find(self, context: IntArray) -> tuple[IntArray, BoolArray]:
        """The rows of contexts, and whether they were heard at all."""
        row = np.minimum(np.searchsorted(self.context, context), len(self.context) - 1)
        return row, self.context[row] == context


@dataclass(frozen=True, eq=False)
class NGram:
    orders: list[_Order]

    @classmethod
    def of(cls, tables: Sequence[BoolArray]) -> NGram:
        """Of grooves' cells, (T, V) each, at least one step of them."""
        columns = [_column(table) for table in tables]
        flat = np.concatenate(columns)
        contexts = (np.concatenate([_contexts(own[None], length)[0] for own in columns]) for length in ORDERS)
        return cls([_Order.of(length, own, flat) for length, own in zip(ORDERS, contexts, strict=True)])

    def along(self, tables: BoolArray) -> FloatArray:
        """(N, T, V) the probability of each cell, given all columns before it."""
        columns = _column(tables)
        return self._probability([_contexts(columns, order.length) for order in self.orders])

    def ahead(self, tables: BoolArray, n_steps: int, rollouts: int, rng: np.random.Generator) -> FloatArray:
        """(N, n_steps, V) the probability of each cell behind (N, T, V), averaged over ways to get there."""
        columns = np.repeat(_column(tables), rollouts, axis=0)
        found = []
        for _ in range(n_steps):
            last = columns[:, -ORDERS[-1] - 1 :]
            padded = np.concatenate([last, np.zeros((len(last), 1), np.int64)], axis=1)
            contexts = [_contexts(padded, order.length)[:, -1] for order in self.orders]
            found.append(self._probability(contexts).reshape(-1, rollouts, N_VOICES).mean(1))
            columns = np.concatenate([columns, self._drawn(contexts, rng)[:, None]], axis=1)
        return np.stack(found, axis=1)

    def _probability(self, contexts: Sequence[IntArray]) -> FloatArray:
        """(..., V) of cells behind contexts (...,) of each order."""
        p = np.full((*contexts[0].shape, N_VOICES), 0.5)
        for order, context in zip(self.orders, contexts, strict=True):
            row, is_known = order.find(context)
            n, t = (np.where(is_known, count[row], 0.0)[..., None] for count in (order.heard, order.different))
            mixed = (order.hits[row] * is_known[..., None] + t * p) / np.maximum(n + t, 1.0)
            p = np.where(is_known[..., None], mixed, p)
        return p

    def _drawn(self, contexts: Sequence[IntArray], rng: np.random.Generator) -> IntArray:
        """(N,) columns drawn behind contexts (N,) of each order: one heard behind it, or behind a shorter context."""
        column = np.zeros(len(contexts[0]), dtype=np.int64)
        for order, context in zip(self.orders, contexts, strict=True):
            row, is_known = order.find(context)
            n, t = order.heard[row], order.different[row]
            is_own = is_known & ((rng.random(len(row)) * (n + t) < n) | (order.length == 0))
            one = order.first[row] + (rng.random(len(row)) * n).astype(np.int64)
            column = np.where(is_own, order.behind[one], column)
        return column


def _column(tables: BoolArray) -> IntArray:
    """(..., T) a number for the drums of each 16th, of (..., T, V)."""
    return np.asarray((tables * (1 << np.arange(N_VOICES))).sum(-1), dtype=np.int64)


def _voices(column: IntArray) -> BoolArray:
    """(N, V), the drums of columns (N,)."""
    return np.asarray((column[:, None] >> np.arange(N_VOICES)) & 1, dtype=bool)


def _contexts(columns: IntArray, length: int) -> IntArray:
    """(N, T) a number for the columns before each of (N, T), so many."""
    padded = np.concatenate([np.full((len(columns), length), _SILENCE), columns], axis=1).astype(np.uint64)
    number = np.zeros(columns.shape, dtype=np.uint64)
    for back in range(length):
        number = number * _FACTOR + padded[:, back : back + columns.shape[1]] + np.uint64(1)
    return number.astype(np.int64)
