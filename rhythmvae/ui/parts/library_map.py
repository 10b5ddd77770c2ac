"""The map of the library: where all of it lies on the model's map, what passes the filters, and what was tapped."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import streamlit as st

from rhythmvae.errors import RhythmVAEError
from rhythmvae.groove import BoolArray, Groove
from rhythmvae.library import answers, drawn
from rhythmvae.library.answers import Answer
from rhythmvae.library.drawn import Drawn, Place
from rhythmvae.library.search import Result
from rhythmvae.outputs import file_stem, unique_files, zip_of
from rhythmvae.ui.components import deck
from rhythmvae.ui.components import library_map as view
from rhythmvae.ui.components.deck import Hear
from rhythmvae.ui.parts import library
from rhythmvae.ui.parts.library import Asked, Searched
from rhythmvae.ui.parts.sentences import counted, errors_shown, literal
from rhythmvae.ui.session import files, hand, tray
from rhythmvae.ui.session.computing import computed, computed_at_any_rate
from rhythmvae.ui.session.opened import Opened
from rhythmvae.ui.shared import kept
from rhythmvae.ui.workers import searching

MAP, CARD = "library map", "library map card"
AS_MODEL, OWN = "As on the Map page", "Of this library"
MAX_CHOSEN = 5_000  # loops of a selection that a session remembers
# A tapped window as (folder, Place); contents that a box or lasso took in as (folder, numbers). With every tap a
# count goes up; _ASKED stands until the deck has been told. _ANEW: a card has asked for another search.
_HERE, _CHOSEN = "library map here", "library map chosen"
_TAPS, _ASKED, _ANEW = "library map taps", "library map asked", "library map anew"
AHEAD, AHEAD_SECONDS = "library map ahead", 0.3  # of a worker, for one question of a browser
_WANTED, _ANSWER = "library map wanted", "library map answer"  # Want; (folder, serial, file)


@dataclass(frozen=True, eq=False)
class _OnMap:
    """A map, and the files a browser draws it by."""

    drawn: Drawn
    points: bytes
    names: bytes


def show(searched: Searched, wanted: Asked, answer: Answer) -> None:
    """The map, with what passes the filters and the results on it, and below it what was tapped or chosen.

    A tap runs this part alone. A library whose model is not here, or has no map, has a map of its own.
    """
    on_map = _on_map(searched.folder, _ground(searched))
    if not len(on_map.drawn):
        return
    if on_map.drawn.n_windows > len(on_map.drawn):
        st.caption(
            f"The library has {on_map.drawn.n_windows:,} windows of two bars, and the map has room for "
            f"{len(on_map.drawn):,}: the first of every loop, then others by chance."
        )
    _stage(searched.folder, on_map, _passing(searched, wanted, answer, on_map.drawn), _indices(on_map.drawn, answer))
    _ahead(searched.folder, on_map)


def _ground(searched: Searched) -> Opened | None:
    """The model whose map the library is shown on; None for a map of its own."""
    model = searched.model
    if model is None or model.latent_map is None:
        return None
    places = st.segmented_control(
        "Places",
        (AS_MODEL, OWN),
        default=AS_MODEL,
        key="library map places",
        required=True,
        persist_state="session",
        help="The same places as on the Map page, among what the model learned from; or places that are "
        "made for the loops of this library alone, which takes some seconds the first time.",
    )
    return None if places == OWN else model


def _on_map(folder: Path, model: Opened | None) -> _OnMap:
    """The map of a library in its state; the first time its windows are placed, which is said as it goes on."""
    began = time.monotonic()
    bar = st.empty()

    def told(done: int, of: int) -> None:
        if done:
            left = (time.monotonic() - began) / done * (of - done)
            bar.progress(done / of, f"Drawing the map, {_seconds(left)} left. The list can be used meanwhile.")

    try:
        return _kept(str(folder), drawn.state_of(folder), "" if model is None else model.contents, model, told)
    finally:
        bar.empty()


@kept(max_entries=3)
def _kept(folder: str, state: str, contents: str, _model: Opened | None, _told: Callable[[int, int], None]) -> _OnMap:
    found = computed(searching.draw, _model, Path(folder), on_progress=_told)
    return _OnMap(found, view.packed(found), found.names.encode())


def _seconds(seconds: float) -> str:
    return counted(max(round(seconds), 1), "second")


def _passing(searched: Searched, wanted: Asked, answer: Answer, of: Drawn) -> BoolArray | None:
    """(P,) which points pass the filters; None for all."""
    if answer.n_passing == answer.n_contents:
        return None
    state, passes = computed(searching.passing, None, searched.folder, wanted.query.filters)
    return passes[of.row] if state == of.state else None


def _indices(of: Drawn, answer: Answer) -> list[int]:
    """Points of the results."""
    found = [of.index_of(result.content, result.bars[0]) for result in answer.results]
    return list(dict.fromkeys(i for i in found if i is not None))


@st.fragment
def _stage(folder: Path, on_map: _OnMap, passing: BoolArray | None, results: Sequence[int]) -> None:
    if st.session_state.pop(_ANEW, False):
        st.rerun()
    hand.keep_up()
    here = _here(folder)
    room = st.container()
    _card(folder, here)  # before the map, for it is waited for, and below it, so that nothing moves under a finger
    with room:
        view.show(
            on_map.points,
            on_map.names,
            key=MAP,
            passing=passing,
            results=results,
            here=None if here is None else on_map.drawn.index_of(*here[:2]),
            bpm=hand.now().shown.tempos[0].bpm,
            on_pick=partial(_picked, folder, on_map.drawn),
            on_select=partial(_selected, folder, on_map.drawn),
        )
    _chosen(folder)


@st.fragment
def _ahead(folder: Path, on_map: _OnMap) -> None:
    """Grooves of points in view, which a browser asks for while nothing is tapped; this runs alone."""
    wanted: view.Want | None = st.session_state.pop(_WANTED, None)
    if wanted is not None:
        of = on_map.drawn
        with suppress(RhythmVAEError):  # a tap says what is wrong
            places = [of.place_of(i) for i in wanted.points]
            found = computed(searching.ahead, None, folder, places, AHEAD_SECONDS)
            read = dict(zip(wanted.points, found, strict=False))
            there = {i: one for i, one in read.items() if one is not None and deck.fits(one[1])}
            file = view.grooves_file(there, [i for i in read if i not in there])
            st.session_state[_ANSWER] = folder, wanted.serial, file
    answer: tuple[Path, int, bytes] | None = st.session_state.get(_ANSWER)
    serial, file_of = (0, None) if answer is None or answer[0] != folder else answer[1:]
    view.ahead(
        on_map.points,
        key=AHEAD,
        of=MAP,
        serial=serial,
        grooves=file_of,
        on_want=partial(_wants, len(on_map.drawn)),
    )


def _wants(n_points: int) -> None:
    st.session_state[_WANTED] = view.wanted(AHEAD, n_points)


# -- what was tapped ---------------------------------------------------------------


def _picked(folder: Path, of: Drawn) -> None:
    if (index := view.picked(MAP, len(of))) is not None:
        st.session_state[_HERE] = folder, of.place_of(index)
        st.session_state[_TAPS] = st.session_state.get(_TAPS, 0) + 1
        st.session_state[_ASKED] = True


def _here(folder: Path) -> Place | None:
    found: tuple[Path, Place] | None = st.session_state.get(_HERE)
    return found[1] if found is not None and found[0] == folder else None


def _card(folder: Path, here: Place | None) -> None:
    """What was tapped, which the deck plays at once in the tempo of what is playing."""
    asked = st.session_state.pop(_ASKED, False)
    if here is None:
        st.caption("Tap a dot to hear it. Zoom in for names; a box or a lasso chooses many.")
        return
    found = computed(searching.at, None, folder, [here])
    readable = [(result, groove) for result, groove in found if not isinstance(groove, str)]
    for _, groove in found:
        if isinstance(groove, str):
            st.warning(literal(groove), icon=":material/link_off:")
    if not found:
        st.warning(
            "This loop is not in the library any more. Reload the page for a new map.", icon=":material/link_off:"
        )
    cue = f"library map {st.session_state.get(_TAPS, 0)}"
    deck.cards(
        [library.lane_of(result, groove, _words(result)) for result, groove in readable],
        key=CARD,
        actions=library.ACTIONS,
        on_act=partial(_act, readable),
        hear=Hear(cue, starts=not view.is_heard(MAP)) if asked and readable else None,
    )
    for result, _ in found:
        st.caption(literal(library.shown_path(result.path)))


def _words(result: Result) -> str:
    """What the card of a tapped loop says: how fast it is, and which bars of a long file play."""
    first, last = result.bars
    part = [f"bars {first}-{last}"] if result.n_bars > last - first + 1 else []
    return ", ".join([f"{result.tempo:.0f} BPM", *part])


def _act(readable: list[tuple[Result, Groove]]) -> None:
    library.act(CARD, readable)
    if (asked := deck.act_of(CARD)) is not None and asked[1] in library.HOW:
        st.session_state[_ANEW] = True


# -- what was chosen ---------------------------------------------------------------


def _selected(folder: Path, of: Drawn) -> None:
    indices = view.selected(MAP, len(of))
    if len(indices):
        first = dict(zip(of.content[indices[::-1]].tolist(), indices[::-1].tolist(), strict=True))  # of each content
        places = [of.place_of(i) for i in sorted(first.values())[:MAX_CHOSEN]]
        st.session_state[_CHOSEN] = folder, places


def _forget() -> None:
    st.session_state.pop(_CHOSEN, None)


def _chosen(folder: Path) -> None:
    """What to do with the loops that a box or lasso took in."""
    found: tuple[Path, list[Place]] | None = st.session_state.get(_CHOSEN)
    if found is None or found[0] != folder:
        return
    places = found[1]
    contents = [place[0] for place in places]
    n_files = min(len(places), files.MAX_FILES)
    st.markdown(f"**{counted(len(places), 'loop')} chosen**")
    if len(places) > files.MAX_FILES:
        st.caption(f"At most {files.MAX_FILES} of them are taken at once.")
    with st.container(horizontal=True):
        n_kept = min(len(places), tray.MAX_KEPT)
        st.button(
            "Keep" if n_kept == len(places) else f"Keep {n_kept} of them",
            icon=":material/star:",
            key="library map keep",
            on_click=_keep,
            args=(folder, places),
        )
        st.download_button(
            "Take these home, zip",
            partial(_zipped, folder, contents),
            "chosen.zip",
            "application/zip",
            on_click="ignore",
            icon=":material/download:",
            key="library map zip",
        )
        for label, page, icon in (
            ("Train on these", library.TRAIN, "model_training"),
            ("Put them on a map", library.MAP, "map"),
        ):
            if st.button(label, icon=f":material/{icon}:", key=f"library map to {page}", help=_help(n_files)):
                with errors_shown():
                    most = files.MAX_FILES, files.MAX_BYTES
                    library.take_files(*computed_at_any_rate(searching.files_of, None, folder, contents, *most), page)
        st.button("Forget the choice", on_click=_forget, type="tertiary", icon=":material/close:")


def _help(n: int) -> str:
    return f"{counted(n, 'loop')} are put among your files, beside the files that are there."


def _keep(folder: Path, places: list[Place]) -> None:
    """Put as many as fit into the tray, spread over all of them."""
    n = min(len(places), tray.MAX_KEPT)
    some = [places[i * len(places) // n] for i in range(n)]
    try:
        found = computed_at_any_rate(searching.at, None, folder, some)
    except RhythmVAEError as error:
        files.say(str(error))
        return
    for _, groove in found:
        if not isinstance(groove, str) and not tray.holds(groove):
            tray.toggle(groove)


def _zipped(folder: Path, contents: Sequence[int]) -> bytes:
    """The files as they are, each loop once. Nothing of a session is asked: Streamlit calls this outside of one."""
    found, _ = answers.files_of(folder, contents, files.MAX_FILES, files.MAX_BYTES)
    names = unique_files()
    return zip_of((names.add(file_stem(Path(path).stem), ".mid"), data) for path, data in found)
