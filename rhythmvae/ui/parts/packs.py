"""Sounds in zips that were dropped: how many they are, a button that has them read, and the reading."""

from __future__ import annotations

import time

import streamlit as st

from rhythmvae.data.files import Source
from rhythmvae.errors import RhythmVAEError
from rhythmvae.text import clean_text, counted
from rhythmvae.ui.parts.sentences import literal
from rhythmvae.ui.session import files, hand, packs, sounds
from rhythmvae.ui.session.packs import Pack

MAX_SECONDS = 60.0  # after which what is left of a zip is offered again


def offers(place: str) -> None:
    """For each zip with sounds that was dropped how many they are, and a button that has them read.

    Args:
        place: tells these buttons from those at another place.
    """
    for pack in packs.offered():
        n = len(pack.left)
        how_many = f"{counted(n, 'more sound' if pack.n_read else 'sound')} in {literal(pack.name)}"
        if (why := sounds.why_undecodable()) is not None:
            st.caption(f"{how_many}. {literal(why)}.")
            continue
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                f"{how_many}: read {'it' if n == 1 else 'them'} too",
                on_click=packs.ask,
                args=(pack.key,),
                icon=":material/graphic_eq:",
                key=f"{place} read {pack.key}",
            )
            st.button(
                "Leave out", on_click=packs.forget, args=(pack.key,), key=f"{place} leave {pack.key}", type="tertiary"
            )


def read() -> bool:
    """Hear the sounds of the zip that is asked for, within MAX_SECONDS; whether there was one.

    What was heard stays whatever ends this run, and the next one goes on with the next sound.
    """
    if (pack := packs.asked()) is None:
        return False
    end, n = time.monotonic() + MAX_SECONDS, pack.n_read + len(pack.left)
    bar = st.progress(0.0)
    while time.monotonic() < end and (source := packs.taken(pack)) is not None:
        bar.progress(pack.n_read / n, f"Listening to {pack.n_read} of {n}: {literal(source.name)}")
        _hear(source, pack)
        if pack.left and sounds.is_full():
            packs.forget(pack.key)
            left_out = f"{counted(len(pack.left), 'sound')} of {clean_text(pack.name)} left out"
            files.say(f"{sounds.FULL[0].upper()}{sounds.FULL[1:]}: {left_out}.")
            break
    packs.rest()
    return True


def _hear(source: Source, pack: Pack) -> None:
    """Hear one of a zip's sounds; the first that gives a groove is taken in hand."""
    assert callable(source.sound)
    try:
        key = sounds.hear(sounds.decoded(source.name, source.sound()))
        if not pack.is_in_hand and key in sounds.grooves():
            pack.is_in_hand = True
            hand.choose(key)
    except RhythmVAEError as error:
        files.say(str(error))
