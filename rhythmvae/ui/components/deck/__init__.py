"""The deck: the one player of the app, and what pages hand to it. A Streamlit component of our own.

The entry script shows it (`show`) and it stays while pages come and go. It plays the groove in hand. A page that
has made something of it says so (`result`), and cards (`cards`) are heard by the same deck, in time: all of them are
parts of one component, so they share one module in the browser, one transport and one AudioContext.

Modules, in the order they build on each other: `time.js`, `timer.js`, `edits.js`, `edited.js`, `kit.js`, `buses.js`,
`transport.js` and `sounding.js` (sound), `swapping.js`, `heard.js` and `music.js` (what is heard), `sounds.js` (with
which kit), `draw.js`, `grid.js`, `strip.js`, `drums.js`, `cards.js`, `controls.js`, `mixer.js`, `mixdown.js`,
`take.js`, `home.js` and `dock.js` (what is seen), `hands.js`, `keys.js` and `pad.js` (mouse, finger, keys), `stage.js`,
which fetches what `components.live` has, and `deck.js`. `components.assets` joins them and gives them out beside the
kits' sounds, so what goes with every change is the grooves alone.

Python says what is there, the browser plays and edits it at once, and an edit comes back as hits (`Edit`), which are
checked like a file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from rhythmvae.errors import ShareError, UsageError
from rhythmvae.groove import MAX_VELOCITY, Groove, changes_to_lists
from rhythmvae.kit import N_VOICES, VOICES
from rhythmvae.midi.read import PLAYED_BPM
from rhythmvae.midi.write import write_midi
from rhythmvae.outputs import file_stem
from rhythmvae.sound import kits, synth
from rhythmvae.sound.kits import layered
from rhythmvae.ui.components import assets, live
from rhythmvae.ui.components.deck.differing import MOVED_MS, differences, picture
from rhythmvae.ui.shared import kept

MAX_STEPS = 512  # 32 bars of 4/4; more would weigh on a phone
MAX_HITS = 4_000
MIN_RATE, MAX_RATE = 1e-3, 1e3  # of a tempo over the one that is written: any that a file holds, any that is played
ROUNDING_STEPS = 1e-9  # the last hit of some bars keeps this away from the next, and so stays in them anywhere

DECK, RESULT, OVERVIEW = "deck", "deck result", "overview"  # keys in the session
_TOLD = "what the deck was told"  # of the groove in hand, in this run

MODULES = (
    *("time.js", "timer.js", "edits.js", "edited.js", "kit.js", "buses.js", "transport.js", "sounding.js"),
    *("swapping.js", "heard.js", "music.js", "sounds.js"),
    *(
        "draw.js",
        "grid.js",
        "strip.js",
        "drums.js",
        "cards.js",
        "controls.js",
        "mixer.js",
        "mixdown.js",
        "take.js",
        "home.js",
        "dock.js",
    ),
    *("hands.js", "keys.js", "overview.js", "pad.js", "stage.js", "deck.js"),
)
COMPONENT = assets.Component(Path(__file__).parent, MODULES)
# MIDI note to drum, for what is played live.
_NOTES = {note: i for i, voice in enumerate(VOICES) for note in (*voice.mapped, *voice.folded)}


@dataclass(frozen=True, eq=False)
class Lane:
    """A groove on show.

    Args:
        id: the same from run to run.
        label: what it is, to read.
        first_bar: number of its first bar.
        against: a groove to mark differences from.
        is_another: whether it is none of the groove in hand; the deck then shows its label and not that one's name.
        given: what of it somebody gave; all other hits are drawn open.
        whole: what is taken home, where that is more than what is on show.
        note: a line under a card.
        pressed: actions of a card that are on.
    """

    id: str
    label: str
    groove: Groove
    first_bar: int = 1
    against: Groove | None = None
    editable: bool = False
    is_another: bool = False
    given: Groove | None = None
    whole: Groove | None = None
    note: str = ""
    pressed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Edit:
    """What a user made of a lane of one `source`; `serial` counts the edits."""

    source: str
    lane: str
    serial: int
    hits: Any  # as the browser sent them

    def groove(self, like: Groove) -> Groove:
        """The edited groove, in the frame of the one that was shown.

        Raises:
            UsageError: hits that are none, or that do not fit.
        """
        if not isinstance(self.hits, list) or len(self.hits) > MAX_HITS:
            raise UsageError(f"Expected at most {MAX_HITS:,} hits from the grid; the groove stays as it was.")
        if not all(_is_hit(hit, like.n_steps) for hit in self.hits):
            raise UsageError("Expected hits of the kit within the bars shown; the groove stays as it was.")
        voice, position, velocity = np.array(self.hits, dtype=np.float64).reshape(-1, 3).T
        return like.with_hits(position, voice.astype(np.int64), velocity.astype(np.int64))


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


@dataclass(frozen=True)
class Taps:
    """What was tapped: where, in steps, and the hand of each, 0 or 1; more may come until it `ends`."""

    serial: int
    taps: tuple[tuple[float, int], ...]
    ends: bool


@dataclass(frozen=True)
class Heard:
    """How the deck was set: `rate` is its tempo over the groove's own, `muted` the voices left out."""

    rate: float = 1.0
    muted: tuple[int, ...] = ()


def show(
    original: Lane,
    *,
    source: str,
    tune: str,
    name: str,
    serial: int = 0,
    link: str | ShareError | None = None,
    link_takes: str = "",
    hear: Hear | None = None,
    sound: Sound | None = None,
    on_edit: Callable[[], None] | None = None,
) -> Heard:
    """Put the deck on the screen, with the groove in hand. The entry script calls it once in every run.

    Args:
        original: the groove in hand.
        source: what it comes from; while it stays the same, a user's edits stand.
        tune: what is played; while it stays the same, a user's tempo stands.
        name: of the groove, to read.
        serial: of the last edit that the groove holds.
        link: query of a link to it, such as "g=...", or why there is none; see `result`.
        link_takes: the part of it that a link takes, where that is not all.
        hear: an answer to a gesture elsewhere on the page: the groove itself is heard.
        sound: in which the groove was heard.
        on_edit: called before the run that follows an edit; see `edit`.

    Raises:
        UsageError: longer than MAX_STEPS or fuller than MAX_HITS.
    """
    heard = _heard(assets.said(DECK, "heard"), tune)
    told = st.session_state[_TOLD] = {"source": source, "serial": serial, "rate": heard.rate}
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
        "link_takes": link_takes,
        "hear": asdict(hear) if hear else None,
        "sound": asdict(sound) if sound else None,
        "tempos": PLAYED_BPM,
        "moved_ms": round(MOVED_MS),
    }
    _tell("deck", DECK, data | _made([original], told) | _link(link), edit=on_edit, heard=None, bars=None)
    return heard


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
    lanes_data, taken = _lanes_data(lanes), assets.said(key, "taken")
    for lane, data in zip(lanes, lanes_data, strict=True):
        if told and lane.id == taken:  # the others' files would be written in every run
            data |= _file(lane, told["rate"])
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
    clicks = _lanes_data([Lane("taps", "Taps", frame, first_bar=0, is_another=True)])
    _tell("pad", key, {"lanes": clicks, "hands": hands}, taps=on_taps)


def taps_of(key: str, n_steps: int) -> Taps | None:
    """For an `on_taps`: the taps in the bars that were recorded, those that make sense; None where there are none."""
    match assets.said(key, "taps"):
        case {"serial": int(serial), "taps": list(said), "ends": bool(ends)}:
            taps = tuple(sorted(filter(None, (_tap(tap, n_steps) for tap in said[:MAX_HITS]))))
            return Taps(serial, taps, ends) if taps else None
    return None


def _tap(said: Any, n_steps: int) -> tuple[float, int] | None:
    match said:
        case [hand, at] if type(hand) is int and 0 <= hand <= 1 and _is_number(at):
            return (float(at), hand) if -0.5 <= at < n_steps - ROUNDING_STEPS else None
    return None


def edit() -> Edit | None:
    """The last edit that the deck sent, for its `on_edit`; None where there is none that makes sense."""
    match assets.said(DECK, "edit"):
        case {"source": str(source), "lane": str(lane), "serial": int(serial), "hits": hits}:
            return Edit(source, lane, serial, hits)
    return None


def bars_wanted(lane: Lane) -> tuple[int, int] | None:
    """First and last bar, by their numbers, that a file of the lane shall have; None where none is asked for."""
    match assets.said(DECK, "bars"):
        case {"lane": lane.id, "first": int(first), "last": int(last)} if type(first) is type(last) is int:
            is_there = lane.first_bar <= first <= last < lane.first_bar + lane.groove.n_bars
            return (first, last) if is_there else None
    return None


def act_of(key: str) -> tuple[str, str] | None:
    """For an `on_act`: the lane and what its button does."""
    match assets.said(key, "act"):
        case {"lane": str(lane), "what": str(what)}:
            return lane, what
    return None


def bar_of() -> int | None:
    """For an `on_go`: number of the bar that is asked for."""
    bar = assets.said(OVERVIEW, "go")
    return bar if type(bar) is int and bar > 0 else None


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
    files = [_file(lane, told["rate"], is_made) for lane in lanes]
    return {"lanes": [a | b for a, b in zip(_lanes_data(lanes), files, strict=True)], **told}


def _file(lane: Lane, rate: float, is_made: bool = False) -> dict[str, Any]:
    """MIDI as it is heard; the browser gives it the name: the groove's, and what was made of it."""
    taken = lane.groove if lane.whole is None else lane.whole
    title, made = lane.groove.title, lane.label.partition(",")[0].lower()
    is_said = lane.is_another or not is_made
    stem = file_stem(lane.label if not title else title if is_said else f"{title} {made}")
    found = {"file": _file_of(taken, rate, stem)}
    if (bars := bars_wanted(lane)) is not None:
        first, last = (bar - lane.first_bar + 1 for bar in bars)
        part = lane.groove.bars(first, last)
        found["part"] = _file_of(part, rate, f"{stem}-bars-{bars[0]}-to-{bars[1]}") | {"bars": list(bars)}
    return found


def _file_of(groove: Groove, rate: float, stem: str) -> dict[str, Any]:
    name = f"{stem}.mid"
    return {"name": name, "address": assets.address(name, _midi(groove, rate), "audio/midi")}


@kept(max_entries=256)  # a few kB each: every page writes the same ones, which took a tenth of its run
def _midi(groove: Groove, rate: float) -> bytes:
    return write_midi(groove.at_rate(rate))


def _lanes_data(lanes: Sequence[Lane]) -> list[dict[str, Any]]:
    for lane in lanes:
        _check_size(lane.groove)
    return [_lane_data(lane) for lane in lanes]


def fits(groove: Groove) -> bool:
    """Whether a groove is short and thin enough to be shown."""
    return groove.n_steps <= MAX_STEPS and len(groove) <= MAX_HITS


def _check_size(groove: Groove) -> None:
    for n, most, unit in ((groove.n_steps, MAX_STEPS, "sixteenths"), (len(groove), MAX_HITS, "hits")):
        if n > most:
            raise UsageError(f"Expected at most {most:,} {unit} to show, got {n:,}: choose fewer bars.")


def _lane_data(lane: Lane) -> dict[str, Any]:
    groove = lane.groove
    data = {
        "id": lane.id,
        "label": lane.label,
        "editable": lane.editable,
        "is_another": lane.is_another,
        "first_bar": lane.first_bar,
        **assets.frame(groove),
        "tempos": changes_to_lists(groove)["tempos"],
        "hits": _hits(groove),
        "note": lane.note,
        "pressed": list(lane.pressed),
    }
    if lane.given is not None:
        own = set(map(tuple, _hits(lane.given)))
        data["open"] = [i for i, hit in enumerate(data["hits"]) if tuple(hit) not in own]
    if lane.against is not None:
        differing = differences(lane.against, groove)
        reference = _hits(lane.against)
        data["missed"] = [reference[i] for i in differing.lost]
        data["added"] = differing.added.tolist()
        data["moved"] = [list(hit) for hit in zip(differing.moved.tolist(), differing.late_ms.tolist(), strict=True)]
    return data


def _hits(groove: Groove) -> list[list[float]]:
    return [
        list(hit) for hit in zip(*(a.tolist() for a in (groove.voice, groove.position, groove.velocity)), strict=True)
    ]


# -- what comes back -----------------------------------------------------------


def _heard(said: Any, tune: str) -> Heard:
    match said:
        case {"tune": str(of), "rate": rate, "unheard": list(unheard)} if (
            _is_number(rate) and MIN_RATE <= rate <= MAX_RATE and all(_is_voice(v) for v in unheard)
        ):
            return Heard(float(rate) if of == tune else 1.0, tuple(sorted(set(unheard))))
    return Heard()


def _is_voice(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < N_VOICES


def _is_number(value: object) -> bool:
    return type(value) in (int, float)


def _is_hit(hit: Any, n_steps: int) -> bool:
    """Comparing alone refuses NaN, infinity and whole numbers that no float holds."""
    match hit:
        case [voice, position, velocity] if _is_number(position) and type(velocity) is int:
            is_place = -0.5 <= position < n_steps - ROUNDING_STEPS
            return _is_voice(voice) and is_place and 1 <= velocity <= MAX_VELOCITY
    return False
