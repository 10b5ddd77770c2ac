"""Train a model on one's own loops, beside the app, and be told how good it is."""

import streamlit as st

from rhythmvae.ui.parts import choices, dataset, evaluation, sentences, training, yours
from rhythmvae.ui.session import navigation, visitor

navigation.guard()


def settings() -> None:
    """Where loops are dropped, whether they are enough, and the button; below it all else that can be asked for."""
    limits = training.jobs().limits
    yours.box("Your loops: MIDI files, sounds of drums, or zips of them", "training files")
    found = training.data(limits)
    button = st.container()
    fold = st.expander("How to train", icon=":material/tune:", key=choices.FOLDS[0], on_change="rerun")
    if fold.open:
        with fold:
            choices.ask(limits)
            st.caption(training.limits_line(limits))
    dataset.details(found)
    with button:
        training.begin_button(found, choices.asked(limits), limits)


st.markdown(
    "Drop a dozen of your loops and press **Train**: a little later the whole app plays in your style. "
    "The model goes on learning, now from your loops, and is then tested on some of them that were kept from it."
)
with sentences.errors_shown():
    status = training.now()
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
