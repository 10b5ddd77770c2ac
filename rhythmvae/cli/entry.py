"""The program: one command, its exit status, and one line on stderr where it cannot be.

stdout holds the table or the JSON and nothing else; progress bars and messages go to stderr, bars
only where it is a terminal. Exit status: 0 all went well (a training run stopped by Ctrl-C with
something to keep included); 1 some inputs of several failed, each with its line; 2 bad usage or
input, with one line that says what to do.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from rhythmvae import __version__
from rhythmvae.cli.commands import (
    app,
    complete,
    completion,
    describe,
    evaluate,
    feedback,
    feel,
    generate,
    info,
    labels,
    library,
    reconstruct,
    reviews,
    train,
    transcribe,
    worker,
)
from rhythmvae.cli.parser import Commands, Parser
from rhythmvae.cli.terminal import Terminal, say
from rhythmvae.errors import RhythmVAEError


def build_parser() -> Parser:
    """The parser with every command."""
    parser = Parser(
        prog="rhythmvae",
        description="Play with the latent space of drums.",
        epilog="`rhythmvae COMMAND --help` lists the options of a command and shows an example.",
    )
    parser.add_argument("--version", action="version", version=f"rhythmvae {__version__}", help="print the version")
    commands = Commands(parser)
    for theme in (
        reconstruct,
        generate,
        complete,
        feel,
        transcribe,
        describe,
        labels,
        library,
        train,
        evaluate,
        info,
        app,
        worker,
        feedback,
        reviews,
        completion,
    ):
        theme.add_to(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = build_parser().parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that the terminal cannot show is no reason to fail
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status: int = options.run(options, Terminal(options.quiet))
        sys.stdout.flush()
        return status
    except RhythmVAEError as error:
        say(str(error))
        return 2
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        with open(os.devnull, "w") as nowhere:  # or Python would complain when it flushes at its end
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        say("interrupted")
        return 130
