"""Turn one groove into the one you wanted: a pad, measured sliders, amount, locks, and cards to choose from."""

import streamlit as st

from rhythmvae import share
from rhythmvae.errors import RhythmVAEError
from rhythmvae.ui.parts import pad, sentences, shell, variations
from rhythmvae.ui.parts import stage as stages
from rhythmvae.ui.session import caches, hand, models, navigation

navigation.guard()


@st.fragment
def stage() -> None:
    """What shapes the variation of the groove in hand, and what can be done with it. A slider runs this alone."""
    hand.keep_up()  # another start may have been chosen in here
    variations.follow()
    with sentences.errors_shown(), stages.layout() as (first, middle, last):
        held = hand.now()
        # As a link holds it, so that what opens elsewhere is the same variation.
        start = share.rounded(held.shown)
        with middle:
            model = models.in_use()
            settings, banks = variations.controls(start, model)
        try:
            made = caches.variations(start, settings)[0]
        except RhythmVAEError:
            variations.tell_nothing(banks, start, model.quantiles)  # the sliders stay, to ask for something else
            raise
        variations.play(held, start, made, settings)  # sent before anything else: it is waited for
        variations.tell(banks, start, settings, made, model)
        with first:
            pad.place(st.container(), variations.go_on)
        with last:
            variations.files(start, made.groove, settings, shell.heard())
            st.subheader("Many at once")
            variations.cards(start, settings)
            variations.interpolation(start)
            variations.kept()


with stages.head():
    st.markdown("Move the point or a slider: the beat follows. The model plays every cell as a groove of its own.")
with sentences.errors_shown():
    variations.take_link()
    stage()
variations.measured()
