"""The model card on a page: the figures that the checkpoint itself carries.

A card may come from an older or a user's own training run: what it lacks is left out,
what this page does not know is not shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from rhythmvae.kit import VOICES
from rhythmvae.model.card import Card, Metrics
from rhythmvae.ui.parts.sentences import literal, table
from rhythmvae.ui.parts.yardsticks import EAR_MS, EAR_VELOCITY, N_TAKES

Figure = tuple[str, str, str, Callable[[Metrics], float | None]]
COLUMNS = {  # of docs/figures, by the name that a figure has here
    "Hits, F1 at 50 ms": "F1 50 ms",
    "Hits, F1 at 25 ms": "F1 25 ms",
    "Ghost notes": "Ghost recall",
    "Timing error, ms": "Timing ms",
    "Velocity error, of 127": "Velocity",
    "Exact takes": "Exact takes",
}

# A figure's name, its format, what it says in plain words, and the figure.
FIGURES: tuple[Figure, ...] = (
    ("Hits, F1 at 50 ms", ".3f", "1 is every hit back and none added", lambda m: m.validation.f1),
    ("Hits, F1 at 25 ms", ".3f", "the same with half the tolerance", lambda m: m.validation.f1_25ms),
    (
        "Hits, F1 with a drawn latent",
        ".3f",
        "the latent drawn from the posterior, not its mean",
        lambda m: m.f1_sampled_posterior,
    ),
    ("Precision", ".3f", "share of the rebuilt hits that were played", lambda m: m.validation.precision),
    ("Recall", ".3f", "share of the played hits that came back", lambda m: m.validation.recall),
    (
        "Ghost notes",
        ".3f",
        "share of the softest hits (velocity below 40) that came back",
        lambda m: m.validation.ghost_recall,
    ),
    (
        "Timing error, ms",
        ".1f",
        "mean distance of a hit from where it was played",
        lambda m: m.validation.timing_mae_ms,
    ),
    ("Velocity error, of 127", ".1f", "mean difference of loudness", lambda m: m.validation.velocity_mae),
    ("Exact takes", ".3f", "share of takes with every hit back and none added", lambda m: m.validation.exact_rate),
    ("KL, nats", ".0f", "how much a window's latent tells beyond the prior", lambda m: m.kl_nats),
    ("Active units", ".0f", "latent numbers that carry anything", lambda m: m.active_units),
)


def show(card: Card, name: str, baseline: Mapping[str, float]) -> None:
    """What a model was trained on and how well it does on takes it has not seen.

    Args:
        name: what the model is called on the page.
        baseline: what a plain one gets on the shipped model's takes, by column of docs/figures.
    """
    st.markdown(f"**{literal(name)}**")
    rows = [
        (figure, format(value, style), _of_baseline(figure, style, baseline), meaning)
        for figure, style, meaning, of in FIGURES
        if (value := of(card.metrics)) is not None
    ]
    rows += [
        (f"F1, {voice.label.lower()}", format(value, ".3f"), "", "this drum alone")
        for voice in VOICES
        if (value := card.metrics.validation.f1_by_voice.get(voice.key)) is not None
    ]
    if not rows:
        st.info("This model's file carries no figures.")
        return
    if card.latent_size is not None:
        st.markdown(f"The model writes two bars of 4/4 as {card.latent_size} numbers, and other meters in proportion.")
    data = card.data
    if None not in (data.train_takes, data.train_hits, data.train_minutes, data.validation_takes):
        st.markdown(
            f"Trained on {data.train_takes:,} takes ({(data.train_minutes or 0) / 60:.1f} hours, {data.train_hits:,} "
            f"hits), measured on {data.validation_takes:,} whole takes it has not seen, against every hit."
        )
    st.markdown(table(["Figure", "Value", "PCA", "What it says"], rows, numbers=["Value", "PCA"]))
    st.caption(
        f"PCA is a plain baseline with as many numbers as the shipped model, on the shipped model's {N_TAKES} takes. "
        f"An ear notices about {EAR_MS:g} ms, and about {EAR_VELOCITY} of 127 in loudness; the front page says who "
        "found that."
    )


def _of_baseline(figure: str, style: str, baseline: Mapping[str, float]) -> str:
    column = COLUMNS.get(figure)
    return "" if column is None else format(baseline[column], style)
