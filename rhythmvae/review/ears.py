"""What ears say of a model: all reviews of a server that asked which groove a person played, taken together."""

from __future__ import annotations

from dataclasses import dataclass

from rhythmvae.review import statistics
from rhythmvae.review.design import REAL, SAMPLED, SPOILED
from rhythmvae.review.statistics import Interval
from rhythmvae.store.reviews import ReviewTables

KIND = "played"


@dataclass(frozen=True)
class Ears:
    """Answers of all people together.

    Args:
        right: share of answers that are right, people drawn again.
        chance: probability that it is chance.
    """

    n_people: int
    n_right: int
    n_judged: int
    right: Interval
    chance: float


def ears(tables: ReviewTables, model: str) -> Ears | None:
    """How often people tell what they played from what a model sampled; None where nobody has answered yet.

    Who took a groove of hits thrown anywhere for played does not count, nor do repeats and "no preference".

    Args:
        model: digest of the model whose samples were heard.

    Raises:
        StoreError: the database fails.
    """
    found = tables.judged(model, KIND, REAL, SAMPLED, SPOILED)
    if not found:
        return None
    right, judged = [n for n, _ in found], [n for _, n in found]
    n_right, n_judged = sum(right), sum(judged)
    return Ears(len(found), n_right, n_judged, statistics.share(right, judged), statistics.chance(n_right, n_judged))
