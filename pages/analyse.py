"""What the groove in hand is and how it is played, in figures, pictures and sound; and a table of all files."""

import streamlit as st

from rhythmvae.ui.parts import analysis, collection, reading, sentences, sounds
from rhythmvae.ui.session import files, hand, navigation

navigation.guard()


@st.fragment
def stage() -> None:
    """All of the groove in hand. A press that plays a part of it runs this alone."""
    hand.keep_up()
    with sentences.errors_shown():
        held = hand.now()
        analysis.play(held)  # first: it is waited for
        said = analysis.described(held)
        analysis.kind(said)
        analysis.form(held, said)
        analysis.playing(said)
        analysis.rhythm(said)
        analysis.chords(held, said)
        analysis.surprise(held)
        analysis.hits(held, said)


st.markdown(
    "See the style, feel, form and every hit of the groove in the deck: press a bar of the picture or a button, and "
    "the deck plays what is meant. Rules measure the hits, and a small learned model names the style, tells beat from "
    "fill, and says so when it does not know."
)
if (file := files.of(hand.chosen())) is not None:
    with sentences.errors_shown():
        reading.show(file)
sounds.show()
stage()
if len(files.own()) > 1:
    st.subheader("All your files")
    with sentences.errors_shown():
        collection.table(files.own())
