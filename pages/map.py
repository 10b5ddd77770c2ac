"""A landscape of thousands of human grooves, to walk through by ear."""

import streamlit as st

from rhythmvae.ui.parts import latent_map as map_parts
from rhythmvae.ui.parts import patterns, sentences
from rhythmvae.ui.session import models, navigation

navigation.guard()


@st.fragment
def stage() -> None:
    """The map, and beside it what was clicked: its player, walks, neighbours. A click runs this alone."""
    with sentences.errors_shown():
        with st.spinner("Waking the model up"):
            used = map_parts.sheet()
        if used is None:
            map_parts.no_map()
            return
        latent_map = used.latent_map
        here, hear = map_parts.now(latent_map)
        left, right = st.columns([3, 2], gap="large")
        with right:
            map_parts.stage(here, hear)  # first, for it is waited for
        with left:
            map_parts.show(used, map_parts.own(used), here)
            map_parts.about(used)
            map_parts.redraw()
        with right:
            map_parts.walk(here)
            map_parts.nearest(latent_map, here)
        map_parts.collected()


st.title("Walk through human grooves")
st.markdown(
    "Every point is two bars that somebody played. Click one and hear it; drop your own files and see where they lie."
)
models.banner()
patterns.upload_box()
stage()
