"""Rows for `st.dataframe`, which takes a list of them through pandas: 50 MB of the server for all time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def grid(rows: Sequence[Mapping[str, Any]]) -> Any:
    """A table as the browser is sent it, without an index; a column has the names and the kind of the rows' values."""
    import pyarrow as pa  # not above: most pages have no grid

    return pa.Table.from_pylist([dict(row) for row in rows])
