"""Rows for a data grid."""

from __future__ import annotations

from rhythmvae.ui.parts.grid import grid


def test_rows_are_columns_of_one_kind() -> None:
    table = grid([{"File": "a", "BPM": 120, "F1": None}, {"File": "b", "BPM": 99.5, "F1": 0.5}])
    assert table.to_pydict() == {"File": ["a", "b"], "BPM": [120.0, 99.5], "F1": [None, 0.5]}
    assert [str(kind) for kind in table.schema.types] == ["string", "double", "double"]
    assert grid([]).num_rows == 0
