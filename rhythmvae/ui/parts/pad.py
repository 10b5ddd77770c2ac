"""The pad of the Variations page: which grooves are its corners, and what the deck plays of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rhythmvae.groove import Groove
from rhythmvae.ui.components import onefile, pad
from rhythmvae.ui.components.pad import Resting
from rhythmvae.ui.parts import sentences
from rhythmvae.ui.session import caches, edits, hand, tray
from rhythmvae.ui.shared import fingerprint

KEY = "pad"
SIDE, MAX_BARS = 9, 4  # of the lattice, and of a corner
CORNERS = ("funk", "bossa", "half_time", "shuffle")
NAMES = ("Upper left", "Upper right", "Lower left", "Lower right")
IN_HAND = "in hand"
FOLDS = ("fold of corners", "fold of the pad to take home")  # built when they are opened
_RESTS, _MARK = "pad rests at", "what stood beside the pad"


def place(slot: DeltaGenerator, on_take: Callable[[Groove], None]) -> None:
    """Draw the pad in a slot, and here what chooses its corners.

    Args:
        on_take: called with what the pad plays, where a visitor wants it for the groove in hand.
    """
    options = _options()
    keys = list(options)
    fold = st.expander("Corners", icon=":material/crop_free:", key=FOLDS[0], on_change="rerun")
    if fold.open:
        with fold:
            st.caption("What is in hand, your files, what you kept and found on the map, and the presets.")
            for i, (name, start) in enumerate(zip(NAMES, CORNERS, strict=True)):
                if st.session_state.setdefault(f"corner {i}", start) not in options:  # a file that was removed
                    st.session_state[f"corner {i}"] = start
                st.selectbox(name, keys, key=f"corner {i}", persist_state="session", format_func=options.__getitem__)
    chosen = [key if key in options else start for key, start in zip(_chosen(), CORNERS, strict=True)]
    with slot, sentences.errors_shown():
        corners = _corners(chosen)
        n_bars = caches.lattice(corners)[0].n_bars
        lattice = caches.lattice_file(corners)
        pad.show(
            lattice,
            key=KEY,
            corners=[options[key] for key in chosen],
            side=SIDE,
            rests=rests(),
            is_kept=tray.holds(found) if (found := groove()) is not None else False,
            on_rest=partial(_take, n_bars),
            on_act=partial(_act, on_take),
        )
        _take_home(lattice)


def _take_home(lattice: bytes) -> None:
    """The pad as a page in one file, with no word in it but the title that is typed here.

    Its grooves are those that the pad has: when the button is pressed, nobody knows which model is in use.
    """
    fold = st.expander("Take the pad home", icon=":material/download:", key=FOLDS[1], on_change="rerun")
    if not fold.open:
        return
    with fold:
        st.caption("One HTML file with the grooves, the grid and the sound: it plays on any phone, without a network.")
        title = st.text_input(
            "Title",
            key="title of the page",
            persist_state="session",
            max_chars=onefile.MAX_TITLE,
            placeholder=onefile.TITLE,
        )
        st.download_button(
            "A page in one file",
            partial(onefile.page, lattice, side=SIDE, title=title),
            "pad.html",
            "text/html",
            on_click="ignore",
            key="page in one file",
        )


def rests() -> Resting | None:
    """Where a finger left the pad, if that is what plays."""
    found: Resting | None = st.session_state.get(_RESTS)
    return found


def give_way(mark: str) -> None:
    """The pad plays no more once what stands beside it, by its mark, is another."""
    if st.session_state.setdefault(_MARK, mark) != mark:
        st.session_state[_MARK] = mark
        st.session_state.pop(_RESTS, None)


def groove() -> Groove | None:
    """What the pad plays; None where a finger has not left it at a place that plays."""
    found = rests()
    if found is None:
        return None
    keys, options = _chosen(), _options()
    if any(key not in options for key in keys):
        return None
    made = found.groove(caches.lattice(_corners(keys)))
    return replace(made, title="A path" if found.is_path else f"Between {options[keys[0]]} and {options[keys[3]]}"[:80])


def _take(n_bars: int) -> None:
    if (found := pad.resting(KEY, SIDE, n_bars)) is not None:
        st.session_state[_RESTS] = found


def _act(on_take: Callable[[Groove], None]) -> None:
    what, found = pad.act(KEY), groove()
    if found is not None and what == "take":
        on_take(found)
    elif found is not None and what == "keep":
        tray.toggle(found)


def _chosen() -> list[str]:
    """Keys of the corners, which may be of what is no more."""
    return [st.session_state.get(f"corner {i}") or start for i, start in enumerate(CORNERS)]


def _options() -> dict[str, str]:
    """What can be a corner: key -> name."""
    kept = {f"kept {key}": found.title or "Kept" for key, found in tray.kept().items()}
    return {IN_HAND: "The groove in hand", **kept, **hand.titles()}


def _corners(keys: Sequence[str]) -> tuple[Groove, Groove, Groove, Groove]:
    a, b, c, d = map(_corner, keys)
    return a, b, c, d


def _corner(key: str) -> Groove:
    if key == IN_HAND:
        found = hand.now().shown
    elif (kept := tray.kept().get(key.removeprefix("kept "))) is not None:
        found = kept
    else:
        found = edits.edited(hand.load(key))
    return found.bars(1, min(found.n_bars, MAX_BARS))


def mark(start: Groove, settings: caches.Settings) -> str:
    """For `give_way`: what is in hand and what is asked of it."""
    return f"{fingerprint(start)} {settings!r}"
