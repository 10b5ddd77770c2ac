"""Thousands of human grooves on a map, to walk through by ear."""

import streamlit as st

from rhythmvae.ui.parts import latent_map as maps
from rhythmvae.ui.parts import map_beside as beside
from rhythmvae.ui.parts import map_drawing as drawing
from rhythmvae.ui.parts import sentences
from rhythmvae.ui.session import hand, navigation

navigation.guard()


@st.fragment
def stage() -> None:
    """The map, and beside it what was tapped: what to do with it, what lies near, walks. A tap runs this alone."""
    hand.keep_up()
    with sentences.errors_shown():
        used = drawing.in_use()
        if used is None:
            drawing.no_map()
            return
        playing = maps.play(used.latent_map)  # first, for it is waited for
        mine = maps.own(used)
        left, right = st.columns([2, 1], gap="large")
        with left:
            maps.show(used, mine, playing)
        with right:
            beside.stage(playing)
            beside.nearest(used.latent_map, playing)
            beside.files(used.latent_map, mine)
            maps.walk(playing.spot)
        st.markdown(
            "Tap a dot to hear two bars that somebody drummed, or choose **Walk** and drag. To the model a groove is a "
            "list of numbers; dots lie close together where these are alike.\n\n"
            "Press **Hats** or **Feel**, and only that is taken of a dot: all else of your groove stays as it is."
        )
        beside.collected()
        drawing.about(used)
        drawing.redraw()


stage()
maps.grooves()
