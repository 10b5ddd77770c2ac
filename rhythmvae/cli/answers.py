"""What a model answers to grooves that are read: N files to each, and how they are said."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rhythmvae.cli import documents
from rhythmvae.cli.batch import Batch, Names, OutputFolder
from rhythmvae.cli.parser import check_model, open_checkpoint
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


def drawn(options: argparse.Namespace) -> dict[str, Any]:
    """How to draw, but for the seed, as the verbs of a model take it."""
    return {"style": options.style, "asked": dict(options.set), "temperature": options.temperature}


def open_completing(options: argparse.Namespace) -> Model:
    """The model of `--checkpoint`, which must complete grooves."""
    from rhythmvae.model.handle import Model

    model = Model(open_checkpoint(options))
    _ = model.checkpoint.completion  # a file without one is refused at once, not input by input
    return model


class Answers:
    """Files that are written in answer to inputs, as many to each as `--n` says, and how they are said."""

    def __init__(self, options: argparse.Namespace) -> None:
        limits.check_answers(options.n, options.temperature)
        limits.check_wanted(dict(options.set))
        self.options, self.out = options, OutputFolder(options)
        check_model(options)
        self.table = [["file", "bars", "hits"]]

    def check_free(self, output: str) -> None:
        """Refuse an output that exists, before any work, where it is known by then."""
        if self.options.n == 1:
            self.out.check_free([output])

    def open(self, outputs: Sequence[str]) -> Model:
        """The model of `--checkpoint`, once the names of the outputs are known."""
        model = open_completing(self.options)
        self.checkpoint: Checkpoint = model.checkpoint
        self.names = Names(outputs, self.options.n)
        return model

    def write(self, report: ImportReport, output: str, answer: Callable[[int], Groove]) -> dict[str, Any]:
        """Write the answers to an input, on its ticks, and say them; the first one is drawn by the seed itself."""
        entries, names = [], self.names.of(output)
        self.out.check_free(names)  # of several, so that not some of them are written
        for index, name in enumerate(names):
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
) -> int:
    """Answer inputs one by one; `check` refuses what cannot be answered before a model is loaded."""
    answers = Answers(options)

    def check_one(groove: Groove, output: str) -> None:
        if check is not None:
            check(groove)
        answers.check_free(output)

    batch = Batch(options, terminal, check=check_one)
    model = answers.open(batch.outputs)

    def work(groove: Groove, report: ImportReport, output: str) -> dict[str, Any]:
        return answers.write(report, output, lambda seed: answer(model, groove, seed))

    answers.print(batch.each(work, label))
    return batch.status
