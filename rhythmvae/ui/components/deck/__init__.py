"""The deck: the one player of the app, and what pages hand to it. A Streamlit component of our own.

The entry script shows it (`show`) and it stays while pages come and go. It plays the groove in hand. A page that
has made something of it says so (`result`), and cards (`cards`) are heard by the same deck, in time: all of them are
parts of one component, so they share one module in the browser, one transport and one AudioContext.

Modules, in the order they build on each other: `time.js`, `timer.js`, `edits.js`, `edited.js`, `kit.js`, `buses.js`,
`strokes.js`, `ahead.js`, `transport.js` and `sounding.js` (sound), `swapping.js`, `heard.js`, `manner.js`, `player.js`,
`resting.js`, `roles.js` and `music.js` (what is heard, and how), `sounds.js` (with which kit), `draw.js`, `grid.js`,
`strip.js`, `drums.js`, `cards.js`, `controls.js`, `mixer.js`, `mixdown.js`, `take.js`, `home.js`, `downloads.js` and
`dock.js` (what is seen and taken home), `hands.js`, `keys.js` and `pad.js` (mouse, finger, keys), `stage.js`, which
fetches what `components.live` has, and `deck.js`.
`components.assets` joins them and gives them out beside the kits' sounds, so what goes with every change is the grooves
alone.

In Python: `lanes` (what is told of a groove), `files` (MIDI to take home), `differing` (what differs between two) and
`answers` (what comes back).

Python says what is there, the browser plays and edits it at once, and an edit comes back as hits (`Edit`), which are
checked like a file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from rhythmvae.errors import ShareError
from rhythmvae.groove import Groove
from rhythmvae.kit import VOICES
from rhythmvae.midi.read import PLAYED_BPM
from rhythmvae.sound import kits, synth
from rhythmvae.sound.kits import layered
from rhythmvae.ui.components import assets, live
from rhythmvae.ui.components.deck.answers import (
    DECK,
    OVERVIEW,
    RESULT,
    Edit,
    Heard,
    Taps,
    act_of,
    bar_of,
    edit,
    heard,
    taps_of,
    touches,
)
from rhythmvae.ui.components.deck.differing import MOVED_MS, picture
from rhythmvae.ui.components.deck.files import files_of
from rhythmvae.ui.components.deck.lanes import MAX_HITS, MAX_STEPS, Lane, data_of, fits

__all__ = [
    "COMPONENT",
    "DECK",
    "MAX_HITS",
    "MAX_STEPS",
    "OVERVIEW",
    "Edit",
    "Hear",
    "Heard",
    "Lane",
    "Sound",
    "Taps",
    "act_of",
    "bar_of",
    "cards",
    "edit",
    "fits",
    "overview",
    "pad",
    "result",
    "show",
    "taps_of",
]

_TOLD = "what the deck was told"  # of the groove in hand, in this run

MODULES = (
    *("time.js", "timer.js", "edits.js", "edited.js", "kit.js", "buses.js", "strokes.js", "ahead.js", "transport.js"),
    *("sounding.js", "swapping.js", "heard.js", "manner.js", "player.js", "resting.js"),
    *("roles.js", "music.js", "sounds.js"),
    *("draw.js", "grid.js", "strip.js", "drums.js", "cards.js", "controls.js", "mixer.js", "mixdown.js"),
    *("take.js", "home.js", "downloads.js", "dock.js"),
    *("hands.js", "keys.js", "overview.js", "pad.js", "stage.js", "deck.js"),
)
COMPONENT = assets.Component(Path(__file__).parent, MODULES, shared=(assets.HINTED,))
# MIDI note to drum, for what is played live.
_NOTES = {note: i for i, voice in enumerate(VOICES) for note in (*voice.mapped, *voice.folded)}


@dataclass(frozen=True)
class Hear:
    """With a new `cue`, an answer to a gesture elsewhere on the page: the result is heard, and begins to play.

    Args:
        starts: whether it begins where nothing plays.
        at: the step from which a result then plays; None for where the deck was paused.
        of: serial of the taps that a result is made of.
    """

    cue: str
    starts: bool = True
    at: float | None = None
    of: int | None = None


@dataclass(frozen=True)
class Sound:
    """The sound of what is on show: `address` of a file, and the second in it at which the first step lies."""

    address: str
    begins: float


def show(
    original: Lane,
    *,
    source: str,
    tune: str,
    name: str,
    of_bars: int = 0,
    serial: int = 0,
    link: str | ShareError | None = None,
    link_takes: str = "",
    hear: Hear | None = None,
    sound: Sound | None = None,
    here: str | None = None,
    on_edit: Callable[[], None] | None = None,
) -> Heard:
    """Put the deck on the screen, with the groove in hand. The entry script calls it once in every run.

    Args:
        original: the groove in hand.
        source: what it comes from; while it stays the same, a user's edits stand.
        tune: what is played; while it stays the same, a user's tempo stands.
        name: of the groove, to read.
        of_bars: how many the groove has of which `original` is a part; 0 where it is all of it.
        serial: of the last edit that the groove holds.
        link: query of a link to it, such as "g=...", or why there is none; see `result`.
        link_takes: the part of it that a link takes, where that is not all.
        hear: an answer to a gesture elsewhere on the page: the groove itself is heard.
        sound: in which the groove was heard.
        here: address that the deck asks for when a tap would sound, relative to the app; once in a page.
        on_edit: called before the run that follows an edit; see `edit`.

    Raises:
        UsageError: longer than MAX_STEPS or fuller than MAX_HITS.
    """
    how = heard(tune)
    told = {"source": source, "serial": serial, "rate": how.rate, "touches": touches()}
    st.session_state[_TOLD] = told
    data = {
        "kit": assets.address("kit.wav", kits.kit_wav(), kits.KIND),
        "mixer": synth.parameters(),
        "kits": [
            {
                "key": key,
                "label": said["label"],
                "address": assets.address(f"{key}.flac", layered.flac(key), layered.KIND),
            }
            for key, said in layered.index().items()
        ],
        "notes": _NOTES,
        "pitches": [voice.pitch for voice in VOICES],
        "most_hits": MAX_HITS,
        "live": live.address(),
        "kit_index": assets.address("kits.json", layered.index_file(), "application/json"),
        "tune": tune,
        "name": name,
        "of_bars": of_bars,
        "link_takes": link_takes,
        "hear": asdict(hear) if hear else None,
        "sound": asdict(sound) if sound else None,
        "here": here,
        "tempos": PLAYED_BPM,
        "moved_ms": round(MOVED_MS),
    }
    _tell("deck", DECK, data | _made([original], told) | _link(link), edit=on_edit, heard=None, bars=None, touches=None)
    return how


def result(
    lane: Lane | None,
    *,
    link: str | ShareError | None = None,
    link_takes: str | None = None,
    hear: Hear | None = None,
    take: str | None = None,
) -> None:
    """Hand the deck what a page made of the groove in hand; it takes no room on the page.

    The deck plays it when it is chosen there, until another page's takes its place or, at a bar line, the original
    does. A page calls it once in every run, in the same place.

    Args:
        lane: None where there is nothing yet.
        link: query of a link to it, which goes before the original's, or why there is none.
        link_takes: the part of it that the link takes, "" for all; None for the part that the original's takes.
        take: with a new cue, the result's hits become an edit of the groove in hand, if they are in its frame.

    Raises:
        UsageError: longer than MAX_STEPS or fuller than MAX_HITS.
    """
    told: dict[str, Any] | None = st.session_state.get(_TOLD)
    made = _made([] if lane is None or told is None else [lane], told or {}, is_made=True)
    more = {"takes": link_takes, "hear": asdict(hear) if hear else None, "take": take}
    _tell("result", RESULT, made | _link(link) | more)


def cards(
    lanes: Sequence[Lane],
    *,
    key: str,
    actions: Mapping[str, str] | None = None,
    on_act: Callable[[], None] | None = None,
    hear: Hear | None = None,
) -> None:
    """Small pictures side by side: a press, and the deck plays one in time; a second press, and it does not any more.

    Args:
        key: of the component in the session.
        actions: what a card's buttons do, and what they are called.
        on_act: called before the run that follows one; see `act_of`.
        hear: of the first card, which is then wide if it is alone.

    Raises:
        UsageError: longer than MAX_STEPS or fuller than MAX_HITS.
    """
    named = [{"what": what, "label": label} for what, label in (actions or {}).items()]
    asked = asdict(hear) if hear else None
    told: dict[str, Any] = st.session_state.get(_TOLD, {})
    lanes_data, taken = data_of(lanes), assets.said(key, "taken")
    for lane, data in zip(lanes, lanes_data, strict=True):
        if told and lane.id == taken:  # the others' files would be written in every run
            data |= files_of(lane, told["rate"])
    _tell("cards", key, {"lanes": lanes_data, "actions": named, "hear": asked, **told}, act=on_act, taken=None)


def overview(original: Groove, result: Groove, *, tune: str, on_go: Callable[[], None]) -> None:
    """A picture of all bars of a file, with what the result loses, adds and moves; a press takes the deck to a bar.

    Args:
        original: the whole file.
        tune: as the deck was told it.
        on_go: called before the run that follows where a bar is asked for that the deck does not have; see `bar_of`.
    """
    told = {"tune": tune, "moved_ms": round(MOVED_MS), **picture(original, result)}
    _tell("overview", OVERVIEW, told, go=on_go)


def pad(frame: Groove, *, key: str, hands: int, on_taps: Callable[[], None]) -> None:
    """A pad that records taps while a click plays.

    Args:
        frame: a groove of clicks: a bar to count in, and the bars that are recorded.
        key: of the component in the session.
        hands: 1, or 2 that have a pad and a key each.
        on_taps: called before the run that follows a recording, or precedes its end; see `taps_of`.
    """
    clicks = data_of([Lane("taps", "Taps", frame, first_bar=0, is_another=True)])
    _tell("pad", key, {"lanes": clicks, "hands": hands}, taps=on_taps)


# -- what is sent --------------------------------------------------------------


def _tell(part: str, key: str, data: Mapping[str, Any], **on: Callable[[], None] | None) -> None:
    """A part of the component, with the names of what is drawn."""
    voices = [{"key": voice.key, "label": voice.label} for voice in VOICES]
    COMPONENT.tell(key, {"part": part, "voices": voices, **data}, **on)


def _link(link: str | ShareError | None) -> dict[str, Any]:
    return {
        "link": link if isinstance(link, str) else None,
        "no_link": str(link) if isinstance(link, ShareError) else None,
    }


def _made(lanes: Sequence[Lane], told: Mapping[str, Any], is_made: bool = False) -> dict[str, Any]:
    """Lanes that can be taken home, and what edits and which tempo are in their files."""
    files = [files_of(lane, told["rate"], is_made) for lane in lanes]
    return {"lanes": [a | b for a, b in zip(data_of(lanes), files, strict=True)], **told}
