"""How long a training run takes, and how long whoever waits has to wait: from what is usual, from what this server
has shown before, and from how far the run has come.

A run has the phases in PHASES, one after the other. All times are seconds in which its process works; a pause does
not count. `Course.hear` takes the messages of the run's journal, so that what is left is estimated anew with each.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rhythmvae.training.journal import Counted, Done, Message, Training

MODEL_PHASES = ("start", "training", "checking", "prior", "completion", "map")  # up to a model that can be used
AFTER_TRAINING = MODEL_PHASES[2:]
FIGURE_PHASES = ("restart", "judging")  # then, in a process of their own
PHASES = (*MODEL_PHASES, *FIGURE_PHASES)
_UNTOLD = ("start", "restart")  # phases of which no message tells a share
_PHASE_OF = {phase: phase for phase in PHASES if phase not in _UNTOLD}  # by a message's stage

# Usual seconds of one slow core that has nothing else to do, on a few dozen loops.
STEPS_PER_SECOND = 7.0
START, FILE = 7.0, 0.01
REBUILT_FILE, REBUILT_BAR = 0.005, 0.0025  # of what is looked at by the model before and by the tuned one
N_REHEARSED = 128  # grooves of two bars, looked at as well
PRIOR, PRIOR_FROM_SCRATCH, MAP = 11.0, 30.0, 7.0
COMPLETION, COMPLETION_FROM_SCRATCH = 7.0, 20.0
JUDGING, FOLD = 6.0, 3.0  # beside the training and the checking of each fold

NEW_WEIGHT = 0.4  # of the newest run in what is known of this server
NOW = 2.0  # seconds of the phase that it is in count so often beside those of phases before: load comes and goes
LOAD_SECONDS = 10.0  # of work before a run's own pace counts as much as the pace known before
MIN_FACTOR, MAX_FACTOR = 0.1, 20.0


@dataclass(frozen=True)
class Work:
    """How much a run has to do.

    Args:
        n_steps: of training; None where time alone ends it.
        minutes: after which training ends, whatever its step; None for no such limit.
        n_files: to read.
        n_folds: models that are trained for the figures; 0 where the run's own is judged.
        is_new: no model is known that it goes on from.
        n_bars: in the files.
    """

    n_steps: int | None = 150
    minutes: float | None = None
    n_files: int = 0
    n_folds: int = 5
    is_new: bool = False
    n_bars: int = 0

    def usual(self, phase: str, factor: float = 1.0) -> float:
        """Usual seconds of a phase on a server that takes `factor` times as long; a limit by the clock stays."""
        if phase == "training":
            return self._training(factor)
        if phase == "judging":
            each = self._training(factor) + factor * (FOLD + self._checking)
            return factor * JUDGING + self.n_folds * each
        prior, completion = (PRIOR_FROM_SCRATCH, COMPLETION_FROM_SCRATCH) if self.is_new else (PRIOR, COMPLETION)
        seconds = {"checking": self._checking, "prior": prior, "completion": completion, "map": MAP}
        return factor * seconds.get(phase, START + FILE * self.n_files)

    @property
    def _checking(self) -> float:
        if self.is_new:
            return 0.0
        n_files, n_bars = self.n_files + N_REHEARSED, self.n_bars + 2 * N_REHEARSED
        return 2 * (n_files * REBUILT_FILE + n_bars * REBUILT_BAR)

    def _training(self, factor: float) -> float:
        steps = math.inf if self.n_steps is None else factor * self.n_steps / STEPS_PER_SECOND
        limit = math.inf if self.minutes is None else 60 * self.minutes
        seconds = min(steps, limit)
        return seconds if math.isfinite(seconds) else 0.0


class Pace:
    """How long each phase takes on this server, as a factor on what is usual; learned from the runs that went by.

    Args:
        factors: what servers before have learned; what no server can have is left out.
    """

    def __init__(self, factors: Mapping[str, float] | None = None) -> None:
        known = (factors or {}).items()
        self._factors = {phase: factor for phase, factor in known if phase in PHASES and factor == _bounded(factor)}

    def factors(self) -> dict[str, float]:
        """What is known so far."""
        return dict(self._factors)

    def factor(self, phase: str) -> float:
        """Of a phase that never ended here, the mean of the others; 1 before anything is known."""
        known = [math.log(factor) for factor in self._factors.values()]
        return self._factors.get(phase, math.exp(sum(known) / len(known)) if known else 1.0)

    def learn(self, phase: str, work: Work, seconds: float) -> None:
        """Take in how long a whole phase took. One that the clock ended shows nothing of the pace."""
        usual = work.usual(phase)
        if usual <= 0 or (phase == "training" and work.minutes is not None):
            return
        factor = _bounded(seconds / usual)
        known = self._factors.get(phase, factor)
        self._factors[phase] = known * (factor / known) ** NEW_WEIGHT


class Course:
    """How far one run has come.

    Args:
        pace: of the server, which learns from the run.
    """

    def __init__(self, work: Work, pace: Pace) -> None:
        self.work, self.pace = work, pace
        self.phase = PHASES[0]
        self._since = 0.0  # when the phase, or this attempt at it, began
        self._heard: list[tuple[float, float]] = []  # the first and the last share of it that was heard, and when
        self._kept = 0.0  # share of the figures that was made before they were put off
        self._ended: list[tuple[str, float]] = []  # phases and the seconds that each took

    def hear(self, message: Message, now: float) -> None:
        """Take in what the run says.

        Args:
            now: seconds that the run has worked so far.
        """
        if isinstance(message, Done) and self.phase == PHASES[-1]:
            self._learn(now)
        phase = _PHASE_OF.get(message.stage)
        if phase is None or PHASES.index(phase) < PHASES.index(self.phase):
            return
        if phase != self.phase:
            self._enter(phase, now)
        if (share := self._share_of(message)) is not None and share >= self._share:
            self._heard = [*self._heard[:1], (share, now)]

    def begin_again(self, now: float) -> None:
        """Another process goes on with the model, or begins it anew."""
        self.phase, self._since, self._heard = PHASES[0], now, []

    def end_model(self, now: float) -> None:
        """The model is there; what comes next has a process of its own."""
        self._enter("restart", now)

    def end_training(self, now: float) -> None:
        """Training is told to end before its last step."""
        if self.phase in ("start", "training"):
            self.phase, self._since, self._heard = "checking", now, []

    def put_off(self, now: float) -> None:
        """The figures are put off: another process goes on with them later, from the part it had come to."""
        self._kept = max(self._kept, self._share)
        self.phase, self._since, self._heard = "restart", now, []

    def model_seconds(self, now: float, load: float | None = None) -> float:
        """Estimated seconds until the model can be used; 0 once it can.

        Args:
            load: by which the run is slower than the server's pace; by default what it has shown itself.
        """
        return self._left(MODEL_PHASES, now, load)

    def figure_seconds(self, now: float, load: float | None = None) -> float:
        """Estimated seconds from the model to the figures, as far as they are still to be made."""
        return self._left(FIGURE_PHASES, now, load)

    def load(self, now: float) -> float:
        """By which the run is slower than the server's pace: above 1 where others take the processor."""
        # Beside the pace as it is known by now, which may have been learned from these very phases.
        worked = sum(seconds for _, seconds in self._ended)
        expected = sum(self._usual(phase) for phase, _ in self._ended)
        if (shown := self._seconds_shown) is not None and not self._is_by_clock:
            worked += NOW * shown * self._share_shown
            expected += NOW * self._usual(self.phase) * self._share_shown
        elif not self._is_by_clock and now - self._since > self._usual(self.phase):  # it should have ended by now
            worked += now - self._since
            expected += self._usual(self.phase)
        return _bounded((worked + LOAD_SECONDS) / (expected + LOAD_SECONDS))

    @property
    def _share(self) -> float:
        """Of the phase that is done."""
        return self._heard[-1][0] if self._heard else self._kept if self.phase == "judging" else 0.0

    @property
    def _share_shown(self) -> float:
        """Of the phase that was done between the first and the last that was heard of it."""
        return self._heard[-1][0] - self._heard[0][0] if self._heard else 0.0

    @property
    def _seconds_shown(self) -> float | None:
        """What the whole phase takes as it went so far, without what came before its first share."""
        if self._share_shown <= 0:
            return None
        return (self._heard[-1][1] - self._heard[0][1]) / self._share_shown

    @property
    def _is_by_clock(self) -> bool:
        return self.phase == "training" and self.work.minutes is not None

    def _usual(self, phase: str, load: float = 1.0) -> float:
        return self.work.usual(phase, self.pace.factor(phase) * load)

    def _left(self, phases: Sequence[str], now: float, load: float | None) -> float:
        load = self.load(now) if load is None else load
        at = PHASES.index(self.phase)
        later = sum(self._unbegun(phase, load) for phase in phases if PHASES.index(phase) > at)
        return later + (self._left_here(now, load) if self.phase in phases else 0.0)

    def _unbegun(self, phase: str, load: float) -> float:
        return (1.0 - (self._kept if phase == "judging" else 0.0)) * self._usual(phase, load)

    def _left_here(self, now: float, load: float) -> float:
        """Of the phase it is in: what was expected of it gives way to what it shows, share by share."""
        whole = self._usual(self.phase, load)
        if (shown := self._seconds_shown) is not None:
            whole += (shown - whole) * min(1.0, 2 * self._share_shown)
        left = whole * (1.0 - self._share)
        silent = now - (self._heard[-1][1] if self._heard else self._since)
        return max(left - silent, 0.1 * left)

    def _share_of(self, message: Message) -> float | None:
        if not isinstance(message, Training):
            return message.share if isinstance(message, Counted) and message.of > 1 else None
        share = message.step / max(1, message.n_steps)
        if self.work.minutes is not None:
            share = max(share, message.seconds / (60 * self.work.minutes))
        return min(1.0, share)

    def _enter(self, phase: str, now: float) -> None:
        before, after = PHASES.index(self.phase), PHASES.index(phase)
        if after > before and not any(map(self.work.usual, PHASES[before + 1 : after])):
            self._learn(now)
        self.phase, self._since, self._heard = phase, now, []

    def _learn(self, now: float) -> None:
        """A phase ends: what it took shows the server's pace, unless it was cut short or had begun before."""
        is_whole = self.phase in _UNTOLD if not self._heard else self._share > 0.9 and self._share_shown > 0.9
        if is_whole and not self._is_by_clock:
            self._ended.append((self.phase, now - self._since))
            self.pace.learn(self.phase, self.work, now - self._since)


@dataclass(frozen=True)
class Turn:
    """What one run still needs of a process: seconds to its model, 0 once it has one, and from there to its figures."""

    model: float
    figures: float
    is_running: bool = False


@dataclass(frozen=True)
class Outlook:
    """Estimated seconds from now until a run's model can be used, 0 once it can, and until its figures are there."""

    model: float
    figures: float


def outlooks(turns: Sequence[Turn], n_slots: int = 1) -> list[Outlook]:
    """When each of several runs comes to its model and to its figures, where everybody's model goes before figures.

    Args:
        turns: those that have a process, then those that wait in the order of the line.
        n_slots: processes at a time.

    >>> [outlook.model for outlook in outlooks([Turn(30, 100, is_running=True), Turn(60, 100)])]
    [30.0, 90.0]
    """
    models = deque(i for i, turn in enumerate(turns) if turn.model and not turn.is_running)
    figures = deque(i for i, turn in enumerate(turns) if not turn.model and not turn.is_running)
    running = [i for i, turn in enumerate(turns) if turn.is_running]
    for i in [i for i in reversed(running) if not turns[i].model]:
        if len(running) + len(models) > n_slots and models:
            running.remove(i)  # it makes room
            figures.appendleft(i)
    ends = [(turns[i].model or turns[i].figures, i, bool(turns[i].model)) for i in running]
    ends += [(0.0, -1, False)] * (n_slots - len(ends))  # free at once
    heapq.heapify(ends)
    model, done = [0.0] * len(turns), [0.0] * len(turns)
    while ends:
        at, i, is_model = heapq.heappop(ends)
        if is_model:
            model[i] = at
            figures.append(i)
        elif i >= 0:
            done[i] = at
        if models or figures:
            following = (models or figures).popleft()
            is_model = turns[following].model > 0 and not model[following]
            seconds = turns[following].model if is_model else turns[following].figures
            heapq.heappush(ends, (at + seconds, following, is_model))
    return [Outlook(float(m), float(f)) for m, f in zip(model, done, strict=True)]


def _bounded(factor: float) -> float:
    return min(MAX_FACTOR, max(MIN_FACTOR, factor))
