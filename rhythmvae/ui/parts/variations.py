"""The parts of the Variations page: settings, what the deck plays of them, cards, and what was kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from rhythmvae.analysis.descriptors import SLIDERS
from rhythmvae.analysis.quantiles import Quantiles
from rhythmvae.data.names import style_name
from rhythmvae.errors import RhythmVAEError
from rhythmvae.groove import Groove
from rhythmvae.kit import VOICE_INDEX, VOICE_KEYS, VOICES
from rhythmvae.midi.write import write_midi
from rhythmvae.model.limits import MAX_PAGE_SEED
from rhythmvae.model.variation import Variation
from rhythmvae.outputs import MAX_STEM, file_stem
from rhythmvae.sound import kits, synth
from rhythmvae.ui import played
from rhythmvae.ui.components import deck, sliders
from rhythmvae.ui.components.deck import Hear, Heard, Lane
from rhythmvae.ui.parts import dataset, differences, pad, results, sentences, stage
from rhythmvae.ui.parts.sentences import counted
from rhythmvae.ui.session import caches, edits, hand, lanes, models, tray
from rhythmvae.ui.session import settings as session_settings
from rhythmvae.ui.session.caches import Settings
from rhythmvae.ui.session.opened import Opened
from rhythmvae.ui.shared import fingerprint

ANOTHER_MODEL = (
    "This link was made with a different model from the one in use: the groove is the same, but its variation will "
    "differ."
)
DEALS = (4, 8, 12, 16)
_HISTORY, _DEALT, _AMOUNT, _SEED, _STYLE = "starts before", "dealt", "amount", "seed", "style"
_LEADS_TO = "page that a press leads to"
_BEGINS = "a variation is to begin to play"
VARIATIONS, COMPLETE = "pages/variations.py", "pages/complete.py"
COMPLETE_IT, COMPLETE_ICON = "Complete it", ":material/playlist_add:"
COMPLETE_HELP = "More bars, other drums, a drummer's touch: the model plays what you do not have yet."
MAX_HISTORY = 50
OTHER, STEP, CARDS, KEPT = "interpolation to", "interpolation step", "variation cards", "kept cards"
INTERPOLATION_STEPS = 9
HALF_WAY = (INTERPOLATION_STEPS + 1) // 2
LOCKED = "locked drums"
# What is folded is built when it is opened: a phone draws a page of half as much in half the time.
FOLDS = ("fold of drums", "fold of locks", "fold of interpolation")


# -- settings ------------------------------------------------------------------


def controls(start: Groove, model: Opened) -> tuple[Settings, list[sliders.Bank]]:
    """All that shapes a variation, and the sliders, which `tell` draws once it is known what was achieved."""
    quantiles, styles = model.quantiles, model.styles
    banks = [sliders.bank("sliders", sliders.MAIN, quantiles)]
    drums = st.expander("How busy each drum is", key=FOLDS[0], on_change="rerun")
    if drums.open:
        with drums:
            banks.append(sliders.bank("sliders of drums", sliders.GROUPS, quantiles))
    st.session_state.setdefault(_AMOUNT, 40)  # not as the slider's default: a link may have set it already
    amount = st.slider(
        "Amount",
        0,
        100,
        key=_AMOUNT,
        persist_state="session",
        format="%d%%",
        on_change=_begin,
        help="0 % is your groove as the model rebuilds it; 100 % is a new groove that shares only its traits.",
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        seed = st.number_input(
            "Seed", 0, MAX_PAGE_SEED, key=_SEED, persist_state="session", help="The same seed gives the same variation."
        )
        st.button("Dice", icon=":material/casino:", on_click=_roll, help="Another seed")
    style = st.selectbox(
        "Towards a style",
        styles,
        index=None,
        placeholder="its own",
        key=_STYLE,
        persist_state="session",
        format_func=style_name,
        help="With a style chosen, the amount leads to grooves typical of that style, "
        "and no longer to your groove's own traits.",
        disabled=not styles,
    )
    keep, bars = _locks(start)
    settings = Settings(
        amount=amount / 100,
        seed=int(seed),
        # What was asked of another model may be what this one has no scale for.
        asked=tuple(sorted((name, place) for name, place in sliders.asked().items() if name in quantiles.knots)),
        keep=keep,
        keep_bars=bars,
        style=style,
    )
    session_settings.keep(settings, _many(start, settings))
    session_settings.tell_address()
    return settings, banks


def _locks(start: Groove) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Drums and bars that stay note for note."""
    drums, bars = [key for key in VOICE_KEYS if VOICE_INDEX[key] in start.voice], range(1, start.n_bars + 1)
    of_bars = f"locked bars of {start.n_bars}"
    fold = st.expander("Lock drums or bars", icon=":material/lock:", key=FOLDS[1], on_change="rerun")
    if fold.open:
        with fold:
            st.pills(
                "Drums that stay note for note",
                drums,
                selection_mode="multi",
                key=LOCKED,
                persist_state="session",
                format_func=lambda key: VOICES[VOICE_INDEX[key]].label,
            )
            st.pills("Bars that stay note for note", bars, selection_mode="multi", key=of_bars, persist_state="session")
    locked, locked_bars = st.session_state.get(LOCKED) or (), st.session_state.get(of_bars) or ()
    return tuple(key for key in drums if key in locked), tuple(bar for bar in bars if bar in locked_bars)


def measured() -> None:
    """What the sliders' figures mean, one click behind."""
    with st.popover("How is this measured?", icon=":material/straighten:", type="tertiary"):
        st.markdown(
            "A slider stands at a **percentile**: of a hundred grooves that the model learned from, so many have less "
            "of it; 50 is typical. Under one that you moved stands what the new groove **achieved**, measured on its "
            "hits like any other groove, and the value in its own unit; the mark is where it stood before. How well "
            "the shipped model obeys each slider, on takes that "
            "it never heard, is drawn on the About page: a slider that did nothing would draw a level line."
        )


def tell(banks: Sequence[sliders.Bank], start: Groove, settings: Settings, made: Variation, model: Opened) -> None:
    """Draw the sliders with what was achieved, and offer their lanes; one that is touched may ask for its own here."""
    names = [name for bank in banks for name in bank.names]
    bases = {name: lanes.base(start, settings, model, name) for name in names}
    touched = sliders.touched(bases)
    lane = None if touched is None else played.unpacked(caches.lane(start, settings, touched))
    stand = lanes.STANDS.offer(start, settings, model)
    sliders.tell(banks, made.settings, made.groove, model.quantiles, bases, lane, stand)


def tell_nothing(banks: Sequence[sliders.Bank], start: Groove, quantiles: Quantiles) -> None:
    """Draw the sliders where no variation could be made."""
    sliders.tell(banks, {}, start, quantiles, {})


def _begin() -> None:
    """Where nothing plays, a hand at the amount or the dice has it begin, as one at the pad and at a slider does."""
    st.session_state[_BEGINS] = True


def _roll() -> None:
    _begin()
    # Not `random`: the next seed is as good as any, and the visitor can go back.
    st.session_state[_SEED] = (int(st.session_state.get(_SEED, 0)) + 1) % (MAX_PAGE_SEED + 1)


def take_link() -> None:
    """Set all that shapes a variation as a link says, the first time it is opened. Call it before the widgets.

    Raises:
        CheckpointError: there is no model.
    """
    shared = hand.fresh_link()
    if shared is not None and isinstance(asked := shared.settings.get("vary"), dict):
        _take(asked, shared.groove.n_bars)
        if not models.in_use().is_named(shared.model):
            st.info(ANOTHER_MODEL, icon=":material/info:")
    elif (found := session_settings.fresh()) is not None:
        _take(link_settings(found)["vary"], hand.now().shown.n_bars)
    if (found_step := session_settings.fresh_step(hand.titles())) is not None:
        other, step = found_step
        st.session_state[OTHER], st.session_state[STEP] = other, min(max(step, 1), INTERPOLATION_STEPS)


def _take(asked: Mapping[str, Any], n_bars: int) -> None:
    """Set the widgets as a link or an address says; what makes no sense is left as it is."""
    amount, seed = _number(asked.get("amount"), 0.0, 1.0), _number(asked.get("seed"), 0, MAX_PAGE_SEED)
    if amount is not None:
        st.session_state[_AMOUNT] = round(100 * amount)
    if seed is not None:
        st.session_state[_SEED] = round(seed)
    places = asked.get("asked")
    model = models.in_use()
    style = asked.get("style")
    st.session_state[_STYLE] = style if isinstance(style, str) and style in model.styles else None
    if isinstance(places, dict):
        known_sliders = [name for name in SLIDERS if name in model.quantiles.knots]
        sliders.ask(
            {name: place for name in known_sliders if (place := _number(places.get(name), 0.0, 1.0)) is not None}
        )
    for key, name, known in (
        (LOCKED, "keep", VOICE_KEYS),
        (f"locked bars of {n_bars}", "keep_bars", range(1, n_bars + 1)),
    ):
        locked = asked.get(name)
        st.session_state[key] = [value for value in known if isinstance(locked, list) and value in locked]


def set_up(settings: Settings) -> None:
    """Have the page open with these: an amount and a seed, and nothing else asked."""
    st.session_state[_AMOUNT], st.session_state[_SEED] = round(100 * settings.amount), settings.seed
    st.session_state[_STYLE] = settings.style
    sliders.ask(dict(settings.asked))


def _number(value: object, least: float, most: float) -> float | None:
    """A number out of a link, within its range; None for anything else."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return min(max(float(value), least), most) if is_number else None  # type: ignore[arg-type]


# -- what the deck plays ----------------------------------------------------------


def play(held: hand.Hand, start: Groove, made: Variation, settings: Settings) -> None:
    """Hand the deck the variation; or, where one is asked for, a step of an interpolation."""
    pad.give_way(pad.mark(start, settings))
    step = None
    with suppress(RhythmVAEError):  # said beside the choice of the other groove
        step = _step(start)
    on_pad = pad.groove() if step is None else None
    if on_pad is not None:
        lane, link = Lane("pad", on_pad.title, on_pad, is_another=True), hand.link_to(on_pad)
        cue = repr(pad.rests())
    elif step is not None:
        lane, link = Lane("step", step.title, step, is_another=True), hand.link_to(step)
        cue = repr((OTHER, st.session_state.get(OTHER), st.session_state.get(STEP)))
    else:
        lane = Lane("variation", "Variation", made.groove, held.first)
        link, cue = hand.link_to(start, link_settings(settings)), repr(settings)
    deck.result(lane, link=link, hear=Hear(cue, starts=st.session_state.pop(_BEGINS, False)))


def link_settings(settings: Settings) -> dict[str, dict[str, Any]]:
    """Settings as a link carries them."""
    return {
        "vary": {
            "amount": settings.amount,
            "seed": settings.seed,
            "asked": dict(settings.asked),
            "keep": list(settings.keep),
            "keep_bars": list(settings.keep_bars),
            "style": settings.style,
        }
    }


def files(start: Groove, made: Groove, settings: Settings, heard: Heard) -> None:
    """Take the variation home as it is heard, keep it, or go on from it."""
    named = titled(start, made, settings, 0)
    stem = file_stem(named.title)
    with st.container(horizontal=True):
        st.button(
            "Kept" if tray.holds(named) else "Keep",
            icon=":material/star:",
            on_click=tray.toggle,
            args=(named,),
            type="primary" if tray.holds(named) else "secondary",
            key="keep variation",
        )
        st.button("Go on from here", icon=":material/arrow_forward:", on_click=go_on, args=(named,))
        complete_button(named)
        back_button()
        played = made.at_rate(heard.rate)
        for label, data, suffix, mime in (
            # Without its name: byte for byte what the command line writes.
            ("MIDI", partial(write_midi, played), "mid", "audio/midi"),
            ("WAV", partial(synth.wav_bytes, played, loop=True, muted=heard.muted), "wav", kits.KIND),
        ):
            st.download_button(
                label, data, f"{stem}.{suffix}", mime, on_click="ignore", icon=":material/download:", key=f"as {label}"
            )


def titled(start: Groove, made: Groove, settings: Settings, index: int) -> Groove:
    """A variation by a name that tells it from the others."""
    return replace(made, title=name_with_tail(start.title or "Groove", f", variation {settings.seed}.{index + 1}"))


def name_with_tail(start: str, tail: str) -> str:
    """A name that a file can have whole: of too long a one, the start is cut."""
    return start[: MAX_STEM - len(tail)] + tail


# -- many at once --------------------------------------------------------------


def cards(start: Groove, settings: Settings) -> None:
    """Deal variations as cards: hear each in time with the others, keep some, go on from one."""
    used = models.in_use().contents
    with st.container(horizontal=True, vertical_alignment="bottom"):
        n = st.segmented_control("How many", DEALS, default=DEALS[1], key="how many", required=True)
        st.button(
            "Deal variations",
            type="primary",
            icon=":material/style:",
            on_click=_deal,
            args=(n, start, settings, used),
        )
    if n_before := session_settings.fresh_cards():
        _deal(n_before, start, settings, used)
    elif stage.is_shown(stage.CARDS) and st.session_state.get(_DEALT, (None,))[0] != used:
        _deal(n, start, settings, used)  # on a phone nothing else would be there
    dealt_by, *dealt = st.session_state.get(_DEALT, (None,))
    if dealt_by != used:  # another model's cards would be others under the same names
        st.caption("Each card is another draw with these settings. The first is the variation in the deck.")
        return
    dealt_start, dealt_settings = dealt
    with st.spinner("Dealing"):
        made = caches.variations(dealt_start, dealt_settings)
    grooves = [titled(dealt_start, variation.groove, dealt_settings, i) for i, variation in enumerate(made)]
    deck.cards(
        [
            Lane(
                f"card {i}",
                f"Variation {dealt_settings.seed}.{i + 1}",
                groove,
                note=differences.difference(dealt_start, groove, models.in_use().quantiles),
                pressed=("keep",) if tray.holds(groove) else (),
            )
            for i, groove in enumerate(grooves)
        ],
        key=CARDS,
        actions={"keep": "★ Keep", "take": "↓ MIDI", "more": "More like this"},
        on_act=partial(_act, grooves),
    )
    if (fingerprint(dealt_start), replace(dealt_settings, n=1)) != (fingerprint(start), settings):
        st.caption("The settings have changed since these were dealt.")


def _many(start: Groove, settings: Settings) -> session_settings.Many:
    """Cards that the same settings would deal again, and the interpolation."""
    n_cards = 0
    if (dealt := st.session_state.get(_DEALT)) is not None:
        contents, dealt_start, by = dealt
        is_same = replace(by, n=settings.n) == settings and contents == models.in_use().contents
        n_cards = by.n if is_same and fingerprint(dealt_start) == fingerprint(start) else 0
    other = st.session_state.get(OTHER) or ""
    return session_settings.Many(n_cards, other, int(st.session_state.get(STEP, HALF_WAY)) if other else 0)


def _deal(n: int, start: Groove, settings: Settings, contents: str) -> None:
    st.session_state[_DEALT] = contents, start, replace(settings, n=n)


def _act(grooves: Sequence[Groove]) -> None:
    act = deck.act_of(CARDS)
    found = [groove for i, groove in enumerate(grooves) if act is not None and act[0] == f"card {i}"]
    if act is None or not found:
        return
    if act[1] == "keep":
        tray.toggle(found[0])
    elif act[1] == "more":
        go_on(found[0])


# -- from one to the next ------------------------------------------------------


def go_on(groove: Groove) -> None:
    """The variation becomes the start."""
    start_from(groove)
    sliders.ask({})


def start_from(groove: Groove, span: tuple[int, int] | None = None) -> None:
    """A new start, from which the way back is known; `span` as for `hand.hold`."""
    history = st.session_state.setdefault(_HISTORY, [])
    history.append((hand.chosen(), dict(sliders.asked())))
    del history[:-MAX_HISTORY]
    hand.hold(groove, span)


def complete_button(groove: Groove) -> None:
    """Leads to the Complete page with a groove in hand."""
    st.button(COMPLETE_IT, icon=COMPLETE_ICON, on_click=lead, args=(COMPLETE, groove), help=COMPLETE_HELP)


def complete_link() -> None:
    """The same with the groove that is in hand."""
    st.page_link(COMPLETE, label=COMPLETE_IT, icon=COMPLETE_ICON, help=COMPLETE_HELP)


def lead(page: str, groove: Groove) -> None:
    """A press takes a groove in hand, for which all of the app runs anew, and to another page: `follow` goes there."""
    start_from(groove)
    st.session_state[_LEADS_TO] = page


def follow() -> None:
    """Go to the page that a press leads to. Call it where a page begins that has such presses."""
    if (page := st.session_state.pop(_LEADS_TO, None)) is not None:
        st.switch_page(page)


def back_button() -> None:
    """Leads to the start before, if there was one."""
    if st.session_state.get(_HISTORY):
        st.button("Back to the previous start", icon=":material/undo:", on_click=_go_back)


def _go_back() -> None:
    """The start before, and what was asked of it."""
    if history := st.session_state.get(_HISTORY):
        key, asked = history.pop()
        hand.choose(key)
        sliders.ask(asked)


# -- interpolation --------------------------------------------------------------


def _step(start: Groove) -> Groove | None:
    """The chosen step of an interpolation to another groove; None where none is chosen.

    Raises:
        RhythmVAEError: there is no interpolation between these two.
    """
    other = st.session_state.get(OTHER)
    if other not in hand.titles():
        return None
    end = edits.edited(hand.load(other))
    end = end.bars(1, min(end.n_bars, hand.MAX_BARS))
    with st.spinner("Interpolating"):
        steps = caches.between(start, end, INTERPOLATION_STEPS)
    step = int(st.session_state.get(STEP, HALF_WAY))
    name = name_with_tail(f"{start.title or 'Start'} to {end.title or 'the other'}", f", step {step}")
    return replace(steps[step - 1], title=name)


def interpolation(start: Groove) -> None:
    """Even steps from the start to another groove; while one is chosen, the deck plays the step as the result."""
    fold = st.expander(
        "Interpolation to another groove", icon=":material/conversion_path:", key=FOLDS[2], on_change="rerun"
    )
    if not fold.open:
        return
    with fold:
        known = hand.titles()
        other = st.selectbox(
            "Other groove", list(known), index=None, key=OTHER, format_func=known.__getitem__, persist_state="session"
        )
        if other is None:
            st.caption(f"{INTERPOLATION_STEPS} even steps lead to it; both ends are as the model rebuilds them.")
            return
        last = INTERPOLATION_STEPS
        st.session_state.setdefault(STEP, HALF_WAY)  # not as the slider's default: the address may have set it
        st.slider("Step", 1, last, key=STEP, persist_state="session", help=f"1 is the start, {last} the other groove.")
        st.caption("The deck plays this step as the result. Clear the choice, and it plays the variation again.")
        with sentences.errors_shown():
            groove = _step(start)
            assert groove is not None
            with st.container(horizontal=True):
                st.button("Keep", icon=":material/star:", key="keep step", on_click=tray.toggle, args=(groove,))
                st.button(
                    "Go on from here", icon=":material/arrow_forward:", key="go on", on_click=go_on, args=(groove,)
                )


# -- what was kept -------------------------------------------------------------


def kept() -> None:
    """The tray: everything kept so far, to hear, to drop, to take home. A start out of it opens the page."""
    grooves = tray.kept()
    if not grooves:
        return
    st.subheader(f"Kept: {counted(len(grooves), 'groove')}")
    titles = list(grooves.values())
    deck.cards(
        [Lane(f"kept {i}", groove.title, groove, pressed=("keep",)) for i, groove in enumerate(titles)],
        key=KEPT,
        actions={"keep": "★ Keep", "take": "↓ MIDI", "start": "Start from this"},
        on_act=partial(_act_on_kept, titles),
    )
    write = results.midi_writer("tracks of kept")
    with st.container(horizontal=True):
        st.download_button(
            "All kept, as a zip of MIDI files",
            partial(tray.zipped, dict(grooves), write),
            "rhythmvae-kept.zip",
            "application/zip",
            on_click="ignore",
            icon=":material/folder_zip:",
        )
        if st.button("Train on these", icon=":material/model_training:", key="train on kept"):
            dataset.choose_tray()
            st.switch_page("pages/train.py")


def _act_on_kept(grooves: Sequence[Groove]) -> None:
    act = deck.act_of(KEPT)
    for i, groove in enumerate(grooves):
        if act == (f"kept {i}", "keep"):
            tray.toggle(groove)
        elif act == (f"kept {i}", "start"):
            lead(VARIATIONS, groove)
            sliders.ask({})
