"""What a groove is and how it is played: what `describe` says, in words with a way to hear it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from rhythmvae.data import names
from rhythmvae.groove import STEPS_PER_QUARTER
from rhythmvae.kit import VOICES
from rhythmvae.ui.components import deck
from rhythmvae.ui.components.deck import Hear, Lane
from rhythmvae.ui.parts import completing
from rhythmvae.ui.parts.grid import grid
from rhythmvae.ui.parts.sentences import counted, literal, table
from rhythmvae.ui.session import caches, files, hand

if TYPE_CHECKING:
    from rhythmvae.model.verbs import Prediction

MIN_HITS = 4  # of a groove whose style and drummer are named
N_SHARES = 6  # styles on show
N_CHORDS, N_NEAREST, N_SURPRISES = 8, 3, 5
NOTE_NAMES = {1 / 4: "64th", 1 / 3: "32nd triplet", 1 / 2: "32nd", 2 / 3: "16th triplet", 1.0: "16th", 4 / 3: "triplet",
              3 / 2: "dotted 16th", 2.0: "eighth", 8 / 3: "quarter triplet", 3.0: "dotted eighth", 4.0: "quarter",
              6.0: "dotted quarter", 8.0: "half", 12.0: "dotted half", 16.0: "whole note"}  # fmt: skip
LABELS = {voice.key: voice.label for voice in VOICES}
_PART = "part of a groove to hear"
_MEASURES = {
    "witek": ("Syncopation (Witek)", "how much kick and snare push against the beat; 0 is none"),
    "sync": ("Syncopation (all drums)", "strokes on weak places that the strong place after them does not answer"),
    "step_density": ("Filled 16ths", "share of the 16ths on which anything sounds, 0 to 1"),
    "evenness": ("Evenness", "1 where onsets lie as far apart as they can"),
    "balance": ("Balance", "1 where onsets pull to no side of the bar"),
    "complexity": ("Complexity", "density and syncopation together"),
    "laidbackness": ("Laid back", "−1 all early, +1 all late"),
}


# -- to hear -------------------------------------------------------------------


def play(held: hand.Hand) -> None:
    """The part that was pressed last, in the deck."""
    source, first, last, cue = st.session_state.get(_PART, (None, 1, 1, 0))
    if source != held.view.source or last > held.original.n_bars:
        deck.result(None)
        return
    part = held.original.bars(first, last)
    label = f"Bars {first} to {last}" if last > first else f"Bar {first}"
    deck.result(Lane("part", label, part, first), hear=Hear(f"part {cue}"))


def _hear(held: hand.Hand, first: int, last: int) -> None:
    """Have the deck play bars, as many of them as it holds."""
    cue = st.session_state.get(_PART, (None, 1, 1, 0))[-1] + 1
    st.session_state[_PART] = held.view.source, first, min(last, first + hand.MAX_BARS - 1), cue


def _button(held: hand.Hand, label: str, first: int, last: int, key: str) -> None:
    st.button(label, on_click=partial(_hear, held, first, last), icon=":material/play_arrow:", key=f"hear {key}")


# -- what it is ----------------------------------------------------------------


def described(held: hand.Hand) -> dict[str, Any]:
    """What is said of the groove in hand."""
    file = files.of(held.key)
    changes = () if file is None else files.read(file)[1].changes
    return caches.description(held.original, all(change.kind != "meter_assumed" for change in changes))


def kind(said: Mapping[str, Any]) -> None:
    """Style, beat or fill, tempo, meter, swing and feel, each with what it means and how often it is right."""
    from rhythmvae import plots  # not above: plotly is for who looks at pictures
    from rhythmvae.model import labels

    figures = labels.shipped().facts.figures
    st.subheader("What it is")
    is_told = said["n_hits"] >= MIN_HITS
    with st.container(horizontal=True, gap="medium"):
        for label, value, words in _headlines(said):
            if is_told or label in ("Tempo", "Meter"):
                st.metric(label, value, help=words, width="content")
    if not is_told:
        st.info(
            f"Too few hits to name a style or a drummer: {counted(said['n_hits'], 'hit')}, and it takes {MIN_HITS}.",
            icon=":material/grid_on:",
        )
        return
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(style_sentence(said["style"]))
        shares = list(said["style"]["probabilities"].items())[:N_SHARES]
        likely = {names.style_name(name): share for name, share in shares}
        st.plotly_chart(plots.shares(likely), key="style shares", config=plots.CONFIG, alt="Probability of each style")
        st.caption(weakness("Style", figures, "style"))
    with right:
        st.markdown(_feel_sentence(said))
        _nearest(said)
        st.caption(weakness("The drummer", figures, "drummer"))


def _headlines(said: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    tempo, swing, fill = said["tempo"], said["swing_percent"], said["beat_or_fill"]
    felt, written = tempo["as_felt"], tempo["bpm"]
    is_felt_otherwise = felt is not None and round(felt) != round(written)
    return [
        (
            "Style",
            names.style_name(said["style"]["label"] or "unknown"),
            "The training data's style that it is most like.",
        ),
        (
            "Plays a",
            fill["label"] or "–",
            "Beat or fill, from its bars; right for about nine of ten windows of two bars that were held out.",
        ),
        ("Tempo", f"{written:.0f} BPM", "Quarter notes a minute, as the file has it."),
        *([("Felt at", f"{felt:.0f} BPM", "Beats a minute as the hits suggest them.")] if is_felt_otherwise else []),
        ("Meter", said["meter"], "Of most of its bars."),
        (
            "Swing",
            "–" if swing is None else f"{swing:.0f} %",
            "Where the second of two notes comes: 50 is straight, 58 light, 66 a triplet shuffle.",
        ),
        ("Notes are", said["subdivision"] or "–", "Straight, swung, triplets, or mixed."),
    ]


def style_sentence(style: Mapping[str, Any]) -> str:
    """The style in words, with its probability."""
    key, share = next(iter(style["probabilities"].items()))
    name = names.style_name(key)
    if style["label"] is None:
        return (
            "**Unlike everything the labels were learned from,** so no style is named. Drum machines, songs and new "
            f"hands often are. The nearest guess would be {literal(name)} ({share:.0%})."
        )
    return f"**Most like {literal(name)}**, with a probability of {share:.0%}."


def weakness(what: str, figures: Mapping[str, Any], key: str) -> str:
    """How often a label is right, and where it is weak."""
    known, new = figures["takes"][key], figures["sessions"][key]
    return (
        f"{what} is right for {known['first']:.0%} of held-out takes from sessions that were learned, and for "
        f"{new['first']:.0%} in sessions that were not (the most frequent answer: {new['most_frequent']:.0%})."
    )


def _feel_sentence(said: Mapping[str, Any]) -> str:
    feel = f"**Feel:** {', '.join(said['feel'])}." if said["feel"] else "**Feel:** none of those that have a rule."
    drift = said["drift_percent"]
    if drift is None or abs(drift) < 0.5:
        return f"{feel} The tempo holds."
    return f"{feel} The second half is {abs(drift):.1f} % {'faster' if drift > 0 else 'slower'} than the first."


def _nearest(said: Mapping[str, Any]) -> None:
    """Whose playing it is most like, and the nearest takes."""
    drummer, share = next(iter(said["drummer"]["probabilities"].items()))
    who = names.drummer_name(drummer)
    st.markdown(f"**Plays most like** {literal(who)} of the training data ({share:.0%}). Nearest takes:")
    near = said["nearest"][:N_NEAREST]
    takes = names.take_names([(take["title"], take["style"], take["drummer"]) for take in near])
    rows = [[name, f"{take['distance']:.1f}"] for name, take in zip(takes, near, strict=True)]
    st.markdown(table(["Take", "Distance"], rows, numbers=["Distance"]))
    st.caption("A distance of 1 is usual between one take and its nearest.")


# -- form ----------------------------------------------------------------------


def form(held: hand.Hand, said: Mapping[str, Any]) -> None:
    """Sections and fills on a line of bars that plays what is pressed."""
    from rhythmvae import plots

    st.subheader("Form")
    whole, sections = said["form"], [tuple(section) for section in said["sections"]]
    st.markdown(
        f"**{literal(whole['letters'])}**: {counted(said['n_bars'], 'bar')}, {said['seconds']:.1f} s; equal letters "
        "play alike. A star is a fill by rule, a point's height how surely a bar is a fill."
    )
    shares = [bar["probability"] for bar in said["beat_or_fill"]["bars"]]
    key = f"form of {held.view.source}"
    st.plotly_chart(
        plots.form_line(sections, whole["fills"], shares),
        key=key,
        config=plots.CONFIG,
        on_select=partial(_press, held, key, sections),
        selection_mode="points",
        alt="Sections and fills, bar by bar; press a bar to hear it",
    )
    with st.container(horizontal=True):
        if whole["loop"] is not None:
            _button(
                held,
                f"The loop that stands for it ({_bars(*whole['loop'])})",
                whole["loop"][0],
                whole["loop"][1],
                "loop",
            )
        for first, last, letter in sections[:6]:
            _button(held, f"{letter} ({_bars(first, last)})", first, last, f"section {first}")
        for bar in whole["fills"][:3]:
            _button(held, f"Fill (bar {bar})", max(bar - 1, 1), bar, f"fill {bar}")
    later = [change for change in whole["changes"] if change["bar"] > 1]
    if later:
        rows = [[str(change["bar"]), f"{change['seconds']:.1f} s", _change(change)] for change in later]
        st.markdown(table(["Bar", "At", "From there on"], rows))


def _bars(first: int, last: int) -> str:
    return f"bars {first} to {last}" if last > first else f"bar {first}"


def _change(change: Mapping[str, Any]) -> str:
    tempo = f"{change['tempo']:.0f} BPM" if change.get("tempo") is not None else ""
    return ", ".join(part for part in (tempo, change.get("meter") or "") if part)


def _press(held: hand.Hand, key: str, sections: Sequence[tuple[int, int, str]]) -> None:
    """A bar of the line was pressed: its bar and the rest of its section are heard."""
    points = st.session_state[key]["selection"]["points"]
    if points:
        bar = int(points[0]["x"])
        _hear(held, bar, next((last for first, last, _ in sections if first <= bar <= last), bar))


# -- how it is played ----------------------------------------------------------


def playing(said: Mapping[str, Any]) -> None:
    """Each drum before or behind the beat."""
    from rhythmvae import plots

    drums = {LABELS[voice]: own for voice, own in said["timing"].items()}
    if not drums:
        return
    st.subheader("How it is played")
    st.markdown("Early or late against the grid that the groove itself plays, swing included: above 0 is late.")
    meter = [int(part) for part in said["meter"].split("/")]
    bar_steps = meter[0] * 4 * STEPS_PER_QUARTER / meter[1]
    st.plotly_chart(
        plots.drum_timing({name: own["positions"] for name, own in drums.items()}, bar_steps),
        key="timing of drums",
        config=plots.CONFIG,
        alt="How early or late each drum is, by its place in the bar",
    )
    rows = [[name, signed(own["offset_ms"]), f"{own['spread_ms']:.1f}"] for name, own in drums.items()]
    st.markdown(table(["Drum", "Late, ms", "Spread, ms"], rows, numbers=["Late, ms", "Spread, ms"]))
    st.caption("Mute a drum in the deck, or play it alone, to hear it by itself.")


def signed(value: float) -> str:
    """With one decimal, and no sign of what is none.

    >>> signed(-0.04), signed(1.25), signed(-3.0)
    ('0.0', '+1.2', '-3.0')
    """
    rounded = round(value, 1)
    return f"{rounded:+.1f}" if rounded else "0.0"


def rhythm(said: Mapping[str, Any]) -> None:
    """Measures of the literature, and how far apart onsets are."""
    from rhythmvae import plots

    st.subheader("Rhythm")
    if said["intervals"]:
        rows = [(note_name(step), n) for step, n in said["intervals"]]
        st.plotly_chart(
            plots.counts(rows, "from one onset to the next"),
            key="intervals",
            config=plots.CONFIG,
            alt="How often each note length comes",
        )
    values = {**said["measures"], **said["descriptors"]}
    known = [
        [name, f"{values[key]:.2f}", words]
        for key, (name, words) in _MEASURES.items()
        if isinstance(values.get(key), int | float)
    ]
    if known:
        st.markdown(table(["Measure", "Value", "What it means"], known, numbers=["Value"]))


def note_name(steps: float) -> str:
    near = min(NOTE_NAMES, key=lambda each: abs(each - steps))
    return NOTE_NAMES[near] if abs(near - steps) < 0.05 else f"{steps / STEPS_PER_QUARTER:.2f} beats"


def chords(held: hand.Hand, said: Mapping[str, Any]) -> None:
    """What sounds together, and what follows what."""
    if not said["chords"]:
        return
    st.subheader("What sounds together")
    left, right = st.columns(2, gap="large")
    rows = [[each["name"], str(each["count"]), f"{each['share']:.0%}"] for each in said["chords"][:N_CHORDS]]
    left.markdown(table(["Together", "Times", "Of all"], rows, numbers=["Times", "Of all"]))
    rows = [[f"{each['first']}, then {each['then']}", str(each["count"])] for each in said["follows"][:N_CHORDS]]
    right.markdown(table(["One after the other", "Times"], rows, numbers=["Times"]))
    with left:
        _button(held, "Hear bar 1", 1, 1, "first bar")


def surprise(held: hand.Hand) -> None:
    """When it is asked for: how far the model expected what is in the deck, and the bar it would play next."""
    if not st.toggle("Show what comes next and what surprises", key="show surprises"):
        return
    if (used := completing.model()) is None:
        return
    found = caches.predicted(held.shown, None, used)
    st.markdown(
        f"**{found.bits_a_bar:.0f} bits a bar** in {held.part}: how far the model would have expected what is played, "
        "each bar from those before it. The lower, the more usual."
    )
    left, right = st.columns(2, gap="large")
    with left:
        _surprises(held, found)
    with right:
        completing.next_bar(found, "bar to come")


def _surprises(held: hand.Hand, found: Prediction) -> None:
    """The hits that were least expected, and their bars to hear."""
    hits = found.most_surprising(N_SURPRISES)
    rows = [
        [VOICES[voice].label, str(held.first + bar - 1), f"{1 + step / STEPS_PER_QUARTER:g}", f"{bits:.1f}"]
        for bar, step, voice, bits in hits
    ]
    st.markdown("**What surprises most:**" if rows else "Nothing is played, so nothing surprises.")
    if rows:
        st.markdown(table(["Drum", "Bar", "Quarter note", "Bits"], rows, numbers=["Bar", "Quarter note", "Bits"]))
        st.caption("A hit of 1 bit was expected as often as not; with each further bit, half as often.")
    with st.container(horizontal=True):
        for bar in sorted({held.first + bar - 1 for bar, *_ in hits}):
            _button(held, f"Bar {bar}", bar, bar, f"surprise {bar}")


def hits(held: hand.Hand, said: Mapping[str, Any]) -> None:
    """Every hit of the bars in the deck, when it is asked for."""
    if not said["hits"] or not st.toggle(f"Show every hit of {held.part}", key="every hit"):
        return
    columns: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "bar": ("Bar", int),
        "beat": ("Beat", float),
        "voice": ("Drum", LABELS.__getitem__),
        "seconds": ("At, s", float),
        "until_own": ("Until its next, s", float),
        "velocity": ("Velocity, 1 to 127", int),
        "class": ("Class", str),
        "offset_ms": ("Late, ms", float),
        "ornament": ("Ornament", lambda name: name or ""),
    }
    rows = [
        {label: read(hit[key]) for key, (label, read) in columns.items()}
        for hit in said["hits"]
        if held.first <= hit["bar"] <= held.last
    ]
    st.dataframe(grid(rows), hide_index=True, key="hits", alt="Every hit")
