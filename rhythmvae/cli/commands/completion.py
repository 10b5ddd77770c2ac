"""completion: what a shell needs to complete commands and options when Tab is pressed."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from rhythmvae.cli.parser import Commands, Parser
from rhythmvae.cli.terminal import Terminal
from rhythmvae.errors import UsageError
from rhythmvae.kit import VOICE_KEYS
from rhythmvae.model.card import read_card, styles_of

SHELLS = ("bash", "zsh", "fish")


def add_to(commands: Commands) -> None:
    parser = commands.add(
        "completion",
        partial(completion, commands.root),
        "print a script that lets a shell complete commands and options",
        'bash > ~/.local/share/bash-completion/completions/rhythmvae\n  eval "$(rhythmvae completion bash)"',
    )
    parser.add_argument("shell", choices=SHELLS, help="the shell that reads the script")


def completion(root: Parser, options: argparse.Namespace, terminal: Terminal) -> int:
    try:
        import shtab
    except ImportError as error:
        raise UsageError("Expected the package shtab, which writes the script; `pip install shtab` adds it.") from error

    _add_values(root, shtab.FILE, shtab.DIRECTORY)
    print(shtab.complete(root, options.shell))
    return 0


def _add_values(parser: argparse.ArgumentParser, files: object, folders: object) -> None:
    """Say which arguments of a parser and its commands are files, folders or names."""
    values = {"style": styles_of(read_card()), "keep": VOICE_KEYS}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _add_values(command, files, folders)
        elif action.type is Path:
            action.complete = folders if action.metavar == "DIR" else files  # type: ignore[attr-defined]
        elif action.dest in values:
            action.choices = values[action.dest]
