"""Thousands of human grooves on a map, to walk through by ear."""

import streamlit as st

from rhythmvae.ui.parts import latent_map as map_parts
from rhythmvae.ui.parts import sentences
from rhythmvae.ui.session import hand, navigation

navigation.guard()


@st.fragment
def stage() -> None:
    """The map, and beside it what was clicked: what to do with it, walks, neighbours. A click runs this alone."""
    hand.keep_up()
    with sentences.errors_shown():
        used = map_parts.in_use()
        if used is None:
            map_parts.no_map()
            return
        latent_map = used.latent_map
        here = map_parts.play(latent_map)  # first, for it is waited for
        left, right = st.columns([3, 2], gap="large")
        with left:
            map_parts.show(used, map_parts.own(used), here)
        with right:
            map_parts.stage(here)
            map_parts.walk(here)
            map_parts.nearest(latent_map, here)
        with left:
            map_parts.about(used)
            map_parts.redraw()
        map_parts.collected()


st.title("Every dot is a drummer")
st.markdown(
    "Click a dot to hear two bars that somebody drummed. To the model a groove is a list of numbers; dots lie close "
    "together where these are alike."
)
stage()
