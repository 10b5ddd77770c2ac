"""An app of the deck and nothing else: no model, no torch. Pages hand it what a rule made of the groove in hand."""

from __future__ import annotations

import streamlit as st
from playing import made

from rhythmvae import share
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.groove import Groove
from rhythmvae.ui.components import deck
from rhythmvae.ui.components.deck import Lane
from rhythmvae.ui.shared import fingerprint

CARDS = "cards"
PATTERNS = ("funk", "rock", "seven")


def choose() -> tuple[str, Groove]:
    """Of a link, or of the patterns."""
    text = st.session_state.setdefault("link", st.query_params.get("g"))
    with st.container(horizontal=True):
        pattern = st.selectbox("Pattern", PATTERNS, format_func=lambda key: EXAMPLES[key].title)
        groove = share.from_text(text).groove if text else example(pattern)
        bars = st.slider("Bars", 1, groove.n_bars, groove.n_bars) if groove.n_bars > 1 else 1
        resets = st.session_state.setdefault("resets", 0)
        st.button("As it was", on_click=lambda: st.session_state.update(resets=resets + 1))
    return f"{fingerprint(groove)[:16]} {bars} {resets}", groove.bars(1, bars)


def take(source: str, read: Groove) -> None:
    edit = deck.edit()
    if edit is not None and edit.source == source:
        st.session_state[source] = edit.groove(read), edit.serial


def page_of_result() -> None:
    st.title("Result")
    deck.result(Lane("made", "Result, bar 1", made(groove, 1), against=groove))
    st.text(f"{len(groove)} of {len(groove)} hits came back")
    st.text(f"Heard at {heard.rate:.4f}, without {heard.muted}")
    st.text_input("Words")
    st.slider("Amount", 0, 100)
    st.checkbox("Tick")
    for line in range(30):
        st.text(f"Line {line}")
    st.text("The last line")


def page_of_cards() -> None:
    st.title("Cards")
    lanes = [Lane(f"card {n}", f"Variation {n}", made(groove, n), note=f"Note {n}") for n in range(4)]
    deck.cards(lanes, key=CARDS, actions={"keep": "Keep", "take": "MIDI"}, on_act=act)
    st.text(f"Act: {st.session_state.get('act')}")


def act() -> None:
    st.session_state["act"] = deck.act_of(CARDS)


def page_of_another() -> None:
    st.title("Another")
    deck.result(Lane("another", "Another groove", example("waltz"), is_another=True))


def page_of_nothing() -> None:
    st.title("Nothing")


st.set_page_config(page_title="The deck", layout="wide")
pages = [
    st.Page(page_of_result, title="Result", url_path="result", default=True),
    st.Page(page_of_cards, title="Cards", url_path="cards"),
    st.Page(page_of_another, title="Another", url_path="another"),
    st.Page(page_of_nothing, title="Nothing", url_path="nothing"),
]
page = st.navigation(pages, position="top")
source, read = choose()
groove, serial = st.session_state.get(source, (read, 0))
with st.bottom:
    heard = deck.show(
        Lane("original", "Original, bar 1", groove, editable=True),
        source=source,
        tune=source,
        name=read.title or "Untitled",
        serial=serial,
        link=f"g={share.to_text(groove)}",
        on_edit=lambda: take(source, read),
    )
page.run()
