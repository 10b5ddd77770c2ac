"""Give a part, and the model plays the rest: more bars, other drums, another feel."""

import streamlit as st

from rhythmvae.ui.components import deck
from rhythmvae.ui.parts import completing, sentences
from rhythmvae.ui.parts import stage as stages
from rhythmvae.ui.session import hand, navigation

navigation.guard()


@st.fragment
def stage() -> None:
    """What is asked of the groove in hand, and the answers. A control runs this alone."""
    hand.keep_up()
    starts = completing.was_pressed()
    with sentences.errors_shown():
        held, used = hand.now(), completing.model()
        if used is None:
            return
        with st.container(key="stage-answers"):
            left, right = st.columns([2, 3], gap="large")
        with left:
            asked = completing.controls(held, used)
        if asked is None:
            deck.result(None)
        else:
            first = completing.answer(held, asked, used, 0)
            completing.play(held, asked, first, starts)  # sent before anything else: it is waited for
            with right, st.spinner("The model is playing it"):
                others = [completing.answer(held, asked, used, i) for i in range(1, completing.N_ANSWERS[asked.job])]
                completing.cards([first, *others])
        completing.outlook(held, used)
        if asked is not None:
            completing.prepare(held, asked, used)


with stages.head():
    st.markdown(
        "Get four bars more, other hats, or your own hits with a drummer's touch. What you give stays note for note; "
        "the model plays the rest, several times, for you to choose from."
    )
stage()
