"""A checkpoint's card for a terminal: what one asks first, then every fact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rhythmvae.cli.tables import print_json
from rhythmvae.model.card import styles_of
from rhythmvae.text import clean_text

MAX_LINE = 2000  # characters of a fact


def print_card(path: Path, card: dict[str, Any], is_json: bool) -> None:
    """Print the card of a checkpoint file, as JSON or as text."""
    if is_json:
        print_json(card)
    else:
        print("\n".join([*summary(card, path.stat().st_size), "", *facts(card)]))


def summary(card: dict[str, Any], n_bytes: int) -> list[str]:
    """Size, figures, styles and data of a model, a line each."""
    figures = [
        _said(card, "F1 {:.4f} within 50 ms", "metrics", "validation", "f1"),
        _said(card, "{:.4f} within 25 ms", "metrics", "validation", "f1_25ms"),
        _said(card, "timing {:.2f} ms", "metrics", "validation", "timing_mae_ms"),
        _said(card, "velocity {:.2f} of 127", "metrics", "validation", "velocity_mae"),
        _said(card, "F1 of a posterior draw {:.4f}", "metrics", "f1_sampled_posterior"),
        _said(card, "KL {:.1f} nats", "metrics", "kl_nats"),
    ]
    size = [
        f"{n_bytes / 1e6:.1f} MB",
        _said(card, "{:,} weights", "training", "parameters"),
        _said(card, "{:,} in the prior", "training", "prior_parameters"),
        _said(card, "{} latent dimensions for two bars", "model", "latent_size"),
    ]
    data = [
        clean_text(str(card.get("about") or ""), MAX_LINE),
        _said(card, "{:,} takes", "data", "train_takes"),
        _said(card, "{:,.0f} minutes", "data", "train_minutes"),
        _said(card, "{:,} hits", "data", "train_hits"),
    ]
    rows = {
        "size": "; ".join(filter(None, size)),
        "figures": "; ".join(filter(None, figures)) or "none: no take was held out to measure them on",
        "styles": clean_text(", ".join(styles_of(card)), MAX_LINE) or "none",
        "data": "; ".join(filter(None, data)) or "not said",
    }
    return [f"{name:8} {text}" for name, text in rows.items()]


def _said(card: dict[str, Any], form: str, *keys: str) -> str:
    """A number of the card in its form, or nothing where the card has none there."""
    value: Any = card
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return form.format(value) if is_number else ""


def facts(card: dict[str, Any]) -> list[str]:
    """Every fact of a card, a line each, the kit apart."""

    def lines(value: Any, prefix: str) -> list[str]:
        if isinstance(value, dict):
            return [line for key in value for line in lines(value[key], f"{prefix}.{key}" if prefix else str(key))]
        if isinstance(value, float):
            value = round(value, 4)
        return [f"{clean_text(prefix):40} {clean_text(str(value), MAX_LINE)}"]

    return lines({key: value for key, value in card.items() if key != "kit"}, "")
