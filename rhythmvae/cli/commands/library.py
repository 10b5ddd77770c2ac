"""index and search: a collection of files, and what in it is like a groove."""

from __future__ import annotations

import argparse
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rhythmvae.cli import documents
from rhythmvae.cli.parser import Commands, names, open_checkpoint, read_options
from rhythmvae.cli.tables import number, print_json, print_table
from rhythmvae.cli.terminal import Terminal, say
from rhythmvae.data.reading import read_file
from rhythmvae.errors import UsageError
from rhythmvae.model import outline
from rhythmvae.model.card import SHIPPED
from rhythmvae.text import clean_text, counted

if TYPE_CHECKING:
    from rhythmvae.library.asking import Filters
    from rhythmvae.library.search import Result

MAX_RESULTS = 1_000
MAX_PROCESSES = 256
OF_LIKE = ("by", "as_is", "tempo", "density", "meter", "style", "feel", "plays", "folder")  # that --like takes alone
HEADING = ["distance", "file", "bars", "BPM", "meter", "style", "feel", "is", "same"]


def add_to(commands: Commands) -> None:
    parser = commands.add(
        "index",
        index,
        "read a collection of MIDI into a library that can be searched; again, and only what is new is read",
        "loops/ more.zip --library drums.library",
    )
    parser.add_inputs()
    parser.add_argument("--library", type=Path, required=True, metavar="LIB", help="folder of the library")
    parser.add_argument(
        "--processes", type=int, metavar="N", help="processes that read and encode (default: as many as cores)"
    )
    parser.add_argument(
        "--engine", metavar="ADDRESS", help="have the workers of a Dask scheduler read, such as tcp://10.0.0.5:8786"
    )
    parser.add_json()
    parser.add_model()

    parser = commands.add(
        "search",
        search,
        "find what in a library is like a groove, or what in it is there twice",
        "drums.library --like groove.mid --by kick,snare --tempo 90-110",
    )
    parser.add_argument("library", type=Path, metavar="LIB", help="folder of a library that `index` made")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--like", type=Path, metavar="IN", help="a MIDI file, or a sound, that results are like")
    what.add_argument(
        "--duplicates", action="store_true", help="what is there twice, or nearly, and could go; nothing is deleted"
    )
    parser.add_argument(
        "--by", type=names, default=(), metavar="VOICES", help="these voices or groups alone, such as kick,snare"
    )
    parser.add_argument("--as-is", action="store_true", help="not turned within the bar, nor at half or double time")
    parser.add_argument("--n", type=int, default=10, help=f"results, up to {MAX_RESULTS:,}")
    filters = parser.add_argument_group("what a result must be")
    filters.add_argument("--tempo", type=span, metavar="LOW-HIGH", help="BPM, such as 90-110 or 174")
    filters.add_argument("--density", type=span, metavar="LOW-HIGH", help="hits a quarter note")
    filters.add_argument("--meter", type=names, default=(), metavar="N/D", help="meters, such as 4/4,12/8")
    filters.add_argument("--style", type=names, default=(), metavar="STYLE", help="styles, as `describe` names them")
    filters.add_argument("--feel", type=names, default=(), metavar="FEEL", help="all of these feels, such as shuffle")
    filters.add_argument("--plays", choices=("beat", "fill"), help="beats alone, or fills alone")
    filters.add_argument("--folder", metavar="DIR", help="a folder of the collection")
    parser.add_json()
    parser.add_model()


def index(options: argparse.Namespace, terminal: Terminal) -> int:
    """Bring a library up to date."""
    from rhythmvae.library import index as library

    processes = options.processes if options.processes is not None else _n_cores()
    if not 1 <= processes <= MAX_PROCESSES:
        raise UsageError(f"Expected --processes from 1 to {MAX_PROCESSES}, got {processes}.")
    if options.engine is not None and options.processes is not None:
        raise UsageError("Expected --processes or --engine, got both: an engine has as many as its workers.")
    # Without the network: a run over what is known needs no torch, which takes longer than 10,000 files.
    how, digest = read_options(options), outline.read(options.checkpoint or SHIPPED).digest
    with terminal.counting("Indexing", "file") as on_progress:
        done = library.index(
            options.inputs,
            options.library,
            options.checkpoint or SHIPPED,
            digest,
            how,
            n_processes=processes,
            engine=options.engine,
            on_progress=on_progress,
        )
    for _, error in done.failed:
        say(error)
    found = {name: getattr(done, name) for name in ("n_files", "n_read", "n_unchanged", "n_removed")}
    if options.json:
        failed = [{"input": path, "error": error} for path, error in done.failed]
        head = {"version": documents.VERSION, "command": "index", "library": str(options.library)}
        print_json({**head, "checkpoint": digest, **found, "failed": failed})
    else:
        print_table([[name.removeprefix("n_") for name in found], [f"{n:,}" for n in found.values()]])
    return 1 if done.failed else 0


def search(options: argparse.Namespace, terminal: Terminal) -> int:
    """Results that are like a groove, or a report of duplicates."""
    if not options.duplicates:
        return _like(options, terminal)
    for name in OF_LIKE:
        if getattr(options, name):
            raise UsageError(
                f"Expected --duplicates alone, got --{name.replace('_', '-')} too: the report is of all the library."
            )
    return _duplicates(options)


def _like(options: argparse.Namespace, terminal: Terminal) -> int:
    from rhythmvae.library.asking import ALL_VOICES, asked, voices_named
    from rhythmvae.library.index import check_model
    from rhythmvae.library.search import opened

    if not 1 <= options.n <= MAX_RESULTS:
        raise UsageError(f"Expected --n from 1 to {MAX_RESULTS:,}, got {options.n}.")
    voices = voices_named(options.by) if options.by else ALL_VOICES
    filters = _filters(options)
    with opened(options.library) as library:
        groove, _ = read_file(options.like, library.reading_of(options.like))
        checkpoint = open_checkpoint(options)
        check_model(library.store, checkpoint.digest)
        wanted = asked(groove, checkpoint.model.config.layers, voices, as_it_is=options.as_is)
        results = library.search(wanted, checkpoint.model, filters, options.n)
        unknown = library.without(filters)
    for sentence in unknown:
        terminal.remark(sentence)
    if options.json:
        head = {"version": documents.VERSION, "command": "search", "library": str(options.library)}
        print_json({**head, "like": str(options.like), "results": [_said(result) for result in results]})
    else:
        print_table([HEADING, *(_cells(result) for result in results)])
        if not results and not unknown:
            terminal.remark("Nothing in the library passes these filters.")
    return 0


def _filters(options: argparse.Namespace) -> Filters:
    from rhythmvae.library.asking import Filters

    plays = () if options.plays is None else (options.plays,)
    return Filters(options.tempo, options.density, options.meter, options.style, plays, options.feel, options.folder)


def _said(result: Result) -> dict[str, Any]:
    return {
        "path": result.path,
        "bars": list(result.bars),
        "distance": result.distance,
        "duplicates": list(result.duplicates),
        "folder": str(result.folder),
        "turned": result.turned,
        "rate": result.rate,
        "tempo": result.tempo,
        "meter": result.meter,
        "style": result.style or None,
        "feel": list(result.feel),
        "n_bars": result.n_bars,
    }


def _cells(result: Result) -> list[str]:
    first, last = result.bars
    how = [f"turned by {counted(result.turned, '16th')}"] if result.turned else []
    how += [{0.5: "at half time", 2.0: "at double time"}[result.rate]] if result.rate != 1.0 else []
    return [
        number(result.distance, 3),
        clean_text(result.path),
        f"{first}-{last}" if last > first else str(first),
        number(result.tempo, 1),
        result.meter,
        result.style or "?",
        ", ".join(result.feel) or "-",
        ", ".join(how) or "as it is",
        str(len(result.duplicates)),
    ]


def _duplicates(options: argparse.Namespace) -> int:
    from rhythmvae.library.duplicates import report
    from rhythmvae.library.store import Store, undamaged

    with undamaged(options.library), closing(Store(options.library)) as store:
        groups = report(store)
    if options.json:
        rows = [{"kind": group.kind, "keep": group.keep, "could_go": list(group.could_go)} for group in groups]
        head = {"version": documents.VERSION, "command": "search", "library": str(options.library)}
        print_json({**head, "duplicates": rows})
        return 0
    rows_of = [[group.kind, clean_text(group.keep), clean_text(path)] for group in groups for path in group.could_go]
    print_table([["kind", "keep", "could go"], *rows_of])
    return 0


def _n_cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return min(len(affinity(0)) if affinity else os.cpu_count() or 1, MAX_PROCESSES)


def span(text: str) -> tuple[float, float]:
    """Two numbers with a dash between them, or one.

    >>> span("90-110"), span("174")
    ((90.0, 110.0), (174.0, 174.0))
    """
    low, dash, high = text.partition("-")
    try:
        found = float(low), float(high if dash else low)
    except ValueError:
        found = 1.0, 0.0
    if not 0 <= found[0] <= found[1] < 1e6:
        raise argparse.ArgumentTypeError(f"expected a range such as 90-110, got {text[:40]!r}")
    return found
