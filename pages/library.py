"""What in a library of files is like the groove in hand, or goes with it."""

import streamlit as st

from rhythmvae.ui.parts import library, library_map, sentences
from rhythmvae.ui.session import hand, navigation
from rhythmvae.ui.session.library import Choice

navigation.guard()


@st.fragment
def stage(folder: Choice) -> None:
    """The search of one library. A word that is typed or a filter runs this alone."""
    hand.keep_up()
    with sentences.errors_shown():
        opened = library.opened(folder)
        if opened is None:
            library.waiting(folder)
            return
        asked = library.asked(opened)
        found = library.found(opened, asked)
        room = st.container() if library.is_map_wanted() else None
        library.results(found)
        library.take_home(found)
        library.table(found)
        library.all_of(opened, asked, found)
        library.twice(opened)
        if room is not None:  # last, for it takes some seconds the first time
            with room:
                library_map.show(opened, asked, found)


st.markdown(
    "Search all your MIDI files for what is like the groove in the deck, and press a result to hear it in time. "
    "The model says how near two loops are: by which drums play where, and by how they are played."
)
with sentences.errors_shown():
    if (chosen := library.source()) is not None:
        stage(chosen)
        library.path()
