"""A checkpoint's card for a terminal: what one asks first, then every fact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rhythmvae.cli.tables import print_json
from rhythmvae.model.card import Card, Completed, from_json, json_of, read_header
from rhythmvae.text import clean_text

MAX_LINE = 2000  # characters of a fact


def print_card(path: Path, is_json: bool) -> None:
    """Print the card of a checkpoint file as the file has it, as JSON or as text."""
    said = json_of(read_header(path), path.name)
    if is_json:
        print_json(said)
    else:
        print("\n".join([*summary(from_json(said), path.stat().st_size), "", *facts(said)]))


def summary(card: Card, n_bytes: int) -> list[str]:
    """Size, figures, styles and data of a model, a line each."""
    metrics, validation = card.metrics, card.metrics.validation
    figures = [
        _said("F1 {:.4f} within 50 ms", validation.f1),
        _said("{:.4f} within 25 ms", validation.f1_25ms),
        _said("timing {:.2f} ms", validation.timing_mae_ms),
        _said("velocity {:.2f} of 127", validation.velocity_mae),
        _said("F1 of a posterior draw {:.4f}", metrics.f1_sampled_posterior),
        _said("KL {:.1f} nats", metrics.kl_nats),
    ]
    size = [
        f"{n_bytes / 1e6:.1f} MB",
        _said("{:,} weights", card.training.parameters),
        _said("{:,} in the prior", card.training.prior_parameters),
        _said("{} latent dimensions for two bars", card.latent_size),
    ]
    data = [
        clean_text(card.about or "", MAX_LINE),
        _said("{:,} takes", card.data.train_takes),
        _said("{:,.0f} minutes", card.data.train_minutes),
        _said("{:,} hits", card.data.train_hits),
    ]
    rows = {
        "size": "; ".join(filter(None, size)),
        "figures": "; ".join(filter(None, figures)) or "none: no take was held out to measure them on",
        "styles": clean_text(", ".join(card.styles), MAX_LINE) or "none",
        "data": "; ".join(filter(None, data)) or "not said",
    }
    if card.before is not None and card.before.sentence:
        rows["tuning"] = card.before.sentence
    if card.completed:
        rows["complete"] = "; ".join(clean_text(f"{own.name}: {_completed(own)}", MAX_LINE) for own in card.completed)
    return [f"{name:8} {text}" for name, text in rows.items()]


def _completed(own: Completed) -> str:
    """How a few held-out takes are completed."""
    figures = [
        _said("next bar F1 {:.3f}", own.next_bar_f1),
        _said("{:.3f} by the bar before", own.copied_bar_f1),
        _said("timing {:.2f} of the grid's error", own.timing_share),
    ]
    return ", ".join(filter(None, figures)) or "too few bars to say"


def _said(form: str, value: float | None) -> str:
    """A number of the card in its form, or nothing where the card has none."""
    return "" if value is None else form.format(value)


def facts(said: dict[str, Any]) -> list[str]:
    """Every fact of a card as its file has it, a line each, the kit apart."""

    def lines(value: Any, prefix: str) -> list[str]:
        if isinstance(value, dict):
            return [line for key in value for line in lines(value[key], f"{prefix}.{key}" if prefix else str(key))]
        if isinstance(value, float):
            value = round(value, 4)
        return [f"{clean_text(prefix):40} {clean_text(str(value), MAX_LINE)}"]

    return lines({key: value for key, value in said.items() if key != "kit"}, "")
