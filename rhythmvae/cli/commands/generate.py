"""New grooves: sample, vary, interpolate."""

from __future__ import annotations

import argparse
from typing import Any

from rhythmvae.analysis.descriptors import SLIDERS
from rhythmvae.cli import documents
from rhythmvae.cli.batch import Batch, Names, OutputFolder
from rhythmvae.cli.parser import Commands, bars, check_model, names, open_checkpoint
from rhythmvae.cli.tables import number, print_json, print_table
from rhythmvae.cli.terminal import Terminal
from rhythmvae.errors import UsageError
from rhythmvae.groove import DEFAULT_TEMPO_BPM, Groove
from rhythmvae.kit import VOICE_KEYS
from rhythmvae.midi.report import ImportReport
from rhythmvae.model import limits
from rhythmvae.text import clean_text

MAX_SAMPLES = 10_000
DEFAULT_STEPS = 8  # of an interpolation


def add_to(commands: Commands) -> None:
    parser = commands.add(
        "sample", sample, "write new grooves, drawn from the prior", "--n 20 --bars 4 --style funk --out new"
    )
    parser.add_argument("--n", type=int, default=1, help=f"how many, up to {MAX_SAMPLES:,}")
    parser.add_argument("--bars", type=int, default=limits.DEFAULT_BARS, help="bars of 4/4 in each")
    parser.add_argument(
        "--temperature",
        type=float,
        default=limits.DEFAULT_TEMPERATURE,
        help=f"0 typical, 1 as varied as the training grooves, up to {limits.MAX_TEMPERATURE:g} wilder",
    )
    parser.add_argument(
        "--tempo",
        type=float,
        default=DEFAULT_TEMPO_BPM,
        metavar="BPM",
        help=f"quarter notes a minute, {limits.MIN_TEMPO_BPM:g} to {limits.MAX_TEMPO_BPM:g}",
    )
    parser.add_argument("--style", help="a style of the training data; `info` lists them (default: any)")
    parser.add_seed()
    parser.add_output_folder()
    parser.add_model()
    parser.add_json()

    parser = commands.add(
        "vary",
        vary,
        "write variations of grooves, with sliders that set density, swing and more",
        "loop.mid --n 8 --amount 0.3 --set swing=0.9 --keep kick,snare --out variations",
    )
    parser.add_inputs()
    parser.add_argument("--n", type=int, default=1, help=f"how many of each input, up to {limits.MAX_VARIATIONS:,}")
    parser.add_argument(
        "--amount", type=float, default=limits.DEFAULT_AMOUNT, help="0 the reconstruction, 1 a new groove"
    )
    parser.add_sliders(SLIDERS)
    parser.add_argument(
        "--keep",
        type=names,
        default=(),
        metavar="VOICE,VOICE",
        help=f"voices that stay note for note: {', '.join(VOICE_KEYS)}",
    )
    parser.add_argument("--keep-bars", type=bars, default=(), metavar="1,3", help="bars that stay note for note")
    parser.add_argument("--style", help="a style to go towards, by the amount; `info` lists them (default: none)")
    parser.add_seed()
    parser.add_output_folder()
    parser.add_model()
    parser.add_json()

    parser = commands.add(
        "interpolate",
        interpolate,
        "write the grooves between two, in even steps",
        "a.mid b.mid --steps 8 --out between",
    )
    parser.add_inputs()
    parser.add_argument(
        "--steps",
        type=int,
        default=DEFAULT_STEPS,
        help=f"grooves, the two ends included, 2 to {limits.MAX_INTERPOLATED}",
    )
    parser.add_output_folder()
    parser.add_model()
    parser.add_json()


def sample(options: argparse.Namespace, terminal: Terminal) -> int:
    if not 1 <= options.n <= MAX_SAMPLES:
        raise UsageError(f"Expected --n from 1 to {MAX_SAMPLES}, got {options.n}.")
    limits.check_sample(options.bars, options.temperature, options.tempo)
    out = OutputFolder(options)
    outputs = [_numbered(index) for index in range(options.n)]
    out.check_free(outputs)
    check_model(options)
    checkpoint = open_checkpoint(options)
    from rhythmvae.model import generate

    entries = []
    for index, output in enumerate(terminal.each(outputs, "Sampling", "groove")):
        groove = generate.sample(
            checkpoint,
            n_bars=options.bars,
            seed=options.seed * MAX_SAMPLES + index,
            temperature=options.temperature,
            tempo_bpm=options.tempo,
            style=options.style,
        )
        out.write(output, groove)
        entries.append({"input": None, "output": output, "n_hits": len(groove), "n_bars": groove.n_bars})
    if options.json:
        made = documents.made_with(options, checkpoint.digest)
        print_json(documents.document("sample", entries, **made, seed=options.seed))
    else:
        rows = [[str(e[key]) for key in ("output", "n_bars", "n_hits")] for e in entries]
        print_table([["file", "bars", "hits"], *rows])
    return 0


def _numbered(index: int) -> str:
    return f"{index + 1:04d}.mid"


def vary(options: argparse.Namespace, terminal: Terminal) -> int:
    quantiles = dict(options.set)
    limits.check_variation(options.n, options.amount, quantiles, options.keep)
    out = OutputFolder(options)
    check_model(options)

    def check(groove: Groove, output: str) -> None:
        limits.check_kept_bars(groove, options.keep_bars)
        if options.n == 1:
            out.check_free([output])

    batch = Batch(options, terminal, check=check)
    checkpoint = open_checkpoint(options)
    from rhythmvae.model import generate

    files = Names(batch.outputs, options.n)
    table = [["file", "hits", *(f"{name} asked: achieved" for name in quantiles)]]

    def work(groove: Groove, report: ImportReport, output: str) -> dict[str, Any]:
        outputs = files.of(output)
        out.check_free(outputs)
        varied = generate.vary(
            checkpoint,
            groove,
            n=options.n,
            amount=options.amount,
            seed=options.seed,
            asked=quantiles,
            keep=options.keep,
            keep_bars=options.keep_bars,
            style=options.style,
        )
        entries = []
        for name, variation in zip(outputs, varied, strict=True):
            out.write(name, variation.groove)
            settings = {key: setting.to_dict() for key, setting in variation.settings.items()}
            entries.append({"output": name, "n_hits": len(variation.groove), "settings": settings})
            cells = [f"{s.asked:.2f}: {number(s.achieved, 2)}" for s in variation.settings.values()]
            table.append([clean_text(name), str(len(variation.groove)), *cells])
        missed = {key: setting for v in varied for key, setting in v.settings.items() if not setting.is_reached}
        for key, setting in missed.items():
            why = "its hits do not define it" if setting.achieved is None else f"achieved {setting.achieved:.2f}"
            terminal.remark(f"{report.name}: {key} {setting.asked:.2f} is out of reach for this groove: {why}")
        return {"variations": entries, "report": report.to_dict()}

    entries = batch.each(work, "Varying")
    if options.json:
        more = {"seed": options.seed, "amount": options.amount, "style": options.style}
        more |= {"keep": list(options.keep), "keep_bars": list(options.keep_bars)}
        print_json(documents.document("vary", entries, **documents.made_with(options, checkpoint.digest), **more))
    else:
        print_table(table)
    return batch.status


def interpolate(options: argparse.Namespace, terminal: Terminal) -> int:
    limits.check_interpolated(options.steps)
    out = OutputFolder(options)
    outputs = [_numbered(index) for index in range(options.steps)]
    out.check_free(outputs)
    batch = Batch(options, terminal, needed=2)
    (first, _), (last, _) = batch.read
    limits.check_ends(first, last)
    checkpoint = open_checkpoint(options)
    from rhythmvae.analysis.descriptors import describe
    from rhythmvae.model import generate

    entries: list[dict[str, Any]] = []
    inputs = [batch.sources[0].name, *[None] * (options.steps - 2), batch.sources[1].name]
    grooves = generate.interpolate(checkpoint, first, last, options.steps)
    for name, output, groove in zip(inputs, outputs, grooves, strict=True):
        out.write(output, groove)
        entries.append({"input": name, "output": output, "n_hits": len(groove), "descriptors": describe(groove)})
    if options.json:
        made = documents.made_with(options, checkpoint.digest)
        print_json(documents.document("interpolate", entries, **made))
    else:
        rows = [[e["output"], str(e["n_hits"]), clean_text(e["input"] or "")] for e in entries]
        print_table([["file", "hits", "end"], *rows])
    return 0
