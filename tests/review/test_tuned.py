"""The ready pairs of before and after fine-tuning can be heard, and are of the shipped model."""

from __future__ import annotations

from rhythmvae.groove import Groove
from rhythmvae.model import outline
from rhythmvae.model.card import SHIPPED
from rhythmvae.review import material, tuned
from rhythmvae.review.design import Design, check


def test_the_pairs_make_a_review() -> None:
    ready = tuned.ready()
    assert ready.before == outline.read(SHIPPED).digest != ready.after
    items = [material.item(p.name, {"before": p.before, "after": p.after}, p.original) for p in ready.pairs]
    check(Design("closer", len(items)), items)
    material.check(items)
    assert len({item.name for item in items}) == len(items) >= 12


def test_what_was_learned_is_heard() -> None:
    """After the training every sample has more in common with the loop beside it than before."""

    def cells(groove: Groove) -> set[tuple[int, int]]:
        return set(zip(groove.step.tolist(), groove.voice.tolist(), strict=True))

    for pair in tuned.ready().pairs:
        own, before, after = (cells(groove) for groove in (pair.original, pair.before, pair.after))
        assert len(own & after) / len(own | after) > len(own & before) / len(own | before) + 0.1, pair.name
