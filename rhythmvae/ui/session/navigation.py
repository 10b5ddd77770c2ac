"""The page list, and how a page is reached.

Streamlit runs a file in `pages/` by itself when its address is the first that a fresh
server is asked for, without app.py around it. So every page begins with `guard()`, which
sends such a visit through app.py, and app.py leaves a mark in the session.

Streamlit sends a browser the list of all pages that it is given. A reviewer's browser is given its own page alone.
"""

from __future__ import annotations

import streamlit as st
from streamlit.navigation.page import Page
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.util import calc_hash

from rhythmvae.resources import PAGES
from rhythmvae.ui.session import arrival, hand, settings

LISTEN = "listen"  # reached by link alone
# By address. A page's heading is drawn before all else of it (`run`).
HEADINGS = {
    "": "Your drums, another way",
    "map": "Every dot is a drummer",
    "variations": "Make it yours",
    "train": "Teach it your drums",
    "complete": "Play a part, hear the rest",
    "analyse": "What is in it?",
    "library": "Find it in your library",
    "review": "Let people decide by ear",
    "about": "About",
}
_LISTEN_TITLE = "Listen"
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
        _listen_page(),
    ]


def _listen_page() -> Page:
    return st.Page(PAGES / f"{LISTEN}.py", title=_LISTEN_TITLE, visibility="hidden")


def _of_a_reviewer() -> list[Page]:
    """The trial's page, and a first one that says nothing: Streamlit takes the first for the page at /.

    Who goes there is no reviewer any more, and is given all pages.
    """
    first = st.Page(_nothing, title=_LISTEN_TITLE, url_path="nothing", default=True, visibility="hidden")
    return [first, _listen_page()]


def _nothing() -> None:
    pass


def _is_reviewer() -> bool:
    """Whether a browser asks for the trial's page: by its address at first, by Streamlit's name for it from then on.

    It is to be known before the list of pages is sent, which is what says it otherwise.
    """
    context = get_script_run_ctx()
    if context is None:
        return False
    asked = context.pages_manager
    if asked.intended_page_script_hash:
        return asked.intended_page_script_hash == calc_hash(LISTEN)
    return asked.intended_page_name == LISTEN


def run() -> None:
    """Show the deck and the page that was asked for; app.py calls this.

    A browser draws in one piece whatever it has been sent by then, which takes a phone half a second. So what is waited
    for is sent first: the heading, then the deck, and what else a first page holds when the deck is there.
    """
    from rhythmvae.ui.parts import belongings, shell  # not above: they need the session

    _begin()
    st.session_state[_MARK] = True
    if _is_reviewer():  # who sees the trial alone
        st.navigation(_of_a_reviewer(), position="hidden").run()
        return
    all_pages = pages()
    page = st.navigation(all_pages, position="hidden")
    hand.open_link()
    settings.open_address()
    above = st.container(key="before")
    with st.container(key=f"heading-{page.url_path}"):
        st.title(HEADINGS[page.url_path])
    if is_first := arrival.is_due():
        shell.dock()
        arrival.wait()
    else:
        arrival.let_draw(page.url_path)
    with above:
        shell.top(page)  # what is chosen here goes into the deck
    if not is_first:
        shell.dock()
    shell.welcome(page)
    shell.places(page, [each for each in all_pages if each.url_path != LISTEN])
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
        st.navigation(_of_a_reviewer() if _is_reviewer() else pages(), position="hidden")
        st.rerun()
