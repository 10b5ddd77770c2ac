"""What ears say of a model: people's answers to all reviews of it together, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rhythmvae.data.examples import example
from rhythmvae.review import material
from rhythmvae.review.book import Review, Reviews
from rhythmvae.review.design import KNOWN, REAL, SAMPLED, SPOILED
from rhythmvae.review.ears import ears
from rhythmvae.store.database import Database
from tests.review import making

MODEL = "ab12"


@pytest.fixture
def reviews(database_address: str) -> Iterator[Reviews]:
    database = Database(database_address)
    yield Reviews(database)
    database.close()


def made(reviews: Reviews, model: str = MODEL, other: str = SAMPLED, **more: Any) -> Review:
    items = [material.item(key, {REAL: example(key), other: material.stiff(example(key))}) for key in making.KEYS[:3]]
    return reviews.make("Drums", "", making.design(**more), items, model)[0]


def test_nobody_has_said_anything(reviews: Reviews) -> None:
    assert ears(reviews.tables, MODEL) is None
    made(reviews)
    assert ears(reviews.tables, MODEL) is None


def test_people_of_all_reviews_of_a_model_count_and_who_does_not_listen_does_not(reviews: Reviews) -> None:
    first, second = made(reviews), made(reviews, allows_none=True)
    making.taken(reviews, first, "a" * 32)
    making.taken(reviews, first, "b" * 32, lambda t: SPOILED if t.role == KNOWN else SAMPLED)
    making.taken(reviews, second, "c" * 32, lambda t: SAMPLED if t.item == 0 else REAL)
    making.taken(reviews, second, "d" * 32)
    found = ears(reviews.tables, MODEL)
    assert found is not None
    assert (found.n_people, found.n_right, found.n_judged) == (3, 8, 9), (
        "repeats do not count, nor who missed the known"
    )
    assert found.right.value == pytest.approx(8 / 9)
    assert found.right.low is not None
    assert found.chance == pytest.approx(0.0390625)


def test_other_models_other_questions_and_other_material_do_not_count(reviews: Reviews) -> None:
    for review in (
        made(reviews, model="cd34"),
        made(reviews, kind="prefer", right=""),
        made(reviews, other="stiff"),
    ):
        making.taken(reviews, review, "a" * 32)
    assert ears(reviews.tables, MODEL) is None
