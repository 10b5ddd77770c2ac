"""A landscape of thousands of human grooves, to walk through by ear."""

import streamlit as st

from rhythmvae.ui import explore, models, navigation, patterns, sentences

navigation.guard()


@st.fragment
def stage() -> None:
    """The map, and beside it what was clicked: its player, walks, neighbours. A click runs this alone."""
    with sentences.errors_shown():
        with st.spinner("Waking the model up"):
            used = explore.sheet()
        if used is None:
            explore.no_map()
            return
        atlas = used.atlas
        here, hear = explore.now(atlas)
        left, right = st.columns([3, 2], gap="large")
        with right:
            explore.stage(here, hear)  # first, for it is waited for
        with left:
            explore.show(used, explore.own(used), here)
            explore.about(used)
            explore.redraw()
        with right:
            explore.walk(here)
            explore.nearest(atlas, here)
        explore.collected()


st.title("Walk through human grooves")
st.markdown(
    "Every point is two bars that somebody played. Click one and hear it; drop your own files and see where they lie."
)
models.banner()
patterns.upload_box()
stage()
