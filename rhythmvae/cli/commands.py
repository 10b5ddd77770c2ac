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
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from rhythmvae.data.files import Source, find_sources, output_names
from rhythmvae.errors import RhythmVAEError, ShareError, TrainingError, UsageError
from rhythmvae.groove import Groove
from rhythmvae.kit import KitMap
from rhythmvae.midi.read import read_midi
from rhythmvae.midi.report import ImportReport, ReadOptions
from rhythmvae.midi.write import write_midi
from rhythmvae.resources import APP
from rhythmvae.text import clean_text

if TYPE_CHECKING:
    from rhythmvae.analysis.metrics import Score
    from rhythmvae.model.checkpoint import Checkpoint
    from rhythmvae.training.distributed import World
    from rhythmvae.training.run import Settings, TrainingRun
    from rhythmvae.training.trainer import Progress

# model.PRESETS and train.MAX_SEED, named without importing torch
FAMILY_NAMES = ("attention", "dense", "cnn", "gru", "lstm")
MAX_SEED = 2**32 - 1
MAX_FOLDS = 100
DATA_VARIABLE = "RHYTHMVAE_DATA"  # as ui.dataset.FOLDER_VARIABLE


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


def _names(text: str) -> tuple[str, ...]:
    """Names between commas, each once."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    if not all(names):
        raise argparse.ArgumentTypeError(f"expected names with commas between them, got {text[:40]!r}")
    return names


def _bars(text: str) -> tuple[int, ...]:
    """Numbers of bars between commas, each once, in order."""
    words = [word.strip() for word in text.split(",")]
    if not all(len(word) <= 9 and word.isascii() and word.isdigit() for word in words):
        raise argparse.ArgumentTypeError(f"expected bars such as 1,3, got {text[:40]!r}")
    return tuple(sorted({int(word) for word in words}))


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
    sub.add_argument("--style", help="one of the styles of the training data (`info` lists them; default: any)")
    draws(sub)
    writes(sub)
    uses_model(sub)
    prints_json(sub)

    sub = command("vary", _vary, "variations, with measured sliders")
    reads(sub)
    sub.add_argument("--n", type=int, default=1, help="how many of each input (default: 1)")
    sub.add_argument("--amount", type=float, default=0.5, help="0 the reconstruction, 1 a new groove (default: 0.5)")
    sub.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SLIDER=PLACE",
        help="0 to 1 among the training grooves: density, syncopation, swing, dynamics, looseness, loudness, "
        "density_kick, density_snare, density_hats, density_toms, density_cymbals",
    )
    sub.add_argument("--keep", type=_names, default=(), metavar="kick,snare", help="voices to keep note for note")
    sub.add_argument("--keep-bars", type=_bars, default=(), metavar="1,3", help="bars to keep note for note, from 1")
    sub.add_argument("--style", help="a style of the training data to go towards, by the amount (`info` lists them)")
    draws(sub)
    writes(sub)
    uses_model(sub)
    prints_json(sub)

    sub = command("interpolate", _interpolate, "from one groove to another in even steps")
    reads(sub)
    sub.add_argument("--steps", type=int, default=8, help="grooves, the two ends included (default: 8)")
    writes(sub)
    uses_model(sub)
    prints_json(sub)

    sub = command("train", _train, "train a model on your MIDI")
    reads(sub)
    sub.add_argument("--out", type=Path, required=True, metavar="FILE.safetensors", help="checkpoint to write")
    sub.add_argument("--force", action="store_true", help="overwrite an existing checkpoint")
    sub.add_argument("--arch", choices=FAMILY_NAMES, help="architecture (default: attention)")
    sub.add_argument("--init", metavar="FILE", help="go on from this checkpoint, or from `shipped`: fine-tuning")
    sub.add_argument("--epochs", type=int, help="passes over the data (default: what --steps says)")
    sub.add_argument("--steps", type=int, help="steps of the optimizer (default: 4,000, with --init 150)")
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
    sub.add_argument("--folds", type=int, help="judge by so many folds over files (default: by how many there are)")
    judging = sub.add_mutually_exclusive_group()
    judging.add_argument("--no-judging", action="store_true", help="leave out the figures beside the baselines")
    judging.add_argument("--only-judging", action="store_true", help="make them for --out, trained with these options")
    sub.add_argument("--journal", action="store_true", help="print a line of JSON for all that happens")
    sub.add_argument("--about", default="", help="what the card says of the data: source, licence, attribution")
    draws(sub)
    prints_json(sub)

    sub = command("map", _map, "draw the map of a model's training grooves anew")
    reads(sub)
    sub.add_argument("--out", type=Path, required=True, metavar="FILE.safetensors", help="checkpoint to write")
    sub.add_argument("--force", action="store_true", help="overwrite an existing checkpoint")
    sub.add_argument("--perplexity", type=float, help="how many neighbours count, 2 to 100 (default: 30)")
    draws(sub)
    uses_model(sub)
    prints_json(sub)

    sub = command("evaluate", _evaluate, "the model and the baselines on held-out takes")
    reads(sub)
    sub.add_argument("--split", choices=("train", "validation", "test", "all"), default="validation")
    sub.add_argument("--drummers", type=_names, default=(), metavar="5,7", help="judge takes by these drummers alone")
    sub.add_argument("--samples", action="store_true", help="also: are samples told from real playing? (minutes)")
    sub.add_argument("--control", action="store_true", help="also: do sliders and ways between obey? (10 minutes)")
    sub.add_argument("--no-baselines", action="store_true", help="the model alone")
    draws(sub)
    uses_model(sub)
    prints_json(sub)

    sub = command("compare", _compare, "architectures and baselines on the same takes, with the same budget")
    reads(sub)
    budget = sub.add_mutually_exclusive_group()
    budget.add_argument(
        "--minutes", type=float, default=20.0, help="of processor time to train each row, on one thread (default: 20)"
    )
    budget.add_argument("--quick", action="store_true", help="a rough table in about five minutes")
    sub.add_argument("--unseen", type=_names, default=(), metavar="5,7", help="judge by drummers never trained on")
    sub.add_argument("--only", type=_names, default=(), metavar="NAME,NAME", help="these rows alone, such as cnn,pca")
    sub.add_argument("--precision", choices=("float32", "bfloat16"), default="float32", help="default: float32")
    sub.add_argument("--out", type=Path, metavar="DIR", help="keep rows and models here; rows that are there stand")
    draws(sub)
    prints_json(sub)

    sub = command("info", _info, "a checkpoint's card")
    sub.add_argument("file", type=Path, nargs="?", metavar="FILE.safetensors", help="default: the shipped one")
    prints_json(sub)

    sub = command("app", _app, "start the app in a browser")
    sub.add_argument("--port", type=int, default=8501, help="default: 8501")
    sub.add_argument("--headless", action="store_true", help="do not open a browser")
    sub.add_argument(
        "--data", type=Path, action="append", default=[], help="folder or zip that the Train page offers (repeatable)"
    )
    return parser


def _read_options(options: argparse.Namespace) -> ReadOptions:
    meter = None
    if options.meter:
        numerator, _, denominator = options.meter.partition("/")
        if len(options.meter) > 8 or not all(n.isascii() and n.isdigit() for n in (numerator, denominator)):
            raise UsageError(f"Expected a meter such as 6/8, got {options.meter[:40]!r}.")
        meter = int(numerator), int(denominator)
    kit = KitMap.parse(options.map)
    if getattr(options, "checkpoint", None) is not None:  # as its own data was read, unless --map says otherwise
        kit = KitMap({**_checkpoint(options).kit_map.overrides, **kit.overrides})
    return ReadOptions(options.channel, options.track, kit, meter)


def _checkpoint(options: argparse.Namespace) -> Checkpoint:
    import torch

    from rhythmvae.model import checkpoint

    # The fastest for a model of this size, ten times so beside other work: more threads wait for each other.
    torch.set_num_threads(1)
    if not hasattr(options, "loaded"):
        options.loaded = checkpoint.load(options.checkpoint or checkpoint.SHIPPED)
    loaded: Checkpoint = options.loaded
    return loaded


# -- shared by commands --------------------------------------------------------


class _Batch:
    """Inputs one by one: what fails is said and kept, the rest goes on, unless all `needed` must be there."""

    def __init__(self, options: argparse.Namespace, needed: int | None = None) -> None:
        self.read_options = _read_options(options)
        self.is_json: bool = options.json
        found = find_sources(options.inputs)
        for remark in found.remarks:
            _say(remark)
        self.sources: Sequence[Source] = found.sources
        self.outputs = output_names(self.sources)
        if needed not in (None, len(self.sources)):
            raise UsageError(f"Expected {needed} files of MIDI, got {len(self.sources)}.")
        is_single = len(options.inputs) == 1 and options.inputs[0].is_file() and len(self.sources) == 1
        self.is_strict = is_single or needed is not None
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
            if self.is_strict:
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
    from rhythmvae.analysis import metrics
    from rhythmvae.cli import documents
    from rhythmvae.model import latent

    scores: list[Score] = []

    def work(groove: Groove, report: ImportReport, output: str) -> dict[str, Any]:
        rebuilt = latent.reconstruct(checkpoint.model, groove)
        _write(options.out, output, write_midi(rebuilt), options.force)
        score = metrics.score(groove, rebuilt)
        scores.append(score)
        return {"output": output, "score": score.to_dict(), "report": report.to_dict()}

    entries = batch.each(work, "Reconstructing")
    total = metrics.Score.total(scores).to_dict() if scores else None
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
    from rhythmvae.analysis.descriptors import describe
    from rhythmvae.cli import documents
    from rhythmvae.model import latent

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
    from rhythmvae.cli import documents
    from rhythmvae.model import latent

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
    from rhythmvae.cli import documents
    from rhythmvae.model import generate

    entries = []
    for index in tqdm(range(options.n), "Sampling", unit="groove", disable=None, leave=False):
        groove = generate.sample(
            checkpoint,
            n_bars=options.bars,
            seed=options.seed * 10_000 + index,
            temperature=options.temperature,
            tempo_bpm=options.tempo,
            style=options.style,
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


def _places(settings: Sequence[str]) -> dict[str, float]:
    """`density=0.4` and the like; the last word on a slider counts."""
    places = {}
    for text in settings:
        name, _, place = text.partition("=")
        try:
            places[name.strip()] = float(place)
        except ValueError:
            raise UsageError(f"Expected --set such as density=0.4, got {text[:40]!r}.") from None
    return places


def _vary(options: argparse.Namespace) -> int:
    places = _places(options.set)
    batch = _Batch(options)
    checkpoint = _checkpoint(options)
    from rhythmvae.cli import documents
    from rhythmvae.model import generate

    generate.check(checkpoint.quantiles, options.n, options.amount, places, options.keep)
    if options.style is not None:
        checkpoint.prior.style_index(options.style)  # raises where it is none
    names = set(batch.outputs)
    table = [["file", "hits", *(f"{name} asked: achieved" for name in places)]]

    def work(groove: Groove, report: ImportReport, output: str) -> dict[str, Any]:
        varied = generate.vary(
            checkpoint,
            groove,
            n=options.n,
            amount=options.amount,
            seed=options.seed,
            asked=places,
            keep=options.keep,
            keep_bars=options.keep_bars,
            style=options.style,
        )
        entries = []
        for index, variation in enumerate(varied):
            name = output
            if options.n > 1:
                name = _numbered(output, index + 1, names)
            _write(options.out, name, write_midi(variation.groove), options.force)
            settings = {key: setting.to_dict() for key, setting in variation.settings.items()}
            entries.append({"output": name, "n_hits": len(variation.groove), "settings": settings})
            cells = [f"{s.asked:.2f}: {_number(s.achieved, 2)}" for s in variation.settings.values()]
            table.append([clean_text(name), str(len(variation.groove)), *cells])
        missed = {key: setting for v in varied for key, setting in v.settings.items() if not setting.is_reached}
        for key, setting in missed.items():
            why = "its hits do not define it" if setting.achieved is None else f"came to {setting.achieved:.2f}"
            _say(f"{report.name}: {key} {setting.asked:.2f} is out of reach for this groove: {why}")
        return {"variations": entries, "report": report.to_dict()}

    entries = batch.each(work, "Varying")
    if options.json:
        more = {"checkpoint": checkpoint.digest, "seed": options.seed, "amount": options.amount}
        more |= {"keep": list(options.keep), "keep_bars": list(options.keep_bars), "style": options.style}
        _print_json(documents.document("vary", entries, **more))
    else:
        _print_table(table)
    return batch.status


def _numbered(output: str, number: int, taken: set[str]) -> str:
    """`loop.mid` as `loop_0001.mid`, or `loop_0001~2.mid` where another input has that name."""
    stem = f"{output.removesuffix('.mid')}_{number:04d}"
    name, count = f"{stem}.mid", 1
    while name in taken:
        count += 1
        name = f"{stem}~{count}.mid"
    taken.add(name)
    return name


def _interpolate(options: argparse.Namespace) -> int:
    batch = _Batch(options, needed=2)
    checkpoint = _checkpoint(options)
    from rhythmvae.analysis.descriptors import describe
    from rhythmvae.cli import documents
    from rhythmvae.model import generate

    (first, _), (last, _) = batch.read
    entries: list[dict[str, Any]] = []
    for index, groove in enumerate(generate.interpolate(checkpoint, first, last, options.steps)):
        name = f"{index + 1:04d}.mid"
        _write(options.out, name, write_midi(groove), options.force)
        ends = {0: batch.sources[0].name, options.steps - 1: batch.sources[1].name}
        entries.append(
            {"input": ends.get(index), "output": name, "n_hits": len(groove), "descriptors": describe(groove)}
        )
    if options.json:
        _print_json(documents.document("interpolate", entries, checkpoint=checkpoint.digest))
    else:
        rows = [[e["output"], str(e["n_hits"]), clean_text(e["input"] or "")] for e in entries]
        _print_table([["file", "hits", "end"], *rows])
    return 0


@contextmanager
def _counting(label: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar for whatever tells (done, in all)."""
    with tqdm(desc=label, unit=unit, disable=None, leave=False) as bar:

        def told(done: int, in_all: int) -> None:
            bar.total = in_all
            bar.update(done - bar.n)

        yield told


def _reading() -> AbstractContextManager[Callable[[int, int], None]]:
    return _counting("Reading", "file")


def _map(options: argparse.Namespace) -> int:
    if options.out.exists() and not options.force:
        raise UsageError(f"{options.out} exists; give --force to overwrite it, or another --out.")
    from rhythmvae.data import corpus

    with _reading() as reading:
        data = corpus.load(options.inputs, _read_options(options), reading)
    for _, why in data.failures:
        _say(why)
    checkpoint = _checkpoint(options)
    from rhythmvae.model import latent_map
    from rhythmvae.training import run as training_run

    perplexity = latent_map.PERPLEXITY if options.perplexity is None else options.perplexity
    with _counting("Drawing the map", "part") as drawing:
        card = training_run.remap(checkpoint, data.takes, options.out, options.seed, perplexity, drawing)
    _print_card(card, options.json)
    return 1 if data.failures else 0


def _train(options: argparse.Namespace) -> int:
    if options.out.is_file() and not (options.force or options.resume or options.only_judging):
        raise UsageError(f"{options.out} exists; give --force to overwrite it, or another --out.")
    if options.folds is not None and options.folds != 0 and not 2 <= options.folds <= MAX_FOLDS:
        raise UsageError(f"Expected 2 to {MAX_FOLDS} folds, or 0 for none, got {options.folds}.")
    read_options = _read_options(options)
    from rhythmvae.training import distributed
    from rhythmvae.training import run as training_run

    settings = training_run.settings_from(vars(options))
    journal = _Journal() if options.journal else None
    try:
        with distributed.joined(settings.train.device) as world:
            run = _training_run(options, read_options, settings, world, journal)
            if not options.only_judging:
                _drive(run, journal)
            if not world.is_main:
                return 0  # whatever was unreadable: torchrun ends all processes where one reports a failure
        card: dict[str, Any] = {}
        if not options.only_judging:
            if journal:
                journal.tell("prior", done=0, of=1)  # from here on nobody may interrupt: all would be lost
            fitting = _steps_of(journal, "prior", "Fitting the prior", "step")
            with fitting as fitted, _steps_of(journal, "map", "Drawing the map") as mapped:
                card = run.finish(fitted, mapped)
        if journal:
            journal.tell("ready")
        if not options.no_judging:
            try:
                with _steps_of(journal, "judging", "Judging") as judging:
                    card = run.judge(judging, options.folds)
            except KeyboardInterrupt:
                _say("stopped; the model is there, without figures")
                return 0
    except RhythmVAEError as error:
        if journal:
            journal.tell("failed", sentence=str(error))
        raise
    if journal:
        journal.tell("done", card=card)
    else:
        _print_card(card, options.json)
    return 1 if run.corpus.failures and not journal else 0


def _training_run(
    options: argparse.Namespace,
    read_options: ReadOptions,
    settings: Settings,
    world: World,
    journal: _Journal | None,
) -> TrainingRun:
    from rhythmvae.training.run import TrainingRun

    shown = _steps_of(journal, "reading", "Reading", "file") if world.is_main else nullcontext()
    with world.main_first(), shown as reading:
        run = TrainingRun(
            options.inputs,
            options.out,
            read_options,
            settings,
            init=options.init,
            about=options.about,
            resume=options.resume,
            reading=reading,
            world=world,
            clock=_Awake() if journal else time.monotonic,
        )
    if world.is_main:
        for _, why in run.corpus.failures:
            _say(why)
    return run


def _drive(run: TrainingRun, journal: _Journal | None) -> None:
    """Train to the end, or to Ctrl-C."""
    world = run.trainer.world
    hidden = None if world.is_main and not journal else True  # None hides it where stderr is no terminal
    bar = tqdm(desc="Training", total=run.trainer.n_steps, initial=run.trainer.step, unit="step", disable=hidden)
    try:
        for progress in run.steps():
            bar.update(progress.step - bar.n)
            if progress.validation:
                figures = {"F1": progress.validation["f1"], "ms": progress.validation["timing_mae_ms"]}
                bar.set_postfix({k: f"{v:.3f}" for k, v in figures.items()})
            if journal and world.is_main:
                journal.trained(progress, run)
    except KeyboardInterrupt:
        if not run.trainer.step:
            raise
        if world.is_main:
            _say("stopped; keeping the best so far")
    finally:
        bar.close()


class _Awake:
    """Seconds on the clock, less those in which whoever reads the journal had this process stand still."""

    LONGEST = 2.0  # between two calls, for each second of processor time ten more

    def __init__(self) -> None:
        self._at, self._wall, self._processor = 0.0, time.monotonic(), time.process_time()

    def __call__(self) -> float:
        wall, processor = time.monotonic(), time.process_time()
        self._at += min(wall - self._wall, self.LONGEST + 10.0 * (processor - self._processor))
        self._wall, self._processor = wall, processor
        return self._at


class _Journal:
    """What happens in a training run, a line of JSON each (docs/json.md), for whoever started it."""

    EVERY = 0.5  # seconds between lines of one stage
    PREVIEWS = 8.0  # and between grooves to hear

    def __init__(self) -> None:
        self._told = self._heard = -math.inf

    def tell(self, stage: str, **what: object) -> None:
        print(json.dumps({"stage": stage, **what}), flush=True)  # a broken pipe ends the run: nobody waits for it

    @contextmanager
    def counting(self, stage: str) -> Iterator[Callable[[int, int], None]]:
        def told(done: int, in_all: int) -> None:
            if done == in_all or time.monotonic() - self._told >= self.EVERY:
                self._told = time.monotonic()
                self.tell(stage, done=done, of=in_all)

        yield told

    def trained(self, progress: Progress, run: TrainingRun) -> None:
        self.tell("training", **asdict(progress))
        if progress.validation is not None and time.monotonic() - self._heard >= self.PREVIEWS:
            from rhythmvae import share

            self._heard = time.monotonic()
            with suppress(ShareError):  # one too long for a text
                self.tell("preview", step=progress.step, grooves=[share.to_text(groove) for groove in run.preview()])


def _steps_of(
    journal: _Journal | None, stage: str, label: str, unit: str = "part"
) -> AbstractContextManager[Callable[[int, int], None]]:
    return journal.counting(stage) if journal else _counting(label, unit)


def _evaluate(options: argparse.Namespace) -> int:
    from rhythmvae.data import corpus, splits

    with _reading() as reading:
        data = corpus.load(options.inputs, _read_options(options), reading)
    for _, why in data.failures:
        _say(why)
    drummers = splits.drummers_of(splits.by_drummers(data, options.drummers)[0].takes)
    checkpoint = _checkpoint(options)
    from rhythmvae.cli import documents
    from rhythmvae.evaluation.control import measure_control
    from rhythmvae.evaluation.reconstruction import measure, measure_samples

    chosen: dict[str, Any] = {"split": options.split, "seed": options.seed, "drummers": drummers}
    samples = measure_samples(checkpoint, data, **chosen) if options.samples else None
    control = measure_control(checkpoint, data, **chosen) if options.control else None
    rows = measure(checkpoint.model, data, **chosen, baselines=not options.no_baselines)
    if options.json:
        _print_json(
            {
                "version": documents.VERSION,
                "command": "evaluate",
                "checkpoint": checkpoint.digest,
                **chosen,
                "rows": rows,
                "samples": samples,
                "control": control,
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
        if control is not None:
            print()
            _print_control(control)
    return 1 if data.failures else 0


def _print_control(control: dict[str, Any]) -> None:
    """How well sliders, variations and ways between grooves obey."""
    heading = [
        "slider",
        "asked",
        "undefined",
        "Spearman",
        "MAE",
        "last round: Spearman",
        "MAE",
        "most moved other",
        "sd",
    ]
    rows = [heading]
    for name, own in control["sliders"].items():
        other, leak = max(own["leakage"].items(), key=lambda item: item[1], default=("-", None))
        figures = [_number(own[key], 3) for key in ("spearman", "mae", "spearman_last", "mae_last")]
        rows.append([name, str(own["n"]), str(own["undefined"]), *figures, other, _number(leak, 2)])
    _print_table(rows)
    print()
    _print_table(
        [["amount", "cells that differ"], *([amount, f"{share:.3f}"] for amount, share in control["amounts"].items())]
    )
    paths = control["paths"]
    told = ", ".join(f"{view} {t['mean']:.3f} +- {t['interval']:.3f}" for view, t in paths["told_apart"].items())
    print(
        f"\nways between grooves: {paths['n_paths']}; largest step over mean step: median "
        f"{paths['largest_over_mean_median']:.2f}, worst {paths['largest_over_mean_worst']:.2f}, "
        f"above 2 in {paths['share_above_2']:.1%}; "
        f"ends equal reconstructions: {'yes' if paths['ends_equal'] else 'no'}; steps told from playing by {told}"
    )


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


def _compare(options: argparse.Namespace) -> int:
    from rhythmvae.data import corpus

    with _reading() as reading:
        data = corpus.load(options.inputs, _read_options(options), reading)
    for _, why in data.failures:
        _say(why)
    from rhythmvae.cli import documents
    from rhythmvae.training import compare

    budget = compare.QUICK if options.quick else {"minutes": options.minutes}
    settings = compare.Settings(seed=options.seed, precision=options.precision, **budget)
    chosen = compare.contestants(options.only)
    division = compare.divide(data, options.unseen, options.seed)
    n_failed = len(data.failures)
    rows: list[dict[str, Any]] = []
    control = None
    with TemporaryDirectory() if options.out is None else nullcontext(options.out) as folder:
        comparison = compare.Comparison(division, settings, Path(folder))
        comparison.check(chosen)
        try:
            for contestant in chosen:
                try:
                    with _telling(contestant.name) as tell:
                        rows.append(comparison.row(contestant, tell))
                except TrainingError as error:
                    n_failed += 1
                    _say(f"{contestant.name}: {error}")
            control = comparison.control()
        except KeyboardInterrupt:
            if not rows:
                raise
            where = "" if options.out is None else f"; {options.out} keeps them for the next time"
            _say(f"stopped; the table has the rows that are finished{where}")
    if options.json:
        _print_json(
            {
                "version": documents.VERSION,
                "command": "compare",
                **asdict(settings),
                "unseen": division.unseen,
                "n_train_takes": len(division.train),
                "n_judged_takes": len(division.judged),
                "rows": rows,
                "control": control,
            }
        )
    else:
        _print_comparison(rows, control)
    return 1 if n_failed else 0


@contextmanager
def _telling(name: str) -> Iterator[Callable[[str, float], None]]:
    """A progress bar over the budget of a row."""
    form = "{desc} {percentage:3.0f}%|{bar}| {elapsed}"
    with tqdm(desc=name, total=1.0, bar_format=form, disable=None, leave=False) as bar:

        def tell(doing: str, share: float) -> None:
            bar.set_description(f"{name}: {doing}", refresh=False)
            bar.update(share - bar.n)
            bar.refresh()

        yield tell


def _print_comparison(rows: list[dict[str, Any]], control: dict[str, Any] | None) -> None:
    """A row for each contestant, and how to read the two-sample columns."""

    def told(views: dict[str, Any] | None) -> str:
        return "-" if views is None else " / ".join(f"{views[view]['mean']:.2f}" for view in ("descriptors", "tensor"))

    heading = ["model", "numbers", "weights", "MB", "minutes", *_SCORE_HEADING[1:], "KL nats"]
    table = [[*heading, "rebuilt", "samples", "decode ms"]]
    for row in rows:
        views = row["told_apart"] or {}
        table.append(
            [
                row["name"],
                str(row["numbers"]),
                "-" if row["parameters"] is None else f"{row['parameters']:,}",
                _number(row["megabytes"], 1),
                _number(row["train_minutes"], 1),
                *_score_cells(row["score"])[1:],
                _number(row["kl_nats"], 1),
                told(views.get("reconstructions")),
                told(views.get("samples")),
                _number(row["decode_ms"], 2),
            ]
        )
    _print_table(table)
    print("\nMB: the checkpoint, VAE and prior. decode ms: two bars, one thread.")
    print("rebuilt, samples: how well they are told from real windows, by descriptors / by tensor (0.5: not).")
    print(f"Two halves of the real takes: {told(control)}")


def _info(options: argparse.Namespace) -> int:
    from rhythmvae.model import checkpoint

    _print_card(checkpoint.load(options.file or checkpoint.SHIPPED).card, options.json)
    return 0


def _print_card(card: dict[str, Any], is_json: bool) -> None:
    from rhythmvae.model import checkpoint

    if is_json:
        _print_json(card)
    else:
        print(checkpoint.info(card))


def _app(options: argparse.Namespace) -> int:
    if not 1 <= options.port <= 65_535:
        raise UsageError(f"Expected a port from 1 to 65535, got {options.port}.")
    for path in options.data:
        if not path.exists():
            raise UsageError(f"Expected a folder or file in --data, found nothing at {path}.")
    if options.data:
        os.environ[DATA_VARIABLE] = os.pathsep.join(str(path.resolve()) for path in options.data)
    command = [sys.executable, "-m", "streamlit", "run", str(APP), "--server.port", str(options.port)]
    if options.headless:
        command += ["--server.headless", "true"]
    os.chdir(APP.parent)  # where .streamlit/config.toml is looked for
    os.execv(sys.executable, command)  # in our place, so that whoever stops us stops the server
