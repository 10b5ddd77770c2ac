"""info: what a checkpoint says of itself."""

from __future__ import annotations

import argparse
from pathlib import Path

from rhythmvae.cli.parser import Commands
from rhythmvae.cli.tables import print_card
from rhythmvae.model.card import SHIPPED


def add_to(commands: Commands) -> None:
    parser = commands.add("info", info, "a checkpoint's card")
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE.safetensors", help="default: the shipped one")
    parser.add_json()


def info(options: argparse.Namespace) -> int:
    from rhythmvae.model import checkpoint

    print_card(checkpoint.load(options.file or SHIPPED).card, options.json)
    return 0
