"""The groove in hand: one for all pages, chosen in one place, known before any page is drawn and without torch.

It is one of the built-in patterns, a file (`files`), a sound (`sounds`), a groove that a page made or found (`hold`),
or one out of a link. With it come its edits (`edits`) and the bars of it that are shown and played.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from rhythmvae import share
from rhythmvae.data.examples import EXAMPLES, example
from rhythmvae.errors import AudioError, MidiError, ShareError
from rhythmvae.groove import Groove
from rhythmvae.outputs import UniqueNames
from rhythmvae.ui.session import address, edits, files, models, sounds, tray
from rhythmvae.ui.shared import fingerprint

MAX_BARS = 16  # shown at once
BARS_AT_FIRST = 8
MAX_HELD = 32
LINK_QUERY, MARK_QUERY = "g", "k"
LINKED = "linked groove"  # its key among the grooves, and of the link in the session
MAX_WRITTEN = 500
_CHOICE, _HELD, _FRESH = "pattern", "held grooves", "fresh link"
_PLAYED, _TOLD = "pattern played last", "groove in hand that the deck knows"
_WRITTEN, _ADDRESS, _OPENED = "links of our own", "link in the address", "link that was opened last"
_TAPS = "taps"
STATE = (_CHOICE, _HELD, LINKED, _PLAYED, _TAPS)  # what a visitor has of this in a session


@dataclass(frozen=True, eq=False)
class Hand:
    """The groove in hand, and bars `first` to `last` of it, which are shown and played.

    Args:
        key: the same as long as it is this groove, whatever is edited.
        read: as it was read or made.
        problem: why it is not the one that was chosen.
    """

    key: str
    name: str
    read: Groove
    first: int
    last: int
    problem: str | None = None

    @property
    def original(self) -> Groove:
        """The whole groove with its edits."""
        return edits.edited(self.read)

    @property
    def shown(self) -> Groove:
        return self.original.bars(self.first, self.last)

    @property
    def view(self) -> edits.View:
        return edits.View(self.read, self.first, self.last)

    @property
    def part(self) -> str:
        """The bars in words."""
        return f"bars {self.first} to {self.last}" if self.last > self.first else f"bar {self.first}"

    @property
    def is_whole(self) -> bool:
        return (self.first, self.last) == (1, self.read.n_bars)


def now() -> Hand:
    """What is in hand. Where a file that was chosen cannot be read, what was in hand before stays."""
    key = chosen()
    try:
        hand = _hand(key)
    except (MidiError, AudioError) as error:
        before = st.session_state.get(_PLAYED)
        try:
            return _hand(before if before in titles() else _first_built_in(), str(error))
        except (MidiError, AudioError):  # what was in hand before is read in another way now
            return _hand(_first_built_in(), str(error))
    st.session_state[_PLAYED] = key
    return hand


def _hand(key: str, problem: str | None = None) -> Hand:
    groove = load(key)
    return Hand(key, titles()[key], groove, *bars(key, groove), problem)


def _first_built_in() -> str:
    return next(iter(EXAMPLES))


def load(key: str) -> Groove:
    """A groove as it was read or made.

    Raises:
        MidiError: a file that cannot be read. AudioError: a sound that gives no groove.
    """
    if (file := files.of(key)) is not None:
        return files.read(file)[0]
    if (sound := sounds.of(key)) is not None:
        return sounds.read(sound).groove
    if key in held():
        return held()[key]
    if key == LINKED and (groove := _linked()) is not None:
        return groove
    return example(key)


# -- which ---------------------------------------------------------------------


def titles() -> dict[str, str]:
    """Everything one can start from: key -> name, no two the same. The session's own comes first."""
    own = {file.key: file.name for file in files.own()} | {sound.key: sound.name for sound in sounds.own()}
    if (linked := _linked()) is not None:
        own[LINKED] = f"From a link: {linked.title or 'a groove'}"
    built_in = {key: pattern.title for key, pattern in EXAMPLES.items()}
    made = {key: groove.title or "Groove" for key, groove in held().items()}
    # A browser identifies patterns by their names alone. Later ones get a count, so that no name ever changes.
    unique = UniqueNames()
    names = {key: unique.add(title) for key, title in (built_in | own | made).items()}
    return {key: names[key] for key in (*own, *reversed(made), *built_in)}


def chosen() -> str:
    """Key of what was chosen last, if it is still there."""
    key = st.session_state.get(_CHOICE)
    return key if key in titles() else _first_built_in()


def choose(key: str) -> None:
    """Take a groove in hand, if it is still there."""
    if key in titles():
        st.session_state[_CHOICE] = key


def take_files(dropped: Iterable[tuple[str, bytes]]) -> None:
    """Add files that were dropped, and take the first of them that plays in hand."""
    if keys := files.take(dropped):
        choose(keys[0])


def held() -> dict[str, Groove]:
    """What pages made or found, by key, the latest last."""
    found: dict[str, Groove] = st.session_state.setdefault(_HELD, {})
    return found


def hold(groove: Groove, span: tuple[int, int] | None = None) -> None:
    """Put a groove among those to start from and choose it: what a page made or found, for all pages to use.

    Args:
        span: bars to show, from 1; None for its first ones.
    """
    found = held()
    key = f"held {fingerprint(groove)}"
    found.pop(key, None)
    found[key] = groove
    while len(found) > MAX_HELD:
        found.pop(next(iter(found)))
    st.session_state[_CHOICE] = key
    _show_all_bars(key, groove)
    if span is not None and groove.n_bars > 1:
        st.session_state[bars_key(key, groove)] = span  # clamped where it is used


def tapped() -> Groove | None:
    """The rhythm that was tapped last."""
    found: Groove | None = st.session_state.get(_TAPS)
    return found


def take_taps(taps: Groove) -> None:
    """A rhythm was tapped, or came back from a browser."""
    st.session_state[_TAPS] = taps


def give_back(
    grooves: Sequence[Groove], choice: str | None, link: str | None, span: tuple[int, int] | None = None
) -> None:
    """Take grooves that another session had, and the choice that it had made when the address had that link.

    Any other link that the visitor opened comes before that choice. What the address has now says nothing of it: where
    the browser's answer takes its time, that is what was in hand in the meantime.

    Args:
        span: the bars of it that were shown.
    """
    for groove in grooves:
        held()[f"held {fingerprint(groove)}"] = groove
    if choice in titles() and st.session_state.get(_OPENED) in (None, link):
        choose(choice)
        with suppress(MidiError, AudioError):  # it is said where it is read
            groove = load(choice)
            if span is not None and groove.n_bars > 1:
                st.session_state[bars_key(choice, groove)] = span  # clamped where it is used


# -- which bars ----------------------------------------------------------------


def bars(key: str, groove: Groove) -> tuple[int, int]:
    """First and last of the bars that are shown and played, counted from 1."""
    if groove.n_bars == 1:
        return 1, 1
    span: Any = st.session_state.setdefault(bars_key(key, groove), _first_bars(groove))
    first = min(max(int(span[0]), 1), groove.n_bars)
    return first, min(max(int(span[1]), first), groove.n_bars, first + MAX_BARS - 1)


def bars_key(key: str, groove: Groove) -> str:
    """Of the widget that chooses them."""
    return f"{groove.n_bars} bars of {key}"


def show_bar(hand: Hand, bar: int) -> None:
    """Have as many bars as now shown and played, that one among them."""
    n_bars, shown = hand.read.n_bars, hand.last - hand.first + 1
    if not 1 <= bar <= n_bars or hand.first <= bar <= hand.last:
        return
    first = min((bar - 1) // shown * shown + 1, n_bars - shown + 1)
    st.session_state[bars_key(hand.key, hand.read)] = first, first + shown - 1


def _first_bars(groove: Groove) -> tuple[int, int]:
    """A song may begin with bars of silence: start where the drums do."""
    start = int(np.searchsorted(groove.bar_lines, groove.step[0], side="right")) if len(groove) else 1
    start = max(1, min(start, groove.n_bars - BARS_AT_FIRST + 1))
    return start, min(start + BARS_AT_FIRST - 1, groove.n_bars)


def _show_all_bars(key: str, groove: Groove) -> None:
    """What somebody shared or went on with is all of it, not its first bars."""
    if groove.n_bars > 1:
        st.session_state[bars_key(key, groove)] = 1, min(groove.n_bars, MAX_BARS)


# -- what the deck was told ----------------------------------------------------


def told(hand: Hand) -> None:
    """The deck has been told of this."""
    st.session_state[_TOLD] = _mark(hand)


def keep_up() -> None:
    """Run all of the app anew where a part of a page that runs alone has taken another groove in hand, or kept one.

    What stands around the page, and what the browser holds, is told in such a run alone.
    """
    if st.session_state.get(_TOLD) != _mark(now()):
        st.rerun()


def _mark(hand: Hand) -> tuple[str, ...]:
    return hand.view.source, fingerprint(hand.original), *tray.kept()


# -- links ---------------------------------------------------------------------


def open_link() -> None:
    """Take the groove in the address in hand when it first comes, and the model it was made with if that is here.

    A link that cannot be read is a sentence among the problems of files.
    """
    text = st.query_params.get(LINK_QUERY)
    if text is None or text in _written():
        return
    _write(text)  # whatever is in it, it is looked at once
    st.session_state[_OPENED] = text
    try:
        shared = share.from_text(text)
    except ShareError as error:
        files.say(str(error))
        return
    st.session_state[_FRESH] = shared
    if (built_in := _built_in(shared.groove)) is not None:
        st.session_state[_CHOICE] = built_in
    else:
        st.session_state[LINKED] = shared
        st.session_state[_CHOICE] = LINKED
        _show_all_bars(LINKED, shared.groove)
    if shared.model and models.is_to_choose(shared.model):
        models.choose(shared.model)


def _linked() -> Groove | None:
    """The groove of the last link."""
    shared: share.Shared | None = st.session_state.get(LINKED)
    return None if shared is None else shared.groove


def fresh_link() -> share.Shared | None:
    """What a link brought, the first time somebody asks: for the page that it was made on to set its widgets by."""
    found: share.Shared | None = st.session_state.pop(_FRESH, None)
    return found


def link_to(groove: Groove, settings: Mapping[str, Any] | None = None) -> str | ShareError:
    """Query of a link that opens this groove, with what was set beside it; or why there is none."""
    try:
        model = models.in_use().digest if settings else ""
        return f"{LINK_QUERY}={share.to_text(groove, settings, model)}"
    except ShareError as error:
        return error


def tell_address(query: str | ShareError, page: str) -> None:
    """Have the address carry a link, which is none to open when it comes back. One that is too long is not carried."""
    text = None if isinstance(query, ShareError) else query.removeprefix(f"{LINK_QUERY}=")
    if text is not None:
        _write(text)
    st.session_state[_ADDRESS] = text
    address.tell({LINK_QUERY: text, MARK_QUERY: mark(now())}, page)


def mark(hand: Hand) -> str | None:
    """Of a groove that is longer than what the address carries of it: its browser keeps all of it under this."""
    return None if hand.is_whole else fingerprint(hand.read)[:12]


def in_address() -> str | None:
    """The text of the link that the address carries."""
    text: str | None = st.session_state.get(_ADDRESS)
    return text


def _write(text: str) -> None:
    _written()[text] = None
    while len(_written()) > MAX_WRITTEN:
        _written().pop(next(iter(_written())))


def _written() -> dict[str, None]:
    found: dict[str, None] = st.session_state.setdefault(_WRITTEN, {})
    return found


def _built_in(groove: Groove) -> str | None:
    """Key of the built-in pattern that a link is to, which is then in hand by its own name."""
    found = (key for key in EXAMPLES if share.rounded(example(key)) == groove)
    return next(found, None)
