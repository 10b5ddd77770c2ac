"""info: what a checkpoint says of itself."""

from __future__ import annotations

import argparse
from pathlib import Path

from rhythmvae.cli.cards import print_card
from rhythmvae.cli.parser import Commands
from rhythmvae.cli.terminal import Terminal
from rhythmvae.model.card import SHIPPED, read_card


def add_to(commands: Commands) -> None:
    parser = commands.add(
        "info", info, "print what a checkpoint says of itself: size, figures, styles, data", "mine.safetensors"
    )
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE.safetensors", help="default: the shipped one")
    parser.add_json()


def info(options: argparse.Namespace, terminal: Terminal) -> int:
    path = options.file or SHIPPED
    print_card(path, read_card(path), options.json)
    return 0
