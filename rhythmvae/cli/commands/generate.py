"""New grooves: sample, vary, interpolate."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from tqdm import tqdm

from rhythmvae.cli.batch import Batch, write
from rhythmvae.cli.parser import Commands, bars, names, open_checkpoint
from rhythmvae.cli.tables import number, print_json, print_table
from rhythmvae.cli.terminal import say
from rhythmvae.errors import UsageError
from rhythmvae.groove import Groove
from rhythmvae.midi.report import ImportReport
from rhythmvae.midi.write import write_midi
from rhythmvae.outputs import unique_files
from rhythmvae.text import clean_text


def add_to(commands: Commands) -> None:
    parser = commands.add("sample", sample, "new grooves from the prior")
    parser.add_argument("--n", type=int, default=1, help="how many (default: 1)")
    parser.add_argument("--bars", type=int, default=2, help="bars of 4/4 each (default: 2)")
    parser.add_argument("--temperature", type=float, default=1.0, help="0 typical, 1 as played, 2 wild (default: 1)")
    parser.add_argument("--tempo", type=float, default=120.0, metavar="BPM", help="tempo (default: 120)")
    parser.add_argument("--style", help="one of the styles of the training data (`info` lists them; default: any)")
    parser.add_seed()
    parser.add_output_folder()
    parser.add_model()
    parser.add_json()

    parser = commands.add("vary", vary, "variations, with measured sliders")
    parser.add_inputs()
    parser.add_argument("--n", type=int, default=1, help="how many of each input (default: 1)")
    parser.add_argument("--amount", type=float, default=0.5, help="0 the reconstruction, 1 a new groove (default: 0.5)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SLIDER=PLACE",
        help="0 to 1 among the training grooves: density, syncopation, swing, dynamics, looseness, loudness, "
        "density_kick, density_snare, density_hats, density_toms, density_cymbals",
    )
    parser.add_argument("--keep", type=names, default=(), metavar="kick,snare", help="voices to keep note for note")
    parser.add_argument("--keep-bars", type=bars, default=(), metavar="1,3", help="bars to keep note for note, from 1")
    parser.add_argument("--style", help="a style of the training data to go towards, by the amount (`info` lists them)")
    parser.add_seed()
    parser.add_output_folder()
    parser.add_model()
    parser.add_json()

    parser = commands.add("interpolate", interpolate, "from one groove to another in even steps")
    parser.add_inputs()
    parser.add_argument("--steps", type=int, default=8, help="grooves, the two ends included (default: 8)")
    parser.add_output_folder()
    parser.add_model()
    parser.add_json()


def sample(options: argparse.Namespace) -> int:
    if not 1 <= options.n <= 10_000:
        raise UsageError(f"Expected --n from 1 to 10000, got {options.n}.")
    checkpoint = open_checkpoint(options)
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
        write(options.out, name, write_midi(groove), options.force)
        entries.append({"input": None, "output": name, "n_hits": len(groove), "n_bars": groove.n_bars})
    if options.json:
        print_json(documents.document("sample", entries, checkpoint=checkpoint.digest, seed=options.seed))
    else:
        rows = [[str(e[key]) for key in ("output", "n_bars", "n_hits")] for e in entries]
        print_table([["file", "bars", "hits"], *rows])
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


def vary(options: argparse.Namespace) -> int:
    places = _places(options.set)
    batch = Batch(options)
    checkpoint = open_checkpoint(options)
    from rhythmvae.cli import documents
    from rhythmvae.model import generate

    generate.check(checkpoint.quantiles, options.n, options.amount, places, options.keep)
    if options.style is not None:
        checkpoint.prior.style_index(options.style)  # raises where it is none
    names = unique_files(batch.outputs)
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
            if options.n > 1:  # loop_0001.mid, or loop_0001~2.mid where another input has that name
                name = names.add(f"{output.removesuffix('.mid')}_{index + 1:04d}", ".mid")
            write(options.out, name, write_midi(variation.groove), options.force)
            settings = {key: setting.to_dict() for key, setting in variation.settings.items()}
            entries.append({"output": name, "n_hits": len(variation.groove), "settings": settings})
            cells = [f"{s.asked:.2f}: {number(s.achieved, 2)}" for s in variation.settings.values()]
            table.append([clean_text(name), str(len(variation.groove)), *cells])
        missed = {key: setting for v in varied for key, setting in v.settings.items() if not setting.is_reached}
        for key, setting in missed.items():
            why = "its hits do not define it" if setting.achieved is None else f"came to {setting.achieved:.2f}"
            say(f"{report.name}: {key} {setting.asked:.2f} is out of reach for this groove: {why}")
        return {"variations": entries, "report": report.to_dict()}

    entries = batch.each(work, "Varying")
    if options.json:
        more = {"checkpoint": checkpoint.digest, "seed": options.seed, "amount": options.amount}
        more |= {"keep": list(options.keep), "keep_bars": list(options.keep_bars), "style": options.style}
        print_json(documents.document("vary", entries, **more))
    else:
        print_table(table)
    return batch.status


def interpolate(options: argparse.Namespace) -> int:
    batch = Batch(options, needed=2)
    checkpoint = open_checkpoint(options)
    from rhythmvae.analysis.descriptors import describe
    from rhythmvae.cli import documents
    from rhythmvae.model import generate

    (first, _), (last, _) = batch.read
    entries: list[dict[str, Any]] = []
    for index, groove in enumerate(generate.interpolate(checkpoint, first, last, options.steps)):
        name = f"{index + 1:04d}.mid"
        write(options.out, name, write_midi(groove), options.force)
        ends = {0: batch.sources[0].name, options.steps - 1: batch.sources[1].name}
        entries.append(
            {"input": ends.get(index), "output": name, "n_hits": len(groove), "descriptors": describe(groove)}
        )
    if options.json:
        print_json(documents.document("interpolate", entries, checkpoint=checkpoint.digest))
    else:
        rows = [[e["output"], str(e["n_hits"]), clean_text(e["input"] or "")] for e in entries]
        print_table([["file", "hits", "end"], *rows])
    return 0
