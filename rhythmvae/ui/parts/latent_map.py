"""The Latent map page: what is on the map, what was chosen, what the deck plays of it, and walks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from rhythmvae.analysis.swapping import misfit, swapped
from rhythmvae.errors import MidiError, RhythmVAEError
from rhythmvae.groove import FloatArray, Groove, Meter, Tempo, nearest_step
from rhythmvae.ui.components import deck
from rhythmvae.ui.components import latent_map as map_view
from rhythmvae.ui.components.deck import Hear, Lane
from rhythmvae.ui.components.latent_map import Here
from rhythmvae.ui.parts import variations
from rhythmvae.ui.parts.map_drawing import ASKED, COLLECTED, CORNERS, NOW, InUse, in_use
from rhythmvae.ui.parts.sentences import literal
from rhythmvae.ui.session import caches, files, hand, tray
from rhythmvae.ui.shared import fingerprint

if TYPE_CHECKING:
    from rhythmvae.model.latent_map import LatentMap

MAP, GROOVES = "latent map", "grooves of the map"
MAX_OWN = 200  # windows of uploads on the map
MAX_TRIED = 64  # points, for one that begins on the first beat
LETTERS = "ABCD"  # of corners
NO_POINT_STEPS, NO_POINT_BPM = 32, 110.0  # of a groove from a place where no point is
MAX_TITLE = 80
# What plays (NOW): index of a point, a Spot, a place as Picked, or _WALK. With every gesture that asks to hear it a
# count goes up; ASKED stands until the deck has been told, so that no visit begins with an old gesture. So does _TAKEN.
_WALK, _GESTURES, _TAKEN = "walk", "gestures on the map", "taken from the map"
_WANTED = "wanted part of the map's grooves"


@dataclass(frozen=True, eq=False)
class Spot:
    """A groove with its place: a point, one of a visitor's own, a place of the plane, or a step of a walk."""

    groove: Groove
    latent: FloatArray  # (Z,)
    index: int | None = None  # of a point

    @property
    def name(self) -> str:
        return self.groove.title


@dataclass(frozen=True, eq=False)
class Own(Spot):
    """A window of a visitor's own. `number`: of its file, from 1; 0 for a groove in hand that is no file."""

    key: str = ""  # of the file
    number: int = 0


@dataclass(frozen=True, eq=False)
class Playing:
    """What was chosen on the map, and what is heard of it: all of it, or parts of it in the groove in hand.

    note: what a person should know of that.
    """

    spot: Spot
    groove: Groove
    parts: tuple[str, ...] = ()
    note: str = ""
    is_chosen: bool = True


# -- what is on it -------------------------------------------------------------


def own(used: InUse) -> list[Own]:
    """The windows of the groove in hand and of the session's files, for the map to show among its points.

    Those that are its points already are not shown twice.
    """
    spots: list[Own] = []
    held = hand.now()
    if held.key not in {*used.own, *(file.key for file in files.own())}:
        spots += _windows(held.original, held.name, held.key)
    for number, file in enumerate(files.own(), 1):
        if len(spots) > MAX_OWN:
            break
        if file.key in used.own:
            continue
        with suppress(MidiError):  # that has been said of the file in hand, and is when another is taken in hand
            spots += _windows(files.read(file)[0], file.name, file.key, number)
    if len(spots) > MAX_OWN:
        st.caption(f"{MAX_OWN} windows of your files are shown at once: the first ones.")
    return spots[:MAX_OWN]


def _windows(groove: Groove, name: str, key: str, number: int = 0) -> list[Own]:
    found = caches.windows_with_latents(replace(groove, title=name[:MAX_TITLE]), MAX_OWN + 1)
    return [Own(*window, key=key, number=number) for window in found]


def marks(latent_map: LatentMap, spots: Sequence[Spot], labels: Sequence[str]) -> list[map_view.Mark]:
    """Where grooves lie among the points."""
    if not spots:
        return []
    return [
        map_view.Mark(spot.name, there, label)
        for spot, there, label in zip(spots, _places(latent_map, spots), labels, strict=True)
    ]


def _places(latent_map: LatentMap, spots: Sequence[Spot]) -> list[dict[str, tuple[float, float]]]:
    """Of each, where it lies in each view, 0 to 1."""
    on_map, on_plane = caches.places(latent_map, np.stack([spot.latent for spot in spots]))
    around = map_view.frames(latent_map)
    views = ((map_view.MAP, on_map), (map_view.PLANE, on_plane))
    there = {view: around[view].inside(places).tolist() for view, places in views}
    return [{view: (x, y) for view in there for x, y in [there[view][k]]} for k in range(len(spots))]


def show(used: InUse, mine: Sequence[Own], playing: Playing) -> None:
    """The map itself, with uploads, corners and collected points on it."""
    latent_map, corners, held = used.latent_map, walk_corners(), hand.now()
    in_hand = next((i for i, spot in enumerate(mine) if spot.key == held.key and begins_on_one(spot.groove)), None)
    if in_hand is None:
        in_hand = next((i for i, spot in enumerate(mine) if spot.key == held.key), None)
    map_view.show(
        used.points,
        key=MAP,
        own=marks(latent_map, mine, [str(spot.number or "") for spot in mine]),
        corners=marks(latent_map, corners, LETTERS[: len(corners)]),
        tray=_cards(),
        here=_here(latent_map, mine, playing, in_hand),
        hand=in_hand,
        base=held.name,
        taken=parts(),
        takes=playing.is_chosen,
        note=playing.note,
        on_pick=partial(_picked, len(latent_map), mine),
        on_parts=_asks,
        on_take=partial(take, playing),
        on_collect=partial(_collected, latent_map),
    )


def _here(latent_map: LatentMap, mine: Sequence[Own], playing: Playing, in_hand: int | None) -> Here | None:
    spot = playing.spot
    if spot.index is not None:
        return Here("point", spot.index)
    for i, other in enumerate(mine):
        if other.latent is spot.latent:
            return Here("own", i)
    if not playing.is_chosen:
        return None if in_hand is None else Here("own", in_hand)
    return Here("place", places=_places(latent_map, [spot])[0])


def _cards() -> dict[str, int]:
    """Card of the tray -> the point that it is."""
    collected: dict[str, int] = st.session_state.get(COLLECTED, {})
    return {f"kept {i}": collected[key] for i, key in enumerate(tray.kept()) if key in collected}


def _picked(n_points: int, mine: Sequence[Spot]) -> None:
    picked = map_view.picked(MAP, n_points, len(mine))
    if picked is None:
        return
    if picked.kind == "point":
        hear(picked.index, is_heard=picked.is_heard)
    else:
        hear(mine[picked.index] if picked.kind == "own" else picked)


def _collected(latent_map: LatentMap) -> None:
    collected: dict[str, int] = st.session_state.setdefault(COLLECTED, {})
    for index in map_view.collected(MAP, len(latent_map)):
        groove = point(latent_map, index).groove
        collected[fingerprint(groove)] = index
        if not tray.holds(groove):
            tray.toggle(groove)


@st.fragment
def grooves() -> None:
    """What the map's browser needs to play points by itself. It asks for a part at a time, and this runs alone."""
    used = None
    with suppress(RhythmVAEError):  # which the map itself has said
        used = in_use()
    if used is None:
        return
    n_parts = -(-len(used.latent_map) // map_view.GROOVES_AT_ONCE)
    known = caches.grooves_known(used.latent_map, n_parts)
    part: int | None = st.session_state.get(_WANTED)
    if part is not None and part < n_parts and part not in known:
        known[part] = caches.grooves_file(used.latent_map, part)
    map_view.grooves(used.points, known, key=GROOVES, on_want=partial(_want, len(used.latent_map)))


def _want(n_points: int) -> None:
    st.session_state[_WANTED] = map_view.wanted(GROOVES, n_points)


# -- what it plays -------------------------------------------------------------


def hear(what: int | Spot | map_view.Picked, *, is_heard: bool = False) -> None:
    """A gesture chooses what plays, and wants to hear it, unless the browser plays it already."""
    st.session_state[NOW] = what
    if not is_heard:
        _asks()


def _asks() -> None:
    st.session_state[_GESTURES] = st.session_state.get(_GESTURES, 0) + 1
    st.session_state[ASKED] = True


def parts() -> tuple[str, ...]:
    """What goes from what is chosen into the groove in hand; none for the whole groove."""
    return map_view.parts(MAP)


def take(playing: Playing) -> None:
    """What is heard becomes the groove in hand: as another groove, or, where it is the one in hand with parts of
    another, as an edit of it, which the deck can undo."""
    if playing.parts:
        st.session_state[_GESTURES] = st.session_state.get(_GESTURES, 0) + 1
        st.session_state[_TAKEN] = True
    elif playing.is_chosen:
        variations.start_from(playing.groove)


def play(latent_map: LatentMap) -> Playing:
    """Hand what was chosen last to the deck, which plays it at once where a gesture has just asked to hear it.

    Returns:
        that, or the groove in hand where nothing was chosen yet.
    """
    asked, taken = (st.session_state.pop(key, False) for key in (ASKED, _TAKEN))
    chosen = _chosen(latent_map)
    if chosen is None:
        deck.result(None)
        spot = _in_hand() or _first(latent_map)
        return Playing(spot, spot.groove, is_chosen=False)
    playing = _with_parts(chosen)
    cue = f"gesture {st.session_state.get(_GESTURES, 0)}"
    deck.result(
        Lane("here", playing.groove.title, playing.groove, is_another=True),
        link=hand.link_to(playing.groove),
        hear=Hear(cue) if asked else None,
        take=cue if taken else None,
    )
    return playing


def _with_parts(chosen: Spot) -> Playing:
    taken, held = parts(), hand.now()
    if not taken:
        return Playing(chosen, chosen.groove)
    made = swapped(held.shown, chosen.groove, taken)
    title = f"{held.name} with the {_listed(taken)} of {chosen.name}"
    note = misfit(held.shown, chosen.groove, taken) or ""
    return Playing(chosen, replace(made, title=title[:MAX_TITLE]), taken, note)


def _listed(words: Sequence[str]) -> str:
    """
    >>> _listed(["hats"]), _listed(["kick", "hats", "feel"])
    ('hats', 'kick, hats and feel')
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _chosen(latent_map: LatentMap) -> Spot | None:
    match st.session_state.get(NOW):
        case int(index) if index < len(latent_map):
            return point(latent_map, index)
        case Spot() as spot:
            return spot
        case map_view.Picked() as picked:
            return _at(latent_map, picked)
        case str() if len(walk_corners()) > 1:
            return _walked(latent_map)
    return None


def begins_on_one(groove: Groove) -> bool:
    """Whether a drum is struck on its first beat, not merely just before it."""
    return bool((nearest_step(groove.position) == 0).any())


def _in_hand() -> Spot | None:
    """The first window of the groove in hand that begins on its first beat, or that has hits at least."""
    held = hand.now()
    found = _windows(held.shown, held.name, held.key)
    return next((spot for spot in found if begins_on_one(spot.groove)), found[0] if found else None)


def _first(latent_map: LatentMap) -> Spot:
    """A point that begins on its first beat, where what is in hand is silent."""
    tried = (point(latent_map, index) for index in range(min(len(latent_map), MAX_TRIED)))
    return next((spot for spot in tried if begins_on_one(spot.groove)), point(latent_map, 0))


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
    found: list[Spot] = st.session_state.setdefault(CORNERS, [])
    return found


def walk(here: Spot) -> None:
    """Two to four corners, and where between them one stands."""
    corners = walk_corners()
    with st.container(horizontal=True):
        if len(corners) < len(LETTERS):
            st.button(
                f"Make it corner {LETTERS[len(corners)]}", icon=":material/flag:", on_click=corners.append, args=(here,)
            )
        if corners:
            st.button("Forget the corners", on_click=_forget_corners, args=(here,))
    if not corners:
        st.caption("Make two to four grooves corners, and walk between them.")
        return
    st.markdown(
        "  \n".join(f"**{letter}** {literal(spot.name)}" for letter, spot in zip(LETTERS, corners, strict=False))
    )
    if len(corners) < 2:
        st.caption("Choose one more corner to walk to.")
        return
    st.slider("From A to B", 0, 100, 0, key="walk x", persist_state="session", format="%d%%", on_change=_walks)
    if len(corners) > 2:
        last = "D, and C" if len(corners) == 4 else "C"
        st.slider(f"Towards {last}", 0, 100, 0, key="walk y", persist_state="session", format="%d%%", on_change=_walks)


def _walks() -> None:
    st.session_state[NOW] = _WALK


def _forget_corners(here: Spot) -> None:
    """What plays goes on, though its walk is over."""
    st.session_state[NOW] = here
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
    words = ", ".join(f"{letter} {share:.0%}" for letter, share in zip(LETTERS, shares, strict=False) if share > 0.005)
    return Spot(replace(caches.decoded(latent, frame), title=f"Walk: {words}"), latent)
