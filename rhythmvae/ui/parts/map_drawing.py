"""Which map the Latent map page shows: the model's own, or one that a visitor has had drawn."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from rhythmvae.data.corpus import Take
from rhythmvae.errors import RhythmVAEError
from rhythmvae.model.limits import MAX_PERPLEXITY, MIN_PERPLEXITY, PERPLEXITY
from rhythmvae.ui.components import latent_map as map_view
from rhythmvae.ui.parts.sentences import counted, errors_shown
from rhythmvae.ui.session import caches, files, models
from rhythmvae.ui.session.computing import computed

if TYPE_CHECKING:
    from rhythmvae.model.latent_map import LatentMap

DISTANCE_HELP = "Distance is one less the cosine of two latents: 0 is the same, 1 has nothing in common."
PERPLEXITY_HELP = (
    "Roughly how many neighbours each point takes into account: "
    "a small number shows fine groups, a large one the whole."
)
OF_MODEL, OF_FILES = "the grooves it learned from", "your files alone"
# In the session: of the map that is shown, and of the model that it belongs to.
OF_MAP = NOW, COLLECTED = "what the map plays", "collected points"
FOLD = "fold of drawing"  # built when it is opened
OF_ITS_MODEL = CORNERS, ASKED = "corners", "asked to hear"
_DRAWN, _DRAWN_BY = "map drawn anew", "model of the map"


@dataclass(frozen=True, eq=False)
class InUse:
    """A map and the file a browser draws it by. `own`: keys of the visitor's files, where it is of them alone."""

    latent_map: LatentMap
    points: bytes
    own: frozenset[str] = frozenset()


def in_use() -> InUse | None:
    """The map in use: the model's own, or one that the visitor had drawn. None where there is neither.

    Call it before anything else of this page: it forgets what another model's latents were part of.
    """
    used = models.in_use()
    if st.session_state.get(_DRAWN_BY) != used.contents:
        _forget_drawn()
        for key in OF_ITS_MODEL:
            st.session_state.pop(key, None)
        st.session_state[_DRAWN_BY] = used.contents
    drawn: InUse | None = st.session_state.get(_DRAWN)
    if drawn is not None:
        return drawn
    return None if used.latent_map is None else InUse(used.latent_map, caches.points_file())


def no_map() -> None:
    """What a model without a map has instead."""
    st.info("This model carries no map. Drop your own files, and one can be drawn of them.", icon=":material/info:")
    if files.own():
        redraw()


def redraw() -> None:
    """Another map: of the model's own points with other settings, or of the visitor's own files alone."""
    latent_map = models.in_use().latent_map
    label = "Draw a map of your files" if latent_map is None else "Draw the map again"
    fold = st.expander(label, icon=":material/brush:", key=FOLD, on_change="rerun")
    if not fold.open:
        return
    with fold:
        mine = bool(files.own())
        what = OF_FILES
        if latent_map is not None:
            what = st.segmented_control(
                "Of", (OF_MODEL, OF_FILES), default=OF_MODEL, key="map of", required=True, disabled=not mine
            )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            perplexity = st.number_input(
                "Perplexity", MIN_PERPLEXITY, MAX_PERPLEXITY, PERPLEXITY, 1.0, key="perplexity", help=PERPLEXITY_HELP
            )
            seed = st.number_input("Seed", 0, 9_999, 0, key="map seed", help="The same seed draws the same map.")
            if st.button("Draw", type="primary", icon=":material/brush:"):
                with errors_shown():
                    of_mine = latent_map is None or (what == OF_FILES and mine)
                    _draw(None if of_mine else latent_map, float(perplexity), int(seed))
            if _DRAWN in st.session_state:
                back = "Back to the model's own map" if models.is_own_in_use() else "Back to the map as shipped"
                st.button("Forget this map" if latent_map is None else back, on_click=_forget_drawn)


def _draw(latent_map: LatentMap | None, perplexity: float, seed: int) -> None:
    """Of the points of a latent map, or of the visitor's files."""
    from rhythmvae.ui.workers import tasks

    used, takes = models.in_use(), dict[str, Take]()
    with caches.drawing() as is_my_turn:
        if not is_my_turn:
            st.warning(
                "Somebody else's map is being drawn, and only one can be drawn at a time: try again in a minute."
            )
            return
        bar = st.progress(0.0, "Drawing")

        def told(done: int, of: int) -> None:
            bar.progress(done / max(of, 1), "Drawing")

        try:
            if latent_map is None:
                takes = _takes()
                drawn = computed(tasks.map_of, used, list(takes.values()), seed, perplexity, on_progress=told)
            else:
                drawn = computed(tasks.map_anew, used, latent_map, seed, perplexity, on_progress=told)
        finally:
            bar.empty()
    _forget_drawn()
    st.session_state[_DRAWN] = InUse(drawn, map_view.points_file(drawn), frozenset(takes))
    st.rerun()


def _takes() -> dict[str, Take]:
    """The visitor's files that can be read, by their keys."""
    found = {}
    for file in files.own():
        with suppress(RhythmVAEError):
            found[file.key] = Take(file.name, files.read(file)[0])
    return found


def _forget_drawn() -> None:
    for key in (_DRAWN, *OF_MAP):
        st.session_state.pop(key, None)


def about(used: InUse) -> None:
    """What a map is and is not, and the map to take home."""
    latent_map = used.latent_map
    trust = "" if latent_map.trustworthiness is None else f" (trustworthiness {latent_map.trustworthiness:.2f} of 1)"
    whose = "what this model learned from" if models.is_own_in_use() else "human drumming"
    whose = "your files" if used.own else whose
    with st.popover("How is this measured?", icon=":material/straighten:", type="tertiary"):
        st.markdown(
            f"{counted(len(latent_map), 'window')} of {whose}, each of up to two bars. The map of neighbours (t-SNE) "
            f"keeps similar grooves together{trust}: distances between far groups mean little, and the empty places "
            "between dots cannot be played. On the plane of the two strongest directions (PCA) every "
            "place can. " + DISTANCE_HELP
        )
    name = "your files" if used.own else models.name_in_use()
    st.download_button(
        "Take the map home (one HTML page, 5 MB)",
        partial(_page, latent_map, name),
        "latent-map.html",
        "text/html",
        on_click="ignore",
        icon=":material/download:",
        key="download map",
    )


def _page(latent_map: LatentMap, name: str) -> bytes:
    from rhythmvae import plots  # not above: plotly is for who takes it home

    return plots.latent_map_page(latent_map, name).encode()
