"""Hear and see a pattern rebuilt by the model: the first page."""

from functools import partial

import streamlit as st

from rhythmvae.groove import Groove
from rhythmvae.ui.components import player
from rhythmvae.ui.parts import patterns, results, sentences
from rhythmvae.ui.session import caches, edits, models, navigation

navigation.guard()

KEY = "reconstruct player"


@st.fragment
def stage(read: Groove, key: str, name: str) -> None:
    """The groove above its reconstruction, the figures and the files. An edit runs this alone."""
    with sentences.errors_shown():
        first, last = patterns.bars_picker(read, key)
        view = edits.View(read, first, last)
        original = edits.edited(read)
        shown = original.bars(first, last)
        part = f"bars {first} to {last}" if last > first else f"bar {first}"
        lanes = [player.Lane("original", "Original", f"Original, {part}", shown, first, editable=True)]
        show = partial(player.show, key=KEY, source=view.source, tune=key, on_edit=partial(edits.take, KEY, view))

        if not st.session_state.get("model_is_ready"):
            # The first visit waits seconds for the model; the original need not.
            show(lanes, serial=edits.serial(view))
            with st.spinner("Waking the model up"):
                models.in_use()
            st.session_state["model_is_ready"] = True
            st.rerun()

        whole = caches.reconstruct(original)
        rebuilt = whole.bars(first, last)
        lanes.append(player.Lane("rebuilt", "Reconstruction", f"Reconstruction, {part}", rebuilt, first, against=shown))
        heard = show(lanes, serial=edits.serial(view), link=patterns.link_to(shown))
        with st.container():  # always there, so that nothing below moves house
            if problem := edits.problem():
                st.warning(sentences.literal(problem))
            if original != read:
                st.button(
                    "Back to the pattern as it was", on_click=edits.forget, args=(read,), icon=":material/restore:"
                )

        is_all = (first, last) == (1, original.n_bars)
        scope = "all bars" if is_all else f"the whole pattern, {original.n_bars} bars"
        results.figures(caches.score(original, whole), scope)
        if not is_all:
            st.caption(f"Of {part} alone: {results.figures_line(caches.score(shown, rebuilt))}.")
        results.downloads(original, whole, (first, last), name, heard)


st.title("Hear drums through the model")
st.markdown(
    "Two bars at a time are squeezed into a short list of numbers and rebuilt from that list alone. "
    "Take a pattern or drop your own MIDI, play with it, and hear what survives."
)

above = st.container()
key, upload = patterns.picker()
with above:
    models.banner()  # drawn after the picker, which may open a link of another model
with sentences.errors_shown():
    stage(patterns.load(key, upload), key, upload.name if upload else key)

if len(patterns.uploads()) > 1:
    st.subheader("All your files")
    with sentences.errors_shown():
        results.table(patterns.uploads())
