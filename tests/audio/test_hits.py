"""What was heard: only what can be is taken."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rhythmvae.audio.hits import Heard
from rhythmvae.errors import WrongTypeError


def heard() -> Heard:
    return Heard(np.array([0.0, 0.5]), np.array([0, 8]), np.array([1, 127]), np.array([0.0, 1.0]), 0.5, 0.5)


def test_what_can_be_is_taken() -> None:
    assert len(heard()) == 2
    none = np.zeros(0, dtype=np.int64)
    assert len(Heard(np.zeros(0), none, none, np.zeros(0), 0.0, 0.0)) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"seconds": np.array([0.5, 0.0])},
        {"seconds": np.array([0.0, 0.6])},
        {"seconds": np.array([-0.1, 0.5])},
        {"seconds": np.array([np.nan, 0.5])},
        {"seconds": np.zeros((2, 1))},
        {"seconds": [0.0, 0.5]},
        {"seconds": np.array([0.0])},
        {"voice": np.array([0, 9])},
        {"voice": np.array([-1, 0])},
        {"voice": np.array([0.0, 1.0])},
        {"velocity": np.array([0, 127])},
        {"velocity": np.array([1, 128])},
        {"confidence": np.array([0.0, 1.1])},
        {"drums_alone": float("nan")},
        {"drums_alone": 1.1},
        {"duration_seconds": float("inf")},
        {"duration_seconds": -1.0},
    ],
    ids=lambda change: ", ".join(f"{name} {value}" for name, value in change.items()),
)
def test_what_cannot_be_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(WrongTypeError, match="Expected"):
        replace(heard(), **change)
