"""One run: its state, what it said and what came of it."""

from __future__ import annotations

import itertools
import logging
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from rhythmvae.jobs import process
from rhythmvae.jobs.estimate import Course, Outlook, Pace, Turn, Work
from rhythmvae.jobs.limits import Limits
from rhythmvae.jobs.listener import JournalFile, Transcript
from rhythmvae.training import journal
from rhythmvae.training.journal import Message, Training


class State(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"  # or between two of its parts, with a model
    STARTING = "starting"  # its process has said nothing yet
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"  # told to end and to keep its best
    DONE = "done"  # there is a model
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        return self in _OVER

    @property
    def is_live(self) -> bool:
        """Whether a process of the run works, or begins to."""
        return self in (State.STARTING, State.RUNNING)


_OVER = frozenset({State.DONE, State.FAILED, State.CANCELLED})
_ENDS = _OVER | {State.QUEUED}  # what the end of a process may lead to: a run may have another part
TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.STARTING, State.DONE, State.FAILED, State.CANCELLED}),
    State.STARTING: _ENDS | {State.RUNNING, State.PAUSED, State.STOPPING},
    State.RUNNING: _ENDS | {State.PAUSED, State.STOPPING},
    State.PAUSED: _ENDS | {State.STARTING, State.RUNNING, State.STOPPING},
    State.STOPPING: _ENDS,
    State.DONE: frozenset({State.CANCELLED}),  # its owner throws it away
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
}
MAX_ERROR = 1000  # characters
RESUME = "--resume"  # has the command go on from the state that it saved beside --out

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunStatus:
    """A run as it stands at one moment.

    Args:
        name, about: as it was submitted.
        state: `stopping` has been told to end and keep its best; `done` has left a model.
        place: its place in the queue, 1 for the next; None once it has started.
        seconds: since it started, until now or its end, without pauses.
        pause_seconds: how long it may still be paused.
        outlook: when there will be a model and figures, those before it in the line counted; None once it is over.
        stages: the last message of every stage so far, in the order the stages first came.
        training: the messages of stage `training`, evenly thinned where they are very many; ends with the last.
        checkpoint: the file with its model, from `ready` on; it may be replaced by one with more figures.
        error: why it failed.
        warning: what a model that is there lacks.
        n_workers: machines that train; None where this one does.
    """

    name: str
    about: Mapping[str, Any]
    state: State
    place: int | None
    seconds: float
    pause_seconds: float
    outlook: Outlook | None
    stages: Mapping[str, Message]
    training: tuple[Training, ...]
    checkpoint: Path | None
    error: str | None
    warning: str | None
    n_workers: int | None = None

    @property
    def is_over(self) -> bool:
        return self.state.is_over


class Run:
    """One run; but for its name and folder all of it is guarded by the lock of `Jobs`."""

    def __init__(
        self,
        name: str,
        about: Mapping[str, Any],
        folder: Path,
        parts: Sequence[Sequence[str]],
        course: Course | None = None,
    ) -> None:
        self.name, self.about = name, about
        self.course = course or Course(Work(), Pace())
        self.parts = [list(options) for options in parts]  # still to be started
        self.part: list[str] | None = None  # that its process is for
        self.had_model = False  # before that process
        self.folder = folder
        self.journal_file: JournalFile | None = None  # where the next server is to know what it said
        self.restarts = 0  # of the server, while the run was under way
        self.out = folder  # its checkpoint, once prepared
        self.arguments: list[str] | None = None  # None until prepared
        self.process: subprocess.Popen[bytes] | None = None
        self.state = State.QUEUED
        self.transcript = Transcript()
        self.errors = b""  # the end of its stderr; its reader's
        self.is_in_use = True  # its folder: being prepared, or its process lives
        self.is_unwanted = False  # its folder, once it is not in use
        self.is_ready = False
        self.is_stop_due = False  # as soon as there is something to keep: its owner said so to an earlier server
        self.is_model_enough = False  # its owner stopped it once the model was ready
        self.is_put_off = False  # its figures: its process was killed to make room
        self.has_spoken = False  # its process
        self.has_output_ended = False
        self.has_model = False  # a file, when its output ended
        self.exited_at: float | None = None
        self.stopped_at: float | None = None
        self.reason: str | None = None  # why it was killed
        self.why_unmeasured: str | None = None  # where its owner is not the one who stopped it
        self.seconds = self.paused_seconds = self.hindering_seconds = self.counted_at = 0.0
        self.asked_at: float | None = None  # when its owner last wanted to know of it
        self.ended_at = 0.0
        self.error: str | None = None
        self.warning: str | None = None

    @property
    def is_over(self) -> bool:
        return self.state.is_over

    @property
    def is_worth_keeping(self) -> bool:
        """Whether the next server could do something with its folder."""
        return self.state is State.DONE or (not self.is_over and self.arguments is not None)

    def move_to(self, state: State) -> None:
        """Change the state.

        Raises:
            RuntimeError: the run cannot go there from where it is.
        """
        if state not in TRANSITIONS[self.state]:
            raise RuntimeError(f"expected one of {sorted(TRANSITIONS[self.state])} after {self.state}, got {state}")
        self.state = state

    def is_expired(self, now: float, limits: Limits) -> bool:
        return self.is_over and now - self.ended_at >= limits.keep_minutes * 60

    def absent_minutes(self, limits: Limits) -> float:
        """How long its owner may be away."""
        return limits.absent_minutes_measuring if self.is_ready else limits.absent_minutes

    def is_left(self, now: float, limits: Limits) -> bool:
        """Whether its owner has not asked for so long that nobody waits for what it does."""
        is_absent = self.asked_at is not None and now - self.asked_at >= self.absent_minutes(limits) * 60
        return is_absent and not self.is_over

    def signal(self, number: int) -> None:
        """To the process and those it started, unless it has been reaped."""
        if self.process is not None and self.process.returncode is None:
            process.send_signal(self.process, number)

    def wake(self) -> None:
        """Have a process that has said something count as running."""
        if self.state is State.STARTING and self.has_spoken:
            self.move_to(State.RUNNING)

    def begin_part(self) -> list[str]:
        """Take the next part; the options of its process."""
        self.part, self.had_model = self.parts.pop(0), self.is_ready
        return self.part

    def hear(self, message: Message, n_bytes: int) -> None:
        """Take in what the process says, in a line of so many bytes."""
        self.transcript.add(message, n_bytes)
        self.course.hear(message, self.seconds)
        self.has_spoken = True
        if self.process is not None:
            self.wake()

    @property
    def may_be_put_off(self) -> bool:
        """Whether it has a process that makes nothing but figures, which another can go on with."""
        is_untouched = self.reason is None and self.stopped_at is None and not self.is_put_off
        return self.had_model and is_untouched and not self.is_over and self.process is not None

    def put_off(self) -> None:
        """End its process for another run's sake."""
        self.is_put_off = True
        self.signal(signal.SIGKILL)

    @property
    def was_put_off(self) -> bool:
        """Whether that is what ended its process, and not what its owner or a limit did at the same time."""
        has_ended = self.reason is not None or self.stopped_at is not None or "done" in self.transcript.stages
        return self.is_put_off and not has_ended

    def end_part(self) -> None:
        """Let go of a process that has ended, so that the run's next part, or the one put off, can have one."""
        if self.is_put_off and self.part is not None:
            self.parts.insert(0, self.part)
            self.course.put_off(self.seconds)
        else:
            self.course.end_model(self.seconds)
        self.is_put_off = False
        self.process = self.exited_at = self.stopped_at = self.part = None
        self.has_spoken = self.has_output_ended = False
        self.errors = b""
        self.transcript.stages.pop("done", None)

    def turn(self, load: float | None, pause_seconds: float) -> Turn:
        """What it still needs, by estimate; arguments as in `Course.model_seconds` and `RunStatus`."""
        model = 0.0 if self.is_ready else self.course.model_seconds(self.seconds, load)
        figures = self.course.figure_seconds(self.seconds, load)
        paused = pause_seconds if self.state is State.PAUSED else 0.0
        return Turn(model + paused, figures) if not self.is_ready else Turn(0.0, figures + paused)

    @property
    def is_refused(self) -> bool:
        """Whether its process would not go on from the state that an earlier one saved, as after an update."""
        was_asked_to = RESUME in (self.part or ()) and not self.is_ready
        return was_asked_to and self.reason is None and "failed" in self.transcript.stages

    def begin_anew(self) -> None:
        """Have it wait to do its part from the start."""
        part = [option for option in self.part or () if option != RESUME]
        self.end_part()
        self.parts.insert(0, part)
        self.course.begin_again(self.seconds)
        self.transcript.stages.clear()
        if self.journal_file is not None:
            self.journal_file.begin_anew()
        self.move_to(State.QUEUED)

    def resume(self) -> None:
        """Let a paused run go on."""
        self.move_to(State.RUNNING if self.has_spoken else State.STARTING)
        self.signal(signal.SIGCONT)

    def result(self) -> tuple[State, str | None, str | None]:
        """Last state, error and warning of a run whose process has ended and was not discarded."""
        has_succeeded = self.process is not None and self.process.returncode == 0
        if self.is_ready or (has_succeeded and self.has_model):
            self.is_ready = True
            if "done" in self.transcript.stages or (has_succeeded and self.stopped_at is None):
                return State.DONE, None, None
            reason = self.reason or self._own_error() or self.why_unmeasured
            if reason is None:
                reason = "It was stopped early." if self.stopped_at is not None else "The run broke off after that."
            return State.DONE, None, f"The model can be used, but not all of its figures were made. {reason}"
        if self.reason is not None:
            return State.FAILED, self.reason, None
        if (own := self._own_error()) is not None:
            return State.FAILED, own, None
        if self.stopped_at is not None:  # before there was anything to keep
            return State.CANCELLED, None, None
        if self.process is not None and self.process.returncode == -signal.SIGKILL:
            return (
                State.FAILED,
                "The system ended the training run, most likely because memory ran out; "
                "give it fewer files, or a smaller model.",
                None,
            )
        return (
            State.FAILED,
            "The training run broke off because of an error on our side; try again, or with other settings.",
            None,
        )

    def _own_error(self) -> str | None:
        """What the command itself says it could not do."""
        failed = self.transcript.stages.get("failed")
        text = failed.sentence if isinstance(failed, journal.Failed) else ""
        if not text.strip():
            if self.process is None or self.process.returncode != 2:
                return None
            text = (self.errors.decode("utf-8", "replace").strip().splitlines() or [""])[-1]
        text = " ".join(text.replace(f"{self.folder}{os.sep}", "").split()).removeprefix("rhythmvae: ")
        return text[:MAX_ERROR] or None

    def log(self) -> None:
        """For whoever runs the server: how it ended, where it was not by itself and well."""
        if self.is_put_off:
            return
        if self.process is not None and self.process.returncode and self.state is not State.CANCELLED:
            _LOG.warning(
                "training run %s ended with status %d: %s\n%s",
                self.folder.name,
                self.process.returncode,
                self.error or self.warning or self.state,
                self.errors.decode("utf-8", "replace"),
            )

    def end_leftovers(self) -> None:
        """End what the process started itself, where that still holds its output and so its group exists."""
        if self.process is not None and not self.has_output_ended:
            process.send_signal(self.process, signal.SIGKILL)


def out_of(arguments: Sequence[str]) -> Path | None:
    """The checkpoint's path: what follows the last --out, as argparse has it; None where there is none."""
    found = [value for name, value in itertools.pairwise(arguments) if name == "--out"]
    return Path(found[-1]) if found else None
