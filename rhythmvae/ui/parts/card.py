"""The model card on a page: the figures that the checkpoint itself carries.

A card may come from an older or a user's own training run: what it lacks is left out,
what this page does not know is not shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from rhythmvae.kit import VOICES
from rhythmvae.ui.parts.sentences import literal

# Figure in the card's metrics: its name, its format, and what it says in plain words.
FIGURES = {
    "f1": ("Hits, F1 at 50 ms", ".3f", "1 is every hit back and none added"),
    "f1_25ms": ("Hits, F1 at 25 ms", ".3f", "the same with half the tolerance"),
    "f1_sampled_posterior": (
        "Hits, F1 with a drawn latent",
        ".3f",
        "the latent drawn from the posterior, not its mean",
    ),
    "precision": ("Precision", ".3f", "share of the rebuilt hits that were played"),
    "recall": ("Recall", ".3f", "share of the played hits that came back"),
    "ghost_recall": ("Ghost notes", ".3f", "share of the softest hits (velocity below 40) that came back"),
    "timing_mae_ms": ("Timing error, ms", ".1f", "mean distance of a hit from where it was played"),
    "velocity_mae": ("Velocity error, of 127", ".1f", "mean difference of loudness"),
    "exact_rate": ("Exact takes", ".3f", "share of takes with every hit back and none added"),
    "kl_nats": ("KL, nats", ".0f", "how much a window's latent tells beyond the prior"),
    "active_units": ("Active units", ".0f", "latent numbers that carry anything"),
}


def show(card: Mapping[str, Any], name: str) -> None:
    """What a model was trained on and how well it does on takes it has not seen.

    Args:
        name: what the model is called on the page.
    """
    st.markdown(f"**{literal(name)}**")
    data, metrics = _mapping(card, "data"), _mapping(card, "metrics")
    validation = _mapping(metrics, "validation")
    rows = [
        {"Figure": name, "Value": format(value, style), "What it says": meaning}
        for key, (name, style, meaning) in FIGURES.items()
        if _is_number(value := validation.get(key, metrics.get(key)))
    ]
    by_voice = _mapping(validation, "f1_by_voice")
    rows += [
        {"Figure": f"F1, {voice.label.lower()}", "Value": format(value, ".3f"), "What it says": "this drum alone"}
        for voice in VOICES
        if _is_number(value := by_voice.get(voice.key))
    ]
    if not rows:
        st.info("This model's file carries no figures.")
        return
    latent_size = _mapping(card, "model").get("latent_size")
    if _is_number(latent_size):
        st.markdown(f"The model writes two bars of 4/4 as {latent_size} numbers, and other meters in proportion.")
    if all(_is_number(data.get(k)) for k in ("train_takes", "train_hits", "train_minutes", "validation_takes")):
        st.markdown(
            f"Trained on {data['train_takes']:,} takes ({data['train_minutes'] / 60:.1f} hours, {data['train_hits']:,} "
            f"hits), measured on {data['validation_takes']:,} whole takes it has not seen, against every hit."
        )
    st.dataframe(rows, hide_index=True, height="content", alt=f"Figures of {name}")


def _mapping(card: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = card.get(key)
    return value if isinstance(value, Mapping) else {}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
