"""info: what a checkpoint says of itself."""

from __future__ import annotations

import argparse
from pathlib import Path

from rhythmvae.cli.cards import print_card
from rhythmvae.cli.parser import Commands
from rhythmvae.cli.terminal import Terminal
from rhythmvae.model.card import SHIPPED, read_card
from rhythmvae.training.config import config_of


def add_to(commands: Commands) -> None:
    parser = commands.add(
        "info", info, "print what a checkpoint says of itself: size, figures, styles, data", "mine.safetensors"
    )
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE.safetensors", help="default: the shipped one")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="print the card as JSON (docs/json.md)")
    shown.add_argument("--toml", action="store_true", help="print the options of its training, for `train --config`")


def info(options: argparse.Namespace, terminal: Terminal) -> int:
    path = options.file or SHIPPED
    card = read_card(path)
    if options.toml:
        print(config_of(card, path.name).to_toml(), end="")
        return 0
    print_card(path, card, options.json)
    return 0
