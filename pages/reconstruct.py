"""Hear and see a pattern rebuilt by the model: the first page."""

from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rhythmvae.ui.components import deck
from rhythmvae.ui.components.deck import Lane
from rhythmvae.ui.parts import first_step, reading, results, sentences, shell, sounds, yardsticks
from rhythmvae.ui.session import caches, files, hand, navigation

navigation.guard()


def stage(held: hand.Hand, overview: DeltaGenerator) -> None:
    """The groove in hand through the model: into the deck, in figures, to take home."""
    figures = st.container()
    reading.bars_picker(held)  # whatever comes of the others
    original = held.original
    with overview, st.spinner("The model is playing it"):
        whole = caches.reconstruct(original)
    with overview:
        deck.overview(original, whole, tune=held.key, on_go=partial(_go, held))
        first_step.show(held)
    rebuilt = whole.bars(held.first, held.last)
    deck.result(Lane("rebuilt", f"Reconstruction, {held.part}", rebuilt, held.first, against=held.shown))
    scope = "all bars" if held.is_whole else f"the whole pattern, {original.n_bars} bars"
    with figures:
        grid = caches.score(original, yardsticks.quantized(original))
        results.figures(caches.score(original, whole), grid, scope)
        if not held.is_whole:
            st.caption(f"Of {held.part} alone: {results.figures_line(caches.score(held.shown, rebuilt))}.")
    results.downloads(original, whole, (held.first, held.last), held.name, shell.heard())


def _go(held: hand.Hand) -> None:
    """To a bar of the overview that the deck does not have."""
    if (bar := deck.bar_of()) is not None:
        hand.show_bar(held, bar)


st.markdown(
    "Hear your drum loop varied, or rebuilt, with the timing and touch of a drummer, and take it home as MIDI or WAV. "
    "The model, which learned from hours of playing, turns every two bars into a short list of numbers and plays them "
    "again from that list alone."
)

overview = st.container()
if (file := files.of(hand.chosen())) is not None:
    with sentences.errors_shown():
        reading.show(file)
sounds.show()
with sentences.errors_shown():
    stage(hand.now(), overview)

if len(files.own()) > 1:
    st.subheader("All your files")
    with sentences.errors_shown():
        results.table(files.own())
