"""Turn one groove into the one you wanted: amount, measured sliders, locks, and cards to choose from."""

import streamlit as st

from rhythmvae import share
from rhythmvae.errors import RhythmVAEError
from rhythmvae.ui.parts import sentences, shell, variations
from rhythmvae.ui.session import caches, hand, models, navigation

navigation.guard()


@st.fragment
def stage() -> None:
    """What shapes the variation of the groove in hand, and what can be done with it. A slider runs this alone."""
    hand.keep_up()  # another start may have been chosen in here
    variations.follow()
    with sentences.errors_shown():
        held = hand.now()
        # As a link holds it, so that what opens elsewhere is the same variation.
        start = share.rounded(held.shown)
        left, right = st.columns([2, 3], gap="large")
        with left:
            model = models.in_use()
            settings, banks = variations.controls(start, model)
        try:
            made = caches.variations(start, settings)[0]
        except RhythmVAEError:
            variations.tell_nothing(banks, start, model.quantiles)  # the sliders stay, to ask for something else
            raise
        variations.play(held, start, made, settings)  # sent before anything else: it is waited for
        variations.tell(banks, start, settings, made, model)
        with right:
            variations.files(start, made.groove, settings, shell.heard())
            st.subheader("Many at once")
            variations.cards(start, settings)
            variations.interpolation(start)
            variations.kept()


st.title("Make it yours")
st.markdown(
    "Shape the groove while it plays: how far it goes from yours, how busy it is, how loud, how swung, and which drums "
    "stay as they are. The model changes the numbers that stand for your groove and plays them; each slider shows how "
    "much of what you asked for the new groove has."
)
with sentences.errors_shown():
    variations.take_link()
    stage()
variations.measured()
