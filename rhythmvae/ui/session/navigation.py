"""The page list, and how a page is reached.

Streamlit runs a file in `pages/` by itself when its address is the first that a fresh
server is asked for, without app.py around it. So every page begins with `guard()`, which
sends such a visit through app.py, and app.py leaves a mark in the session.
"""

from __future__ import annotations

import streamlit as st
from streamlit.navigation.page import Page

from rhythmvae.resources import PAGES

LISTEN = "listen"  # reached by link alone
_MARK, _BEGUN = "came_through_app", "session has begun"


def pages() -> list[Page]:
    """All pages in the order of the menu. An address is the file's stem, the first page's also /.

    They have no icons: the browser's tab would show a page's, fetched from elsewhere.
    """
    return [
        st.Page(
            PAGES / "reconstruct.py",
            title="Reconstruct",
            default=True,
            help="Hear and see a drum pattern rebuilt by the model.",
        ),
        st.Page(
            PAGES / "map.py",
            title="Latent map",
            help="Walk through thousands of human grooves by ear.",
        ),
        st.Page(
            PAGES / "variations.py",
            title="Variations",
            help="Pull sliders until it is the groove you want.",
        ),
        st.Page(
            PAGES / "train.py",
            title="Train",
            help="Teach a model your own loops, and hear how well it knows them.",
        ),
        st.Page(
            PAGES / "complete.py",
            title="Complete",
            help="Play a part, and the model plays the rest.",
        ),
        st.Page(
            PAGES / "analyse.py",
            title="Analyse",
            help="See and hear what a groove is and how it is played.",
        ),
        st.Page(
            PAGES / "library.py",
            title="Library",
            help="Find what is like it among all your own files.",
        ),
        st.Page(
            PAGES / "review.py",
            title="Review",
            help="Let people decide by ear: a link to take, and one to read.",
        ),
        st.Page(
            PAGES / "about.py",
            title="About",
            help="What this is, how good it is, and whose data it learned from.",
        ),
        st.Page(PAGES / f"{LISTEN}.py", title="Listen", visibility="hidden"),
    ]


def run() -> None:
    """Show the deck and the page that was asked for; app.py calls this."""
    from rhythmvae.ui.parts import belongings, shell  # not above: they need the session

    _begin()
    st.session_state[_MARK] = True
    all_pages = pages()
    page = st.navigation(all_pages, position="hidden")
    if page.url_path == LISTEN:  # a reviewer sees the trial alone
        page.run()
        return
    shell.top(page)
    shell.dock(page, [each for each in all_pages if each.url_path != LISTEN])
    belongings.keep()
    page.run()


def _begin() -> None:
    """In the first run of a session: what was pressed on the page of an earlier server is not done by this one."""
    if _BEGUN not in st.session_state:
        from rhythmvae.ui.parts import belongings, training

        st.session_state[_BEGUN] = True
        training.begin_with_server()  # where app.py is no server, nobody has done that
        if belongings.is_begun_anew():
            belongings.note_new_server()
            st.rerun()


def guard() -> None:
    """First line of every page."""
    _begin()
    if _MARK not in st.session_state:
        st.navigation(pages(), position="hidden")
        st.rerun()
