"""Small reviews that tests make for themselves."""

from __future__ import annotations

from typing import Any

from rhythmvae.data.examples import example
from rhythmvae.review import material
from rhythmvae.review.book import Review, Reviews, Said, Sitting
from rhythmvae.review.design import LEFT, RIGHT, SPOILED, Design, Item

KEYS = ("funk", "rock", "disco", "house")


def items(n: int = 3, reference: bool = False) -> list[Item]:
    """Built-in patterns beside themselves as a grid."""
    found = []
    for key in KEYS[:n]:
        groove = example(key)
        sounds = {"real": groove, "stiff": material.stiff(groove)}
        found.append(material.item(key, sounds, groove if reference else None))
    return found


def design(**more: Any) -> Design:
    return Design(**{"kind": "played", "n_trials": 3, "right": "real", "seed": 5, **more})


def made(reviews: Reviews, n_items: int = 3, **more: Any) -> tuple[Review, str]:
    return reviews.make("Drums", "", design(**more), items(n_items), "ab12cd34ef56ab78")


def taken(reviews: Reviews, review: Review, person: str, choose: Any = None) -> Sitting:
    """Somebody answers everything: the condition that `choose` gives for a trial, else the real one."""
    sitting = reviews.begin(review, person)
    while (trial := sitting.trial) is not None:
        wanted = choose(trial) if choose else "real"
        side = RIGHT if trial.right == wanted or (trial.left == SPOILED and trial.right) else LEFT
        sitting = reviews.answer(sitting, Said(sitting.place, side, milliseconds=2_000))
    return sitting
