"""What a trained model is worth: figures on loops that it did not learn from, and those loops to hear.

All of it stands in the card that training writes (`held_out`, `copying`); here it is put in plain words.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import streamlit as st

from rhythmvae.errors import MidiError
from rhythmvae.jobs.run import RunStatus
from rhythmvae.midi.report import ReadOptions
from rhythmvae.model.card import BEFORE, MAX_NAME, OWN, Copying, Data, HeldOut, JudgedFile, Row, from_json
from rhythmvae.model.outline import read_file
from rhythmvae.text import clean_text
from rhythmvae.training.config import SHIPPED_NAME
from rhythmvae.training.journal import Done, Ready
from rhythmvae.ui.components import deck
from rhythmvae.ui.components.deck import Hear, Lane
from rhythmvae.ui.parts import training
from rhythmvae.ui.parts.grid import grid
from rhythmvae.ui.parts.results import F1_HELP, TIMING_HELP, VELOCITY_HELP
from rhythmvae.ui.parts.sentences import counted, errors_shown, table
from rhythmvae.ui.session import caches, files, hand, models
from rhythmvae.ui.session.opened import Opened, shipped
from rhythmvae.ui.shared import kept

WAS, NOW = "The model before", "Your model"
_IN_HAND = "kept out loop in hand"
SAME = 0.002  # F1 that is no difference
MOST_PLAIN_ROWS = 30  # of a table that nobody needs to sort
# Beside held-out loops': more identical ones are copies; fewer cells than these shares are close, or not as far.
COPIES_SHARE, CLOSE_SHARE, AS_FAR_SHARE = 0.05, 0.5, 0.8
NAMES = {
    "PCA": "Baseline: PCA, as many numbers",
    "mean pooling": "Baseline: mean pooling",
    "standard-deviation pooling": "Baseline: standard-deviation pooling",
    "cumulative normalization": "Baseline: cumulative normalization",
    "per-step mean": "Baseline: always the average loop",
}


def show(status: RunStatus) -> None:
    """How good the model of a run that has ended is, on loops that it did not learn from."""
    done = status.stages.get("done")
    if not isinstance(done, Done):  # stopped while it was measured; the warning of the run says so
        return
    card = from_json(done.card)
    st.subheader("How good it is")
    if card.before is not None and card.before.sentence:
        st.markdown(card.before.sentence)
    held_out = card.held_out
    if held_out is None:
        st.info(
            "All your files hold one and the same pattern, so none could be kept from the model to judge it by: "
            "there are no figures. Two different patterns are enough for some.",
            icon=":material/info:",
        )
        return
    if card.training.init not in (None, SHIPPED_NAME):
        st.warning(
            "The model that this one went on from may have learned from these very loops. Then they were not new to "
            "it, and the figures, before and now, flatter both.",
            icon=":material/warning:",
        )
    st.markdown(verdict(held_out))
    st.caption(measured(held_out, card.data, is_timed=card.training.max_minutes is not None))
    _table(held_out.rows, is_shipped=card.training.init == SHIPPED_NAME)
    _by_file(held_out.files)
    if card.copying is not None:
        st.markdown("**Does it make new grooves, or copies of yours?**")
        st.markdown(memorized(card.copying))


def verdict(held_out: HeldOut) -> str:
    """Better, as good or worse than before, in a sentence of Markdown."""
    scores = {row.name: row.score for row in held_out.rows}
    own, old = scores[OWN], scores.get(BEFORE)
    f1 = own.f1
    said = f"**On loops that it never heard it gets an F1 of {_number(f1, '.3f')}** (1 is every hit back, none added)"
    if old is None:
        best = max((s.f1 for name, s in scores.items() if name in NAMES and s.f1 is not None), default=None)
        return said + (f"; the best baseline gets {best:.3f}." if best is not None else ".")
    if f1 is None or old.f1 is None:
        return f"{said}."
    change = f1 - old.f1
    word = "as good as" if abs(change) <= SAME else "better than" if change > 0 else "worse than"
    said += f": {word} the model before with {old.f1:.3f}."
    for now, was, unit in (
        (own.timing_mae_ms, old.timing_mae_ms, " ms in timing"),
        (own.velocity_mae, old.velocity_mae, " of 127 in loudness"),
    ):
        if now is not None and was is not None:
            said += f" It errs by {now:.1f}{unit}, before by {was:.1f}."
    if change < -SAME:
        said += " For these loops, keep the model from before, or give it more of them."
    return said


def measured(held_out: HeldOut, data: Data, is_timed: bool = False) -> str:
    """How the figures were made.

    Args:
        is_timed: whether a limit of time ended training, or might have.
    """
    n_files, folds = len(held_out.files), held_out.folds
    kept = counted(data.validation_takes or 0, "file")
    if folds:
        shorter = f", for {_one_of(folds)} of the time" if is_timed else ""
        return (
            f"By cross-validation over {counted(n_files, 'file')}, for there are too few to keep many aside: {folds} "
            f"other models were trained in the same way{shorter}, each without {_one_of(folds)} of your files, and "
            f"judged by those alone. Your own model learned from all but {kept}, by which its best moment was chosen."
        )
    return (
        f"On {kept} that were kept from it while it learned from {counted(data.train_takes or 0, 'other')}; its best "
        "moment was chosen by them. Baselines were fitted to what it learned from."
    )


def _one_of(n: int) -> str:
    return {2: "a half", 3: "a third", 4: "a quarter", 5: "a fifth"}.get(n, f"one {n}th")


def memorized(copying: Copying) -> str:
    """The memorization meter: how near samples come to the training loops, beside loops that nobody copied."""
    made, real = copying.samples, copying.held_out
    copies = made.exact_duplicates > real.exact_duplicates + COPIES_SHARE
    close = made.cells < CLOSE_SHARE * real.cells
    word = (
        "It copies now and then: some of what it makes is one of your loops note for note."
        if copies
        else "It stays close to your loops: what it makes is often a variation of one of them."
        if close
        else "There is no telling: the loops kept from it are the same as those it learned from, or nearly so."
        if not made.cells
        else "It does not copy, but comes closer to your loops than loops that it never heard."
        if made.cells < AS_FAR_SHARE * real.cells
        else "No sign of copying: what it makes is about as far from your training loops as loops that it never heard."
    )
    return (
        f"{word}\n\n"
        f"- What it makes differs from the closest training loop in **{made.cells:g} cells** in the median (a cell "
        f"is one drum on one sixteenth of two bars); **{made.exact_duplicates:.0%}** are the same as one.\n"
        f"- Loops kept from it differ in **{real.cells:g} cells**; **{real.exact_duplicates:.0%}** are the same as one."
    )


def _table(rows: Sequence[Row], is_shipped: bool) -> None:
    names = {
        OWN: "Your model",
        BEFORE: "The shipped model, untouched" if is_shipped else "The model before, untouched",
    } | NAMES
    figures = ("F1, 50 ms", "Timing, ms", "Velocity, of 127", "Latent dimensions")
    cells = [
        (
            names.get(row.name, row.name),
            _figure(row.score.f1, ".3f"),
            _figure(row.score.timing_mae_ms, ".1f"),
            _figure(row.score.velocity_mae, ".1f"),
            _figure(row.latent_dimensions, ","),
        )
        for row in rows
    ]
    st.markdown(
        table(["Method", *figures], cells, numbers=figures),
        help=f"F1: {F1_HELP}\n\nTiming: {TIMING_HELP}\n\nVelocity: {VELOCITY_HELP}\n\n"
        "Latent dimensions: the numbers that a method may write two bars of 4/4 with.",
    )


def _figure(value: float | None, style: str) -> str:
    return "–" if value is None else format(value, style)


def _by_file(files: Sequence[JudgedFile]) -> None:
    has_before = any(row.before is not None for row in files)
    with st.expander(f"File by file ({len(files):,})", icon=":material/list:"):
        if has_before:
            pairs = [(row.name, row.before, row.f1) for row in files if row.f1 is not None and row.before is not None]
            n_better = sum(new > old + SAME for _, old, new in pairs)
            n_worse = sum(new < old - SAME for _, old, new in pairs)
            st.caption(
                f"{n_better:,} better than before, {n_worse:,} worse, {len(pairs) - n_better - n_worse:,} the same."
            )
            if pairs:
                _scatter(pairs)
        _table_of_files(files, ["F1 before", "F1 now"] if has_before else ["F1 now"])


def _table_of_files(files: Sequence[JudgedFile], names: Sequence[str]) -> None:
    """F1 of each file while it was held out, now and perhaps before; of many files one that can be sorted."""
    figures = [[row.before, row.f1][-len(names) :] for row in files]
    if len(files) <= MOST_PLAIN_ROWS:
        cells = [
            (clean_text(row.name), *(_figure(f1, ".3f") for f1 in own)) for row, own in zip(files, figures, strict=True)
        ]
        st.markdown(table(["File", *names], cells, numbers=names))
        return
    rows = [{"File": row.name} | dict(zip(names, own, strict=True)) for row, own in zip(files, figures, strict=True)]
    st.dataframe(
        grid(rows),
        hide_index=True,
        column_config={name: st.column_config.NumberColumn(format="%.3f", help=F1_HELP) for name in names},
        alt="F1 of each file while it was held out",
    )


def _scatter(files: Sequence[tuple[str, float, float]]) -> None:
    from rhythmvae import plots  # not above: plotly is for who trains

    st.plotly_chart(
        plots.before_and_after(files),
        key="before and after",
        config=plots.CONFIG,
        alt="F1 of each file, before against now",
    )
    st.caption("Each point is a file that was held out. Above the dotted line it is rebuilt better than before.")


def _number(value: float | None, style: str) -> str:
    return "…" if value is None else format(value, style)


# -- to hear -------------------------------------------------------------------


def hear(status: RunStatus) -> None:
    """Loops that the model did not learn from, before and after, as soon as it can be used."""
    ready = status.stages.get("ready")
    if isinstance(ready, Ready) and ready.kept_out and status.checkpoint is not None:
        with errors_shown():
            _hear(status, ready.kept_out)


def _hear(status: RunStatus, names: Sequence[str]) -> None:
    """Take a loop in hand, and hand the deck what the model before or the new one makes of it."""
    st.markdown("**Hear loops that were kept from it**")
    key = f"kept out {status.about.get('run')}"
    st.selectbox(
        "Loop",
        list(names),
        index=None,
        placeholder="Choose one, and the deck plays it",
        key=key,
        on_change=_take_loop,
        args=(status, key),
        help="Those that your model did not learn from.",
    )
    held = hand.now()
    if st.session_state.get(_IN_HAND) != held.key:
        return
    before = _before(status, _folder(status))
    which = [NOW] if before is None else [WAS, NOW]
    by = st.segmented_control("Rebuilt by", which, default=NOW, key=f"{key} by", required=True)
    with st.spinner("Rebuilding it"):
        model = before if by == WAS and before is not None else _opened(status)
        made = caches.reconstruct(held.original, model).bars(held.first, held.last)
    deck.result(Lane(by, f"{by}, {held.part}", made, held.first, against=held.shown), hear=Hear(by, starts=False))


def _take_loop(status: RunStatus, key: str) -> None:
    name = st.session_state[key]
    if name is None:
        return
    data = None
    with suppress(MidiError):
        data = _member(_folder(status) / training.DATA_FILE, name)
    if data is None:
        files.say("Your files are not on the server any more.")
        return
    groove = caches.read(data, name, ReadOptions(kit=_opened(status).kit_map))[0]
    hand.hold(replace(groove, title=name))
    st.session_state[_IN_HAND] = hand.chosen()


def _folder(status: RunStatus) -> Path:
    assert status.checkpoint is not None
    return status.checkpoint.parent


def _member(archive: Path, name: str) -> bytes | None:
    """A file of the zip that the run learned from, by its name as a card has it; None where it is gone."""
    try:
        with zipfile.ZipFile(archive) as opened:
            [member] = [member for member in opened.namelist() if clean_text(member, MAX_NAME) == name][:1]
            return opened.read(member)
    except (OSError, ValueError):  # ValueError: there is none of that name
        return None
    except zipfile.BadZipFile as error:
        raise MidiError("The data of this run cannot be read any more; train again to hear it.") from error


def _opened(status: RunStatus) -> Opened:
    """A run's model: the one that is open already, where the session uses it."""
    if training.is_used(status):
        return models.in_use()
    assert status.checkpoint is not None
    path = status.checkpoint
    return _loaded(str(path), path.stat().st_mtime_ns if path.is_file() else 0)


def _before(status: RunStatus, folder: Path) -> Opened | None:
    """The model that a run went on from."""
    init = folder / training.INIT_FILE
    if init.is_file():
        return _loaded(str(init), init.stat().st_mtime_ns)
    return shipped() if status.about.get("start") == SHIPPED_NAME else None


@kept(max_entries=2)
def _loaded(path: str, time_ns: int) -> Opened:
    return models.opened(read_file(Path(path)), Path(path).name)
