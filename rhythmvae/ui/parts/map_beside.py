"""Beside the map: what plays and what can be done with it, what lies near, where a visitor's files are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from rhythmvae.data.names import style_name
from rhythmvae.ui.parts import latent_map as maps
from rhythmvae.ui.parts import shell, variations
from rhythmvae.ui.parts.latent_map import Own, Playing
from rhythmvae.ui.parts.map_drawing import DISTANCE_HELP
from rhythmvae.ui.parts.sentences import counted, literal
from rhythmvae.ui.session import caches, hand, tray

if TYPE_CHECKING:
    from rhythmvae.model.latent_map import LatentMap

N_NEAREST, BAR = 15, 5  # and marks of the bar that shows how alike each is
MAX_LISTED = 40  # of a visitor's files


def stage(playing: Playing) -> None:
    """What is chosen, and what can be done with it."""
    variations.follow()
    groove = playing.groove
    with st.container(key="here"):
        st.text(groove.title)
    if playing.note:
        st.caption(literal(playing.note))
    with st.container(horizontal=True):
        st.button(
            "Take it",
            type="primary",
            icon=":material/back_hand:",
            key="take here",
            disabled=not playing.is_chosen,
            on_click=maps.take,
            args=(playing,),
            help="It becomes the groove in the deck, on every page.",
        )
        st.button(
            "Kept" if tray.holds(groove) else "Keep",
            icon=":material/star:",
            key="keep here",
            on_click=tray.toggle,
            args=(groove,),
        )
        st.button("Vary it", icon=":material/tune:", on_click=variations.lead, args=(variations.VARIATIONS, groove))
        variations.complete_button(groove)
        shell.back_button(hand.now())
        variations.back_button()


def nearest(latent_map: LatentMap, playing: Playing) -> None:
    """The closest grooves in latent space, to hear, each with how alike it is."""
    from rhythmvae.model import latent_map as latent_maps

    here = playing.spot
    st.markdown("**Closest grooves**", help=DISTANCE_HELP)
    with st.container(gap=None, key="listed-near"):
        found = latent_maps.nearest(latent_map, here.latent, N_NEAREST + 1)
        near = [each for each in found if each[0] != here.index][:N_NEAREST]
        names = latent_map.names([index for index, _ in near])
        for (index, distance), name in zip(near, names, strict=True):
            st.button(
                f"{alike(distance)}  {literal(name)}",
                key=f"near {index}",
                type="tertiary",
                on_click=maps.hear,
                args=(index,),
            )


def alike(distance: float) -> str:
    """A bar: full for the same groove, empty for one that has nothing in common."""
    full = round(BAR * min(max(1.0 - distance, 0.0), 1.0))
    return "▰" * full + "▱" * (BAR - full)


def files(latent_map: LatentMap, mine: Sequence[Own]) -> None:
    """Where each of a visitor's files has landed, by its number on the map; a press rings and plays its first bars."""
    listed = [(number, list(spots)) for number, spots in groupby(mine, key=lambda spot: spot.number) if number]
    if not listed:
        return
    st.markdown("**Your files on the map**")
    with st.container(gap=None, key="listed-own"):
        for number, spots in listed[:MAX_LISTED]:
            st.button(
                f"**{number}**  {literal(spots[0].name)}: {literal(_landed(latent_map, spots))}",
                key=f"own {spots[0].key}",
                type="tertiary",
                on_click=maps.hear,
                args=(spots[0],),
            )
    if len(listed) > MAX_LISTED:
        st.caption(f"The first {MAX_LISTED} of {len(listed)} files are listed.")


def _landed(latent_map: LatentMap, spots: Sequence[Own]) -> str:
    """Such as "among Jazz (3 of 4 windows), nearest to Jazz swing, drummer 1, 120 BPM"."""
    found = caches.landings(latent_map, np.stack([spot.latent for spot in spots]))
    near = f"nearest to {latent_map.name(found[0].nearest)}"
    [(style, count)] = Counter(landing.style for landing in found).most_common(1)
    if not style:
        return near
    share = f" ({count} of {counted(len(found), 'window')})" if len(found) > 1 else ""
    return f"among {style_name(style)}{share}, {near}"


def collected() -> None:
    """What lies in the tray, from here or from elsewhere."""
    if tray.kept():
        variations.kept()
    else:
        st.caption(
            "Draw a box or a lasso on the map to collect grooves; they are collected here, to hear and to take home."
        )
