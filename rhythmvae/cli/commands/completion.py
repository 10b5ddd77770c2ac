"""completion: what a shell needs to complete commands and options when Tab is pressed."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rhythmvae.cli.commands import complete, feel
from rhythmvae.cli.parser import Commands, Parser
from rhythmvae.cli.terminal import Terminal
from rhythmvae.kit import GROUPS, VOICE_KEYS
from rhythmvae.model import limits
from rhythmvae.model.card import file_named, read_card

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
    import shtab

    values = {"style": read_card().styles, "keep": VOICE_KEYS}
    named = {complete.DRUMS: tuple(dict.fromkeys((*VOICE_KEYS, *GROUPS))), feel.FEEL: limits.FEEL}
    for action in _arguments(root):
        if action.type in (Path, file_named):
            action.complete = shtab.DIRECTORY if action.metavar == "DIR" else shtab.FILE  # type: ignore[attr-defined]
        elif action.dest in values or action.metavar in named:
            action.choices = named.get(str(action.metavar), values.get(action.dest))
    print(shtab.complete(root, options.shell))
    return 0


def _arguments(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The arguments of a parser and of all its commands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _arguments(command)
        else:
            yield action
