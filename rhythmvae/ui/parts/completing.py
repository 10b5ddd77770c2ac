"""The parts of the Complete page: what is asked of the groove in hand, and the answers, to hear and to choose from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from rhythmvae.errors import MidiError, RhythmVAEError, ShareError
from rhythmvae.groove import FloatArray, Groove
from rhythmvae.kit import GROUPS, VOICE_INDEX, VOICES
from rhythmvae.midi.report import ReadOptions
from rhythmvae.ui.components import deck
from rhythmvae.ui.components.deck import Hear, Lane
from rhythmvae.ui.parts import variations, wishes, yours
from rhythmvae.ui.parts.sentences import counted, literal, upload_refused
from rhythmvae.ui.session import caches, edits, hand, models, sounds, tray
from rhythmvae.ui.session.opened import Opened, shipped
from rhythmvae.ui.shared import fingerprint

if TYPE_CHECKING:
    from rhythmvae.model.verbs import Prediction

CONTINUE, FILL, HUMANIZE, TAP = "Continue", "Fill in", "Humanize", "Tap"
N_BARS = (1, 2, 4, 8, 12)  # that can be asked for
LEAD_BARS = 4  # of the given ones, heard before the new ones
N_ANSWERS = {CONTINUE: 4, FILL: 8, HUMANIZE: 4, TAP: 4}
N_TAPPED_BARS = (1, 2, 4)
TAP_VELOCITY = 100
WISHES = {
    CONTINUE: wishes.OF_PATTERNS,
    FILL: wishes.OF_PATTERNS,
    HUMANIZE: wishes.OF_TOUCH,
    TAP: wishes.OF_PATTERNS,
}
HANDS = {1: "One hand", 2: "Two hands"}
HAND_VOICES = np.array([VOICE_INDEX["kick"], VOICE_INDEX["snare"]])  # that each hand's taps are written for
CARDS, PAD, FILE = "answer cards", "tap pad", "file of taps"
_HANDS, _ROUND, _PRESSED = "hands that tap", "round of answers", "answers asked for"
_JOB = "what to complete"
_SERIAL, _PROBLEM = "serial of the last taps", "what was wrong with a file of taps"


@dataclass(frozen=True, eq=False)
class Asked:
    """What is asked of the groove in hand.

    Args:
        job: one of those that the page offers.
        verb, groove, named: as `caches.completed` takes them.
        done: what a groove is called of which that was made.
    """

    job: str
    verb: str
    groove: Groove
    named: Mapping[str, Any]
    done: str


@dataclass(frozen=True, eq=False)
class Answer:
    """A groove that was made, whole, and the bars of it that are heard, from 1.

    Args:
        span: the bars that are shown once it is in hand.
        given: what of the whole was given, note for note; None where that is nothing or all.
    """

    whole: Groove
    first: int
    last: int
    span: tuple[int, int]
    given: Groove | None = None

    @property
    def heard(self) -> Groove:
        return self.whole.bars(self.first, self.last)

    @property
    def begins(self) -> float:
        """The step of what is heard from which it plays: the bar before new ones, so that the seam is soon heard."""
        n_given = 0 if self.given is None else self.given.n_bars - self.first + 1
        return float(self.heard.bar_lines[n_given - 1]) if 0 < n_given < self.heard.n_bars else 0.0

    @property
    def part(self) -> str:
        """The bars that are heard, in words; empty where that is the whole."""
        if (self.first, self.last) == (1, self.whole.n_bars):
            return ""
        return f"bars {self.first} to {self.last}" if self.last > self.first else f"bar {self.first}"

    @property
    def kept(self) -> Groove:
        """What is heard, by a name that says so where it is not all."""
        tail = f", {self.part}" if self.part else ""
        return replace(self.heard, title=variations.name_with_tail(self.whole.title, tail))


# -- the model -----------------------------------------------------------------


def model() -> Opened | None:
    """The model in use, or the shipped one where that cannot complete; None where neither can. That is said.

    Raises:
        CheckpointError: the shipped one is missing or damaged.
    """
    used = models.in_use()
    if used.card.completion is not None:
        return used
    if shipped().card.completion is None:
        st.info("The model of this app completes no grooves.", icon=":material/info:")
        return None
    st.info(
        f"{literal(models.name_in_use())} does not complete grooves: train it again, and it will. Here the shipped "
        "model plays in its place.",
        icon=":material/info:",
    )
    return shipped()


# -- what is asked ---------------------------------------------------------------


def controls(held: hand.Hand, used: Opened) -> Asked | None:
    """What to do, and how; None where something is still to choose."""
    st.session_state.setdefault(_JOB, CONTINUE)  # a rhythm that was tapped on another page has set it
    job = st.segmented_control(
        "What to do",
        list(N_ANSWERS),
        key=_JOB,
        required=True,
        label_visibility="collapsed",
        width="stretch",
        persist_state="session",
    )
    job = job or CONTINUE
    asked = {CONTINUE: _continue, FILL: _fill, HUMANIZE: _humanize, TAP: _tap}[job](held)
    if asked is not None:
        _again(held, asked)
    named = wishes.ask(WISHES[job], used, job)
    if job == TAP:
        _file_of_taps()
    return asked and replace(asked, named={**asked.named, **named})


def _continue(held: hand.Hand) -> Asked:
    n_bars = st.segmented_control(
        "Bars more", N_BARS, default=4, key="bars more", required=True, persist_state="session"
    )
    return Asked(CONTINUE, "continued", held.original.bars(1, held.last), {"n_bars": n_bars}, "continued")


def _fill(held: hand.Hand) -> Asked | None:
    groups = st.pills(
        "Drums to play anew",
        list(GROUPS),
        default=["hats"],
        selection_mode="multi",
        key="drums to fill in",
        persist_state="session",
        format_func=str.capitalize,
    )
    shown = range(held.first, held.last + 1)
    bars: list[int] = []
    if len(shown) > 1:
        bars = st.pills(
            "Bars to play anew (none marked: all)",
            shown,
            selection_mode="multi",
            key=f"bars {held.first} to {held.last} to fill in",
            persist_state="session",
        )
    if not groups and not bars:
        st.caption("Mark drums, bars or both: the model plays what is marked, and the rest stays note for note.")
        return None
    voices = tuple(VOICE_INDEX[voice] for group in groups for voice in GROUPS[group]) if groups else None
    own_bars = tuple(sorted(bar - held.first + 1 for bar in bars)) if bars else None
    return Asked(FILL, "infilled", held.shown, {"voices": voices, "bars": own_bars}, "filled in")


def _humanize(held: hand.Hand) -> Asked | None:
    if not len(held.shown):
        st.caption("Nothing is played here yet: click cells in the deck, and a drummer plays them.")
        return None
    with st.container(horizontal=True):  # beside each other on a phone as well: the answers stand below
        amounts = {
            name: st.slider(
                label,
                0,
                100,
                100,
                key=f"humanize {name}",
                persist_state="session",
                format="%d%%",
                help=words,
                width=150,
            )
            for name, label, words in (
                ("timing", "New timing", "0 % leaves every hit at its time; 100 % places it as a drummer would."),
                ("velocity", "New loudness", "0 % leaves every hit as loud as it is."),
            )
        }
    known = hand.titles()
    other = st.selectbox(
        "As this one feels",
        list(known),
        index=None,
        placeholder="as a drummer would play it",
        key="groove to feel like",
        format_func=known.__getitem__,
    )
    named: dict[str, Any] = {name: percent / 100 for name, percent in amounts.items()}
    named["keep"] = tuple(name for name, percent in amounts.items() if not percent)
    named["after"] = None if other is None else edits.edited(hand.load(other))
    return Asked(HUMANIZE, "humanized", held.shown, named, "humanized")


def _tap(held: hand.Hand) -> Asked | None:
    with st.container(horizontal=True):
        n_bars = st.segmented_control(
            "Bars to tap", N_TAPPED_BARS, default=2, key="bars to tap", required=True, persist_state="session"
        )
        hands = st.segmented_control(
            "Taps of",
            list(HANDS),
            default=1,
            key=_HANDS,
            required=True,
            persist_state="session",
            format_func=HANDS.__getitem__,
        )
    frame = frame_of_taps(held.shown, n_bars)
    deck.pad(frame_of_taps(held.shown, n_bars + 1), key=PAD, hands=hands, on_taps=partial(_take_taps, frame))
    taps = hand.tapped()
    if taps is None:
        return None
    return Asked(TAP, "tapped", taps, {"hands": len(np.unique(taps.voice)) > 1}, "from taps")


def frame_of_taps(like: Groove, n_bars: int) -> Groove:
    """Bars without a hit, in the first meter and tempo of a groove."""
    meter, tempo = replace(like.meter_at(0), step=0.0), replace(like.tempo_at(0), step=0.0)
    return replace(Groove.silent(round(n_bars * meter.steps_per_bar), (tempo,), (meter,)), title="Taps")


def _take_taps(frame: Groove) -> None:
    """What was recorded becomes drums; where nothing was, all stays. The deck plays them at the end of the bars."""
    if (recorded := deck.taps_of(PAD, frame.n_steps)) is None:
        return
    positions, hands = zip(*recorded.taps, strict=True)
    at = without_lag(np.array(positions), frame)
    hand.take_taps(frame.with_hits(at, HAND_VOICES[list(hands)], np.full(len(at), TAP_VELOCITY)))
    st.session_state[_SERIAL], st.session_state[_PRESSED] = recorded.serial, recorded.ends


def take_rhythm(taps: Groove) -> None:
    """A rhythm that was tapped elsewhere: the page is for taps now, and plays its drums."""
    hand.take_taps(taps.bars(1, min(taps.n_bars, hand.MAX_BARS)))
    st.session_state[_JOB], st.session_state[_PRESSED] = TAP, True
    st.session_state.pop(_SERIAL, None)


def _file_of_taps() -> None:
    with st.expander("Or drop a file of taps, MIDI or sound", icon=":material/upload_file:"):
        st.file_uploader(
            "Every note or stroke in it is a tap",
            key=FILE,
            max_upload_size=yours.MAX_UPLOAD_MEGABYTES,
            on_change=_read_taps,
        )
        upload_refused()
        if (why := st.session_state.pop(_PROBLEM, None)) is not None:
            st.error(literal(why), icon=":material/error:")


def _read_taps() -> None:
    """The same of a file that was dropped, or a sentence below the box."""
    file = st.session_state[FILE]
    if not isinstance(file, UploadedFile):  # taken out again
        return
    if sounds.is_sound(file.getvalue()):  # that the browser could not decode
        try:
            sounds.wait_for(replace(sounds.decoded(file.name, file.getvalue()), are_taps=True))
        except RhythmVAEError as error:
            st.session_state[_PROBLEM] = str(error)
        return
    try:
        taps = caches.read(file.getvalue(), file.name, ReadOptions(tap_lanes=st.session_state.get(_HANDS, 1)))[0]
    except MidiError as error:
        st.session_state[_PROBLEM] = str(error)
        return
    take_rhythm(taps)


def without_lag(taps: FloatArray, frame: Groove) -> FloatArray:
    """Taps (N,) in steps without the lag that all share, of wireless phones or of a hand: by the median of those that
    are meant for a beat, nearer to it than half a 16th."""
    late = taps[:, None] - frame.beat_lines[None]
    late = late[np.arange(len(taps)), np.abs(late).argmin(1)]
    near = late[np.abs(late) < 0.5]
    moved = taps - (np.median(near) if len(near) > 1 else 0.0)
    return np.clip(moved, -0.5, np.nextafter(frame.n_steps, 0))


# -- answers ---------------------------------------------------------------------


def answer(held: hand.Hand, asked: Asked, used: Opened, index: int) -> Answer:
    """An answer of this round, from 0.

    Raises:
        UsageError: what is asked makes no sense for the groove.
    """
    number = _round(held, asked) * N_ANSWERS[asked.job] + index
    made = caches.completed(asked.groove, asked.verb, {**asked.named, "seed": number}, used)
    title = variations.name_with_tail(asked.groove.title or "Groove", f", {asked.done} {number + 1}")
    made = replace(made, title=title)
    if asked.job == TAP:
        return Answer(made, 1, made.n_bars, (1, min(made.n_bars, hand.MAX_BARS)))
    if asked.job == CONTINUE:
        first = max(held.first, held.last - LEAD_BARS + 1)
        span = max(1, made.n_bars - hand.MAX_BARS + 1), made.n_bars
        return Answer(made, first, made.n_bars, span, asked.groove)
    whole = made if held.is_whole else replace(held.original.with_bars(held.first, held.last, made), title=title)
    given = held.original if asked.job == FILL else None
    return Answer(whole, held.first, held.last, (held.first, held.last), given)


def was_pressed() -> bool:
    """Whether the answers were asked for by a press or by taps, and begin to play. Call it once in a run."""
    return bool(st.session_state.pop(_PRESSED, False))


def play(held: hand.Hand, asked: Asked, found: Answer, starts: bool) -> None:
    """Hand the deck the first answer."""
    cue = repr((_source(held, asked), asked.verb, sorted(asked.named.items(), key=str), _round(held, asked)))
    link, takes = hand.link_to(found.whole), ""
    if isinstance(link, ShareError) and found.part:
        link, takes = hand.link_to(found.heard), f"{found.part} of {found.whole.n_bars}"
    deck.result(
        _lane(found, "answer", found.whole.title if asked.job == TAP else asked.job, is_another=asked.job == TAP),
        link=link,
        link_takes=takes,
        hear=Hear(cue, starts, found.begins, st.session_state.get(_SERIAL) if asked.job == TAP else None),
    )


def prepare(held: hand.Hand, asked: Asked, used: Opened) -> None:
    """Have the first answer of the next round ready before it is asked for. A visitor who moves on ends this."""
    answer(held, asked, used, N_ANSWERS[asked.job])


def _lane(found: Answer, key: str, label: str, **more: Any) -> Lane:
    given = None
    if found.given is not None and found.first <= found.given.n_bars:
        given = found.given.bars(found.first, min(found.last, found.given.n_bars))
    return Lane(key, label, found.heard, found.first, given=given, whole=found.whole, **more)


def _again(held: hand.Hand, asked: Asked) -> None:
    """Other answers, and the way back to those before."""
    of, n = (_source(held, asked), asked.job), _round(held, asked)
    with st.container(horizontal=True):
        st.button(
            "Other answers", type="primary", icon=":material/casino:", on_click=_turn, args=(of, n + 1), width="stretch"
        )
        if n:
            st.button("Answers before", icon=":material/undo:", on_click=_turn, args=(of, n - 1))
        variations.back_button()


def _source(held: hand.Hand, asked: Asked) -> str:
    """What answers are of; an edit leaves it as it is, so that it is heard as it is made."""
    return fingerprint(asked.groove) if asked.job == TAP else held.view.source


def _round(held: hand.Hand, asked: Asked) -> int:
    """How often there were others; another groove or another thing to do begins anew."""
    of, n = st.session_state.get(_ROUND, (None, 0))
    return int(n) if of == (_source(held, asked), asked.job) else 0


def _turn(of: tuple[str, str], n: int) -> None:
    st.session_state[_ROUND], st.session_state[_PRESSED] = (of, n), True


def cards(answers: Sequence[Answer]) -> None:
    """All answers of this round, each to hear, to keep, to go on with."""
    deck.cards(
        [
            _lane(
                found,
                f"answer {i}",
                f"Answer {i + 1}",
                note=", ".join(filter(None, (counted(len(found.heard), "hit"), found.part))),
                pressed=("keep",) if tray.holds(found.kept) else (),
            )
            for i, found in enumerate(answers)
        ],
        key=CARDS,
        actions={"use": "Use this", "keep": "★ Keep"},
        on_act=partial(_act, answers),
    )


def _act(answers: Sequence[Answer]) -> None:
    act = deck.act_of(CARDS)
    for i, found in enumerate(answers):
        if act == (f"answer {i}", "keep"):
            tray.toggle(found.kept)
        elif act == (f"answer {i}", "use"):
            variations.start_from(found.whole, found.span)


# -- what comes next -----------------------------------------------------------


def outlook(held: hand.Hand, used: Opened) -> None:
    """When it is asked for: the next bar as the model expects it, and how far each bar was expected."""
    if not st.toggle("Show what comes next and what surprises", key="show what comes next"):
        return
    found = caches.predicted(held.shown, st.session_state.get(wishes.STYLE), used)
    left, right = st.columns(2, gap="large")
    with left:
        next_bar(found, "next bar")
    with right:
        from rhythmvae import plots  # not above: plotly is for who looks at pictures

        st.markdown("**Surprise:** the higher, the less the model expected that bar from those before it.")
        line = plots.surprise([bar.bits for bar in found.bars], held.first)
        st.plotly_chart(line, key="surprise", config=plots.CONFIG, alt="Surprise of each bar, in bits")


def next_bar(found: Prediction, key: str) -> None:
    """The bar to come as a heat over the grid."""
    from rhythmvae import plots

    words = "how likely each drum is at each 16th"
    st.markdown(f"**The next bar:** {words}.")
    heat = plots.next_bar(found.hit, [voice.label for voice in VOICES])
    st.plotly_chart(heat, key=key, config=plots.CONFIG, alt=words.capitalize())
