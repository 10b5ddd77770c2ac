"""Turn one groove into the one you wanted: amount, measured sliders, locks, and cards to choose from."""

import streamlit as st

from rhythmvae import share
from rhythmvae.errors import RhythmVAEError
from rhythmvae.groove import Groove
from rhythmvae.ui.parts import patterns, sentences, variations
from rhythmvae.ui.session import caches, edits, models, navigation

navigation.guard()

PLAYER, CARDS = "variation player", "variation cards"


@st.fragment
def stage(read: Groove, key: str) -> None:
    """The start beside its variation, and what shapes it. A slider runs this alone."""
    if st.session_state.pop(variations.MOVED_ON, False):
        st.rerun()  # another start was chosen in here
    with sentences.errors_shown():
        first, last = patterns.bars_picker(read, key)
        view = edits.View(read, first, last)
        # As a link holds it, so that what opens elsewhere is the same variation.
        start = share.rounded(edits.edited(read).bars(first, last))
        left, right = st.columns([5, 2], gap="large")
        with right:
            model = models.in_use()
            settings, banks = variations.controls(start, model)
        try:
            made = caches.variations(start, settings)[0]
        except RhythmVAEError:
            variations.tell_nothing(banks, start, model.quantiles)  # the sliders stay, to ask for something else
            raise
        with left:
            heard = variations.lanes(
                PLAYER, view, key, start, made, settings
            )  # sent before anything else: it is waited for
            variations.tell(banks, made, model.quantiles)
            variations.files(start, made.groove, settings, heard)
            st.subheader("Many at once")
            variations.cards(CARDS, key, start, settings)
            variations.way(key, start)
            variations.kept()


st.title("Make it the groove you wanted")
st.markdown(
    "Start from any pattern. **Amount** says how far to go from it; a slider asks for a place among the grooves that "
    "the model learned from, and says beside it what came."
)
above = st.container()
key, upload = patterns.picker()
with above:
    models.banner()  # drawn after the picker, which may open a link of another model
with sentences.errors_shown():
    with st.spinner("Waking the model up"):
        models.in_use()
    variations.take_link()
    variations.surprise()
    stage(patterns.load(key, upload), key)
