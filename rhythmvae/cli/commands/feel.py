"""The same hits as another would play them: humanize, transplant."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rhythmvae.cli.answers import Answers, answer_each, drawn
from rhythmvae.cli.batch import Batch
from rhythmvae.cli.parser import Commands, names, read_options
from rhythmvae.cli.terminal import Terminal
from rhythmvae.data.files import output_names
from rhythmvae.data.reading import read_file
from rhythmvae.errors import UsageError
from rhythmvae.groove import Groove
from rhythmvae.model import limits

if TYPE_CHECKING:
    from rhythmvae.model.handle import Model

FEEL = "timing|velocity"


def add_to(commands: Commands) -> None:
    parser = commands.add(
        "humanize",
        humanize,
        "give the hits of grooves a new timing and new velocities, as somebody would play them",
        "stiff.mid --amount 0.7 --style funk --out played",
    )
    parser.add_inputs()
    parser.add_argument("--timing", type=float, metavar="0..1", help="how far to the new timing (default: 1)")
    parser.add_argument("--velocity", type=float, metavar="0..1", help="how far to the new velocities (default: 1)")
    parser.add_argument("--amount", type=float, metavar="0..1", help="both at once")
    parser.add_argument(
        "--keep",
        type=names,
        default=(),
        metavar=FEEL,
        help="what of the input is good and is gone by: timing, velocity",
    )
    parser.add_argument("--after", type=Path, metavar="OTHER", help="a MIDI file that is played as these should be")
    parser.add_answers()

    parser = commands.add(
        "transplant",
        transplant,
        "write the hits of a groove as another groove is played, or as many as that has",
        "mine.mid theirs.mid --what feel --out both",
    )
    parser.add_inputs()
    parser.add_argument(
        "--what",
        choices=limits.TRANSPLANTS,
        default=limits.TRANSPLANTS[0],
        help="feel: the first one's hits with timing and velocity of the second; "
        "density: with as many hits a quarter note",
    )
    parser.add_answers()


def humanize(options: argparse.Namespace, terminal: Terminal) -> int:
    both = 1.0 if options.amount is None else options.amount
    timing, velocity = (both if amount is None else amount for amount in (options.timing, options.velocity))
    limits.check_feel(timing, velocity, options.keep)
    if options.amount is not None and options.timing is not None and options.velocity is not None:
        raise UsageError("Expected --amount for both, or --timing and --velocity, got all three.")
    after = None if options.after is None else read_file(options.after, read_options(options))[0]

    def answer(model: Model, groove: Groove, seed: int) -> Groove:
        asked = {"timing": timing, "velocity": velocity, "keep": options.keep, "after": after}
        return model.humanize(groove, **asked, **drawn(options), seed=seed)

    return answer_each(options, terminal, answer, "Humanizing")


def transplant(options: argparse.Namespace, terminal: Terminal) -> int:
    answers = Answers(options)
    batch = Batch(options, terminal, needed=2)
    [(groove, report), (other, _)] = batch.read
    output = Path(output_names(batch.sources[:1])[0]).name
    answers.check_free(output)
    model = answers.open([output])

    def answer(seed: int) -> Groove:
        return model.transplant(groove, other, options.what, **drawn(options), seed=seed)

    entry = {"input": batch.sources[0].name, "other": batch.sources[1].name}
    answers.print([{**entry, **answers.write(report, output, answer)}])
    return batch.status
