"""A landscape of thousands of human grooves, to walk through by ear."""

import streamlit as st

from rhythmvae.ui.parts import latent_map, patterns, sentences
from rhythmvae.ui.session import models, navigation

navigation.guard()


@st.fragment
def stage() -> None:
    """The map, and beside it what was clicked: its player, walks, neighbours. A click runs this alone."""
    with sentences.errors_shown():
        with st.spinner("Waking the model up"):
            used = latent_map.sheet()
        if used is None:
            latent_map.no_map()
            return
        atlas = used.atlas
        here, hear = latent_map.now(atlas)
        left, right = st.columns([3, 2], gap="large")
        with right:
            latent_map.stage(here, hear)  # first, for it is waited for
        with left:
            latent_map.show(used, latent_map.own(used), here)
            latent_map.about(used)
            latent_map.redraw()
        with right:
            latent_map.walk(here)
            latent_map.nearest(atlas, here)
        latent_map.collected()


st.title("Walk through human grooves")
st.markdown(
    "Every point is two bars that somebody played. Click one and hear it; drop your own files and see where they lie."
)
models.banner()
patterns.upload_box()
stage()
