"""Figures: evaluate for a model, compare for architectures and baselines on the same takes."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from rhythmvae.cli import documents
from rhythmvae.cli.batch import check_no_file, say_unread
from rhythmvae.cli.parser import Commands, names, open_checkpoint, read_options
from rhythmvae.cli.tables import SCORE_HEADING, number, print_json, print_table, score_cells
from rhythmvae.cli.terminal import Terminal, say
from rhythmvae.errors import TrainingError

if TYPE_CHECKING:
    from rhythmvae.data.corpus import OnProgress


def add_to(commands: Commands) -> None:
    parser = commands.add(
        "evaluate", evaluate, "measure the model and the baselines on held-out takes", "groove-v1.0.0-midionly.zip"
    )
    parser.add_inputs()
    parser.add_argument(
        "--split", choices=("train", "validation", "test", "all"), default="validation", help="takes to judge by"
    )
    parser.add_argument("--drummers", type=names, default=(), metavar="5,7", help="judge takes by these drummers alone")
    parser.add_argument(
        "--samples", action="store_true", help="also: can samples be told from real playing? (some minutes)"
    )
    parser.add_argument(
        "--control", action="store_true", help="also: do sliders and interpolations do what is asked? (10 minutes)"
    )
    parser.add_argument(
        "--complete", action="store_true", help="also: how well are parts of grooves completed? (10 minutes)"
    )
    parser.add_argument("--no-baselines", action="store_true", help="the model alone")
    parser.add_seed()
    parser.add_model()
    parser.add_json()

    parser = commands.add(
        "compare",
        compare,
        "train architectures and baselines on the same takes with the same budget, and print one table",
        "groove-v1.0.0-midionly.zip --minutes 8 --only rhythmvae,cnn,pca",
    )
    parser.add_inputs()
    parser.add_argument(
        "--minutes",
        type=float,
        default=20.0,
        help="processor time to train each row with, on one thread; below about 6 the rows rank otherwise",
    )
    parser.add_argument("--unseen", type=names, default=(), metavar="5,7", help="judge by drummers never trained on")
    parser.add_argument("--only", type=names, default=(), metavar="NAME,NAME", help="these rows alone, such as cnn,pca")
    parser.add_precision()
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="keep rows and models here; rows that are here are not made again"
    )
    parser.add_seed()
    parser.add_json()


def evaluate(options: argparse.Namespace, terminal: Terminal) -> int:
    from rhythmvae.data import corpus, splits

    with terminal.counting("Reading", "file") as reading:
        data = corpus.load(options.inputs, read_options(options), reading)
    say_unread(data, terminal)
    drummers = splits.drummers_of(splits.by_drummers(data, options.drummers)[0].takes)
    checkpoint = open_checkpoint(options)
    from rhythmvae.evaluation.control import measure_control
    from rhythmvae.evaluation.reconstruction import measure, measure_samples

    chosen: dict[str, Any] = {"split": options.split, "seed": options.seed, "drummers": drummers}
    samples = measure_samples(checkpoint, data, **chosen) if options.samples else None
    control = measure_control(checkpoint, data, **chosen) if options.control else None
    completion = None
    if options.complete:
        from rhythmvae.evaluation.completion.measure import measure_completion

        with terminal.counting("Completing", "job") as on_progress:
            completion = measure_completion(checkpoint, data, **chosen, on_progress=on_progress)
    rows = measure(checkpoint.model, data, **chosen, baselines=not options.no_baselines)
    if options.json:
        print_json(
            {
                "version": documents.FIGURES_VERSION,
                "command": "evaluate",
                "checkpoint": checkpoint.digest,
                **chosen,
                "rows": rows,
                "samples": samples,
                "control": control,
                "completion": completion,
            }
        )
    else:
        heading = ["model", "dimensions", *SCORE_HEADING, "ghosts", "exact", "KL nats"]
        table = [
            [
                row["name"],
                str(row["latent_dimensions"]),
                *score_cells(row["score"]),
                number(row["score"]["ghost_recall"], 3),
                number(row["score"]["exact_rate"], 3),
                number(row.get("kl_nats"), 1),
            ]
            for row in rows
        ]
        print_table([heading, *table])
        if samples is not None:
            print()
            _print_samples(samples)
        if control is not None:
            print()
            _print_control(control)
        if completion is not None:
            print()
            _print_completion(completion)
    return 1 if data.failures else 0


def _print_control(control: dict[str, Any]) -> None:
    """How well sliders, variations and interpolations do what they are asked."""
    heading = [
        "slider",
        "asked",
        "undefined",
        "Spearman",
        "MAE",
        "last round: Spearman",
        "MAE",
        "largest leakage",
        "sd",
    ]
    rows = [heading]
    for name, own in control["sliders"].items():
        other, leak = max(own["leakage"].items(), key=lambda item: item[1], default=("-", None))
        figures = [number(own[key], 3) for key in ("spearman", "mae", "spearman_last", "mae_last")]
        rows.append([name, str(own["n"]), str(own["undefined"]), *figures, other, number(leak, 2)])
    print_table(rows)
    print()
    print_table(
        [["amount", "cells that differ"], *([amount, f"{share:.3f}"] for amount, share in control["amounts"].items())]
    )
    between = control["interpolation"]
    views = between["two_sample_accuracy"].items()
    accuracy = ", ".join(f"{view} {found['mean']:.3f} +- {found['interval']:.3f}" for view, found in views)
    print(
        f"\ninterpolations: {between['n_interpolations']}; largest step over mean step: median "
        f"{between['largest_over_mean_median']:.2f}, worst {between['largest_over_mean_worst']:.2f}, "
        f"above 2 in {between['share_above_2']:.1%}; "
        f"ends equal reconstructions: {'yes' if between['ends_equal'] else 'no'}; "
        f"two-sample accuracy of steps by {accuracy}"
    )


def _print_completion(completion: dict[str, Any]) -> None:
    """Each figure beside its floors, and by what protocol."""
    strange = [{**own, "job": f"{own['job']}, unseen drummers"} for own in completion["unseen_drummers"] or []]
    rows = [["job", "figure", "n", "ours", "beside it"]]
    for own in [*completion["figures"], *strange]:
        by = f" ({own['classifier']})" if own["classifier"] else ""
        beside = ", ".join(f"{name} {number(value, 3)}" for name, value in own["floors"].items())
        rows.append([own["job"], own["figure"] + by, str(own["n"]), number(own["value"], 3), beside])
    print_table(rows)
    if completion["unseen_drummers"] is None:
        print("\nNo takes that are judged are by drummers whom no training take is by.")
    for protocol in completion["protocols"].values():
        print(f"\n{protocol}")


def _print_samples(samples: dict[str, Any]) -> None:
    """Two-sample accuracy of each set of windows against held-out ones, and how far samples are from training ones."""
    rows = [["two-sample accuracy (0.5: cannot be told)", "by descriptors", "by tensor"]]
    for name, views in samples["two_sample_accuracy"].items():
        cells = [f"{views[view]['mean']:.3f} +- {views[view]['interval']:.3f}" for view in ("descriptors", "tensor")]
        rows.append([name, *cells])
    print_table(rows)
    print()
    rows = [["two-sample accuracy by", "training takes (floor)", "samples", "above the floor"]]
    for name, found in samples["classifiers"].items():
        shown = [found[key] for key in ("floor", "samples", "above_floor")]
        rows.append([name, *(f"{figure['mean']:.3f} +- {figure['interval']:.3f}" for figure in shown)])
    print_table(rows)
    print()
    rows = [["overlap with real windows (1: same)", "train takes", "samples"]]
    rows += [[name, f"{o['train']:.2f}", f"{o['samples']:.2f}"] for name, o in samples["overlap"].items()]
    print_table(rows)
    nearest = samples["nearest_training_cells"]
    print(
        f"\ncells from the nearest training window, median: held-out {nearest['held_out']:.0f}, "
        f"samples {nearest['samples']:.0f}"
    )


def compare(options: argparse.Namespace, terminal: Terminal) -> int:
    if options.out is not None:
        check_no_file(options.out)
    from rhythmvae.data import corpus
    from rhythmvae.training.entrants import Settings, contestants

    settings = Settings(options.minutes, options.seed, options.precision)
    chosen = contestants(options.only)
    with terminal.counting("Reading", "file") as reading:
        data = corpus.load(options.inputs, read_options(options), reading)
    say_unread(data, terminal)
    from rhythmvae.training.compare import Comparison, divide

    division = divide(data, options.unseen, options.seed)
    n_failed = len(data.failures)
    rows: list[dict[str, Any]] = []
    control = None
    with TemporaryDirectory() if options.out is None else nullcontext(options.out) as folder:
        comparison = Comparison(division, settings, Path(folder))
        comparison.check(chosen)
        try:
            for contestant in chosen:
                try:
                    with _budget_bar(terminal, contestant.name) as (on_stage, on_progress):
                        rows.append(comparison.row(contestant, on_stage, on_progress))
                except TrainingError as error:
                    n_failed += 1
                    say(f"{contestant.name}: {error}")
            control = comparison.control()
        except KeyboardInterrupt:
            if not rows:
                raise
            where = "" if options.out is None else f"; {options.out} keeps them for the next time"
            terminal.remark(f"stopped; the table has the rows that are finished{where}")
    if options.json:
        print_json(
            {
                "version": documents.FIGURES_VERSION,
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
def _budget_bar(terminal: Terminal, name: str) -> Iterator[tuple[Callable[[str], None], OnProgress]]:
    """A progress bar over the budget of a row, for whatever reports what it does and how far it is."""
    form = "{desc} {percentage:3.0f}%|{bar}| {elapsed}"
    with terminal.bar(name, "", total=1.0, bar_format=form) as bar:

        def on_stage(doing: str) -> None:
            bar.set_description(f"{name}: {doing}")

        def on_progress(done: int, in_all: int) -> None:
            bar.update(done / in_all - bar.n)
            bar.refresh()

        yield on_stage, on_progress


def _print_comparison(rows: list[dict[str, Any]], control: dict[str, Any] | None) -> None:
    """A row for each contestant, and how to read the two-sample columns."""

    def accuracy(views: dict[str, Any] | None) -> str:
        return "-" if views is None else " / ".join(f"{views[view]['mean']:.2f}" for view in ("descriptors", "tensor"))

    heading = ["model", "dimensions", "weights", "MB", "minutes", *SCORE_HEADING[1:], "KL nats"]
    table = [[*heading, "rebuilt", "samples", "decode ms"]]
    for row in rows:
        views = row["two_sample_accuracy"] or {}
        table.append(
            [
                row["name"],
                str(row["latent_dimensions"]),
                "-" if row["parameters"] is None else f"{row['parameters']:,}",
                number(row["megabytes"], 1),
                number(row["train_minutes"], 1),
                *score_cells(row["score"])[1:],
                number(row["kl_nats"], 1),
                accuracy(views.get("reconstructions")),
                accuracy(views.get("samples")),
                number(row["decode_ms"], 2),
            ]
        )
    print_table(table)
    print("\nMB: the checkpoint, VAE and prior. decode ms: two bars, one thread.")
    print(
        "rebuilt, samples: two-sample accuracy against real windows, by descriptors / by tensor (0.5: cannot be told)."
    )
    print(f"Two halves of the real takes: {accuracy(control)}")
