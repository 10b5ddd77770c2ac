"""The parts of the Library page: which library, what is looked for, results to play, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from rhythmvae.errors import RhythmVAEError
from rhythmvae.groove import Groove, Tempo
from rhythmvae.kit import GROUPS
from rhythmvae.library import drawn
from rhythmvae.library.answers import LIKE, WITH, About, Answer, Query
from rhythmvae.library.asking import ALL_VOICES, Filters, voices_named
from rhythmvae.library.duplicates import Group
from rhythmvae.library.search import Result
from rhythmvae.text import clean_text
from rhythmvae.ui.components import deck
from rhythmvae.ui.components.deck import Lane
from rhythmvae.ui.parts import collection, yours
from rhythmvae.ui.parts.grid import grid
from rhythmvae.ui.parts.sentences import counted, literal
from rhythmvae.ui.session import caches, files, hand, tray
from rhythmvae.ui.session import library as libraries
from rhythmvae.ui.session.computing import computed, computed_at_any_rate
from rhythmvae.ui.session.library import Choice
from rhythmvae.ui.session.opened import Opened
from rhythmvae.ui.shared import digest_of, kept
from rhythmvae.ui.workers import searching

N_RESULTS = (12, 24, 48)
MAX_DUPLICATES, MAX_NAMED = 200, 12  # lines of the report of duplicates, and files named in one
MAX_WORDS = 80  # characters of what is typed
MAX_PATH = 300  # characters of a path that are shown
POLL_SECONDS = 2.0
CARDS = "library cards"
_SOURCE, _PATH, _FROM, _WHAT, _PROBLEM = "library", "library path", "library like", "library what", "library problem"
_LAST = "library answer"  # (what it answers, Answer)
_TAKEN, _DUPLICATES = "library files taken", "library duplicates"
TRAIN, MAP = "pages/train.py", "pages/map.py"
AS_LIST, AS_MAP = "List", "Map"
STATE = (_FROM, _WHAT)
ACTIONS = {"use": "Open", "like": "More like it", "with": "Goes with it", "keep": "★ Keep"}
CARD_SAYS = (
    "A card says how far away a loop is (0 is the same), where it is in its file, whether it is turned within the bar, "
    "and how many other files play it."
)
HOW = {LIKE: "What is like it", WITH: "What goes with it"}


@dataclass(frozen=True, eq=False)
class Searched:
    """A library that can be searched, in a state, and the model that its latents are of, if the app has it."""

    folder: Path
    about: About
    model: Opened | None
    state: str = ""


@dataclass(frozen=True, eq=False)
class Asked:
    """What is looked for: a query, and the groove that it is about by name."""

    query: Query
    name: str


def shown_path(path: str) -> str:
    """A path to read: a file's name may be bytes that are no text."""
    return clean_text(path, MAX_PATH)


# -- which library ---------------------------------------------------------------


def source() -> Choice | None:
    """Where to search, and ways to get something to search in."""
    there = libraries.choices()
    if not there:
        st.info(
            "Drop a zip of your MIDI files, and search in it. "
            + ("Or open a folder of this computer." if libraries.is_own_computer() else ""),
            icon=":material/library_music:",
        )
        yours.box("Your drum MIDI, or a zip of it", "library uploader")
        path()
        return None
    names = {choice.key: choice for choice in there}
    if len(there) == 1:
        [only] = there
        st.caption(f"In: {literal(only.name)}")
        return only
    key = st.segmented_control(
        "In",
        list(names),
        default=there[0].key,
        key=f"{_SOURCE} {' '.join(names)}",
        format_func=lambda key: literal(names[key].name),
        required=True,
    )
    return names[key]


def path() -> None:
    """Another folder of this computer to search, where that may be."""
    if not libraries.is_own_computer():
        return
    with st.expander("Open a folder of this computer", icon=":material/folder_open:"):
        with st.form(key="folder to open", border=False):  # so that Enter opens it, too
            st.text_input(
                "Path of a folder",
                key=_PATH,
                placeholder=str(Path.home() / "Loops"),
                help="All MIDI below it and in its zips is read once; your files stay as they are. "
                "Or the folder of a library that `rhythmvae index` made.",
            )
            st.form_submit_button("Open", on_click=_open, icon=":material/folder_open:", key="open library folder")
        if (named := libraries.named_folder()) is not None:
            st.button("Look for new files", on_click=_again, args=(named,), icon=":material/refresh:")
        if problem := st.session_state.pop(_PROBLEM, None):
            st.error(literal(problem), icon=":material/error:")


def _open() -> None:
    try:
        libraries.open_folder(str(st.session_state.get(_PATH, "")))
    except RhythmVAEError as error:
        st.session_state[_PROBLEM] = str(error)


def _again(folder: Path) -> None:
    try:
        libraries.index_folder(folder)
    except RhythmVAEError as error:
        st.session_state[_PROBLEM] = str(error)


def opened(choice: Choice) -> Searched | None:
    """The library to search, or None while its first files are being read.

    Raises:
        LibraryError: there is none, or it cannot be opened.
    """
    if choice.key == "folder" and libraries.is_indexing(choice.folder):
        return None
    with st.spinner("Reading your files", show_time=True):
        folder = libraries.folder_of(choice)
        state = drawn.state_of(folder)
        about = _about(str(folder), state)
    return Searched(folder, about, libraries.model_of(about.checkpoint), state)


@kept(max_entries=32)
def _about(folder: str, state: str) -> About:
    """Of a library in a state: each word that is typed asks for it."""
    return computed(searching.about, None, Path(folder))


def waiting(choice: Choice) -> None:
    """How far the index of a folder is; the page goes on when it is done."""

    @st.fragment(run_every=POLL_SECONDS)
    def progress() -> None:
        if not libraries.is_indexing(choice.folder):
            st.rerun()
        done = libraries.n_indexed(choice.folder)
        st.info(f"Reading the folder: {counted(done, 'file')} so far.", icon=":material/hourglass_top:")

    progress()


# -- what is looked for ------------------------------------------------------------


def asked(searched: Searched) -> Asked:
    """Widgets for what is looked for, and what they say."""
    groove, name = _from()
    left, right = st.columns(2)  # on a wide screen the first results stand above the deck
    voices: list[str] = []
    with left:
        what = st.segmented_control(
            "Find",
            list(HOW),
            default=LIKE,
            key=_WHAT,
            format_func=HOW.__getitem__,
            required=True,
            persist_state="session",
        )
        if what == LIKE:
            played = [key for key in GROUPS if any(voice in groove.voice for voice in voices_named([key]))]
            voices = st.pills(
                "By these drums",
                played,
                selection_mode="multi",
                key="library voices",
                format_func=str.capitalize,
                help="Choose the kick and the snare, and results play these alike, whatever their hats do. "
                "None chosen means all.",
            )
    words = right.text_input(
        "Words in the path",
        key="library words",
        type="search",
        max_chars=MAX_WORDS,
        placeholder="fill 174bpm",
        live=True,
        help="Of the folder or the file. All of them must be there.",
    )
    with right.expander("Filters", icon=":material/filter_alt:"):
        filters = _filters(searched, tuple(words.split()) if words else ())
        as_it_is = not st.toggle(
            "Also begun elsewhere in the bar, and at half or double time", value=True, key="library turned"
        )
        n = st.segmented_control("Results", N_RESULTS, default=N_RESULTS[0], key="library n", required=True)
    chosen = voices_named(voices) if voices else ALL_VOICES
    feels = tuple(caches.description(groove, True)["feel"]) if what == WITH else ()
    return Asked(Query(groove, what, chosen, as_it_is, filters, feels, n), name)


def _from() -> tuple[Groove, str]:
    """The groove that is looked for: a result, where one was asked for by its card, else the one in hand."""
    given: Groove | None = st.session_state.get(_FROM)
    room = st.empty()  # always there: where what is below it moved to another place, a card that plays would stop
    if given is None:
        held = hand.now()
        return held.shown, held.name
    with room.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"From: {literal(given.title)}")
        st.button("Back to the groove in the deck", on_click=_forget_from, type="tertiary", icon=":material/undo:")
    return given, given.title


def _forget_from() -> None:
    st.session_state.pop(_FROM, None)


def _filters(searched: Searched, words: tuple[str, ...]) -> Filters:
    """Widgets for what a result must be, each name with its count at the last search."""
    about = searched.about
    counts: Mapping[str, Mapping[str, int]] = st.session_state.get(_counts_key(searched), about.counts)
    low, high = int(about.tempos[0]), int(about.tempos[1]) + 1
    tempo = st.slider("Tempo, BPM", low, high, (low, high), key=f"library tempo {low} {high}") if high > low else None
    thick = int(about.densities[1]) + 1
    density = st.slider(
        "Hits a quarter note", 0, thick, (0, thick), key=f"library density {thick}", help="How busy it is."
    )
    labels = (("meter", "Meter"), ("style", "Style"), ("feel", "Feel"), ("plays", "Beat or fill"))
    picked = {name: _names(label, name, counts.get(name, {})) for name, label in labels}
    folder = st.selectbox(
        "Folder", about.folders, index=None, key="library folder of", placeholder="Any", format_func=shown_path
    )
    return Filters(
        tempo=None if tempo is None or tempo == (low, high) else (float(tempo[0]), float(tempo[1])),
        density=None if density == (0, thick) else (float(density[0]), float(density[1])),
        meters=picked["meter"],
        styles=picked["style"],
        plays=picked["plays"],
        feels=picked["feel"],
        folder=folder,
        words=words,
    )


def _names(label: str, name: str, counts: Mapping[str, int]) -> tuple[str, ...]:
    key = f"library {name}"
    known = dict.fromkeys([*st.session_state.get(key, []), *counts])  # what is chosen stays, whatever the others leave
    options = [each for each in known if each]
    chosen: list[str] = st.multiselect(
        label, options, key=key, format_func=lambda each: f"{each} ({counts.get(each, 0):,})", placeholder="Any"
    )
    return tuple(chosen)


def _counts_key(searched: Searched) -> str:
    return f"library counts {searched.folder}"


def found(searched: Searched, wanted: Asked) -> Answer:
    """The answer of the library."""
    answer = _answer(searched, wanted.query)
    key = _counts_key(searched)
    if st.session_state.get(key, searched.about.counts) != answer.counts:
        st.session_state[key] = answer.counts
        context = get_script_run_ctx()
        is_part = context is not None and bool(context.fragment_ids_this_run)
        st.rerun(scope="fragment" if is_part else "app")  # the filters, which have stood above already, say counts
    if searched.model is None:
        st.caption(
            "The model of this library is not in the app: loops are compared by which drums play where, and not by how "
            "they are played."
        )
    n = counted(answer.n_contents, "loop")
    is_all = answer.n_passing == answer.n_contents
    st.caption(f"{n} in all." if is_all else f"{answer.n_passing:,} of {n} pass the filters.", help=CARD_SAYS)
    return answer


def _answer(searched: Searched, query: Query) -> Answer:
    """The answer to a query. The last one is remembered: the filters above are drawn once more with its counts."""
    contents = "" if searched.model is None else searched.model.contents
    key = digest_of((str(searched.folder), searched.state, contents, digest_of(query)))
    last: tuple[object, Answer] | None = st.session_state.get(_LAST)
    if last is not None and last[0] == key:
        return last[1]
    answer = computed(searching.answer, searched.model, searched.folder, query)
    if not any(isinstance(groove, str) for groove in answer.grooves):  # else it is looked for again
        st.session_state[_LAST] = key, answer
    return answer


# -- results -----------------------------------------------------------------------


def is_map_wanted() -> bool:
    """Whether the library is shown as a map too."""
    view = st.segmented_control(
        "Show",
        (AS_LIST, AS_MAP),
        default=AS_LIST,
        key="library view",
        required=True,
        persist_state="session",
        label_visibility="collapsed",
    )
    return view == AS_MAP


def results(answer: Answer) -> None:
    """Each result as a card that the deck plays, in the tempo of the groove in hand."""
    readable = _readable(answer)
    if not answer.results:
        st.info("Nothing passes these filters. Take one away, or other words.", icon=":material/search_off:")
    for groove in answer.grooves:
        if isinstance(groove, str):
            st.warning(literal(groove), icon=":material/link_off:")
    deck.cards(
        [lane_of(result, groove) for result, groove in readable],
        key=CARDS,
        actions=ACTIONS,
        on_act=partial(act, CARDS, readable),
    )


def lane_of(result: Result, groove: Groove, words: str | None = None) -> Lane:
    """A result as a card shows it, in the tempo of the groove in hand. words: the line under it, if not `note`."""
    return Lane(
        _lane_id(result),
        groove.title,
        replace(groove, tempos=(Tempo(0.0, hand.now().shown.tempos[0].bpm),)),
        first_bar=result.bars[0],
        is_another=True,
        note=note(result) if words is None else words,
        pressed=("keep",) if tray.holds(groove) else (),
    )


def _lane_id(result: Result) -> str:
    return f"found {result.content} {result.bars[0]}"


def _readable(answer: Answer) -> list[tuple[Result, Groove]]:
    rows = zip(answer.results, answer.grooves, strict=True)
    return [(result, groove) for result, groove in rows if not isinstance(groove, str)]


def note(result: Result) -> str:
    """What a card says of a result, in a line that a narrow one has room for: how near, how fast, where in its file."""
    first, last = result.bars
    parts = ["the same" if result.distance == 0 else f"{result.distance:.2f} away", f"{result.tempo:.0f} BPM"]
    if result.n_bars > last - first + 1:
        parts.append(f"bars {first}-{last}" if last > first else f"bar {first}")
    if result.turned:
        parts.append("turned")
    elif result.rate != 1.0:
        parts.append({0.5: "half time", 2.0: "double time"}[result.rate])
    if result.duplicates:
        parts.append(f"+{len(result.duplicates)}")
    return ", ".join(parts)


def act(key: str, readable: list[tuple[Result, Groove]]) -> None:
    """Do what a card's button says. key: of the cards."""
    if (asked_for := deck.act_of(key)) is None:
        return
    lane, what = asked_for
    for result, groove in readable:
        if lane == _lane_id(result):
            if what == "use":
                hand.hold(groove)
            elif what == "keep":
                tray.toggle(groove)
            elif what in (LIKE, WITH):
                st.session_state[_FROM], st.session_state[_WHAT] = groove, what


def take_home(answer: Answer) -> None:
    """All results as a zip of MIDI files."""
    readable = _readable(answer)
    if readable:
        grooves = {str(i): groove for i, (_, groove) in enumerate(readable)}
        st.download_button(
            "Take these home, zip",
            partial(tray.zipped, grooves),
            "found.zip",
            "application/zip",
            on_click="ignore",
            icon=":material/download:",
        )


def table(answer: Answer) -> None:
    """What `describe` says of the results' files, as a table."""
    if not answer.results:
        return
    with st.expander("Describe them as a table", icon=":material/table:"):
        rows = [
            {
                **collection.row_of(shown_path(result.path), said),
                "Distance": result.distance,
                "Same as": ", ".join(map(shown_path, result.duplicates)),
            }
            for result, said in zip(answer.results, answer.said, strict=True)
        ]
        st.dataframe(grid(rows), hide_index=True, key="library table", alt="What each result is")
        st.download_button(
            "The table, CSV",
            partial(collection.csv_of, rows),
            "found.csv",
            "text/csv",
            on_click="ignore",
            icon=":material/download:",
            key="library table csv",
        )


# -- all that pass -------------------------------------------------------------------


def all_of(searched: Searched, wanted: Asked, answer: Answer) -> None:
    """Take all loops that pass the filters to train on, or to draw a map of."""
    n = min(answer.n_passing, files.MAX_FILES)
    if not n:
        return
    with st.expander("All that pass the filters", icon=":material/select_all:"):
        st.markdown(
            f"Up to {files.MAX_FILES} loops are put among your files, each loop once, beside the files that are there."
        )
        with st.container(horizontal=True):
            for label, page, icon in (("Train on these", TRAIN, "model_training"), ("Put them on a map", MAP, "map")):
                if st.button(label, icon=f":material/{icon}:", key=f"library to {page}"):
                    most = files.MAX_FILES, files.MAX_BYTES
                    filters = wanted.query.filters
                    taken = computed_at_any_rate(searching.files, None, searched.folder, filters, *most)
                    take_files(*taken, page)


def take_files(taken: list[tuple[str, bytes]], n_left_out: int, page: str) -> None:
    """Put files of the library among the visitor's, and go to the page that uses them."""
    files.take(taken)
    if n_left_out:
        left_out = counted(n_left_out, "loop")
        files.say(f"{left_out} of the library left out: more than fit, or files that cannot be read any more.")
    st.switch_page(page)


# -- duplicates ----------------------------------------------------------------------


def _pair(group: Group) -> str:
    """A line of Markdown: what of a group stays, and what could go."""
    names = ", ".join(literal(shown_path(path)) for path in group.could_go[:MAX_NAMED])
    more = f" and {len(group.could_go) - MAX_NAMED:,} more" if len(group.could_go) > MAX_NAMED else ""
    nearly = " (nearly the same)" if group.kind == "near" else ""
    return f"- Keep **{literal(shown_path(group.keep))}**, {names}{more} could go{nearly}"


def twice(searched: Searched) -> None:
    """What is there twice; nothing is deleted."""
    with st.expander("What is there twice?", icon=":material/content_copy:"):
        st.markdown(
            "Files that play the same hits, and those that differ in one or two. Keep one of each; the others could "
            "go. This page deletes nothing."
        )
        key = f"{_DUPLICATES} {searched.folder}"
        if st.button("Look for duplicates", icon=":material/content_copy:", key="look for duplicates"):
            st.session_state[key] = computed_at_any_rate(searching.duplicates, None, searched.folder)
        if (groups := st.session_state.get(key)) is None:
            return
        rows = [
            [{"exact": "the same", "near": "nearly"}[group.kind], shown_path(group.keep), shown_path(path)]
            for group in groups
            for path in group.could_go
        ]
        if not rows:
            st.success("No loop is there twice.", icon=":material/check:")
            return
        n_exact = sum(len(group.could_go) for group in groups if group.kind == "exact")
        n_near = len(rows) - n_exact
        st.markdown(
            f"{counted(n_exact, 'file')} could go that another file plays too, and {n_near:,} that one nearly plays."
        )
        st.markdown("\n".join(map(_pair, groups[:MAX_DUPLICATES])))  # a table of paths is wider than a phone
        columns = ("Plays", "Keep", "Could go")
        st.download_button(
            "All of them, CSV",
            partial(collection.csv_of, [dict(zip(columns, row, strict=True)) for row in rows]),
            "duplicates.csv",
            "text/csv",
            on_click="ignore",
            icon=":material/download:",
        )
