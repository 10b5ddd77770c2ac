"""The figures of a score as plain numbers: what JSON prints and what a checkpoint's card keeps of one.

Needs the standard library alone, so that a card is read without numpy; `metrics` works the figures out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figures:
    """How well grooves came back, all hits pooled. None is what is not defined, or not known of an older model.

    Args:
        n_hits, n_hits_out: hits of the references and of the estimates.
        precision, recall, f1: 0 to 1, a hit matching one of the same voice within 50 ms.
        f1_25ms: the same within 25 ms.
        timing_mae_ms: mean absolute onset error of matched hits, ms.
        velocity_mae: mean absolute velocity error of matched hits, of 127.
        ghost_recall: share of the references' ghost notes that matched.
        ghost_share, ghost_share_out: share of the hits that are ghost notes.
        exact_rate: share of the grooves whose every hit matched and none was added.
        f1_by_voice: F1 of each voice, by its key.
    """

    n_hits: int | None = None
    n_hits_out: int | None = None
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    f1_25ms: float | None = None
    timing_mae_ms: float | None = None
    velocity_mae: float | None = None
    ghost_recall: float | None = None
    ghost_share: float | None = None
    ghost_share_out: float | None = None
    exact_rate: float | None = None
    f1_by_voice: Mapping[str, float | None] = field(default_factory=dict)
