"""From MIDI to a checkpoint: train; map and refit for what lies beside its model."""

from __future__ import annotations

import argparse
import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rhythmvae.cli.batch import say_unread
from rhythmvae.cli.cards import print_card
from rhythmvae.cli.parser import Commands, open_checkpoint, read_options
from rhythmvae.cli.terminal import Terminal
from rhythmvae.data.files import find_sources
from rhythmvae.errors import RhythmVAEError, ShareError, UsageError
from rhythmvae.midi.report import ReadOptions
from rhythmvae.model.card import Card, file_named, read_card, to_json
from rhythmvae.model.config import MAX_REFINEMENT
from rhythmvae.model.limits import MAX_PERPLEXITY, MIN_PERPLEXITY, PERPLEXITY, check_perplexity
from rhythmvae.outputs import check_file
from rhythmvae.training import journal as messages
from rhythmvae.training.config import OPTIONS, SHIPPED_NAME, RunConfig, read_config
from rhythmvae.training.settings import Settings

if TYPE_CHECKING:
    from rhythmvae.data.corpus import Corpus, OnProgress
    from rhythmvae.model.checkpoint import Checkpoint
    from rhythmvae.training.distributed import World
    from rhythmvae.training.run import TrainingRun
    from rhythmvae.training.trainer import Progress

MAX_PRIOR_STEPS = MAX_COMPLETION_STEPS = 100_000
MAX_VARIED = 50  # times a corpus of some hours, whose latents then take 2 GB


def add_to(commands: Commands) -> None:
    parser = commands.add(
        "train",
        train,
        "train a model on your MIDI",
        "loops/ --init shipped --out mine.safetensors",
    )
    parser.add_inputs()
    parser.add_output_checkpoint()
    parser.add_config(lambda path: read_config(path).to_options())
    for name, option in OPTIONS.items():
        how: dict[str, Any] = {"type": option.kind, "choices": option.choices}
        if option.kind is bool:
            how = {"action": "store_true"}
        elif name == "init":
            how["metavar"] = "FILE"
        parser.add_argument(f"--{name.replace('_', '-')}", help=option.help, **how)
    parser.add_precision()
    parser.add_argument("--resume", action="store_true", help="go on from an interrupted run with the same --out")
    judging = parser.add_mutually_exclusive_group()
    judging.add_argument("--no-judging", action="store_true", help="leave out the figures beside the baselines")
    judging.add_argument("--only-judging", action="store_true", help="make them for --out, trained with these options")
    parser.add_argument("--journal", action="store_true", help="print a line of JSON for every event (docs/json.md)")
    parser.add_seed()
    parser.add_json()

    parser = commands.add(
        "refit",
        refit,
        "fit the prior or the completion of a checkpoint anew, from MIDI; its encoder and decoder stay",
        "loops/ --checkpoint mine.safetensors --prior-steps 4000 --out mine.safetensors --force",
    )
    parser.add_inputs()
    parser.add_output_checkpoint()
    parser.add_argument(
        "--prior-steps",
        type=int,
        help=f"of the optimizer, up to {MAX_PRIOR_STEPS:,} (default: as `train`, by the data)",
    )
    parser.add_argument(
        "--varied",
        type=int,
        default=0,
        help=f"have the prior learn from the takes varied so many times, up to {MAX_VARIED}, too (default: 0)",
    )
    parser.add_argument(
        "--completion-steps",
        type=int,
        help=f"fit what completes grooves instead, with so many steps, up to {MAX_COMPLETION_STEPS:,}; the prior stays",
    )
    parser.add_argument("--go-on", action="store_true", help="these steps from the completion that the checkpoint has")
    parser.add_argument(
        "--refinement",
        type=int,
        help=f"fit nothing; bring latents nearer to their grooves in so many rounds, 0 to {MAX_REFINEMENT}",
    )
    parser.add_seed()
    parser.add_model()
    parser.add_json()

    parser = commands.add(
        "map",
        draw_map,
        "draw the latent map of a checkpoint anew, from MIDI",
        "loops/ --checkpoint mine.safetensors --out mine.safetensors --force",
    )
    parser.add_inputs()
    parser.add_output_checkpoint()
    parser.add_argument(
        "--perplexity",
        type=float,
        default=PERPLEXITY,
        help=f"neighbours that count in t-SNE, {MIN_PERPLEXITY:g} to {MAX_PERPLEXITY:g}",
    )
    parser.add_seed()
    parser.add_model()
    parser.add_json()


def _check_out(path: Path, may_overwrite: bool) -> None:
    """Raise UsageError for a checkpoint that cannot be written, or may not be overwritten."""
    if path.is_dir():
        raise UsageError(f"Expected a file to write to in --out, but {path} is a folder; give a name in it.")
    if path.exists() and not may_overwrite:
        raise UsageError(f"{path} exists; give --force to overwrite it, or another --out.")


def refit(options: argparse.Namespace, terminal: Terminal) -> int:
    steps = options.prior_steps
    if steps is not None and not 1 <= steps <= MAX_PRIOR_STEPS:
        raise UsageError(f"Expected --prior-steps from 1 to {MAX_PRIOR_STEPS:,}, got {steps}.")
    completion = options.completion_steps
    if completion is not None and (steps is not None or not 1 <= completion <= MAX_COMPLETION_STEPS):
        raise UsageError(
            f"Expected --completion-steps from 1 to {MAX_COMPLETION_STEPS:,}, without --prior-steps, got {completion}."
        )
    if not 0 <= options.varied <= MAX_VARIED or (options.varied and completion is not None):
        raise UsageError(f"Expected --varied from 0 to {MAX_VARIED}, for a prior, got {options.varied}.")
    if options.go_on and completion is None:
        raise UsageError("Expected --completion-steps beside --go-on: a prior is always fitted anew.")
    rounds, is_fitting = options.refinement, any((steps, completion, options.varied))
    if rounds is not None and (is_fitting or not 0 <= rounds <= MAX_REFINEMENT):
        raise UsageError(f"Expected --refinement from 0 to {MAX_REFINEMENT}, alone, got {rounds}.")
    data, checkpoint = _read_for(options, terminal)
    from rhythmvae.training import run as training_run

    what = "Fitting the prior" if completion is None else "Fitting the completion"
    with terminal.counting(what if rounds is None else "Measuring", "step") as fitting:
        training_run.refit(
            checkpoint,
            data.takes,
            options.out,
            options.seed,
            steps,
            completion,
            fitting,
            varied=options.varied,
            goes_on=options.go_on,
            refinement=rounds,
        )
    print_card(options.out, options.json)
    return 1 if data.failures else 0


def _read_for(options: argparse.Namespace, terminal: Terminal) -> tuple[Corpus, Checkpoint]:
    """The data and the checkpoint that is written anew; what cannot be read is said."""
    _check_out(options.out, options.force)
    check_file(options.out)  # before minutes of fitting, not after
    from rhythmvae.data import corpus

    with terminal.counting("Reading", "file") as reading:
        data = corpus.load(options.inputs, read_options(options), reading)
    say_unread(data, terminal)
    return data, open_checkpoint(options)


def draw_map(options: argparse.Namespace, terminal: Terminal) -> int:
    check_perplexity(options.perplexity)
    data, checkpoint = _read_for(options, terminal)
    from rhythmvae.training import run as training_run

    with terminal.counting("Drawing the map", "part") as drawing:
        training_run.remap(checkpoint, data.takes, options.out, options.seed, options.perplexity, drawing)
    print_card(options.out, options.json)
    return 1 if data.failures else 0


def train(options: argparse.Namespace, terminal: Terminal) -> int:
    _check_out(options.out, options.force or options.resume or options.only_judging)
    how_to_read = read_options(options)
    config = RunConfig.of(vars(options))
    settings = config.settings()
    if missing := [path for path in options.inputs if not path.exists()]:
        find_sources(missing)  # which says what is missing
    if options.init not in (None, SHIPPED_NAME):
        read_card(file_named(options.init))
    from rhythmvae.training import distributed

    journal = Journal() if options.journal else None
    before = _on_signal(signal.SIGTERM, signal.default_int_handler)  # what ends a service ends a run as Ctrl-C does
    try:
        with distributed.joined(settings.train.device) as world:
            run = _training_run(options, terminal, how_to_read, config, settings, world, journal)
            if not options.only_judging:
                _drive(run, terminal, journal)
            if not world.is_main:
                return 0  # whatever was unreadable: torchrun ends all processes where one reports a failure
        card = Card()
        if not options.only_judging:
            if journal and run.is_fine_tuning:
                journal.tell(messages.Checking(0, 1))
            card = _finished(run, terminal, journal)
        if journal:
            journal.tell(messages.Ready(run.kept_out))
        if not options.no_judging:
            try:
                with _progress(terminal, journal, messages.Judging, "Judging") as judging:
                    card = run.judge(judging)
            except KeyboardInterrupt:
                terminal.remark("stopped; the model is there, without figures")
                return 0
    except RhythmVAEError as error:
        if journal:
            journal.tell(messages.Failed(str(error)))
        raise
    finally:
        _on_signal(signal.SIGTERM, before)
    if journal:
        journal.tell(messages.Done(to_json(card)))
    else:
        print_card(options.out, options.json)
    return 1 if run.corpus.failures and not journal else 0


def _training_run(
    options: argparse.Namespace,
    terminal: Terminal,
    how_to_read: ReadOptions,
    config: RunConfig,
    settings: Settings,
    world: World,
    journal: Journal | None,
) -> TrainingRun:
    from rhythmvae.training.run import TrainingRun

    shown = _progress(terminal, journal, messages.Reading, "Reading", "file") if world.is_main else nullcontext()
    with world.main_first(), shown as reading:
        run = TrainingRun(
            options.inputs,
            options.out,
            how_to_read,
            settings,
            init=config.init,
            about=config.about or "",
            config=config,
            resume=options.resume,
            on_progress=reading,
            world=world,
            clock=Awake() if journal else time.monotonic,
        )
    if world.is_main:
        say_unread(run.corpus, terminal)
    return run


def _drive(run: TrainingRun, terminal: Terminal, journal: Journal | None) -> None:
    """Train to the end, or to Ctrl-C."""
    world = run.trainer.world
    more = {} if world.is_main and not journal else {"disable": True}
    length = {"total": run.trainer.n_steps, "initial": run.trainer.step}
    bar = terminal.bar("Training", "step", leave=True, **length, **more)
    warned = False
    try:
        for progress in run.steps():
            bar.update(progress.step - bar.n)
            if progress.validation:
                figures = {"F1": progress.validation["f1"], "ms": progress.validation["timing_mae_ms"]}
                bar.set_postfix({k: f"{v:.3f}" for k, v in figures.items()})
            if run.unsaved and not warned:
                warned = True
                terminal.remark(f"{run.unsaved}; the run goes on, but cannot be resumed")
            if journal and world.is_main:
                journal.trained(progress, run)
    except KeyboardInterrupt:
        if not run.trainer.has_best:
            raise
        if world.is_main:
            terminal.remark(
                "stopped; the best so far is kept. Its prior is fitted and its map drawn, which takes minutes; "
                "Ctrl-C once more ends that, too."
            )
    finally:
        bar.close()


def _finished(run: TrainingRun, terminal: Terminal, journal: Journal | None) -> Card:
    """What training ends in. Ctrl-C and SIGTERM end the prior where it is and leave out the map: nothing is lost."""
    from rhythmvae.data.corpus import Enough

    asked: list[int] = []

    def ask(number: int, _: object) -> None:
        if not asked:
            terminal.remark("stopped; the model is written with its prior as it is, and without a map")
        asked.append(number)

    def until_asked(on_progress: OnProgress) -> OnProgress:
        def told(done: int, in_all: int) -> None:
            on_progress(done, in_all)
            if asked:
                raise Enough

        return told

    before = {number: _on_signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        checking = _progress(terminal, journal, messages.Checking, "Checking that no file gets worse", "groove")
        fitting = _progress(terminal, journal, messages.Prior, "Fitting the prior", "step")
        completing = _progress(terminal, journal, messages.Completion, "Fitting the completion", "step")
        drawing = _progress(terminal, journal, messages.Map, "Drawing the map")
        with (
            checking if run.is_fine_tuning else nullcontext() as checked,
            fitting as fitted,
            completing as completed,
            drawing as mapped,
        ):
            return run.finish(until_asked(fitted), until_asked(mapped), checked, until_asked(completed))
    finally:
        for number, handler in before.items():
            _on_signal(number, handler)


def _on_signal(number: signal.Signals, handler: Any) -> Any:
    """Have a signal handled, and give what handled it before. Signals are the main thread's alone."""
    if threading.current_thread() is not threading.main_thread() or handler is None:
        return None
    return signal.signal(number, handler)


class Awake:
    """Seconds on the clock, less those in which whoever reads the journal had this process stand still."""

    LONGEST = 2.0  # between two calls, for each second of processor time ten more

    def __init__(self) -> None:
        self._at, self._wall, self._processor = 0.0, time.monotonic(), time.process_time()

    def __call__(self) -> float:
        wall, processor = time.monotonic(), time.process_time()
        self._at += min(wall - self._wall, self.LONGEST + 10.0 * (processor - self._processor))
        self._wall, self._processor = wall, processor
        return self._at


class Journal:
    """What happens in a training run, a line of JSON each (docs/json.md), for whoever started it."""

    EVERY = 0.5  # seconds between lines of one stage
    PREVIEWS = 8.0  # and between grooves to hear

    def __init__(self) -> None:
        self._heard = -math.inf

    def tell(self, message: messages.Message) -> None:
        print(messages.write(message), flush=True)  # a broken pipe ends the run: nobody waits for it

    @contextmanager
    def counting(self, kind: type[messages.Counted]) -> Iterator[OnProgress]:
        last = -math.inf

        def told(done: int, in_all: int) -> None:
            nonlocal last
            if done == in_all or time.monotonic() - last >= self.EVERY:
                last = time.monotonic()
                self.tell(kind(done, in_all))

        yield told

    def trained(self, progress: Progress, run: TrainingRun) -> None:
        self.tell(messages.Training(**asdict(progress)))
        if progress.validation is not None and time.monotonic() - self._heard >= self.PREVIEWS:
            from rhythmvae import share

            self._heard = time.monotonic()
            with suppress(ShareError):  # one too long for a text
                grooves = tuple(share.to_text(groove) for groove in run.preview())
                self.tell(messages.Preview(progress.step, grooves))


def _progress(
    terminal: Terminal, journal: Journal | None, kind: type[messages.Counted], label: str, unit: str = "part"
) -> AbstractContextManager[OnProgress]:
    """Where (done, in all) of a stage goes: the journal, or a bar."""
    return journal.counting(kind) if journal else terminal.counting(label, unit)
