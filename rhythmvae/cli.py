"""python -m rhythmvae COMMAND: everything the app does, for scripts and terminals.

stdout holds the table or the JSON and nothing else; progress bars and messages go to
stderr, bars only where it is a terminal. Exit status: 0 all went well (a training run
stopped by Ctrl-C with something to keep included); 1 some inputs of several failed, each
with its line; 2 bad usage or input, with one line that says what to do.

torch is imported only once there is something for a model to do.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from rhythmvae.errors import RhythmVAEError, UsageError
from rhythmvae.groove import Groove
from rhythmvae.inputs import Source, find_sources, output_names
from rhythmvae.kit import KitMap
from rhythmvae.midi import ImportReport, ReadOptions, read_midi, write_midi
from rhythmvae.smf import clean_text

if TYPE_CHECKING:
    from rhythmvae.checkpoint import Checkpoint
    from rhythmvae.evaluate import Score

APP = Path(__file__).resolve().parent.parent / "app.py"
# model.PRESETS and train.MAX_SEED, named without importing torch
FAMILY_NAMES = ("attention", "dense", "cnn", "gru", "lstm")
MAX_SEED = 2**32 - 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that the terminal cannot show is no reason to fail
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status: int = options.run(options)
        sys.stdout.flush()
        return status
    except RhythmVAEError as error:
        _say(str(error))
        return 2
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        with open(os.devnull, "w") as nowhere:  # or Python would complain when it flushes at its end
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        _say("interrupted")
        return 130


def _say(sentence: str) -> None:
    """One line on stderr, whatever names are in it, around a progress bar if there is one."""
    tqdm.write(f"rhythmvae: {' '.join(sentence.split())}", file=sys.stderr)


# -- options -------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        # argparse would print the whole usage first; one line is enough
        self.exit(2, f"rhythmvae: {' '.join(message.split())}; see `{self.prog} --help`\n")


def _seed(text: str) -> int:
    seed = int(text)
    if not 0 <= seed <= MAX_SEED:
        raise argparse.ArgumentTypeError(f"expected a seed from 0 to {MAX_SEED}, got {text[:40]}")
    return seed


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="rhythmvae", description="Play with the latent space of drums.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)

    def command(name: str, run: Callable[[argparse.Namespace], int], summary: str) -> argparse.ArgumentParser:
        sub: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
        sub.set_defaults(run=run)
        return sub

    def reads(sub: argparse.ArgumentParser, name: str = "inputs") -> None:
        sub.add_argument(name, nargs="+", type=Path, metavar="IN", help="MIDI files, folders or zips")
        sub.add_argument("--channel", type=int, help="read this channel, 1 to 16 (default: 10, else the likeliest)")
        sub.add_argument("--track", type=int, help="read this track, from 1 (default: all)")
        sub.add_argument("--map", action="append", default=[], metavar="NOTE=VOICE", help="play a note on a voice")
        sub.add_argument("--meter", metavar="N/D", help="read in this meter, whatever the file says")

    def uses_model(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--checkpoint", type=Path, metavar="FILE", help="model to use (default: the shipped one)")

    def writes(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
        sub.add_argument("--force", action="store_true", help="overwrite existing files")

    def prints_json(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--json", action="store_true", help="print JSON (docs/json.md) instead of a table")

    def draws(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--seed", type=_seed, default=0, help="of everything random (default: 0)")

    sub = command("reconstruct", _reconstruct, "MIDI through the model and back, and how close it came")
    reads(sub)
    writes(sub)
    uses_model(sub)
    prints_json(sub)

    sub = command("encode", _encode, "MIDI to latents, for `decode`")
    reads(sub)
    uses_model(sub)
    prints_json(sub)

    sub = command("decode", _decode, "latents from `encode --json` to MIDI")
    sub.add_argument("latents", type=Path, metavar="LATENTS.json", help="what `encode --json` printed; - for stdin")
    writes(sub)
    uses_model(sub)

    sub = command("sample", _sample, "new grooves from the prior")
    sub.add_argument("--n", type=int, default=1, help="how many (default: 1)")
    sub.add_argument("--bars", type=int, default=2, help="bars of 4/4 each (default: 2)")
    sub.add_argument("--temperature", type=float, default=1.0, help="0 typical, 1 as played, 2 wild (default: 1)")
    sub.add_argument("--tempo", type=float, default=120.0, metavar="BPM", help="tempo (default: 120)")
    draws(sub)
    writes(sub)
    uses_model(sub)
    prints_json(sub)

    sub = command("train", _train, "train a model on your MIDI")
    reads(sub)
    sub.add_argument("--out", type=Path, required=True, metavar="FILE.safetensors", help="checkpoint to write")
    sub.add_argument("--force", action="store_true", help="overwrite an existing checkpoint")
    sub.add_argument("--arch", choices=FAMILY_NAMES, help="architecture (default: attention)")
    sub.add_argument("--init", metavar="FILE", help="start from this checkpoint, or from `shipped`")
    sub.add_argument("--epochs", type=int, help="passes over the data (default: enough for 4,000 steps)")
    sub.add_argument("--max-minutes", type=float, help="stop after this long")
    sub.add_argument("--resume", action="store_true", help="go on from an interrupted run with the same --out")
    sub.add_argument("--latent-size", type=int, help="latent numbers for eight quarter notes (default: 128)")
    sub.add_argument("--width", type=int, help="features per token or layer (default: by architecture)")
    sub.add_argument("--depth", type=int, help="blocks each in encoder and decoder (default: by architecture)")
    sub.add_argument("--kl", type=float, help="weight of the KL term, beta")
    sub.add_argument("--l2", type=float, help="weight decay")
    sub.add_argument("--no-augmentation", action="store_true", help="train on the windows as they are")
    sub.add_argument("--learning-rate", type=float, help="peak learning rate")
    sub.add_argument("--precision", choices=("float32", "bfloat16"), default="float32", help="default: float32")
    sub.add_argument("--threads", type=int, default=1, help="processor threads (default: 1, the fastest at this size)")
    sub.add_argument("--about", default="", help="what the card says of the data: source, licence, attribution")
    draws(sub)
    prints_json(sub)

    sub = command("evaluate", _evaluate, "the model and the baselines on held-out takes")
    reads(sub)
    sub.add_argument("--split", choices=("train", "validation", "test", "all"), default="validation")
    sub.add_argument("--samples", action="store_true", help="also: are samples told from real playing? (minutes)")
    sub.add_argument("--no-baselines", action="store_true", help="the model alone")
    draws(sub)
    uses_model(sub)
    prints_json(sub)

    sub = command("info", _info, "a checkpoint's card")
    sub.add_argument("file", type=Path, nargs="?", metavar="FILE.safetensors", help="default: the shipped one")
    prints_json(sub)

    sub = command("app", _app, "start the app in a browser")
    sub.add_argument("--port", type=int, default=8501, help="default: 8501")
    sub.add_argument("--headless", action="store_true", help="do not open a browser")
    return parser


def _read_options(options: argparse.Namespace) -> ReadOptions:
    meter = None
    if options.meter:
        numerator, _, denominator = options.meter.partition("/")
        if len(options.meter) > 8 or not all(n.isascii() and n.isdigit() for n in (numerator, denominator)):
            raise UsageError(f"Expected a meter such as 6/8, got {options.meter[:40]!r}.")
        meter = int(numerator), int(denominator)
    return ReadOptions(options.channel, options.track, KitMap.parse(options.map), meter)


def _checkpoint(options: argparse.Namespace) -> Checkpoint:
    import torch

    from rhythmvae import checkpoint

    # The fastest for a model of this size, ten times so beside other work: more threads wait for each other.
    torch.set_num_threads(1)
    return checkpoint.load(options.checkpoint or checkpoint.SHIPPED)


# -- shared by commands --------------------------------------------------------


class _Batch:
    """Inputs one by one: what fails is said and kept, the rest goes on."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.read_options = _read_options(options)
        self.is_json: bool = options.json
        found = find_sources(options.inputs)
        for remark in found.remarks:
            _say(remark)
        self.sources: Sequence[Source] = found.sources
        self.outputs = output_names(self.sources)
        self.is_single = len(options.inputs) == 1 and options.inputs[0].is_file() and len(self.sources) == 1
        self.n_failed = 0
        # Read first: a file that cannot be read need not wait for torch.
        self.read = [self._try(self._read, source) for source in self.sources]

    def _read(self, source: Source) -> tuple[Groove, ImportReport]:
        groove, report = read_midi(source.read(), source.name, self.read_options)
        if not self.is_json:  # there the report says it
            for remark in report.remarks:
                _say(f"{report.name}: {remark}")
        return groove, report

    def _try(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """The result of `work`, or the sentence of its error."""
        try:
            return work(*arguments)
        except RhythmVAEError as error:
            if self.is_single:
                raise
            self.n_failed += 1
            _say(str(error))
            return str(error)

    def each(self, work: Callable[[Groove, ImportReport, str], dict[str, Any]], label: str) -> list[dict[str, Any]]:
        """An entry for every input: its name and what `work` gives, or its error."""
        entries: list[dict[str, Any]] = []
        rows = list(zip(self.sources, self.outputs, self.read, strict=True))
        for source, output, read in tqdm(rows, label, unit="file", disable=None, leave=False):
            result = read
            if not isinstance(read, str):
                result = self._try(work, *read, output)
            entries.append({"input": source.name, **({"error": result} if isinstance(result, str) else result)})
        return entries

    @property
    def status(self) -> int:
        return 1 if self.n_failed else 0


def _write(folder: Path, name: str, data: bytes, force: bool) -> None:
    path = folder / name
    try:
        if path.exists() and not force:
            raise UsageError(f"{path} exists; give --force to overwrite it, or another --out.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"Expected a folder to write to in --out, but {path} gave: {reason}.") from error


def _print_json(value: Any) -> None:
    # Escaped to ASCII: a file's name need not be text that stdout can carry.
    print(json.dumps(value, indent=1, allow_nan=False))


def _print_table(rows: list[list[str]]) -> None:
    """First row the heading, first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
        print("  ".join(cells).rstrip())


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


_SCORE_HEADING = ["hits", "F1 50ms", "F1 25ms", "timing ms", "velocity"]


def _score_cells(figures: dict[str, Any]) -> list[str]:
    return [
        str(figures["n_hits"]),
        _number(figures["f1"], 4),
        _number(figures["f1_25ms"], 4),
        _number(figures["timing_mae_ms"], 2),
        _number(figures["velocity_mae"], 2),
    ]


# -- commands ------------------------------------------------------------------


def _reconstruct(options: argparse.Namespace) -> int:
    batch = _Batch(options)
    checkpoint = _checkpoint(options)
    from rhythmvae import documents, evaluate, latent

    scores: list[Score] = []

    def work(groove: Groove, report: ImportReport, output: str) -> dict[str, Any]:
        rebuilt = latent.reconstruct(checkpoint.model, groove)
        _write(options.out, output, write_midi(rebuilt), options.force)
        score = evaluate.score(groove, rebuilt)
        scores.append(score)
        return {"output": output, "score": score.to_dict(), "report": report.to_dict()}

    entries = batch.each(work, "Reconstructing")
    total = evaluate.Score.total(scores).to_dict() if scores else None
    if options.json:
        _print_json(documents.document("reconstruct", entries, checkpoint=checkpoint.digest, total=total))
    elif total:
        done = [e for e in entries if "score" in e]
        rows = [["file", *_SCORE_HEADING]] + [[clean_text(e["input"]), *_score_cells(e["score"])] for e in done]
        _print_table([*rows, [f"all {len(done)}", *_score_cells(total)]])
    return batch.status


def _encode(options: argparse.Namespace) -> int:
    batch = _Batch(options)
    checkpoint = _checkpoint(options)
    from rhythmvae import documents, latent
    from rhythmvae.describe import describe

    def work(groove: Groove, report: ImportReport, output: str) -> dict[str, Any]:
        encoded = documents.encoded_to_dict(latent.encode(checkpoint.model, groove))
        return {"output": output, **encoded, "descriptors": describe(groove), "report": report.to_dict()}

    entries = batch.each(work, "Encoding")
    if options.json:
        _print_json(documents.document("encode", entries, checkpoint=checkpoint.digest))
    else:
        done = [e for e in entries if "windows" in e]
        rows = [["file", "steps", "windows", "latents"]]
        for e in done:
            n_latents = sum(len(w["latent"]) for w in e["windows"])
            rows.append([clean_text(e["input"]), str(e["n_steps"]), str(len(e["windows"])), str(n_latents)])
        _print_table(rows)
    return batch.status


def _decode(options: argparse.Namespace) -> int:
    from rhythmvae import documents, latent

    try:
        if str(options.latents) == "-":
            raw = sys.stdin.buffer.read(documents.MAX_LATENTS_BYTES + 1)
        else:
            with options.latents.open("rb") as file:
                raw = file.read(documents.MAX_LATENTS_BYTES + 1)
        text = raw.decode(json.detect_encoding(raw))  # a redirect on Windows may write UTF-16
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path, or no text
        raise UsageError(
            f"Expected the JSON of `encode --json` in {options.latents}, cannot read it: {error}"
        ) from None
    if len(raw) > documents.MAX_LATENTS_BYTES:
        raise UsageError(
            f"Expected at most {documents.MAX_LATENTS_BYTES >> 20} MB of JSON in {options.latents}, got more; "
            "encode fewer files at a time."
        )
    checkpoint = _checkpoint(options)
    entries = documents.parse_latents(text, checkpoint.digest)
    names = output_names([Source(e["input"], "", bytes) for e in entries])
    n_failed = 0
    for entry, name in tqdm(list(zip(entries, names, strict=True)), "Decoding", unit="file", disable=None, leave=False):
        if "error" in entry:  # it failed when it was encoded, and was said then
            continue
        try:
            frame, z = documents.encoded_from_dict(entry, checkpoint.model)
            _write(options.out, name, write_midi(latent.decode(checkpoint.model, z, frame)), options.force)
            print(name)
        except RhythmVAEError as error:
            if len(entries) == 1:
                raise
            n_failed += 1
            _say(f"{name}: {error}")
    return 1 if n_failed else 0


def _sample(options: argparse.Namespace) -> int:
    if not 1 <= options.n <= 10_000:
        raise UsageError(f"Expected --n from 1 to 10000, got {options.n}.")
    checkpoint = _checkpoint(options)
    from rhythmvae import documents, latent

    entries = []
    for index in tqdm(range(options.n), "Sampling", unit="groove", disable=None, leave=False):
        groove = latent.sample(
            checkpoint.model,
            checkpoint.prior,
            n_bars=options.bars,
            seed=options.seed * 10_000 + index,
            temperature=options.temperature,
            tempo_bpm=options.tempo,
        )
        name = f"{index + 1:04d}.mid"
        _write(options.out, name, write_midi(groove), options.force)
        entries.append({"input": None, "output": name, "n_hits": len(groove), "n_bars": groove.n_bars})
    if options.json:
        _print_json(documents.document("sample", entries, checkpoint=checkpoint.digest, seed=options.seed))
    else:
        rows = [[str(e[key]) for key in ("output", "n_bars", "n_hits")] for e in entries]
        _print_table([["file", "bars", "hits"], *rows])
    return 0


@contextmanager
def _reading() -> Iterator[Callable[[int, int], None]]:
    """A progress bar over files, as corpus.load tells of them."""
    with tqdm(desc="Reading", unit="file", disable=None, leave=False) as bar:

        def reading(done: int, n_files: int) -> None:
            bar.total = n_files
            bar.update(done - bar.n)

        yield reading


def _train(options: argparse.Namespace) -> int:
    if options.out.is_file() and not (options.force or options.resume):
        raise UsageError(f"{options.out} exists; give --force to overwrite it, or another --out.")
    read_options = _read_options(options)
    from rhythmvae import training_run

    with _reading() as reading:
        run = training_run.TrainingRun(
            options.inputs,
            options.out,
            read_options,
            training_run.settings_from(vars(options)),
            init=options.init,
            about=options.about,
            resume=options.resume,
            reading=reading,
        )
    for _, why in run.corpus.failures:
        _say(why)
    bar = tqdm(desc="Training", total=run.trainer.n_steps, initial=run.trainer.step, unit="step", disable=None)
    try:
        for progress in run.steps():
            bar.update(progress.step - bar.n)
            if progress.validation:
                figures = {"F1": progress.validation["f1"], "ms": progress.validation["timing_mae_ms"]}
                bar.set_postfix({k: f"{v:.3f}" for k, v in figures.items()})
    except KeyboardInterrupt:
        if not run.trainer.step:
            raise
        _say("stopped; keeping the best so far")
    finally:
        bar.close()
    card = run.finish()
    if options.json:
        _print_json(card)
    else:
        from rhythmvae.checkpoint import info

        print(info(card))
    return 1 if run.corpus.failures else 0


def _evaluate(options: argparse.Namespace) -> int:
    from rhythmvae import corpus

    with _reading() as reading:
        data = corpus.load(options.inputs, _read_options(options), reading)
    for _, why in data.failures:
        _say(why)
    checkpoint = _checkpoint(options)
    from rhythmvae import documents
    from rhythmvae.measure import measure, measure_samples

    samples = None
    if options.samples:
        samples = measure_samples(checkpoint.model, checkpoint.prior, data, options.split, seed=options.seed)
    rows = measure(checkpoint.model, data, options.split, seed=options.seed, baselines=not options.no_baselines)
    if options.json:
        _print_json(
            {
                "version": documents.VERSION,
                "command": "evaluate",
                "checkpoint": checkpoint.digest,
                "split": options.split,
                "seed": options.seed,
                "rows": rows,
                "samples": samples,
            }
        )
    else:
        heading = ["model", "numbers", *_SCORE_HEADING, "ghosts", "exact", "KL nats"]
        table = [
            [
                row["name"],
                str(row["numbers"]),
                *_score_cells(row["score"]),
                _number(row["score"]["ghost_recall"], 3),
                _number(row["score"]["exact_rate"], 3),
                _number(row.get("kl_nats"), 1),
            ]
            for row in rows
        ]
        _print_table([heading, *table])
        if samples is not None:
            print()
            _print_samples(samples)
    return 1 if data.failures else 0


def _print_samples(samples: dict[str, Any]) -> None:
    """How well each set of windows is told from the held-out ones, and how far samples are from any training one."""
    rows = [["told from real windows (0.5: not)", "by descriptors", "by tensor"]]
    for name, views in samples["told_apart"].items():
        cells = [f"{views[view]['mean']:.3f} +- {views[view]['interval']:.3f}" for view in ("descriptors", "tensor")]
        rows.append([name, *cells])
    _print_table(rows)
    print()
    rows = [["overlap with real windows (1: same)", "train takes", "samples"]]
    rows += [[name, f"{o['train']:.2f}", f"{o['samples']:.2f}"] for name, o in samples["overlap"].items()]
    _print_table(rows)
    nearest = samples["nearest_training_cells"]
    print(
        f"\ncells from the nearest training window, median: held-out {nearest['held_out']:.0f}, "
        f"samples {nearest['samples']:.0f}"
    )


def _info(options: argparse.Namespace) -> int:
    from rhythmvae import checkpoint

    card = checkpoint.load(options.file or checkpoint.SHIPPED).card
    if options.json:
        _print_json(card)
    else:
        print(checkpoint.info(card))
    return 0


def _app(options: argparse.Namespace) -> int:
    if not 1 <= options.port <= 65_535:
        raise UsageError(f"Expected a port from 1 to 65535, got {options.port}.")
    command = [sys.executable, "-m", "streamlit", "run", str(APP), "--server.port", str(options.port)]
    if options.headless:
        command += ["--server.headless", "true"]
    os.chdir(APP.parent)  # where .streamlit/config.toml is looked for
    os.execv(sys.executable, command)  # in our place, so that whoever stops us stops the server
