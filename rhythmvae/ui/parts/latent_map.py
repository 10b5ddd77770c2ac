"""The parts of the Latent map page: what is on the map, what was chosen, walks, neighbours, what was collected."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from rhythmvae.data.corpus import Take
from rhythmvae.errors import MidiError, RhythmVAEError
from rhythmvae.groove import FloatArray, Groove, Meter, Tempo
from rhythmvae.model.limits import MAX_PERPLEXITY, MIN_PERPLEXITY, PERPLEXITY
from rhythmvae.ui.components import deck
from rhythmvae.ui.components import latent_map as map_view
from rhythmvae.ui.components.deck import Hear, Lane
from rhythmvae.ui.parts import variations
from rhythmvae.ui.parts.sentences import counted, errors_shown, literal
from rhythmvae.ui.session import caches, files, hand, models, tray
from rhythmvae.ui.session.computing import computed
from rhythmvae.ui.shared import fingerprint

if TYPE_CHECKING:
    from rhythmvae.model.latent_map import LatentMap

MAP = "latent map"
MAX_OWN = 200  # windows of uploads on the map
N_NEAREST, BAR = 15, 5  # and marks of the bar that shows how alike each is
CORNERS = "ABCD"
DISTANCE_HELP = "Distance is one less the cosine of two latents: 0 is the same, 1 has nothing in common."
NO_POINT_STEPS, NO_POINT_BPM = 32, 110.0  # of a groove from a place where no point is
PERPLEXITY_HELP = (
    "Roughly how many neighbours each point takes into account: "
    "a small number shows fine groups, a large one the whole."
)
OF_MODEL, OF_FILES = "the grooves it learned from", "your files alone"
_DRAWN, _DRAWN_BY = "map drawn anew", "model of the map"
_CORNERS, _COLLECTED = "corners", "collected points"
# What plays: index of a point, a Spot, a place as Picked, or _WALK. With every gesture that asks to hear it a
# count goes up; _ASKED stands until the deck has been told, so that no visit begins with an old gesture.
_NOW, _WALK, _GESTURES, _ASKED = "what the map plays", "walk", "gestures on the map", "asked to hear"


@dataclass(frozen=True, eq=False)
class Spot:
    """A groove with its place: a point, one of a visitor's own, a place of the plane, or a step of a walk."""

    groove: Groove
    latent: FloatArray  # (Z,)
    index: int | None = None  # of a point

    @property
    def name(self) -> str:
        return self.groove.title


# -- which map -----------------------------------------------------------------


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
        for key in (_CORNERS, _ASKED):
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
    with st.expander(label, icon=":material/brush:"):
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
    for key in (_DRAWN, _NOW, _COLLECTED):
        st.session_state.pop(key, None)


# -- what is on it -------------------------------------------------------------


def own(used: InUse) -> list[Spot]:
    """The windows of the groove in hand and of the session's files, for the map to show among its points.

    Those that are its points already are not shown twice.
    """
    spots: list[Spot] = []
    held = hand.now()
    if held.key not in {*used.own, *(file.key for file in files.own())}:
        spots += _windows(held.original, held.name)
    for file in files.own():
        if len(spots) > MAX_OWN:
            break
        if file.key in used.own:
            continue
        with suppress(MidiError):  # that has been said of the file in hand, and is when another is taken in hand
            spots += _windows(files.read(file)[0], file.name)
    if len(spots) > MAX_OWN:
        st.caption(f"{MAX_OWN} windows of your files are shown at once: the first ones.")
    return spots[:MAX_OWN]


def _windows(groove: Groove, name: str) -> list[Spot]:
    return [Spot(*found) for found in caches.windows_with_latents(replace(groove, title=name[:80]), MAX_OWN + 1)]


def marks(latent_map: LatentMap, spots: Sequence[Spot], names: Sequence[str] | None = None) -> list[map_view.Mark]:
    """Where grooves lie among the points."""
    if not spots:
        return []
    from rhythmvae.model import latent_map as latent_maps

    latents = np.stack([spot.latent for spot in spots])
    around = map_view.frames(latent_map)
    on_map = around[map_view.MAP].inside(latent_maps.place(latent_map, latents)).tolist()
    on_plane = around[map_view.PLANE].inside(latent_maps.to_plane(latent_map, latents)).tolist()
    titles = names or [spot.name for spot in spots]
    return [
        map_view.Mark(title, {map_view.MAP: tuple(a), map_view.PLANE: tuple(b)})
        for title, a, b in zip(titles, on_map, on_plane, strict=True)
    ]


def show(used: InUse, mine: Sequence[Spot], here: Spot) -> None:
    """The map itself, with uploads, corners and collected points on it."""
    latent_map, corners = used.latent_map, walk_corners()
    collected: dict[str, int] = st.session_state.get(_COLLECTED, {})
    map_view.show(
        used.points,
        key=MAP,
        own=marks(latent_map, mine),
        corners=marks(latent_map, corners, CORNERS[: len(corners)]),
        tray=[index for key, index in collected.items() if key in tray.kept()],
        here=here.index,
        on_pick=partial(_picked, len(latent_map), mine),
        on_collect=partial(_collected, latent_map),
    )


def _picked(n_points: int, mine: Sequence[Spot]) -> None:
    picked = map_view.picked(MAP, n_points, len(mine))
    if picked is None:
        return
    if picked.kind == "point":
        _hear(picked.index)
    else:
        _hear(mine[picked.index] if picked.kind == "own" else picked)


def _collected(latent_map: LatentMap) -> None:
    collected: dict[str, int] = st.session_state.setdefault(_COLLECTED, {})
    for index in map_view.collected(MAP, len(latent_map)):
        groove = point(latent_map, index).groove
        collected[fingerprint(groove)] = index
        if not tray.holds(groove):
            tray.toggle(groove)


# -- what it plays -------------------------------------------------------------


def _hear(what: int | Spot | map_view.Picked) -> None:
    """A gesture chooses what plays, and wants to hear it."""
    st.session_state[_NOW] = what
    st.session_state[_GESTURES] = st.session_state.get(_GESTURES, 0) + 1
    st.session_state[_ASKED] = True


def play(latent_map: LatentMap) -> Spot:
    """Hand what was chosen last to the deck, which plays it at once where a gesture has just asked to hear it.

    Returns:
        that, or the groove in hand where nothing was chosen yet.
    """
    asked = st.session_state.pop(_ASKED, False)
    chosen = _chosen(latent_map)
    if chosen is None:
        deck.result(None)
        return _in_hand() or point(latent_map, 0)
    deck.result(
        Lane("here", chosen.name, chosen.groove, is_another=True),
        link=hand.link_to(chosen.groove),
        hear=Hear(f"gesture {st.session_state[_GESTURES]}") if asked else None,
    )
    return chosen


def _chosen(latent_map: LatentMap) -> Spot | None:
    match st.session_state.get(_NOW):
        case int(index) if index < len(latent_map):
            return point(latent_map, index)
        case Spot() as spot:
            return spot
        case map_view.Picked() as picked:
            return _at(latent_map, picked)
        case str() if len(walk_corners()) > 1:
            return _walked(latent_map)
    return None


def _in_hand() -> Spot | None:
    """The first window of the groove in hand that has hits."""
    held = hand.now()
    return next(iter(_windows(held.shown, held.name)), None)


def point(latent_map: LatentMap, index: int) -> Spot:
    latent = latent_map.latents[index]
    groove = replace(caches.decoded(latent, latent_map.frame(index)), title=latent_map.name(index))
    return Spot(groove, latent, index)


def _at(latent_map: LatentMap, picked: map_view.Picked) -> Spot:
    """The groove of a place on the plane, in 4/4."""
    from rhythmvae.model import latent_map as latent_maps

    place = map_view.frames(latent_map)[picked.view].back(picked.place)
    # Beside the plane as far as the nearest point is: on the plane itself grooves are thin.
    start = latent_map.latents[int(((latent_map.plane - place) ** 2).sum(axis=1).argmin())]
    latent = latent_maps.from_plane(latent_map, place, start)
    meter, tempo = Meter(0.0, 4, 4), Tempo(0.0, NO_POINT_BPM)
    frame = Groove.silent(NO_POINT_STEPS, (tempo,), (meter,))
    return Spot(replace(caches.decoded(latent, frame), title="Between the points"), latent)


# -- walks ---------------------------------------------------------------------


def walk_corners() -> list[Spot]:
    found: list[Spot] = st.session_state.setdefault(_CORNERS, [])
    return found


def walk(here: Spot) -> None:
    """Two to four corners, and where between them one stands."""
    corners = walk_corners()
    with st.container(horizontal=True):
        if len(corners) < len(CORNERS):
            st.button(
                f"Make it corner {CORNERS[len(corners)]}", icon=":material/flag:", on_click=corners.append, args=(here,)
            )
        if corners:
            st.button("Forget the corners", on_click=_forget_corners, args=(here,))
    if not corners:
        st.caption("Make two to four grooves corners, and walk between them.")
        return
    st.markdown(
        "  \n".join(f"**{letter}** {literal(spot.name)}" for letter, spot in zip(CORNERS, corners, strict=False))
    )
    if len(corners) < 2:
        st.caption("Choose one more corner to walk to.")
        return
    st.slider("From A to B", 0, 100, 0, key="walk x", persist_state="session", format="%d%%", on_change=_walks)
    if len(corners) > 2:
        last = "D, and C" if len(corners) == 4 else "C"
        st.slider(f"Towards {last}", 0, 100, 0, key="walk y", persist_state="session", format="%d%%", on_change=_walks)


def _walks() -> None:
    st.session_state[_NOW] = _WALK


def _forget_corners(here: Spot) -> None:
    """What plays goes on, though its walk is over."""
    st.session_state[_NOW] = here
    walk_corners().clear()


def _walked(latent_map: LatentMap) -> Spot:
    """The step of the walk: bilinear shares of the corners, blended along real latents."""
    from rhythmvae.model import latent_map as latent_maps

    corners = walk_corners()
    x, y = (st.session_state.get(f"walk {axis}", 0) / 100 for axis in "xy")
    shares = [(1 - x) * (1 - y), x * (1 - y), y if len(corners) == 3 else x * y, (1 - x) * y][: len(corners)]
    if len(corners) == 2:
        shares = [1 - x, x]
    latent = latent_maps.blend(latent_map, np.stack([spot.latent for spot in corners]), shares)
    first = corners[0].groove
    bpm = float(np.exp(np.average([np.log(spot.groove.tempos[0].bpm) for spot in corners], weights=shares)))
    frame = Groove.silent(first.n_steps, (Tempo(0.0, bpm),), (first.meters[0],))
    words = ", ".join(f"{letter} {share:.0%}" for letter, share in zip(CORNERS, shares, strict=False) if share > 0.005)
    return Spot(replace(caches.decoded(latent, frame), title=f"Walk: {words}"), latent)


# -- beside it -----------------------------------------------------------------


def stage(here: Spot) -> None:
    """What is chosen, and what can be done with it."""
    variations.follow()
    with st.container(key="here"):
        st.text(here.name)
    with st.container(horizontal=True):
        st.button(
            "Take it",
            type="primary",
            icon=":material/back_hand:",
            key="take here",
            on_click=hand.hold,
            args=(here.groove,),
            help="It becomes the groove in the deck, on every page.",
        )
        kept = tray.holds(here.groove)
        st.button(
            "Kept" if kept else "Keep",
            icon=":material/star:",
            key="keep here",
            on_click=tray.toggle,
            args=(here.groove,),
        )
        st.button(
            "Vary it", icon=":material/tune:", on_click=variations.lead, args=(variations.VARIATIONS, here.groove)
        )
        variations.complete_button(here.groove)


def nearest(latent_map: LatentMap, here: Spot) -> None:
    """The closest grooves in latent space, to hear, each with how alike it is."""
    from rhythmvae.model import latent_map as latent_maps

    st.markdown("**Closest grooves**", help=DISTANCE_HELP)
    with st.container(gap=None):
        found = latent_maps.nearest(latent_map, here.latent, N_NEAREST + 1)
        for index, distance in [each for each in found if each[0] != here.index][:N_NEAREST]:
            st.button(
                f"{alike(distance)}  {literal(latent_map.name(index))}",
                key=f"near {index}",
                type="tertiary",
                on_click=_hear,
                args=(index,),
            )


def alike(distance: float) -> str:
    """A bar: full for the same groove, empty for one that has nothing in common."""
    full = round(BAR * min(max(1.0 - distance, 0.0), 1.0))
    return "▰" * full + "▱" * (BAR - full)


def collected() -> None:
    """What lies in the tray, from here or from elsewhere."""
    if tray.kept():
        variations.kept()
    else:
        st.caption(
            "Draw a box or a lasso on the map to collect grooves; they are collected here, to hear and to take home."
        )


def about(used: InUse) -> None:
    """What a map is and is not."""
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
