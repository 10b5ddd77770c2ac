"""A card as text: what one asks first, then every fact, whatever a stranger's card holds."""

from __future__ import annotations

import pytest

from rhythmvae.cli.cards import facts, summary
from rhythmvae.model.card import from_json, read_card

SIZE, FIGURES, STYLES, DATA = range(4)


def test_the_shipped_model_begins_with_size_figures_styles_and_data():
    card = read_card()
    lines = summary(card, 8_900_000)
    assert [line.split()[0] for line in lines] == ["size", "figures", "styles", "data"]
    assert lines[SIZE].endswith("8.9 MB; 3,442,448 weights; 900,480 in the prior; 128 latent dimensions for two bars")
    assert f"F1 {card.metrics.validation.f1:.4f} within 50 ms" in lines[FIGURES]
    assert f"timing {card.metrics.validation.timing_mae_ms:.2f} ms" in lines[FIGURES]
    assert "funk, highlife" in lines[STYLES]
    assert "897 takes" in lines[DATA]
    assert "CC BY 4.0" in lines[DATA]


@pytest.mark.parametrize("card", [{}, {"metrics": 3, "data": [], "prior": None, "about": {}}, {"metrics": {"f1": "x"}}])
def test_a_card_that_says_little(card):
    assert [line.split(maxsplit=1)[1] for line in summary(from_json(card), 1000)] == [
        "0.0 MB",
        "none: no take was held out to measure them on",
        "none",
        "not said",
    ]


def test_every_fact_stands_on_a_line_of_its_own():
    card = {"about": "a\x1b[31m\nb", "figure": 0.123456, "model": {"width": 16}, "kit": [1]}
    lines = dict(line.split(maxsplit=1) for line in facts(card))
    assert lines == {"about": "a [31m b", "figure": "0.1235", "model.width": "16"}
