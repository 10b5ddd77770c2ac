"""A sound over the grid of its bars, and what a click corrects: tempo, the one, and from where on a stroke counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from rhythmvae.audio import pcm
from rhythmvae.audio.formats import LOOP_BPM
from rhythmvae.audio.hits import RATE
from rhythmvae.data.recording import UNLIKELY, Transcription
from rhythmvae.errors import AudioError
from rhythmvae.kit import VOICES
from rhythmvae.text import counted
from rhythmvae.ui.components import assets, deck, waveform
from rhythmvae.ui.parts.sentences import literal
from rhythmvae.ui.session import hand, sounds
from rhythmvae.ui.session.sounds import Asked, Own

WAVEFORM = "waveform"
NEAR_SECONDS = 0.04  # a click so near to a stroke means it
MOST_PERCENT = 98


def anyway_button() -> None:
    """Below the sentence that a sound is no drums alone: take it all the same."""
    sound = sounds.of(hand.chosen())
    if sound is None or sound.recording.is_drums:
        return
    how = sounds.asked(sound)
    if not how.anyway and len(sound.recording.strokes()):
        st.button("Take it anyway", key="take it anyway", on_click=sounds.ask, args=(sound, replace(how, anyway=True)))


def show() -> None:
    """Where the groove in hand is a sound: what was heard in it, the waveform, and the corrections.

    Of one that gives no groove nothing: why is said above every page.
    """
    sound = sounds.of(hand.chosen())
    if sound is None:
        return
    try:
        found = sounds.read(sound)
    except AudioError:
        return
    alone = sound.recording.heard.drums_alone
    words = f"{counted(len(found.heard), 'stroke')} heard in {sound.seconds:.1f} s of sound. "
    words += f"It is {alone:.0%} likely that this is drums alone."
    if not sound.recording.is_drums:
        words += (
            " Whatever else sounds is heard as drums too. For a better groove use a drum stem: a file with the drums "
        )
        words += "and nothing else."
    st.markdown("  \n".join(literal(sentence) for sentence in (words, *found.report.remarks)))
    waveform.show(
        sound.recording.peaks,
        sound.seconds,
        found.groove,
        key=WAVEFORM,
        on_one=_click,
    )
    st.caption(
        "Press the waveform where bar 1 begins, if its lines are wrong. The sound is here while this page is open. "
        "When you load the page again, its groove is still here and the sound is not."
    )
    _tempo(sound, found)
    _thresholds(sound)


def in_deck(held: hand.Hand) -> deck.Sound | None:
    """The sound of the bars that the deck has, where the groove in hand comes of one: some seconds, fetched late."""
    sound = sounds.of(held.key)
    if sound is None:
        return None
    begin, end = (float(held.read.seconds(held.read.bar_lines[bar])) for bar in (held.first - 1, held.last))
    first = max(int(begin * RATE), 0)
    part = sound.data[first * pcm.SAMPLE_BYTES : (int(end * RATE) + 1) * pcm.SAMPLE_BYTES]
    return deck.Sound(assets.address("sound.wav", pcm.wav(part), "audio/wav"), begin - first / RATE) if part else None


def _click() -> None:
    """The one is where the waveform was pressed: at the stroke there, or else at the nearest 16th."""
    sound, seconds = sounds.of(hand.chosen()), waveform.pressed(WAVEFORM)
    if sound is None or seconds is None or seconds > sound.seconds:
        return
    try:
        found = sounds.read(sound)
    except AudioError:
        return
    groove, strokes = found.groove, found.heard.seconds
    places = groove.seconds(np.arange(groove.n_steps, dtype=np.float64))
    nearest = float(strokes[np.abs(strokes - seconds).argmin()])
    if abs(nearest - seconds) > NEAR_SECONDS:
        nearest = float(places[np.abs(places - seconds).argmin()])
    sounds.ask(sound, replace(sounds.asked(sound), one=nearest))


def _tempo(sound: Own, found: Transcription) -> None:
    groove, how = found.groove, sounds.asked(sound)
    bpm = groove.tempo_at(groove.n_steps).bpm
    step = 15.0 / bpm
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = f"tempo {bpm:.4f} of {sound.key}"
        st.number_input(
            "Tempo, BPM",
            *LOOP_BPM,
            bpm,
            1.0,
            key=key,
            format="%.2f",
            width=150,
            on_change=_set_tempo,
            args=(sound, key),
        )
        for label, factor in (("Half", 0.5), ("Double", 2.0)):
            args = (sound, replace(how, bpm=bpm * factor))
            is_none = not LOOP_BPM[0] <= bpm * factor <= LOOP_BPM[1]
            st.button(f"{label} the tempo", key=f"{label} tempo", on_click=sounds.ask, args=args, disabled=is_none)
        for label, by in (("Bar 1 earlier", -step), ("Bar 1 later", step)):
            bar = step * groove.meter_at(groove.n_steps - 1).steps_per_bar
            one = found.downbeat_seconds + by
            args = (sound, replace(how, one=one if one > -step / 2 else one + bar))
            st.button(label, key=label, on_click=sounds.ask, args=args, help="By a 16th")
        if replace(how, anyway=False) != Asked():
            st.button(
                "As it was heard",
                key="as it was heard",
                on_click=sounds.ask,
                args=(sound, Asked(anyway=how.anyway)),
                icon=":material/restore:",
                type="tertiary",
            )
    for question in found.report.questions:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(literal(f"The tempo may be another one than {question.taken}:"), icon=":material/help:")
            for other in question.others:
                args = (sound, replace(how, bpm=float(other.split()[0])))
                st.button(other, key=f"rather {other}", on_click=sounds.ask, args=args)


def _set_tempo(sound: Own, key: str) -> None:
    bpm = float(st.session_state[key])
    if LOOP_BPM[0] <= bpm <= LOOP_BPM[1]:  # a widget's limits hold in the browser alone
        sounds.ask(sound, replace(sounds.asked(sound), bpm=bpm))


def _thresholds(sound: Own) -> None:
    """For each drum that may be in it, how sure a stroke has to be."""
    recording, chosen = sound.recording, dict(sounds.asked(sound).thresholds)
    maybe = np.unique(recording.heard.voice).tolist()
    with st.expander("Which strokes count", icon=":material/tune:"):
        st.caption("Left: softer and less likely strokes of a drum count too. Right: only sure ones.")
        with st.grid(3, min_column_width=220):
            for voice in maybe:
                key = f"threshold {voice} of {sound.key}"
                value = round(100 * chosen.get(voice, float(recording.thresholds[voice])))
                st.session_state[key] = min(max(value, _LEAST_PERCENT), MOST_PERCENT)
                st.slider(
                    VOICES[voice].label,
                    _LEAST_PERCENT,
                    MOST_PERCENT,
                    key=key,
                    format="%d%%",
                    on_change=_set_threshold,
                    args=(sound, voice, key),
                )


_LEAST_PERCENT = round(100 * UNLIKELY)


def _set_threshold(sound: Own, voice: int, key: str) -> None:
    how = sounds.asked(sound)
    value = min(max(float(st.session_state[key]), _LEAST_PERCENT), MOST_PERCENT) / 100
    sounds.ask(sound, replace(how, thresholds=tuple(sorted({**dict(how.thresholds), voice: value}.items()))))
