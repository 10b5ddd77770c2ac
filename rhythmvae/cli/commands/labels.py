"""labels: learn from takes that say them what `describe` calls style, beat or fill, and drummer."""

from __future__ import annotations

import argparse
from pathlib import Path

from rhythmvae.cli.batch import OutputFile
from rhythmvae.cli.parser import Commands
from rhythmvae.cli.tables import number, print_table
from rhythmvae.cli.terminal import Terminal, say
from rhythmvae.outputs import cannot_write


def add_to(commands: Commands) -> None:
    parser = commands.add(
        "labels",
        labels,
        "learn the labels of `describe` anew, from takes that say their style, drummer and kind",
        "groove-v1.0.0-midionly.zip --out labels.safetensors",
    )
    parser.add_argument("data", nargs="+", type=Path, metavar="DATA", help="folders or zips with an info.csv")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.safetensors", help="file to write")
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")
    parser.add_argument("--about", default="", help="source, licence and attribution of the data, kept in the file")
    parser.add_seed()


def labels(options: argparse.Namespace, terminal: Terminal) -> int:
    OutputFile(options.out, "--out", force=options.force)
    from rhythmvae.data import corpus
    from rhythmvae.data.splits import split_takes
    from rhythmvae.model import labels as learned
    from rhythmvae.training.labels import fit

    with terminal.counting("Reading", "file") as reading:
        data = corpus.load(options.data, on_progress=reading)
    takes = split_takes(data.takes)[0] if data.has_splits else list(data.takes)
    with terminal.counting("Learning", "part") as learning:
        found = fit(takes, options.about, options.seed, learning)
    for _, why in data.failures:  # not where all that there is to say is that nothing can be learned
        say(why)
    try:
        learned.save(options.out, found)
    except OSError as error:
        raise cannot_write(options.out, error, "file") from error
    rows = [
        [f"{kind}, {name} held out", str(own["n"]), *(number(own[key], 3) for key in _COLUMNS)]
        for name, kinds in found.facts.figures.items()
        for kind, own in kinds.items()
    ]
    print_table([["label", "takes", *(key.replace("_", " ") for key in _COLUMNS)], *rows])
    return 0


_COLUMNS = ("most_frequent", "first", "first_or_second")
