"""A groove beside its reconstruction: figures and files."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from rhythmvae.analysis.metrics import Score
from rhythmvae.errors import RhythmVAEError
from rhythmvae.groove import Groove
from rhythmvae.midi.tracks import write_tracks
from rhythmvae.midi.write import write_midi
from rhythmvae.outputs import file_stem
from rhythmvae.sound import kits, synth
from rhythmvae.ui.components.deck import Heard
from rhythmvae.ui.parts import rebuilt, yardsticks
from rhythmvae.ui.parts.grid import grid
from rhythmvae.ui.parts.sentences import counted, literal
from rhythmvae.ui.session import caches, files, hand
from rhythmvae.ui.session.files import File

F1_HELP = (
    "F1 at 50 ms: 2 × matched / (hits in the original + hits in the reconstruction). A hit matches one of the "
    "same drum no more than 50 ms away, each at most once. 100 % means that nothing is missing and nothing was added."
)
TIMING_HELP = "How far a hit is from where it was played: the mean over the matched hits, early or late."
VELOCITY_HELP = "How far a hit's MIDI velocity (1 to 127) is from the one played: the mean over the matched hits."


NOTHING_PLAYED = "Nothing is played here yet: click cells in the deck, or have the model play."


def figures(score: Score, grid: Score, scope: str) -> None:
    """What came back in a sentence, and three figures, each beside a yardstick.

    Args:
        grid: the score of the same groove quantized.
    """
    matched, n = int(score.matched.sum()), int(score.n_reference.sum())
    missed, added = n - matched, int(score.n_estimate.sum()) - matched
    if not n and not added:
        st.info(NOTHING_PLAYED, icon=":material/grid_on:")
        return
    st.markdown(f"**{matched:,} of {counted(n, 'hit')} came back**; {missed:,} missed, {added:,} added, in {scope}.")
    ear_ms, ear_velocity = f"{yardsticks.EAR_MS:g} ms", f"{yardsticks.EAR_VELOCITY} of 127"
    flat_ms, flat_velocity = _unit(grid.timing_mae_ms, "ms"), _unit(grid.velocity_mae, "of 127")
    with st.container(horizontal=True, gap="large"):
        for label, value, compared in (
            ("Hits", f"{score.f1:.1%}", f"A plain baseline gets {yardsticks.baseline()['F1 50 ms']:.1%} on new takes."),
            (
                "Timing",
                f"{_unit(score.timing_mae_ms, 'ms')}",
                f"An ear notices about {ear_ms}. Quantized, it would be off by {flat_ms}.",
            ),
            (
                "Loudness",
                f"{_unit(score.velocity_mae, 'of 127')}",
                f"An ear notices about {ear_velocity}. With one loudness a drum, it would be off by {flat_velocity}.",
            ),
        ):
            with st.container(width=260, gap=None):
                st.metric(label, value)
                st.caption(compared)
    _measured()


def _measured() -> None:
    with st.popover("How is this measured?", icon=":material/straighten:", type="tertiary"):
        st.markdown(
            f"**Hits.** {F1_HELP}\n\n**Timing.** {TIMING_HELP}\n\n**Loudness.** {VELOCITY_HELP}\n\n"
            "**Quantized** is this groove with every hit on its sixteenth and every drum at one loudness, its mean.\n\n"
            "**The plain baseline** is PCA (principal component analysis) with as many numbers as the shipped model, "
            f"on the {yardsticks.N_TAKES} takes of the Groove MIDI Dataset's validation split; the shipped model gets "
            f"{yardsticks.ours()['F1 50 ms']:.1%} there."
        )
        st.markdown("**What an ear notices.** " + " ".join(yardsticks.SOURCES))


def figures_line(score: Score) -> str:
    """The same in one line."""
    timing, velocity = _unit(score.timing_mae_ms, "ms"), _unit(score.velocity_mae, "of 127")
    return f"F1 {score.f1:.1%}, timing {timing}, velocity {velocity}"


def _unit(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:.1f} {unit}"


def midi_writer(key: str) -> Callable[[Groove], bytes]:
    """The way a groove is written for a download: in one track, or in a track for every drum if the visitor says so."""
    is_apart = st.toggle(
        "MIDI with a track for every drum",
        key=key,
        help="Every drum gets a named track of its own, so that you can see and mix the drums one by one in a "
        "DAW. The hits are the same.",
    )
    return write_tracks if is_apart else write_midi


def downloads(original: Groove, estimate: Groove, bars: tuple[int, int], name: str, heard: Heard) -> None:
    """Files to take home, at the tempo that is heard; each is made when it is asked for."""
    stem = file_stem(re.sub(r"\.\w{1,4}$", "", name))
    write = midi_writer("tracks of downloads")
    with st.container(horizontal=True):
        for groove, label, suffix in (
            (estimate, "Reconstruction", "reconstruction"),
            (original, "Original", "original"),
        ):
            _download(
                f"{label}, MIDI (all bars)", partial(_midi, groove, heard, write), f"{stem}-{suffix}.mid", "audio/midi"
            )
        for groove, label, suffix in (
            (estimate, "Reconstruction", "reconstruction"),
            (original, "Original", "original"),
        ):
            part = groove.bars(*bars)
            _download(f"{label}, WAV (bars shown)", partial(_wav, part, heard), f"{stem}-{suffix}.wav", kits.KIND)


def _download(label: str, data: Callable[[], bytes], name: str, mime: str) -> None:
    st.download_button(label, data, name, mime, on_click="ignore", icon=":material/download:", key=f"download {label}")


def _midi(groove: Groove, heard: Heard, write: Callable[[Groove], bytes]) -> bytes:
    return write(groove.at_rate(heard.rate))


def _wav(groove: Groove, heard: Heard) -> bytes:
    return synth.wav_bytes(groove.at_rate(heard.rate), loop=True, muted=heard.muted)


def table(own: Sequence[File]) -> None:
    """Figures of every file; one that fails gets its sentence and the rest go on. A row that is chosen opens it."""
    rows: list[dict[str, object]] = []
    opened: list[str] = []
    n_bars, seconds = 0, 0.0
    scores: list[Score] = []
    problems: list[str] = []
    progress = st.progress(0.0, "Rebuilding your files")
    for n, file in enumerate(own):
        progress.progress(n / len(own), "Rebuilding your files")
        try:
            score, bars, took = caches.score_of_file(file.data, file.name, files.options(file))
        except RhythmVAEError as error:
            if file.key != hand.chosen():  # that has been said of the file in hand
                problems.append(str(error))
            continue
        scores.append(score)
        n_bars += bars
        seconds += took
        rows.append(_row(file.name, score, bars))
        opened.append(file.key)
    progress.empty()
    if len(scores) > 1:
        rows.append(_row("All together", Score.total(scores), n_bars))
    if rows:
        st.dataframe(
            grid(rows),
            hide_index=True,
            key=f"table {len(own)}",
            on_select=partial(_open_row, f"table {len(own)}", opened),
            selection_mode=["single-row", "single-cell"],  # a row's own box is small: any of its cells will do
            column_config={
                "F1": st.column_config.NumberColumn(format="%.3f", help=F1_HELP),
                "Timing ms": st.column_config.NumberColumn(format="%.1f", help=TIMING_HELP),
                "Velocity": st.column_config.NumberColumn(format="%.1f", help=VELOCITY_HELP),
            },
            alt="Figures of every file of yours",
        )
        st.caption("Whole files, each read as you chose. Press a row to open its file.")
    for problem in problems:
        st.error(literal(problem), icon=":material/error:")
    if rows:
        rebuilt.offer(own, n_bars, seconds)  # the last: the page stays here while it is made


def _open_row(key: str, opened: Sequence[str]) -> None:
    selected = st.session_state[key]["selection"]
    chosen = [*selected["rows"], *(row for row, _ in selected.get("cells", ()))]
    if chosen and chosen[0] < len(opened):
        hand.choose(opened[chosen[0]])


def _row(name: str, score: Score, n_bars: int) -> dict[str, object]:
    return {
        "File": name,
        "Bars": n_bars,
        "Hits": int(score.n_reference.sum()),
        "F1": score.f1,
        "Timing ms": score.timing_mae_ms,
        "Velocity": score.velocity_mae,
    }
