"""Decision trees as four arrays, asked many rows at a time with numpy alone.

T trees stand in one row of N nodes, each with its nodes in depth-first order: the left child of a node stands right
behind it, its right child `right` places behind. A row of numbers x goes right where x[feature] > value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from rhythmvae.groove import FloatArray, IntArray

LEAF = -1
STEPS = 4  # down a tree, before the ways that have ended are left out
KINDS = {"feature": np.int16, "value": np.float16, "right": np.int16, "first": np.int32}


@dataclass(frozen=True, eq=False)
class Forest:
    """Trees. Of each node (N,): feature, the column it asks, or LEAF; value, its threshold or what the leaf says;
    right, how far behind it its right child stands. first (T,): the root of each tree."""

    feature: IntArray
    value: FloatArray
    right: IntArray
    first: IntArray

    def leaves(self, rows: FloatArray) -> FloatArray:
        """(G, T) what each tree says of each of the rows (G, F)."""
        n, width = rows.shape
        flat = np.ascontiguousarray(rows).ravel()
        feature, left = self.feature.astype(np.int32), (self.feature != LEAF).astype(np.int32)
        right = self.right * left  # a leaf has no way on, and stays where it is
        node = np.tile(self.first.astype(np.int32), n)
        row = np.repeat(np.arange(n, dtype=np.int32) * width, len(self.first))
        place, reached = np.arange(len(node), dtype=np.int32), np.zeros(len(node), np.int32)
        while len(node):
            for _ in range(STEPS):
                is_right = flat.take(row + feature.take(node)) > self.value.take(node)
                node = node + np.where(is_right, right.take(node), left.take(node))
            reached[place] = node
            on = np.flatnonzero(left.take(node))
            node, row, place = node.take(on), row.take(on), place.take(on)
        return np.asarray(self.value[reached], np.float32).reshape(n, len(self.first))

    def sums(self, rows: FloatArray) -> FloatArray:
        """(G,) the trees' sum: the score of boosted trees."""
        return np.asarray(self.leaves(rows).sum(1))

    def votes(self, rows: FloatArray, n_classes: int) -> FloatArray:
        """(G, n_classes) the share of trees for each class, where leaves hold the number of one."""
        voted = self.leaves(rows).astype(np.int64)
        cells = np.arange(len(rows))[:, None] * n_classes + voted
        counts = np.bincount(cells.ravel(), minlength=len(rows) * n_classes).reshape(len(rows), n_classes)
        return np.asarray(counts / len(self.first))

    def kept(self) -> dict[str, np.ndarray[Any, Any]]:
        """As arrays of a file."""
        return {name: getattr(self, name).astype(kind) for name, kind in KINDS.items()}

    @classmethod
    def read(cls, arrays: Mapping[str, np.ndarray[Any, Any]], n_features: int, n_classes: int | None = None) -> Forest:
        """Trees out of a file's arrays, for rows of `n_features`; leaves name one of `n_classes`, or hold any number.

        Raises:
            ValueError: what is no forest, or would not end.
        """
        if {name: (array.dtype.type, array.ndim) for name, array in arrays.items()} != {
            name: (kind, 1) for name, kind in KINDS.items()
        }:
            raise ValueError("trees of another kind")
        found = cls(arrays["feature"], arrays["value"].astype(np.float32), arrays["right"], arrays["first"])
        n = len(found.feature)
        if not (len(found.value) == len(found.right) == n > 0 and len(found.first)):
            raise ValueError("trees of several lengths")
        is_leaf = found.feature == LEAF
        ends = np.append(found.first[1:], n)[np.searchsorted(found.first, np.arange(n), side="right") - 1]
        is_within = (found.right > 1) & (np.arange(n) + found.right < ends)  # a way goes on, and ends in its tree
        leaf = found.value[is_leaf]
        says_class = n_classes is None or bool(((leaf >= 0) & (leaf < n_classes) & (leaf == np.floor(leaf))).all())
        is_right = (
            found.first[0] == 0
            and bool((np.diff(found.first) > 0).all())
            and bool(is_leaf[ends - 1].all())
            and bool((is_leaf | is_within).all())
            and bool(((found.feature >= LEAF) & (found.feature < n_features)).all())
            and bool(np.isfinite(found.value).all())
        )
        if not (is_right and says_class):
            raise ValueError("trees that lead nowhere")
        return found


def planted(trees: list[tuple[IntArray, IntArray, IntArray, FloatArray, FloatArray]]) -> Forest:
    """A forest of trees as scikit-learn has them: left and right child, feature and threshold of each node, and what
    each says as a leaf."""
    feature: list[int] = []
    value: list[float] = []
    right: list[int] = []
    first: list[int] = []
    for left_of, right_of, asked, threshold, said in trees:
        first.append(len(feature))
        waiting = [(0, -1)]  # node, and whose right child it is
        while waiting:
            node, parent = waiting.pop()
            if parent >= 0:
                right[parent] = len(feature) - parent
            is_leaf = left_of[node] < 0
            if not is_leaf:
                waiting += [(right_of[node], len(feature)), (left_of[node], -1)]
            feature.append(LEAF if is_leaf else int(asked[node]))
            value.append(float(said[node] if is_leaf else threshold[node]))
            right.append(0)
    return Forest(np.array(feature), np.array(value, np.float16).astype(np.float32), np.array(right), np.array(first))
