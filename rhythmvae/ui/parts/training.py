"""The parts of the Train page: what is asked of a run, how it stands, and its model put into use.

A run belongs to the visitor (`visitor.token`), not to the session: a page switch or a reload finds
it again. Its model is put into use once, by the session that saw it being trained; any other has
a button for it.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import streamlit as st

from rhythmvae import share
from rhythmvae.data.survey import CROSS_VALIDATED_PATTERNS, Survey
from rhythmvae.errors import RhythmVAEError, ShareError, StoreError, UsageError
from rhythmvae.groove import Groove
from rhythmvae.jobs import process
from rhythmvae.jobs.estimate import MODEL_PHASES, Work
from rhythmvae.jobs.hosted import HostedJobs
from rhythmvae.jobs.ledger import Store
from rhythmvae.jobs.limits import Limits
from rhythmvae.jobs.queue import Jobs
from rhythmvae.jobs.run import RunStatus
from rhythmvae.model.outline import read_file
from rhythmvae.outputs import file_stem
from rhythmvae.resources import TRAINING_LIMITS
from rhythmvae.training.journal import Counted, Preview
from rhythmvae.training.settings import FOLDS, MIN_EPOCHS, RECIPE
from rhythmvae.ui.components import curves, deck
from rhythmvae.ui.components.deck import Lane
from rhythmvae.ui.parts import choices, dataset
from rhythmvae.ui.parts.choices import SCRATCH, SHIPPED, Choices, duration
from rhythmvae.ui.parts.dataset import Dataset
from rhythmvae.ui.parts.sentences import counted, errors_shown, literal, said
from rhythmvae.ui.session import models, visitor
from rhythmvae.ui.session.computing import POOL
from rhythmvae.ui.shared import database, database_address, kept

if TYPE_CHECKING:
    from rhythmvae.store.hosted import HostedRuns

POLL_SECONDS = 1.0
SITE = "RHYTHMVAE_SITE"  # as store.database.SITE: there are other servers beside this one
LOOK_SECONDS = 2.0  # between two looks whether one of them has died
NOTICE_SECONDS = 20.0  # on other pages
# in a run's folder
MODEL_FILE, DATA_FILE, INIT_FILE = "model.safetensors", "data/data.zip", "init.safetensors"

NEW_WINDOWS: int = round(RECIPE["batch_size"] * (1 - RECIPE["rehearsal"]))  # of a batch, of fine-tuning
A_DOZEN = Survey(n_usable=12, n_windows=24, n_patterns=12, n_bars=48)  # loops of four bars
PHASES = ("waiting", "ready", "over")
PARTS = (("--no-judging",), ("--only-judging",))  # a model for everybody who waits, before figures for anybody

_PROBLEM, _WATCHED, _TAKEN, _HEARD = "training problem", "training watched", "training taken", "training previews"

_LOG = logging.getLogger(__name__)


@kept()
def jobs() -> Jobs | HostedJobs:
    """The training runs of this server, and those of servers that were killed: they go on with the first call.
    Where the database is one that several machines share, those of all of them.

    Raises:
        UsageError: limits that are none.
    """
    limits = Limits.load(TRAINING_LIMITS)
    address = database_address()
    if address is not None and is_postgresql(address):
        if find_spec("procrastinate") is not None:
            return HostedJobs(limits, partial(_hosted, address))
        _LOG.warning("trainings run beside visitors: install rhythmvae[hosted] to have other machines train")
    look_seconds = LOOK_SECONDS if os.environ.get(SITE) else None
    return Jobs(limits, command=POOL.command(process.COMMAND), store=_store(), look_seconds=look_seconds)


def is_postgresql(address: str) -> bool:
    """Whether other machines can take runs from a database."""
    from rhythmvae.store.database import is_shared  # not above: SQLAlchemy takes 0.3 s

    return is_shared(address)


def _hosted(address: str) -> HostedRuns:
    """The runs of the site."""
    from rhythmvae.store.database import Database  # not above, as in `_store`
    from rhythmvae.store.hosted import HostedRuns

    return HostedRuns(Database(address))


def _store() -> Store | None:
    """Where runs outlive this server."""
    if (kept_in := database()) is None:
        return None
    from rhythmvae.store.runs import Runs  # not above: SQLAlchemy takes 0.3 s

    return Runs(kept_in)


@kept()
def begin_with_server() -> None:
    """Have the runs of a server that was killed go on, and what it left removed, without anybody waiting for it."""
    Thread(target=_begin, name="training runs begin", daemon=True).start()


def end_with_server() -> None:
    """End the processes of all runs, and leave the runs to the next server."""
    if len(jobs):  # else nobody asked for them
        jobs().close()


def _begin() -> None:
    try:
        jobs()
    except UsageError as error:
        _LOG.warning("there is no training: %s", error)


# -- what is asked -------------------------------------------------------------


def limits_line(limits: Limits) -> str:
    """What this server allows, in a sentence or two."""
    runs = "one model at a time" if limits.running == 1 else f"{limits.running} models at a time"
    return (
        f"This server trains {runs}, and {limits.queued} may wait. A run may train for up to {limits.minutes:g} "
        f"minutes, on {counted(limits.max_files, 'file')} of {limits.max_megabytes:g} MB together and "
        f"{limits.max_windows:,} windows; its model is kept for {limits.keep_minutes:g} minutes after the end. "
        "Keep any page of this app open meanwhile: without one, training ends after "
        f"{limits.absent_minutes:g} minutes with what it has learned by then."
    )


def data(limits: Limits) -> Dataset:
    """Widgets for the data, within the limits, and the report on it."""
    found = dataset.collect(limits.max_files, int(limits.max_megabytes * 2**20))
    dataset.report(found)
    return found


def problem(found: Dataset, limits: Limits) -> str | None:
    """Why there can be no training on this data, or None."""
    if not found.files:
        return "Drop some loops first. To see how it goes without any, choose the built-in patterns."
    n_windows = found.survey.n_windows
    if n_windows > limits.max_windows:
        return (
            f"Expected at most {limits.max_windows:,} windows of data on this server, got {n_windows:,}; choose fewer "
            "or shorter files, or train on your own machine with the command line."
        )
    return None


def begin_button(found: Dataset, asked: Choices, limits: Limits) -> None:
    """The button that starts a run, why it cannot be pressed, and one that gives the choices as a file."""
    reason = problem(found, limits)
    with st.container(horizontal=True):
        st.button(
            "Train",
            type="primary",
            icon=":material/model_training:",
            key="train",
            disabled=reason is not None,
            on_click=begin,
            args=(found, asked),
        )
        to_take = choices.config_to_take(asked, found.kit.rules)
        choices.download_button(to_take.to_toml(), "Download these choices (run.toml)", "download choices")
    if problem_now := st.session_state.get(_PROBLEM):
        st.error(literal(problem_now), icon=":material/error:")
    if reason is None:
        _time_to_expect(found, asked)
    elif found.files or asked.start == SCRATCH:
        st.caption(reason)
    else:
        st.caption(f"{reason} {time_of_a_dozen(asked)}")


def time_of_a_dozen(asked: Choices) -> str:
    """How long a few loops take, for who has not dropped any: by the estimate that speaks of his own as well."""
    seconds = jobs().outlook(work_of(A_DOZEN, asked)).model
    return f"A dozen loops take about {duration(seconds)} on this server."


def _time_to_expect(found: Dataset, asked: Choices) -> None:
    """How long a run would take that is asked for now, all that it does and all who are before it counted."""
    running, waiting = jobs().counts()
    if running + waiting:
        free = running < jobs().limits.running and not waiting
        others = f"{running} training and {waiting} waiting just now"
        st.caption(f"{others}; yours can start at once." if free else f"{others}: yours would wait its turn.")
    work = work_of(found.survey, asked)
    outlook = jobs().outlook(work)
    least = _least_steps(found.survey)
    more = f" With so much data it takes {least:,} steps." if asked.epochs is None and work.n_steps == least else ""
    figures = outlook.figures - outlook.model
    measured = f", then it is measured for about {duration(figures)}" if found.survey.n_patterns > 1 else ""
    st.caption(f"You can play with your model in about {duration(outlook.model)}{measured}.{more}")


def _least_steps(found: Survey) -> int:
    """Of fine-tuning, however few are asked for."""
    return MIN_EPOCHS * _steps_per_epoch(found)


def _steps_per_epoch(found: Survey) -> int:
    return -(-found.n_windows // NEW_WINDOWS)


def work_of(found: Survey, asked: Choices) -> Work:
    """How much a run has to do, by what is known before it begins."""
    is_new = asked.start == SCRATCH
    n_steps: int | None = max(asked.steps, _least_steps(found))
    if is_new or asked.epochs is not None:
        n_steps = None if is_new else (asked.epochs or 0) * _steps_per_epoch(found)
    return Work(
        n_steps=n_steps,
        minutes=asked.minutes if is_new or asked.epochs is not None else None,
        n_files=found.n_usable,
        n_bars=found.n_bars,
        n_folds=0 if is_new or found.n_patterns >= CROSS_VALIDATED_PATTERNS else min(FOLDS, found.n_patterns),
        is_new=is_new,
    )


def begin(found: Dataset, asked: Choices) -> None:
    """Queue a run, unless the visitor has one that has not ended: a second click is no second run."""
    st.session_state.pop(_PROBLEM, None)
    owner = visitor.token()
    try:
        last = jobs().status(owner)
        if last is not None and not last.is_over:
            return
        run = secrets.token_hex(8)
        about = {
            "run": run,
            "start": asked.start,
            "start_name": "" if asked.start in (SHIPPED, SCRATCH) else models.own()[asked.start].name,
            "minutes": asked.minutes,
            "config": choices.config_to_take(asked, found.kit.rules).to_toml(),
            "n_files": len(found.files),
        }
        work = work_of(found.survey, asked)
        jobs().submit(owner, partial(_prepare, found, asked), asked.name, about, PARTS, work)
        st.session_state[_WATCHED] = run
    except RhythmVAEError as error:
        st.session_state[_PROBLEM] = said(error)
    except OSError:
        st.session_state[_PROBLEM] = "The server has no room for the data just now; try again in a few minutes."


def _prepare(found: Dataset, asked: Choices, folder: Path) -> list[str]:
    """Put what a run needs into its folder; the arguments of its command."""
    file = folder / DATA_FILE
    file.parent.mkdir(mode=0o700)
    file.write_bytes(dataset.as_zip(found))
    if asked.start not in (SHIPPED, SCRATCH):
        if asked.start not in models.own():
            raise UsageError("The model to start from is not in this session any more; choose another to start from.")
        (folder / INIT_FILE).write_bytes(models.own()[asked.start].model.file())
    config = replace(
        asked.config(str(folder / INIT_FILE), found.kit.rules),
        about=f"{counted(len(found.files), 'file')} of a visitor, trained on in the browser",
    )
    (folder / choices.FILE_NAME).write_text(config.to_toml(), "utf-8")
    return arguments(folder)


def arguments(folder: Path) -> list[str]:
    """The command line of a run that has what it needs in a folder."""
    command = ["train", str(folder / DATA_FILE), "--out", str(folder / MODEL_FILE)]
    return [*command, "--config", str(folder / choices.FILE_NAME), "--journal"]


# -- how it stands -------------------------------------------------------------


def now() -> RunStatus | None:
    """The visitor's run. The first call that sees its model in the session that saw it learn takes that into use."""
    owner = visitor.known()
    with errors_shown():  # the rest of the page, and what was dropped on it, is there all the same
        status = jobs().status(owner) if owner is not None else None
        return None if status is None else _looked_at(status)
    return None


def _looked_at(status: RunStatus) -> RunStatus:
    run = status.about.get("run")
    if not status.is_over and status.checkpoint is None:
        st.session_state[_WATCHED] = run
    if status.checkpoint is not None:
        version = _phase(status)
        known = st.session_state.get(_TAKEN, {}).get(run)
        # The second time with all its figures: the same weights, for those who have it already.
        if (known is None and st.session_state.get(_WATCHED) == run) or (known and known[0] != version):
            with errors_shown(), st.spinner("Opening your model"):
                take(status)
                st.rerun()  # its name stands above the page, which is drawn already
    return status


def take(status: RunStatus) -> None:
    """Put a run's model into use; where the session has it already, its file with more figures takes its place.

    Raises:
        CheckpointError: the file is gone.
    """
    assert status.checkpoint is not None
    run, version = str(status.about.get("run")), _phase(status)
    taken: dict[str, tuple[str, str]] = st.session_state.setdefault(_TAKEN, {})
    loaded = models.opened(read_file(status.checkpoint), status.name)
    is_first, is_known = run not in taken, loaded.contents in models.own()
    taken[run] = version, loaded.contents
    if is_first or not is_known:
        if is_first:
            models.use(loaded, status.name)
        return
    # The same weights: whoever plays with it, or with another one, shall not notice.
    used = models.in_use().contents if models.is_own_in_use() else None
    models.use(loaded, models.own()[loaded.contents].name)
    if used is None:
        models.use_shipped()
    elif used != loaded.contents:
        models.choose(used)


def is_used(status: RunStatus) -> bool:
    """Whether every page of this session plays by the run's model."""
    known = st.session_state.get(_TAKEN, {}).get(status.about.get("run"))
    return known is not None and models.is_own_in_use() and models.in_use().contents == known[1]


def _phase(status: RunStatus) -> str:
    """What the page as a whole depends on; while it stays the same, the panel alone changes."""
    return "over" if status.is_over else "ready" if status.checkpoint is not None else "waiting"


def panel(status: RunStatus) -> None:
    """A run that has not ended: what it does, its curves, its grooves, and what a visitor can do about it."""
    st.subheader(literal(status.name))
    n_files, start = status.about.get("n_files", 0), status.about.get("start", SHIPPED)
    on = f"going on from {status.about.get('start_name')}"
    how = {SHIPPED: "fine-tuning the shipped model", SCRATCH: "from scratch"}.get(start, on)
    st.caption(f"{counted(n_files, 'file')}, {literal(how)}. You may visit other pages or reload this one meanwhile.")
    st.fragment(_live, run_every=POLL_SECONDS)(_phase(status))
    if status.checkpoint is not None:
        ready(status)
    visitor.remember()


def _live(phase: str) -> None:
    """What changes by itself. When more than that changes, the whole page is drawn anew."""
    owner = visitor.token()
    with errors_shown():
        _show_live(jobs().status(owner), owner, phase)


def _show_live(status: RunStatus | None, owner: str, phase: str) -> None:
    if status is None or _phase(status) != phase:
        st.rerun()
    words, share_done = sentence(status)
    with st.container(key="training state"):
        st.markdown(f"**{words}**")
        st.progress(share_done or 0.0)
    _buttons(status, owner)
    if status.training:
        _curves(status)
    if status.checkpoint is None:  # then loops that it never heard tell more
        _preview(status)


def sentence(status: RunStatus) -> tuple[str, float | None]:
    """What a run does just now, in words, and how far it is in that, 0 to 1, where it can be told."""
    share_done = _share(status)
    percent = "" if share_done is None else f", {share_done:.0%}"
    if status.state == "paused":
        return f"Paused. It goes on by itself in {duration(status.pause_seconds)}.", share_done
    if status.checkpoint is not None:
        return _measuring_sentence(status, percent), share_done if status.place is None else None
    left = "" if status.outlook is None else f" You can play with it in about {duration(status.outlook.model)}."
    if status.place is not None and status.n_workers == 0:
        return f"Waiting: no machine that trains is there just now. Yours is number {status.place} in the queue.", None
    if status.place is not None:
        ahead = "yours is next" if status.place == 1 else f"yours is number {status.place} in the queue"
        return f"Waiting for another model to be finished: {ahead}.{left}", None
    if status.state == "stopping":
        return f"Stopping: the best so far is kept, and gets its prior and its map first.{left}", None
    match _stage(status):
        case "reading":
            return f"Reading your files{percent}.{left}", share_done
        case "training":
            last = status.training[-1]
            of = f"{'at most ' if _is_timed(status) else ''}{last.n_steps:,}"
            return f"Learning: step {last.step:,} of {of}.{left}", share_done
        case "checking":
            return f"Making sure that none of your files gets worse{percent}.{left}", share_done
        case "prior":
            return f"Learning which grooves are likely, to make new ones (the prior){percent}.{left}", share_done
        case "completion":
            return f"Learning to complete a groove from a part of it{percent}.{left}", share_done
        case "map":
            return f"Drawing its map{percent}.{left}", share_done
    return f"Starting: this takes a few seconds.{left}", None


def _measuring_sentence(status: RunStatus, percent: str) -> str:
    left = "" if status.outlook is None else f" Its figures are there in about {duration(status.outlook.figures)}."
    if status.place is not None:
        return f"Your model is ready to use. It is measured as soon as nobody waits for a model any more.{left}"
    return f"Your model is ready to use. Now it is measured honestly, on loops it never heard{percent}.{left}"


def _is_timed(status: RunStatus) -> bool:
    return status.about.get("start") == SCRATCH


def _stage(status: RunStatus) -> str:
    """The furthest that it has come."""
    order = ("reading", *MODEL_PHASES[1:], "ready", "judging", "done")
    return max((stage for stage in status.stages if stage in order), key=order.index, default="")


def _share(status: RunStatus) -> float | None:
    """How far a run is in what it does now."""
    stage = _stage(status)
    if stage == "training":
        last = status.training[-1]
        done = last.step / max(1, last.n_steps)
        if _is_timed(status):
            done = max(done, last.seconds / (60 * status.about["minutes"]))
        return min(1.0, done)
    message = status.stages.get(stage)
    return message.share if isinstance(message, Counted) else None


def _buttons(status: RunStatus, owner: str) -> None:
    is_ready = status.checkpoint is not None
    has_begun = is_ready or "training" in status.stages  # not where a new server has yet to go on with it
    with st.container(horizontal=True):
        if status.state == "paused":
            st.button("Go on", on_click=_do, args=("resume", owner), icon=":material/play_arrow:", key="resume run")
        else:
            st.button(
                "Pause",
                on_click=_do,
                args=("pause", owner),
                icon=":material/pause:",
                key="pause run",
                disabled=status.state not in ("starting", "running"),
            )
        st.button(
            "Stop measuring, keep the model" if is_ready else "Stop and keep the best so far",
            on_click=_do,
            args=("stop", owner),
            icon=":material/stop:",
            key="stop run",
            # Training that was stopped is measured all the same, until that is stopped too.
            disabled=not has_begun or (status.state == "stopping" and not is_ready),
        )
        if not is_ready:  # then there is a model to clear away, once it is measured
            st.button(
                "Throw away",
                on_click=_do,
                args=("discard", owner),
                icon=":material/delete:",
                key="discard run",
                help="End it at once and keep nothing.",
            )
    if problem_now := st.session_state.get(_PROBLEM):
        st.warning(literal(problem_now))


def _do(what: str, owner: str) -> None:
    st.session_state.pop(_PROBLEM, None)
    try:
        getattr(jobs(), what)(owner)
    except RhythmVAEError as error:
        st.session_state[_PROBLEM] = said(error)


def _curves(status: RunStatus) -> None:
    """What gets better, by loops kept from it; what training itself makes smaller is one click behind."""
    # A run by the clock ends before its last step: its curves fill the width all the same.
    last = status.training[-1]
    n_steps = last.step if _is_timed(status) else last.n_steps
    scores = [(message.step, message.validation) for message in status.training if message.validation]

    def of(name: str, title: str, style: str, hint: str) -> curves.Curve:
        return curves.Curve(title, [(step, score[name]) for step, score in scores if name in score], style, hint)

    curves.show(
        [
            of("f1", "Hits rebuilt correctly (F1)", ".3f", "1 is all"),
            of("timing_mae_ms", "Timing off by, ms", ".1f", "lower is better"),
            of("velocity_mae", "Loudness off by, of 127", ".1f", "lower is better"),
        ],
        n_steps,
        key="training curves",
    )
    if st.toggle("Show what training makes smaller", key="training terms shown"):  # drawn for who asks alone
        curves.show(_terms(status), n_steps, key="training terms")


def _terms(status: RunStatus) -> list[curves.Curve]:
    """The terms of the loss."""
    heard = [(message.step, message.terms) for message in status.training if message.terms]
    losses = [(step, sum(terms[name] for name in ("hit", "velocity", "offset"))) for step, terms in heard]
    return [
        curves.Curve("Rebuilding, nats a window", losses, hint="lower is better"),
        curves.Curve(
            "KL, nats a window", [(step, terms["kl"]) for step, terms in heard], ".0f", "a price, not a score"
        ),
    ]


def _preview(status: RunStatus) -> None:
    """Grooves by the model as it was some seconds ago. A loop that plays goes on until new ones come."""
    preview = status.stages.get("preview")
    if not isinstance(preview, Preview):
        return
    run, step = str(status.about.get("run")), preview.step
    grooves = _grooves(f"{run} {step}", preview.grooves)
    labels = (f"Rebuilt after {step:,} steps", f"A new one after {step:,} steps")
    lanes = [Lane(f"preview {i}", f"{labels[i]}: {groove.title}", groove) for i, groove in enumerate(grooves[:2])]
    if lanes:
        deck.cards(lanes, key="previews")


def _grooves(key: str, texts: Sequence[str]) -> list[Groove]:
    """Read once, whatever the number of polls."""
    known = st.session_state.get(_HEARD)
    if known is None or known[0] != key:
        found = []
        for text in texts:
            try:
                found.append(share.from_text(text).groove)
            except ShareError:
                continue
        known = key, found
        st.session_state[_HEARD] = known
    result: list[Groove] = known[1]
    return result


# -- when it is ready ----------------------------------------------------------


def ready(status: RunStatus) -> None:
    """A model that can be used: put it into use, take it home, go and play."""
    assert status.checkpoint is not None
    name = literal(status.name)
    if is_used(status):
        st.success(
            f"**{name}** is in use on every page. The button at the top, which has its name, leads back to the shipped "
            "model.",
            icon=":material/check_circle:",
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        if not is_used(status):
            st.button(
                "Use it on all pages",
                type="primary",
                icon=":material/check_circle:",
                key="use trained",
                on_click=_use,
                args=(status,),
            )
        st.download_button(
            "Download the model",
            partial(_file, status.checkpoint),
            f"{file_stem(status.name)}{models.SUFFIX}",
            "application/octet-stream",
            on_click="ignore",
            icon=":material/download:",
            key="download trained",
        )
        choices.download_button(status.about["config"], "Download its choices (run.toml)", "download run choices")
        if is_used(status):
            st.page_link("pages/variations.py", label="Make variations with it", icon=":material/arrow_forward:")
    st.caption(
        "The file has everything in it: encoder, decoder, which drum each note plays, prior, sliders, map and figures. "
        "Load it again below, on the command line or from Python."
    )


def _use(status: RunStatus) -> None:
    st.session_state.pop(_PROBLEM, None)
    try:
        known = st.session_state.get(_TAKEN, {}).get(status.about.get("run"))
        if known is None or not models.choose(known[1]):
            st.session_state.get(_TAKEN, {}).pop(status.about.get("run"), None)
            take(status)
    except RhythmVAEError as error:
        st.session_state[_PROBLEM] = said(error)


def _file(path: Path) -> bytes:
    return path.read_bytes()


def ended(status: RunStatus) -> None:
    """How a run ended, where there is no model to speak for itself."""
    if status.state == "failed":
        st.error(literal(status.error or "The training run broke off."), icon=":material/error:")
    elif status.state == "cancelled":
        st.info("The training run was thrown away; nothing of it was kept.", icon=":material/delete:")
    elif status.warning:
        st.warning(literal(status.warning), icon=":material/info:")


def is_kept(status: RunStatus) -> bool:
    """Whether the session has the model of a run, whatever becomes of the run."""
    known = st.session_state.get(_TAKEN, {}).get(status.about.get("run"))
    return known is not None and known[1] in models.own()


def forget_button(status: RunStatus) -> None:
    """Have the server let go of a run and its files. The session keeps the model if it was taken."""
    st.button(
        "Clear this away",
        icon=":material/delete_sweep:",
        key="forget run",
        help="Your files and the model leave the server now instead of later; "
        + ("your session keeps the model." if is_kept(status) else "download the model or use it first, to keep it."),
        on_click=_do,
        args=("forget", visitor.token()),
    )


def notice() -> None:
    """A line on another page for a visitor whose model is being trained, or is ready and not in use yet.

    As long as the run goes on, it also tells the server that its owner is there.
    """
    with errors_shown():
        owner = visitor.known()
        try:
            status = jobs().status(owner) if owner is not None else None
        except StoreError:  # the Train page says so
            return
        if status is not None:
            st.fragment(_noticed, run_every=None if status.is_over else NOTICE_SECONDS)()


def _noticed() -> None:
    try:
        status = jobs().status(visitor.token())
    except StoreError:  # the Train page says so
        return
    if status is None or status.about.get("run") in st.session_state.get(_TAKEN, {}):
        return
    if not status.is_over and status.checkpoint is None:
        st.session_state[_WATCHED] = status.about.get("run")
        st.page_link("pages/train.py", label="Your model is being trained", icon=":material/model_training:")
    elif status.checkpoint is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"Your model is ready: {literal(status.name)}", width="content")
            is_used = st.button(
                "Use it",
                type="tertiary",
                icon=":material/check_circle:",
                key="use trained elsewhere",
                on_click=_use,
                args=(status,),
            )
        if is_used:  # all of the page plays by it
            st.rerun()
