"""One press, and the model plays the groove in hand another way: what a visitor hears of it first."""

from __future__ import annotations

from functools import partial

import streamlit as st

from rhythmvae import share
from rhythmvae.groove import Groove
from rhythmvae.ui.components import deck
from rhythmvae.ui.components.deck import Hear, Lane
from rhythmvae.ui.parts import variations
from rhythmvae.ui.parts.sentences import counted
from rhythmvae.ui.session import caches, hand, tray
from rhythmvae.ui.session.caches import Settings

AMOUNT = 0.5
VARIED = "varied"  # of the cards
_TAKE, _OF = "take of the first step", "groove of the first step"


def show(held: hand.Hand) -> None:
    """The button; once it was pressed, the variation, which plays at once, and the way on."""
    take = st.session_state.get(_TAKE, 0) if st.session_state.get(_OF) == held.key else 0
    if not take:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Hear it played another way",
                key="hear it varied",
                type="primary",
                icon=":material/play_circle:",
                on_click=_next,
                args=(held.key, 1),
                help="The model varies the groove and plays it at once; the original stays as it is.",
            )
            variations.complete_link()
        return
    settings = Settings(amount=AMOUNT, seed=take)
    start = share.rounded(held.shown)
    with st.spinner("The model is playing it another way"):
        groove = variations.titled(start, caches.variations(start, settings)[0].groove, settings, 0)
    _card(groove, take, held)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Shape it yourself", key="shape it", type="primary", icon=":material/tune:"):
            variations.set_up(settings)
            st.switch_page("pages/variations.py")
        st.button(
            "Another one", key="another take", icon=":material/casino:", on_click=_next, args=(held.key, take + 1)
        )
        variations.complete_link()


def _card(groove: Groove, take: int, held: hand.Hand) -> None:
    name = f"{held.name}, played another way ({take})"
    note = f"{counted(len(groove), 'hit')}; press to go back and forth"
    pressed = ("keep",) if tray.holds(groove) else ()
    deck.cards(
        [Lane("varied", name, groove, held.first, note=note, pressed=pressed)],
        key=VARIED,
        actions={"keep": "★ Keep"},
        on_act=partial(tray.toggle, groove),
        hear=Hear(f"{held.key} {take}"),
    )


def _next(key: str, take: int) -> None:
    st.session_state[_OF], st.session_state[_TAKE] = key, take
