"""The parser of the command line: its help and errors, typed arguments, and options that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from rhythmvae.audio.formats import HOW_TO_INSTALL
from rhythmvae.cli.terminal import Terminal
from rhythmvae.errors import UsageError
from rhythmvae.kit import VOICE_KEYS, KitMap
from rhythmvae.midi.report import CUTS, ReadOptions
from rhythmvae.model.card import SHIPPED, card_of, file_named, read_card, read_header, sliders_of
from rhythmvae.model.limits import (
    DEFAULT_TEMPERATURE,
    MAX_SEED,
    MAX_TEMPERATURE,
    MAX_VARIATIONS,
    WANTED,
    check_sliders,
    check_style,
)
from rhythmvae.text import did_you_mean
from rhythmvae.training.settings import PRECISIONS

if TYPE_CHECKING:
    from rhythmvae.model.checkpoint import Checkpoint

ReadConfig = Callable[[Path], dict[str, Any]]
Run = Callable[[argparse.Namespace, Terminal], int]  # -> exit status


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Help that says the default of every option that has one."""

    def format_help(self) -> str:
        self._action_max_length += 2  # argparse forgets the indent of commands and breaks the line after a long one
        return super().format_help()

    def _get_help_string(self, action: argparse.Action) -> str:
        text = action.help or ""
        takes_value = action.option_strings and action.nargs != 0
        if takes_value and action.default not in (None, "", [], ()) and "(default" not in text:
            text += f" (default: {_shown(action.default)})"
        return text


def _shown(default: Any) -> str:
    return f"{default:g}" if isinstance(default, float) else str(default)


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, with the groups of options that commands share."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**{"formatter_class": HelpFormatter, **more})
        self._read_config: ReadConfig | None = None

    def error(self, message: str) -> NoReturn:
        # argparse would print the whole usage first; one line is enough
        self.exit(2, f"rhythmvae: {' '.join(message.split())} (see `{self.prog} --help`)\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if self._subparsers is None and args is not None:  # else the options are a command's
            self._refuse_unknown_options(args)
        found = super().parse_known_args(args, namespace)
        path = getattr(found[0], "config", None)
        if self._read_config is not None and path is not None:
            self._set_defaults_from(path, self._read_config)
            found = super().parse_known_args(args, namespace)
        return found

    def _set_defaults_from(self, path: Path, read: ReadConfig) -> None:
        """Make the values in a file the defaults, which options on the command line override."""
        try:
            values = read(path)
            for action in self._actions:
                if action.dest in values:
                    self._check_value(action, values[action.dest])
        except (UsageError, argparse.ArgumentError) as error:
            self.error(str(error).rstrip("."))
        self.set_defaults(**values)

    def _refuse_unknown_options(self, args: Sequence[str]) -> None:
        """End with the nearest option for one that does not exist, which argparse would name last or not at all."""
        for word in args:
            if word == "--":
                return
            name = word.partition("=")[0]
            if name.startswith("--") and not any(known.startswith(name) for known in self._option_string_actions):
                near = did_you_mean(name, [known for known in self._option_string_actions if known.startswith("--")])
                self.error(f"unknown option {name[:40]}{near}".rstrip("."))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse what is none of an argument's choices, commands among them, with the nearest one."""
        if action.choices is not None and value not in action.choices:
            choices = [str(choice) for choice in action.choices]
            near = did_you_mean(str(value), choices).rstrip(".")
            raise argparse.ArgumentError(action, f"expected one of {', '.join(choices)}, got {str(value)[:40]!r}{near}")

    def add_inputs(self) -> None:
        """MIDI to read, and how."""
        self.add_argument("inputs", nargs="+", type=Path, metavar="IN", help="MIDI files, sounds, folders or zips")
        reading = self.add_argument_group("how the files are read")
        reading.add_argument("--channel", type=int, help="this channel, 1 to 16 (default: 10, else the likeliest)")
        reading.add_argument("--track", type=int, help="this track, from 1 (default: all)")
        reading.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="NOTE=VOICE",
            help=f"a MIDI note that plays a voice, such as 44=kick (repeatable); voices: {', '.join(VOICE_KEYS)}, none",
        )
        reading.add_argument("--meter", metavar="N/D", help="this meter, such as 6/8 (default: what the file says)")
        reading.add_argument(
            "--audio",
            action="store_true",
            help="also read sounds in folders and zips (one that is named is read)",
        )
        reading.add_argument(
            "--cut", choices=CUTS, help="cut a count-in, silence or stray notes there, where the file has them"
        )

    def add_sounds(self) -> None:
        """Sounds to read. What else says how a file is read is as it is by default."""
        self.add_argument("inputs", nargs="+", type=Path, metavar="IN", help="sounds, folders or zips")
        self.set_defaults(channel=None, track=None, map=[], cut=None, audio=True)

    def add_config(self, read: ReadConfig) -> None:
        """A file of options; `read` gives its values by the options' names."""
        self._read_config = read
        self.add_argument(
            "--config", type=Path, metavar="FILE.toml", help="options in a file; those on the command line override it"
        )

    def add_model(self) -> None:
        self.add_argument(
            "--checkpoint",
            type=file_named,
            metavar="FILE",
            help="model to use (default: the shipped one; edition-1: the one before it)",
        )

    def add_output_folder(self) -> None:
        self.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
        self.add_argument("--force", action="store_true", help="overwrite existing files")
        self.add_argument(
            "--tracks", action="store_true", help="give every drum a track of its own, named, as a DAW shows it well"
        )

    def add_output_checkpoint(self) -> None:
        self.add_argument("--out", type=Path, required=True, metavar="FILE.safetensors", help="checkpoint to write")
        self.add_argument("--force", action="store_true", help="overwrite an existing checkpoint")

    def add_json(self) -> None:
        self.add_argument("--json", action="store_true", help="print JSON (docs/json.md) instead of a table")

    def add_precision(self) -> None:
        self.add_argument("--precision", choices=PRECISIONS, default=PRECISIONS[0], help="of the arithmetic")

    def add_answers(self) -> None:
        """How to draw answers to what was read, and where to write them."""
        self.add_argument("--n", type=int, default=1, help=f"how many of each input, up to {MAX_VARIATIONS:,}")
        self.add_argument("--style", help="a style to play in; `info` lists them (default: any)")
        self.add_sliders(WANTED)
        self.add_argument(
            "--temperature",
            type=float,
            default=DEFAULT_TEMPERATURE,
            help=f"0 the one answer of least error, 1 a draw, up to {MAX_TEMPERATURE:g} wilder",
        )
        self.add_seed()
        self.add_output_folder()
        self.add_model()
        self.add_json()

    def add_sliders(self, sliders: Sequence[str]) -> None:
        self.add_argument(
            "--set",
            action="append",
            type=slider,
            default=[],
            metavar="SLIDER=QUANTILE",
            help="a slider, as a quantile among the training grooves: 0 the least, 0.5 typical, 1 the most "
            f"(repeatable); sliders: {', '.join(sliders)}",
        )

    def add_seed(self) -> None:
        self.add_argument("--seed", type=seed, default=0, help="the same seed gives the same result")


class Commands:
    """The commands of a parser, to which each module of cli.commands adds its own."""

    def __init__(self, root: Parser) -> None:
        self.root = root
        self._commands = root.add_subparsers(
            dest="command", required=True, metavar="COMMAND", title="commands", parser_class=Parser
        )

    def add(self, name: str, run: Run, summary: str, example: str) -> Parser:
        """The parser of a new command, for its options; `example` stands in its help, without the program's name."""
        parser: Parser = self._commands.add_parser(
            name, help=summary, description=_sentence(summary), epilog=f"example:\n  rhythmvae {name} {example}"
        )
        parser.add_argument("-q", "--quiet", action="store_true", help="no progress bars and no remarks, only errors")
        parser.set_defaults(run=run)
        return parser


def _sentence(summary: str) -> str:
    return f"{summary[0].upper()}{summary[1:]}."


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


def bar_ranges(text: str) -> tuple[int, ...]:
    """Numbers of bars and ranges of them between commas, such as 1,3-4, each bar once, in order."""
    found: set[int] = set()
    for word in text.split(","):
        first, dash, last = (part.strip() for part in word.partition("-"))
        ends = (first, last if dash else first)
        if not all(len(end) <= 5 and end.isascii() and end.isdigit() for end in ends) or int(ends[0]) > int(ends[1]):
            raise argparse.ArgumentTypeError(f"expected bars such as 1,3-4, got {text[:40]!r}")
        found |= set(range(int(ends[0]), int(ends[1]) + 1))
    return tuple(sorted(found))


def slider(text: str) -> tuple[str, float]:
    """A slider and its quantile, such as density=0.4."""
    name, _, quantile = text.partition("=")
    try:
        return name.strip(), float(quantile)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected --set such as density=0.4, got {text[:40]!r}") from None


# -- options as values ---------------------------------------------------------


def read_options(options: argparse.Namespace) -> ReadOptions:
    """How to read MIDI: the options, and of the checkpoint's own data what `--map` does not say.

    Raises:
        UsageError: a meter, channel, track or rule that cannot be; sounds without the library that reads them.
        CheckpointError: a checkpoint whose card cannot be read.
    """
    if options.audio and find_spec("soundfile") is None:  # said once, and not for each of a folder's sounds
        raise UsageError(f"Expected the package soundfile to read sounds, which is not installed; {HOW_TO_INSTALL}.")
    meter = None
    if options.meter:
        numerator, _, denominator = options.meter.partition("/")
        if len(options.meter) > 8 or not all(n.isascii() and n.isdigit() for n in (numerator, denominator)):
            raise UsageError(f"Expected a meter such as 6/8, got {options.meter[:40]!r}.")
        meter = int(numerator), int(denominator)
    kit = KitMap.parse(options.map)
    if getattr(options, "checkpoint", None) is not None:  # as its own data was read, unless --map says otherwise
        kit = KitMap({**read_card(options.checkpoint).reading.kit_map.overrides, **kit.overrides})
    tap_lanes = 1 + options.hands if "hands" in options else None
    return ReadOptions(options.channel, options.track, kit, meter, options.cut, tap_lanes, options.audio)


def open_checkpoint(options: argparse.Namespace) -> Checkpoint:
    """The model of `--checkpoint`."""
    import torch

    from rhythmvae.model import checkpoint

    # The fastest for a model of this size, ten times so beside other work: more threads wait for each other.
    torch.set_num_threads(1)
    return checkpoint.load(options.checkpoint or SHIPPED)


def check_model(options: argparse.Namespace) -> None:
    """Refuse a style or sliders that the model does not know, by the header of its file alone."""
    path = options.checkpoint or SHIPPED
    header = read_header(path)
    if options.style is not None:
        check_style(options.style, card_of(header, path.name).styles)
    check_sliders([name for name, _ in getattr(options, "set", [])], sliders_of(header))
