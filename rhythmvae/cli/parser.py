"""The parser of the command line: typed arguments, and the options that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rhythmvae.errors import UsageError
from rhythmvae.kit import KitMap
from rhythmvae.midi.report import ReadOptions
from rhythmvae.model.card import SHIPPED, kit_map_of, read_card

if TYPE_CHECKING:
    from rhythmvae.model.checkpoint import Checkpoint

Run = Callable[[argparse.Namespace], int]  # options -> exit status

MAX_SEED = 2**32 - 1  # training.trainer.MAX_SEED, named without importing torch


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, with the groups of options that commands share."""

    def error(self, message: str) -> Any:
        # argparse would print the whole usage first; one line is enough
        self.exit(2, f"rhythmvae: {' '.join(message.split())}; see `{self.prog} --help`\n")

    def add_inputs(self) -> None:
        """MIDI to read, and how."""
        self.add_argument("inputs", nargs="+", type=Path, metavar="IN", help="MIDI files, folders or zips")
        self.add_argument("--channel", type=int, help="read this channel, 1 to 16 (default: 10, else the likeliest)")
        self.add_argument("--track", type=int, help="read this track, from 1 (default: all)")
        self.add_argument("--map", action="append", default=[], metavar="NOTE=VOICE", help="play a note on a voice")
        self.add_argument("--meter", metavar="N/D", help="read in this meter, whatever the file says")

    def add_model(self) -> None:
        self.add_argument("--checkpoint", type=Path, metavar="FILE", help="model to use (default: the shipped one)")

    def add_output_folder(self) -> None:
        self.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
        self.add_argument("--force", action="store_true", help="overwrite existing files")

    def add_output_checkpoint(self) -> None:
        self.add_argument("--out", type=Path, required=True, metavar="FILE.safetensors", help="checkpoint to write")
        self.add_argument("--force", action="store_true", help="overwrite an existing checkpoint")

    def add_json(self) -> None:
        self.add_argument("--json", action="store_true", help="print JSON (docs/json.md) instead of a table")

    def add_seed(self) -> None:
        self.add_argument("--seed", type=seed, default=0, help="of everything random (default: 0)")


class Commands:
    """The commands of a parser, to which each module of cli.commands adds its own."""

    def __init__(self, parser: Parser) -> None:
        self._commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)

    def add(self, name: str, run: Run, summary: str) -> Parser:
        """The parser of a new command, for its options."""
        parser: Parser = self._commands.add_parser(name, help=summary, description=summary)
        parser.set_defaults(run=run)
        return parser


# -- typed arguments -----------------------------------------------------------


def seed(text: str) -> int:
    value = int(text)
    if not 0 <= value <= MAX_SEED:
        raise argparse.ArgumentTypeError(f"expected a seed from 0 to {MAX_SEED}, got {text[:40]}")
    return value


def names(text: str) -> tuple[str, ...]:
    """Names between commas, each once."""
    found = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    if not all(found):
        raise argparse.ArgumentTypeError(f"expected names with commas between them, got {text[:40]!r}")
    return found


def bars(text: str) -> tuple[int, ...]:
    """Numbers of bars between commas, each once, in order."""
    words = [word.strip() for word in text.split(",")]
    if not all(len(word) <= 9 and word.isascii() and word.isdigit() for word in words):
        raise argparse.ArgumentTypeError(f"expected bars such as 1,3, got {text[:40]!r}")
    return tuple(sorted({int(word) for word in words}))


# -- options as values ---------------------------------------------------------


def read_options(options: argparse.Namespace) -> ReadOptions:
    """How to read MIDI: the options, and of the checkpoint's own data what `--map` does not say.

    Raises:
        UsageError: a meter that is none.
        MidiError: a channel, track or rule that cannot be.
    """
    meter = None
    if options.meter:
        numerator, _, denominator = options.meter.partition("/")
        if len(options.meter) > 8 or not all(n.isascii() and n.isdigit() for n in (numerator, denominator)):
            raise UsageError(f"Expected a meter such as 6/8, got {options.meter[:40]!r}.")
        meter = int(numerator), int(denominator)
    kit = KitMap.parse(options.map)
    if getattr(options, "checkpoint", None) is not None:  # as its own data was read, unless --map says otherwise
        kit = KitMap({**kit_map_of(read_card(options.checkpoint)).overrides, **kit.overrides})
    return ReadOptions(options.channel, options.track, kit, meter)


def open_checkpoint(options: argparse.Namespace) -> Checkpoint:
    """The model of `--checkpoint`, loaded once."""
    import torch

    from rhythmvae.model import checkpoint

    # The fastest for a model of this size, ten times so beside other work: more threads wait for each other.
    torch.set_num_threads(1)
    if not hasattr(options, "loaded"):
        options.loaded = checkpoint.load(options.checkpoint or SHIPPED)
    loaded: Checkpoint = options.loaded
    return loaded
