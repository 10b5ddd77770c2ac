"""What stands around every page: the groove in hand in the deck, the row of places, the model in use, news."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import Page

from rhythmvae.ui.components import deck, hints
from rhythmvae.ui.components.deck import Hear, Heard, Lane
from rhythmvae.ui.parts import belongings, hearing, sounds, training, yours
from rhythmvae.ui.parts.sentences import errors_shown, literal
from rhythmvae.ui.session import arrival, edits, hand, models, settings, visitor

LOOKS = Path(__file__).with_name("shell.css")
TRAIN, VARIATIONS, MAP, LIBRARY = "train", "variations", "map", "library"
N_PLACES = 4  # in the row; all tools stand behind More
_HEARD = "how the deck was heard"


def top(page: Page) -> None:
    """Above the page: where to get a groove, the model in use, and what there is to say."""
    if not arrival.ARRIVALS.is_open:  # no server of ours has put them into the page (server/preview.py)
        st.html(LOOKS)
    with st.container(horizontal=True, vertical_alignment="center", key="above"):
        yours.get(partial(hearing.record, heard().rate), hearing.n_takes())
        _model()
        if page.url_path != MAP:  # whose page has it below the map, which must not move
            back_button(hand.now())
    with st.container(key="caught"):
        hearing.catch()
    with st.container():  # always there, so that nothing below moves house
        belongings.notice()
        yours.problems(page.url_path)
        if (why := hand.now().problem) is not None:
            st.error(literal(why), icon=":material/error:")
            sounds.anyway_button()
        if problem := edits.problem():
            st.warning(literal(problem))
        if page.url_path != TRAIN and visitor.known() is not None:
            training.notice()


def welcome(page: Page) -> None:
    """Below a page's heading, what a first visitor reads once."""
    # On a phone the map, the way to the Train button, and what is searched by need the first screen.
    if page.url_path not in (MAP, TRAIN, LIBRARY):
        hints.show()


def back_button(held: hand.Hand) -> None:
    """Leads from edits to the groove as it was read, where there are some."""
    if held.original != held.read:
        st.button(
            "Back to the pattern as it was",
            on_click=edits.forget,
            args=(held.read,),
            icon=":material/restore:",
            type="tertiary",
        )


def _model() -> None:
    name = literal(models.name_in_use()) if models.is_own_in_use() else "shipped"
    with st.popover(f"Model: {name}", key="model in use", type="tertiary"):
        models.picker()


def dock() -> None:
    """The deck with the groove in hand, which plays before the page is there."""
    held = hand.now()
    hand.told(held)
    with st.bottom, errors_shown():
        st.session_state[_HEARD] = deck.show(
            Lane("original", f"Original, {held.part}", held.shown, held.first, editable=True),
            source=held.view.source,
            tune=held.key,
            name=held.name,
            of_bars=0 if held.is_whole else held.read.n_bars,
            serial=edits.serial(held.view),
            link=hand.link_to(held.shown),
            link_takes="" if held.is_whole else f"{held.part} of {held.read.n_bars}",
            hear=Hear(cue) if (cue := yours.browsed()) else None,
            sound=sounds.in_deck(held),
            here=arrival.address(),
            on_edit=partial(edits.take, held.view),
        )


def places(page: Page, pages: Sequence[Page]) -> None:
    """A row of links, the same on a phone, where it lies under the thumb, and on a desktop, where it lies on top.

    Beside it, unseen, what the address is to say.
    """
    with st.bottom, errors_shown():
        _row(page, pages)
        hand.tell_address(hand.link_to(hand.now().shown), page.url_path)
        if page.url_path != VARIATIONS:  # it tells by itself, whenever a slider moves
            settings.tell_address(page.url_path)


def _row(page: Page, pages: Sequence[Page]) -> None:
    with st.container(horizontal=True, wrap=False, gap=None, key="places"):
        for place in pages[:N_PLACES]:
            st.page_link(place, width="stretch")
        # A new one for each page: it would stay open over the page that was chosen in it.
        with st.popover("More", key=f"more {page.url_path}", type="tertiary", width="stretch"):
            for place in pages:
                st.page_link(place, help=place.help)
            belongings.start_over_button()


def heard() -> Heard:
    """How the deck is set just now: its tempo, and what is muted."""
    found: Heard = st.session_state.get(_HEARD, Heard())
    return found
