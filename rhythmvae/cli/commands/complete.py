"""What a model answers to a part of a groove: continue."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rhythmvae.cli import documents
from rhythmvae.cli.batch import Batch, Names, OutputFolder
from rhythmvae.cli.parser import Commands, check_model, open_checkpoint
from rhythmvae.cli.tables import print_json, print_table
from rhythmvae.cli.terminal import Terminal
from rhythmvae.groove import Groove
from rhythmvae.midi.report import ImportReport
from rhythmvae.model import limits
from rhythmvae.text import clean_text

if TYPE_CHECKING:
    from rhythmvae.model.checkpoint import Checkpoint
    from rhythmvae.model.handle import Model

Answer = Callable[["Model", Groove, int], Groove]  # of a model, to a groove, by a seed

DEFAULT_NEW_BARS = 4


def add_to(commands: Commands) -> None:
    parser = commands.add(
        "continue", continue_, "write grooves with new bars behind their last", "loop.mid --bars 4 --n 3 --out longer"
    )
    parser.add_inputs()
    parser.add_argument("--bars", type=int, default=DEFAULT_NEW_BARS, metavar="N", help="how many new bars")
    parser.add_argument(
        "--at", type=int, metavar="BAR", help="the first new bar, counted from 1 (default: the one behind the last)"
    )
    parser.add_argument("--only-new", action="store_true", help="write the new bars alone")
    parser.add_answers()


def continue_(options: argparse.Namespace, terminal: Terminal) -> int:
    limits.check_length(options.bars)

    def answer(model: Model, groove: Groove, seed: int) -> Groove:
        return model.continued(
            groove, options.bars, at=options.at, only_new=options.only_new, **drawn(options), seed=seed
        )

    def check(groove: Groove) -> None:
        limits.check_continuation(groove, options.bars, options.at)

    return answer_each(options, terminal, answer, "Continuing", check)


# -- what these commands share -------------------------------------------------


def drawn(options: argparse.Namespace) -> dict[str, Any]:
    """How to draw, but for the seed, as the verbs of a model take it."""
    return {"style": options.style, "temperature": options.temperature}


class Answers:
    """Files that are written in answer to inputs, as many to each as `--n` says, and how they are said."""

    def __init__(self, options: argparse.Namespace) -> None:
        limits.check_answers(options.n, options.temperature)
        self.options, self.out = options, OutputFolder(options)
        check_model(options)
        self.table = [["file", "bars", "hits"]]

    def check_free(self, output: str) -> None:
        """Refuse an output that exists, before any work, where it is known by then."""
        if self.options.n == 1:
            self.out.check_free([output])

    def open(self, outputs: list[str]) -> Model:
        """The model of `--checkpoint`, once the names of the outputs are known."""
        from rhythmvae.model.handle import Model

        self.checkpoint: Checkpoint = open_checkpoint(self.options)
        _ = self.checkpoint.completion  # refuses a file without one before any input
        self.names = Names(outputs, self.options.n)
        return Model(self.checkpoint)

    def write(self, report: ImportReport, output: str, answer: Callable[[int], Groove]) -> dict[str, Any]:
        """Write the answers to an input, on its ticks, and say them; the first one is drawn by the seed itself."""
        entries = []
        for index, name in enumerate(self.names.of(output)):
            groove = answer(_seed(self.options.seed, index))
            self.out.write(name, groove, report)
            entries.append({"output": name, "n_bars": groove.n_bars, "n_hits": len(groove)})
            self.table.append([clean_text(name), str(groove.n_bars), str(len(groove))])
        return {"output": entries[0]["output"], "grooves": entries, "report": report.to_dict()}

    def print(self, entries: list[dict[str, Any]]) -> None:
        if self.options.json:
            made = documents.made_with(self.options, self.checkpoint.digest)
            print_json(documents.document(self.options.command, entries, **made))
        else:
            print_table(self.table)


def _seed(seed: int, index: int) -> int:
    """Of the answer of a number: the seed itself for the first, so that it is what a model answers by that seed."""
    return seed if index == 0 else int(np.random.default_rng([seed, index]).integers(limits.MAX_SEED + 1))


def answer_each(
    options: argparse.Namespace,
    terminal: Terminal,
    answer: Answer,
    label: str,
    check: Callable[[Groove], None] | None = None,
    **reading: Any,
) -> int:
    """Answer inputs one by one; `check` refuses what cannot be answered before a model is loaded."""
    answers = Answers(options)

    def check_one(groove: Groove, output: str) -> None:
        if check is not None:
            check(groove)
        answers.check_free(output)

    batch = Batch(options, terminal, check=check_one, **reading)
    model = answers.open(batch.outputs)

    def work(groove: Groove, report: ImportReport, output: str) -> dict[str, Any]:
        return answers.write(report, output, lambda seed: answer(model, groove, seed))

    answers.print(batch.each(work, label))
    return batch.status
