"""Hear and see a pattern rebuilt by the model: the first page."""

import streamlit as st

from rhythmvae import plot
from rhythmvae.ui import caches, navigation, patterns, results, sentences

navigation.guard()

st.title("Hear drums through the model")
st.markdown(
    "Two bars at a time are squeezed into a short list of numbers and rebuilt from that list alone. "
    "Take a pattern or drop your own MIDI, and hear what survives."
)

key, upload = patterns.picker()

with sentences.errors_shown():
    original = patterns.load(key, upload)
    first, last = patterns.bars_picker(original, key)
    shown = original.bars(first, last)
    part = f"bars {first} to {last}" if last > first else f"bar {first}"

    left, right = st.columns(2, gap="medium")
    with left:
        results.player("Original", shown)
    grids = st.empty()
    if not st.session_state.get("model_is_ready"):
        # The first visit waits seconds for the model; the original need not.
        with grids:
            results.grid(plot.drum_grid(shown, label=f"Original, {part}", first_bar=first))

    with right, st.spinner("Waking the model up"):
        whole = caches.reconstruct(original)
        st.session_state["model_is_ready"] = True
        rebuilt = whole.bars(first, last)
        results.player("Reconstruction", rebuilt)
    with grids:
        labels = f"Original, {part}", f"Reconstruction, {part}"
        results.grid(plot.comparison(shown, rebuilt, labels=labels, first_bar=first))

    is_all = (first, last) == (1, original.n_bars)
    results.figures(
        caches.score(original, whole), "all bars" if is_all else f"the whole pattern, {original.n_bars} bars"
    )
    if not is_all:
        st.caption(f"Of {part} alone: {results.figures_line(caches.score(shown, rebuilt))}.")
    results.downloads(original, whole, (shown, rebuilt), upload.name if upload else key)

if len(patterns.uploads()) > 1:
    st.subheader("All your files")
    with sentences.errors_shown():
        results.table(patterns.uploads())
