"""Where a groove to take in hand comes from: patterns, the visitor's files, an empty one, one that the model invents.

One box on every page. Whatever is chosen in it plays in the deck at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from rhythmvae.data.examples import EXAMPLES
from rhythmvae.data.names import style_name
from rhythmvae.errors import CheckpointError, RhythmVAEError
from rhythmvae.groove import Groove, Meter, Tempo
from rhythmvae.ui.parts import packs
from rhythmvae.ui.parts.sentences import literal, upload_refused
from rhythmvae.ui.session import computing, files, hand, models, sounds
from rhythmvae.ui.workers import tasks

MAX_UPLOAD_MEGABYTES = 8
METERS = ((4, 4), (3, 4), (2, 4), (5, 4), (6, 8), (7, 8), (9, 8), (12, 8))
MAX_EMPTY_BARS = 8
SLOWEST_BPM, FASTEST_BPM, USUAL_BPM = 20.0, 400.0, 110.0
ANY_STYLE = "any"
N_LISTED = 30
N_SAID = 4  # problems of a drop in full
_N_BOXES, _N_SURPRISES, _BROWSED = "upload boxes so far", "surprises", "pattern to hear"
_SAID, _N_SAYINGS = "said above the page", "sayings so far"
STYLES = {"reggae": "reggae", "ballad": "ballad", "five": "jazz", "seven": "odd meter"}  # where a name says none


def get(record: Callable[[], None], n_takes: int) -> None:
    """The box, and a button that opens it.

    Args:
        record: draws a recorder in it. n_takes: how often that was used; a new take closes the box.
    """
    with st.popover("Get a groove", icon=":material/add:", key=f"get a groove {n_takes} {_n_sayings()}"):
        box("Your drums: MIDI, sounds, or a zip of them")
        _pattern()
        if own():
            _listed()
        record()
        with st.expander("An empty pattern", icon=":material/grid_on:"):
            _empty()
        with st.expander("Let the model invent one", icon=":material/auto_awesome:"):
            _invented()


def _n_sayings() -> int:
    """How often something new was said above the page: on a phone the box would cover it, so that closes the box."""
    said = [*files.problems(), hand.now().problem]
    if said != st.session_state.get(_SAID) and any(said):
        st.session_state[_N_SAYINGS] = st.session_state.get(_N_SAYINGS, 0) + 1
    st.session_state[_SAID] = said
    return int(st.session_state.get(_N_SAYINGS, 0))


def _pattern() -> None:
    """Everything there is to choose from; the choice is heard at once."""
    known = hand.titles()
    # A box of its own for each: a browser that has not seen the choice change, by a file or a button, sends the one
    # that it shows with its next click, and would change it back.
    key = _pattern_key()
    st.session_state[key] = hand.chosen()
    st.selectbox(
        "Pattern",
        list(known),
        key=key,
        format_func=lambda name: _described(name, known),
        on_change=_picked,
        args=(key,),
    )
    if hand.chosen() in EXAMPLES:
        st.caption(EXAMPLES[hand.chosen()].description)
    with st.container(horizontal=True):
        for label, by, icon in (("Hear the previous one", -1, "skip_previous"), ("Hear the next one", 1, "skip_next")):
            st.button(label, key=f"browse {by}", on_click=_browse, args=(by,), icon=f":material/{icon}:")


def _described(key: str, known: dict[str, str]) -> str:
    if (pattern := EXAMPLES.get(key)) is None:
        return known[key]
    style = f" ({STYLES[key]})" if key in STYLES else ""
    return f"{known[key]}{style}, {pattern.numerator}/{pattern.denominator}, {pattern.tempo_bpm:g} BPM"


def _pattern_key() -> str:
    return f"pattern box {hand.chosen()}"


def _picked(key: str) -> None:
    if key == _pattern_key():  # else a run that was given up still knows the box of the choice before
        hand.choose(st.session_state[key])


def _browse(by: int) -> None:
    """Another one in the order of the list, from its end on to its beginning; it is heard at once."""
    keys = list(hand.titles())
    key = keys[(keys.index(hand.chosen()) + by) % len(keys)]
    hand.choose(key)
    st.session_state[_BROWSED] = f"{key} {by}"


def browsed() -> str | None:
    """Changes when another groove is to be heard."""
    found: str | None = st.session_state.get(_BROWSED)
    return found


# -- files ---------------------------------------------------------------------


def box(label: str, name: str = "uploader") -> None:
    """Where files are dropped. They are the session's on every page, and the first that plays is taken in hand."""
    bare_box(
        label,
        name,
        "Standard MIDI files, sounds of drums alone (WAV, MP3, FLAC, OGG, AIFF, M4A; up to ten minutes), zips "
        "of them, and folders that are dropped whole. They stay in your session; MIDI also in this browser.",
    )
    upload_refused()
    packs.offers(name)


def bare_box(label: str, name: str, words: str | None = None) -> None:
    """The box alone. words: what it takes."""
    # A new box after every drop: what was in it stands in the list of files, and is not held twice.
    key = f"{name} {n_drops()}"
    st.file_uploader(
        label,
        accept_multiple_files=True,
        key=key,
        max_upload_size=MAX_UPLOAD_MEGABYTES,
        on_change=_take,
        args=(key,),
        help=words,
    )


def n_drops() -> int:
    """How many there were in this session."""
    return int(st.session_state.get(_N_BOXES, 0))


def _take(key: str) -> None:
    # A box that was open before this server was started shows files that the server has not.
    dropped = [file for file in st.session_state[key] if isinstance(file, UploadedFile)]
    found = [(file.name, file.getvalue()) for file in dropped]
    if others := [(name, data) for name, data in found if not sounds.is_sound(data)]:
        hand.take_files(others)
    for name, data in found:
        if sounds.is_sound(data):  # one that the browser could not decode
            _take_sound(name, data)
    st.session_state[_N_BOXES] = n_drops() + 1
    context = get_script_run_ctx()
    remove = getattr(context.uploaded_file_mgr, "remove_file", None) if context else None
    if context and remove:
        for file in dropped:
            remove(session_id=context.session_id, file_id=file.file_id)


def _take_sound(name: str, data: bytes) -> None:
    try:
        sounds.wait_for(sounds.decoded(name, data))
    except RhythmVAEError as error:
        files.say(str(error))


def own() -> list[files.File | sounds.Own]:
    """The visitor's files and sounds."""
    return [*files.own(), *sounds.own()]


def _remove(keys: Sequence[str]) -> None:
    files.remove(keys)
    sounds.remove(keys)


def problems(page: str) -> None:
    """What was wrong with the last drop or link, until it is closed or another page is opened."""
    if not (said := files.problems_on(page)):
        return
    more = f"\n\n… and {len(said) - N_SAID} more." if len(said) > N_SAID else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        text = "\n\n".join(map(literal, said[:N_SAID])) + more
        if files.all_came():
            st.info(text, icon=":material/info:", width="stretch")
        else:
            st.error(text, icon=":material/error:", width="stretch")
        st.button(
            "Close", key="close problems", on_click=files.forget_problems, type="tertiary", icon=":material/close:"
        )


def _listed() -> None:
    """The visitor's files, each to take in hand, to see on the map, to remove."""
    found = own()
    with st.expander(f"Your files ({len(found):,})", icon=":material/library_music:"):
        for file in found[:N_LISTED]:
            _row(file)
        if len(found) > N_LISTED:
            st.caption(f"The first {N_LISTED} of {len(found):,} are listed; all of them are used.")
        st.button(
            f"Remove all {len(found):,} files" if len(found) > 1 else "Remove it",
            on_click=_remove,
            args=([file.key for file in found],),
            icon=":material/delete:",
            key="remove all files",
            type="tertiary",
        )


def _row(file: files.File | sounds.Own) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        is_in_hand = file.key == hand.chosen()
        st.button(
            literal(file.name),
            key=f"open {file.key}",
            on_click=hand.choose,
            args=(file.key,),
            type="tertiary",
            width="stretch",
            icon=":material/volume_up:" if is_in_hand else ":material/play_arrow:",
            help="Open it in the deck",
        )
        if st.button("Map", key=f"map {file.key}", on_click=hand.choose, args=(file.key,), help="See it on the map"):
            st.switch_page("pages/map.py")
        st.button("Remove", key=f"remove {file.key}", on_click=_remove, args=([file.key],))


# -- new ones ------------------------------------------------------------------


def _empty() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        meter = st.selectbox(
            "Meter", METERS, key="empty meter", format_func=lambda meter: f"{meter[0]}/{meter[1]}", width=110
        )
        n_bars = st.number_input("Bars", 1, MAX_EMPTY_BARS, 2, key="empty bars", width=110)
        bpm = _tempo("empty tempo")
    st.button(
        "Start with an empty grid", on_click=_begin_empty, args=(meter, int(n_bars), bpm), icon=":material/grid_on:"
    )


def _tempo(key: str) -> float:
    return float(st.number_input("BPM", SLOWEST_BPM, FASTEST_BPM, USUAL_BPM, 1.0, key=key, format="%.0f", width=130))


def _begin_empty(meter: tuple[int, int], n_bars: int, bpm: float) -> None:
    hand.hold(empty(meter, n_bars, bpm))


def empty(meter: tuple[int, int], n_bars: int, bpm: float) -> Groove:
    """A groove without a hit."""
    beats = Meter(0.0, *meter)
    silent = Groove.silent(round(n_bars * beats.steps_per_bar), (Tempo(0.0, bpm),), (beats,))
    return replace(silent, title=f"Empty, {meter[0]}/{meter[1]}")


def _invented() -> None:
    """A sample from the prior."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        styles: Sequence[str] = ()
        with suppress(CheckpointError):  # the page says it
            styles = models.in_use().styles
        style = st.selectbox("Style", [ANY_STYLE, *styles], key="sample style", width=150, format_func=style_name)
        bpm = _tempo("sample tempo")
        n_bars = st.segmented_control("Bars", (2, 4, 8), default=4, key="sample bars", required=True)
        wildness = st.slider(
            "How wild",
            0,
            150,
            100,
            key="sample temperature",
            format="%d%%",
            help="0 % gives the most typical groove there is, 100 % grooves as varied as people "
            "play; above that they are wilder. "
            "(The temperature of the sample, in hundredths.)",
        )
    st.button(
        "Surprise me",
        type="primary",
        icon=":material/auto_awesome:",
        on_click=_surprise,
        args=(style, n_bars, bpm, wildness / 100),
    )


def _surprise(style: str, n_bars: int, bpm: float, temperature: float) -> None:
    seed = st.session_state[_N_SURPRISES] = st.session_state.get(_N_SURPRISES, 0) + 1
    try:
        groove = computing.computed_at_any_rate(
            tasks.sample,
            models.in_use(),
            n_bars=n_bars,
            seed=seed,
            temperature=temperature,
            tempo_bpm=bpm,
            style=None if style == ANY_STYLE else style,
        )
    except RhythmVAEError as error:
        files.say(str(error))
        return
    name = "Invented" if style == ANY_STYLE else f"Invented, {style_name(style)}"
    hand.hold(replace(groove, title=f"{name}, {seed}"))
