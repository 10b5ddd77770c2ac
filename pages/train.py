"""Train a model on one's own loops, beside the app, and be told the truth about it."""

import streamlit as st

from rhythmvae.ui.parts import choices, evaluation, sentences, training
from rhythmvae.ui.session import models, navigation, visitor

navigation.guard()


def settings() -> None:
    """The data, what is asked, and the button that starts."""
    limits = training.jobs().limits
    found = training.data(limits)
    st.subheader("How to train")
    asked = choices.ask(limits)
    st.caption(training.limits_line(limits))
    training.begin_button(found, asked, limits)


st.title("Teach it your own drums")
st.markdown(
    "Drop a dozen of your loops, press **Train**, and about a minute later every page plays by a model that knows "
    "them. Then you are told how good it really is."
)
above = st.container()
with sentences.errors_shown():
    status = training.now()
    with above:
        models.banner()  # drawn after a finished model was put into use
    if status is not None and not status.is_over:
        training.panel(status)
        evaluation.hear(status)
    else:
        if status is not None:
            st.subheader("Your last run" if status.checkpoint is None else sentences.literal(status.name))
            training.ended(status)
            if status.checkpoint is not None:
                training.ready(status)
                evaluation.show(status)
                evaluation.hear(status)
            training.forget_button(status)
            visitor.remember()
            st.header("Train another one", divider="gray")
            if status.checkpoint is not None and not training.is_kept(status):
                st.caption("Another run takes the place of this one: download its model first, or use it, to keep it.")
        settings()

st.header("Models", divider="gray")
models.picker()
