"""Trees as arrays say what trees say, and nothing else is taken for trees."""

from __future__ import annotations

import numpy as np
import pytest

from rhythmvae.analysis.forest import LEAF, Forest, planted

# x0 <= 0.5 ? (x1 <= 2 ? 0 : 1) : 2, with its nodes out of order, and a tree that always says 1.
TREES = [
    (
        np.array([2, -1, 3, -1, -1]),
        np.array([1, -1, 4, -1, -1]),
        np.array([0, -2, 1, -2, -2]),
        np.array([0.5, 0, 2.0, 0, 0]),
        np.array([9, 2, 9, 0, 1]),
    ),
    (np.array([-1]), np.array([-1]), np.array([-2]), np.array([0.0]), np.array([1])),
]
ROWS = np.array([[0.0, 1.0], [0.0, 3.0], [1.0, 1.0], [0.5, 2.0]], np.float32)


def test_trees_say_what_they_say_one_by_one() -> None:
    forest = planted(TREES)
    assert forest.leaves(ROWS).tolist() == [[0, 1], [1, 1], [2, 1], [0, 1]]
    assert forest.sums(ROWS).tolist() == [1, 2, 3, 1]
    assert forest.votes(ROWS, 3).tolist() == [[0.5, 0.5, 0], [0, 1, 0], [0, 0.5, 0.5], [0.5, 0.5, 0]]


def test_trees_of_scikit_learn_are_asked_as_it_asks_them() -> None:
    from sklearn.ensemble import ExtraTreesClassifier

    rng = np.random.default_rng(0)
    rows = np.round(rng.normal(size=(80, 5)), 2).astype(np.float32)
    grown = ExtraTreesClassifier(7, random_state=0).fit(rows, rng.integers(3, size=80))
    trees = [each.tree_ for each in grown.estimators_]
    forest = planted(
        [(t.children_left, t.children_right, t.feature, t.threshold, t.value[:, 0].argmax(1)) for t in trees]
    )
    # Thresholds are kept in half precision: all but a few rows go the same way.
    assert (np.abs(forest.votes(rows, 3) - grown.predict_proba(rows)).max(1) < 1e-6).mean() > 0.9


def test_what_is_kept_is_read() -> None:
    forest = Forest.read(planted(TREES).kept(), n_features=2, n_classes=3)
    assert forest.leaves(ROWS).tolist() == planted(TREES).leaves(ROWS).tolist()


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("right", 0, 1),
        ("right", 0, 6),
        ("right", 1, -1),
        ("feature", 0, 2),
        ("feature", 5, 0),
        ("feature", 2, LEAF - 1),
        ("value", 2, 3.0),
        ("value", 0, np.nan),
        ("first", 1, 0),
        ("first", 0, 1),
    ],
)
def test_trees_that_lead_nowhere_are_refused(name: str, place: int, value: float) -> None:
    arrays = planted(TREES).kept()
    arrays[name][place] = value
    with pytest.raises(ValueError, match="trees"):
        Forest.read(arrays, n_features=2, n_classes=3)
